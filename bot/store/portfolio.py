"""Every open debt of the house at once, for previews: no names, no documents, no phones."""

from datetime import tzinfo
from typing import Any

from bot.store.lateness import late_before
from flows.facts import Debt
from payments.late_charges import Holidays

OPEN_DEBTS = """
SELECT customer_id, id, external_id, description, principal_cents, open_principal_cents, due_on, tags, state,
       interest_from, interest_carried_cents, fine_paid_cents, promised_until
FROM   debt
WHERE  state = 'open' AND open_principal_cents > 0
ORDER  BY external_id
"""


async def open_debts(conn: Any, zone: tzinfo, days: Holidays) -> tuple[Debt, ...]:
    """Return all debts that are open and have no agreement, by their external id. `zone` is the creditor's,
    `days` are the policy's other holidays."""
    rows = [dict(row) for row in await conn.fetch(OPEN_DEBTS)]
    owners = [row.pop("customer_id") for row in rows]
    late = await late_before(conn, owners, zone, days)
    return tuple(
        Debt(**{**row, "tags": frozenset(row["tags"]), "late_before": late[owner]})
        for row, owner in zip(rows, owners, strict=True)
    )
