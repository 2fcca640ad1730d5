"""Who looked at whose data, and when: one line for each view, written before the view is shown.

LGPD art. 37: whoever processes personal data keeps a record of it. Nothing here says what was seen, only who, whose
and when; lines are never changed or deleted.
"""

from datetime import datetime
from typing import Any

NOTE = "INSERT INTO access_log (at, user_id, what, customer_id, object_id) VALUES ($1, $2, $3, $4, $5)"


async def note(
    conn: Any, *, user_id: int, what: str, now: datetime, customer_id: int | None = None, object_id: int | None = None
) -> None:
    """Write down that somebody is shown personal data: `what` is a code (`customer`, `desk_conversation`, …)."""
    await conn.execute(NOTE, now, user_id, what, customer_id, object_id)
