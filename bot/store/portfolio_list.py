"""Debts by filters, longest due first, page by page: what a page costs is bounded whatever the filters are.

First the database may choose its way; it reads in the order of due dates where it takes many for fitting. Where few
fit, it is stopped and collects and sorts them instead. Where that takes too long as well (filters that hardly go
together, over a million debts), some thousands are read in the order of their due dates: then a page may have few
debts on it, and says from where it goes on.
"""

import contextlib
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias, get_args

import asyncpg

State: TypeAlias = Literal["open", "agreed", "paid", "cancelled"]
Who: TypeAlias = Literal["opted_out", "ticket", "promised", "no_phone"]
STATES: tuple[State, ...] = get_args(State)
WHOSE: tuple[Who, ...] = get_args(Who)
COUNTED = 10_000  # beyond it a count is no number that anybody reads
_LOOKS_MS, _COUNT_MS = (45, 70), 50
_READ = 8_000  # debts of one bounded look

PAGE = """
SELECT d.id FROM debt d
WHERE  ($1::text IS NULL OR d.state = $1)
AND    ($2::date IS NULL OR d.due_on >= $2) AND ($3::date IS NULL OR d.due_on <= $3)
AND    ($4::bigint IS NULL OR d.principal_cents >= $4) AND ($5::bigint IS NULL OR d.principal_cents <= $5)
AND    ($6::text IS NULL OR d.tags @> ARRAY[$6])
AND    ($7::date IS NULL OR (d.due_on, d.id) > ($7, $8::bigint))
ORDER  BY d.due_on, d.id LIMIT $9
"""
PAGE_OF = """
SELECT d.id FROM debt d
WHERE  ($1::text IS NULL OR d.state = $1)
AND    ($2::date IS NULL OR d.due_on >= $2) AND ($3::date IS NULL OR d.due_on <= $3)
AND    ($4::bigint IS NULL OR d.principal_cents >= $4) AND ($5::bigint IS NULL OR d.principal_cents <= $5)
AND    ($6::text IS NULL OR d.tags @> ARRAY[$6])
AND    ($7::date IS NULL OR (d.due_on, d.id) > ($7, $8::bigint))
AND    d.customer_id IN (
       SELECT id FROM customer WHERE $10::text = 'opted_out' AND opted_out_at IS NOT NULL
       UNION ALL SELECT customer_id FROM conversation WHERE $10 = 'opted_out' AND opted_out_at IS NOT NULL
       UNION ALL SELECT customer_id FROM ticket WHERE $10 = 'ticket' AND state <> 'closed'
       UNION ALL SELECT customer_id FROM debt WHERE $10 = 'promised' AND promised_until IS NOT NULL
       UNION ALL SELECT id FROM customer WHERE $10 = 'no_phone' AND phone IS NULL)
ORDER  BY d.due_on, d.id LIMIT $9
"""
# So many debts in the order of their due dates, and which of them fit.
BOUNDED = """
WITH read AS MATERIALIZED (
    SELECT d.id, d.customer_id, d.due_on, d.principal_cents, d.tags FROM debt d
    WHERE  ($1::text IS NULL OR d.state = $1)
    AND    ($2::date IS NULL OR d.due_on >= $2) AND ($3::date IS NULL OR d.due_on <= $3)
    AND    ($7::date IS NULL OR (d.due_on, d.id) > ($7, $8::bigint))
    ORDER  BY d.due_on, d.id LIMIT $11
), fits AS (
    SELECT d.id, d.due_on FROM read d
    WHERE  ($4::bigint IS NULL OR d.principal_cents >= $4) AND ($5::bigint IS NULL OR d.principal_cents <= $5)
    AND    ($6::text IS NULL OR d.tags @> ARRAY[$6])
    AND    ($10::text IS NULL OR d.customer_id IN (
           SELECT id FROM customer WHERE $10 = 'opted_out' AND opted_out_at IS NOT NULL
           UNION ALL SELECT customer_id FROM conversation WHERE $10 = 'opted_out' AND opted_out_at IS NOT NULL
                     AND customer_id IS NOT NULL
           UNION ALL SELECT customer_id FROM ticket WHERE $10 = 'ticket' AND state <> 'closed'
                     AND customer_id IS NOT NULL
           UNION ALL SELECT customer_id FROM debt WHERE $10 = 'promised' AND promised_until IS NOT NULL
           UNION ALL SELECT id FROM customer WHERE $10 = 'no_phone' AND phone IS NULL))
    ORDER  BY d.due_on, d.id LIMIT $9
)
SELECT ARRAY(SELECT id FROM fits ORDER BY due_on, id) AS ids, count(*) AS seen,
       (SELECT due_on FROM read ORDER BY due_on DESC, id DESC LIMIT 1) AS due_on,
       (SELECT id FROM read ORDER BY due_on DESC, id DESC LIMIT 1) AS id
FROM   read
"""
COUNT = """
SELECT count(*) AS debts, coalesce(sum(open_principal_cents), 0)::bigint AS open_cents FROM (
    SELECT d.open_principal_cents FROM debt d
    WHERE  ($1::text IS NULL OR d.state = $1)
    AND    ($2::date IS NULL OR d.due_on >= $2) AND ($3::date IS NULL OR d.due_on <= $3)
    AND    ($4::bigint IS NULL OR d.principal_cents >= $4) AND ($5::bigint IS NULL OR d.principal_cents <= $5)
    AND    ($6::text IS NULL OR d.tags @> ARRAY[$6]) LIMIT $7) AS fits
"""
COUNT_OF = """
SELECT count(*) AS debts, coalesce(sum(open_principal_cents), 0)::bigint AS open_cents FROM (
    SELECT d.open_principal_cents FROM debt d
    WHERE  ($1::text IS NULL OR d.state = $1)
    AND    ($2::date IS NULL OR d.due_on >= $2) AND ($3::date IS NULL OR d.due_on <= $3)
    AND    ($4::bigint IS NULL OR d.principal_cents >= $4) AND ($5::bigint IS NULL OR d.principal_cents <= $5)
    AND    ($6::text IS NULL OR d.tags @> ARRAY[$6])
    AND    d.customer_id IN (
           SELECT id FROM customer WHERE $8::text = 'opted_out' AND opted_out_at IS NOT NULL
           UNION ALL SELECT customer_id FROM conversation WHERE $8 = 'opted_out' AND opted_out_at IS NOT NULL
           UNION ALL SELECT customer_id FROM ticket WHERE $8 = 'ticket' AND state <> 'closed'
           UNION ALL SELECT customer_id FROM debt WHERE $8 = 'promised' AND promised_until IS NOT NULL
           UNION ALL SELECT id FROM customer WHERE $8 = 'no_phone' AND phone IS NULL) LIMIT $7) AS fits
"""
ROWS = """
SELECT d.id, d.external_id, d.description, d.principal_cents, d.open_principal_cents, d.due_on, d.tags, d.state,
       d.customer_id, k.name, k.external_id AS customer_no
FROM   debt d JOIN customer k ON k.id = d.customer_id
WHERE  d.id = any($1::bigint[]) ORDER BY d.due_on, d.id
"""
AT_MOST = """
SELECT set_config('statement_timeout', $1, true), set_config('jit', 'off', true),
       set_config('enable_indexscan', $2, true), set_config('enable_seqscan', $2, true)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is looked for; what is None does not matter. Both ends of a range are inside."""

    state: State | None = None
    due_from: date | None = None
    due_to: date | None = None
    cents_min: int | None = None
    cents_max: int | None = None
    tag: str | None = None
    who: Who | None = None

    @property
    def values(self) -> tuple[object, ...]:
        """What all statements take first."""
        return self.state, self.due_from, self.due_to, self.cents_min, self.cents_max, self.tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page goes on: after this debt."""

    due_on: date
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One debt of the list; amounts in centavos."""

    id: int
    external_id: str
    description: str
    principal_cents: int
    open_principal_cents: int
    due_on: date
    tags: list[str]
    state: State
    customer_id: int
    name: str
    customer_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Debts, and where the next page begins. `is_partial`: only a part of the portfolio was looked through."""

    rows: tuple[Row, ...]
    following: Place | None
    is_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many fit and what is open of them, if they are no more than COUNTED."""

    debts: int
    open_cents: int

    @property
    def is_over(self) -> bool:
        """There are more."""
        return self.debts > COUNTED


