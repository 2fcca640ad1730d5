"""Whether a reminder may be sent now: what is said, and what forbids it."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from flows.facts import ChargeFact, CostOfDebt, TicketFact
from flows.ladder_facts import NO_INSTALMENT, Contact
from flows.paying import ALL_TOGETHER
from tests.reminded_person import A_DAY, ACRE, ALWAYS, ANA, TEMPLATES, ZONE, World, at, laddered, owes, world
from tests.tables import table

THURSDAY = date(2026, 12, 10)
DUE = at("2026-12-10T10:00")


def due_today(**known: Any) -> World:
    """Something is due today, and it is the ladder's hour."""
    return world(laddered("{day: 0, template: t}, {day: 2, template: t}"), owes(THURSDAY), now=DUE, **known)


def test_what_is_due_is_said_with_its_buttons_and_until_the_hours_end() -> None:
    here = due_today()
    (said,) = here.looks()
    assert (said.template, said.track, said.purpose) == ("t", "todos", "reminder")
    assert said.until == at("2026-12-10T20:00")
    assert [(item.debt_id, item.n, item.day, item.cents) for item in said.items] == [(1, NO_INSTALMENT, 0, 10_000)]
    assert [(one.action, one.object_id) for one in said.choices] == [("pay", 1), ("negotiate", 1), ("human", 0)]
    assert here.timer == at("2026-12-12T10:00")
    assert here.looks() == ()  # the timer fires twice: nothing is said twice


SILENT = {
    "a ticket": lambda w: replace(w.facts, ticket=TicketFact(id=1, reason="person")),
    "no more messages": lambda w: replace(w.facts, opted_out=True),
    "closed": lambda w: replace(w.facts, contact_closed=True),
    "somebody else is here": lambda w: replace(w.facts, customer=replace(ANA, customer_id=8)),
    "nobody can be here": lambda w: replace(w.facts, candidates=()),
}


@pytest.mark.parametrize("why", SILENT)
def test_who_is_not_to_be_spoken_to_hears_nothing_and_no_step_is_used_up(why: str) -> None:
    here = due_today()
    before = here.facts
    here.facts = SILENT[why](here)
    assert here.looks() == ()
    assert here.known.done == frozenset()
    here.facts = before
    assert len(here.looks()) == 1  # as soon as it may be, and the step is still fresh


@pytest.mark.parametrize(
    "known",
    [{"has_ticket": True}, {"opted_out": True}, {"is_elsewhere": True}, {"in_rollout": False}, {"over_ceiling": True}],
    ids=lambda known: next(iter(known)),
)
def test_nor_who_the_ladder_leaves_out(known: dict[str, Any]) -> None:
    here = due_today(**known)
    assert here.looks() == ()
    assert here.known.done == frozenset()


def test_without_consent_only_where_the_ladder_does_not_ask_for_it() -> None:
    ladder = laddered("{day: 0, template: t}", more="only_opted_in: true\n")
    assert world(ladder, owes(THURSDAY), now=DUE).looks() == ()
    assert len(world(ladder, owes(THURSDAY), now=DUE, opted_in=True).looks()) == 1


# Until Wednesday, 9 December: asked about on the 10th, and the ladder goes on the day after.
@pytest.mark.parametrize(
    *table("""
    now              | said | next
    2026-12-09T10:00 | no   | 2026-12-11T10:00
    2026-12-10T10:00 | no   | 2026-12-11T10:00
    2026-12-11T10:00 | yes  | 2026-12-15T10:00
    """)
)
def test_what_is_promised_is_not_asked_for(now: str, said: bool, next: str) -> None:
    ladder = laddered("{day: 2, template: t}, {day: 7, template: t}")
    debt = replace(owes(date(2026, 12, 7)), promised_until=date(2026, 12, 9))
    here = world(ladder, debt, now=at(now), since={1: date(2026, 1, 1)})
    here.debts[1] = replace(debt, due_on=date(2026, 12, 8)) if said else debt
    assert bool(here.looks()) is said
    assert here.timer == at(next)


@pytest.mark.parametrize(
    *table("""
    due        | today      | said
    2021-12-10 | 2026-12-10 | yes # five years to the day
    2021-12-09 | 2026-12-10 | no
    2024-02-29 | 2029-02-28 | yes # a leap day
    2024-02-29 | 2029-03-01 | no
    """)
)
def test_a_debt_past_its_prescription_is_not_asked_for_and_finance_is_told(due: str, today: str, said: bool) -> None:
    steps = ", ".join(f"{{day: {n}, template: t}}" for n in range(1815, 1831))
    ladder = laddered(steps, hours=ALWAYS)
    here = world(ladder, owes(date.fromisoformat(due)), now=at(f"{today}T12:00"))
    assert bool(here.looks()) is said
    assert here.told == ({} if said else {1: 1})


def test_prescription_may_be_set_otherwise() -> None:
    ladder = laddered("{day: 365, template: t}, {day: 366, template: t}", hours=ALWAYS, more="prescription_years: 1\n")
    here = world(ladder, owes(date(2025, 12, 10)), now=at("2026-12-10T12:00"))
    assert len(here.looks()) == 1
    here.now = at("2026-12-11T12:00")
    assert here.looks() == ()


