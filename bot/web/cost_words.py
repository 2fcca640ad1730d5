"""What this month's messages have cost so far, in words: by category, against the ladder's ceiling."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from bot.parts import Parts
from bot.web.rendering import plain
from flows.ladder import Ladder

Row: TypeAlias = tuple[str, str, str]
"""A category, how many messages, what they cost."""

_CATEGORIES = {
    "service": "Answers inside the 24 hours",
    "utility": "Utility templates",
    "marketing": "Marketing templates",
    "authentication": "Authentication templates",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthSoFar:
    """The month in words. `active`: what reminders and campaigns cost, of `ceiling` (empty: there is none); `share`:
    hundredths of the ceiling that are spent; `unpriced`: messages that are in no cost."""

    title: str
    rows: tuple[Row, ...]
    total: str
    active: str
    ceiling: str
    share: int
    is_over: bool
    unpriced: int


async def month_so_far(parts: Parts, conn: Any, ladder: Ladder | None, now: datetime) -> MonthSoFar:
    """Return what the month of `now` (UTC) has cost so far."""
    costs, texts = await parts.costs.month(conn, now), parts.texts

    def money(amount: Decimal) -> str:
        return format_currency(amount, costs.currency, locale=texts.locale).replace("\N{NO-BREAK SPACE}", " ")

    ceiling = Decimal(ladder.monthly.ceiling) / 100 if ladder is not None and ladder.monthly is not None else None
    return MonthSoFar(
        title=format_date(costs.month, "MMMM 'de' y", texts.locale),
        rows=tuple(
            (
                texts(_CATEGORIES[name]) if name in _CATEGORIES else plain(name),
                format_decimal(messages, locale=texts.locale),
                money(cost),
            )
            for name, (messages, cost) in sorted(costs.by_category().items())
        ),
        total=money(costs.cost),
        active=money(costs.active_cost),
        ceiling=money(ceiling) if ceiling is not None else "",
        share=min(int(costs.active_cost * 100 / ceiling), 100) if ceiling else 0,
        is_over=ceiling is not None and costs.active_cost >= ceiling,
        unpriced=costs.unpriced,
    )
