"""Banking days: when a due date can be paid, and since when a debt is late.

National holidays by law and the banks' own days (Carnival Monday and Tuesday, Corpus Christi: Res. CMN 4.880/2020,
FEBRABAN). 24 and 31 December are none: Pix and banks work. The holidays of a state and days of the creditor's own count
where the policy names them: banks are open then, but nobody has to pay.
"""

from datetime import date, timedelta
from functools import lru_cache

from holidays import country_holidays

from payments.late_charges import NO_OTHERS, Holidays

STATES = frozenset(state for state in country_holidays("BR").subdivisions if len(state) == 2)
"""The states and the federal district, by their two letters."""

# Days before and after Easter Sunday.
_CARNIVAL_MONDAY, _CARNIVAL_TUESDAY = timedelta(days=48), timedelta(days=47)
_GOOD_FRIDAY, _CORPUS_CHRISTI = timedelta(days=2), timedelta(days=60)


@lru_cache(maxsize=64)
def banking_holidays(year: int) -> frozenset[date]:
    """Return the days of `year` on which banks are closed for a holiday, weekends among them. Known from 1890 to
    2100.
    """
    national = country_holidays("BR", years=year, language="en_US")
    # Sought by a part of the name: on 21 April (2000, 2079) the day has that of Tiradentes too.
    (good_friday,) = national.get_named("Good Friday")
    sunday = good_friday + _GOOD_FRIDAY
    moving = (sunday - _CARNIVAL_MONDAY, sunday - _CARNIVAL_TUESDAY, sunday + _CORPUS_CHRISTI)
    return frozenset({*national, *moving})


@lru_cache(maxsize=64)
def national_holidays(year: int) -> frozenset[date]:
    """Return the nation's holidays in `year`, Good Friday among them; the banks' own days are none."""
    return frozenset(country_holidays("BR", years=year))


@lru_cache(maxsize=256)
def state_holidays(state: str, year: int) -> frozenset[date]:
    """Return the holidays of a state in `year`, the nation's among them."""
    return frozenset(country_holidays("BR", subdiv=state, years=year))


@lru_cache(maxsize=4096)
def is_banking_day(day: date, days: Holidays = NO_OTHERS) -> bool:
    """Return whether banks settle on `day`, and it is none of the other holidays in `days`."""
    return (
        day.weekday() < 5
        and day not in banking_holidays(day.year)
        and day not in days.own
        and (days.state is None or day not in state_holidays(days.state, day.year))
    )


@lru_cache(maxsize=4096)
def payable_day(due: date, days: Holidays = NO_OTHERS) -> date:
    """Return the last day on which a debt can be paid without charges: the due date, or the next banking day (Lei
    7.089/1983) that is none of the other holidays in `days`.
    """
    day = due
    while not is_banking_day(day, days):
        day += timedelta(days=1)
    return day


def days_overdue(due: date, day: date, days: Holidays = NO_OTHERS) -> int:
    """Return calendar days since the due date; 0 from the due date to the payable day, negative before it."""
    if due <= day <= payable_day(due, days):
        return 0
    return (day - due).days
