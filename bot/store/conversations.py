"""Conversations: claiming them for a turn, and writing back what a turn made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

# Distinct conversations with open events, found by hopping over the partial index instead of reading every event; each
# worker goes on where it stopped, so one customer who writes a thousand messages delays nobody else.
WAITING = """
WITH RECURSIVE hop AS (
    (SELECT conversation_id FROM inbox
     WHERE state = 'open' AND kind IN ('message', 'event') AND source <> 'timer' AND conversation_id > $1
     ORDER BY conversation_id LIMIT 1)
    UNION ALL
    SELECT (SELECT i.conversation_id FROM inbox i
            WHERE i.state = 'open' AND i.kind IN ('message', 'event') AND i.source <> 'timer'
            AND   i.conversation_id > hop.conversation_id
            ORDER BY i.conversation_id LIMIT 1)
    FROM hop WHERE hop.conversation_id IS NOT NULL
)
SELECT conversation_id FROM hop WHERE conversation_id IS NOT NULL LIMIT $2
"""
# The same for what timers brought: nobody is waiting for an answer there.
WAITING_TIMERS = """
WITH RECURSIVE hop AS (
    (SELECT conversation_id FROM inbox
     WHERE state = 'open' AND kind = 'event' AND source = 'timer' AND conversation_id > $1
     ORDER BY conversation_id LIMIT 1)
    UNION ALL
    SELECT (SELECT i.conversation_id FROM inbox i
            WHERE i.state = 'open' AND i.kind = 'event' AND i.source = 'timer'
            AND   i.conversation_id > hop.conversation_id
            ORDER BY i.conversation_id LIMIT 1)
    FROM hop WHERE hop.conversation_id IS NOT NULL
)
SELECT conversation_id FROM hop WHERE conversation_id IS NOT NULL LIMIT $2
"""
# NO KEY UPDATE: mutex and fence of the turn, yet the inbox's foreign key (KEY SHARE) never waits for it.
CLAIM = """
SELECT id, address, wa_id, user_id, customer_id, confirmed_at, state, owner, epoch, serial, wrong_answers, wrong_on,
       contact_closed_at, opted_out_at, heard_at, journal_n, journal_hash
FROM   conversation
WHERE  id = any($1::bigint[]) AND not_before <= $2
ORDER  BY id
FOR    NO KEY UPDATE SKIP LOCKED
"""
WRITE_BACK = """
UPDATE conversation c
SET    state = n.state, owner = n.owner, epoch = n.epoch, serial = n.serial, customer_id = n.customer_id,
       confirmed_at = n.confirmed_at, wrong_answers = n.wrong_answers, wrong_on = n.wrong_on,
       contact_closed_at = n.contact_closed_at, opted_out_at = n.opted_out_at, heard_at = n.heard_at,
       journal_n = n.journal_n, journal_hash = n.journal_hash,
       wa_id = coalesce(n.wa_id, c.wa_id), user_id = coalesce(n.user_id, c.user_id),
       profile_name = coalesce(n.profile_name, c.profile_name)
FROM   unnest($1::bigint[], $2::jsonb[], $3::text[], $4::int[], $5::int[], $6::bigint[], $7::timestamptz[], $8::int[],
              $9::date[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::int[], $14::bytea[],
              $15::text[], $16::text[], $17::text[])
       AS n(id, state, owner, epoch, serial, customer_id, confirmed_at, wrong_answers, wrong_on,
            contact_closed_at, opted_out_at, heard_at, journal_n, journal_hash, wa_id, user_id, profile_name)
WHERE  c.id = n.id
"""
BACK_OFF = "UPDATE conversation SET not_before = $2 WHERE id = $1"
LOCK = "SELECT id FROM conversation WHERE id = $1 FOR NO KEY UPDATE"


@dataclass(slots=True, kw_only=True)
class Conversation:
    """One row, as a turn holds it: the only mutable thing of a turn, written back whole at its end."""

    id: int
    address: str
    wa_id: str | None
    user_id: str | None
    customer_id: int | None
    confirmed_at: datetime | None
    state: str  # JSON
    owner: str
    epoch: int
    serial: int
    wrong_answers: int
    wrong_on: date | None
    contact_closed_at: datetime | None
    opted_out_at: datetime | None
    heard_at: datetime | None
    journal_n: int
    journal_hash: bytes
    profile_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far a worker has come: the last conversation looked at among those where somebody waits, and among those
    where only a timer fired. 0: from the start."""

    said: int = 0
    timers: int = 0

    def __bool__(self) -> bool:
        """Return whether it stands somewhere on its way."""
        return bool(self.said or self.timers)


START = Reached()
_BESIDE_PEOPLE = 8


async def waiting(conn: Any, *, after: Reached, limit: int, timers: int) -> tuple[list[int], Reached]:
    """Return up to `limit` conversations with open events from `after` on, and how far that is.

    Those where somebody waits come first; of the others there are at most `timers`, and few beside somebody who waits.
    """
    said = [row["conversation_id"] for row in await conn.fetch(WAITING, after.said, limit)]
    room = min(_BESIDE_PEOPLE if said else timers, limit - len(said))
    fired = [row["conversation_id"] for row in await conn.fetch(WAITING_TIMERS, after.timers, room)] if room else []
    reached = Reached(
        said=said[-1] if len(said) == limit else 0,
        timers=after.timers if not room else fired[-1] if len(fired) == room else 0,
    )
    return sorted({*said, *fired}), reached


async def claim(conn: Any, ids: Sequence[int], now: datetime) -> list[Conversation]:
    """Lock those of `ids` that nobody holds and that are not backing off, until the transaction ends."""
    return [Conversation(**row) for row in await conn.fetch(CLAIM, ids, now)]


async def write_back(conn: Any, rows: Sequence[Conversation]) -> None:
    """Write what turns made of their conversations."""
    await conn.execute(
        WRITE_BACK,
        [r.id for r in rows],
        [r.state for r in rows],
        [r.owner for r in rows],
        [r.epoch for r in rows],
        [r.serial for r in rows],
        [r.customer_id for r in rows],
        [r.confirmed_at for r in rows],
        [r.wrong_answers for r in rows],
        [r.wrong_on for r in rows],
        [r.contact_closed_at for r in rows],
        [r.opted_out_at for r in rows],
        [r.heard_at for r in rows],
        [r.journal_n for r in rows],
        [r.journal_hash for r in rows],
        [r.wa_id for r in rows],
        [r.user_id for r in rows],
        [r.profile_name for r in rows],
    )
