"""Parked inbox rows: what could not be dealt with and waits for an operator. Lists hold no word that a person wrote."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

LIST = """
SELECT id, source, kind, reason, attempts, received_at, conversation_id, octet_length(raw) AS bytes
FROM   inbox WHERE state = 'parked' ORDER BY id DESC LIMIT $1
"""
COUNT = "SELECT count(*) FROM inbox WHERE state = 'parked'"
OPEN = """
SELECT id, source, kind, reason, attempts, received_at, conversation_id, octet_length(raw) AS bytes, raw
FROM   inbox WHERE id = $1 AND state = 'parked'
"""
# Only what a loop will take: a message or event that has a conversation, or what needs none.
REPLAY = """
UPDATE inbox SET state = 'open', attempts = 0, reason = NULL, done_at = NULL
WHERE  id = $1 AND state = 'parked'
AND    (kind IN ('status', 'pix') OR kind IN ('message', 'event') AND conversation_id IS NOT NULL)
RETURNING kind
"""
DONE = "UPDATE inbox SET state = 'done', done_at = $2 WHERE id = $1 AND state = 'parked'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """One parked row, without its content."""

    id: int
    source: str
    kind: str
    reason: str | None
    attempts: int
    received_at: datetime
    conversation_id: int | None
    bytes: int

    @property
    def can_be_replayed(self) -> bool:
        """Whether there is a loop that would take it up again."""
        if self.kind in ("message", "event"):
            return self.conversation_id is not None
        return self.kind in ("status", "pix") or (self.kind == "unreadable" and self.source == "whatsapp")


async def newest(conn: Any, *, limit: int = 200) -> tuple[list[Parked], int]:
    """Return the newest parked rows and how many there are in all."""
    return [Parked(**row) for row in await conn.fetch(LIST, limit)], await conn.fetchval(COUNT)


async def opened(conn: Any, row_id: int) -> tuple[Parked, bytes] | None:
    """Return one parked row with its content."""
    row = await conn.fetchrow(OPEN, row_id)
    if row is None:
        return None
    fields = dict(row)
    raw = bytes(fields.pop("raw"))
    return Parked(**fields), raw


async def replay(conn: Any, row_id: int) -> str | None:
    """Open a parked row again and return its kind; None: it is not parked any more, or no loop would take it."""
    kind: str | None = await conn.fetchval(REPLAY, row_id)
    return kind


async def done(conn: Any, row_id: int, now: datetime) -> None:
    """What was in it has been taken in anew."""
    await conn.execute(DONE, row_id, now)
