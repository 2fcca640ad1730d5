"""Why a rule takes a debt or passes it over, condition by condition, and why an offer of it is not made."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from flows.calendar import days_overdue
from flows.explain import Say, conditions_of, like
from flows.negotiation import DebtFacts, decide
from flows.policy import Policy
from flows.policy_parts import CashRule, InstalmentRule, PromiseRule, Rule, When

_ALL = Decimal(100)
_NAMES = ("days_overdue", "total", "tags", "late_before")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a rule, in words, and whether it holds."""

    text: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One rule as this debt meets it. `takes`: it is the first that serves; `is_reached`: no earlier one did."""

    name: str
    conditions: tuple[Condition, ...]
    takes: bool
    is_reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMade:
    """An offer of the rule that is not made, and why, in words."""

    name: str
    because: str


def debt_in_words(policy: Policy, debt: DebtFacts, on: date, say: Say) -> str:
    """Return how the policy sees the debt."""
    decision = decide(policy, debt, on)
    return like(
        days_overdue=decision.days_overdue,
        total_cents=decision.cost.total_cents,
        tags=debt.tags,
        late_before=debt.late_before,
        say=say,
    )


def weighed(policy: Policy, debt: DebtFacts, on: date, say: Say) -> tuple[Weighed, ...]:
    """Return every rule in its order with its conditions, up to the end: those behind the one that takes it too."""
    decision = decide(policy, debt, on)
    late = days_overdue(debt.due, on, policy.holidays.days)
    found, taken = [], False
    for rule in policy.rules:
        conditions = tuple(
            Condition(
                text=conditions_of(rule.model_copy(update={"when": part}), say),
                holds=part.holds(
                    days_overdue=late,
                    total_cents=decision.cost.total_cents,
                    tags=debt.tags,
                    late_before=debt.late_before,
                ),
            )
            for part in _parts(rule.when)
        )
        takes = not taken and all(one.holds for one in conditions)
        found.append(Weighed(name=rule.name, conditions=conditions, takes=takes, is_reached=not taken))
        taken = taken or takes
    return tuple(found)


def not_made(policy: Policy, debt: DebtFacts, on: date, say: Say) -> tuple[NotMade, ...]:
    """Return the offers of the rule that takes the debt which are not made, each with the limit that keeps it."""
    decision = decide(policy, debt, on)
    rule = next((rule for rule in policy.rules if rule.name == decision.rule), None)
    made = {offer.name for offer in decision.offers}
    if rule is None:
        return ()
    return tuple(
        NotMade(name=offer.name, because=say(_because(policy, rule, offer, debt, on)))
        for offer in rule.offers or ()
        if offer.name not in made
    )


def _because(
    policy: Policy, rule: Rule, offer: CashRule | InstalmentRule | PromiseRule, debt: DebtFacts, on: date
) -> str:
    """The limit without which the offer would be made; of two limits that both keep it, the policy's own."""
    no_ceiling = policy.never_beyond.model_copy(update={"discount_percent": _ALL})
    open_wide = policy.model_copy(update={"never_beyond": no_ceiling})
    if _is_made(open_wide, rule, offer.name, debt, on):
        return "Its discount would pass never_beyond.discount_percent."
    if isinstance(offer, InstalmentRule):
        without = rule.model_copy(update={"offers": (offer.model_copy(update={"minimum_instalment": 1}),)})
        rules = tuple(without if one.name == rule.name else one for one in policy.rules)
        if _is_made(policy.model_copy(update={"rules": rules}), rule, offer.name, debt, on):
            return "Each instalment would be below minimum_instalment."
        if _is_made(open_wide.model_copy(update={"rules": rules}), rule, offer.name, debt, on):
            return "Its discount would pass never_beyond.discount_percent."
    return "Nothing would be left to pay, or not a centavo for each instalment."


def _is_made(policy: Policy, rule: Rule, name: str, debt: DebtFacts, on: date) -> bool:
    decision = decide(policy, replace(debt), on)
    return decision.rule == rule.name and any(offer.name == name for offer in decision.offers)


def _parts(when: When) -> list[When]:
    """Each condition by itself."""
    names = [name for name in _NAMES if getattr(when, name) is not None]
    return [When.model_construct(**{**dict.fromkeys(_NAMES), name: getattr(when, name)}) for name in names]
