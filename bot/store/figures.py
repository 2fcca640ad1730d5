"""How much is waiting, for the people who watch the program. Each count reads a partial index, never a whole table."""

from typing import Any

INBOX_OPEN = "SELECT kind AS label, count(*) AS n FROM inbox WHERE state = 'open' GROUP BY kind"
INBOX_PARKED = "SELECT source AS label, count(*) AS n FROM inbox WHERE state = 'parked' GROUP BY source"
OUTBOX = """
SELECT state AS label, count(*) AS n FROM outbox
WHERE  state = 'unknown' OR state = 'sending' OR state = 'pending' AND kind IN ('message', 'typing')
OR     state = 'pending' AND kind IN ('charge', 'cancel_charge')
GROUP  BY state
"""
TICKETS = "SELECT state AS label, count(*) AS n FROM ticket WHERE state <> 'closed' GROUP BY state"

_EVERY = {"inbox_open": INBOX_OPEN, "inbox_parked": INBOX_PARKED, "outbox": OUTBOX, "tickets": TICKETS}


async def waiting(conn: Any) -> dict[str, dict[str, int]]:
    """Return the counts by name and label. A label without rows is missing."""
    return {name: {row["label"]: row["n"] for row in await conn.fetch(sql)} for name, sql in _EVERY.items()}
