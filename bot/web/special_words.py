"""An offer outside the policy in words: what is asked for, what it comes to, and what it gives away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.parts import Parts
from bot.web.rendering import say
from flows.costs import cost_of
from flows.facts import Debt, PolicyInForce
from flows.negotiation import CashOffer, InstalmentOffer, best_cash, decide
from flows.policy_trial import facts_of
from flows.policy_warnings import doubts_of
from flows.special_offer import NotPossible, offer_of, wanted_from
from flows.wording import Texts
from payments.late_charges import Cost

TOLD = {
    "asked": "{name} asked finance for an offer outside the policy",
    "approved": "Finance ({name}) approved the offer outside the policy: it can be made now",
    "refused": "Finance ({name}) refused the offer outside the policy",
    "offered": "The offer outside the policy was made; the robot goes on with it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What a request comes to for a debt today, in centavos. `most_cents`: what the policy would forgive at most;
    `beyond_cents`: what is given away besides; `doubts`: where the law may object."""

    cost_cents: int
    offer: CashOffer | InstalmentOffer
    most_cents: int
    cheapest_cents: int
    doubts: tuple[str, ...]

    @property
    def beyond_cents(self) -> int:
        """What is forgiven beyond what the policy would."""
        return max(0, self.offer.discount_cents - self.most_cents)


def weighed(policy: PolicyInForce, debt: Debt, wanted: Mapping[str, Any], on: date) -> Weighed:
    """Return what the offer comes to. Raises NotPossible."""
    cost = cost_of(debt, on, policy.policy.terms)
    parts = Cost(principal_cents=cost.principal_cents, fine_cents=cost.fine_cents, interest_cents=cost.interest_cents)
    asked = wanted_from(wanted)
    offer = offer_of(policy.policy, asked, parts, on)
    if offer is None:
        raise NotPossible("Nothing would be left to pay, or not a centavo for each instalment.")
    decision = decide(policy.policy, facts_of(debt, policy.policy, on), on)
    money = [one for one in decision.offers if isinstance(one, CashOffer | InstalmentOffer)]
    cheapest = best_cash(decision)
    return Weighed(
        cost_cents=cost.total_cents,
        offer=offer,
        most_cents=max((one.discount_cents for one in money), default=0),
        cheapest_cents=cheapest.total_cents if cheapest is not None else cost.total_cents,
        doubts=doubts_of(interest_percent_month=asked.interest_percent_month, within_days=asked.within_days),
    )


def lines(offer: CashOffer | InstalmentOffer, parts: Parts) -> list[str]:
    """Return the offer as the person would read it: each payment with its day."""
    texts = parts.texts
    if isinstance(offer, CashOffer):
        amount, day = texts.money(offer.total_cents), texts.day(offer.pay_until)
        return [say(texts, "{amount} in one payment until {day}", amount=amount, day=day)]
    return [
        say(texts, "{amount} on {day}", amount=texts.money(payment.amount_cents), day=texts.day(payment.due))
        for payment in offer.payments
    ]


def headline(wanted: Mapping[str, Any], texts: Texts) -> str:
    """Return what is asked for in one line."""
    discount = [
        say(texts, words, percent=_percent(wanted[name]))
        for name, words in (
            ("principal_percent", "{percent} of the principal"),
            ("fine_percent", "{percent} of the fine"),
            ("interest_percent", "{percent} of the interest"),
        )
        if is_some(wanted[name])
    ]
    parts = [texts("forgiving {parts}").format(parts=", ".join(discount)) if discount else texts("without discount")]
    if wanted["kind"] == "cash":
        return "; ".join([texts("in one payment"), *parts])
    parts.insert(0, say(texts, "{count} instalments", count=wanted["count"]))
    if is_some(wanted["entry_percent"]):
        parts.append(
            say(texts, "an entry of {percent} of the discounted total", percent=_percent(wanted["entry_percent"]))
        )
    if is_some(wanted["interest_percent_month"]):
        parts.append(
            say(texts, "interest of {percent} a month (Price)", percent=_percent(wanted["interest_percent_month"]))
        )
    return "; ".join(parts)


def is_some(percent: str) -> bool:
    """Return whether a percentage, as it is kept, is more than nothing."""
    return percent.strip("0.") != ""


def _percent(kept: str) -> str:
    return kept.rstrip("0").rstrip(".").replace(".", ",") + "%"
