"""The inbox in PostgreSQL: every thing that happened, once, in order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FIND_CONVERSATIONS = """
SELECT address AS name, id FROM conversation WHERE address = any($1::text[])
UNION ALL
SELECT alias, conversation_id FROM conversation_alias WHERE alias = any($1::text[])
"""
BEGIN_CONVERSATIONS = """
INSERT INTO conversation (address, created_at)
SELECT address, $2 FROM unnest($1::text[]) AS address
ON CONFLICT (address) DO NOTHING
"""
KEEP_ALIASES = """
INSERT INTO conversation_alias (alias, conversation_id)
SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (alias) DO NOTHING
"""
TAKE_IN = """
INSERT INTO inbox (source, dedupe_key, kind, conversation_id, raw, occurred_at, received_at, state, reason)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::timestamptz[],
                     $7::timestamptz[], $8::text[], $9::text[])
ON CONFLICT (source, dedupe_key) DO NOTHING
"""
PUT_EVENT = """
INSERT INTO inbox (source, dedupe_key, kind, conversation_id, raw, occurred_at, received_at)
VALUES ($1, $2, 'event', $3, $4, $5, $5)
ON CONFLICT (source, dedupe_key) DO NOTHING
RETURNING id
"""
PUT_EVENTS = """
INSERT INTO inbox (source, dedupe_key, kind, conversation_id, raw, occurred_at, received_at)
SELECT $1, put.dedupe_key, 'event', put.conversation_id, put.raw, $5, $5
FROM   unnest($2::text[], $3::bigint[], $4::bytea[]) AS put(dedupe_key, conversation_id, raw)
ON CONFLICT (source, dedupe_key) DO NOTHING
RETURNING id
"""
# The oldest open event of each conversation: one customer's events are handled one at a time, in order of arrival.
OLDEST_OPEN = """
SELECT DISTINCT ON (conversation_id) id, conversation_id, source, kind, raw, occurred_at, received_at, attempts
FROM   inbox
WHERE  conversation_id = any($1::bigint[]) AND state = 'open' AND kind IN ('message', 'event')
ORDER  BY conversation_id, id
"""
MARK_DONE = "UPDATE inbox SET state = 'done', done_at = $2 WHERE id = any($1::bigint[])"
COUNT_FAILURE = """
UPDATE inbox
SET    attempts = attempts + 1, reason = $2, state = CASE WHEN attempts + 1 >= $3 THEN 'parked' ELSE 'open' END
WHERE  id = $1
RETURNING attempts, state
"""
TAKE_OTHERS = """
SELECT id, source, dedupe_key, raw, received_at, attempts FROM inbox
WHERE  state = 'open' AND kind = $1
ORDER  BY id LIMIT $2
FOR    UPDATE SKIP LOCKED
"""
# News of the account by its field, which is the first thing in its raw text.
TAKE_NEWS = """
SELECT id, raw, occurred_at, received_at FROM inbox
WHERE  state = 'open' AND kind = 'other' AND split_part(encode(raw, 'escape'), '"', 4) = any($1::text[])
ORDER  BY id LIMIT $2
FOR    UPDATE SKIP LOCKED
"""
PARK = "UPDATE inbox SET state = 'parked', reason = $2, done_at = $3 WHERE id = any($1::bigint[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One thing that happened, ready to be stored. `names` are the contact addresses it concerns, the canonical one
    first."""

    source: str
    dedupe_key: str
    kind: str
    raw: bytes
    received_at: datetime
    occurred_at: datetime | None = None
    names: tuple[str, ...] = ()
    parked_because: str | None = None
    awaited: bool = True  # False: nobody here does anything with it


async def conversations_of(conn: Any, names: Sequence[tuple[str, ...]], now: datetime) -> dict[str, int]:
    """Return the conversation of every name, beginning those that are not there yet and keeping new aliases.

    A person known by a phone who now also shows a BSUID (or the other way round) stays one conversation.
    """
    every = sorted({name for group in names for name in group})
    found: dict[str, int] = {row["name"]: row["id"] for row in await conn.fetch(FIND_CONVERSATIONS, every)}
    fresh = sorted({group[0] for group in names if not any(name in found for name in group)})
    if fresh:
        await conn.execute(BEGIN_CONVERSATIONS, fresh, now)
        found |= {row["name"]: row["id"] for row in await conn.fetch(FIND_CONVERSATIONS, every)}
    aliases: dict[str, int] = {}
    for group in names:
        home = next(found[name] for name in group if name in found)
        aliases |= {name: home for name in group if name not in found}
    if aliases:
        await conn.execute(KEEP_ALIASES, list(aliases), list(aliases.values()))
        found |= aliases
    return found


async def take_in(conn: Any, arrivals: Sequence[Arrival], homes: dict[str, int]) -> None:
    """Store `arrivals` in one statement. What is there already stays as it is."""
    await conn.execute(
        TAKE_IN,
        [a.source for a in arrivals],
        [a.dedupe_key for a in arrivals],
        [a.kind for a in arrivals],
        [homes[a.names[0]] if a.names else None for a in arrivals],
        [a.raw for a in arrivals],
        [a.occurred_at for a in arrivals],
        [a.received_at for a in arrivals],
        [_state(a) for a in arrivals],
        [a.parked_because for a in arrivals],
    )


def _state(arrival: Arrival) -> str:
    if arrival.parked_because:
        return "parked"
    return "open" if arrival.awaited else "done"  # kept and shown, nobody's turn


async def put_raw_event(
    conn: Any, *, source: str, dedupe_key: str, conversation_id: int, raw: bytes, now: datetime
) -> bool:
    """Store one event of our own making. Return whether it is new."""
    return await conn.fetchval(PUT_EVENT, source, dedupe_key, conversation_id, raw, now) is not None


async def put_raw_events(conn: Any, *, source: str, events: Sequence[tuple[str, int, bytes]], now: datetime) -> int:
    """Store events of our own making (dedupe key, conversation, content) in their order. Return how many are new."""
    keys, conversation_ids, raws = zip(*events, strict=True) if events else ((), (), ())
    return len(await conn.fetch(PUT_EVENTS, source, keys, conversation_ids, raws, now))
