"""Random months of clocks that jump, payments, promises, tickets and changed minds, in which nothing forbidden is ever
said, and nothing left out where nothing stands in the way."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.calendar import payable_day
from flows.contact_hours import LAWS, Hours
from flows.effects import Remind
from flows.facts import Debt, TicketFact
from flows.ladder import Ladder
from flows.ladder_days import planned
from flows.ladder_facts import Contact
from tests.reminded_person import (
    A_DAY,
    ACRE,
    ALWAYS,
    OFFICE,
    TEMPLATES,
    WEEK,
    ZONE,
    World,
    laddered,
    owes,
    world,
)

days = st.integers(-20, 45)
one_step = st.builds(
    lambda day, kind, hour: (
        f"{{day: {day}, "
        + {"t": "template: t", "p": "template: p, attach: pix_qr", "k": "ticket: f"}[kind]
        + (f', at: "{hour:02}:30"' if hour is not None else "")
        + "}"
    ),
    days,
    st.sampled_from("tttppk"),
    st.none() | st.integers(0, 23),
)
ladders = st.builds(
    lambda steps, hours, day, week, zone: laddered(
        ", ".join(steps), hours=hours, more=f"caps: {{day: {day}, week: {week}}}\ntimezone: {zone}\n"
    ),
    st.lists(one_step, min_size=3, max_size=9, unique_by=lambda text: (text.split(",")[0], "ticket" in text)),
    st.sampled_from([OFFICE, ALWAYS, '{monday_to_friday: ["09:00", "09:30"], sunday: ["10:00", "22:00"]}']),
    st.integers(1, 2),
    st.integers(1, 4),
    st.sampled_from(["America/Sao_Paulo", "America/New_York"]),
)
STARTS = date(2026, 10, 20)  # before clocks change in New York, and before four holidays
debts = st.lists(st.integers(-15, 40), min_size=1, max_size=4).map(
    lambda due: [owes(STARTS + timedelta(days=n), k, 10_000 + k) for k, n in enumerate(due, start=1)]
)
EVENTS = ("timer", "minutes", "hours", "days", "back", "month", "pays", "promises", "opts", "ticket", "reads", "code",
          "no_code", "template", "unreached", "writes")  # fmt: skip
events = st.lists(
    st.tuples(st.sampled_from((*EVENTS, "timer", "timer", "hours", "days", "code")), st.integers(1, 60)),
    min_size=5,
    max_size=40,
)


def happens(here: World, what: str, n: int) -> None:
    """One thing of a random month."""
    known, facts = here.known, here.facts
    some = sorted(here.debts)[n % len(here.debts)] if here.debts else None
    jumps = {
        "minutes": timedelta(minutes=n),
        "hours": timedelta(hours=n % 30),
        "days": timedelta(days=n % 9),
        "back": timedelta(hours=-n),
        "month": timedelta(days=30),
    }
    here.now += jumps.get(what, timedelta())
    if what == "timer" and here.timer is not None:
        here.now = max(here.now, here.timer.astimezone(UTC))
    elif what == "pays" and some is not None:
        del here.debts[some]
        here.known = replace(known, paid_on=here.local.date())
    elif what == "promises" and some is not None:
        here.debts[some] = replace(here.debts[some], promised_until=here.local.date() + timedelta(days=n % 10))
    elif what == "opts":
        here.facts = replace(facts, opted_out=not facts.opted_out)
    elif what == "ticket":
        is_open = not known.has_ticket
        here.facts = replace(facts, ticket=TicketFact(id=1, reason="person") if is_open else None)
        here.known = replace(known, has_ticket=is_open)
    elif what in ("reads", "unreached") and known.contacts:
        last = replace(known.contacts[-1], read=what == "reads", failed=what == "unreached")
        here.known = replace(known, contacts=(*known.contacts[:-1], last))
    elif what == "template":
        stopped = (None, "template_paused", "template_disabled")[n % 3]
        here.known = replace(known, templates=TEMPLATES | {"t": replace(TEMPLATES["t"], stopped=stopped)})
    elif what == "writes":
        here.facts = replace(facts, heard_at=here.now)


def inside(hours: Hours, local: datetime, state: str | None) -> bool:
    """Worked out anew: within the creditor's span and the law's, by their own words."""
    for one in (hours, *([LAWS[state]] if state else [])):
        span = one.of(local.date())
        if span is None or not span[0] <= local.time() <= span[1]:
            return False
    return True


def check_allowed(
    here: World, said: Remind, steps_said: set[tuple[int, date, int]], before: frozenset[Contact]
) -> None:
    """Nothing that the rules forbid, of a message that was just decided."""
    facts, known, today = here.facts, here.known, here.local.date()
    assert inside(here.ladder.hours, here.local, known.state)
    if known.zone is not None:
        assert inside(here.ladder.hours, here.now.astimezone(known.zone), known.state)
    assert here.now <= said.until
    assert said.until.astimezone(ZONE).date() <= here.now.astimezone(ZONE).date() + A_DAY
    assert not facts.opted_out
    assert facts.ticket is None
    assert not known.has_ticket
    assert known.paid_on != today
    template = known.templates[said.template]
    assert template.stopped is None
    assert (facts.customer is not None) or template.names_nothing
    assert len({c.on for c in before if c.failed}) < 2 or (
        facts.heard_at is not None and all(c.at < facts.heard_at for c in before if c.failed)
    )
    for item in said.items:
        key = item.debt_id, item.due_on, item.day
        assert key not in steps_said, "a step twice"
        assert all(item.day > day for debt, due, day in steps_said if (debt, due) == key[:2]), "one that is over"
        steps_said.add(key)
        debt = here.debts[item.debt_id]  # it is owed
        assert debt.promised_until is None or debt.promised_until < today
        assert item.day > 0 or today <= item.payable_on
        track = here.ladder.tracks[0]
        plan = {one.day: one for one in planned(here.ladder, track, debt.due_on) if one.step.template is not None}
        if known.state is None and item.day in plan:
            came = plan[item.day].at
            assert came.date() <= today <= came.date() + WEEK, "lapsed, or too soon"


@settings(max_examples=150)
@given(
    ladder=ladders,
    owed=debts,
    what=events,
    state=st.sampled_from([None, "SP", "RJ"]),
    zone=st.sampled_from([None, ACRE]),
    confirmed=st.booleans(),
)
def test_whatever_happens_nothing_forbidden_is_said(
    ladder: Ladder,
    owed: list[Debt],
    what: list[tuple[str, int]],
    state: str | None,
    zone: ZoneInfo | None,
    confirmed: bool,
) -> None:
    now = datetime.combine(STARTS, time(9), ladder.timezone).astimezone(UTC)
    here = world(ladder, *owed, now=now, state=state, zone=zone, confirmed=confirmed)
    steps_said: set[tuple[int, date, int]] = set()
    for name, n in what:
        happens(here, name, n)
        before = here.known.contacts
        had_ticket = here.known.has_ticket
        answers: dict[str, Literal["active", "failed"]] = {"code": "active", "no_code": "failed"}
        said = here.charge_is(answers[name]) if name in answers else here.looks()
        assert len(said) <= 1
        assert had_ticket or not (said and here.known.has_ticket), "people were called and the bot went on"
        for one in said:
            check_allowed(here, one, steps_said, frozenset(before))
        sent_on = Counter(c.on for c in here.known.contacts)
        assert all(count <= ladder.caps.day for count in sent_on.values())
        for day in sent_on:
            assert sum(sent_on[day + timedelta(days=n)] for n in range(7)) <= ladder.caps.week


@settings(max_examples=60)
@given(
    steps=st.lists(st.integers(-30, 60), min_size=1, max_size=8, unique=True),
    due=st.integers(0, 700),
    hours=st.sampled_from([OFFICE, ALWAYS]),
)
def test_who_is_only_woken_by_the_timer_hears_every_step_at_its_instant(steps: list[int], due: int, hours: str) -> None:
    """Nothing is late and nothing is left out where nothing stands in the way."""
    text = ", ".join(f"{{day: {day}, template: t}}" for day in sorted(steps))
    ladder = laddered(text, hours=hours, more="caps: {day: 1, week: 7}\n")
    debt = owes(STARTS + timedelta(days=due))
    here = world(ladder, debt, now=datetime.combine(debt.due_on - timedelta(days=70), time(3), ZONE).astimezone(UTC))
    while True:
        here.looks()
        if here.timer is None:
            break
        assert here.turns < 100
        here.now = here.timer.astimezone(UTC)
    plan = planned(ladder, ladder.tracks[0], debt.due_on)
    assert [now for now, _ in here.sent] == [one.at for one in plan]
    assert [said.items[0].day for _, said in here.sent] == [one.day for one in plan]
    assert all(said.items[0].payable_on == payable_day(debt.due_on) for _, said in here.sent)


@settings(max_examples=60)
@given(due=st.lists(st.integers(-3, 20), min_size=2, max_size=8), down=st.lists(st.integers(1, 90), max_size=6))
def test_down_for_days_each_debt_has_at_most_its_newest_step(due: list[int], down: list[int]) -> None:
    text = ", ".join(f"{{day: {day}, template: t}}" for day in range(-5, 30))
    ladder = laddered(text, hours=ALWAYS, more="caps: {day: 2, week: 14}\n")
    debts = [owes(STARTS + timedelta(days=n), k) for k, n in enumerate(due, start=1)]
    here = world(ladder, *debts, now=datetime.combine(STARTS, time(10), ZONE).astimezone(UTC))
    for hours in [*down, 72]:
        here.now += timedelta(hours=hours)
        said = here.looks()
        for one in said:
            today = here.local.date()
            for item in one.items:
                newest = max(
                    step.day
                    for step in planned(ladder, ladder.tracks[0], item.due_on)
                    if step.at <= here.local or step.at.date() == today
                )
                assert item.day in (newest, newest - 1)  # of today, where its hour has not come yet
        here.now += timedelta(minutes=1)
        assert here.looks() == () or len({item.debt_id for one in said for item in one.items}) < len(debts)
