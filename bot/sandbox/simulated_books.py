"""What is on record of one simulated customer, in memory: the facts that decisions read, changed as their effects say.

It stands where the database stands for the program. Amounts are integer centavos, instants UTC, days local.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from bot.sandbox.simulated_portfolio import Customer
from bot.sandbox.simulated_setup import Setup
from bot.store.facts import WINDOW
from bot.store.ladder_facts import REMEMBERED
from flows import effects as fx
from flows.breaking import PaidUnder, restored
from flows.contact_hours import state_of_phone, zone_of_phone
from flows.costs import cost_of
from flows.facts import (
    AgreementFact,
    ChargeFact,
    CostOfDebt,
    Debt,
    Facts,
    Instalment,
    SealedOffer,
    Settlement,
    TicketFact,
)
from flows.ladder_facts import NO_INSTALMENT, Contact, LadderFacts
from flows.negotiating import agreement_of
from flows.offers import InstalmentOffer
from flows.rollout import is_among, percent_at
from flows.step import State

_A_DAY = timedelta(days=1)


class Books:
    """One customer and the one conversation with them."""

    def __init__(self, setup: Setup, customer: Customer) -> None:
        self._setup, self._customer = setup, customer
        self.state = State()
        self.customer = customer.candidate if customer.is_known else None
        self.closed = False
        self.opted_out = False
        self.heard_at: datetime | None = None
        self.wrong = (date.min, 0)  # the local day, and how many of that day
        self.debts: dict[int, Debt] = {}
        self.since: dict[int, date] = {}
        self.offers: list[SealedOffer] = []
        self.charges: dict[int, ChargeFact] = {}
        self.agreements: dict[int, AgreementFact] = {}  # by the numbers of their offers
        self.paid_under: dict[int, list[PaidUnder]] = {}
        self.ticket: TicketFact | None = None
        self.late_before = customer.late_before
        self.paid_on: date | None = None
        self.settlement: Settlement | None = None
        self._contacts: list[tuple[Contact, datetime | None]] = []  # and when it is read
        self._done: set[tuple[int, int, date, int, bool]] = set()
        self._serial = self._tickets = 0
        self._restored: dict[int, Debt] = {}
        self._ladder_state, self._ladder_zone = state_of_phone(customer.phone), zone_of_phone(customer.phone)

    def on_record(self, debt: Debt, day: date) -> None:
        """A debt comes in."""
        self.debts[debt.id] = debt
        self.since[debt.id] = day

    @property
    def owed(self) -> tuple[Debt, ...]:
        """Open and agreed debts, oldest first."""
        live = (debt for debt in self.debts.values() if debt.state in ("open", "agreed"))
        return tuple(replace(d, late_before=self.late_before) for d in sorted(live, key=lambda d: (d.due_on, d.id)))

    def facts(self, now: datetime, *, with_ladder: bool) -> Facts:
        """What a decision may know now."""
        today = now.astimezone(self._setup.here).date()
        owed, known = self.owed, self.customer is not None
        terms = self._setup.terms_on(today)
        costs = {d.id: cost_of(d, today, terms) for d in owed if d.state == "open"} if known or with_ladder else {}
        agreements = tuple(self._agreement(one, today) for one in self.agreements.values() if one.state != "broken")
        return Facts(
            now=now,
            today=today,
            rules=self._setup.rules,
            next_no=self._serial + 1,
            candidates=(self._customer.candidate,),
            customer=self.customer,
            contact_closed=self.closed,
            wrong_answers_today=self.wrong[1] if self.wrong[0] == today else 0,
            opted_out=self.opted_out,
            heard_at=self.heard_at,
            window_closes_at=self.heard_at + WINDOW if self.heard_at is not None else None,
            debts=owed if known else (),
            costs=costs if known else {},
            policy=self._setup.policy_on(today),
            offers=tuple(o for o in self.offers if o.honoured_until >= today or o.accepted) if known else (),
            charges=tuple(self.charges.values()) if known else (),
            agreements=agreements if known else (),
            ticket=self.ticket,
            settlement=self.settlement,
            ladder=self._ladder(now, owed, costs, agreements) if with_ladder else None,
        )

    def _ladder(
        self,
        now: datetime,
        owed: tuple[Debt, ...],
        costs: dict[int, CostOfDebt],
        agreements: tuple[AgreementFact, ...],
    ) -> LadderFacts:
        setup = self._setup
        today = now.astimezone(setup.ladder.timezone).date()
        while self._contacts and self._contacts[0][0].at <= now - REMEMBERED:
            del self._contacts[0]
        return LadderFacts(
            ladder=setup.ladder,
            customer_id=self._customer.id,
            templates=setup.templates,
            debts=owed,
            costs=costs,
            agreements=agreements,
            holidays=setup.terms_on(today).holidays,
            done=self._done_for(owed, agreements),
            since=self.since,
            contacts=tuple(
                replace(contact, read=True) if read_at is not None and read_at <= now else contact
                for contact, read_at in self._contacts
            ),
            tenure_days=self._customer.tenure_days + (today - setup.start).days,
            opted_in=self._customer.opted_in,
            state=self._ladder_state,
            zone=self._ladder_zone,
            has_ticket=self.ticket is not None,
            paid_on=self.paid_on,
            free_form=setup.is_free_form(today),
            in_rollout=is_among(setup.ladder.digest, self._customer.id, percent_at(setup.ladder, setup.begins_at, now)),
        )

    def _done_for(
        self, owed: tuple[Debt, ...], agreements: tuple[AgreementFact, ...]
    ) -> frozenset[tuple[int, int, int, bool]]:
        """The steps that are over for the due dates as they are."""
        due = {(debt.id, NO_INSTALMENT): debt.due_on for debt in owed}
        due |= {(a.debt_id, i.n): i.due_on for a in agreements if a.state == "active" for i in a.instalments}
        return frozenset(
            (debt_id, n, day, is_ticket)
            for debt_id, n, due_on, day, is_ticket in self._done
            if due.get((debt_id, n)) == due_on
        )

    def _agreement(self, agreement: AgreementFact, today: date) -> AgreementFact:
        """The agreement with the debt as it would be without it."""
        if agreement.state != "active":
            return agreement
        no = agreement.offer_no
        if no not in self._restored:
            self._restored[no] = self.without(agreement, today)
        return replace(agreement, restored=self._restored[no])

    def without(self, agreement: AgreementFact, today: date) -> Debt:
        """Return the debt as it would be if `agreement` had never been made."""
        debt, paid = self.debts[agreement.debt_id], self.paid_under.get(agreement.offer_no, [])
        return restored(debt, paid, self._setup.terms_on(today), self._setup.order_on(today)).debt

    def active_agreement(self, debt_id: int) -> AgreementFact | None:
        """Return the agreement in force that stands in a debt's place."""
        return next((a for a in self.agreements.values() if a.debt_id == debt_id and a.state == "active"), None)

    def changed(self, agreement: AgreementFact) -> None:
        """An agreement is otherwise than it was."""
        self.agreements[agreement.offer_no] = agreement
        self._restored.pop(agreement.offer_no, None)

    def contacted(self, contact: Contact, read_at: datetime | None) -> None:
        """An active message went out; `read_at` is when it will be read."""
        self._contacts.append((contact, read_at))

    def apply(self, effect: fx.Effect, now: datetime) -> None:
        """What the shell would write for an effect. Messages, timers and money are others' to handle."""
        today = now.astimezone(self._setup.here).date()
        match effect:
            case fx.Identify():
                self.customer, self.wrong = self._customer.candidate, (today, 0)
            case fx.ForgetIdentity():
                self.customer = None
            case fx.CloseContact():
                self.customer, self.closed = None, True
            case fx.CountWrongAnswer():
                self.wrong = (today, effect.tries)
            case fx.OptOut() | fx.OptIn():
                self.opted_out = isinstance(effect, fx.OptOut)
            case fx.OpenTicket() if self.ticket is None:
                self._tickets += 1
                self.ticket = TicketFact(id=self._tickets, reason=effect.reason)
            case fx.SealOffer():
                self._seal(effect, today)
            case fx.Charge():
                self._charge(effect)
            case fx.CancelCharge():
                self.cancel(effect.charge_no)
            case fx.Agree():
                self._agree(effect, today)
            case fx.EndAgreement():
                self._end(effect.debt_id, today)
            case fx.MoveInstalment():
                self._move(effect)
            case fx.Promise():
                debt = self.debts[effect.debt_id]
                self.debts[debt.id] = replace(debt, promised_until=effect.until, promises=debt.promises + 1)
            case fx.Remind() | fx.PassSteps():
                is_ticket = isinstance(effect, fx.PassSteps) and effect.tickets
                self._done |= {(item.debt_id, item.n, item.due_on, item.day, is_ticket) for item in effect.items}
            case _:
                pass

    def cancel(self, charge_no: int) -> None:
        """A charge is taken back."""
        charge = self.charges.get(charge_no)
        if charge is not None and charge.state in ("requested", "active"):
            self.charges[charge_no] = replace(charge, state="cancelled")

    def _seal(self, effect: fx.SealOffer, today: date) -> None:
        self._serial = max(self._serial, effect.offer_no)
        self.offers.append(
            SealedOffer(
                no=effect.offer_no,
                debt_id=effect.debt_id,
                offer=effect.offer,
                policy_digest=effect.policy_digest,
                shown_on=today,
                honoured_until=effect.honoured_until,
            )
        )

    def _charge(self, effect: fx.Charge) -> None:
        self._serial = max(self._serial, effect.charge_no)
        for no in effect.replaces:
            self.cancel(no)
        self.charges[effect.charge_no] = ChargeFact(
            no=effect.charge_no,
            amount_cents=effect.amount_cents,
            pay_until=effect.pay_until,
            state="requested",
            parts=effect.parts,
            offer_no=effect.offer_no,
            agreement_offer_no=effect.agreement_offer_no,
            instalment_n=effect.instalment_n,
        )

    def _agree(self, effect: fx.Agree, today: date) -> None:
        if effect.renegotiated:
            self._end(effect.debt_id, today)
        sealed = next(o for o in self.offers if o.no == effect.offer_no)
        assert isinstance(sealed.offer, InstalmentOffer)
        self.offers = [replace(o, accepted=True) if o.no == sealed.no else o for o in self.offers]
        self.debts[sealed.debt_id] = replace(self.debts[sealed.debt_id], state="agreed")
        self.since[sealed.debt_id] = today + _A_DAY  # who has just agreed was told the dates today
        self.changed(agreement_of(sealed.no, sealed.debt_id, sealed.offer))

    def _end(self, debt_id: int, today: date) -> None:
        agreement = self.active_agreement(debt_id)
        assert agreement is not None
        after = self.without(agreement, today)
        before = self.debts[debt_id]
        after = after if after.open_principal_cents else replace(after, state="paid")
        self.debts[debt_id] = replace(after, agreements_ended=before.agreements_ended + 1)
        self.since[debt_id] = next((o.since for o in self._customer.owed if o.debt.id == debt_id), today)
        self.changed(replace(agreement, state="broken"))
        for charge in list(self.charges.values()):
            if charge.agreement_offer_no == agreement.offer_no:
                self.cancel(charge.no)

    def _move(self, effect: fx.MoveInstalment) -> None:
        agreement = self.active_agreement(effect.debt_id)
        assert agreement is not None

        def moved(i: Instalment) -> Instalment:
            return replace(i, due_on=effect.due_on, moved_from=i.moved_from or i.due_on) if i.n == effect.n else i

        self.changed(replace(agreement, instalments=tuple(map(moved, agreement.instalments))))
        for charge in list(self.charges.values()):
            if charge.agreement_offer_no == agreement.offer_no and charge.instalment_n == effect.n:
                self.cancel(charge.no)
