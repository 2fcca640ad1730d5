"""A policy in sentences that a person who signs it can read aloud. The words come from the catalogue; here is only
their order.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import TypeAlias, assert_never

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from flows.explain_agreements import explain_agreements
from flows.policy import Policy
from flows.policy_parts import (
    CashRule,
    DiscountPercent,
    InstalmentRule,
    NumberRange,
    OfferRule,
    OtherHolidays,
    PromiseRule,
    Rule,
    Validity,
    When,
)

Say: TypeAlias = Callable[[str], str]
"""Gives the text of the reader's language for an English one, with its `{fields}` still open."""
LOCALE = "pt_BR"


def explain(policy: Policy, say: Say) -> list[str]:
    """Return the policy as sentences, one a line, in the order of the file."""
    charges, most = policy.late_charges, policy.never_beyond
    lines = [
        say("“{title}” ({name}): {validity}.").format(
            title=policy.title, name=policy.name, validity=_validity(policy.valid, say)
        ),
        say("Lateness adds a fine of {fine} of the principal, once, and simple interest of {interest} a month.").format(
            fine=_percent(charges.fine_percent), interest=_percent(charges.interest_percent_month)
        ),
    ]
    lines += _holidays(policy.holidays, say)
    if charges.grace_days:
        lines.append(
            say("Nothing is added until {days} after the due date.").format(days=_days(charges.grace_days, say))
        )
    lines.append(
        say("No offer forgives more than {percent} of the updated total or has more than {count} instalments.").format(
            percent=_percent(most.discount_percent), count=most.instalments
        )
    )
    lines.append(say("The first rule that fits a debt decides:"))
    for number, rule in enumerate(policy.rules, start=1):
        lines += _rule(number, rule, most.instalments, say)
    lines.append(say("A debt that fits no rule gets no offer; it can be paid with its amount of the day."))
    lines += explain_agreements(policy, say)
    return lines


def _holidays(days: OtherHolidays, say: Say) -> Iterator[str]:
    own = ", ".join(_day(day) for day in sorted(days.own))
    if days.state and own:
        text = "On weekends, bank holidays, holidays of {state} and on {own} nobody has to pay: the next day will do."
    elif days.state:
        text = "On weekends, bank holidays and holidays of {state} nobody has to pay: the next day will do."
    elif own:
        text = "On weekends, bank holidays and on {own} nobody has to pay: the next day will do."
    else:
        return
    yield say(text).format(state=days.state, own=own)


def conditions_of(rule: Rule, say: Say) -> str:
    """Return which debts a rule takes."""
    return "; ".join(_conditions(rule.when, say)) or say("every debt")


def outcomes_of(rule: Rule, most: int, say: Say) -> list[tuple[str, str]]:
    """Return the name of each offer of a rule and what it says, or no name and to whom the debt goes. `most`: the
    ceiling of instalments."""
    if rule.ticket is not None:
        return [("", say("nothing is offered: the people of “{queue}” decide.").format(queue=rule.ticket))]
    return [(offer.name, _offer(offer, most, say)) for offer in rule.offers or ()]


def like(*, days_overdue: int, total_cents: int, tags: Iterable[str], late_before: int, say: Say) -> str:
    """Return a debt in words: "10 dias de atraso, total R$ 350,00, etiquetas juridico"."""
    parts = [_moment(days_overdue, say), say("updated total of {amount}").format(amount=_money(total_cents))]
    if tags := sorted(tags):
        parts.append(say("tags {tags}").format(tags=", ".join(tags)))
    if late_before:
        parts.append(say("paid late before {count} times").format(count=late_before))
    return ", ".join(parts)


def days_in_words(first: int | None, last: int | None, say: Say) -> str:
    """Return a span of days overdue in words; neither end: always."""
    if first is None and last is None:
        return say("always")
    return _lateness(NumberRange.model_construct(from_=first, to=last), say)


def _rule(number: int, rule: Rule, most: int, say: Say) -> Iterator[str]:
    conditions = conditions_of(rule, say)
    yield say("{number}. “{name}” — {conditions}:").format(number=number, name=rule.name, conditions=conditions)
    for _, sentence in outcomes_of(rule, most, say):
        yield "   • " + sentence


def _conditions(when: When, say: Say) -> Iterator[str]:
    if when.days_overdue is not None:
        yield _lateness(when.days_overdue, say)
    if when.total is not None:
        yield _between(when.total.from_, when.total.to, _money, say, _TOTAL)
    if when.tags is not None:
        for text, tags in (
            ("with any of the tags {tags}", when.tags.any),
            ("with all of the tags {tags}", when.tags.all),
            ("with none of the tags {tags}", when.tags.none),
        ):
            if tags:
                yield say(text).format(tags=", ".join(tags))
    if when.late_before is not None:
        yield _between(when.late_before.from_, when.late_before.to, str, say, _LATE_BEFORE)


