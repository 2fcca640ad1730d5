"""Which step of a ladder falls when, for one due date.

Days count from the payable day. A message that falls on a closed day moves: before day 0 to the previous open day, else
to the next; at its own hour, brought inside that day's hours. Of two messages of one debt on one day the later stands.
A ticket is no contact and does not move.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from flows.calendar import payable_day
from flows.contact_hours import Hours, brought_inside, in_good_time, open_day
from flows.ladder import Ladder
from flows.ladder_parts import Step, Track
from payments.late_charges import NO_OTHERS, Holidays


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step on its day. `at` is local and aware; `moved_from` is where it would stand if every hour were open."""

    day: int
    at: datetime
    step: Step
    moved_from: datetime | None = None


def preview(ladder: Ladder, track: Track, due: date) -> tuple[PlannedStep, ...]:
    """Return the steps for a due date in the order of their instants, every condition taken as met."""
    return _stand(_placed(ladder, track, payable_day(due), ladder.hours, ladder.timezone, brought_inside))


def planned(
    ladder: Ladder,
    track: Track,
    due: date,
    *,
    holidays: Holidays = NO_OTHERS,
    hours: Hours | None = None,
    met: Callable[[Step], bool] = lambda _: True,
) -> tuple[PlannedStep, ...]:
    """Return the steps whose condition is `met`, in the order of their instants, as they are to go out.

    `holidays` are the policy's, on which nobody has to pay; `hours` those that the debtor's state leaves of the
    ladder's.
    """
    steps = _to_go_out(ladder, track.name, payable_day(due, holidays), hours or ladder.hours)
    return _stand([one for one in steps if one.step.when is None or met(one.step)])


# Debts share their due dates: of a hundred thousand there are some hundred calendars.
@lru_cache(maxsize=4096)
def _of_version(digest: str, name: str, payable: date, hours: Hours) -> tuple[PlannedStep, ...]:
    ladder = _VERSIONS[digest]
    track = ladder.track(name)
    assert track is not None
    return tuple(_placed(ladder, track, payable, hours, ladder.timezone, in_good_time))


_VERSIONS: dict[str, Ladder] = {}


def _to_go_out(ladder: Ladder, name: str, payable: date, hours: Hours) -> tuple[PlannedStep, ...]:
    if ladder.digest not in _VERSIONS:
        _VERSIONS.clear()
        _VERSIONS[ladder.digest] = ladder
    return _of_version(ladder.digest, name, payable, hours)


def _placed(
    ladder: Ladder,
    track: Track,
    payable: date,
    hours: Hours,
    zone: tzinfo,
    fitted: Callable[[Hours, date, time], time],
) -> list[PlannedStep]:
    found: list[PlannedStep] = []
    for step in track.steps:
        for day in step.days:
            on, at = payable + timedelta(days=day), step.at or ladder.at
            own = datetime.combine(on, at, zone)
            if step.ticket is not None:
                found.append(PlannedStep(day=day, at=own, step=step))
                continue
            moved = open_day(hours, on, ahead=day >= 0)
            if moved is not None:
                there = datetime.combine(moved, fitted(hours, moved, at), zone)
                found.append(PlannedStep(day=day, at=there, step=step, moved_from=own if there != own else None))
    return sorted(found, key=lambda one: (one.at, one.day))


def _stand(steps: Sequence[PlannedStep]) -> tuple[PlannedStep, ...]:
    """Leave of the messages of one day only the last of the ladder."""
    last: dict[date, PlannedStep] = {}
    for one in steps:
        if one.step.template is not None and (
            one.at.date() not in last or (last[one.at.date()].day, last[one.at.date()].at) <= (one.day, one.at)
        ):
            last[one.at.date()] = one
    return tuple(one for one in steps if one.step.template is None or last[one.at.date()] is one)
