"""An offer's figures in words that finance reads: what each is called, and how its value is written."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flows.recompute import Because, Figure
from flows.wording import Texts

_PARTS = {"principal": "Principal", "fine": "Fine", "interest": "Interest"}
_COST = ("principal", "fine", "interest")
_PAYMENT = re.compile(r"payments\.(\d+)\.(amount|due|n)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_OTHERS = {
    "honoured_until": "Honoured until",
    "pay_until": "Pay until",
    "until": "Promised until",
    "count": "Number of payments",
    "entry_percent": "Entry, %",
    "interest_percent_month": "Interest a month, %",
    "cet_percent_year": "CET a year, %",
    "accepted": "Dates counted from",
    "due_day": "Day of the month",
    "rule": "Rule",
    "name": "Name of the offer",
    "facts.payable": "Last day without charges",
    "facts.on": "Day of the facts",
}
BECAUSE: dict[Because, str] = {
    "policy_changed": "The kept file of the policy is not the one that was approved: its digest is another.",
    "policy_unreadable": "This version of the program cannot read the policy of that time.",
    "facts_older": "It was shown before the program kept all the facts that the cost of a debt comes from.",
    "facts_unknown": "The facts that are kept with it are not as the program writes them.",
}


def called(figure: Figure, texts: Texts) -> str:
    """Return what a figure is called; one without a word by its own name."""
    name = figure.name
    group, _, last = name.rpartition(".")
    if group == "parts" and last in _PARTS:
        return texts(_PARTS[last])
    if group == "forgiven" and last in _PARTS:
        return texts("Discount on {part}").format(part=texts(_PARTS[last]).lower())
    if group == "facts.cost" and last.isdigit() and int(last) < len(_COST):
        return texts("Cost of the day: {part}").format(part=texts(_PARTS[_COST[int(last)]]).lower())
    if (found := _PAYMENT.fullmatch(name)) is not None:
        which = texts("Payment {n}").format(n=int(found[1]) + 1)
        what = {"amount": "amount", "due": "day", "n": "number"}[found[2]]
        return f"{which}: {texts(what)}"
    return texts(_OTHERS[name]) if name in _OTHERS else name


def valued(figure: Figure, value: Any, texts: Texts) -> str:
    """Return a value as it is read: money, a day, or as it stands."""
    if value is None:
        return "–"
    is_money = figure.name.startswith(("parts.", "forgiven.", "facts.cost.")) or figure.name.endswith(".amount")
    if is_money and type(value) is int:
        return texts.money(value)
    if isinstance(value, str) and _DAY.fullmatch(value):
        return texts.day(date.fromisoformat(value))
    return str(value)


def headline(terms: Mapping[str, Any], texts: Texts) -> str:
    """Return an offer in a few words: 3x de R$ 119,35, R$ 350,00 à vista, promise until a day."""
    if terms["kind"] == "promise":
        return texts("Promise until {day}").format(day=texts.day(date.fromisoformat(terms["until"])))
    if terms["kind"] == "cash":
        cents = sum(terms["parts"].values()) - sum(terms["forgiven"].values())
        return texts("{amount} in one payment").format(amount=texts.money(cents))
    total = sum(payment["amount"] for payment in terms["payments"])
    return texts("{amount} in {count} instalments").format(amount=texts.money(total), count=terms["count"])
