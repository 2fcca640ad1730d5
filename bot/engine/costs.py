"""What messages cost here: the prices that WhatsApp told, booked with their statuses, and the month's figures at hand.

A message belongs to the month and day of the account's time zone in which WhatsApp priced it.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Literal

import structlog

from bot.store import message_costs
from bot.store.message_costs import MessageCost, MonthCosts
from bot.whatsapp.inbound import InboundStatus
from flows.cost_estimate import over_ceiling
from flows.prices import PriceList, charged, cheaper_in_window

FRESH = timedelta(seconds=10)
log = structlog.get_logger(__name__)


class Costs:
    """Books what messages cost, and remembers the month's figures for ten seconds: nobody waits for them."""

    def __init__(self, prices: PriceList, zone: tzinfo) -> None:
        self.prices, self._zone = prices, zone
        self._known: tuple[datetime, MonthCosts] | None = None

    def today(self, now: datetime) -> date:
        """Return the day in the account's time zone."""
        return now.astimezone(self._zone).date()

    async def book(self, conn: Any, found: Iterable[tuple[int, InboundStatus]], now: datetime) -> int:
        """Book the prices that statuses told of our messages, each message once; return how many were new."""
        first: dict[int, MessageCost] = {}
        for outbox_id, status in found:
            if status.category is not None and status.status != "failed":
                first.setdefault(outbox_id, self._cost(outbox_id, status, status.category.lower(), now))
        new = await message_costs.book(conn, sorted(first.values(), key=lambda cost: cost.outbox_id))
        unknown = sorted({cost.category for cost in first.values() if cost.cost is None})
        if unknown:
            log.warning("costs.unpriced", categories=unknown)
        return new

    async def month(self, conn: Any, now: datetime) -> MonthCosts:
        """Return what the month of `now` (UTC) cost so far, at most ten seconds old."""
        month = self.today(now).replace(day=1)
        if self._known is not None:
            at, costs = self._known
            if costs.month == month and at <= now < at + FRESH:
                return costs
        costs = await message_costs.month_to_date(conn, month, currency=self.prices.currency)
        self._known = (now, costs)
        return costs

    async def cheaper_in_window(
        self, conn: Any, now: datetime, *, wa_id: str | None, template_category: str
    ) -> Literal["free_form", "template"]:
        """Return what costs less for this person inside an open window now; of two that cost the same the free form."""
        costs = await self.month(conn, now)
        return cheaper_in_window(
            self.prices,
            day=self.today(now),
            country=self.prices.country_of(wa_id),
            service_used_this_month=costs.service_used,
            template_category=template_category,
        )

    async def over_ceiling(
        self, conn: Any, now: datetime, *, wa_id: str | None, category: str, ceiling_cents: int
    ) -> bool:
        """Return whether one more message of a category would bring what nobody asked for above the month's ceiling
        (hundredths of the list's currency). What the list does not price is counted as nothing.
        """
        costs = await self.month(conn, now)
        rate = self.prices.rate_on(category, self.prices.country_of(wa_id), self.today(now))
        price = rate.price if rate is not None else Decimal(0)
        return over_ceiling(costs.active_cost, price, ceiling_cents)

    def _cost(self, outbox_id: int, status: InboundStatus, category: str, now: datetime) -> MessageCost:
        at = status.at or now
        day = self.today(at)
        country = self.prices.country_of(status.recipient.wa_id, status.recipient.user_id)
        return MessageCost(
            outbox_id=outbox_id,
            wamid=status.wamid,
            category=category,
            pricing_type=status.pricing_type,
            billable=status.billable,
            cost=charged(
                self.prices,
                category=category,
                pricing_type=status.pricing_type,
                billable=status.billable,
                country=country,
                day=day,
            ),
            currency=self.prices.currency,
            month=day.replace(day=1),
            at=at,
        )
