"""Offers that were shown, for finance to look through: newest first, by their fate and their day."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from flows.recompute import Shown

State = Literal["open", "accepted", "over"]
STATES: tuple[State, ...] = ("open", "accepted", "over")

# Accepted: an agreement was made of it, or its code was paid. $1: today; $2 to $4: where the page before ended.
PAGE = """
WITH offers AS (
    SELECT o.conversation_id, o.no, o.customer_id, o.terms, o.shown_at, o.honoured_until, k.name, k.external_id,
           d.description, d.external_id AS debt_no,
           CASE WHEN o.accepted_at IS NOT NULL OR EXISTS (
                     SELECT FROM charge c
                     WHERE c.conversation_id = o.conversation_id AND c.offer_no = o.no AND c.state = 'paid')
                THEN 'accepted' WHEN o.honoured_until >= $1 THEN 'open' ELSE 'over' END AS state
    FROM   offer o JOIN customer k ON k.id = o.customer_id JOIN debt d ON d.id = o.debt_id
    WHERE  ($2::timestamptz IS NULL OR o.shown_at < $2 OR (o.shown_at = $2 AND (o.conversation_id, o.no) > ($3, $4)))
    AND    ($5::timestamptz IS NULL OR (o.shown_at >= $5 AND o.shown_at < $6))
)
SELECT * FROM offers WHERE $7::text IS NULL OR state = $7 ORDER BY shown_at DESC, conversation_id, no LIMIT $8
"""
ONE = """
SELECT o.policy_digest, o.terms, o.facts, o.shown_on, o.honoured_until, o.customer_id, p.source
FROM   offer o JOIN policy p ON p.digest = o.policy_digest WHERE o.conversation_id = $1 AND o.no = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """The last offer of the page before."""

    shown_at: datetime
    conversation_id: int
    no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One offer in the list, its terms as plain JSON."""

    conversation_id: int
    no: int
    customer_id: int
    terms: Mapping[str, Any]
    shown_at: datetime
    honoured_until: date
    name: str
    external_id: str
    description: str
    debt_no: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One offer with the bytes of its policy: enough to work it out again."""

    shown: Shown
    source: bytes
    customer_id: int


async def page(
    conn: Any,
    *,
    today: date,
    state: State | None,
    between: tuple[datetime, datetime] | None,
    after: After | None,
    limit: int,
) -> tuple[Row, ...]:
    """Return offers, newest first; `between` are the first instant of a day and of the next."""
    since, until = between if between is not None else (None, None)
    before = (after.shown_at, after.conversation_id, after.no) if after is not None else (None, 0, 0)
    rows = await conn.fetch(PAGE, today, *before, since, until, state, limit)
    return tuple(Row(**{**row, "terms": json.loads(row["terms"])}) for row in rows)


async def one(conn: Any, conversation_id: int, no: int) -> Kept | None:
    """Return an offer, None where none of this number was shown."""
    row = await conn.fetchrow(ONE, conversation_id, no)
    if row is None:
        return None
    shown = Shown(
        policy_digest=row["policy_digest"],
        terms=json.loads(row["terms"]),
        facts=json.loads(row["facts"]),
        shown_on=row["shown_on"],
        honoured_until=row["honoured_until"],
    )
    return Kept(shown=shown, source=bytes(row["source"]), customer_id=row["customer_id"])
