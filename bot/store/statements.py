"""Lines of bank statements: which were taken in before, and the charges that they may be payments of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, Literal, TypeAlias

from payments.matching import Candidate, Credit

Became: TypeAlias = Literal["booked", "proposed", "unknown"]
_ONE_AT_A_TIME = 0x61636572746F08  # "acerto", 8

LOCK = "SELECT pg_advisory_lock($1)"
UNLOCK = "SELECT pg_advisory_unlock($1)"
# The third: a provider told of it, and it is about to be booked.
KNOWN = """
SELECT asked.key FROM unnest($1::text[]) AS asked(key)
WHERE  EXISTS (SELECT FROM statement_line s WHERE s.key = asked.key)
OR     EXISTS (SELECT FROM payment p WHERE p.end_to_end_id = asked.key)
OR     EXISTS (SELECT FROM inbox i WHERE i.source = 'provider' AND i.dedupe_key = 'p:' || asked.key)
"""
# A line that was booked on a charge pays it, whether or not its turn has come yet.
CANDIDATES = """
SELECT c.id, c.customer_id, c.txid, c.amount_cents, c.created_at, c.pay_until,
       c.state IN ('requested', 'active') AS is_open,
       c.state = 'paid' OR c.paid_cents > 0 OR EXISTS (SELECT FROM statement_line s WHERE s.charge_id = c.id) AS is_paid
FROM   charge c
WHERE  c.txid = any($1::text[]) OR (c.amount_cents = any($2::bigint[]) AND c.created_at > $3)
"""
UNDECIDED = """
SELECT s.key, s.booked_on, s.amount_cents
FROM   statement_line s JOIN payment p ON p.end_to_end_id = s.key
WHERE  s.amount_cents = any($1::bigint[]) AND s.outcome <> 'booked' AND p.surplus_cents = p.amount_cents
"""
# Lines of earlier statements on days of this one which it does not have.
MISSING = """
SELECT key, booked_on, amount_cents FROM statement_line
WHERE  booked_on BETWEEN $1 AND $2 AND amount_cents = any($3::bigint[]) AND key <> all($4::text[])
"""
HOMES = "SELECT id, conversation_id, no, txid FROM charge WHERE id = any($1::bigint[])"
BEGIN = """
INSERT INTO statement_import (digest, imported_at) VALUES ($1, $2)
ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest RETURNING id
"""
KEEP = """
INSERT INTO statement_line (import_id, key, line, booked_on, amount_cents, outcome, charge_id)
SELECT $1, l.* FROM unnest($2::text[], $3::int[], $4::date[], $5::bigint[], $6::text[], $7::bigint[]) AS l
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """A line and what became of it; the charge that it was booked on."""

    key: str
    line: int
    booked_on: date
    amount_cents: int
    outcome: Became
    charge_id: int | None


async def lock(conn: Any) -> None:
    """Wait until no other statement is being taken in; hold it until `unlock`, or until the connection ends."""
    await conn.execute(LOCK, _ONE_AT_A_TIME)


async def unlock(conn: Any) -> None:
    """Let the next one begin."""
    await conn.execute(UNLOCK, _ONE_AT_A_TIME)


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
            customer_id=row["customer_id"],
            txid=row["txid"],
            amount_cents=row["amount_cents"],
            made_on=row["created_at"].astimezone(zone).date(),
            pay_until=row["pay_until"],
            is_open=row["is_open"] and not row["is_paid"],
            is_paid=row["is_paid"],
        )
        for row in await conn.fetch(CANDIDATES, list(txids), list(amounts_cents), since)
    ]


async def undecided(conn: Any, amounts_cents: Sequence[int]) -> list[Credit]:
    """Return the lines of earlier statements of such amounts on which nobody has decided yet."""
    return [
        Credit(key=row["key"], txids=(), amount_cents=row["amount_cents"], booked_on=row["booked_on"])
        for row in await conn.fetch(UNDECIDED, list(amounts_cents))
    ]


async def missing(
    conn: Any, *, first: date, last: date, amounts_cents: Sequence[int], keys: Sequence[str]
) -> list[tuple[str, date, int]]:
    """Return key, day and amount of the lines that earlier statements had in these days and this one, of `keys`, has
    not.
    """
    rows = await conn.fetch(MISSING, first, last, list(amounts_cents), list(keys))
    return [(row["key"], row["booked_on"], row["amount_cents"]) for row in rows]


async def homes(conn: Any, charge_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return of each charge its conversation, its number in it, and its txid."""
    return {row["id"]: row for row in await conn.fetch(HOMES, list(charge_ids))}


async def keep(conn: Any, digest: str, lines: Sequence[TakenIn], now: datetime) -> None:
    """Note lines as taken in from the file of this SHA-256, inside the caller's transaction."""
    await conn.execute(
        KEEP,
        await conn.fetchval(BEGIN, digest, now),
        [line.key for line in lines],
        [line.line for line in lines],
        [line.booked_on for line in lines],
        [line.amount_cents for line in lines],
        [line.outcome for line in lines],
        [line.charge_id for line in lines],
    )
