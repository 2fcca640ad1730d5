"""What is on a ladder's agenda: of everything owed the newest step, and never one of before, twice, or too late."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.agenda import Agenda, agenda, receivables
from flows.facts import AgreementFact, CostOfDebt, Debt, Instalment
from flows.ladder import Ladder, read_ladder
from flows.ladder_facts import NO_INSTALMENT, Contact, LadderFacts
from tests.tables import table

ZONE = ZoneInfo("America/Sao_Paulo")
PADRAO = Path(__file__).parent.parent / "flows" / "ladders" / "padrao.yaml"
WIDE = "{monday_to_friday: open, saturday: open, sunday: open, holidays: open}"
LONG_AGO = date(2020, 1, 1)


def laddered(steps: str, *, more: str = "", when: str = "") -> Ladder:
    """A ladder of one track that is always open, so that days are where they are written."""
    track = f"  - name: todos\n{when}    steps: [{steps}]\n"
    source = f"ladder: t\ntitle: T\ncontact_hours: {WIDE}\n{more}tracks:\n{track}".encode()
    found = read_ladder(source, name="t.yaml")
    assert isinstance(found, Ladder), [str(one) for one in found]
    return found


def owes(due: str, n: int = 1, cents: int = 10_000, **more: object) -> Debt:
    debt = Debt(
        id=n,
        external_id=f"D-{n}",
        description=f"Fatura {n}",
        principal_cents=cents,
        open_principal_cents=cents,
        due_on=date.fromisoformat(due),
    )
    return replace(debt, **more)  # type: ignore[arg-type]  # by the names of its fields


def knowing(ladder: Ladder, *debts: Debt, **more: object) -> LadderFacts:
    costs = {debt.id: CostOfDebt(debt_id=debt.id, principal_cents=debt.open_principal_cents) for debt in debts}
    known = LadderFacts(ladder=ladder, customer_id=7, templates={}, debts=debts, costs=costs)
    return replace(known, **more)  # type: ignore[arg-type]


def at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=ZONE)


def look(known: LadderFacts, now: str, heard_at: datetime | None = None) -> Agenda:
    moment = at(now)
    return agenda(known, receivables(known, moment.date()), moment, heard_at)


def days(found: Agenda) -> list[int]:
    return [item.planned.day for item in found.due]


CADENCE = ", ".join(f"{{day: {n}, template: t}}" for n in (-3, 0, 2, 7, 15))


# Due on Thursday, 10 December 2026; every step at 10:00.
@pytest.mark.parametrize(
    *table("""
    now              | done    | due | next
    2026-12-01T10:00 |         |     | 2026-12-07T10:00 # nothing yet
    2026-12-07T09:59 |         |     | 2026-12-07T10:00 # a minute early
    2026-12-07T10:00 |         | -3  | 2026-12-10T10:00
    2026-12-07T10:00 | -3      |     | 2026-12-10T10:00 # never twice
    2026-12-09T23:00 |         | -3  | 2026-12-10T10:00 # late, but before the due date
    2026-12-10T10:00 |         | 0   | 2026-12-12T10:00 # the newest alone
    2026-12-10T10:00 | 0       |     | 2026-12-12T10:00 # the one before is over with it
    2026-12-11T09:00 |         |     | 2026-12-12T10:00 # of before the due date nothing is said after it
    2026-12-13T09:00 |         | 2   | 2026-12-17T10:00
    2026-12-17T10:00 | 2       | 7   | 2026-12-25T10:00
    2026-12-19T10:00 |         | 7   | 2026-12-25T10:00 # what was missed is not made up for
    2026-12-24T10:00 |         | 7   | 2026-12-25T10:00 # a week later, to the day
    2026-12-25T09:59 |         |     | 2026-12-25T10:00 # and no later
    2027-01-01T12:00 |         | 15  | -
    2027-01-02T00:00 |         |     | - # a week is over, and the ladder too
    2026-12-13T09:00 | 7       |     | 2026-12-25T10:00 # a clock that was put back brings nothing back
    """)
)
def test_the_newest_step_that_is_due(now: str, done: object, due: object, next: str | None) -> None:
    over = frozenset({(1, NO_INSTALMENT, int(str(done)), False)} if done != "" else ())
    found = look(knowing(laddered(CADENCE), owes("2026-12-10"), done=over), now)
    assert days(found) == ([int(str(due))] if due != "" else [])
    assert found.next_at == (at(next) if next else None)


def test_a_step_of_before_the_debt_was_on_record_is_not_made_up_for() -> None:
    known = knowing(laddered(CADENCE), owes("2026-12-10"))
    assert days(look(replace(known, since={1: date(2026, 12, 13)}), "2026-12-13T12:00")) == []
    assert days(look(replace(known, since={1: date(2026, 12, 12)}), "2026-12-13T12:00")) == [2]


def test_what_another_due_date_had_is_over_with_it() -> None:
    """`done` has only what was done for today's due dates: the shell leaves the others out."""
    known = knowing(laddered(CADENCE), owes("2026-12-10"), done=frozenset({(2, NO_INSTALMENT, 0, False)}))
    assert days(look(known, "2026-12-10T10:00")) == [0]  # that was another debt


