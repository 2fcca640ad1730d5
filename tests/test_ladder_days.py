"""Which step falls when: three known cadences against dates worked out by hand, and what moves, stands or goes."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.contact_hours import hours_for, open_at
from flows.ladder import Ladder, read_ladder
from flows.ladder_days import PlannedStep, planned, preview
from flows.ladder_parts import Step
from payments.late_charges import Holidays
from tests.tables import table

PRESETS = Path(__file__).parent.parent / "flows" / "ladders"
WEEKDAYS = ("seg", "ter", "qua", "qui", "sex", "sáb", "dom")


def preset(name: str) -> Ladder:
    return as_ladder((PRESETS / f"{name}.yaml").read_text(encoding="utf-8"))


def as_ladder(text: str) -> Ladder:
    ladder = read_ladder(text.encode(), name="régua.yaml")
    assert isinstance(ladder, Ladder), [str(one) for one in ladder]
    return ladder


def with_steps(steps: str, *, hours: str = "", more: str = "") -> Ladder:
    hours = hours or '{monday_to_friday: ["08:00", "20:00"], saturday: ["08:00", "14:00"], state: SP}'
    lines = "\n".join(f"      - {line.strip()}" for line in steps.strip().splitlines())
    return as_ladder(
        f"ladder: t\ntitle: T\ncontact_hours: {hours}\n{more}tracks:\n  - name: todos\n    steps:\n{lines}\n"
    )


def said(steps: tuple[PlannedStep, ...], name: Callable[[int], str] = str) -> dict[str, str]:
    """By the day of each step `sáb 06/06 < 07`: when, and which day of the month it was moved from."""
    return {
        name(one.day): f"{WEEKDAYS[one.at.weekday()]} {one.at:%d/%m}"
        + (f" {one.at:%H:%M}" if one.at.time() != time(10) else "")
        + (f" < {one.moved_from:%d}" if one.moved_from else "")
        for one in steps
    }


def column(day: int) -> str:
    return f"before_{-day}" if day < 0 else f"on_{day}"


def check(name: str, due: str, **expected: str | None) -> None:
    ladder, day = preset(name), date.fromisoformat(due)
    steps = preview(ladder, ladder.tracks[0], day)
    assert said(steps, column) == {day: text for day, text in expected.items() if text is not None}
    assert [one.at for one in steps] == sorted(one.at for one in steps)
    assert all(abs(one.at.date() - day) < timedelta(days=40) for one in steps)  # of that year, not of another
    assert all(one.at.utcoffset() == timedelta(hours=-3) for one in steps)


# Why the due date is here, and day and date of each step, worked out by hand. Sundays and holidays are closed: before
# day 0 the day before is taken, from day 0 on the one after (`<` tells from where). A ticket stays where it is.
FRIENDLY = """
    due        | before_3       | on_0           | on_2           | on_7      | on_15
    2026-06-10 | sáb 06/06 < 07 | qua 10/06      | sex 12/06      | qua 17/06 | qui 25/06 # a Wednesday
    2026-08-16 | sex 14/08      | seg 17/08      | qua 19/08      | seg 24/08 | ter 01/09 # a Sunday
    2026-08-07 | ter 04/08      | sex 07/08      | seg 10/08 < 09 | sex 14/08 | sáb 22/08 # two days after is a Sunday
    2026-11-20 | qui 19/11 < 20 | seg 23/11      | qua 25/11      | seg 30/11 | ter 08/12 # Consciência Negra, a Friday
    2026-11-12 | seg 09/11      | qui 12/11      | sáb 14/11      | qui 19/11 | sex 27/11 # eight days before a holiday
    2026-02-16 | sáb 14/02 < 15 | qua 18/02      | sex 20/02      | qua 25/02 | qui 05/03 # Carnival Monday
    2026-04-03 | qui 02/04 < 03 | seg 06/04      | qua 08/04      | seg 13/04 | qua 22/04 < 21 # Good Friday; Tiradentes
    2026-05-01 | qui 30/04 < 01 | seg 04/05      | qua 06/05      | seg 11/05 | ter 19/05 # 1 May
    2026-07-09 | seg 06/07      | sex 10/07 < 09 | sáb 11/07      | qui 16/07 | sex 24/07 # São Paulo's own
    2026-10-31 | sáb 31/10      | ter 03/11      | qui 05/11      | ter 10/11 | qua 18/11 # a Saturday before Finados
    2026-02-28 | sex 27/02      | seg 02/03      | qua 04/03      | seg 09/03 | ter 17/03 # the last of February
    2028-02-29 | sáb 26/02 < 27 | qua 01/03      | sex 03/03      | qua 08/03 | qui 16/03 # the leap day, Carnival
    2026-12-25 | qui 24/12 < 25 | seg 28/12      | qua 30/12      | seg 04/01 | ter 12/01 # Christmas
    2026-12-31 | seg 28/12      | qui 31/12      | sáb 02/01      | qui 07/01 | sex 15/01 # the last of a year
    2027-01-01 | qui 31/12 < 01 | seg 04/01      | qua 06/01      | seg 11/01 | ter 19/01 # New Year
