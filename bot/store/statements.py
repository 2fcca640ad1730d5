"""Lines of bank statements: which were taken in before, and the charges that they may be payments of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from payments.matching import Candidate

KNOWN = """
SELECT asked.key FROM unnest($1::text[]) AS asked(key)
WHERE  EXISTS (SELECT FROM statement_line s WHERE s.key = asked.key)
OR     EXISTS (SELECT FROM payment p WHERE p.end_to_end_id = asked.key)
"""
CANDIDATES = """
SELECT c.id, c.txid, c.amount_cents, c.created_at, c.pay_until,
       c.state IN ('requested', 'active') AND c.paid_cents = 0 AS is_open,
       (SELECT array_agg(d.debt_id ORDER BY d.debt_id) FROM charge_debt d WHERE d.charge_id = c.id) AS debt_ids
FROM   charge c
WHERE  c.txid = any($1::text[]) OR (c.amount_cents = any($2::bigint[]) AND c.created_at > $3)
ORDER  BY c.id
"""
HOMES = "SELECT id, conversation_id, no, txid FROM charge WHERE id = any($1::bigint[])"
KEEP = """
INSERT INTO statement_line (key, booked_on, amount_cents, outcome, taken_in_at)
SELECT l.*, $5 FROM unnest($1::text[], $2::date[], $3::bigint[], $4::text[]) AS l
ON CONFLICT (key) DO NOTHING RETURNING key
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """A line and what became of it: booked, proposed, unknown."""

    key: str
    booked_on: date
    amount_cents: int
    outcome: str


async def known(conn: Any, keys: Sequence[str]) -> set[str]:
    """Return which of the lines were taken in before, by a statement or by a provider."""
    return {row["key"] for row in await conn.fetch(KNOWN, list(keys))}


async def candidates(
    conn: Any, *, txids: Sequence[str], amounts_cents: Sequence[int], since: datetime, zone: tzinfo
) -> list[Candidate]:
    """Return the charges that such lines may be payments of; `zone` is the creditor's: it makes days of instants."""
    return [
        Candidate(
            charge_id=row["id"],
            txid=row["txid"],
            amount_cents=row["amount_cents"],
            made_on=row["created_at"].astimezone(zone).date(),
            pay_until=row["pay_until"],
            is_open=row["is_open"],
            debt_ids=tuple(row["debt_ids"] or ()),
        )
        for row in await conn.fetch(CANDIDATES, list(txids), list(amounts_cents), since)
    ]


async def homes(conn: Any, charge_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return of each charge its conversation, its number in it, and its txid."""
    return {row["id"]: row for row in await conn.fetch(HOMES, list(charge_ids))}


async def keep(conn: Any, lines: Sequence[TakenIn], now: datetime) -> set[str]:
    """Note the lines as taken in. Return those that were not noted before."""
    rows = await conn.fetch(
        KEEP,
        [line.key for line in lines],
        [line.booked_on for line in lines],
        [line.amount_cents for line in lines],
        [line.outcome for line in lines],
        now,
    )
    return {row["key"] for row in rows}
