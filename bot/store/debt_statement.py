"""Reading what happened to debts, for their statements: from the ledger what was brought in, from the payments what
they settled and what of it went back, from the agreements when they were made and ended."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from flows.facts import Debt
from flows.statement import Agreed, Brought, History, PaidPart, Returned

OF_EXTERNAL_ID = "SELECT id FROM debt WHERE external_id = $1"
OF_CUSTOMER = "SELECT id FROM debt WHERE customer_id = $1 AND state <> 'cancelled' ORDER BY due_on, id"
DEBTS = """
SELECT id, external_id, description, principal_cents, open_principal_cents, due_on, tags, state, interest_from,
       interest_carried_cents, fine_paid_cents, promised_until, promises
FROM   debt WHERE id = any($1::bigint[])
"""
# The first posting of an opening is the principal; where debts were there before the ledger knew them, others take off
# what had been paid, which the payments tell.
BROUGHT = """
SELECT d.id AS debt_id, p.amount_cents AS cents, coalesce(substring(t.key FROM 'changed:([0-9]+)$')::int, 0) AS n,
       CASE WHEN t.key LIKE '%:opened' THEN d.created_at ELSE t.booked_at END AS at
FROM   debt d
JOIN   ledger_posting p ON p.account = 'debt:' || d.id
JOIN   ledger_transaction t ON t.id = p.transaction_id
WHERE  d.id = any($1::bigint[]) AND p.n = 1 AND t.key LIKE 'debt:%'
ORDER  BY t.id
"""
AGREEMENTS = """
SELECT a.debt_id, a.id, a.accepted_at AS at, a.total_cents, a.state, coalesce(a.ended_because, '') AS because,
       a.closed_at, (SELECT count(*) FROM instalment i WHERE i.agreement_id = a.id)::int AS count
FROM   agreement a WHERE a.debt_id = any($1::bigint[]) ORDER BY a.id
"""
# What went back is no part of the allocation any more: it was paid, and returned.
PAID = """
WITH of AS (SELECT DISTINCT customer_id FROM debt WHERE id = any($1::bigint[])),
line AS (
    SELECT p.id, p.end_to_end_id, p.paid_at, part
    FROM   payment p CROSS JOIN jsonb_array_elements(p.allocation) AS part
    WHERE  p.customer_id IN (SELECT customer_id FROM of)
    UNION  ALL
    SELECT p.id, p.end_to_end_id, p.paid_at, part
    FROM   payment p JOIN payment_return r ON r.end_to_end_id = p.end_to_end_id
    CROSS  JOIN jsonb_array_elements(r.undone) AS part
    WHERE  p.customer_id IN (SELECT customer_id FROM of) AND r.booked_at IS NOT NULL
)
SELECT coalesce((part->>'debt_id')::bigint, a.debt_id) AS debt_id, a.id AS agreement_id, l.end_to_end_id,
       l.paid_at AS at,
       sum(coalesce((part->>'principal_cents')::bigint, (part->>'amount_cents')::bigint
                    + coalesce((part->>'discount_cents')::bigint, 0)))::bigint AS principal_cents,
       sum(coalesce((part->>'fine_cents')::bigint, 0))::bigint AS fine_cents,
       sum(coalesce((part->>'interest_cents')::bigint, 0))::bigint AS interest_cents,
       sum(coalesce((part->>'discount_cents')::bigint, 0))::bigint AS discount_cents
FROM   line l LEFT JOIN agreement a ON a.id = (part->>'agreement_id')::bigint
WHERE  coalesce((part->>'debt_id')::bigint, a.debt_id) = any($1::bigint[])
GROUP  BY 1, 2, 3, 4, l.id
ORDER  BY l.paid_at, l.id
"""
RETURNED = """
SELECT coalesce((part->>'debt_id')::bigint, a.debt_id) AS debt_id, a.id AS agreement_id, r.end_to_end_id,
       r.booked_at AS at,
       coalesce((part->>'principal_cents')::bigint,
                (part->>'amount_cents')::bigint + coalesce((part->>'discount_cents')::bigint, 0)) AS principal_cents,
       coalesce((part->>'fine_cents')::bigint, 0) + coalesce((part->>'interest_cents')::bigint, 0) AS charges_cents,
       coalesce((part->>'discount_cents')::bigint, 0) AS discount_cents
FROM   payment p JOIN payment_return r ON r.end_to_end_id = p.end_to_end_id
CROSS  JOIN jsonb_array_elements(r.undone) AS part
LEFT   JOIN agreement a ON a.id = (part->>'agreement_id')::bigint
WHERE  p.customer_id IN (SELECT customer_id FROM debt WHERE id = any($1::bigint[])) AND r.booked_at IS NOT NULL
AND    coalesce((part->>'debt_id')::bigint, a.debt_id) = any($1::bigint[])
ORDER  BY r.booked_at, r.id
"""
_T = TypeVar("_T")


async def of_external_id(conn: Any, external_id: str) -> History | None:
    """Return what happened to the debt of this number; None: there is none."""
    found = await conn.fetchval(OF_EXTERNAL_ID, external_id)
    return (await histories(conn, [found]))[0] if found is not None else None


async def of_customer(conn: Any, customer_id: int) -> tuple[History, ...]:
    """Return what happened to each debt of a customer, oldest first; the cancelled ones are none of theirs."""
    return await histories(conn, [row["id"] for row in await conn.fetch(OF_CUSTOMER, customer_id)])


async def histories(conn: Any, debt_ids: Sequence[int]) -> tuple[History, ...]:
    """Return what happened to each of these debts, in their order."""
    ids = list(debt_ids)
    debts = {row["id"]: Debt(**{**row, "tags": frozenset(row["tags"])}) for row in await conn.fetch(DEBTS, ids)}
    brought = _by_debt(await conn.fetch(BROUGHT, ids), lambda row: Brought(**row))
    paid = _by_debt(await conn.fetch(PAID, ids), lambda row: PaidPart(**row))
    agreed = _by_debt(await conn.fetch(AGREEMENTS, ids), lambda row: Agreed(**row))
    returned = _by_debt(await conn.fetch(RETURNED, ids), lambda row: Returned(**row))
    return tuple(
        History(
            debt=debts[id_],
            brought=tuple(brought[id_]),
            paid=tuple(paid[id_]),
            returned=tuple(returned[id_]),
            agreements=tuple(agreed[id_]),
        )
        for id_ in ids
    )


def _by_debt(rows: Sequence[Mapping[str, Any]], made: Callable[[dict[str, Any]], _T]) -> dict[int, list[_T]]:
    found: dict[int, list[_T]] = defaultdict(list)
    for row in rows:
        fields = dict(row)
        found[fields.pop("debt_id")].append(made(fields))
    return found
