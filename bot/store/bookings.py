"""Booking payments: the plans of a batch, written set-wise in the turns' transaction.

Payment, ledger, allocation and the states of debts, instalments, agreement and charge are one transaction, and a
payment's endToEndId is booked once.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from bot.store import ledger
from bot.store.payments import Plan
from flows.facts import Instalment
from payments.settlement import Settlement as Work

KEEP = """
INSERT INTO payment (end_to_end_id, txid, charge_id, customer_id, amount_cents, surplus_cents, allocation, paid_at,
                     booked_at)
SELECT paid.*, $9::timestamptz
FROM   unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::jsonb[],
              $8::timestamptz[]) AS paid
ON CONFLICT (end_to_end_id) DO NOTHING RETURNING end_to_end_id
"""
REOPEN = "UPDATE debt SET state = 'open', updated_at = $2 WHERE state = 'agreed' AND id = any($1::bigint[])"
SETTLE_DEBTS = """
UPDATE debt d
SET    state = 'paid', open_principal_cents = 0, interest_carried_cents = 0, settled_at = n.paid_at, updated_at = $3
FROM   unnest($1::bigint[], $2::timestamptz[]) AS n(id, paid_at) WHERE d.id = n.id
"""
PART_PAID = """
UPDATE debt d
SET    open_principal_cents = n.open_cents, interest_from = n.interest_from, interest_carried_cents = n.carried_cents,
       fine_paid_cents = n.fine_paid_cents, promises = 0, updated_at = $6
FROM   unnest($1::bigint[], $2::bigint[], $3::date[], $4::bigint[], $5::bigint[])
       AS n(id, open_cents, interest_from, carried_cents, fine_paid_cents)
WHERE  d.id = n.id
"""
PAY_INSTALMENTS = """
UPDATE instalment i
SET    paid_cents = n.paid_cents, forgiven_cents = n.forgiven_cents, interest_from = n.interest_from,
       interest_carried_cents = n.carried_cents, fine_paid_cents = n.fine_paid_cents
FROM   unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::date[], $6::bigint[], $7::bigint[])
       AS n(agreement_id, n, paid_cents, forgiven_cents, interest_from, carried_cents, fine_paid_cents)
WHERE  i.agreement_id = n.agreement_id AND i.n = n.n
"""
CLOSE_AGREEMENTS = """
UPDATE agreement SET state = $2, ended_because = $3, closed_at = $4 WHERE id = any($1::bigint[]) AND state = 'active'
"""
CHARGES_PAID = """
UPDATE charge c SET state = 'paid', paid_cents = c.paid_cents + n.cents
FROM   unnest($1::bigint[], $2::bigint[]) AS n(id, cents) WHERE c.id = n.id
"""
# Charges that still ask for what is paid now: of the same debts, unless they are for an instalment that is still open.
CANCEL_OTHERS = """
UPDATE charge c SET state = 'cancelled'
FROM   (SELECT DISTINCT paid.charge_id AS paid_id, d.charge_id
        FROM   unnest($1::bigint[], $2::bigint[]) AS paid(charge_id, debt_id) JOIN charge_debt d USING (debt_id)) other
WHERE  c.id = other.charge_id AND c.id <> other.paid_id AND c.state IN ('requested', 'active')
AND    NOT EXISTS (
    SELECT FROM instalment i JOIN agreement a ON a.id = i.agreement_id
    WHERE  i.agreement_id = c.agreement_id AND i.n = c.instalment_n AND i.paid_cents = 0 AND i.forgiven_cents = 0
    AND    a.state = 'active')
RETURNING c.id, other.paid_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """A plan that is not booked yet, with its work."""

    plan: Plan
    work: Work


async def book(conn: Any, plans: Sequence[Plan], *, now: datetime) -> dict[str, tuple[int, ...]]:
    """Write plans that have nothing in common, each payment once however often it is called.

    Return by endToEndId the charges that asked for what is paid now and have to be taken back.
    """
    new = await _keep(conn, [_New(plan=p, work=p.work) for p in plans if p.work is not None], now)
    if not new:
        return {}
    entries = [ledger.Entry(key=f"pix:{n.plan.event.end_to_end_id}", postings=n.work.postings) for n in new]
    await ledger.post_all(conn, entries, now=now)
    await _write_debts(conn, [n.plan for n in new], now)
    await _write_agreements(conn, new, now)
    taken_back = await _write_charges(conn, new)
    return {
        n.plan.event.end_to_end_id: tuple(taken_back.get(n.plan.charge_id, ()))
        for n in new
        if n.plan.charge_id is not None
    }