"""
WHO_READ = """
    due        | before_7  | before_5       | before_2       | on_0           | on_7      | on_8
    2026-06-10 | qua 03/06 | sex 05/06      | seg 08/06      | qua 10/06      | qua 17/06 | qui 18/06 # a Wednesday
    2026-08-16 | seg 10/08 | qua 12/08      | sáb 15/08      | seg 17/08      | seg 24/08 | ter 25/08 # a Sunday
    2026-08-07 | sex 31/07 | sáb 01/08 < 02 | qua 05/08      | sex 07/08      | sex 14/08 | sáb 15/08 # -5: a Sunday
    2026-11-20 | seg 16/11 | qua 18/11      | sáb 21/11      | seg 23/11      | seg 30/11 | ter 01/12 # a holiday
    2026-11-12 | qui 05/11 | sáb 07/11      | ter 10/11      | qui 12/11      | qui 19/11 | sex 20/11 # 8: a holiday
    2026-02-16 | qua 11/02 | sex 13/02      | seg 16/02      | qua 18/02      | qua 25/02 | qui 26/02 # Carnival
    2026-04-03 | seg 30/03 | qua 01/04      | sáb 04/04      | seg 06/04      | seg 13/04 | ter 14/04 # Good Friday
    2026-07-09 | qui 02/07 | sáb 04/07      | ter 07/07      | sex 10/07 < 09 | qui 16/07 | sex 17/07 # São Paulo's
    2026-10-31 | ter 27/10 | qui 29/10      | sáb 31/10 < 01 | ter 03/11      | ter 10/11 | qua 11/11 # October
    2026-02-28 | seg 23/02 | qua 25/02      | sáb 28/02      | seg 02/03      | seg 09/03 | ter 10/03 # February
    2028-02-29 | qua 23/02 | sex 25/02      | seg 28/02      | qua 01/03      | qua 08/03 | qui 09/03 # the leap day
    2026-12-25 | seg 21/12 | qua 23/12      | sáb 26/12      | seg 28/12      | seg 04/01 | ter 05/01 # Christmas
    2026-12-31 | qui 24/12 | sáb 26/12      | ter 29/12      | qui 31/12      | qui 07/01 | sex 08/01 # a year
    2027-01-01 | seg 28/12 | qua 30/12      | sáb 02/01      | seg 04/01      | seg 11/01 | ter 12/01 # New Year