def test_several_debts_have_one_step_each_and_those_of_later_today_are_seen() -> None:
    ladder = laddered('{day: 0, template: t}, {day: 2, template: t, at: "15:00"}, {day: 3, template: t}')
    known = knowing(ladder, owes("2026-12-10"), owes("2026-12-08", 2), owes("2026-12-07", 3))
    found = look(known, "2026-12-10T11:00")
    assert [(item.owed.debt.id, item.planned.day) for item in found.due] == [(3, 3), (1, 0)]
    assert [(item.owed.debt.id, item.planned.day) for item in found.later_today] == [(2, 2)]
    assert found.next_at == at("2026-12-10T15:00")


def test_oldest_first_whatever_the_order_of_the_books() -> None:
    known = knowing(laddered(CADENCE), owes("2026-12-10", 1), owes("2026-12-10", 3), owes("2026-12-09", 2))
    assert [one.debt.id for one in receivables(known, date(2026, 12, 1))] == [2, 1, 3]


def test_what_is_paid_cancelled_or_agreed_is_not_asked_for() -> None:
    debts = [owes("2026-12-10", n, state=state) for n, state in enumerate(("paid", "cancelled", "agreed"), start=1)]
    assert look(knowing(laddered(CADENCE), *debts), "2026-12-10T10:00") == Agenda()


def test_tickets_are_due_on_their_day_and_once() -> None:
    ladder = laddered("{day: 2, ticket: a}, {day: 8, ticket: b}, {day: 9, template: t}")
    known = knowing(ladder, owes("2026-12-10"))
    assert [item.planned.day for item in look(known, "2026-12-12T10:00").tickets] == [2]
    assert look(known, "2026-12-12T09:59").tickets == ()
    done = frozenset({(1, NO_INSTALMENT, 8, True)})
    assert [item.planned.day for item in look(known, "2026-12-18T10:00").tickets] == [8]  # the newest alone
    assert look(replace(known, done=done), "2026-12-18T10:00").tickets == ()  # and then not the one before
    over = frozenset({(1, NO_INSTALMENT, 9, False)})
    assert look(replace(known, done=over), "2026-12-19T10:00").tickets != ()  # a message does not make up for people