async def book_found(conn: Any, plan: Plan, *, now: datetime) -> tuple[int, ...]:
    """Write what money of a payment that is kept already does to debts, instalments and agreements.

    Return the charges that asked for what is paid now and have to be taken back. The ledger is the decision's.
    """
    assert plan.work is not None
    await _write_debts(conn, [plan], now)
    await _write_agreements(conn, [_New(plan=plan, work=plan.work)], now)
    touched = sorted(_touched(plan))
    others = await conn.fetch(CANCEL_OTHERS, [0] * len(touched), touched)
    return tuple(sorted(row["id"] for row in others))


async def _keep(conn: Any, planned: Sequence[_New], now: datetime) -> list[_New]:
    """Keep the payments themselves. Return those that were not there."""
    if not planned:
        return []
    rows = [
        (
            n.plan.event.end_to_end_id,
            n.plan.event.txid,
            n.plan.charge_id,
            n.plan.customer_id,
            n.plan.event.amount_cents,
            n.work.surplus_cents,
            json.dumps([asdict(d) for d in n.work.debts] + [asdict(i) for i in n.work.instalments]),
            n.plan.event.paid_at,
        )
        for n in planned
    ]
    kept = {row["end_to_end_id"] for row in await conn.fetch(KEEP, *_columns(rows), now)}
    return [n for n in planned if n.plan.event.end_to_end_id in kept]


async def _write_debts(conn: Any, plans: Sequence[Plan], now: datetime) -> None:
    if reopened := [debt_id for p in plans for debt_id in p.debts_reopened]:
        await conn.execute(REOPEN, reopened, now)
    if settled := [(debt_id, p.event.paid_at) for p in plans for debt_id in p.debts_settled]:
        await conn.execute(SETTLE_DEBTS, *_columns(settled), now)
    part_paid = [
        (d.id, d.open_principal_cents, d.interest_from, d.interest_carried_cents, d.fine_paid_cents)
        for p in plans
        for d in p.debts_after
    ]
    if part_paid:
        await conn.execute(PART_PAID, *_columns(part_paid), now)


async def _write_agreements(conn: Any, new: Sequence[_New], now: datetime) -> None:
    await write_instalments(conn, [pair for n in new for pair in n.plan.instalments_after])
    if settled := [a.agreement_id for n in new for a in n.work.settled_agreements]:
        await conn.execute(CLOSE_AGREEMENTS, settled, "settled", "paid", now)
    if broken := [agreement_id for n in new for agreement_id in n.work.broken_agreements]:
        await conn.execute(CLOSE_AGREEMENTS, broken, "broken", "unpaid", now)


async def write_instalments(conn: Any, after: Sequence[tuple[int, Instalment]]) -> None:
    """Write instalments, each with the agreement it is of, as they are after something was paid or went back."""
    if after:
        await conn.execute(PAY_INSTALMENTS, *_columns([(agreement_id, *_kept(i)) for agreement_id, i in after]))


async def _write_charges(conn: Any, new: Sequence[_New]) -> dict[int, list[int]]:
    """Return by charge that was paid those that are cancelled for it, in the order of their ids."""
    if paid := [(n.plan.charge_id, n.plan.event.amount_cents) for n in new if n.plan.charge_id is not None]:
        await conn.execute(CHARGES_PAID, *_columns(paid))
    taken_back: dict[int, list[int]] = {}
    if touched := [(n.plan.charge_id, debt_id) for n in new for debt_id in _touched(n.plan)]:
        others = await conn.fetch(CANCEL_OTHERS, *_columns(touched))
        for row in sorted(others, key=lambda row: row["id"]):
            taken_back.setdefault(row["paid_id"], []).append(row["id"])
    return taken_back


def _touched(plan: Plan) -> set[int]:
    """The debts on which something was paid, or on whose agreements."""
    return {*plan.debts_settled, *(d.id for d in plan.debts_after), *plan.debts_reopened, *plan.debts_agreed}


def _kept(i: Instalment) -> tuple[int, int, int, date | None, int, int]:
    return i.n, i.paid_cents, i.forgiven_cents, i.interest_from, i.interest_carried_cents, i.fine_paid_cents


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
