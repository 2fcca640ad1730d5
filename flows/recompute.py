"""An offer that was shown, worked out again from the bytes of its policy and the facts that were sealed with it: equal
to the centavo and the day, or every figure that differs.

Nothing of today goes into it but the calendar of banking days. Of the sealed terms only the offer's name and number of
instalments are believed: which of the offers it was.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from flows.calendar import payable_day
from flows.costs import cost_of
from flows.facts import CostOfDebt, Debt
from flows.negotiation import DebtFacts, Offer, accepted_on, facts_from, recompute, with_due_day
from flows.offers import InstalmentOffer, terms_of
from flows.policy import Policy, read_policy
from flows.sealing import FACTS_VERSION, honoured_until
from flows.special_offer import offer_of, wanted_from
from payments.late_charges import Cost

Because: TypeAlias = Literal["policy_changed", "policy_unreadable", "facts_older", "facts_unknown"]
"""Why an offer cannot be worked out again: the bytes are not those of the digest, this version cannot read the file,
the facts were sealed before everything was kept, or they are none that we write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An offer as it is kept: `terms` and `facts` as plain JSON, days local."""

    policy_digest: str
    terms: Mapping[str, Any]
    facts: Mapping[str, Any]
    shown_on: date
    honoured_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure, as plain JSON: by its path in the terms, or `facts.…` in the facts. None: it is not there."""

    name: str
    sealed: Any
    recomputed: Any

    @property
    def is_equal(self) -> bool:
        """Whether it came out as it was sealed; 1 and true are not the same."""
        return type(self.sealed) is type(self.recomputed) and self.sealed == self.recomputed


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The offer was worked out again."""

    figures: tuple[Figure, ...]

    @property
    def differing(self) -> tuple[Figure, ...]:
        """The figures that came out otherwise; empty: equal to the centavo."""
        return tuple(figure for figure in self.figures if not figure.is_equal)


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotBe:
    """The offer cannot be worked out again."""

    because: Because


def worked_out_again(source: bytes, shown: Shown) -> Again | CannotBe:
    """Work out an offer again from the bytes of its policy. Never raises."""
    policy = policy_of(source)
    if hashlib.sha256(source).hexdigest() != shown.policy_digest:
        return CannotBe(because="policy_changed")
    if policy is None:
        return CannotBe(because="policy_unreadable")
    version = shown.facts.get("version", 1)
    if version != FACTS_VERSION:
        return CannotBe(because="facts_older" if type(version) is int and version < FACTS_VERSION else "facts_unknown")
    try:
        facts, offer, honoured = _made(policy, shown)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError, OverflowError):
        return CannotBe(because="facts_unknown")  # a hand was in them: values that no debt of ours has
    sealed = {**_flat(shown.terms), "honoured_until": shown.honoured_until.isoformat(), **_flat(_sealed_facts(shown))}
    found = {**(_flat(terms_of(offer)) if offer is not None else {}), "honoured_until": honoured, **_flat(facts)}
    names = dict.fromkeys((*sealed, *found))
    return Again(figures=tuple(Figure(name=n, sealed=sealed.get(n), recomputed=found.get(n)) for n in names))


def _made(policy: Policy, shown: Shown) -> tuple[dict[str, Any], Offer | None, str | None]:
    """What the facts should say of the cost, the offer, and until when it is honoured."""
    debt, on = _debt(shown.facts)
    cost = cost_of(debt, on, policy.terms)
    offer = _offer(policy, shown, cost, on)
    facts = {
        "facts": {
            "cost": [cost.principal_cents, cost.fine_cents, cost.interest_cents],
            "payable": payable_day(debt.due_on, policy.holidays.days).isoformat(),
            "on": (shown.shown_on if "made_of" not in shown.facts else on).isoformat(),
        }
    }
    return facts, offer, honoured_until(offer, shown.shown_on).isoformat() if offer is not None else None


def _offer(policy: Policy, shown: Shown, cost: CostOfDebt, on: date) -> Offer | None:
    """The offer of that name that the policy makes from the cost, on the dates that were chosen."""
    sealed, _ = facts_from(shown.facts)
    debt = DebtFacts(
        principal_cents=sealed.principal_cents,
        due=sealed.due,
        tags=sealed.tags,
        late_before=sealed.late_before,
        external_id=sealed.external_id,
        cost=Cost(principal_cents=cost.principal_cents, fine_cents=cost.fine_cents, interest_cents=cost.interest_cents),
    )
    if "exception" in shown.facts:
        return _special(policy, shown, debt, on)
    offer = recompute(policy, debt, on, name=shown.terms["name"], count=shown.terms.get("count"), due_day=None)
    if not isinstance(offer, InstalmentOffer) or "made_of" not in shown.facts:
        return offer
    if shown.facts["due_day"] is not None:
        offer = with_due_day(offer, shown.facts["due_day"])
    return accepted_on(offer, date.fromisoformat(shown.facts["accepted"]))


def _special(policy: Policy, shown: Shown, debt: DebtFacts, on: date) -> Offer | None:
    """The offer that finance approved outside the policy: from its own terms."""
    assert debt.cost is not None
    offer = offer_of(policy, wanted_from(shown.facts["exception"]["wanted"]), debt.cost, on)
    if not isinstance(offer, InstalmentOffer) or "made_of" not in shown.facts:
        return offer
    return accepted_on(offer, date.fromisoformat(shown.facts["accepted"]))


def _debt(facts: Mapping[str, Any]) -> tuple[Debt, date]:
    """The debt as it was on the day, with what had been paid of it."""
    sealed, on = facts_from(facts)
    since = facts["interest_from"]
    debt = Debt(
        id=0,
        external_id=sealed.external_id,
        description="",
        principal_cents=sealed.principal_cents,
        open_principal_cents=facts["open_principal"],
        due_on=sealed.due,
        interest_from=date.fromisoformat(since) if since is not None else None,
        interest_carried_cents=facts["interest_carried"],
        fine_paid_cents=facts["fine_paid"],
    )
    return debt, on


def _sealed_facts(shown: Shown) -> dict[str, Any]:
    """What of the facts is worked out, and not given."""
    return {"facts": {name: shown.facts.get(name) for name in ("cost", "payable", "on")}}


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every single figure of plain JSON under its path: `payments.2.amount`."""
    return dict(_walk(value, path))


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        inside: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, list | tuple):
        inside = iter(enumerate(value))
    else:
        yield path, value
        return
    for key, one in inside:
        yield from _walk(one, f"{path}.{key}" if path else str(key))


@lru_cache(maxsize=16)
def policy_of(source: bytes) -> Policy | None:
    """Return the policy of these bytes, None where this version cannot read them. Remembered."""
    found = read_policy(source, name="")
    return found if isinstance(found, Policy) else None
