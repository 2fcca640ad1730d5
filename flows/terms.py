"""One offer in full: every date and amount, the total, what is saved, the rate and the CET, before anybody agrees.

CDC arts. 52 and 54-B: rate, CET, what a missed payment means, until when the offer stands, that who pays early pays
less.
"""

from collections.abc import Iterator
from datetime import date

from flows.effects import Choice, Say, SealOffer, Value
from flows.moment import Moment
from flows.offers import CashOffer, InstalmentOffer

LINES = 13  # more payments than that do not fit beside buttons
LINES_OF_A_TEXT = 80
OTHERS = Choice(action="offers", label="button_other_offers")


def say_terms(moment: Moment, offer: CashOffer | InstalmentOffer, *, debt_id: int, number: int) -> None:
    """Say the terms of an offer under its number, and ask."""
    confirm = Choice(action="accept", object_id=number, label="button_confirm")
    values: dict[str, Value] = {
        "description": moment.description(debt_id),
        "creditor": moment.facts.rules.creditor_name,
        "total_cents": offer.total_cents,
    }
    if isinstance(offer, InstalmentOffer):
        _say_instalments(moment, offer, confirm, number, values)
        return
    until = max(offer.pay_until, moment.facts.today)  # honoured for two days, though made to be paid sooner
    values |= {"saved_cents": offer.discount_cents, "until_on": until}
    moment.ask("terms_cash" if offer.discount_cents else "terms_cash_plain", values, confirm, OTHERS)


def _say_instalments(
    moment: Moment, offer: InstalmentOffer, confirm: Choice, number: int, values: dict[str, Value]
) -> None:
    lines = tuple(
        {
            "wording": "line_entry" if p.n == 0 else "line_instalment",
            "n": p.n,
            "amount_cents": p.amount_cents,
            "due_on": p.due,
        }
        for p in offer.payments
    )
    other_day = Choice(action="due_day", object_id=number, label="button_other_day")
    choices = (confirm, other_day, OTHERS) if len(offer.due_days) > 1 else (confirm, OTHERS)
    saved_cents = offer.parts.total_cents - offer.total_cents  # what interest eats of a discount is not saved
    values |= {
        "saved_cents": saved_cents,
        "rate_percent": offer.interest_percent_month,
        "cet_percent": offer.cet_percent_year,
        "lines": lines,
        "valid_on": _honoured_until(moment, number),
        "rules": tuple(_rules(offer)),
    }
    if len(lines) > LINES:
        for start in range(0, len(lines), LINES_OF_A_TEXT):
            moment.effects.append(
                Say(wording="terms_dates", values={**values, "lines": lines[start : start + LINES_OF_A_TEXT]})
            )
        values = {**values, "lines": ()}
    saved = "_saved" if saved_cents > 0 else ""
    rate = "interest" if offer.interest_percent_month else "free"
    moment.ask(f"terms_{rate}{saved}", values, *choices)


def _rules(offer: InstalmentOffer) -> Iterator[dict[str, Value]]:
    """What the agreement lives by, as it is sealed: lateness, its end, paying early, other dates."""
    life = offer.life
    if life.late.fine_percent or life.late.interest_percent_month:
        fine, month = life.late.fine_percent, life.late.interest_percent_month
        yield {"wording": "rule_late", "fine_percent": fine, "month_percent": month}
    days, missed = life.broken_days_late, life.broken_missed
    if days is not None and missed is not None:
        yield {"wording": "rule_broken_both", "days": days, "count": missed}
    elif days is not None:
        yield {"wording": "rule_broken_days", "days": days}
    elif missed is not None:
        yield {"wording": "rule_broken_missed", "count": missed}
    else:
        yield {"wording": "rule_broken"}
    if offer.interest_cents > 0:
        yield {"wording": "rule_early"}
    if life.date_changes:
        yield {"wording": "rule_moved", "count": life.date_changes, "days": life.date_change_days}


def _honoured_until(moment: Moment, number: int) -> date:
    """The last day on which an offer may be taken, sealed before or just now."""
    new = (e.honoured_until for e in moment.effects if isinstance(e, SealOffer) and e.offer_no == number)
    known = moment.shown(number)
    return known.honoured_until if known is not None else next(new)
