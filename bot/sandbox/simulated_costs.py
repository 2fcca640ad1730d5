"""What the messages of a simulation would cost by the price list, month by month, each at the price of its own day.

The month's free messages go to the earliest days, whatever went out for other reasons. Costs are exact decimals of the
list's currency.
"""

from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from bot.sandbox.simulated_figures import Figures
from flows.prices import PriceList, monthly_free_left, price_of

_CENT = Decimal("0.01")


def costs_by_month(figures: Figures, prices: PriceList) -> dict[date, Decimal]:
    """Return what everything that was sent costs, by the first day of its month. Raises NotPriced where the list does
    not say."""
    found: dict[date, Decimal] = {}
    used: Counter[date] = Counter()
    for (day, category, in_window), count in sorted(figures.messages.items()):
        month, billed = day.replace(day=1), count
        if category == "service":
            billed -= min(count, monthly_free_left(prices, day=day, service_used_this_month=used[month]))
            used[month] += count
        price = price_of(prices, category, prices.home, day, in_window=in_window) if billed else Decimal(0)
        found[month] = found.get(month, Decimal(0)) + price * billed
    return found


def rounded(cost: Decimal) -> Decimal:
    """Return a cost with two decimals, as it is told."""
    return cost.quantize(_CENT, ROUND_HALF_UP)
