"""One moment of a conversation: what is known, what the person wants, and what follows from it so far.

It is the model of the statechart: guards read it, actions append effects to it. It lives for one step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from flows.effects import Choice, ClearTimer, Effect, Say, SetTimer, Value
from flows.facts import AgreementFact, ChargeFact, CostOfDebt, Debt, Facts, SealedOffer
from flows.wishes import Wish

HUMAN = Choice(action="human", label="button_human")
THREE = (Choice(action="pay", label="button_pay"), Choice(action="negotiate", label="button_negotiate"), HUMAN)


@dataclass(slots=True)
class Moment:
    """Facts and wish are given; memory is what the conversation remembers from step to step, as plain text and numbers."""

    facts: Facts
    wish: Wish
    memory: dict[str, int | str]
    effects: list[Effect] = field(default_factory=list)
    state: object = None  # the statechart's own
    given_numbers: int = 0
    introduced: bool = False  # the person has just confirmed who they are

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
        """Return an open debt of the customer."""
        return next((d for d in self.open_debts if d.id == debt_id), None)

    def agreement_on(self, debt_id: int) -> AgreementFact | None:
        """Return the agreement in force that stands in a debt's place."""
        return next((a for a in self.agreements if a.debt_id == debt_id), None)

    def offer(self, no: int) -> SealedOffer | None:
        """Return an offer that was shown here, still honoured and for a debt still open."""
        return next(
            (
                o
                for o in self.facts.offers
                if o.no == no and not o.accepted and self.facts.today <= o.honoured_until and self.debt(o.debt_id)
            ),
            None,
        )

    def charge(self, no: int) -> ChargeFact | None:
        """Return a charge of this conversation."""
        return next((c for c in self.facts.charges if c.no == no), None)

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