_TOTAL = (
    "updated total from {first} to {last}",
    "updated total of {first} or more",
    "updated total of at most {last}",
)
_LATE_BEFORE = (
    "paid late before from {first} to {last} times",
    "paid late before {first} times or more",
    "paid late before at most {last} times",
)


def _between(
    first: int | None, last: int | None, show: Callable[[int], str], say: Say, texts: tuple[str, str, str]
) -> str:
    both, lower, upper = texts
    if first is not None and last is not None:
        return say(both).format(first=show(first), last=show(last))
    if first is not None:
        return say(lower).format(first=show(first))
    assert last is not None  # a range has an end
    return say(upper).format(last=show(last))


def _lateness(days: NumberRange, say: Say) -> str:
    """Days overdue said the way people say them: before the due date, or late."""
    first, last = days.from_, days.to
    if first is None:
        assert last is not None  # a range has an end
        return say("until {day}").format(day=_moment(last, say))
    if last is None:
        return say("from {day} on").format(day=_moment(first, say))
    if first == last:
        return _moment(first, say)
    if first > 0:
        return say("from {first} to {days} of delay").format(first=first, days=_days(last, say))
    if last < 0:
        return say("from {first} to {days} before the due date").format(first=-first, days=_days(-last, say))
    return say("from {first} to {last}").format(first=_moment(first, say), last=_moment(last, say))


def _moment(days: int, say: Say) -> str:
    if days < 0:
        return say("{days} before the due date").format(days=_days(-days, say))
    if days == 0:
        return say("the due date")
    return say("{days} of delay").format(days=_days(days, say))


def _offer(offer: OfferRule, most: int, say: Say) -> str:
    match offer:
        case CashRule():
            return say("“{name}”: in one payment within {days}, {discount}.").format(
                name=offer.name, days=_days(offer.pay_within_days, say), discount=_discount(offer.discount_percent, say)
            )
        case InstalmentRule():
            return _instalments(offer, most, say)
        case PromiseRule():
            return say("“{name}”: the person may promise to pay within {days}; reminders pause till then.").format(
                name=offer.name, days=_days(offer.within_days, say)
            )
        case _:
            assert_never(offer)


def _instalments(offer: InstalmentRule, most: int, say: Say) -> str:
    first, last = offer.count.from_, offer.count.to or most
    count = say("{count} instalments").format(count=first)
    if first < last:
        count = say("{first} to {last} instalments").format(first=first, last=last)
    parts = [count, _discount(offer.discount_percent, say)]
    if offer.entry_percent:
        parts.append(say("an entry of {percent} of the discounted total").format(percent=_percent(offer.entry_percent)))
    if offer.interest_percent_month:
        parts.append(
            say("interest of {percent} a month (Price)").format(percent=_percent(offer.interest_percent_month))
        )
    else:
        parts.append(say("without interest"))
    if offer.minimum_instalment > 1:
        parts.append(say("each instalment of at least {amount}").format(amount=_money(offer.minimum_instalment)))
    parts.append(say("the first payment within {days}").format(days=_days(offer.first_due_within_days, say)))
    if offer.due_days:
        parts.append(
            say("the others on the chosen day of the month: {days}").format(days=", ".join(map(str, offer.due_days)))
        )
    return say("“{name}”: {terms}.").format(name=offer.name, terms="; ".join(parts))


def _discount(percent: DiscountPercent, say: Say) -> str:
    parts = [
        say(text).format(percent=_percent(share))
        for text, share in (
            ("{percent} of the principal", percent.principal),
            ("{percent} of the fine", percent.fine),
            ("{percent} of the interest", percent.interest),
        )
        if share
    ]
    return say("forgiving {parts}").format(parts=", ".join(parts)) if parts else say("without discount")


def _validity(valid: Validity, say: Say) -> str:
    if valid.from_ is not None and valid.until is not None:
        return say("valid from {first} to {last}").format(first=_day(valid.from_), last=_day(valid.until))
    if valid.from_ is not None:
        return say("valid from {first} on").format(first=_day(valid.from_))
    return say("valid until {last}").format(last=_day(valid.last))


def _days(count: int, say: Say) -> str:
    return say("1 day") if count == 1 else say("{count} days").format(count=count)


def _day(day: date) -> str:
    return format_date(day, "dd/MM/yyyy", locale=LOCALE)


def _money(cents: int) -> str:
    return format_currency(Decimal(cents) / 100, "BRL", locale=LOCALE)


def _percent(percent: Decimal) -> str:
    return f"{format_decimal(percent, '0.##', locale=LOCALE)}%"
