"""A charge as its own page shows it, found by the token in the page's address."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

FIND = """
SELECT c.state, c.amount_cents, c.paid_cents, c.parts, c.pay_until, c.expires_at, c.code, c.boleto_line, c.link,
       c.instalment_n, c.conversation_id, c.agreement_id IS NOT NULL AS agreed, k.name,
       (SELECT count(*)::int FROM instalment i WHERE i.agreement_id = c.agreement_id AND i.n > 0) AS instalments
FROM   charge c JOIN customer k ON k.id = c.customer_id
WHERE  c.pay_token = $1
"""
OPENED = "UPDATE charge SET opened_at = $2 WHERE pay_token = $1 AND opened_at IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePage:
    """What a charge's page may know. `parts` is JSON, a list of CostOfDebt; of `name` only the first word is shown."""

    state: str
    amount_cents: int
    paid_cents: int
    parts: str
    pay_until: date
    expires_at: datetime
    code: str | None
    boleto_line: str | None
    link: str | None
    instalment_n: int | None
    conversation_id: int
    agreed: bool
    instalments: int
    name: str


async def find(conn: Any, token: str) -> ChargePage | None:
    """Return the charge of this token."""
    row = await conn.fetchrow(FIND, token)
    return ChargePage(**row) if row is not None else None


async def opened(conn: Any, token: str, now: datetime) -> None:
    """Note that the page was seen by somebody; the first time counts."""
    await conn.execute(OPENED, token, now)
