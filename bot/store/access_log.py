"""Who looked at whose data, and when: one line for each view, written before the view is shown.

LGPD art. 37: whoever processes personal data keeps a record of it. Nothing here says what was seen, only who, whose
and when; lines are never changed or deleted.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

NOTE = "INSERT INTO access_log (at, user_id, what, customer_id, object_id) VALUES ($1, $2, $3, $4, $5)"


# An open conversation looks again every moment; one line an hour says it too.
NOTE_HOURLY = """
INSERT INTO access_log (at, user_id, what, customer_id, object_id)
SELECT $1::timestamptz, $2::bigint, $3::text, $4::bigint, $5::bigint
WHERE  NOT EXISTS (SELECT FROM access_log WHERE user_id = $2 AND what = $3 AND object_id IS NOT DISTINCT FROM $5
                   AND at > $1 - interval '1 hour')
"""
LIST = """
SELECT a.id, a.at, u.name AS who, a.what, a.customer_id, k.external_id, a.object_id
FROM   access_log a JOIN app_user u ON u.id = a.user_id LEFT JOIN customer k ON k.id = a.customer_id
WHERE  ($1::bigint IS NULL OR a.user_id = $1) AND ($2::bigint IS NULL OR a.customer_id = $2)
AND    ($3::timestamptz IS NULL OR a.at >= $3) AND ($4::timestamptz IS NULL OR a.at < $4)
AND    a.id < $5
ORDER  BY a.id DESC LIMIT $6
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One line: who was shown what, of whom."""

    id: int
    at: datetime
    who: str
    what: str
    customer_id: int | None
    external_id: str | None
    object_id: int | None


async def note(
    conn: Any, *, user_id: int, what: str, now: datetime, customer_id: int | None = None, object_id: int | None = None
) -> None:
    """Write down that somebody is shown personal data: `what` is a code (`customer`, `desk_conversation`, …)."""
    await conn.execute(NOTE, now, user_id, what, customer_id, object_id)


async def note_hourly(
    conn: Any, *, user_id: int, what: str, now: datetime, customer_id: int | None = None, object_id: int | None = None
) -> None:
    """Write down a view that renews itself: one line an hour for each person and thing."""
    await conn.execute(NOTE_HOURLY, now, user_id, what, customer_id, object_id)


async def page(
    conn: Any,
    *,
    user_id: int | None = None,
    customer_id: int | None = None,
    between: tuple[datetime, datetime] | None = None,
    before: int,
    limit: int,
) -> list[Seen]:
    """Return lines, newest first, whose number is below `before`."""
    first, last = between or (None, None)
    return [Seen(**row) for row in await conn.fetch(LIST, user_id, customer_id, first, last, before, limit)]
