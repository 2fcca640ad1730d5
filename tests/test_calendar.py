"""Banking days: on which day a debt can still be paid, and since when it is late."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.calendar import STATES, banking_holidays, days_overdue, is_banking_day, payable_day
from payments.late_charges import Holidays
from tests.tables import table

VECTORS = json.loads((Path(__file__).parent / "vectors/pix/money-vectors.json").read_text(encoding="utf-8"))
DUE = st.dates(min_value=date(1970, 1, 1), max_value=date(2100, 12, 31))


@pytest.mark.parametrize("year", sorted(VECTORS["banking_holidays"]))
def test_the_banks_close_on_exactly_the_days_of_the_calendar(year: str) -> None:
    """National holidays, Carnival and Corpus Christi; not 24 and 31 December."""
    assert banking_holidays(int(year)) == {date.fromisoformat(day) for day in VECTORS["banking_holidays"][year]}


@pytest.mark.parametrize(
    *table("""
    day         open
    2026-02-16  no   # Carnival Monday
    2026-02-17  no   # Carnival Tuesday
    2026-02-18  yes  # Ash Wednesday: from noon
    2026-07-09  yes  # a holiday of São Paulo alone
    2023-11-20  yes  # the day before it became a national holiday
    2024-11-20  no   # since Lei 14.759/2023
    2026-12-24  yes
    2026-12-25  no
    2026-12-31  yes
    2026-11-28  no   # a Saturday
    2000-04-21  no   # Good Friday and Tiradentes in one
    2000-06-22  no   # the Corpus Christi of that year
""")
)
def test_a_day_is_a_banking_day_by_the_nations_calendar(day: str, open: bool) -> None:
    """Weekends and national holidays close the banks; a state's days and the year's last do not."""
    assert is_banking_day(date.fromisoformat(day)) == open


@pytest.mark.parametrize(
    *table("""
    due         day         overdue
    2026-11-30  2026-11-27       -3
    2026-11-30  2026-11-30        0
    2026-11-30  2026-12-01        1
    2026-11-28  2026-11-29        0  # due on a Saturday, asked on Sunday
    2026-11-28  2026-11-30        0  # its payable day
    2026-11-28  2026-12-01        3  # and then the weekend counts
    2026-02-14  2026-02-18        0  # Carnival's Saturday: payable until Ash Wednesday
    2026-02-14  2026-02-19        5
""")
)
def test_days_overdue_are_nought_until_the_payable_day_and_then_all_since_the_due_date(
    due: str, day: str, overdue: int
) -> None:
    """Negative before the due date."""
    assert days_overdue(date.fromisoformat(due), date.fromisoformat(day)) == overdue


@pytest.mark.parametrize(
    *table("""
    state | own        | due        | payable
    SP    | -          | 2026-07-09 | 2026-07-10  # a Thursday, the state's day
    RJ    | -          | 2026-07-09 | 2026-07-09
    -     | -          | 2026-07-09 | 2026-07-09
    SP    | 2026-07-10 | 2026-07-09 | 2026-07-13  # the company's bridge, then a weekend
    -     | 2026-12-24 | 2026-12-24 | 2026-12-28  # Christmas Eve, Christmas, a weekend
    -     | 2026-12-31 | 2026-12-31 | 2027-01-04
    -     | -          | 2026-12-31 | 2026-12-31
    BA    | -          | 2026-02-14 | 2026-02-18  # the Saturday of Carnival: Ash Wednesday
    -     | -          | 2028-02-29 | 2028-03-01  # a leap day that is Carnival's Tuesday
    AC    | -          | 2024-02-29 | 2024-02-29  # a leap day that is none
""")
)
def test_a_states_holidays_and_the_creditors_own_days_move_the_payable_day(
    state: str | None, own: str | None, due: str, payable: str
) -> None:
    days = Holidays(state=state, own=frozenset([date.fromisoformat(own)]) if own else frozenset())
    until = payable_day(date.fromisoformat(due), days)
    assert until == date.fromisoformat(payable)
    assert days_overdue(date.fromisoformat(due), until, days) == 0
    late = (until - date.fromisoformat(due)).days + 1
    assert days_overdue(date.fromisoformat(due), until + timedelta(days=1), days) == late


def test_every_state_is_known_and_none_opens_a_day_on_which_banks_are_closed() -> None:
    assert len(STATES) == 27
    for state in sorted(STATES):
        days = Holidays(state=state)
        assert not any(is_banking_day(day, days) for day in banking_holidays(2026))


@given(DUE)
def test_the_payable_day_is_the_first_banking_day_from_the_due_date_on(due: date) -> None:
    """Never before the due date, never a day on which banks are closed, and none in between was open."""
    day = payable_day(due)
    assert is_banking_day(day)
    assert not any(is_banking_day(due + timedelta(days=k)) for k in range((day - due).days))
    assert [days_overdue(due, due + timedelta(days=k)) for k in range((day - due).days + 1)] == [0] * (
        (day - due).days + 1
    )
    assert days_overdue(due, day + timedelta(days=1)) == (day - due).days + 1
