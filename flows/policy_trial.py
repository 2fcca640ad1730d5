"""A policy tried on a portfolio: which rule takes how many, what it may cost, and what changes for whom.

A debt is *worse* off than under the policy in force if it had offers and has none, if the cheapest way to settle it
costs more, or if it may be paid in fewer instalments at most; else *better* if any of these went the other way.
Nobody's name is needed for any of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

from flows.costs import cost_of
from flows.facts import Debt
from flows.negotiation import DebtFacts, outline
from flows.policy import Policy
from payments.late_charges import Cost

Change: TypeAlias = Literal["better", "same", "worse"]
LARGEST, WORSE_KEPT = 20, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a policy makes of one debt. `rule` is empty where none takes it; `cheapest_cents` is the least that settles
    it, its cost at most; `most` is the largest number of instalments, 0 where there are none."""

    rule: str
    ticket: bool
    cost_cents: int
    discount_cents: int
    cheapest_cents: int
    most: int
    offers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One debt under the policy in force and under the one that is tried. `debt_id` is 0 for debts of a file."""

    debt_id: int
    external_id: str
    before: Terms | None
    after: Terms
    change: Change

    @property
    def moved_cents(self) -> int:
        """How much more the cheapest way costs; negative: less."""
        return self.after.cheapest_cents - self.before.cheapest_cents if self.before is not None else 0


@dataclass(slots=True, kw_only=True)
class RuleTally:
    """The debts that one rule takes: how many, their cost, and what all of its discounts would forgive at most."""

    debts: int = 0
    cost_cents: int = 0
    discount_cents: int = 0


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was counted so far. It can be added to another, of other debts."""

    debts: int = 0
    by_rule: dict[str, RuleTally] = field(default_factory=dict)
    discount_before_cents: int = 0
    changes: dict[Change, int] = field(default_factory=lambda: {"better": 0, "same": 0, "worse": 0})
    largest: list[Compared] = field(default_factory=list)
    worse: list[Compared] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take in what was counted of other debts."""
        self.debts += other.debts
        self.discount_before_cents += other.discount_before_cents
        for name, tally in other.by_rule.items():
            mine = self.by_rule.setdefault(name, RuleTally())
            mine.debts += tally.debts
            mine.cost_cents += tally.cost_cents
            mine.discount_cents += tally.discount_cents
        for change, count in other.changes.items():
            self.changes[change] += count
        self.largest = _largest([*self.largest, *other.largest], LARGEST)
        self.worse = _largest([*self.worse, *other.worse], WORSE_KEPT)


def facts_of(debt: Debt, policy: Policy, on: date) -> DebtFacts:
    """Return what a policy may know of a debt of ours, its cost by that policy's charges."""
    cost = cost_of(debt, on, policy.terms)
    return DebtFacts(
        external_id=debt.external_id,
        principal_cents=debt.open_principal_cents,
        due=debt.due_on,
        tags=debt.tags,
        late_before=debt.late_before,
        cost=Cost(principal_cents=cost.principal_cents, fine_cents=cost.fine_cents, interest_cents=cost.interest_cents),
    )


def terms_for(policy: Policy, debt: DebtFacts, on: date) -> Terms:
    """Return what a policy makes of a debt on a local day."""
    found = outline(policy, debt, on)
    return Terms(
        rule=found.rule.name if found.rule is not None else "",
        ticket=found.rule is not None and found.rule.ticket is not None,
        cost_cents=found.cost.total_cents,
        discount_cents=found.discount_cents,
        cheapest_cents=found.cheapest_cents,
        most=found.most,
        offers=len(found.offers),
    )


def change_of(before: Terms | None, after: Terms) -> Change:
    """Return whether somebody is better or worse off."""
    if before is None:
        return "same"
    if (before.offers and not after.offers) or after.cheapest_cents > before.cheapest_cents or after.most < before.most:
        return "worse"
    if (after.offers and not before.offers) or after.cheapest_cents < before.cheapest_cents or after.most > before.most:
        return "better"
    return "same"


def tally_of(policy: Policy, current: Policy | None, debts: Iterable[Debt | DebtFacts], on: date) -> Tally:
    """Return what the policy would do to these debts, against the one in force (None: nothing is)."""
    tally = Tally()
    for debt in debts:
        is_ours = isinstance(debt, Debt)
        after = terms_for(policy, facts_of(debt, policy, on) if isinstance(debt, Debt) else debt, on)
        before = None
        if current is not None:
            before = terms_for(current, facts_of(debt, current, on) if isinstance(debt, Debt) else debt, on)
        one = Compared(
            debt_id=debt.id if is_ours and isinstance(debt, Debt) else 0,
            external_id=debt.external_id,
            before=before,
            after=after,
            change=change_of(before, after),
        )
        _count(tally, one)
    tally.largest = _largest(tally.largest, LARGEST)
    tally.worse = _largest(tally.worse, WORSE_KEPT)
    return tally


def _count(tally: Tally, one: Compared) -> None:
    tally.debts += 1
    of_rule = tally.by_rule.setdefault(one.after.rule, RuleTally())
    of_rule.debts += 1
    of_rule.cost_cents += one.after.cost_cents
    of_rule.discount_cents += one.after.discount_cents
    tally.discount_before_cents += one.before.discount_cents if one.before is not None else 0
    tally.changes[one.change] += 1
    if one.before is not None and (one.moved_cents or one.change != "same"):
        tally.largest.append(one)
    if one.change == "worse":
        tally.worse.append(one)


def _largest(found: list[Compared], most: int) -> list[Compared]:
    """The largest first; of equal ones the order of their numbers, so that the same portfolio gives the same list."""
    return sorted(found, key=lambda one: (-abs(one.moved_cents), one.external_id))[:most]