# Said outside of the hours never; waited for instead, at the ladder's hour on another day, at the opening of the same.
@pytest.mark.parametrize(
    *table("""
    now              | zone | state | next
    2026-12-10T07:59 | -    | -     | 2026-12-10T08:00
    2026-12-10T20:01 | -    | -     | 2026-12-11T08:00
    2026-12-12T15:00 | -    | -     | 2026-12-14T08:00 # a Saturday afternoon
    2026-12-10T08:30 | -    | RJ    | 2026-12-10T09:00
    2026-12-10T19:30 | -    | RJ    | 2026-12-11T09:00
    2026-12-12T10:00 | -    | RJ    | 2026-12-14T09:00
    2026-12-10T09:00 | acre | -     | 2026-12-10T10:00 # seven in Acre
    2026-12-10T20:30 | acre | -     | 2026-12-11T10:00
    2026-12-12T12:30 | acre | -     | -                # open in both
    2026-12-10T10:00 | -    | -     | -
    """)
)
def test_outside_the_hours_it_waits(now: str, zone: str | None, state: str | None, next: str | None) -> None:
    steps = '{day: 1, template: t, at: "08:00"}'
    here = world(
        laddered(steps, more='at: "07:00"\n'),
        owes(date(2026, 12, 9) if now < "2026-12-12" else date(2026, 12, 10)),
        now=at(now),
        zone=ACRE if zone else None,
        state=state,
    )
    said = here.looks()
    assert bool(said) is (next is None)
    if next is not None:
        assert here.timer is not None
        assert here.timer <= at(next)
        if here.timer < at(next):  # it may look before, and is silent
            here.now = here.timer
            assert here.looks() == ()
        here.now = at(next)
        assert len(here.looks()) == 1


def test_hours_that_are_never_open_here_and_there_at_once_are_not_waited_for() -> None:
    """Half past nine in São Paulo is half past seven in Acre."""
    ladder = laddered("{day: 0, template: t}", hours='{monday_to_friday: ["09:00", "10:30"]}')
    here = world(ladder, owes(THURSDAY), now=DUE, zone=ACRE)
    assert here.looks() == ()
    assert here.timer is None


def test_what_was_paid_today_silences_today() -> None:
    here = due_today(paid_on=THURSDAY)
    assert here.looks() == ()
    assert here.timer == at("2026-12-11T10:00")


def contact(on: str, **more: Any) -> Contact:
    day = date.fromisoformat(on)
    made = Contact(
        at=datetime.combine(day, time(10), ZONE), on=day, purpose="reminder", template="t", debts=frozenset()
    )
    return replace(made, **more)


@pytest.mark.parametrize(
    *table("""
    caps               | contacts                         | said
    {day: 1, week: 3}  | 2026-12-09                       | yes
    {day: 1, week: 3}  | 2026-12-10                       | no
    {day: 2, week: 3}  | 2026-12-10                       | yes
    {day: 2, week: 3}  | 2026-12-10 2026-12-10            | no
    {day: 1, week: 3}  | 2026-12-04 2026-12-05 2026-12-09 | no  # three in seven days
    {day: 1, week: 3}  | 2026-12-03 2026-12-05 2026-12-09 | yes # the first is eight days ago
    {day: 1, week: 3}  | 2026-12-09 2026-12-11 2026-12-12 | no  # the clock was put back
    {day: 1, week: 1}  | 2026-12-16                       | no
    {day: 1, week: 1}  | 2026-12-03                       | yes
    """)
)
def test_the_caps_of_a_day_and_of_any_seven(caps: str, contacts: str, said: bool) -> None:
    ladder = laddered("{day: 0, template: t}", more=f"caps: {caps}\n")
    known = tuple(contact(on) for on in contacts.split())
    assert bool(world(ladder, owes(THURSDAY), now=DUE, contacts=known).looks()) is said


def test_who_could_not_be_reached_on_two_days_is_left_alone_until_they_write() -> None:
    failed = tuple(contact(on, failed=True) for on in ("2026-12-01", "2026-12-03"))
    assert len(due_today(contacts=failed[:1]).looks()) == 1
    assert len(due_today(contacts=(failed[0], failed[0])).looks()) == 1  # twice on one day is one day
    here = due_today(contacts=failed)
    assert here.looks() == ()
    here.facts = replace(here.facts, heard_at=at("2026-12-04T10:00"))
    assert len(here.looks()) == 1


def test_a_template_that_is_paused_is_waited_for_and_one_that_is_gone_uses_its_step_up() -> None:
    paused = TEMPLATES | {"t": replace(TEMPLATES["t"], stopped="template_paused")}
    here = due_today(templates=paused)
    assert here.looks() == ()
    assert here.timer == DUE + timedelta(hours=3)
    assert here.known.done == frozenset()
    for templates in ({}, TEMPLATES | {"t": replace(TEMPLATES["t"], stopped="template_rejected")}):
        gone = due_today(templates=templates)
        assert gone.looks() == ()
        assert gone.known.done == {(1, NO_INSTALMENT, 0, False)}
        assert gone.timer == at("2026-12-12T10:00")