"""
PREVENTIVE = """
    due        | before_7  | before_3       | before_1       | on_0
    2026-06-10 | qua 03/06 | sáb 06/06 < 07 | ter 09/06      | qua 10/06 # a Wednesday
    2026-08-16 | seg 10/08 | sex 14/08      | sáb 15/08 < 16 | seg 17/08 # a Sunday
    2026-08-07 | sex 31/07 | ter 04/08      | qui 06/08      | sex 07/08 # a Friday
    2026-11-20 | seg 16/11 | qui 19/11 < 20 | sáb 21/11 < 22 | seg 23/11 # Consciência Negra, a Friday
    2026-11-12 | qui 05/11 | seg 09/11      | qua 11/11      | qui 12/11 # a Thursday
    2026-02-16 | qua 11/02 | sáb 14/02 < 15 | ter 17/02      | qua 18/02 # Carnival Monday
    2026-04-03 | seg 30/03 | qui 02/04 < 03 | sáb 04/04 < 05 | seg 06/04 # Good Friday
    2026-07-09 | qui 02/07 | seg 06/07      | qua 08/07      | sex 10/07 < 09 # São Paulo's holiday
    2026-10-31 | ter 27/10 | -              | sáb 31/10 < 02 | ter 03/11 # two fall on one Saturday: the later stands
    2026-02-28 | seg 23/02 | sex 27/02      | sáb 28/02 < 01 | seg 02/03 # the last of February
    2028-02-29 | qua 23/02 | sáb 26/02 < 27 | ter 29/02      | qua 01/03 # the leap day
    2026-12-25 | seg 21/12 | qui 24/12 < 25 | sáb 26/12 < 27 | seg 28/12 # Christmas
    2026-12-31 | qui 24/12 | seg 28/12      | qua 30/12      | qui 31/12 # the last of a year
    2027-01-01 | seg 28/12 | qui 31/12 < 01 | sáb 02/01 < 03 | seg 04/01 # New Year
