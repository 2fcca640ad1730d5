"""How the stand-in prices a message, as WhatsApp tells it with `sent` and with one of `delivered` and `read`.

Free inside the window until 30 September 2026; since then a number's first thousand free-form messages of a month.
Source: Meta, "Messages status" (pricing) and "Pricing", as quoted. Months are those of the account's time zone.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.sandbox.chats import Bubble

FREE_SERVICE_MESSAGES = 1000
CHARGED_SINCE = date(2026, 10, 1)
_ZONE = ZoneInfo("America/Sao_Paulo")
_FREE_IN_WINDOW = ("service", "utility")


class Pricing:
    """Counts the number's free messages of each month; kept in memory only, so that a restarted demo has them anew."""

    def __init__(self, clock: Clock, *, free: int = FREE_SERVICE_MESSAGES) -> None:
        self.free = free
        self._clock = clock
        self._used: Counter[tuple[int, int]] = Counter()

    def of(self, bubble: Bubble, *, window_open: Callable[[], bool]) -> dict[str, Any]:
        """Return the price of a message; the first answer stands."""
        if bubble.pricing_type is None:
            bubble.pricing_type = self._type(bubble.category, window_open)
        kind = bubble.pricing_type
        return {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": bubble.category}

    def _type(self, category: str, window_open: Callable[[], bool]) -> str:
        today = self._clock.now().astimezone(_ZONE).date()
        if today < CHARGED_SINCE:
            return "free_customer_service" if category in _FREE_IN_WINDOW and window_open() else "regular"
        if category != "service":
            return "regular"
        month = (today.year, today.month)
        self._used[month] += 1
        return "free_customer_service" if self._used[month] <= self.free else "regular"
