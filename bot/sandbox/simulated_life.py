"""The days of one simulated customer: what happens to them in the order of its instants, decided by the very code that
decides for real people.

Around that code stand the books instead of the database, a debtor instead of a phone, a provider that makes and
confirms charges at once, and agents who close a ticket on the next working day.
"""

import heapq
import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeAlias

from bot.sandbox import simulated_money as money
from bot.sandbox.debtors import Debtor, Deed, Pays
from bot.sandbox.simulated_books import Books
from bot.sandbox.simulated_figures import Figures, StepFigures
from bot.sandbox.simulated_portfolio import Customer, Owed
from bot.sandbox.simulated_setup import Setup
from bot.sandbox.simulated_watch import Watch
from flows import effects as fx
from flows.calendar import is_banking_day
from flows.events import ChargeReady, Event, Identified, PaymentConfirmed, Pressed, TicketClosed, TimerFired, Typed
from flows.ladder_facts import Contact
from flows.step import step

_A_DAY = timedelta(days=1)
_MADE_AFTER = timedelta(seconds=2)  # a charge, by the provider
_PLANNED_AFTER = timedelta(minutes=1)  # new debts and agreements, by the ladder's plan
_COUNTS_FOR = timedelta(days=3)  # a payment, for the reminder before it
_EVENTS = 4000  # of one customer: more than that means that something does not come to rest

Timer: TypeAlias = tuple[Literal["nudge", "agreement", "promise", "ladder"], int]
Happening: TypeAlias = Event | Pays | Owed | Literal["plan", "promised"]