@pytest.mark.parametrize(
    *table("""
    when                             | read | clicked | heard | promised | met
    {read_unpaid: true}              | yes  | no      | no    | no       | yes
    {read_unpaid: true}              | no   | yes     | yes   | yes      | no
    {read_unpaid: false}             | no   | no      | no    | no       | yes
    {clicked: true}                  | no   | yes     | no    | no       | yes
    {clicked: true}                  | yes  | no      | yes   | yes      | no
    {replied: true}                  | no   | no      | yes   | no       | yes
    {replied: true}                  | yes  | yes     | no    | yes      | no
    {promised: true}                 | no   | no      | no    | yes      | yes
    {promised: true}                 | yes  | yes     | yes   | no       | no
    {clicked: true, replied: false}  | no   | yes     | no    | no       | yes
    {clicked: true, replied: false}  | no   | yes     | yes   | no       | no
    """)
)
def test_conditions_on_what_the_person_did(
    when: str, read: bool, clicked: bool, heard: bool, promised: bool, met: bool
) -> None:
    """Since the last reminder of this debt, on 7 December; without it nothing was read, clicked or replied to."""
    ladder = laddered(f"{{day: -3, template: t}}, {{day: -1, template: t, when: {when}}}")
    debt = owes("2026-12-10", promised_until=date(2026, 12, 8) if promised else None)
    last = Contact(
        at=at("2026-12-07T10:00"),
        on=date(2026, 12, 7),
        purpose="reminder",
        template="t",
        debts=frozenset({1}),
        read=read,
        clicked=clicked,
    )
    heard_at = (at("2026-12-08T10:00") if heard else at("2026-12-07T09:00")).astimezone(UTC)
    done = frozenset({(1, NO_INSTALMENT, -3, False)})
    known = knowing(ladder, debt, contacts=(last,), done=done)
    assert days(look(known, "2026-12-09T10:00", heard_at)) == ([-1] if met else [])


def test_what_was_done_about_another_debt_meets_no_condition() -> None:
    last = Contact(
        at=at("2026-12-07T10:00"),
        on=date(2026, 12, 7),
        purpose="reminder",
        template="t",
        debts=frozenset({2}),
        read=True,
        clicked=True,
    )
    for when in ("read_unpaid", "clicked", "replied", "promised"):
        ladder = laddered(f"{{day: -1, template: t, when: {{{when}: true}}}}")
        known = knowing(ladder, owes("2026-12-10"), contacts=(last,))
        assert days(look(known, "2026-12-09T10:00", at("2026-12-08T10:00"))) == []


def test_a_condition_that_may_yet_hold_is_looked_at_on_its_day() -> None:
    ladder = laddered("{day: -3, template: t}, {day: -1, template: t, when: {read_unpaid: true}}")
    known = knowing(ladder, owes("2026-12-10"), done=frozenset({(1, NO_INSTALMENT, -3, False)}))
    assert look(known, "2026-12-08T10:00").next_at == at("2026-12-09T10:00")


def test_a_condition_that_does_not_hold_leaves_the_step_before() -> None:
    ladder = laddered("{day: 0, template: t}, {day: 1, template: t, when: {clicked: true}}")
    assert days(look(knowing(ladder, owes("2026-12-10")), "2026-12-11T12:00")) == []  # day 0 is over with its day
    late = laddered("{day: 1, template: t}, {day: 2, template: t, when: {clicked: true}}")
    assert days(look(knowing(late, owes("2026-12-10")), "2026-12-12T12:00")) == [1]


@pytest.mark.parametrize(
    *table("""
    when                          | cents | late | tenure | tags | serves
    {total: {from: 100.00}}       | 10000 | 0    | 0      |      | yes
    {total: {from: 100.00}}       | 9999  | 0    | 0      |      | no
    {late_before: {to: 0}}        | 1     | 1    | 0      |      | no
    {tenure_days: {from: 30}}     | 1     | 0    | 30     |      | yes
    {tenure_days: {from: 30}}     | 1     | 0    | 29     |      | no
    {tags: {any: [vip]}}          | 1     | 0    | 0      | vip  | yes
    {tags: {any: [vip]}}          | 1     | 0    | 0      |      | no
    {days_overdue: {from: 1}}     | 1     | 0    | 0      |      | yes
    {days_overdue: {from: 3}}     | 1     | 0    | 0      |      | no
    """)
)
def test_who_has_no_track_hears_nothing(when: str, cents: int, late: int, tenure: int, tags: str, serves: bool) -> None:
    """Two days late."""
    ladder = laddered("{day: 2, template: t}", when=f"    when: {when}\n")
    debt = owes("2026-12-10", cents=cents, late_before=late, tags=frozenset({tags} - {""}))
    assert days(look(knowing(ladder, debt, tenure_days=tenure), "2026-12-12T10:00")) == ([2] if serves else [])