"""


@pytest.mark.parametrize(*table(FRIENDLY))
def test_the_friendly_cadence(due: str, before_3: str, on_0: str, on_2: str, on_7: str, on_15: str) -> None:
    check("amigavel", due, before_3=before_3, on_0=on_0, on_2=on_2, on_7=on_7, on_15=on_15)


@pytest.mark.parametrize(*table(WHO_READ))
def test_the_cadence_of_who_read(
    due: str, before_7: str, before_5: str, before_2: str, on_0: str, on_7: str, on_8: str
) -> None:
    check("quem-leu", due, before_7=before_7, before_5=before_5, before_2=before_2, on_0=on_0, on_7=on_7, on_8=on_8)


@pytest.mark.parametrize(*table(PREVENTIVE))
def test_the_preventive_cadence(due: str, before_7: str, before_3: str | None, before_1: str, on_0: str) -> None:
    check("preventiva", due, before_7=before_7, before_3=before_3, before_1=before_1, on_0=on_0)


def moves(ladder: Ladder, due: str) -> dict[str, str]:
    return said(preview(ladder, ladder.tracks[0], date.fromisoformat(due)))


def test_an_hour_of_its_own_is_brought_inside_that_days_hours() -> None:
    """10 December 2026 is a Thursday, the 12th a Saturday until 14:00."""
    ladder = with_steps("""
        {day: -1, template: cedo, at: "06:00"}
        {day: 0, template: tarde, at: "21:30"}
        {day: 2, template: sabado, at: "16:00"}
        {day: 5, template: fecha, at: "20:00"}
    """)
    assert moves(ladder, "2026-12-10") == {
        "-1": "qua 09/12 08:00 < 09",
        "0": "qui 10/12 20:00 < 10",
        "2": "sáb 12/12 14:00 < 12",
        "5": "ter 15/12 20:00",
    }
    sent = planned(ladder, ladder.tracks[0], date(2026, 12, 10))
    assert [f"{one.at:%H:%M}" for one in sent] == ["08:00", "19:45", "13:45", "19:45"]  # in good time before closing


def test_what_moves_to_a_saturday_is_brought_inside_its_hours() -> None:
    ladder = with_steps('{day: -1, template: vespera, at: "18:00"}')
    assert moves(ladder, "2026-12-14") == {"-1": "sáb 12/12 14:00 < 13"}


def test_of_two_messages_on_one_day_the_later_of_the_ladder_stands_whatever_their_hours() -> None:
    """22 November 2026 is a Sunday after a holiday on Friday: -2 and -1 both go to Saturday, 0 and +1 stay."""
    ladder = with_steps("""
        {day: -2, template: dois, at: "13:00"}
        {day: -1, template: um, at: "09:00"}
        {day: 0, template: zero}
    """)
    assert moves(ladder, "2026-11-23") == {"-1": "sáb 21/11 09:00 < 22", "0": "seg 23/11"}


def test_steps_that_move_ahead_meet_and_the_later_stands() -> None:
    """25 December 2026 is a Friday; of Saturday until Monday nothing is open in this company but Monday."""
    ladder = with_steps(
        """
        {day: 0, template: zero}
        {day: 1, template: um}
        {day: 2, template: dois}
        {day: 3, template: tres}
        """,
        hours='{monday_to_friday: ["08:00", "20:00"]}',
    )
    assert moves(ladder, "2026-12-11") == {"0": "sex 11/12", "3": "seg 14/12"}


def test_a_ticket_neither_moves_nor_gives_way_nor_takes_a_place() -> None:
    """13 December 2026 is a Sunday."""
    ladder = with_steps("""
        {day: 2, ticket: financeiro, at: "23:00"}
        {day: 3, ticket: juridico}
        {day: 3, template: venceu}
        {day: 4, ticket: financeiro}
    """)
    steps = preview(ladder, ladder.tracks[0], date(2026, 12, 11))
    assert [(one.day, one.at.day, one.step.ticket, one.step.template, one.moved_from) for one in steps] == [
        (2, 13, "financeiro", None, None),
        (3, 14, "juridico", None, None),
        (3, 14, None, "venceu", None),
        (4, 15, "financeiro", None, None),
    ]
    assert steps[0].at.time() == time(23)


def test_repeats_are_listed_each_on_its_own_day() -> None:
    """Weekly from Tuesday, 1 December 2026 on: the fifth would be a Tuesday too."""
    ladder = with_steps("{day: 22, template: proposta, repeat: {every_days: 7, times: 3}}")
    assert moves(ladder, "2026-12-01") == {
        "22": "qua 23/12",
        "29": "qua 30/12",
        "36": "qua 06/01",
        "43": "qua 13/01",
    }


def test_a_repeat_gives_way_to_a_later_step_of_the_same_day() -> None:
    ladder = with_steps("""
        {day: 1, template: todo_dia, repeat: {every_days: 1, times: 3}}
        {day: 3, template: proposta}
    """)
    steps = preview(ladder, ladder.tracks[0], date(2026, 12, 7))
    assert [(one.day, one.step.template) for one in steps] == [
        (1, "todo_dia"),
        (2, "todo_dia"),
        (3, "proposta"),
        (4, "todo_dia"),
    ]


def test_a_condition_that_does_not_hold_leaves_the_day_to_the_step_before() -> None:
    """Both go to the Saturday before Finados; without the later one the earlier stands."""
    ladder = with_steps("""
        {day: -3, template: antes}
        {day: -1, template: leu, when: {read_unpaid: true}}
    """)
    track, due = ladder.tracks[0], date(2026, 10, 31)

    def names(met: bool) -> list[str | None]:
        def is_met(_: Step) -> bool:
            return met

        return [one.step.template for one in planned(ladder, track, due, met=is_met)]

    assert (names(True), names(False)) == (["leu"], ["antes"])


@pytest.mark.parametrize(
    *table("""
    state | own        | payable
    -     | -          | qui 09/07
    SP    | -          | sex 10/07
    SP    | 2026-07-10 | seg 13/07
    """)
)
def test_days_count_from_when_the_policy_says_it_can_be_paid(state: str | None, own: str | None, payable: str) -> None:
    ladder = with_steps("{day: 0, template: hoje}", hours='{monday_to_friday: ["08:00", "20:00"]}')
    days = Holidays(state=state, own=frozenset({date.fromisoformat(own)} if own else ()))
    assert said(planned(ladder, ladder.tracks[0], date(2026, 7, 9), holidays=days)) == {"0": payable}


def test_the_law_of_the_debtors_state_moves_what_the_creditors_hours_would_not() -> None:
    """In Rio nobody is reminded on a Saturday or on 23 April (a Thursday of 2026), and not before nine."""
    ladder = with_steps("""
        {day: -1, template: vespera}
        {day: 0, template: hoje, at: "08:00"}
        {day: 1, template: depois}
    """)
    track, rio = ladder.tracks[0], hours_for(ladder.hours, "RJ")
    assert said(planned(ladder, track, date(2026, 4, 24), hours=rio)) == {
        "-1": "qua 22/04 < 23",
        "0": "sex 24/04 09:00 < 24",
        "1": "seg 27/04 < 25",
    }
    assert said(planned(ladder, track, date(2026, 4, 24))) == {
        "-1": "qui 23/04",
        "0": "sex 24/04 08:00",
        "1": "sáb 25/04",
    }


@pytest.mark.parametrize(
    *table("""
    zone                | due        | before                    | on
    America/New_York    | 2026-03-09 | 2026-03-06T10:00:00-05:00 | 2026-03-09T10:00:00-04:00 # clocks go on
    America/New_York    | 2026-11-03 | 2026-10-31T10:00:00-04:00 | 2026-11-03T10:00:00-05:00 # and back
    America/Sao_Paulo   | 2018-11-05 | 2018-11-01T10:00:00-03:00 | 2018-11-05T10:00:00-02:00 # Brazil's last summer time
    America/Sao_Paulo   | 2026-11-04 | 2026-10-31T10:00:00-03:00 | 2026-11-04T10:00:00-03:00 # and no more
    America/Rio_Branco  | 2026-06-10 | 2026-06-06T10:00:00-05:00 | 2026-06-10T10:00:00-05:00
    """)
)
def test_the_hour_is_local_whatever_the_clocks_do(zone: str, due: str, before: str, on: str) -> None:
    ladder = with_steps(
        """
        {day: -3, template: antes}
        {day: 0, template: hoje}
        """,
        more=f"timezone: {zone}\n",
    )
    steps = preview(ladder, ladder.tracks[0], date.fromisoformat(due))
    assert [one.at.isoformat() for one in steps] == [before, on]


def test_an_hour_that_the_clocks_leave_out_is_still_an_instant() -> None:
    """At 2:00 of Sunday, 8 March 2026 New York's clocks go to 3:00: half past two comes with the offset of before."""
    night = "{monday_to_friday: open, saturday: open, sunday: open, holidays: open}"
    ladder = with_steps('{day: -1, template: noite, at: "02:30"}', hours=night, more="timezone: America/New_York\n")
    (step,) = preview(ladder, ladder.tracks[0], date(2026, 3, 9))
    assert step.at.timestamp() == datetime(2026, 3, 8, 3, 30, tzinfo=ZoneInfo("America/New_York")).timestamp()


