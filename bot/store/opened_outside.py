"""People written to outside their window: WhatsApp counts those of a moving day, and so do we, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

DAY = timedelta(hours=24)
# So that a long queue is not looked through each time that one place comes free, and a limit that was raised is seen.
_AT_LEAST, _AT_MOST = timedelta(minutes=10), timedelta(hours=1)
# One sender counts at a time; the lock goes with its transaction.
LOCK = "SELECT pg_advisory_xact_lock(4_301_300_001)"
COUNTED = "SELECT conversation_id FROM opened_outside WHERE conversation_id = any($1::bigint[]) AND opened_at > $2"
COUNT = "SELECT count(*) FROM opened_outside WHERE opened_at > $1"
# When the first place comes free again: the day after the oldest of the newest $2 (the limit may have shrunk).
NEXT_FREE = "SELECT opened_at FROM opened_outside WHERE opened_at > $1 ORDER BY opened_at DESC OFFSET $2 LIMIT 1"
NOTE = """
INSERT INTO opened_outside (conversation_id, opened_at) SELECT id, $2 FROM unnest($1::bigint[]) AS id ORDER BY id
ON CONFLICT (conversation_id) DO UPDATE SET opened_at = greatest(opened_outside.opened_at, excluded.opened_at)
"""


async def without_room(conn: Any, conversation_ids: Sequence[int], *, limit: int, now: datetime) -> dict[int, datetime]:
    """Return those of `conversation_ids` for which today has no room among `limit` people, each with when to look again
    (UTC). Who was counted in the last 24 hours is not counted again. Holds until the transaction ends."""
    await conn.execute(LOCK)
    known = {row["conversation_id"] for row in await conn.fetch(COUNTED, conversation_ids, now - DAY)}
    fresh = [c for c in conversation_ids if c not in known]
    room = max(0, limit - await conn.fetchval(COUNT, now - DAY)) if fresh else 0
    if len(fresh) <= room:
        return {}
    oldest = await conn.fetchval(NEXT_FREE, now - DAY, max(0, limit - 1))
    free_at = (now if oldest is None else oldest) + DAY
    return dict.fromkeys(fresh[room:], min(max(free_at, now + _AT_LEAST), now + _AT_MOST))


async def note(conn: Any, conversation_ids: Sequence[int], now: datetime) -> None:
    """Count these people, in the transaction that claims their messages."""
    await conn.execute(NOTE, conversation_ids, now)
