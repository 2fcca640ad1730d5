"""Banking days: when a due date can be paid, and since when a debt is late.

National holidays by law and the banks' own days (Carnival Monday and Tuesday, Corpus Christi: Res. CMN 4.880/2020,
FEBRABAN). State and municipal holidays do not count here, nor do 24 and 31 December, on which Pix and banks work.
"""

from datetime import date, timedelta
from functools import lru_cache

from holidays import country_holidays

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


@lru_cache(maxsize=4096)
def is_banking_day(day: date) -> bool:
    """Return whether banks settle on `day`."""
    return day.weekday() < 5 and day not in banking_holidays(day.year)


@lru_cache(maxsize=4096)
def payable_day(due: date) -> date:
    """Return the last day on which a debt can be paid without charges: the due date, or the next banking day (Lei
    7.089/1983).
    """
    day = due
    while not is_banking_day(day):
        day += timedelta(days=1)
    return day


def days_overdue(due: date, day: date) -> int:
    """Return calendar days since the due date; 0 from the due date to the payable day, negative before it."""
    if due <= day <= payable_day(due):
        return 0
    return (day - due).days