def test_each_version_of_a_ladder_keeps_its_own_days() -> None:
    """What is remembered of one must not answer for another of the same names."""
    one, other = with_steps("{day: 0, template: hoje}"), with_steps("{day: 1, template: hoje}")
    for _ in range(2):
        assert said(planned(one, one.tracks[0], date(2026, 12, 10))) == {"0": "qui 10/12"}
        assert said(planned(other, other.tracks[0], date(2026, 12, 10))) == {"1": "sex 11/12"}


@given(
    name=st.sampled_from(["amigavel", "quem-leu", "preventiva", "padrao"]),
    due=st.dates(date(2024, 1, 1), date(2040, 12, 31)),
    state=st.sampled_from([None, "SP", "RJ", "ES", "AM", "AL"]),
)
def test_every_message_lies_within_the_hours_and_no_day_has_two(name: str, due: date, state: str | None) -> None:
    ladder = preset(name)
    hours = hours_for(ladder.hours, state)
    for track in ladder.tracks:
        steps = planned(ladder, track, due, hours=hours)
        days = [one.at.date() for one in steps if one.step.template is not None]
        assert len(days) == len(set(days))
        assert all(open_at(hours, one.at) for one in steps if one.step.template is not None)
        assert all(not one.moved_from for one in steps if one.step.ticket is not None)
        before = [one.at.date() for one in steps if one.day < 0]
        after = [one.at.date() for one in steps if one.day >= 0]
        assert max(before, default=due) < min(after, default=date.max)