class Life:
    """One customer from the first day to the last."""

    def __init__(self, setup: Setup, customer: Customer, figures: Figures) -> None:
        self._setup, self._customer, self._figures = setup, customer, figures
        self._chance = random.Random(f"life {setup.seed} {customer.id}")  # noqa: S311  # a simulation is no secret
        self._books = Books(setup, customer)
        self._debtor = Debtor(customer.kind, customer.candidate.document, self._chance)
        self._watch = Watch(setup.within, customer)
        self._heap: list[tuple[datetime, int, Happening]] = []
        self._order = 0
        self._timers: dict[Timer, datetime] = {}
        self._last: tuple[datetime, StepFigures] | None = None  # the newest reminder, for what it leads to
        self._look_again = False  # the ladder's daily plan has something to look at
        self.now = setup.begins_at

    def run(self) -> None:
        """Live through all of it."""
        self._begin()
        events = 0
        while self._heap and self._heap[0][0] < self._setup.ends_at and events < _EVENTS:
            self.now, _, happening = heapq.heappop(self._heap)
            events += 1
            self._happens(happening)
        if events >= _EVENTS:
            self._watch.runs_away(self.now, events)
        self._end()

    def _begin(self) -> None:
        for one in self._customer.owed:
            self._later(self._setup.opens(one.since), one)
        for day in range(1, self._setup.days):
            self._later(self._setup.opens(self._setup.start + day * _A_DAY), "plan")

    def _end(self) -> None:
        total, books = self._figures.total, self._books
        total["debts"] += len(books.debts)
        total["debts_paid"] += sum(debt.state == "paid" for debt in books.debts.values())
        total["owed_cents"] += sum(debt.principal_cents for debt in books.debts.values())
        total["open_cents"] += money.cents_open(books, self._today, self._setup.terms_on(self._today))
        self._figures.kinds[self._customer.kind] += 1
        self._figures.breached(self._watch.breaches)

    @property
    def _today(self) -> date:
        return self.now.astimezone(self._setup.here).date()

    def _later(self, at: datetime, happening: Happening) -> None:
        self._order += 1
        heapq.heappush(self._heap, (at.astimezone(UTC), self._order, happening))

    def _happens(self, happening: Happening) -> None:
        match happening:
            case "plan":
                if self._look_again:
                    self._look_again = False
                    self._climb()
            case "promised":
                if self._debtor.keeps_word():
                    self._debtor.wants = "pay"
                    self._does(Pressed(action="pay", message_id="wamid.S"))
            case Owed():
                self._books.on_record(replace(happening.debt, late_before=self._books.late_before), self._today)
                self._climb()
            case Pays():
                self._pays(happening)
            case TimerFired():
                key: Timer = (happening.name, happening.subject)
                if self._timers.get(key) == self.now:  # else it was moved or cleared
                    del self._timers[key]
                    self._turn(happening)
            case Pressed() | Typed():
                self._does(happening)
            case ChargeReady():
                self._charge_is_made(happening)
            case TicketClosed():
                self._books.ticket = None
                self._watch.ticket(is_open=False)
                self._look_again = True
                self._turn(happening)
            case _:
                self._turn(happening)

    def _climb(self) -> None:
        self._turn(TimerFired(name="ladder", subject=self._customer.id))

    def _does(self, deed: Pressed | Typed) -> None:
        self._books.heard_at = self.now
        self._turn(deed)

    def _charge_is_made(self, ready: ChargeReady) -> None:
        charge = self._books.charges[ready.charge_no]
        if charge.state != "requested":
            return
        self._books.charges[charge.no] = replace(charge, state="active", code=f"00020126PIX{charge.no}")
        self._turn(ready)

    def _pays(self, deed: Pays) -> None:
        charge = money.can_be_paid(self._books, deed.charge_no, self._today)
        if charge is None:
            anew = self._debtor.renews()
            owes = any(debt.state in ("open", "agreed") for debt in self._books.debts.values())
            if anew is not None and owes:
                self._later(self.now + timedelta(minutes=1), anew)
            return
        terms = self._setup.terms_on(self._today)
        self._books.settlement = money.settlement_of(self._books, charge, self._today, terms)
        paid = PaymentConfirmed(
            end_to_end_id=f"E{self._customer.id}.{charge.no}",
            amount_cents=charge.amount_cents,
            paid_at=self.now,
            charge_no=charge.no,
        )
        self._turn(paid)

    def _turn(self, event: Event) -> None:
        """Decide an event and do what follows from it, as the engine's turn does."""
        books = self._books
        self._figures.total["turns"] += 1
        climbs = (isinstance(event, TimerFired) and event.name in ("ladder", "promise")) or (
            isinstance(event, ChargeReady) and "reminding" in books.state.memory and books.customer is not None
        )
        effects = self._decided(event, climbs=climbs)
        if any(isinstance(effect, fx.Identify) for effect in effects):
            effects += self._decided(Identified(), climbs=climbs)
        books.settlement = None
        said = [effect for effect in effects if isinstance(effect, fx.Say)]
        if said:
            self._react(self._debtor.on_said(said), self.now)

    def _decided(self, event: Event, *, climbs: bool) -> tuple[fx.Effect, ...]:
        books = self._books
        done = step(books.state, books.facts(self.now, with_ladder=climbs), event)
        books.state = done.state
        for effect in sorted(done.effects, key=_in_order):
            self._apply(effect)
        return done.effects

    def _apply(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Remind() if self._stopped():
                return
            case fx.Remind():
                self._reminded(effect)
            case fx.Say():
                self._said(effect)
            case fx.SendPaper():
                self._answered(None)
            case fx.SetTimer():
                self._timers[effect.name, effect.subject] = at = max(effect.fire_at, self.now)
                self._later(at, TimerFired(name=effect.name, subject=effect.subject))
            case fx.ClearTimer():
                self._timers.pop((effect.name, effect.subject), None)
            case fx.Book():
                self._booked(effect)
            case fx.OpenTicket() if self._books.ticket is None:
                self._ticket_opened(effect)
            case fx.EndAgreement():
                self._ended(effect.debt_id)
            case _:
                pass
        self._books.apply(effect, self.now)
        self._noted(effect)

    def _noted(self, effect: fx.Effect) -> None:
        """What the watchman sees, what is counted, and what wakes the ladder's plan."""
        total = self._figures.total
        match effect:
            case fx.Charge():
                self._later(self.now + _MADE_AFTER, ChargeReady(charge_no=effect.charge_no))
            case fx.Identify():
                self._watch.confirmed()
                total["confirmed"] += 1
            case fx.CloseContact():
                self._watch.is_somebody_else()
                total["wrong_numbers"] += 1
            case fx.OptOut() | fx.OptIn():
                is_out = isinstance(effect, fx.OptOut)
                self._watch.opted(out=is_out)
                total["opted_out"] += is_out
                self._count_for_last("opted_out", forget=False)
            case fx.Agree():
                self._watch.agreed(effect.debt_id)
                total["agreements"] += 1
                self._figures.day(self._today).agreements += 1
                self._plan_soon()
            case fx.EndAgreement():
                total["agreements_broken"] += 1
                self._plan_soon()
            case fx.Promise():
                self._watch.promised(effect.debt_id, effect.until)
                total["promises"] += 1
                on_day = datetime.combine(effect.until, time(self._chance.randrange(9, 21)), self._setup.here)
                self._later(max(on_day, self.now), "promised")
            case _:
                pass

    def _stopped(self) -> bool:
        """The last look before a reminder leaves: what the same turn brought about stops it, and the ladder decides
        anew (`bot.engine.reminder_guards`)."""
        if self._books.ticket is None and not self._books.opted_out:
            return False
        self._figures.total["taken_back"] += 1
        self._plan_soon()
        return True

    def _plan_soon(self) -> None:
        at = self.now + _PLANNED_AFTER
        self._timers["ladder", self._customer.id] = at
        self._later(at, TimerFired(name="ladder", subject=self._customer.id))

    def _reminded(self, effect: fx.Remind) -> None:
        template = self._setup.templates.get(effect.template)
        self._watch.reminded(effect, template, self.now)
        is_first = effect.purpose == "first_contact"
        figures = self._figures.step(effect.template, None if is_first else max(item.day for item in effect.items))
        figures.sent += 1
        self._last = self.now, figures
        self._figures.total["first_contacts" if is_first else "reminders"] += 1
        self._unasked(None if effect.free_form else effect.template)
        if effect.free_form and effect.media_link is not None:
            self._priced(None)  # what goes out beside the words
        read_at = None
        if (after := self._debtor.reads_after()) is not None:
            read_at = self.now + after
            if read_at < self._setup.ends_at:
                figures.read += 1
            self._react(self._debtor.on_reminder(effect), read_at)
        self._contacted(effect.purpose, effect.template, frozenset(item.debt_id for item in effect.items), read_at)
        if sum(debt.state in ("open", "agreed") for debt in self._books.debts.values()) > 1:
            self._look_again = True  # what waited for its turn is found by the daily plan

    def _said(self, say: fx.Say) -> None:
        if say.template is not None and say.purpose != "receipt":  # about an agreement or a promise: nobody wrote
            if say.purpose == "reminder":
                self._watch.asked(self.now)
                self._contacted("reminder", "", frozenset(), None)
            else:
                self._watch.told(self.now)
            self._figures.total["questions"] += 1
            self._unasked(None if self._window_is_open else say.template)
            return
        self._answered(None if self._window_is_open else say.template)

    def _answered(self, template: str | None) -> None:
        """Count a message that answers, by a template where the window is closed."""
        self._figures.day(self._today).answers += 1
        self._figures.answers_by_hour[self._hour] += 1
        self._figures.total["answers"] += 1
        self._priced(template)

    @property
    def _hour(self) -> int:
        return self.now.astimezone(self._setup.ladder.timezone).hour

    @property
    def _window_is_open(self) -> bool:
        heard = self._books.heard_at
        return heard is not None and self.now < heard + _A_DAY

    def _contacted(self, purpose: str, template: str, debts: frozenset[int], read_at: datetime | None) -> None:
        on = self.now.astimezone(self._setup.ladder.timezone).date()
        contact = Contact(at=self.now, on=on, purpose=purpose, template=template, debts=debts)
        self._books.contacted(contact, read_at)

    def _unasked(self, template: str | None) -> None:
        """Count a message that nobody asked for, by a template or as free form."""
        self._figures.day(self._today).sent += 1
        self._figures.sent_by_hour[self._hour] += 1
        self._priced(template)

    def _priced(self, template: str | None) -> None:
        known = self._setup.templates.get(template) if template is not None else None
        category = known.category.lower() if known is not None else "utility" if template is not None else "service"
        self._figures.messages[self._today, category, self._window_is_open] += 1

    def _react(self, reaction: tuple[timedelta, Deed] | None, since: datetime) -> None:
        if reaction is not None:
            self._later(since + reaction[0], reaction[1])

    def _booked(self, effect: fx.Book) -> None:
        assert effect.charge_no is not None
        charge = self._books.charges[effect.charge_no]
        agreement_no = charge.agreement_offer_no
        settled = money.book(self._books, charge, self._today, self._setup.terms_on(self._today))
        for part in charge.parts:
            if part.instalment_n is not None and agreement_no is not None:
                self._watch.paid(part.debt_id, part.instalment_n)
        for debt_id in settled:
            self._watch.paid(debt_id)
        day = self._figures.day(self._today)
        day.paid += 1
        day.paid_cents += effect.amount_cents
        self._figures.total["payments"] += 1
        self._figures.total["recovered_cents"] += effect.amount_cents
        self._count_for_last("paid", forget=True)

    def _ticket_opened(self, effect: fx.OpenTicket) -> None:
        self._figures.total["tickets"] += 1
        if effect.reason == "ladder":
            self._figures.steps.setdefault((f"ticket: {effect.queue}", ""), StepFigures()).tickets += 1
        else:
            self._count_for_last("tickets", forget=False)
        self._watch.ticket(is_open=True)
        day = self._today + _A_DAY
        while not is_banking_day(day):
            day += _A_DAY
        closes = datetime.combine(
            day, time(self._chance.randrange(9, 18), self._chance.randrange(60)), self._setup.here
        )
        self._later(closes, TicketClosed(ticket_id=0, agent_id=0))

    def _ended(self, debt_id: int) -> None:
        agreement = self._books.active_agreement(debt_id)
        assert agreement is not None
        self._watch.agreement_ended(debt_id, max((i.n for i in agreement.instalments), default=0))

    def _count_for_last(self, what: str, *, forget: bool) -> None:
        """What the newest reminder led to."""
        if self._last is not None and self.now - self._last[0] <= _COUNTS_FOR:
            figures = self._last[1]
            setattr(figures, what, getattr(figures, what) + 1)
            if forget:
                self._last = None


def _in_order(effect: fx.Effect) -> int:
    """Money first, as in the engine; reminders last, for they leave when all else is written."""
    return 0 if isinstance(effect, fx.Book) else 2 if isinstance(effect, fx.Remind) else 1
