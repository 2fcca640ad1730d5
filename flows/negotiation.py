"""What may be offered for a debt on a day: the policy applied to the facts. Pure; the same facts give the same
centavos for ever.

The first rule whose conditions hold decides: it hands the debt to people, or makes its offers in its order, an
instalment offer once for each permitted count. Nothing beyond `never_beyond` is offered, and no count whose smallest
instalment is below the rule's minimum.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, assert_never

from flows.agreement_life import AgreementLife
from flows.calendar import days_overdue, payable_day
from flows.offers import CashOffer, InstalmentOffer, Offer, PromiseOffer, offer_from, terms_of
from flows.policy import Policy
from flows.policy_parts import CashRule, DiscountPercent, InstalmentRule, OfferRule, PromiseRule, Rule
from payments.late_charges import Cost, cost_on
from payments.money import percent_of
from payments.plans import Plan, cet_percent_year, discounted, plan, schedule

__all__ = [  # whoever negotiates needs the offers beside the decision
    "CashOffer",
    "DebtFacts",
    "Decision",
    "InstalmentOffer",
    "Offer",
    "PromiseOffer",
    "accepted_on",
    "best_cash",
    "decide",
    "facts_from",
    "facts_json",
    "offer_from",
    "recompute",
    "terms_of",
    "with_due_day",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtFacts:
    """What a policy may know of a debt. `cost`: what it costs on the day where a part of it was paid before
    (`flows.costs`).
    """

    principal_cents: int
    due: date
    tags: frozenset[str] = frozenset()
    late_before: int = 0
    external_id: str = ""
    cost: Cost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a policy says to a debt. `rule` is None where no rule takes it; `ticket` names the queue where people
    decide.
    """

    rule: str | None
    ticket: str | None
    cost: Cost
    days_overdue: int
    offers: tuple[Offer, ...]


