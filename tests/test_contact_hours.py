"""When somebody may be reminded: three years of holidays, states with laws of their own, two clocks, clocks put on."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.contact_hours import (
    Hours,
    brought_inside,
    closes_at,
    hours_for,
    in_good_time,
    is_holiday,
    next_open,
    open_at,
    open_day,
    state_of_phone,
    zone_of_phone,
)
from tests.tables import table

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NEW_YORK = ZoneInfo("America/New_York")
DAY = timedelta(days=1)
SATURDAY, SUNDAY = 5, 6
OURS = Hours(
    weekdays=(time(8), time(20)), saturday=(time(8), time(14)), sunday=None, holidays=None, states=frozenset({"SP"})
)
ALWAYS = Hours(
    weekdays=(time(0), time(23, 59)),
    saturday=(time(0), time(23, 59)),
    sunday=(time(0), time(23, 59)),
    holidays=(time(0), time(23, 59)),
)
NEVER = Hours(weekdays=None, saturday=None, sunday=None, holidays=None)
# By law (662/1949, 6.802/1980, 9.093/1995, 14.759/2023); Good Friday is two days before Easter: 05/04/2026, 28/03/2027,
# 16/04/2028. Carnival, Corpus Christi and the eves of Christmas and New Year are none.
NATION = ("01-01", "04-21", "05-01", "09-07", "10-12", "11-02", "11-15", "11-20", "12-25")
GOOD_FRIDAY = {2026: "04-03", 2027: "03-26", 2028: "04-14"}
CARNIVAL_TUESDAY = {2026: "02-17", 2027: "02-09", 2028: "02-29"}
OF_STATE = {"SP": ("07-09",), "RJ": ("04-23",)}


def holidays(year: int, state: str) -> set[date]:
    days = [*NATION, GOOD_FRIDAY[year], *OF_STATE.get(state, ())]
    days += [CARNIVAL_TUESDAY[year]] if state == "RJ" else []
    return {date.fromisoformat(f"{year}-{day}") for day in days}


def local(written: str, zone: ZoneInfo = SAO_PAULO) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=zone)


def at(written: str) -> time:
    return time.fromisoformat(written)


@pytest.mark.parametrize("state", ["", "SP", "RJ"])
@pytest.mark.parametrize("year", [2026, 2027, 2028])
def test_every_day_of_three_years_is_open_or_closed_as_the_law_says(year: int, state: str) -> None:
    closed = holidays(year, state)
    states = frozenset({state} - {""})
    hours = Hours(weekdays=OURS.weekdays, saturday=OURS.saturday, sunday=None, holidays=None, states=states)
    day, days = date(year, 1, 1), 0
    while day.year == year:
        assert is_holiday(day, states) == (day in closed), day
        expected = (
            None if day in closed or day.weekday() == 6 else OURS.saturday if day.weekday() == 5 else OURS.weekdays
        )
        assert hours.of(day) == expected, day
        day, days = day + DAY, days + 1
    assert days == (366 if year == 2028 else 365)


# 10/12/2026 is a Thursday. SP, AL: 8-20, Saturdays 8-14; RJ 9-19; ES, AM 8-19; else no Saturday, no Sunday, no holiday.
@pytest.mark.parametrize(
    *table("""
    state | weekday       | saturday
    -     | 07:00 - 21:00 | 07:00 - 18:00
    MG    | 07:00 - 21:00 | 07:00 - 18:00
    SP    | 08:00 - 20:00 | 08:00 - 14:00
    AL    | 08:00 - 20:00 | 08:00 - 14:00
    RJ    | 09:00 - 19:00 | closed
    ES    | 08:00 - 19:00 | closed
    AM    | 08:00 - 19:00 | closed
    """)
)
def test_the_stricter_of_the_creditors_hours_and_the_states_law_holds(
    state: str | None, weekday: str, saturday: str
) -> None:
    wide = (time(7), time(21))
    creditor = Hours(weekdays=wide, saturday=(time(7), time(18)), sunday=wide, holidays=wide)
    hours = hours_for(creditor, state)
    has_law = state in ("SP", "RJ", "ES", "AM", "AL")
    assert _said(hours.of(date(2026, 12, 10))) == weekday
    assert _said(hours.of(date(2026, 12, 12))) == saturday
    assert _said(hours.of(date(2026, 12, 13))) == ("closed" if has_law else "07:00 - 21:00")
    assert _said(hours.of(date(2026, 11, 20))) == ("closed" if has_law else "07:00 - 21:00")


def _said(span: tuple[time, time] | None) -> str:
    return "closed" if span is None else f"{span[0]:%H:%M} - {span[1]:%H:%M}"


def test_a_narrower_creditor_is_not_widened_by_a_law() -> None:
    lunch = Hours(weekdays=(time(12), time(13)), saturday=None, sunday=None, holidays=None)
    assert hours_for(lunch, "SP").weekdays == (time(12), time(13))
    night = Hours(weekdays=(time(20, 30), time(22)), saturday=None, sunday=None, holidays=None)
    assert hours_for(night, "SP").weekdays is None  # nothing is left of it


@pytest.mark.parametrize(
    *table("""
    phone         | state | zone
    5511987654321 | SP    | -
    5519987654321 | SP    | -
    5521987654321 | RJ    | -
    5524987654321 | RJ    | -
    5523987654321 | -     | -
    5527987654321 | ES    | -
    5582987654321 | AL    | -
    5592987654321 | AM    | America/Manaus
    5597987654321 | AM    | America/Manaus
    5568987654321 | -     | America/Rio_Branco
    5569987654321 | -     | America/Porto_Velho
    5595987654321 | -     | America/Boa_Vista
    5565987654321 | -     | America/Cuiaba
    5566987654321 | -     | America/Cuiaba
    5567987654321 | -     | America/Campo_Grande
    5561987654321 | -     | -
    14155550123   | -     | -
    1155501234567 | -     | -
    -             | -     | -
    """)
)
def test_the_area_code_tells_the_law_and_the_clock(phone: int | None, state: str | None, zone: str | None) -> None:
    digits = str(phone or "")
    assert state_of_phone(digits) == state
    found = zone_of_phone(digits)
    assert (found.key if found else None) == zone


# 19/11/2026 is a Thursday, the 20th a holiday; 24/12 a Thursday; 08/07/2026 a Wednesday, the 9th São Paulo's holiday.
@pytest.mark.parametrize(
    *table("""
    now              | is_open | first
    2026-11-19T08:00 | yes     | 2026-11-19T08:00
    2026-11-19T07:59 | no      | 2026-11-19T08:00
    2026-11-19T20:00 | yes     | 2026-11-19T20:00
    2026-11-19T20:01 | no      | 2026-11-21T08:00
    2026-11-20T10:00 | no      | 2026-11-21T08:00
    2026-11-21T14:00 | yes     | 2026-11-21T14:00
    2026-11-21T14:01 | no      | 2026-11-23T08:00
    2026-11-22T10:00 | no      | 2026-11-23T08:00
    2026-07-08T22:00 | no      | 2026-07-10T08:00
    2026-12-24T23:59 | no      | 2026-12-26T08:00
    2026-12-31T12:00 | yes     | 2026-12-31T12:00
    2026-12-31T21:00 | no      | 2027-01-02T08:00
    2026-02-17T10:00 | yes     | 2026-02-17T10:00
    2028-02-28T20:30 | no      | 2028-02-29T08:00
    2028-02-29T20:30 | no      | 2028-03-01T08:00
    2026-04-02T20:30 | no      | 2026-04-04T08:00
    """)
)
def test_open_now_and_open_next(now: str, is_open: bool, first: str) -> None:
    assert open_at(OURS, local(now)) is is_open
    assert next_open(OURS, local(now)) == local(first)


def test_seconds_after_closing_are_closed() -> None:
    assert not open_at(OURS, local("2026-11-19T20:00:01"))


def test_who_never_opens_is_not_waited_for() -> None:
    assert next_open(NEVER, local("2026-11-19T10:00")) is None
    assert open_day(NEVER, date(2026, 11, 19), ahead=True) is None
    assert open_day(NEVER, date(2026, 11, 19), ahead=False) is None


@pytest.mark.parametrize(
    *table("""
    day        | behind     | ahead
    2026-11-20 | 2026-11-19 | 2026-11-21
    2026-11-22 | 2026-11-21 | 2026-11-23
    2026-11-02 | 2026-10-31 | 2026-11-03
    2026-01-01 | 2025-12-31 | 2026-01-02
    2026-04-05 | 2026-04-04 | 2026-04-06
    2026-07-09 | 2026-07-08 | 2026-07-10
    2028-02-29 | 2028-02-29 | 2028-02-29
    """)
)
def test_the_open_day_behind_and_ahead(day: str, behind: str, ahead: str) -> None:
    wanted = date.fromisoformat(day)
    assert open_day(OURS, wanted, ahead=False) == date.fromisoformat(behind)
    assert open_day(OURS, wanted, ahead=True) == date.fromisoformat(ahead)


# 21/11/2026 is a Saturday (8-14), the 23rd a Monday (8-20).
@pytest.mark.parametrize(
    *table("""
    day        | written | inside | in_time
    2026-11-23 | 10:00   | 10:00  | 10:00
    2026-11-23 | 06:30   | 08:00  | 08:00
    2026-11-23 | 19:45   | 19:45  | 19:45
    2026-11-23 | 19:46   | 19:46  | 19:45
    2026-11-23 | 20:00   | 20:00  | 19:45
    2026-11-23 | 22:00   | 20:00  | 19:45
    2026-11-21 | 16:00   | 14:00  | 13:45
    2026-11-21 | 14:00   | 14:00  | 13:45
    2026-11-21 | 07:00   | 08:00  | 08:00
    """)
)
def test_an_hour_is_brought_inside(day: str, written: str, inside: str, in_time: str) -> None:
    on = date.fromisoformat(day)
    assert brought_inside(OURS, on, at(written)) == at(inside)
    assert in_good_time(OURS, on, at(written)) == at(in_time)


def test_hours_shorter_than_the_margin_are_used_from_their_beginning() -> None:
    short = Hours(weekdays=(time(10), time(10, 5)), saturday=None, sunday=None, holidays=None)
    assert in_good_time(short, date(2026, 11, 23), time(12)) == time(10)
    early = Hours(weekdays=(time(0), time(0, 5)), saturday=None, sunday=None, holidays=None)
    assert in_good_time(early, date(2026, 11, 23), time(12)) == time(0)


def test_opening_is_a_local_time_when_clocks_are_put_on_and_back() -> None:
    """New York's clocks go on in the night to 8 March 2026 and back in that to 1 November."""
    hours = Hours(weekdays=(time(8), time(20)), saturday=(time(8), time(14)), sunday=(time(8), time(12)), holidays=None)
    for day, elapsed in (("2026-03-07", 9), ("2026-03-06", 10), ("2026-10-31", 11)):
        before = local(f"{day}T22:00", NEW_YORK)
        opened = next_open(hours, before)
        assert opened is not None
        assert (opened.date(), opened.time()) == (before.date() + DAY, time(8))
        assert opened.timestamp() - before.timestamp() == elapsed * 3600
    assert closes_at(hours, local("2026-03-08T09:00", NEW_YORK)).utcoffset() == timedelta(hours=-4)


