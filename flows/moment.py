"""One moment of a conversation: what is known, what the person wants, and what follows from it so far.

It is the model of the statechart: guards read it, actions append effects to it. It lives for one step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from flows.calendar import payable_day
from flows.costs import NO_LATE_CHARGES, cost_of
from flows.effects import Choice, ClearTimer, Effect, Say, SetTimer, Value
from flows.facts import AgreementFact, ChargeFact, CostOfDebt, Debt, Facts, SealedOffer
from flows.negotiation import DebtFacts, Decision, decide
from flows.offers import CashOffer, InstalmentOffer
from flows.wishes import Wish
from payments.late_charges import Cost, Terms

HUMAN = Choice(action="human", label="button_human")
THREE = (Choice(action="pay", label="button_pay"), Choice(action="negotiate", label="button_negotiate"), HUMAN)


@dataclass(slots=True)
class Moment:
    """Facts and wish are given; memory is what the conversation remembers from step to step, as plain text and
    numbers."""

    facts: Facts
    wish: Wish
    memory: dict[str, int | str]
    effects: list[Effect] = field(default_factory=list)
    place: str = "start"  # the state in which the event finds the conversation
    introduced: bool = False  # the person has just confirmed who they are
    state: object = None  # the statechart's own
    given_numbers: int = 0
    decisions: dict[int, Decision] = field(default_factory=dict)

    def number(self) -> int:
        """Return the next serial number of the conversation."""
        self.given_numbers += 1
        return self.facts.next_no + self.given_numbers - 1

    def say(self, wording: str, *choices: Choice, list_button: str | None = None, **values: Value) -> None:
        """Say something; what can be pressed is remembered, so that a typed number works like the press."""
        self.ask(wording, values, *choices, list_button=list_button)

    def ask(self, wording: str, values: Mapping[str, Value], *choices: Choice, list_button: str | None = None) -> None:
        """The same with its values at hand."""
        self.effects.append(Say(wording=wording, values=values, choices=choices, list_button=list_button))
        if choices:
            self.memory["choices"] = ",".join(f"{c.action}.{c.object_id}.{c.version}" for c in choices)

    def remind(self, wording: str, *choices: Choice) -> None:
        """Say something that nobody asked for just now: it is never sent twice."""
        self.say(wording, *choices)
        said = self.effects[-1]
        assert isinstance(said, Say)
        self.effects[-1] = replace(said, purpose="reminder")

    def wait_for_answer(self) -> None:
        """Ask once more, later, should the person stay silent."""
        minutes = self.facts.rules.nudge_after_minutes
        if minutes and not self.facts.opted_out:
            self.effects.append(SetTimer(name="nudge", fire_at=self.facts.now + timedelta(minutes=minutes)))

    def stop_waiting(self) -> None:
        """Nothing is asked any more."""
        self.effects.append(ClearTimer(name="nudge"))

    @property
    def open_debts(self) -> tuple[Debt, ...]:
        """Debts that are open, oldest first."""
        return tuple(d for d in self.facts.debts if d.state == "open" and d.id in self.facts.costs)

    @property
    def agreements(self) -> tuple[AgreementFact, ...]:
        """Agreements in force that have something left to pay."""
        return tuple(a for a in self.facts.agreements if a.state == "active" and a.next_open is not None)

    def debt(self, debt_id: int) -> Debt | None:
        """Return an open debt of the customer, or the one whose agreement is being renegotiated, as it would be without
        it."""
        agreement = self.agreement_on(debt_id) if self.renegotiated_debt == debt_id else None
        if agreement is not None:
            return agreement.restored
        return next((d for d in self.open_debts if d.id == debt_id), None)

    @property
    def renegotiated_debt(self) -> int | None:
        """The debt whose agreement is being renegotiated."""
        known = self.memory.get("renegotiated")
        return known if isinstance(known, int) else None

    def cost(self, debt: Debt) -> CostOfDebt:
        """Return what a debt of `debt` costs today, without discount."""
        known = self.facts.costs.get(debt.id)
        return known if known is not None else cost_of(debt, self.facts.today, self._terms)

    def cost_on(self, debt: Debt, day: date) -> CostOfDebt:
        """Return what `debt` costs on another day if nothing is paid till then, without discount."""
        return cost_of(debt, day, self._terms)

    def payable_day(self, debt: Debt) -> date:
        """Return the last day on which `debt` costs nothing more, but for days of grace."""
        return payable_day(debt.due_on, self._terms.holidays)

    @property
    def _terms(self) -> Terms:
        return self.facts.policy.policy.terms if self.facts.policy is not None else NO_LATE_CHARGES

    def agreement_on(self, debt_id: int) -> AgreementFact | None:
        """Return the agreement in force that stands in a debt's place."""
        return next((a for a in self.agreements if a.debt_id == debt_id), None)

    def shown(self, no: int) -> SealedOffer | None:
        """Return an offer that was shown here, whether or not it still stands."""
        return next((o for o in self.facts.offers if o.no == no), None)

    def offer(self, no: int) -> SealedOffer | None:
        """Return an offer that was shown here and still stands."""
        sealed = self.shown(no)
        return sealed if sealed is not None and self.stands(sealed) else None

    def stands(self, sealed: SealedOffer) -> bool:
        """Whether an offer is honoured today: not accepted, in time, and for the very debt that it was made for.

        Who paid a part meanwhile, or whose invoice was corrected, owes something else: what was offered for the old
        amount would be wrong.
        """
        debt = self.debt(sealed.debt_id)
        if debt is None or sealed.accepted or self.facts.today > sealed.honoured_until:
            return False
        if isinstance(sealed.offer, CashOffer | InstalmentOffer):
            return sealed.offer.parts.principal_cents == debt.open_principal_cents
        return True

    def decision(self, debt: Debt) -> Decision | None:
        """Return what the policy in force says to a debt today, worked out once; None without a policy."""
        if self.facts.policy is None:
            return None
        if debt.id not in self.decisions:  # a dozen plans with their CET cost a millisecond
            self.decisions[debt.id] = decide(self.facts.policy.policy, self.debt_facts(debt), self.facts.today)
        return self.decisions[debt.id]

    def debt_facts(self, debt: Debt) -> DebtFacts:
        """Return what a policy may know of a debt, today."""
        cost = self.cost(debt)
        return DebtFacts(
            principal_cents=debt.principal_cents,
            due=debt.due_on,
            tags=debt.tags,
            late_before=debt.late_before,
            external_id=debt.external_id,
            cost=Cost(
                principal_cents=cost.principal_cents, fine_cents=cost.fine_cents, interest_cents=cost.interest_cents
            ),
        )

    def charge(self, no: int) -> ChargeFact | None:
        """Return a charge of this conversation."""
        return next((c for c in self.facts.charges if c.no == no), None)

    @property
    def name(self) -> str:
        """How the customer is addressed; nobody in capitals, however the list had it."""
        name = self.facts.customer.first_name if self.facts.customer is not None else ""
        return name.title() if name.isupper() else name

    def description(self, debt_id: int) -> str:
        """What a debt is for, in the creditor's words."""
        return next((d.description for d in self.facts.debts if d.id == debt_id), "")


def cost_lines(cost: CostOfDebt) -> tuple[Mapping[str, Value], ...]:
    """The parts of a cost that are not zero, as lines to be said."""
    parts = (
        ("line_principal", cost.principal_cents),
        ("line_fine", cost.fine_cents),
        ("line_interest", cost.interest_cents),
        ("line_discount", cost.discount_cents),
    )
    return tuple({"wording": wording, "amount_cents": cents} for wording, cents in parts if cents)


def agreed_lines(cost: CostOfDebt) -> tuple[Mapping[str, Value], ...]:
    """The same of an agreement's payments: their amounts, what lateness costs, and the interest that is taken off."""
    parts = (
        ("line_payments", cost.principal_cents),
        ("line_fine", cost.fine_cents),
        ("line_interest", cost.interest_cents),
        ("line_interest_off", cost.discount_cents),
    )
    return tuple({"wording": wording, "amount_cents": cents} for wording, cents in parts if cents)
