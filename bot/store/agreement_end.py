"""Ending an agreement before it is paid: the debt comes back less what was paid, in the turn's transaction.

What was paid under it is shared out anew on the debt, in the ledger too. Lock order: conversation (the turn's), debt,
charge.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any

from bot.store import ledger
from bot.store.agreements import DebtMoved
from flows.breaking import PaidUnder, Restored, postings_of, restored
from flows.facts import Debt
from payments.late_charges import Terms
from payments.settlement import Order

LOCK_DEBT = """
SELECT id, external_id, description, principal_cents, open_principal_cents, due_on, tags, state, interest_from,
       interest_carried_cents, fine_paid_cents, promised_until, promises
FROM   debt WHERE id = $1 AND customer_id = $2 FOR UPDATE
"""
ACTIVE = "SELECT id FROM agreement WHERE debt_id = $1 AND state = 'active'"
PAID_UNDER = """
SELECT (part->>'agreement_id')::bigint AS agreement_id, p.id AS payment_id, p.paid_at,
       sum((part->>'amount_cents')::bigint)::bigint AS amount_cents,
       sum(coalesce((part->>'fine_cents')::bigint, 0))::bigint AS fine_cents,
       sum(coalesce((part->>'interest_cents')::bigint, 0))::bigint AS interest_cents
FROM   payment p CROSS JOIN jsonb_array_elements(p.allocation) AS part
WHERE  p.customer_id = any($1::bigint[]) AND part ? 'agreement_id'
GROUP  BY 1, 2, 3
"""
END = "UPDATE agreement SET state = 'broken', ended_because = $2, closed_at = $3 WHERE id = $1"
BRING_BACK = """
UPDATE debt SET state = CASE WHEN $2 > 0 THEN 'open' ELSE 'paid' END, open_principal_cents = $2, interest_from = $3,
                interest_carried_cents = $4, fine_paid_cents = $5, updated_at = $6::timestamptz,
                settled_at = CASE WHEN $2 > 0 THEN NULL ELSE $6::timestamptz END
WHERE  id = $1
"""
SHARE_OUT_ANEW = """
UPDATE payment p SET surplus_cents = p.surplus_cents + new.surplus_cents, allocation = new.lines || coalesce(
    (SELECT jsonb_agg(part) FROM jsonb_array_elements(p.allocation) AS part
     WHERE  (part->>'agreement_id')::bigint IS DISTINCT FROM $1), '[]')
FROM   unnest($2::bigint[], $3::jsonb[], $4::bigint[]) AS new(payment_id, lines, surplus_cents)
WHERE  p.id = new.payment_id
"""
TAKE_BACK = """
UPDATE charge SET state = 'cancelled' WHERE agreement_id = $1 AND state IN ('requested', 'active') RETURNING id
"""


async def end(
    conn: Any,
    *,
    debt_id: int,
    customer_id: int,
    because: str,
    terms: Terms,
    order: Order,
    zone: tzinfo,
    now: datetime,
) -> tuple[Restored, tuple[int, ...]]:
    """End the agreement that stands in a debt's place. Return the debt as it is then, and the charges to take back.

    `zone` is the creditor's: payments count on their local days. Raises DebtMoved where there is no agreement in force.
    """
    row = await conn.fetchrow(LOCK_DEBT, debt_id, customer_id)
    agreement_id = await conn.fetchval(ACTIVE, debt_id)
    if row is None or agreement_id is None:
        raise DebtMoved("the agreement is not in force any more")
    paid = [p for a, p in await paid_under(conn, [customer_id], zone) if a == agreement_id]
    after = restored(Debt(**{**row, "tags": frozenset(row["tags"])}), paid, terms, order)
    debt = after.debt
    await conn.execute(END, agreement_id, because, now)
    await conn.execute(
        BRING_BACK, debt.id, debt.open_principal_cents, debt.interest_from, debt.interest_carried_cents,
        debt.fine_paid_cents, now,
    )  # fmt: skip
    if postings := postings_of(agreement_id, paid, after):
        await ledger.post(conn, key=f"broken:{agreement_id}", postings=postings, now=now)
        await conn.execute(SHARE_OUT_ANEW, agreement_id, *_shared_out(paid, after))
    return after, tuple(sorted(r["id"] for r in await conn.fetch(TAKE_BACK, agreement_id)))


async def paid_under(conn: Any, customer_ids: Sequence[int], zone: tzinfo) -> list[tuple[int, PaidUnder]]:
    """Return what the customers' payments brought under which agreements."""
    return [
        (
            row["agreement_id"],
            PaidUnder(
                payment_id=row["payment_id"],
                paid_on=row["paid_at"].astimezone(zone).date(),
                amount_cents=row["amount_cents"],
                fine_cents=row["fine_cents"],
                interest_cents=row["interest_cents"],
            ),
        )
        for row in await conn.fetch(PAID_UNDER, list(customer_ids))
    ]


def _shared_out(paid: Sequence[PaidUnder], after: Restored) -> tuple[list[int], list[str], list[int]]:
    lines, surplus = dict(after.settled), dict(after.surplus)
    ids = [p.payment_id for p in paid]
    return (
        ids,
        [json.dumps([asdict(lines[i])] if i in lines else []) for i in ids],
        [surplus.get(i, 0) for i in ids],
    )
