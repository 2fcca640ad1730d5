"""The channel's state: whether messages that nobody asked for may go out, who stopped them, and what WhatsApp allows.

One row, read in the transaction that claims messages, so that a stop holds from its commit on.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

STATE = """
SELECT paused_at, paused_by, reason, restricted_until, restriction, daily_limit, quality FROM channel_state
"""
PAUSE = """
UPDATE channel_state SET paused_at = $1, paused_by = $2, reason = $3 WHERE paused_at IS NULL RETURNING true
"""
RESUME = """
UPDATE channel_state
SET    paused_at = NULL, paused_by = NULL, reason = NULL, restricted_until = NULL, restriction = NULL
WHERE  paused_at IS NOT NULL OR restricted_until > $1
RETURNING true
"""
RESTRICT = """
UPDATE channel_state SET restricted_until = $1, restriction = $2
WHERE  restricted_until IS NULL OR restricted_until < $1
RETURNING true
"""
FREE = (
    "UPDATE channel_state SET restricted_until = NULL, restriction = NULL WHERE restriction IS NOT NULL RETURNING true"
)
# News may come late and in any order: the newest that was told counts.
LIMIT = """
UPDATE channel_state SET daily_limit = $1, daily_limit_told_at = $2
WHERE  daily_limit_told_at IS NULL OR daily_limit_told_at <= $2
RETURNING true
"""
QUALITY = """
UPDATE channel_state SET quality = $1, quality_told_at = $2
WHERE  quality_told_at IS NULL OR quality_told_at <= $2
RETURNING true
"""
NOTE = "INSERT INTO channel_event (at, kind, by, about) VALUES ($1, $2, $3, $4)"
HISTORY = "SELECT at, kind, by, about FROM channel_event ORDER BY id DESC LIMIT $1"
WHATSAPP = "WhatsApp"
NO_END = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What is known of the channel. `daily_limit`: people a moving day outside their windows, as WhatsApp told it (0:
    unlimited, None: not told)."""

    paused_at: datetime | None
    paused_by: str | None
    reason: str | None
    restricted_until: datetime | None  # aware UTC; NO_END where WhatsApp named none
    restriction: str | None
    daily_limit: int | None
    quality: str | None  # GREEN, RED, None: not told

    def flows(self, now: datetime) -> bool:
        """Return whether reminders and campaigns may go out."""
        return self.paused_at is None and (self.restricted_until is None or self.restricted_until <= now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEvent:
    """One line of the channel's history. `kind`: paused, resumed, restricted, freed, limit, quality, news."""

    at: datetime
    kind: str
    by: str
    about: str | None


async def state(conn: Any) -> ChannelState:
    """Return what is known of the channel now."""
    return ChannelState(**await conn.fetchrow(STATE))


async def history(conn: Any, limit: int = 50) -> list[ChannelEvent]:
    """Return the newest lines of the channel's history, newest first."""
    return [ChannelEvent(**row) for row in await conn.fetch(HISTORY, limit)]


async def pause(conn: Any, *, by: str, reason: str | None, now: datetime) -> bool:
    """Stop reminders and campaigns: none is posted after this is committed, answers go on, nothing is lost.

    Return whether that is new: a pause that holds already keeps its first name, time and reason.
    """
    async with conn.transaction():
        if not await conn.fetchval(PAUSE, now, by, reason):
            return False
        await note(conn, kind="paused", by=by, about=reason, now=now)
    return True


async def resume(conn: Any, *, by: str, now: datetime) -> bool:
    """Let reminders and campaigns go on, also where WhatsApp had named a later end. Return whether they stood still."""
    async with conn.transaction():
        if not await conn.fetchval(RESUME, now):
            return False
        await note(conn, kind="resumed", by=by, about=None, now=now)
    return True


async def restrict(conn: Any, *, restriction: str, until: datetime | None, now: datetime) -> bool:
    """Stop reminders and campaigns because WhatsApp says so; without `until` (UTC) until a person says go. Return
    whether that reaches further than what was known."""
    async with conn.transaction():
        if not await conn.fetchval(RESTRICT, until or NO_END, restriction):
            return False
        await note(conn, kind="restricted", by=WHATSAPP, about=restriction, now=now)
    return True


async def free(conn: Any, *, about: str, now: datetime) -> bool:
    """WhatsApp took its restriction back. A person's pause stays. Return whether there was one."""
    async with conn.transaction():
        if not await conn.fetchval(FREE):
            return False
        await note(conn, kind="freed", by=WHATSAPP, about=about, now=now)
    return True


async def set_limit(conn: Any, *, people_a_day: int, told_at: datetime, now: datetime) -> bool:
    """Keep WhatsApp's daily limit (0: unlimited), told at an instant. Return whether it is the newest word on it."""
    async with conn.transaction():
        if not await conn.fetchval(LIMIT, people_a_day, told_at):
            return False
        await note(conn, kind="limit", by=WHATSAPP, about=str(people_a_day), now=now)
    return True


async def set_quality(conn: Any, *, quality: str, told_at: datetime, now: datetime) -> bool:
    """Keep the number's quality (GREEN, RED), told at an instant. Return whether it is the newest word on it."""
    async with conn.transaction():
        if not await conn.fetchval(QUALITY, quality, told_at):
            return False
        await note(conn, kind="quality", by=WHATSAPP, about=quality, now=now)
    return True


async def note(conn: Any, *, kind: str, by: str, about: str | None, now: datetime) -> None:
    """Write a line of the channel's history. Append-only."""
    await conn.execute(NOTE, now, kind, by, about)
