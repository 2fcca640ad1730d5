"""What can be offered for one debt: a closed list of three kinds, exact to the centavo and the day, and plain JSON
both ways.

An offer is sealed as its terms when it is shown and is honoured as sealed, so everything that was promised stands in
it and nothing has to be worked out again. Amounts are integer centavos, percentages percent with two decimals, days
local.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeAlias, assert_never

from flows.agreement_life import UNWRITTEN, AgreementLife, life_from, life_json
from payments.late_charges import Cost
from payments.plans import Payment

Kind: TypeAlias = Literal["cash", "instalments", "promise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CashOffer:
    """One payment until `pay_until`, that day included. `parts` are what the debt costs, `forgiven` what each part
    loses.
    """

    name: str
    rule: str
    parts: Cost
    forgiven: Cost
    pay_until: date

    @property
    def discount_cents(self) -> int:
        """What is forgiven in all."""
        return self.forgiven.total_cents

    @property
    def total_cents(self) -> int:
        """What the person would pay."""
        return self.parts.total_cents - self.forgiven.total_cents

    @property
    def honoured_until(self) -> date:
        """The last day on which it may be accepted."""
        return self.pay_until


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentOffer:
    """An entry (`payments[0]` with n = 0, where there is one) and `count` monthly payments, numbered from 1.

    `first_due_within_days` and `due_days` say which other days the person may choose, see
    `flows.negotiation.with_due_day`; `due_day` is the one chosen here, None where instalments follow the day of the
    first payment. CET is yearly.
    """

    name: str
    rule: str
    parts: Cost
    forgiven: Cost
    count: int
    entry_percent: Decimal
    interest_percent_month: Decimal
    cet_percent_year: Decimal
    accepted: date
    first_due_within_days: int
    due_days: tuple[int, ...]
    due_day: int | None
    payments: tuple[Payment, ...]
    life: AgreementLife = UNWRITTEN

    @property
    def discount_cents(self) -> int:
        """What is forgiven of the debt before it is divided."""
        return self.forgiven.total_cents

    @property
    def discounted_cents(self) -> int:
        """What is divided: the debt less its discount."""
        return self.parts.total_cents - self.forgiven.total_cents

    @property
    def total_cents(self) -> int:
        """Everything the person would pay."""
        return sum(payment.amount_cents for payment in self.payments)

    @property
    def interest_cents(self) -> int:
        """What paying in instalments costs."""
        return self.total_cents - self.discounted_cents

    @property
    def entry_cents(self) -> int:
        """The entry, 0 where there is none."""
        return sum(payment.amount_cents for payment in self.payments if payment.n == 0)

    @property
    def instalments(self) -> tuple[Payment, ...]:
        """The payments after the entry."""
        return tuple(payment for payment in self.payments if payment.n > 0)

    @property
    def honoured_until(self) -> date:
        """The last day on which it may be accepted: that of the first payment."""
        return self.payments[0].due


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseOffer:
    """The person may promise to pay until `until`, that day included; reminders pause till then."""

    name: str
    rule: str
    until: date

    @property
    def honoured_until(self) -> date:
        """The last day on which it may be accepted."""
        return self.until


Offer: TypeAlias = CashOffer | InstalmentOffer | PromiseOffer


def terms_of(offer: Offer) -> dict[str, Any]:
    """The offer as plain JSON; `offer_from` gives the very same offer back."""
    match offer:
        case CashOffer():
            return {
                "kind": "cash",
                "name": offer.name,
                "rule": offer.rule,
                "parts": _parts_json(offer.parts),
                "forgiven": _parts_json(offer.forgiven),
                "pay_until": offer.pay_until.isoformat(),
            }
        case InstalmentOffer():
            return {
                "kind": "instalments",
                "name": offer.name,
                "rule": offer.rule,
                "parts": _parts_json(offer.parts),
                "forgiven": _parts_json(offer.forgiven),
                "count": offer.count,
                "entry_percent": str(offer.entry_percent),
                "interest_percent_month": str(offer.interest_percent_month),
                "cet_percent_year": str(offer.cet_percent_year),
                "accepted": offer.accepted.isoformat(),
                "first_due_within_days": offer.first_due_within_days,
                "due_days": list(offer.due_days),
                "due_day": offer.due_day,
                "payments": [
                    {"n": one.n, "due": one.due.isoformat(), "amount": one.amount_cents} for one in offer.payments
                ],
                "life": life_json(offer.life),
            }
        case PromiseOffer():
            return {"kind": "promise", "name": offer.name, "rule": offer.rule, "until": offer.until.isoformat()}
        case _:
            assert_never(offer)


def offer_from(terms: Mapping[str, Any]) -> Offer:
    """The offer that `terms_of` wrote. Terms that it did not write are a bug of ours: KeyError, ValueError."""
    name, rule = terms["name"], terms["rule"]
    match terms["kind"]:
        case "cash":
            return CashOffer(
                name=name,
                rule=rule,
                parts=_parts(terms["parts"]),
                forgiven=_parts(terms["forgiven"]),
                pay_until=date.fromisoformat(terms["pay_until"]),
            )
        case "instalments":
            return InstalmentOffer(
                name=name,
                rule=rule,
                parts=_parts(terms["parts"]),
                forgiven=_parts(terms["forgiven"]),
                count=terms["count"],
                entry_percent=Decimal(terms["entry_percent"]),
                interest_percent_month=Decimal(terms["interest_percent_month"]),
                cet_percent_year=Decimal(terms["cet_percent_year"]),
                accepted=date.fromisoformat(terms["accepted"]),
                first_due_within_days=terms["first_due_within_days"],
                due_days=tuple(terms["due_days"]),
                due_day=terms["due_day"],
                payments=tuple(
                    Payment(n=one["n"], due=date.fromisoformat(one["due"]), amount_cents=one["amount"])
                    for one in terms["payments"]
                ),
                life=life_from(terms.get("life")),
            )
        case "promise":
            return PromiseOffer(name=name, rule=rule, until=date.fromisoformat(terms["until"]))
        case kind:
            raise ValueError(f"no offer is of the kind {kind!r}")


def _parts_json(parts: Cost) -> dict[str, int]:
    return {"principal": parts.principal_cents, "fine": parts.fine_cents, "interest": parts.interest_cents}


def _parts(cents: Mapping[str, int]) -> Cost:
    return Cost(principal_cents=cents["principal"], fine_cents=cents["fine"], interest_cents=cents["interest"])
