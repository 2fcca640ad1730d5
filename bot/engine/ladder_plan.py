"""Planning: for everybody who owes something, a timer at the next instant at which a step of the ladder may be due.

The timer only wakes; what is said is decided then, on fresh facts (`flows.reminding`). So a plan may look too often,
for a track that turns out not to be theirs, but never too late.
"""

from bisect import bisect_right
from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog

from bot.engine import rollout
from bot.engine.parts import Parts
from bot.store import ladder_plan
from bot.store.ladder_plan import Planned
from flows.agenda import LAPSES_AFTER, is_prescribed
from flows.contact_hours import Hours, hours_for, state_of_phone
from flows.costs import NO_LATE_CHARGES
from flows.ladder import Ladder
from flows.ladder_days import planned
from payments.late_charges import Holidays

BATCH = 5000
_AGAIN_AFTER = timedelta(days=1)
log = structlog.get_logger(__name__)


async def plan_once(parts: Parts) -> int:
    """Plan everybody whose next step is not known. Return how many."""
    await rollout.check_once(parts)
    now = parts.clock.now()
    after, total = 0, 0
    while True:
        async with parts.pool.acquire() as conn, conn.transaction():
            ladder = await parts.ladders.in_force(now)
            if ladder is None:
                return total
            people = await ladder_plan.planless(
                conn, after=after, digest=ladder.digest, before=now - _AGAIN_AFTER, limit=BATCH
            )
            if people:
                await _plan(conn, parts, ladder, people, now)
                after, total = people[-1]["id"], total + len(people)
        if len(people) < BATCH:
            break
    if total:
        log.info("ladder.planned", people=total)
        parts.wake.ring("timers")
    return total


async def _plan(conn: Any, parts: Parts, ladder: Ladder, people: list[Any], now: datetime) -> None:
    policy = await parts.policies.in_force(conn, now.astimezone(parts.settings.timezone).date())
    holidays = (policy.policy.terms if policy is not None else NO_LATE_CHARGES).holidays
    chats = await ladder_plan.chats(conn, people, now)
    owed = defaultdict(list)
    for row in await ladder_plan.owed(conn, list(chats), ladder.name):
        owed[row["customer_id"]].append(row)
    local = now.astimezone(ladder.timezone)
    plans: list[Planned] = []
    for person in people:
        hours = hours_for(ladder.hours, state_of_phone(person["phone"] or ""))
        coming = [_next(ladder, row, hours, holidays, local) for row in owed[person["id"]]]
        at = min((one for one in coming if one is not None), default=None)
        plans.append(Planned(customer_id=person["id"], conversation_id=chats.get(person["id"]), at=at))
    await ladder_plan.keep(conn, plans, digest=ladder.digest, now=now)


def _next(ladder: Ladder, row: Any, hours: Hours, holidays: Holidays, now: datetime) -> datetime | None:
    """The next instant at which something may be due: now, where a step of the last days is not over, or finance is
    still to be told that the debt is not asked for any more."""
    if is_prescribed(row["due_on"], ladder.prescription_years, now.date()):
        return None if row["is_told"] else now
    steps = _instants(ladder.digest, row["due_on"], hours, holidays, _Of(ladder))
    ahead = bisect_right(steps, now, key=lambda step: step[0])
    since = min(row["since"], now).astimezone(ladder.timezone).date()
    over = {False: row["last_day"], True: row["last_ticket"]}
    for at, day, is_ticket in steps[:ahead]:
        last = over[is_ticket]
        if (last is None or day > last) and at.date() >= since and now.date() - at.date() <= LAPSES_AFTER:
            return now
    return steps[ahead][0] if ahead < len(steps) else None


class _Of:
    """A ladder on its way past the cache, which knows it by its digest."""

    def __init__(self, ladder: Ladder) -> None:
        self.ladder = ladder

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Of)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=4096)
def _instants(
    digest: str, due: date, hours: Hours, holidays: Holidays, of: _Of
) -> tuple[tuple[datetime, int, bool], ...]:
    """The steps of all tracks for a due date, in the order of their instants."""
    found = {
        (one.at, one.day, one.step.ticket is not None)
        for track in of.ladder.tracks
        for one in planned(of.ladder, track, due, holidays=holidays, hours=hours)
    }
    return tuple(sorted(found))
