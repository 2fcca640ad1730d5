"""A policy as a map: the largest discount and the most instalments that a debt may get, over days overdue and total.

Worked out by the negotiation itself, one debt in the middle of each field; fields end where the policy's rules do.
"""

from dataclasses import dataclass
from itertools import pairwise

from flows.negotiation import CashOffer, InstalmentOffer, decide
from flows.policy import Policy
from flows.policy_coverage import Example, debt_like

_DAYS_FROM, _DAYS_TO = -10, 120
_TOTALS = (1_00, 100_00, 250_00, 500_00, 1_000_00, 2_500_00, 5_000_00, 10_000_00, 20_000_00, 50_000_00)
_DAYS = (-10, -5, 0, 1, 6, 11, 16, 31, 46, 61, 91, 121)
_EDGES_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Debts of some days and totals: both ends of each, included. `discount_share` is in hundredths of a percent of the
    updated total; `ticket` is the queue where people decide; without a rule nothing is offered."""

    first_day: int
    last_day: int
    first_cents: int
    last_cents: int
    rule: str | None
    ticket: str | None
    discount_share: int
    instalments: int


def fields_of(policy: Policy, *, tags: frozenset[str] = frozenset(), late_before: int = 0) -> tuple[Field, ...]:
    """Return the fields, days first, then totals. Debts with these tags and this history."""
    days = _edges(_days_of(policy), _DAYS, _DAYS_FROM, _DAYS_TO + 1)
    totals = _edges(_totals_of(policy), _TOTALS, _TOTALS[0], _TOTALS[-1])
    found = []
    for first_day, next_day in pairwise(days):
        for first_cents, next_cents in pairwise(totals):
            middle = Example(
                days_overdue=(first_day + next_day - 1) // 2,
                total_cents=(first_cents + next_cents - 1) // 2,
                tags=tags,
                late_before=late_before,
            )
            found.append(_field(policy, middle, (first_day, next_day - 1), (first_cents, next_cents - 1)))
    return tuple(found)


def _field(policy: Policy, example: Example, days: tuple[int, int], cents: tuple[int, int]) -> Field:
    shown = debt_like(policy, example)
    decision = decide(policy, *shown) if shown is not None else None
    share = most = 0
    for offer in decision.offers if decision is not None else ():
        if isinstance(offer, CashOffer | InstalmentOffer):
            share = max(share, offer.discount_cents * 10_000 // offer.parts.total_cents)
        if isinstance(offer, InstalmentOffer):
            most = max(most, offer.count)
    return Field(
        first_day=days[0],
        last_day=days[1],
        first_cents=cents[0],
        last_cents=cents[1],
        rule=decision.rule if decision is not None else None,
        ticket=decision.ticket if decision is not None else None,
        discount_share=share,
        instalments=most,
    )


def _edges(own: set[int], customary: tuple[int, ...], first: int, last: int) -> list[int]:
    """The policy's own limits, and of the customary ones as many as there is room for."""
    inside = {first, last, *(edge for edge in own if first < edge < last)}
    for edge in customary:
        if len(inside) < _EDGES_MAX:
            inside.add(edge)
    return sorted(inside)


def _days_of(policy: Policy) -> set[int]:
    ranges = [rule.when.days_overdue for rule in policy.rules if rule.when.days_overdue is not None]
    return {r.from_ for r in ranges if r.from_ is not None} | {r.to + 1 for r in ranges if r.to is not None}


def _totals_of(policy: Policy) -> set[int]:
    ranges = [rule.when.total for rule in policy.rules if rule.when.total is not None]
    return {r.from_ for r in ranges if r.from_ is not None} | {r.to + 1 for r in ranges if r.to is not None}
