"""What the ladder has in store for a person, debt by debt, and why: for people who ask, before anything is sent.

It is told from the same facts and by the same rules as the decision itself (`flows.reminding`), which is made only when
its hour comes. Conditions of a step that may still come true are taken as met.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from flows.agenda import Receivable, agenda, coming, is_prescribed, receivables
from flows.facts import Facts
from flows.ladder_facts import LadderFacts
from flows.ladder_parts import Step
from flows.moment import Moment
from flows.reminding import asked_about, may_speak_from, silence
from flows.wishes import Wish

Because: TypeAlias = Literal["step", "due", "promised", "prescribed", "over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """What comes next for something owed. `because`: a `step` on its day; one that is `due` already and waits for the
    hours or the caps; nothing, since a day was `promised` (asked about on `at`), the debt is `prescribed`, or the
    ladder is `over` for it."""

    owed: Receivable
    because: Because
    at: datetime | date | None = None
    day: int | None = None  # of the step, from the payable day
    step: Step | None = None
    track: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All of it. `silent` is the code of why nothing goes out to this person at all."""

    silent: str | None
    items: tuple[Scheduled, ...]


def schedule_of(facts: Facts) -> Schedule:
    """Return what is in store for the person whom `facts.ladder` is about."""
    known = facts.ladder
    assert known is not None
    moment = Moment(facts=facts, wish=Wish(), memory={})
    now = facts.now.astimezone(known.ladder.timezone)
    speaks_from = may_speak_from(moment)
    owed = receivables(known, now.date())
    return Schedule(
        silent=silence(moment, known),
        items=tuple(_scheduled(known, one, now, facts.heard_at, speaks_from) for one in owed),
    )


def _scheduled(
    known: LadderFacts, one: Receivable, now: datetime, heard_at: datetime | None, speaks_from: datetime | None
) -> Scheduled:
    until = one.debt.promised_until
    if until is not None and now.date() <= asked_about(until):
        return Scheduled(owed=one, because="promised", at=asked_about(until))
    if is_prescribed(one.due_on, known.ladder.prescription_years, now.date()):
        return Scheduled(owed=one, because="prescribed")
    plan = agenda(known, [one], now, heard_at)
    due = (*plan.tickets, *plan.due)
    if due:
        item = due[0]
        return Scheduled(
            owed=one,
            because="due",
            at=speaks_from,
            day=item.planned.day,
            step=item.planned.step,
            track=item.track,
        )
    following = coming(known, one, now)
    if following is None:
        return Scheduled(owed=one, because="over")
    planned = following.planned
    return Scheduled(owed=one, because="step", at=planned.at, day=planned.day, step=planned.step, track=following.track)
