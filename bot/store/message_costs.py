"""What messages cost: each booked once, by the first price that WhatsApp told of it, and added up by month.

Months are the account's local ones, named by their first day. Costs are exact decimals of the price list's currency.
What failed was not delivered and counts for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

BOOK = """
INSERT INTO message_cost (outbox_id, wamid, category, pricing_type, billable, cost, currency, month, at)
SELECT h.outbox_id, h.wamid, h.category, h.pricing_type, h.billable, h.cost, h.currency, h.month, h.at
FROM   unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::numeric[], $7::text[], $8::date[],
              $9::timestamptz[]) AS h(outbox_id, wamid, category, pricing_type, billable, cost, currency, month, at)
JOIN   outbox o ON o.id = h.outbox_id
ORDER  BY h.outbox_id
ON CONFLICT (outbox_id) DO NOTHING
RETURNING outbox_id
"""
MONTH_TO_DATE = """
SELECT c.category, o.purpose, c.currency, count(*) AS messages, coalesce(sum(c.cost), 0) AS cost,
       count(*) FILTER (WHERE c.cost IS NULL) AS unpriced,
       count(*) FILTER (WHERE c.category = 'service' AND c.pricing_type IS DISTINCT FROM 'free_entry_point') AS service
FROM   message_cost c JOIN outbox o ON o.id = c.outbox_id
WHERE  c.month = $1 AND o.status IS DISTINCT FROM 'failed'
GROUP  BY c.category, o.purpose, c.currency
ORDER  BY c.category, o.purpose, c.currency
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCost:
    """One message as WhatsApp priced it. `cost` None: the price list does not say."""

    outbox_id: int
    wamid: str
    category: str
    pricing_type: str | None
    billable: bool | None
    cost: Decimal | None
    currency: str
    month: date
    at: datetime  # UTC, by WhatsApp's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """What the messages of one category and purpose cost in a month. `unpriced` of them are in no cost; `service` of
    them use up the month's free ones (those that came by an ad do not)."""

    category: str
    purpose: str
    currency: str
    messages: int
    cost: Decimal
    unpriced: int
    service: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCosts:
    """What a month cost so far, in one currency."""

    month: date
    currency: str
    lines: tuple[CostLine, ...] = ()

    @property
    def cost(self) -> Decimal:
        """All of it."""
        return sum((line.cost for line in self.lines if line.currency == self.currency), Decimal(0))

    @property
    def active_cost(self) -> Decimal:
        """What reminders, first contacts and campaigns cost: messages that nobody asked for."""
        return self.cost_of("reminder", "first_contact", "campaign")

    @property
    def service_used(self) -> int:
        """How many messages count against the month's free ones."""
        return sum(line.service for line in self.lines)

    @property
    def unpriced(self) -> int:
        """How many messages are in no cost, because the price list does not say."""
        return sum(line.unpriced for line in self.lines)

    def cost_of(self, *purposes: str) -> Decimal:
        """What messages of some purposes cost."""
        mine = (line for line in self.lines if line.purpose in purposes and line.currency == self.currency)
        return sum((line.cost for line in mine), Decimal(0))

    def by_category(self) -> dict[str, tuple[int, Decimal]]:
        """Return the number of messages and what they cost, by WhatsApp's category."""
        found: dict[str, tuple[int, Decimal]] = {}
        for line in self.lines:
            messages, cost = found.get(line.category, (0, Decimal(0)))
            more = line.cost if line.currency == self.currency else Decimal(0)
            found[line.category] = (messages + line.messages, cost + more)
        return found


async def book(conn: Any, costs: Sequence[MessageCost]) -> int:
    """Book what is not booked yet; return how much was new. Of two prices of one message the first stands."""
    if not costs:
        return 0
    rows = await conn.fetch(
        BOOK,
        [c.outbox_id for c in costs],
        [c.wamid for c in costs],
        [c.category for c in costs],
        [c.pricing_type for c in costs],
        [c.billable for c in costs],
        [c.cost for c in costs],
        [c.currency for c in costs],
        [c.month for c in costs],
        [c.at for c in costs],
    )
    return len(rows)


async def month_to_date(conn: Any, month: date, *, currency: str) -> MonthCosts:
    """Return what the messages of a month cost so far; `month` is its first day."""
    rows = await conn.fetch(MONTH_TO_DATE, month)
    return MonthCosts(month=month, currency=currency, lines=tuple(CostLine(**row) for row in rows))
