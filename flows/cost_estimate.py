"""What a ladder will cost in a month, from the least to the most, and when it has cost enough.

Costs are exact decimals of the price list's currency; a ceiling is in its hundredths, as the ladder's file has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flows.prices import PriceList, monthly_free_left, price_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """So many messages by template of one category that are meant to go out on a local day. `country`: ISO 3166."""

    day: date
    category: str
    messages: int
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`low`: everybody has an open window, and the month's free messages are all left for this; `high`: nobody has,
    and each message is a template."""

    low: Decimal
    high: Decimal


def estimate(planned: Sequence[Planned], prices: PriceList) -> dict[date, Estimate]:
    """Return what the messages will cost by month, named by its first day, in the order of months.

    Free messages go to the earliest days first. Raises NotPriced where the list does not say.
    """
    found: dict[date, Estimate] = {}
    used: dict[date, int] = {}
    for some in sorted(planned, key=lambda each: each.day):
        month = some.day.replace(day=1)
        left = monthly_free_left(prices, day=some.day, service_used_this_month=used.get(month, 0))
        free = min(left, some.messages)
        used[month] = used.get(month, 0) + free
        template = price_of(prices, some.category, some.country, some.day)
        inside = min(
            price_of(prices, "service", some.country, some.day),
            price_of(prices, some.category, some.country, some.day, in_window=True),
        )
        before = found.get(month, Estimate(low=Decimal(0), high=Decimal(0)))
        found[month] = Estimate(
            low=before.low + inside * (some.messages - free), high=before.high + template * some.messages
        )
    return found


def over_ceiling(month_to_date: Decimal, next_price: Decimal, ceiling_cents: int) -> bool:
    """Return whether a message of that price would bring the month above its ceiling; exactly at it is not above."""
    return (month_to_date + next_price) * 100 > ceiling_cents
