"""Customers who are looked for: found by index, never by reading everybody; a search that fits too many says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.portfolio_search import Search

MANY = 1_000  # candidates: beyond it a search is too wide to be read
# Each way by itself, so that each takes its index; of names so many that are read in no order.
CANDIDATES = """
(SELECT id FROM customer WHERE $1 <> '' AND name_words(name) @@ $1::tsquery LIMIT $5)
UNION (SELECT id FROM customer WHERE document = $2)
UNION (SELECT id FROM customer WHERE phone = any($3::text[]))
UNION (SELECT customer_id FROM conversation WHERE address = any($3::text[]) AND customer_id IS NOT NULL)
UNION (SELECT id FROM customer WHERE lower(external_id) LIKE $4 LIMIT $5)
UNION (SELECT customer_id FROM debt WHERE lower(external_id) LIKE $4 LIMIT $5)
"""
FOUND = """
SELECT k.id, k.external_id, k.name, k.document, right(coalesce(k.phone, ''), 4) AS phone_end, o.debts, o.open_cents,
       o.first_due
FROM   (SELECT id FROM customer WHERE id = any($1::bigint[])
        AND    (lower(name), id) > ($2, $3) ORDER BY lower(name), id LIMIT $4) AS page
JOIN   customer k ON k.id = page.id
CROSS  JOIN LATERAL (SELECT count(*) AS debts, coalesce(sum(open_principal_cents), 0)::bigint AS open_cents,
                            min(due_on) AS first_due
                     FROM debt d WHERE d.customer_id = k.id AND d.state IN ('open', 'agreed')) AS o
ORDER  BY lower(k.name), k.id
"""
PLACE = "SELECT lower(name) FROM customer WHERE id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCustomer:
    """Somebody who fits, with what is open of theirs; amounts in centavos."""

    id: int
    external_id: str
    name: str
    document: str
    phone_end: str
    debts: int
    open_cents: int
    first_due: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of them by name. `count` is of all who fit, unless they are `too_many`."""

    customers: tuple[FoundCustomer, ...]
    count: int
    too_many: bool
    has_more: bool


async def find(conn: Any, search: Search, *, after: int | None, limit: int) -> Found:
    """Return who fits, by name, from the one after customer `after` on."""
    number = _escaped(search.number) + "%"
    rows = await conn.fetch(CANDIDATES, search.name, search.document, search.phones, number, MANY + 1)
    ids: Sequence[int] = [row["id"] for row in rows]
    place = await conn.fetchval(PLACE, after) if after is not None else None
    page = await conn.fetch(FOUND, ids, place or "", after or 0, limit + 1)
    return Found(
        customers=tuple(FoundCustomer(**row) for row in page[:limit]),
        count=len(ids),
        too_many=len(ids) > MANY,
        has_more=len(page) > limit,
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
