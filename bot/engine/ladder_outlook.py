"""What the ladder has in store for one customer, from the facts of its decision. Nothing is decided or sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from bot.engine.climbing import with_ladder
from bot.engine.parts import Parts
from bot.store import channel, desk_view, facts
from bot.store.ladder_plan import REACHED
from flows.events import TimerFired
from flows.schedule import Schedule, schedule_of

WATCHED = "SELECT fire_at FROM timer WHERE key = $1"
Nothing: TypeAlias = Literal["no_ladder", "no_phone", "not_planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The schedule, when it is looked at next, and whether the channel stands still. `nothing` is why there is none."""

    schedule: Schedule | None
    looks_at: datetime | None = None
    stands_still: bool = False
    nothing: Nothing | None = None


async def outlook(conn: Any, parts: Parts, customer_id: int, *, has_phone: bool) -> Outlook:
    """Return what is in store for a customer; `has_phone`: a number of theirs is on record."""
    now, settings = parts.clock.now(), parts.settings
    if await parts.ladders.in_force(now) is None:
        return Outlook(schedule=None, nothing="no_ladder")
    row = await conn.fetchrow(REACHED, [customer_id])
    if row is None or row["conversation_id"] is None:
        return Outlook(schedule=None, nothing="not_planned" if has_phone else "no_phone")
    chat = await desk_view.read(conn, row["conversation_id"])
    policy = await parts.policies.in_force(conn, now.astimezone(settings.timezone).date())
    known = await facts.load(conn, [chat], now=now, zone=settings.timezone, rules=settings.rules, policy=policy)
    event = TimerFired(name="ladder", subject=customer_id)
    found = (await with_ladder(conn, parts, [chat], {chat.id: event}, known))[chat.id]
    return Outlook(
        schedule=schedule_of(found) if found.ladder is not None else None,
        looks_at=await conn.fetchval(WATCHED, f"ladder:{chat.id}:{customer_id}"),
        stands_still=not (await channel.state(conn)).flows(now),
    )
