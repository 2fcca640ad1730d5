"""Payments: working out what one settles, under the locks of its debts, and booking it, in the turn's transaction.

Payment, ledger, allocation and the states of debts, instalments, agreement and charge are one transaction, and a
payment's endToEndId is booked once. Lock order: conversation (the turn's), debt, charge.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any

from bot.store import ledger
from bot.store.facts import agreement_fact
from flows.costs import NO_LATE_CHARGES, cost_of
from flows.events import PaymentConfirmed
from flows.facts import AgreementFact, CostOfDebt, Debt, Facts, Instalment, Settlement
from flows.instalments import as_debt, cost_of_instalment, early_cents
from flows.part_paid import after_part
from payments.late_charges import Terms
from payments.settlement import (
    BY_LAW,
    Asked,
    DebtPaid,
    InstalmentPaid,
    OpenInstalment,
    Order,
    Owed,
    OwedAgreement,
    Part,
    settle,
)
from payments.settlement import Settlement as Work

CHARGE = """
SELECT c.id, c.customer_id, c.amount_cents, c.pay_until, c.parts, c.paid_cents, c.agreement_id, c.instalment_n,
c.created_at FROM   charge c WHERE c.conversation_id = $1 AND c.no = $2
"""
LOCK_CHARGE = "SELECT paid_cents FROM charge WHERE id = $1 FOR UPDATE"
# Before the charge: lock order conversation, debt, charge.
LOCK_DEBTS = """
SELECT id, external_id, description, principal_cents, open_principal_cents, due_on, tags, state,
       interest_from, interest_carried_cents, fine_paid_cents, promised_until, promises
FROM   debt WHERE id IN (SELECT debt_id FROM charge_debt WHERE charge_id = $1) ORDER BY id FOR UPDATE
"""
PAID_SINCE = """
SELECT DISTINCT (part->>'debt_id')::bigint AS debt_id
FROM   payment p CROSS JOIN jsonb_array_elements(p.allocation) AS part
WHERE  p.customer_id = $1 AND p.booked_at > $2 AND part ? 'debt_id'
"""
AGREEMENTS = """
SELECT a.id, a.offer_no, a.debt_id, a.total_cents, a.state, o.terms,
       (SELECT json_agg(json_build_object(
            'n', i.n, 'due_on', i.due_on, 'amount_cents', i.amount_cents, 'paid_cents', i.paid_cents,
            'forgiven_cents', i.forgiven_cents, 'interest_from', i.interest_from, 'moved_from', i.moved_from,
            'interest_carried_cents', i.interest_carried_cents, 'fine_paid_cents', i.fine_paid_cents)
            ORDER BY i.due_on, i.n)
        FROM instalment i WHERE i.agreement_id = a.id) AS instalments