def decide(policy: Policy, debt: DebtFacts, on: date) -> Decision:
    """Return what the policy does with the debt on the local day `on`. Whether the policy is in force then is not
    asked here.
    """
    late = days_overdue(debt.due, on, policy.holidays.days)
    cost = debt.cost or _cost(policy, debt, on)
    rule = next((rule for rule in policy.rules if _takes(rule, debt, late, cost)), None)
    offers = _offers(policy, rule, cost, on) if rule is not None else ()
    return Decision(
        rule=rule.name if rule is not None else None,
        ticket=rule.ticket if rule is not None else None,
        cost=cost,
        days_overdue=late,
        offers=tuple(offers),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The offers of money for one debt, without their dates: what a whole portfolio is weighed by. `cheapest_cents` is
    never above the cost, for which any debt can be paid; `most` is the largest number of instalments, 0 where there are
    none."""

    rule: Rule | None
    cost: Cost
    offers: frozenset[str]
    discount_cents: int
    cheapest_cents: int
    most: int


def outline(policy: Policy, debt: DebtFacts, on: date) -> Outline:
    """Return what the offers of `decide` come to: their dates and CET, which take most of its time, are not worked out,
    nor plans that cannot be the cheapest or the longest. Promises are left out."""
    late = days_overdue(debt.due, on, policy.holidays.days)
    cost = debt.cost or _cost(policy, debt, on)
    rule = next((rule for rule in policy.rules if _takes(rule, debt, late, cost)), None)
    names: set[str] = set()
    discount = most = 0
    cheapest = cost.total_cents
    for terms in (rule.offers or ()) if rule is not None else ():
        if isinstance(terms, PromiseRule):
            continue
        forgiven = _forgiven(cost, terms.discount_percent).total_cents
        left = cost.total_cents - forgiven
        if not _is_within(policy, forgiven, left, cost):
            continue
        least = left
        if isinstance(terms, InstalmentRule):
            longest = next((n for n in reversed(_counts(policy, terms)) if _divided(terms, n, left) is not None), 0)
            if not longest:
                continue
            most = max(most, longest)
            # No plan costs less than what it divides; only where that would be the cheapest all are worked out.
            if left < cheapest:
                plans = (_divided(terms, n, left) for n in _counts(policy, terms))
                least = min(one.total_cents for one in plans if one is not None)
        names.add(terms.name)
        discount = max(discount, forgiven)
        cheapest = min(cheapest, least)
    return Outline(
        rule=rule,
        cost=cost,
        offers=frozenset(names),
        discount_cents=discount,
        cheapest_cents=cheapest,
        most=most,
    )


def best_cash(decision: Decision, payable_on: date | None = None) -> CashOffer | None:
    """The cheapest way to pay everything at once (on that day, where one is named), or None: then the debt costs
    `decision.cost`."""
    cash = (
        offer
        for offer in decision.offers
        if isinstance(offer, CashOffer) and (payable_on is None or payable_on <= offer.pay_until)
    )
    return min(cash, key=lambda offer: offer.total_cents, default=None)


def with_due_day(offer: InstalmentOffer, day: int) -> InstalmentOffer:
    """Return the offer with its later payments on another of its `due_days`: other dates and CET, the same amounts."""
    assert day in offer.due_days
    return _dated(offer, offer.accepted, day)


def accepted_on(offer: InstalmentOffer, day: date) -> InstalmentOffer:
    """Return the offer with its dates counted from another day of acceptance: the same amounts."""
    return _dated(offer, day, offer.due_day)


def recompute(
    policy: Policy, debt: DebtFacts, on: date, *, name: str, count: int | None, due_day: int | None
) -> Offer | None:
    """Return the offer called `name` as it was made from these facts, or None if it is not among them.

    `count` and `due_day` are those of an instalment offer, None otherwise. Equal to what was sealed, to the centavo
    and the day.
    """
    for offer in decide(policy, debt, on).offers:
        if offer.name == name and (not isinstance(offer, InstalmentOffer) or offer.count == count):
            return with_due_day(offer, due_day) if isinstance(offer, InstalmentOffer) and due_day is not None else offer
    return None


def special(
    policy: Policy, terms: CashRule | InstalmentRule, cost: Cost, on: date
) -> CashOffer | InstalmentOffer | None:
    """Return an offer by terms that no rule of the policy has (`flows.special_offer`): its arithmetic makes it, its
    ceilings do not bound it. None where nothing is left to pay."""
    rule = Rule.model_construct(name=terms.name, offers=(terms,))
    if isinstance(terms, InstalmentRule):
        offer = next(_instalments(rule, terms, terms.count.from_, cost, on, policy.life), None)
        return offer if offer is not None and offer.total_cents > 0 else None
    made = next(iter(_made(policy, rule, terms, cost, on)))
    return made if isinstance(made, CashOffer) and made.total_cents > 0 else None


def facts_json(debt: DebtFacts, on: date) -> dict[str, Any]:
    """What an offer was made from, as plain JSON, to be sealed beside its terms."""
    cost = debt.cost
    return {
        "on": on.isoformat(),
        "principal": debt.principal_cents,
        "due": debt.due.isoformat(),
        "tags": sorted(debt.tags),
        "late_before": debt.late_before,
        "external_id": debt.external_id,
        "cost": None if cost is None else [cost.principal_cents, cost.fine_cents, cost.interest_cents],
    }


def facts_from(sealed: Mapping[str, Any]) -> tuple[DebtFacts, date]:
    """The facts and the day that `facts_json` wrote."""
    cost = None
    if sealed["cost"] is not None:
        principal, fine, interest = sealed["cost"]
        cost = Cost(principal_cents=principal, fine_cents=fine, interest_cents=interest)
    debt = DebtFacts(
        principal_cents=sealed["principal"],
        due=date.fromisoformat(sealed["due"]),
        tags=frozenset(sealed["tags"]),
        late_before=sealed["late_before"],
        external_id=sealed["external_id"],
        cost=cost,
    )
    return debt, date.fromisoformat(sealed["on"])


def _cost(policy: Policy, debt: DebtFacts, on: date) -> Cost:
    free_until = payable_day(debt.due, policy.holidays.days)
    return cost_on(on, principal_cents=debt.principal_cents, due=debt.due, free_until=free_until, terms=policy.terms)


def _takes(rule: Rule, debt: DebtFacts, late: int, cost: Cost) -> bool:
    return rule.when.holds(
        days_overdue=late, total_cents=cost.total_cents, tags=debt.tags, late_before=debt.late_before
    )


def _offers(policy: Policy, rule: Rule, cost: Cost, on: date) -> Iterator[Offer]:
    for terms in rule.offers or ():
        for offer in _made(policy, rule, terms, cost, on):
            if isinstance(offer, PromiseOffer) or _within(policy, offer):
                yield offer


def _made(policy: Policy, rule: Rule, terms: OfferRule, cost: Cost, on: date) -> Iterator[Offer]:
    match terms:
        case CashRule():
            yield CashOffer(
                name=terms.name,
                rule=rule.name,
                parts=cost,
                forgiven=_forgiven(cost, terms.discount_percent),
                pay_until=on + timedelta(days=terms.pay_within_days),
            )
        case InstalmentRule():
            for count in _counts(policy, terms):
                yield from _instalments(rule, terms, count, cost, on, policy.life)
        case PromiseRule():
            yield PromiseOffer(name=terms.name, rule=rule.name, until=on + timedelta(days=terms.within_days))
        case _:
            assert_never(terms)


def _counts(policy: Policy, terms: InstalmentRule) -> range:
    """The numbers of instalments that rule and ceiling permit."""
    most = policy.never_beyond.instalments
    return range(terms.count.from_, min(terms.count.to or most, most) + 1)


def _within(policy: Policy, offer: CashOffer | InstalmentOffer) -> bool:
    return _is_within(policy, offer.discount_cents, offer.total_cents, offer.parts)


def _is_within(policy: Policy, discount_cents: int, left_cents: int, cost: Cost) -> bool:
    """Whether something is left to pay and the discount keeps to the ceiling, a percentage of the updated total."""
    return left_cents > 0 and discount_cents * 100 <= policy.never_beyond.discount_percent * cost.total_cents


def _forgiven(cost: Cost, percent: DiscountPercent) -> Cost:
    """What each part loses."""
    left = discounted(cost, percent.discount).cost
    return Cost(
        principal_cents=cost.principal_cents - left.principal_cents,
        fine_cents=cost.fine_cents - left.fine_cents,
        interest_cents=cost.interest_cents - left.interest_cents,
    )


def _instalments(
    rule: Rule, terms: InstalmentRule, count: int, cost: Cost, on: date, life: AgreementLife
) -> Iterator[InstalmentOffer]:
    forgiven = _forgiven(cost, terms.discount_percent)
    divided = _divided(terms, count, cost.total_cents - forgiven.total_cents)
    if divided is None:
        return
    due_day = terms.due_days[0] if terms.due_days else None
    payments = schedule(divided, accepted=on, first_due_within_days=terms.first_due_within_days, due_day=due_day)
    yield InstalmentOffer(
        name=terms.name,
        rule=rule.name,
        parts=cost,
        forgiven=forgiven,
        count=count,
        entry_percent=terms.entry_percent,
        interest_percent_month=terms.interest_percent_month,
        cet_percent_year=cet_percent_year(cost.total_cents - forgiven.total_cents, payments, on),
        accepted=on,
        first_due_within_days=terms.first_due_within_days,
        due_days=terms.due_days or (),
        due_day=due_day,
        payments=payments,
        life=life,
    )


def _divided(terms: InstalmentRule, count: int, total_cents: int) -> Plan | None:
    """The amounts of a plan; None where the rule does not permit so many."""
    if total_cents - percent_of(total_cents, terms.entry_percent) < count:
        return None  # not a centavo for each
    divided = plan(
        total_cents, count=count, entry_percent=terms.entry_percent, interest_percent_month=terms.interest_percent_month
    )
    if min(divided.instalments_cents) < max(terms.minimum_instalment, 1):
        return None
    if terms.interest_percent_month and not terms.first_due_within_days and not divided.entry_cents:
        return None  # an entry of less than a centavo: the first instalment would have interest but no time to pass
    return divided


def _dated(offer: InstalmentOffer, accepted: date, due_day: int | None) -> InstalmentOffer:
    divided = Plan(
        entry_cents=offer.entry_cents,
        instalments_cents=tuple(payment.amount_cents for payment in offer.instalments),
    )
    payments = schedule(divided, accepted=accepted, first_due_within_days=offer.first_due_within_days, due_day=due_day)
    cet = cet_percent_year(offer.discounted_cents, payments, accepted)
    return replace(offer, accepted=accepted, due_day=due_day, payments=payments, cet_percent_year=cet)
