"""When somebody may be reminded: the creditor's hours of each weekday, and the law of the state where the debtor lives.

The strictest holds. What is said in answer to a person is no such contact and knows no hours. Times are local, both
ends of a span belong to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from flows.calendar import national_holidays, state_holidays

Span: TypeAlias = tuple[time, time]
_SATURDAY, _SUNDAY = 5, 6
_A_DAY = timedelta(days=1)
_LOOK_AHEAD_DAYS = 60
# What is meant to go out at the closing hour itself would find the door closed; a little before it is in time.
_BEFORE_CLOSING = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Open spans; None: closed. `holidays` counts on the nation's holidays and those of `states`."""

    weekdays: Span | None
    saturday: Span | None
    sunday: Span | None
    holidays: Span | None
    states: frozenset[str] = frozenset()

    def of(self, day: date) -> Span | None:
        """Return the span of a day, None where it is closed."""
        span = {_SATURDAY: self.saturday, _SUNDAY: self.sunday}.get(day.weekday(), self.weekdays)
        return _both(span, self.holidays) if is_holiday(day, self.states) else span

    def within(self, other: "Hours") -> "Hours":
        """Return the hours in which both are open."""
        return Hours(
            weekdays=_both(self.weekdays, other.weekdays),
            saturday=_both(self.saturday, other.saturday),
            sunday=_both(self.sunday, other.sunday),
            holidays=_both(self.holidays, other.holidays),
            states=self.states | other.states,
        )


def _law(weekdays: tuple[int, int], saturday: tuple[int, int] | None, state: str) -> Hours:
    return Hours(
        weekdays=(time(weekdays[0]), time(weekdays[1])),
        saturday=(time(saturday[0]), time(saturday[1])) if saturday is not None else None,
        sunday=None,
        holidays=None,
        states=frozenset({state}),
    )


LAWS: Mapping[str, Hours] = {
    "SP": _law((8, 20), (8, 14), "SP"),  # Lei 15.426/2014
    "RJ": _law((9, 19), None, "RJ"),  # Lei 7.868/2018, known from one secondary source
    "ES": _law((8, 19), None, "ES"),  # Lei 10.626/2017, known from a secondary source
    "AM": _law((8, 19), None, "AM"),  # Lei 306/2016, "until 19", known from a secondary source
    "AL": _law((8, 20), (8, 14), "AL"),  # Lei 7.782/2016, which names messages too
}
"""The hours that a state's law leaves for collecting. The laws speak of calls; here they hold for messages too."""

# The area code tells the state of a number; who moved keeps it, so the creditor's own state counts as well.
_CODES = {
    "SP": (11, 12, 13, 14, 15, 16, 17, 18, 19),
    "RJ": (21, 22, 24),
    "ES": (27, 28),
    "AM": (92, 97),
    "AL": (82,),
}
_STATE_OF_CODE = {str(code): state for state, codes in _CODES.items() for code in codes}


def state_of_phone(digits: str) -> str | None:
    """Return the state with a law of its own that a Brazilian number (digits with country code) belongs to."""
    return _STATE_OF_CODE.get(digits[2:4]) if digits.startswith("55") else None


def hours_for(hours: Hours, state: str | None) -> Hours:
    """Return the creditor's hours within the law of the debtor's state, where it has one."""
    law = LAWS.get(state) if state is not None else None
    return hours.within(law) if law is not None else hours


@lru_cache(maxsize=8192)
def is_holiday(day: date, states: frozenset[str]) -> bool:
    """Return whether `day` is a national holiday or one of any of `states`."""
    return day in national_holidays(day.year) or any(day in state_holidays(state, day.year) for state in states)


def open_at(hours: Hours, local: datetime) -> bool:
    """Return whether a local instant lies within the hours, both ends included."""
    span = hours.of(local.date())
    return span is not None and span[0] <= local.time().replace(tzinfo=None) <= span[1]


def next_open(hours: Hours, local: datetime) -> datetime | None:
    """Return the first local instant from `local` on that lies within the hours; None where they never open."""
    if open_at(hours, local):
        return local
    day = local.date()
    span = hours.of(day)
    if span is not None and local.time().replace(tzinfo=None) < span[0]:
        return datetime.combine(day, span[0], local.tzinfo)
    following = open_day(hours, day + _A_DAY, ahead=True)
    opened = hours.of(following) if following is not None else None
    return None if following is None or opened is None else datetime.combine(following, opened[0], local.tzinfo)


def open_day(hours: Hours, day: date, *, ahead: bool) -> date | None:
    """Return `day`, or the next open day ahead of it or behind it; None where there is none within two months."""
    step = _A_DAY if ahead else -_A_DAY
    for _ in range(_LOOK_AHEAD_DAYS):
        if hours.of(day) is not None:
            return day
        day += step
    return None


def brought_inside(hours: Hours, day: date, at: time) -> time:
    """Return `at`, or the nearer end of the day's hours; the day is an open one."""
    span = hours.of(day)
    assert span is not None
    return min(max(at, span[0]), span[1])


def in_good_time(hours: Hours, day: date, at: time) -> time:
    """Return the same for what is to go out then: a quarter of an hour before the hours end at the latest."""
    span = hours.of(day)
    assert span is not None
    latest = max(datetime.combine(day, span[0]), datetime.combine(day, span[1]) - _BEFORE_CLOSING).time()
    return max(span[0], min(at, latest))


def closes_at(hours: Hours, local: datetime) -> datetime:
    """Return the local end of the span that `local` lies in."""
    span = hours.of(local.date())
    assert span is not None
    return datetime.combine(local.date(), span[1], local.tzinfo)


def _both(one: Span | None, other: Span | None) -> Span | None:
    if one is None or other is None:
        return None
    span = max(one[0], other[0]), min(one[1], other[1])
    return span if span[0] <= span[1] else None


_ZONES = {
    "America/Manaus": (92, 97),
    "America/Porto_Velho": (69,),
    "America/Boa_Vista": (95,),
    "America/Cuiaba": (65, 66),
    "America/Campo_Grande": (67,),
    "America/Rio_Branco": (68,),
}
_ZONE_OF_CODE = {str(code): ZoneInfo(zone) for zone, codes in _ZONES.items() for code in codes}


def zone_of_phone(digits: str) -> ZoneInfo | None:
    """Return where the clock of a Brazilian number's state differs from Brasília's: eight there is six in Acre."""
    return _ZONE_OF_CODE.get(digits[2:4]) if digits.startswith("55") else None
