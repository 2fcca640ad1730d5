"""What `acerto policy preview` prints of a decision: the contract's JSON, or a table to read."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, assert_never

from babel.numbers import format_currency
from rich.table import Table

from flows.negotiation import Decision
from flows.offers import CashOffer, InstalmentOffer, Offer, PromiseOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """A debt and what the policy says to it."""

    external_id: str
    decision: Decision


def as_json(previewed: Previewed) -> dict[str, Any]:
    """Amounts are integer centavos, dates ISO, percentages strings with two decimals."""
    decision = previewed.decision
    return {
        "external_id": previewed.external_id,
        "days_overdue": decision.days_overdue,
        "principal": decision.cost.principal_cents,
        "fine": decision.cost.fine_cents,
        "interest": decision.cost.interest_cents,
        "total": decision.cost.total_cents,
        "rule": decision.rule,
        "ticket": decision.ticket,
        "offers": [_offer(offer) for offer in decision.offers],
    }


def _offer(offer: Offer) -> dict[str, Any]:
    match offer:
        case CashOffer():
            return {
                "name": offer.name,
                "kind": "cash",
                "discount": offer.discount_cents,
                "total": offer.total_cents,
                "pay_until": offer.pay_until.isoformat(),
            }
        case InstalmentOffer():
            return {
                "name": offer.name,
                "kind": "instalments",
                "count": offer.count,
                "discount": offer.discount_cents,
                "entry": offer.entry_cents,
                "entry_due": offer.payments[0].due.isoformat() if offer.entry_cents else None,
                "total": offer.total_cents,
                "interest_percent_month": f"{offer.interest_percent_month:.2f}",
                "cet_percent_year": f"{offer.cet_percent_year:.2f}",
                "instalments": [
                    {"n": one.n, "due": one.due.isoformat(), "amount": one.amount_cents} for one in offer.instalments
                ],
            }
        case PromiseOffer():
            return {"name": offer.name, "kind": "promise", "until": offer.until.isoformat()}
        case _:
            assert_never(offer)


def as_table(all_previewed: Iterable[Previewed]) -> Table:
    """One line for each offer, and for each debt that gets none."""
    table = Table("debt", "days", "owed", "rule", "offer", "to pay", "terms")
    for previewed in all_previewed:
        decision = previewed.decision
        head = [
            previewed.external_id,
            str(decision.days_overdue),
            _money(decision.cost.total_cents),
            decision.rule or "–",
        ]
        if not decision.offers:
            table.add_row(
                *head, "–", "", f"people decide: {decision.ticket}" if decision.ticket else "the amount of the day"
            )
        for offer in decision.offers:
            table.add_row(*head, *_row(offer))
            head = ["", "", "", ""]
    return table


def _row(offer: Offer) -> tuple[str, str, str]:
    match offer:
        case CashOffer():
            saved = f", {_money(offer.discount_cents)} off" if offer.discount_cents else ""
            return offer.name, _money(offer.total_cents), f"until {offer.pay_until}{saved}"
        case InstalmentOffer():
            entry = f"{_money(offer.entry_cents)} on {offer.payments[0].due}, then " if offer.entry_cents else ""
            one = offer.instalments[0]
            cet = f"CET {offer.cet_percent_year} % a year"
            terms = f"{entry}{offer.count} × {_money(one.amount_cents)} from {one.due}, {cet}"
            return offer.name, _money(offer.total_cents), terms
        case PromiseOffer():
            return offer.name, "", f"until {offer.until}"
        case _:
            assert_never(offer)


def _money(cents: int) -> str:
    return format_currency(Decimal(cents) / 100, "BRL", locale="pt_BR")