def test_nobody_gets_marketing_who_did_not_agree_to_it() -> None:
    marketing = TEMPLATES | {"t": replace(TEMPLATES["t"], category="MARKETING")}
    assert due_today(templates=marketing).looks() == ()
    assert len(due_today(templates=marketing, agreed_to_marketing=True).looks()) == 1


def test_what_is_due_together_is_one_message_and_without_a_template_for_it_the_latest_one() -> None:
    ladder = laddered("{day: 0, template: t}, {day: 2, template: t}")
    debts = owes(THURSDAY), owes(date(2026, 12, 8), 2), owes(THURSDAY, 3, 90_000)
    here = world(ladder, *debts, now=DUE)
    (said,) = here.looks()
    assert (said.template, [item.debt_id for item in said.items]) == ("varias_faturas", [2, 1, 3])
    assert [(one.action, one.object_id) for one in said.choices] == [("pay", ALL_TOGETHER)]
    for group in (None, replace(TEMPLATES["varias_faturas"], category="MARKETING")):
        templates = {name: one for name, one in TEMPLATES.items() if name != "varias_faturas"}
        here = world(ladder, *debts, now=DUE, templates=templates | ({"varias_faturas": group} if group else {}))
        (said,) = here.looks()
        assert (said.template, [(item.debt_id, item.day) for item in said.items]) == ("t", [(2, 2)])


def test_people_are_called_and_then_the_bot_says_nothing_more() -> None:
    """Day 7 and day 8 came while the program stood still: the ticket silences the message of the same moment."""
    ladder = laddered("{day: 7, template: t}, {day: 8, ticket: financeiro}")
    here = world(ladder, owes(THURSDAY), now=at("2026-12-18T11:00"))
    assert here.looks() == ()
    assert here.known.has_ticket
    assert here.known.done == {(1, NO_INSTALMENT, 8, True)}


def test_who_has_not_said_who_they_are_is_asked_once_a_week_and_three_times() -> None:
    steps = ", ".join(f"{{day: {n}, template: t}}" for n in range(1, 31))
    here = world(laddered(steps, hours=ALWAYS), owes(date(2026, 12, 1)), now=at("2026-12-02T10:00"), confirmed=False)
    for _ in range(30):
        for said in here.looks():
            assert (said.purpose, said.template) == ("first_contact", "confirme_quem_e")
        here.now += A_DAY
    assert [(now.astimezone(ZONE).date() - date(2026, 12, 2)).days for now, _ in here.sent] == [0, 7, 14]


def test_nobody_unconfirmed_is_asked_with_a_template_that_speaks_of_a_debt() -> None:
    speaks = TEMPLATES | {"confirme_quem_e": replace(TEMPLATES["confirme_quem_e"], parameters=("nome", "valor"))}
    here = world(laddered("{day: 0, template: t}"), owes(THURSDAY), now=DUE, confirmed=False, templates=speaks)
    assert here.looks() == ()


def test_a_picture_waits_for_its_code_and_goes_out_with_it() -> None:
    here = world(laddered("{day: 0, template: p, attach: pix_qr}"), owes(THURSDAY), now=DUE)
    assert here.looks() == ()
    assert here.charge_no is not None
    no = here.charge_no
    assert here.timer is not None
    assert here.timer > here.now
    (said,) = here.charge_is("active")
    assert said.picture_charge_no == no
    again = world(laddered("{day: 0, template: p, attach: pix_qr}"), owes(THURSDAY), now=DUE)
    again.looks()
    assert again.charge_is("failed") == ()
    assert again.known.done == {(1, NO_INSTALMENT, 0, False)}


@pytest.mark.parametrize(
    ("changed", "is_used"),
    [
        ({}, True),
        ({"pay_until": date(2026, 12, 9)}, False),  # it was of yesterday
        ({"paid_cents": 1}, False),  # something came in on it
        ({"state": "cancelled"}, False),
        ({"parts": (CostOfDebt(debt_id=2, principal_cents=10_000),)}, False),  # it is for something else
    ],
    ids=["it stands", "yesterday's", "paid", "cancelled", "another debt's"],
)
def test_a_code_that_stands_is_used_again_and_no_other(changed: dict[str, Any], is_used: bool) -> None:
    here = world(laddered("{day: 0, template: p, attach: pix_qr}"), owes(THURSDAY), now=DUE)
    part = CostOfDebt(debt_id=1, principal_cents=10_000)
    charge = ChargeFact(no=40, amount_cents=10_000, pay_until=THURSDAY, state="active", parts=(part,), code="pix")
    here.facts = replace(here.facts, charges=(replace(charge, **changed),), next_no=50)
    assert [said.picture_charge_no for said in here.looks()] == ([40] if is_used else [])
    assert (here.charge_no is None) is is_used


def test_a_code_that_comes_after_payment_says_nothing() -> None:
    here = world(laddered("{day: 0, template: p, attach: pix_qr}"), owes(THURSDAY), now=DUE)
    here.looks()
    here.debts.clear()
    assert here.charge_is("active") == ()
