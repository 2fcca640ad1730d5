"""Charges: what the provider is asked to collect. requested → active | failed, and from any of them cancelled or paid.

`paid` means that money came in on it, of whatever amount; how much is `paid_cents`, and what it settled is in
`payment`.
"""

import hashlib
import json
from base64 import b32encode
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from bot.links import pay_token
from bot.store.agreements import DebtMoved
from flows.effects import Charge
from payments.providers.protocol import Created
from payments.providers.registry import provider_of

INSERT = """
INSERT INTO charge (conversation_id, no, customer_id, provider, txid, pay_token, amount_cents, parts, pay_until,
                    expires_at, offer_no, agreement_id, instalment_n, created_at, form)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
        CASE WHEN $12::int IS NOT NULL
             THEN (SELECT id FROM agreement WHERE debt_id = $13 AND offer_no = $12 AND state = 'active') END, $14, $15,
        $16)
RETURNING id
"""
ASKS_FOR = "INSERT INTO charge_debt (charge_id, debt_id) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING"
ASKS_FOR_AGREED = """
INSERT INTO charge_debt (charge_id, debt_id)
SELECT c.id, a.debt_id FROM charge c JOIN agreement a ON a.id = c.agreement_id WHERE c.id = $1 ON CONFLICT DO NOTHING
"""
CANCEL = """
UPDATE charge SET state = 'cancelled' WHERE conversation_id = $1 AND no = $2 AND state IN ('requested', 'active')
RETURNING id
"""
ORDERED = """
SELECT c.id, c.conversation_id, c.no, c.customer_id, c.provider, c.form, c.txid, c.amount_cents, c.pay_until,
       c.expires_at, c.state, k.name, k.document
FROM   charge c JOIN customer k ON k.id = c.customer_id WHERE c.id = $1
"""
ACTIVATE = """
UPDATE charge SET state = 'active', code = $2, location = $3, form = $4, boleto_line = $5, link = $6
WHERE  id = $1 AND state = 'requested' RETURNING id
"""
FAIL = "UPDATE charge SET state = 'failed' WHERE id = $1 AND state = 'requested' RETURNING id"
OF_TXID = "SELECT txid, conversation_id, no FROM charge WHERE txid = any($1::text[])"
# Codes that nobody can pay any more and of which we never heard: one last look at the provider, then they are closed.
EXPIRED = """
SELECT id, txid, form FROM charge
WHERE  provider = $3 AND state = 'active'
       -- A cobv that is due while banks are closed (carnival: four days) may be paid until they open.
       AND expires_at + CASE form WHEN 'cobv' THEN interval '5 days' ELSE interval '0' END < $1
ORDER  BY id LIMIT $2
"""
CLOSE = "UPDATE charge SET state = 'cancelled' WHERE id = $1 AND state = 'active'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """A charge with what the provider has to know about it."""

    id: int
    conversation_id: int
    no: int
    customer_id: int
    provider: str
    form: str
    txid: str
    amount_cents: int
    pay_until: date
    expires_at: datetime
    state: str
    name: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a charge belongs: its conversation, and its number in it."""

    conversation_id: int
    no: int


def txid_of(token: str, *, provider: str, now: datetime) -> str:
    """Return the identifier of a charge at the provider, made from its payment token and the instant it was decided.

    The instant is in it because a txid is the creditor's for ever: an emptied database may begin to count its charges
    anew.
    """
    digest = hashlib.sha256(f"{token}:{now.timestamp():.6f}".encode("ascii")).digest()
    return b32encode(digest).decode("ascii").rstrip("=").lower()[: provider_of(provider).txid_characters]


# Under the debts' locks: another conversation of the same customer may have paid or agreed since the facts were read.
LOCK_DEBTS = """
SELECT id, state, open_principal_cents FROM debt WHERE id = any($1::bigint[]) ORDER BY id FOR UPDATE
"""


async def insert(
    conn: Any,
    *,
    key: bytes,
    conversation_id: int,
    customer_id: int,
    effect: Charge,
    provider: str,
    expires_at: datetime,
    now: datetime,
    today: date,
) -> int:
    """Keep a charge as it was decided and return its id. Raises DebtMoved where a debt is not what it was decided on.

    `key` makes the tokens, `expires_at` is the end of its last day; `today` is the day where the creditor is.
    """
    await _still_so(conn, effect)
    token = pay_token(key, conversation_id=conversation_id, charge_no=effect.charge_no)
    charge_id: int = await conn.fetchval(
        INSERT,
        conversation_id,
        effect.charge_no,
        customer_id,
        provider,
        txid_of(token, provider=provider, now=now),
        token,
        effect.amount_cents,
        json.dumps([asdict(part) for part in effect.parts]),
        effect.pay_until,
        expires_at,
        effect.offer_no,
        effect.agreement_offer_no,
        effect.parts[0].debt_id,  # its agreement may have been made in another of the customer's chats
        effect.instalment_n,
        now,
        provider_of(provider).form_of(
            today, effect.pay_until, sum(p.fine_cents + p.interest_cents for p in effect.parts)
        ),
    )
    await conn.execute(ASKS_FOR, charge_id, [part.debt_id for part in effect.parts])
    if effect.agreement_offer_no is not None:
        await conn.execute(ASKS_FOR_AGREED, charge_id)
    return charge_id


async def _still_so(conn: Any, effect: Charge) -> None:
    asked = {part.debt_id: part.principal_cents for part in effect.parts}
    rows = {row["id"]: row for row in await conn.fetch(LOCK_DEBTS, sorted(asked))}
    for debt_id, principal_cents in asked.items():
        state, open_cents = rows[debt_id]["state"], rows[debt_id]["open_principal_cents"]
        agreed = effect.agreement_offer_no is not None and state == "agreed"
        if not agreed and (state, open_cents) != ("open", principal_cents):
            raise DebtMoved("a debt changed since the charge was decided")


async def cancel(conn: Any, *, conversation_id: int, no: int) -> int | None:
    """Take a charge back here. Return its id if there is something to take back at the provider."""
    charge_id: int | None = await conn.fetchval(CANCEL, conversation_id, no)
    return charge_id


async def ordered(conn: Any, charge_id: int) -> Ordered:
    """Return a charge as the provider has to know it."""
    return Ordered(**await conn.fetchrow(ORDERED, charge_id))


async def activate(conn: Any, charge_id: int, made: Created) -> bool:
    """The provider made it. Return whether it was still wanted."""
    values = (made.code, made.location, made.form, made.boleto_line, made.link)
    return await conn.fetchval(ACTIVATE, charge_id, *values) is not None


async def fail(conn: Any, charge_id: int) -> bool:
    """The provider will not make it. Return whether it was still wanted."""
    return await conn.fetchval(FAIL, charge_id) is not None


async def homes(conn: Any, txids: list[str]) -> dict[str, Home]:
    """Return where the charges with these txids belong; those that are not ours are missing."""
    rows = await conn.fetch(OF_TXID, txids)
    return {row["txid"]: Home(conversation_id=row["conversation_id"], no=row["no"]) for row in rows}
