"""What a ladder has on its agenda for a person: of everything owed the newest step that is due, and when to look again.

After a stand-still each debt has at most its newest step due, never the backlog. A step of before the debt was on
record is not made up for; one of before the due date lapses with it; any lapses after a week.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flows.calendar import days_overdue, payable_day
from flows.contact_hours import hours_for
from flows.facts import Debt
from flows.instalments import cost_of_instalment
from flows.ladder_days import PlannedStep, planned
from flows.ladder_facts import NO_INSTALMENT, Contact, LadderFacts
from flows.ladder_parts import Step, Track

LAPSES_AFTER = timedelta(days=7)
# A late instalment is soon a matter of the agreement itself, which warns before it is broken (flows.agreement_watch).
_INSTALMENT_DAYS_LATE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivable:
    """Something that is to be paid: a debt, or the next payment of the agreement in its place. `cents` today."""

    debt: Debt
    due_on: date
    payable_on: date
    cents: int
    n: int = NO_INSTALMENT
    count: int = 0  # of the agreement's instalments

    @property
    def key(self) -> tuple[int, int]:
        """Which, for what is noted as done."""
        return self.debt.id, self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A step for something owed."""

    owed: Receivable
    planned: PlannedStep
    track: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Messages that are due now, those that come later today, tickets that are due, and the next instant after today's
    on which something may be."""

    due: tuple[Item, ...] = ()
    later_today: tuple[Item, ...] = ()
    tickets: tuple[Item, ...] = ()
    next_at: datetime | None = None


def receivables(known: LadderFacts, today: date) -> tuple[Receivable, ...]:
    """Return what the person has to pay, oldest first. Whether it may be asked for is not decided here."""
    found = [
        Receivable(
            debt=debt,
            due_on=debt.due_on,
            payable_on=payable_day(debt.due_on, known.holidays),
            cents=known.costs[debt.id].total_cents,
        )
        for debt in known.debts
        if debt.state == "open" and debt.id in known.costs
    ]
    debts = {debt.id: debt for debt in known.debts}
    for agreement in known.agreements:
        coming = agreement.next_open
        if agreement.state == "active" and coming is not None and agreement.debt_id in debts:
            found.append(
                Receivable(
                    debt=debts[agreement.debt_id],
                    due_on=coming.due_on,
                    payable_on=payable_day(coming.due_on, agreement.life.late.holidays),
                    cents=cost_of_instalment(agreement, coming, today).total_cents,
                    n=coming.n,
                    count=max(i.n for i in agreement.instalments),  # the entry is not counted
                )
            )
    return tuple(sorted(found, key=lambda one: (one.payable_on, one.debt.id)))


def agenda(known: LadderFacts, owed: Sequence[Receivable], now: datetime, heard_at: datetime | None) -> Agenda:
    """Return what is due for these. `now` is local to the ladder; `heard_at` is when the person last wrote."""
    due: list[Item] = []
    later: list[Item] = []
    tickets: list[Item] = []
    coming: list[datetime] = []
    for one in owed:
        track = _track(known, one, now.date())
        if track is None:
            continue
        met = _conditions(known, one, now.date(), heard_at)
        steps = _open_steps(known, one, track, met)
        past = [step for step in steps if step.at <= now]
        ahead = [step for step in steps if step.at > now]
        newest = _newest(past, one, now.date())
        if newest is not None:
            due.append(Item(owed=one, planned=newest, track=track.name))
        else:
            later += [
                Item(owed=one, planned=step, track=track.name)
                for step in ahead
                if step.step.template is not None and step.at.date() == now.date()
            ][:1]
        ticket = next((step for step in reversed(past) if step.step.ticket is not None), None)
        if ticket is not None:
            tickets.append(Item(owed=one, planned=ticket, track=track.name))
        # A condition that does not hold yet may hold when its day comes.
        coming += [step.at for step in _open_steps(known, one, track, None) if step.at > now][:1]
    return Agenda(due=tuple(due), later_today=tuple(later), tickets=tuple(tickets), next_at=min(coming, default=None))


def coming(known: LadderFacts, one: Receivable, now: datetime) -> Item | None:
    """Return the first step after `now` (local to the ladder) for something owed, whatever its condition; None: there
    is none."""
    track = _track(known, one, now.date())
    steps = _open_steps(known, one, track, None) if track is not None else []
    ahead = next((step for step in steps if step.at > now), None)
    return Item(owed=one, planned=ahead, track=track.name) if track is not None and ahead is not None else None


def is_prescribed(due: date, years: int, today: date) -> bool:
    """Five years after the due date (Código Civil art. 206 § 5 I) a debt is not asked for any more: people decide."""
    last = date(due.year + years, due.month, min(due.day, 28) if due.month == 2 else due.day)
    return today > last


def _track(known: LadderFacts, one: Receivable, today: date) -> Track | None:
    overdue = days_overdue(one.due_on, today, known.holidays)
    return next(
        (
            track
            for track in known.ladder.tracks
            if track.when is None
            or track.when.holds(
                days_overdue=overdue,
                total_cents=one.cents,
                tags=one.debt.tags,
                late_before=one.debt.late_before,
                tenure_days=known.tenure_days,
            )
        ),
        None,
    )


class _Conditions:
    """Which conditions hold for one thing owed: what was done since it was last reminded of."""

    def __init__(self, last: Contact | None, promised: bool, heard_at: datetime | None) -> None:
        self._last, self._promised, self._heard_at = last, promised, heard_at

    def __call__(self, step: Step) -> bool:
        last = self._last
        return step.when is None or step.when.holds(
            read=last is not None and last.read,
            clicked=last is not None and last.clicked,
            replied=last is not None and self._heard_at is not None and self._heard_at > last.at,
            promised=self._promised,
        )


def _conditions(known: LadderFacts, one: Receivable, today: date, heard_at: datetime | None) -> _Conditions:
    last = next((c for c in reversed(known.contacts) if one.debt.id in c.debts), None)
    until = one.debt.promised_until
    return _Conditions(last, until is not None and until < today, heard_at)


def _open_steps(known: LadderFacts, one: Receivable, track: Track, met: _Conditions | None) -> list[PlannedStep]:
    """The steps that are not over, oldest first; with `met` only those whose condition holds."""
    steps = planned(
        known.ladder,
        track,
        one.due_on,
        holidays=known.holidays,
        hours=hours_for(known.ladder.hours, known.state),
        met=met if met is not None else _always,
    )
    done = {(day, is_ticket) for debt, n, day, is_ticket in known.done if (debt, n) == one.key}
    since = known.since.get(one.debt.id, date.min)
    # Of messages and of tickets alike: what comes before the newest that is over is over with it.
    last = {kind: max((day for day, is_ticket in done if is_ticket is kind), default=None) for kind in (False, True)}
    is_instalment = one.n != NO_INSTALMENT
    return [
        step
        for step in steps
        if not _is_over(step.day, last[step.step.ticket is not None])
        and step.at.date() >= since
        and not (is_instalment and (step.step.template is None or step.day > _INSTALMENT_DAYS_LATE))
    ]


def _is_over(day: int, last: int | None) -> bool:
    return last is not None and day <= last


def _always(_: Step) -> bool:
    return True


def _newest(past: Sequence[PlannedStep], one: Receivable, today: date) -> PlannedStep | None:
    """The newest message that is due and has not lapsed."""
    newest = next((step for step in reversed(past) if step.step.template is not None), None)
    if newest is None or today - newest.at.date() > LAPSES_AFTER:
        return None
    return None if newest.day <= 0 and today > one.payable_on else newest
