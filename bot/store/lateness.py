"""How often somebody has paid late before, as a policy may ask."""

from collections import Counter
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from flows.calendar import days_overdue
from payments.late_charges import NO_OTHERS, Holidays

# Paid debts that may have been late; which of them were, local days and the banks' calendar tell.
PAID = """
SELECT customer_id, due_on, settled_at FROM debt
WHERE  customer_id = any($1::bigint[]) AND state = 'paid' AND settled_at > due_on
"""


async def late_before(conn: Any, customers: Sequence[int], zone: tzinfo, days: Holidays = NO_OTHERS) -> Counter[int]:
    """Return how many debts each customer has paid late. `zone` is the creditor's: the last hours of a due day are
    that day, and what was due on a Saturday is in time on the next banking day (Lei 7.089/1983).
    `days` are the other holidays of the policy in force."""
    return Counter(
        row["customer_id"]
        for row in await conn.fetch(PAID, sorted(set(customers)))
        if days_overdue(row["due_on"], row["settled_at"].astimezone(zone).date(), days) > 0
    )
