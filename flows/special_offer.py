"""An offer outside the policy: asked for by an agent, approved by finance, made by the policy's own arithmetic.

The policy's rules and `never_beyond` do not bound it; a second person does. It is sealed with the number of the request
and the name of who decided, so that it is worked out again from exactly these terms, and from no others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from flows.effects import UseException
from flows.events import ExceptionOffered
from flows.moment import Moment
from flows.negotiation import CashOffer, InstalmentOffer, special
from flows.policy import Policy
from flows.policy_parts import CashRule, CountRange, DiscountPercent, InstalmentRule
from flows.sealing import sealed_or_new
from flows.terms import say_terms
from payments.late_charges import Cost

DAYS_MAX, COUNT_MAX = 30, 120
_HUNDRED, _MONTHLY_MAX = Decimal(100), Decimal(10)
_CENTS = Decimal("0.01")
_MORE_THAN_ANY = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. Percentages of each part of the cost, of the discounted total (entry) and a month (interest);
    `count` is 1 and the entry and interest are none for cash. `within_days`: until the (first) payment."""

    kind: Literal["cash", "instalments"]
    principal_percent: Decimal = Decimal(0)
    fine_percent: Decimal = Decimal(0)
    interest_percent: Decimal = Decimal(0)
    count: int = 1
    entry_percent: Decimal = Decimal(0)
    interest_percent_month: Decimal = Decimal(0)
    within_days: int = 3

    def __post_init__(self) -> None:
        for percent in (self.principal_percent, self.fine_percent, self.interest_percent):
            _must(0 <= percent <= _HUNDRED, "A discount is from 0 to 100 percent.")
        _must(0 <= self.entry_percent < _HUNDRED, "The entry is less than all of it.")
        _must(0 <= self.interest_percent_month <= _MONTHLY_MAX, "Interest is from 0 to 10 percent a month.")
        _must(0 <= self.within_days <= DAYS_MAX, "The first payment is due within 30 days.")
        if self.kind == "cash":
            _must(self.count == 1 and not (self.entry_percent or self.interest_percent_month), "Cash is one payment.")
        else:
            _must(1 <= self.count <= COUNT_MAX, "There are from 1 to 120 instalments.")
            has_time = self.within_days or self.entry_percent or not self.interest_percent_month
            _must(bool(has_time), "With interest the first instalment needs some days, or an entry.")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, percentages as they are written."""
        percents = ("principal_percent", "fine_percent", "interest_percent", "entry_percent", "interest_percent_month")
        plain: dict[str, Any] = {name: str(Decimal(getattr(self, name)).quantize(_CENTS)) for name in percents}
        return {**plain, "kind": self.kind, "count": self.count, "within_days": self.within_days}


class NotPossible(ValueError):
    """What is asked for can be no offer; the text says which limit it passes."""


def wanted_from(plain: Mapping[str, Any]) -> Wanted:
    """Return what `to_json` wrote, or a form brought (percentages with a comma or a point). Raises NotPossible."""
    kind = plain.get("kind")
    _must(kind in ("cash", "instalments"), "Say whether it is one payment or several.")
    is_cash = kind == "cash"
    return Wanted(
        kind="cash" if is_cash else "instalments",
        principal_percent=_percent(plain.get("principal_percent")),
        fine_percent=_percent(plain.get("fine_percent")),
        interest_percent=_percent(plain.get("interest_percent")),
        count=1 if is_cash else _whole(plain.get("count")),
        entry_percent=Decimal(0) if is_cash else _percent(plain.get("entry_percent")),
        interest_percent_month=Decimal(0) if is_cash else _percent(plain.get("interest_percent_month")),
        within_days=_whole(plain.get("within_days")),
    )


def offer_of(policy: Policy, wanted: Wanted, cost: Cost, on: date) -> CashOffer | InstalmentOffer | None:
    """Return the offer, by the policy's arithmetic and late charges; None where nothing would be left to pay, or not a
    centavo for each instalment."""
    discount = DiscountPercent.model_construct(
        principal=wanted.principal_percent, fine=wanted.fine_percent, interest=wanted.interest_percent
    )
    terms: CashRule | InstalmentRule
    if wanted.kind == "cash":
        terms = CashRule.model_construct(
            kind="cash", name="excecao", discount_percent=discount, pay_within_days=wanted.within_days
        )
    else:
        terms = InstalmentRule.model_construct(
            kind="instalments",
            name="excecao",
            discount_percent=discount,
            count=CountRange.model_construct(from_=wanted.count, to=wanted.count),
            entry_percent=wanted.entry_percent,
            interest_percent_month=wanted.interest_percent_month,
            minimum_instalment=1,
            first_due_within_days=wanted.within_days,
            due_days=None,
        )
    return special(policy, terms, cost, on)


def exception_stands(moment: Moment, happened: ExceptionOffered) -> bool:
    """Whether what finance approved may be offered now: approved, in its days, for the debt as it still is."""
    return _offer(moment, happened) is not None


def show_exception(moment: Moment, happened: ExceptionOffered) -> None:
    """The offer in full, sealed with who decided, and the question."""
    offer = _offer(moment, happened)
    assert offer is not None  # the guard saw it
    approved = next(one for one in moment.facts.exceptions if one.id == happened.exception_id)
    number, seals = sealed_or_new(moment, approved.debt_id, offer, exception=approved)
    moment.effects += [*seals, UseException(exception_id=approved.id, offer_no=number)]
    moment.memory["debt"] = approved.debt_id
    say_terms(moment, offer, debt_id=approved.debt_id, number=number)
    moment.wait_for_answer()


def _offer(moment: Moment, happened: ExceptionOffered) -> CashOffer | InstalmentOffer | None:
    approved = next((one for one in moment.facts.exceptions if one.id == happened.exception_id), None)
    policy = moment.facts.policy
    if approved is None or policy is None or moment.facts.today > approved.stands_until:
        return None
    debt = moment.debt(approved.debt_id)
    if debt is None or debt.open_principal_cents != approved.open_cents:
        return None
    facts = moment.debt_facts(debt)
    assert facts.cost is not None
    return offer_of(policy.policy, wanted_from(approved.wanted), facts.cost, moment.facts.today)


def _percent(given: object) -> Decimal:
    text = str(given if given is not None else "0").strip().replace(",", ".").removesuffix("%").strip() or "0"
    try:
        percent = Decimal(text)
    except InvalidOperation:
        raise NotPossible("A percentage is written like 12,50.") from None
    is_small = percent.is_finite() and abs(percent) < _MORE_THAN_ANY  # of a huge one no cents can be taken
    _must(is_small and percent == percent.quantize(_CENTS), "A percentage has two decimals at most.")
    return percent


def _whole(given: object) -> int:
    text = str(given if given is not None else "").strip()
    _must(text.isascii() and text.isdigit() and len(text) <= 4, "A number of days or instalments is whole.")
    return int(text)


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotPossible(otherwise)