FROM   agreement a JOIN offer o ON o.conversation_id = a.conversation_id AND o.no = a.offer_no
WHERE  a.debt_id = any($1::bigint[]) AND a.state = 'active'
ORDER  BY a.id
"""
DEBTS_OF = "SELECT debt_id FROM agreement WHERE id = any($1::bigint[])"
BOOKED = "SELECT id FROM payment WHERE end_to_end_id = $1"
KEEP = """
INSERT INTO payment (end_to_end_id, txid, charge_id, customer_id, amount_cents, surplus_cents, allocation, paid_at,
booked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (end_to_end_id) DO NOTHING RETURNING id
"""
SETTLE_DEBTS = """
UPDATE debt SET state = 'paid', open_principal_cents = 0, interest_carried_cents = 0, settled_at = $2, updated_at = $3
WHERE  id = any($1::bigint[])
"""
PART_PAID = """
UPDATE debt SET open_principal_cents = $2, interest_from = $3, interest_carried_cents = $4, fine_paid_cents = $5,
promises = 0, updated_at = $6 WHERE  id = $1
"""
REOPEN = "UPDATE debt SET state = 'open', updated_at = $2 WHERE state = 'agreed' AND id = any($1::bigint[])"
PAY_INSTALMENT = """
UPDATE instalment SET paid_cents = $3, forgiven_cents = $4, interest_from = $5, interest_carried_cents = $6,
fine_paid_cents = $7 WHERE agreement_id = $1 AND n = $2
"""
CLOSE_AGREEMENTS = """
UPDATE agreement SET state = $2, ended_because = $3, closed_at = $4 WHERE id = any($1::bigint[]) AND state = 'active'
"""
CHARGE_PAID = "UPDATE charge SET state = 'paid', paid_cents = paid_cents + $2 WHERE id = $1"
# Charges that still ask for what is paid now: of the same debts, unless they are for an instalment that is still open.
CANCEL_OTHERS = """
UPDATE charge c SET state = 'cancelled'
WHERE  c.id <> $1 AND c.state IN ('requested', 'active')
AND    c.id IN (SELECT charge_id FROM charge_debt WHERE debt_id = any($2::bigint[]))
AND    NOT EXISTS (
    SELECT FROM instalment i JOIN agreement a ON a.id = i.agreement_id
    WHERE  i.agreement_id = c.agreement_id AND i.n = c.instalment_n AND i.paid_cents = 0 AND i.forgiven_cents = 0
    AND    a.state = 'active')
RETURNING c.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a confirmed payment will do, before it is done: `settlement` tells the dialogue, the rest is what `book`
    writes.

    `work` is None where this very payment was booked before: there is nothing to write.
    """

    event: PaymentConfirmed
    settlement: Settlement
    work: Work | None
    charge_id: int | None = None
    customer_id: int | None = None
    debts_after: tuple[Debt, ...] = ()  # those that are paid in part, as they are then
    instalments_after: tuple[tuple[int, Instalment], ...] = ()  # by agreement: those that something was paid on
    debts_settled: tuple[int, ...] = ()
    debts_reopened: tuple[int, ...] = ()


async def settlement_for(
    conn: Any, event: PaymentConfirmed, facts: Facts, *, conversation_id: int, zone: tzinfo
) -> tuple[Plan, Facts]:
    """Work out what the payment settles, on locked rows; return it, and the facts with what the dialogue has to know
    of it.

    `zone` is the creditor's: a payment belongs to the local day on which the bank settled it. The facts' debts and
    charges stay those of before the payment. Where the chat is another customer's by now, the facts know nothing of it.
    """
    plan = await _plan(conn, event, facts, conversation_id, event.paid_at.astimezone(zone).date())
    present = facts.customer.customer_id if facts.customer is not None else plan.customer_id
    return plan, replace(facts, settlement=plan.settlement if present == plan.customer_id else None)


async def book(conn: Any, plan: Plan, *, now: datetime) -> tuple[int, ...]:
    """Write the plan, once however often it is called.

    Return the charges that asked for what is paid now and have to be taken back.
    """
    work, event = plan.work, plan.event
    if work is None:
        return ()
    allocation = [asdict(d) for d in work.debts] + [asdict(i) for i in work.instalments]
    kept = await conn.fetchval(
        KEEP, event.end_to_end_id, event.txid, plan.charge_id, plan.customer_id, event.amount_cents, work.surplus_cents,
        json.dumps(allocation), event.paid_at, now,
    )  # fmt: skip
    if kept is None:
        return ()
    await ledger.post(conn, key=f"pix:{event.end_to_end_id}", postings=work.postings, now=now)
    await _write_debts(conn, plan, now)
    await conn.executemany(PAY_INSTALMENT, [(agreement_id, *_kept(i)) for agreement_id, i in plan.instalments_after])
    await conn.execute(CLOSE_AGREEMENTS, [a.agreement_id for a in work.settled_agreements], "settled", "paid", now)
    await conn.execute(CLOSE_AGREEMENTS, list(work.broken_agreements), "broken", "unpaid", now)
    if plan.charge_id is None:
        return ()
    await conn.execute(CHARGE_PAID, plan.charge_id, event.amount_cents)
    touched = [*plan.debts_settled, *(d.id for d in plan.debts_after), *plan.debts_reopened]
    if not work.debts and not work.instalments:
        return ()
    agreed = await conn.fetch(DEBTS_OF, sorted({i.agreement_id for i in work.instalments}))
    others = await conn.fetch(CANCEL_OTHERS, plan.charge_id, [*touched, *(row["debt_id"] for row in agreed)])
    return tuple(sorted(row["id"] for row in others))


async def _write_debts(conn: Any, plan: Plan, now: datetime) -> None:
    await conn.execute(REOPEN, list(plan.debts_reopened), now)
    await conn.execute(SETTLE_DEBTS, list(plan.debts_settled), plan.event.paid_at, now)
    await conn.executemany(
        PART_PAID,
        [
            (d.id, d.open_principal_cents, d.interest_from, d.interest_carried_cents, d.fine_paid_cents, now)
            for d in plan.debts_after
        ],
    )


async def _plan(conn: Any, event: PaymentConfirmed, facts: Facts, conversation_id: int, paid_on: date) -> Plan:
    customer_id = facts.customer.customer_id if facts.customer is not None else None
    if await conn.fetchval(BOOKED, event.end_to_end_id) is not None:
        again = Settlement(amount_cents=event.amount_cents, again=True)
        return Plan(event=event, settlement=again, work=None, customer_id=customer_id)
    row = await conn.fetchrow(CHARGE, conversation_id, event.charge_no)
    if row is None:  # money of this customer, and nobody knows for what
        work = settle(event.amount_cents, paid_on=paid_on, asked=None)
        told = Settlement(amount_cents=event.amount_cents, surplus_cents=work.surplus_cents, known_charge=False)
        return Plan(event=event, settlement=told, work=work, customer_id=customer_id)
    held = await _held(conn, row, facts, paid_on)
    owed = [
        Owed(
            debt_id=cost.debt_id,
            due_on=held.debts[cost.debt_id].due_on,
            principal_cents=cost.principal_cents,
            fine_cents=cost.fine_cents,
            interest_cents=cost.interest_cents,
            moved=cost.debt_id in held.moved,
        )
        for cost in held.costs.values()
    ]
    work = settle(
        event.amount_cents,
        paid_on=paid_on,
        asked=held.asked,
        debts=owed,
        agreements=tuple(_owed_agreement(k, facts, held.debts, paid_on) for k, facts in held.agreements.items()),
        order=held.order,
    )
    settled = {d.debt_id for d in work.debts if d.settled} | {a.debt_id for a in work.settled_agreements}
    after = tuple(_after(held, d, paid_on) for d in work.debts if not d.settled)
    return Plan(
        event=event,
        settlement=_told(held, work, settled, after, on=max(facts.today, paid_on)),
        work=work,
        charge_id=row["id"],
        customer_id=row["customer_id"],
        debts_after=after,
        instalments_after=tuple(_instalment_after(held, i, paid_on) for i in work.instalments),
        debts_settled=tuple(sorted(settled)),
        debts_reopened=tuple(held.agreements[k].debt_id for k in work.broken_agreements),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What a payment meets, read under its locks: what was asked for, and what of it is not settled yet."""

    asked: Asked
    debts: Mapping[int, Debt]
    costs: Mapping[int, CostOfDebt]  # on the day of the payment
    moved: frozenset[int]  # debts on which something was paid since the charge was made
    agreements: Mapping[int, AgreementFact]  # by their ids
    terms: Terms
    order: Order


async def _held(conn: Any, row: Mapping[str, Any], facts: Facts, paid_on: date) -> _Held:
    terms = facts.policy.policy.terms if facts.policy is not None else NO_LATE_CHARGES
    locked = [_debt(debt) for debt in await conn.fetch(LOCK_DEBTS, row["id"])]
    debts = {d.id: d for d in locked if d.state in ("open", "agreed") and d.open_principal_cents > 0}
    paid_before_cents = await conn.fetchval(LOCK_CHARGE, row["id"])
    moved = await conn.fetch(PAID_SINCE, row["customer_id"], row["created_at"])
    agreements = await conn.fetch(AGREEMENTS, list(debts))
    return _Held(
        asked=_asked(row, paid_before_cents=paid_before_cents),
        debts=debts,
        costs={d.id: cost_of(d, paid_on, terms) for d in debts.values()},
        moved=frozenset(m["debt_id"] for m in moved),
        agreements={a["id"]: agreement_fact(a) for a in agreements},
        terms=terms,
        order=facts.policy.policy.allocation.order if facts.policy is not None else BY_LAW,
    )


def _told(held: _Held, work: Work, settled: set[int], after: Sequence[Debt], *, on: date) -> Settlement:
    """What the dialogue has to know.

    What is settled, and what is still open of what this payment was for, at its cost `on` that day.
    """
    kept = [(k, a) for k, a in held.agreements.items() if k not in work.broken_agreements]
    changed = {d.id: d for d in after}
    elsewhere = settled | {a.debt_id for _, a in kept}
    left = [changed.get(d.id, d) for d in held.debts.values() if d.id not in elsewhere]
    paid = {(i.agreement_id, i.n): i.amount_cents + i.discount_cents for i in work.instalments}
    to_pay = [
        (i.due_on, i.open_cents - paid.get((k, i.n), 0))
        for k, a in kept
        for i in a.open_instalments
        if i.open_cents > paid.get((k, i.n), 0)
    ]
    return Settlement(
        amount_cents=work.amount_cents,
        settled_debts=tuple(sorted(settled)),
        still_open_cents=sum(cost_of(d, on, held.terms).total_cents for d in left) + sum(cents for _, cents in to_pay),
        surplus_cents=work.surplus_cents,
        instalment_n=work.instalments[0].n if work.instalments else None,
        instalments_left=len(to_pay),
        next_due_on=min((due_on for due_on, _ in to_pay), default=None),
        agreement_settled=bool(work.settled_agreements),
        again=held.asked.paid_before_cents > 0,
    )


def _after(held: _Held, paid: DebtPaid, paid_on: date) -> Debt:
    """A debt of which a part was paid."""
    part = CostOfDebt(
        debt_id=paid.debt_id,
        principal_cents=paid.principal_cents,
        fine_cents=paid.fine_cents,
        interest_cents=paid.interest_cents,
    )
    return after_part(held.debts[paid.debt_id], held.costs[paid.debt_id], part, on=paid_on)


def _instalment_after(held: _Held, paid: InstalmentPaid, paid_on: date) -> tuple[int, Instalment]:
    """An instalment on which something was paid, with the agreement it is of."""
    agreement = held.agreements[paid.agreement_id]
    before = next(i for i in agreement.instalments if i.n == paid.n)
    covered = replace(
        before,
        paid_cents=before.paid_cents + paid.amount_cents,
        forgiven_cents=before.forgiven_cents + paid.discount_cents,
        fine_paid_cents=before.fine_paid_cents + paid.fine_cents,
    )
    if not covered.open_cents:
        return paid.agreement_id, replace(covered, interest_carried_cents=0)
    cost = cost_of_instalment(agreement, before, paid_on)
    part = replace(
        cost, principal_cents=paid.amount_cents, fine_cents=paid.fine_cents, interest_cents=paid.interest_cents
    )
    rest = after_part(as_debt(before), cost, part, on=paid_on)
    return paid.agreement_id, replace(
        covered, interest_from=rest.interest_from, interest_carried_cents=rest.interest_carried_cents
    )


def _kept(i: Instalment) -> tuple[int, int, int, date | None, int, int]:
    return i.n, i.paid_cents, i.forgiven_cents, i.interest_from, i.interest_carried_cents, i.fine_paid_cents


def _debt(row: Mapping[str, Any]) -> Debt:
    return Debt(**{**row, "tags": frozenset(row["tags"])})


def _asked(row: Mapping[str, Any], *, paid_before_cents: int) -> Asked:
    return Asked(
        amount_cents=row["amount_cents"],
        pay_until=row["pay_until"],
        parts=tuple(Part(**part) for part in json.loads(row["parts"])),
        paid_before_cents=paid_before_cents,
        agreement_id=row["agreement_id"],
        instalment_n=row["instalment_n"],
    )


def _owed_agreement(
    agreement_id: int, agreement: AgreementFact, debts: Mapping[int, Debt], paid_on: date
) -> OwedAgreement:
    """An agreement as settling takes it: each open instalment at its cost on the day of the payment."""
    open_ones = [(i, cost_of_instalment(agreement, i, paid_on)) for i in agreement.open_instalments]
    return OwedAgreement(
        agreement_id=agreement_id,
        debt_id=agreement.debt_id,
        total_cents=agreement.total_cents,
        principal_cents=debts[agreement.debt_id].open_principal_cents,
        discount_cents=agreement.discount_cents,
        forgiven_cents=sum(i.forgiven_cents for i in agreement.instalments),
        is_cash=agreement.is_cash,
        instalments=tuple(
            OpenInstalment(
                n=i.n,
                due_on=i.due_on,
                open_cents=i.open_cents,
                fine_cents=cost.fine_cents,
                interest_cents=cost.interest_cents,
                early_cents=early_cents(agreement, i, paid_on),
            )
            for i, cost in open_ones
        ),
    )
