"""Every open debt of the house at once, for previews: no names, no documents, no phones."""

from typing import Any

from flows.facts import Debt

# Like the facts of a turn: late before means other debts of the same person that were paid after their due date.
OPEN_DEBTS = """
SELECT d.id, d.external_id, d.description, d.principal_cents, d.open_principal_cents, d.due_on, d.tags, d.state,
       d.interest_from, d.interest_carried_cents, d.fine_paid_cents, d.promised_until,
       (SELECT count(*)::int FROM debt p
        WHERE  p.customer_id = d.customer_id AND p.state = 'paid' AND p.settled_at::date > p.due_on) AS late_before
FROM   debt d
WHERE  d.state = 'open' AND d.open_principal_cents > 0
ORDER  BY d.external_id
"""


async def open_debts(conn: Any) -> tuple[Debt, ...]:
    """Return all debts that are open and have no agreement, by their external id."""
    return tuple(Debt(**{**row, "tags": frozenset(row["tags"])}) for row in await conn.fetch(OPEN_DEBTS))