def test_summer_time_that_a_country_has_given_up_changes_the_instant_and_not_the_hour() -> None:
    """Brazil put its clocks on at midnight of 4 November 2018 for the last time; 00:30 was none that day."""
    night = local("2018-11-03T23:30")
    opened = next_open(ALWAYS, local("2018-11-04T00:30"))
    assert open_at(ALWAYS, night)
    assert opened == local("2018-11-04T00:30")
    monday = next_open(OURS, local("2018-11-03T15:00"))
    assert monday == local("2018-11-05T08:00")
    assert monday is not None
    assert monday.utcoffset() == timedelta(hours=-2)
    assert local("2018-11-03T08:00").utcoffset() == timedelta(hours=-3)


spans = st.none() | st.tuples(st.integers(0, 1438), st.integers(1, 1439)).filter(lambda pair: pair[0] < pair[1]).map(
    lambda pair: (time(pair[0] // 60, pair[0] % 60), time(pair[1] // 60, pair[1] % 60))
)
hours_of = st.builds(
    Hours,
    weekdays=spans,
    saturday=spans,
    sunday=spans,
    holidays=spans,
    states=st.sampled_from([frozenset(), frozenset({"SP"}), frozenset({"RJ", "SP"})]),
)
instants = st.builds(
    datetime.combine,
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.times(),
    st.sampled_from([SAO_PAULO, NEW_YORK]),
)


@given(hours=hours_of, now=instants)
def test_the_next_opening_is_open_not_before_now_and_the_first(hours: Hours, now: datetime) -> None:
    found = next_open(hours, now)
    if found is None:
        assert all(hours.of(now.date() + DAY * n) is None for n in range(1, 50))
        return
    assert found >= now
    assert open_at(hours, found)
    assert all(hours.of(now.date() + DAY * n) is None for n in range(1, (found.date() - now.date()).days))
    if found != now:
        assert not open_at(hours, now)
        assert found.time() == (hours.of(found.date()) or (None,))[0]


@given(one=hours_of, other=hours_of, now=instants)
def test_both_are_open_where_both_together_are(one: Hours, other: Hours, now: datetime) -> None:
    if open_at(one.within(other), now):
        assert open_at(one, now)
        assert open_at(other, now)
    assert one.within(other) == other.within(one)