async def page(conn: Any, wanted: Filter, *, after: Place | None, limit: int) -> Page:
    """Return the debts that fit."""
    for at_most_ms, in_order in zip(_LOOKS_MS, ("on", "off"), strict=True):
        with contextlib.suppress(asyncpg.QueryCanceledError):
            ids = await _look(conn, wanted, after, limit + 1, at_most_ms=at_most_ms, in_order=in_order)
            rows = await _rows(conn, ids[:limit])
            return Page(rows=rows, following=_place(rows) if len(ids) > limit else None)
    return await bounded_page(conn, wanted, after=after, limit=limit)


async def bounded_page(conn: Any, wanted: Filter, *, after: Place | None, limit: int, read: int = _READ) -> Page:
    """Return those of the next `read` debts that fit."""
    place = (after.due_on, after.id) if after is not None else (None, None)
    looked = await conn.fetchrow(BOUNDED, *wanted.values, *place, limit + 1, wanted.who, read)
    ids = looked["ids"]
    rows = await _rows(conn, ids[:limit])
    if len(ids) > limit:
        return Page(rows=rows, following=_place(rows))
    is_partial = looked["seen"] == read
    return Page(
        rows=rows,
        following=Place(due_on=looked["due_on"], id=looked["id"]) if is_partial else None,
        is_partial=is_partial,
    )


async def count(conn: Any, wanted: Filter) -> Counted | None:
    """Return how many fit; None where that takes too long to be worth it."""
    try:
        async with conn.transaction():
            await conn.execute(AT_MOST, str(_COUNT_MS), "on")
            if wanted.who is None:
                return Counted(**await conn.fetchrow(COUNT, *wanted.values, COUNTED + 1))
            return Counted(**await conn.fetchrow(COUNT_OF, *wanted.values, COUNTED + 1, wanted.who))
    except asyncpg.QueryCanceledError:
        return None


async def _look(
    conn: Any, wanted: Filter, after: Place | None, limit: int, *, at_most_ms: int, in_order: str
) -> list[int]:
    """Return the ids of a page. Raises QueryCanceledError where that takes longer."""
    place = (after.due_on, after.id) if after is not None else (None, None)
    async with conn.transaction():
        await conn.execute(AT_MOST, str(at_most_ms), in_order)
        if wanted.who is None:
            found = await conn.fetch(PAGE, *wanted.values, *place, limit)
        else:
            found = await conn.fetch(PAGE_OF, *wanted.values, *place, limit, wanted.who)
    return [row["id"] for row in found]


async def _rows(conn: Any, ids: list[int]) -> tuple[Row, ...]:
    return tuple(Row(**row) for row in await conn.fetch(ROWS, ids))


def _place(rows: tuple[Row, ...]) -> Place:
    return Place(due_on=rows[-1].due_on, id=rows[-1].id)