def test_the_first_track_that_serves_wins() -> None:
    found = read_ladder(PADRAO.read_bytes(), name="padrao.yaml")
    assert isinstance(found, Ladder)
    for late_before, track, due in ((0, "bom-pagador", []), (1, "padrao", [-1])):
        plan = look(knowing(found, owes("2026-12-10", late_before=late_before)), "2026-12-09T10:00")
        assert [item.planned.day for item in plan.due if item.planned.day == -1] == due
        assert {item.track for item in plan.due} == {track}


def agreed(*due: str, paid: int = 0) -> AgreementFact:
    """Instalments of 50 each; the first `paid` of them are paid."""
    parts = tuple(
        Instalment(n=n, due_on=date.fromisoformat(day), amount_cents=5000, paid_cents=5000 if n <= paid else 0)
        for n, day in enumerate(due, start=1)
    )
    return AgreementFact(offer_no=1, debt_id=1, total_cents=5000 * len(parts), state="active", instalments=parts)


def test_an_agreements_next_payment_stands_in_the_debts_place() -> None:
    steps = ", ".join(f"{{day: {n}, template: t}}" for n in (-3, 0, 2, 5, 7)) + ", {day: 1, ticket: f}"
    debt = owes("2026-10-10", state="agreed")
    known = knowing(laddered(steps), debt, agreements=(agreed("2026-12-10", "2027-01-11", paid=1),))
    plan = look(known, "2027-01-08T10:00")
    assert [(item.owed.n, item.owed.count, item.owed.cents, item.planned.day) for item in plan.due] == [
        (2, 2, 5000, -3)
    ]
    assert look(known, "2027-01-12T10:00").tickets == ()  # the agreement's own watch calls people
    assert days(look(known, "2027-01-16T10:00")) == [5]
    assert look(known, "2027-01-18T10:00").next_at is None
    assert days(look(known, "2027-01-18T10:00")) == [5]  # day 7 is the agreement's own warning
    done = frozenset({(1, 2, -3, False), (1, 1, 5, False)})
    assert days(look(replace(known, done=done), "2027-01-11T10:00")) == [0]  # what the first payment had is another's


spots = st.integers(-40, 60)
ladders = st.lists(
    st.tuples(st.integers(-30, 40), st.booleans()), min_size=1, max_size=6, unique_by=lambda step: step[0]
).map(lambda steps: laddered(", ".join(f"{{day: {d}, {'ticket' if t else 'template'}: t}}" for d, t in sorted(steps))))


@given(
    ladder=ladders,
    due=st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    hours=st.integers(-24 * 40, 24 * 60),
    done=st.frozensets(spots),
)
def test_whatever_the_ladder_the_step_is_open_due_and_fresh(
    ladder: Ladder, due: date, hours: int, done: frozenset[int]
) -> None:
    debt = owes(due.isoformat())
    over = frozenset((1, NO_INSTALMENT, day, False) for day in done)
    known = knowing(ladder, debt, done=over)
    now = datetime.combine(due, datetime.min.time(), ZONE) + timedelta(hours=hours)
    found = agenda(known, receivables(known, now.date()), now, None)
    assert len(found.due) <= 1
    for item in found.due:
        assert item.planned.at <= now
        assert now.date() - item.planned.at.date() <= timedelta(days=7)
        assert item.planned.day not in done
        assert item.planned.day > max(done, default=-100)
        assert item.planned.day > 0 or now.date() <= item.owed.payable_on
    assert found.next_at is None or found.next_at > now
    assert all(item.planned.at > now and item.planned.at.date() == now.date() for item in found.later_today)
    written = {step.day for step in ladder.steps() if step.ticket is None and step.day > max(done, default=-100)}
    start = datetime.combine(known.debts[0].due_on, datetime.min.time(), ZONE)
    if written and now < start - timedelta(days=45):
        assert found.next_at is not None
