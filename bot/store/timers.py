"""Timers: rows whose key is their meaning, which become inbox events when they are due. No leader, no cron."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SET = """
INSERT INTO timer (key, conversation_id, event, fire_at)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::jsonb[], $4::timestamptz[])
ON CONFLICT (key) DO UPDATE SET event = excluded.event, fire_at = excluded.fire_at
"""
CLEAR = "DELETE FROM timer WHERE key = any($1::text[])"
# Firing is one statement: gone from the timers and there in the inbox, or neither. The instant is part of the key,
# so a timer that is set anew may fire anew and one that fires twice arrives once.
# Those of the ladder are many: they stand still while the channel is stopped, and no more of them wait in the inbox
# than can be decided soon.
FIRE = """
WITH due AS (
    SELECT key FROM timer
    WHERE  fire_at <= $1 AND (key LIKE 'ladder:%') = $3 AND (NOT $3 OR (SELECT active_messages_flow($1)))
    ORDER  BY fire_at
    LIMIT  greatest(0, least($2, $4 - (SELECT count(*) FROM inbox WHERE state = 'open' AND kind = 'event'
                                       AND source = 'timer' AND attempts = 0)))
    FOR    UPDATE SKIP LOCKED
), fired AS (
    DELETE FROM timer t USING due WHERE t.key = due.key RETURNING t.key, t.conversation_id, t.event, t.fire_at
)
INSERT INTO inbox (source, dedupe_key, kind, conversation_id, raw, occurred_at, received_at)
SELECT 'timer', 't:' || key || ':' || extract(epoch FROM fire_at), 'event', conversation_id,
       convert_to(event::text, 'UTF8'), fire_at, $1
FROM   fired
ON CONFLICT (source, dedupe_key) DO NOTHING
"""

OPEN_MAX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A timer to be set; `event` is the JSON of what happens then."""

    key: str
    conversation_id: int
    event: str
    fire_at: datetime


async def set_all(conn: Any, settings: Sequence[Setting]) -> None:
    """Set timers. Of one key in a batch the last setting counts."""
    last = {s.key: s for s in settings}
    ordered = [last[key] for key in sorted(last)]
    await conn.execute(
        SET,
        [s.key for s in ordered],
        [s.conversation_id for s in ordered],
        [s.event for s in ordered],
        [s.fire_at for s in ordered],
    )


async def fire(conn: Any, now: datetime, limit: int = 500) -> int:
    """Move due timers into the inbox, those of the ladder after the others. Return how many.

    No more than OPEN_MAX wait there to be decided: the rest stays due.
    """
    fired = 0
    for ladder in (False, True):
        tag: str = await conn.execute(FIRE, now, limit - fired, ladder, OPEN_MAX)
        fired += int(tag.rsplit(" ", 1)[1])
    return fired
