"""Payments: working out what those of a batch settle, under the locks of their debts.

Everything is read in five statements for all of them. What each does is written by `bot.store.bookings`, in the same
transaction. Lock order: conversation (the turn's), debt, charge.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from typing import Any

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

BOOKED = "SELECT end_to_end_id FROM payment WHERE end_to_end_id = any($1::text[])"
CHARGES = """
SELECT c.id, c.conversation_id, c.customer_id, c.amount_cents, c.pay_until, c.parts, c.agreement_id, c.instalment_n,
       c.created_at, ARRAY(SELECT debt_id FROM charge_debt WHERE charge_id = c.id) AS debt_ids
FROM   unnest($1::bigint[], $2::int[]) AS paid(conversation_id, no)
JOIN   charge c ON c.conversation_id = paid.conversation_id AND c.no = paid.no
"""
# Before the charges: lock order conversation, debt, charge; and of each kind in the order of their ids.
LOCK_DEBTS = """
SELECT id, external_id, description, principal_cents, open_principal_cents, due_on, tags, state,
       interest_from, interest_carried_cents, fine_paid_cents, promised_until, promises
FROM   debt WHERE id = any($1::bigint[]) ORDER BY id FOR UPDATE
"""
LOCK_CHARGES = "SELECT id, paid_cents FROM charge WHERE id = any($1::bigint[]) ORDER BY id FOR UPDATE"
PAID_SINCE = """
SELECT DISTINCT asked.charge_id, (part->>'debt_id')::bigint AS debt_id
FROM   unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS asked(charge_id, customer_id, created_at)
JOIN   payment p ON p.customer_id = asked.customer_id AND p.booked_at > asked.created_at
CROSS  JOIN jsonb_array_elements(p.allocation) AS part
WHERE  part ? 'debt_id'
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A payment that was confirmed, with what is known in the conversation that it came to."""

    conversation_id: int
    event: PaymentConfirmed
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a confirmed payment will do, before it is done: `settlement` tells the dialogue, the rest is what is booked.

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
    debts_agreed: tuple[int, ...] = ()  # those whose agreements something was paid on


async def settlements_for(conn: Any, payments: Sequence[Confirmed], *, zone: tzinfo) -> dict[int, tuple[Plan, Facts]]:
    """Work out what payments settle, on locked rows, of one conversation one payment each.

    Return the plans by conversation, with the facts and what the dialogue has to know of it in them. A payment that
    meets what another one before it changes (the same customer pays in two chats) is left out: ask again when the
    others are booked. The first is never left out.

    `zone` is the creditor's: a payment belongs to the local day on which the bank settled it. The facts' debts and
    charges stay those of before the payment. Where the chat is another customer's by now, the facts know nothing of it.
    """
    booked = {row["end_to_end_id"] for row in await conn.fetch(BOOKED, [p.event.end_to_end_id for p in payments])}
    asked = await conn.fetch(CHARGES, [p.conversation_id for p in payments], [p.event.charge_no for p in payments])
    charges = {row["conversation_id"]: row for row in asked}
    apart = _apart(payments, charges)
    read = await _read(conn, [charges[p.conversation_id] for p in apart if p.conversation_id in charges])
    planned: dict[int, tuple[Plan, Facts]] = {}
    for payment in apart:
        customer = payment.facts.customer
        plan = _plan(
            payment,
            charges.get(payment.conversation_id),
            read,
            again=payment.event.end_to_end_id in booked,
            paid_on=payment.event.paid_at.astimezone(zone).date(),
        )
        present = customer.customer_id if customer is not None else plan.customer_id
        told = plan.settlement if present == plan.customer_id else None
        planned[payment.conversation_id] = plan, replace(payment.facts, settlement=told)
    return planned


async def settlement_of_found(
    conn: Any, event: PaymentConfirmed, *, debt_id: int, customer_id: int, facts: Facts, zone: tzinfo
) -> Plan:
    """Work out what money that people found to be for a debt settles of it, on locked rows: at its cost on the day of
    the payment, or instalment by instalment of the agreement in its place."""
    paid_on = event.paid_at.astimezone(zone).date()
    as_asked = {
        "id": 0, "customer_id": customer_id, "debt_ids": [debt_id], "amount_cents": event.amount_cents,
        "pay_until": paid_on, "parts": "[]", "agreement_id": None, "instalment_n": None, "created_at": facts.now,
    }  # fmt: skip
    read = replace(await _read(conn, [as_asked]), paid_before_cents={0: 0})
    found = Confirmed(conversation_id=0, event=event, facts=facts)
    return replace(_plan(found, as_asked, read, again=False, paid_on=paid_on), charge_id=None)


def _apart(payments: Sequence[Confirmed], charges: Mapping[int, Mapping[str, Any]]) -> list[Confirmed]:
    """Those of the payments that have nothing in common with the ones before them: no payment, customer or debt."""
    met: set[tuple[str, str | int]] = set()
    apart: list[Confirmed] = []
    for payment in payments:
        touched: set[tuple[str, str | int]] = {("payment", payment.event.end_to_end_id)}
        if (row := charges.get(payment.conversation_id)) is not None:
            touched |= {("customer", row["customer_id"]), *(("debt", debt_id) for debt_id in row["debt_ids"])}
        if not touched & met:
            apart.append(payment)
        met |= touched
    return apart


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What the charges of a batch meet, under their locks."""

    debts: Mapping[int, Debt]
    paid_before_cents: Mapping[int, int]  # by charge
    moved: Mapping[int, set[int]]  # by charge: the debts on which something was paid since it was made
    agreements: Mapping[int, Mapping[int, AgreementFact]]  # by debt, by their ids


async def _read(conn: Any, charges: Sequence[Mapping[str, Any]]) -> _Read:
    debts, paid_before_cents = {}, {}
    moved: dict[int, set[int]] = defaultdict(set)
    agreements: dict[int, dict[int, AgreementFact]] = defaultdict(dict)
    if charges:
        ids = sorted({debt_id for row in charges for debt_id in row["debt_ids"]})
        debts = {row["id"]: _debt(row) for row in await conn.fetch(LOCK_DEBTS, ids)}
        asked = [row["id"] for row in charges]
        paid_before_cents = {row["id"]: row["paid_cents"] for row in await conn.fetch(LOCK_CHARGES, asked)}
        customers, made = [row["customer_id"] for row in charges], [row["created_at"] for row in charges]
        for row in await conn.fetch(PAID_SINCE, asked, customers, made):
            moved[row["charge_id"]].add(row["debt_id"])
        for row in await conn.fetch(AGREEMENTS, ids):
            agreements[row["debt_id"]][row["id"]] = agreement_fact(row)
    return _Read(debts=debts, paid_before_cents=paid_before_cents, moved=moved, agreements=agreements)


def _plan(payment: Confirmed, charge: Mapping[str, Any] | None, read: _Read, *, again: bool, paid_on: date) -> Plan:
    event, facts = payment.event, payment.facts
    customer_id = facts.customer.customer_id if facts.customer is not None else None
    if again:
        told = Settlement(amount_cents=event.amount_cents, again=True)
        return Plan(event=event, settlement=told, work=None, customer_id=customer_id)
    if charge is None:  # money of this customer, and nobody knows for what
        work = settle(event.amount_cents, paid_on=paid_on, asked=None)
        told = Settlement(amount_cents=event.amount_cents, surplus_cents=work.surplus_cents, known_charge=False)
        return Plan(event=event, settlement=told, work=work, customer_id=customer_id)
    held = _held(charge, read, facts, paid_on)
    work = settle(
        event.amount_cents,
        paid_on=paid_on,
        asked=held.asked,
        debts=[_owed(cost, held) for cost in held.costs.values()],
        agreements=tuple(_owed_agreement(k, fact, held.debts, paid_on) for k, fact in held.agreements.items()),
        order=held.order,
    )
    settled = {d.debt_id for d in work.debts if d.settled} | {a.debt_id for a in work.settled_agreements}
    after = tuple(_after(held, d, paid_on) for d in work.debts if not d.settled)
    return Plan(
        event=event,
        settlement=_told(held, work, settled, after, on=max(facts.today, paid_on)),
        work=work,
        charge_id=charge["id"],
        customer_id=charge["customer_id"],
        debts_after=after,
        instalments_after=tuple(_instalment_after(held, i, paid_on) for i in work.instalments),
        debts_settled=tuple(sorted(settled)),
        debts_reopened=tuple(held.agreements[k].debt_id for k in work.broken_agreements),
        debts_agreed=tuple(sorted({held.agreements[i.agreement_id].debt_id for i in work.instalments})),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What one payment meets: what was asked for, and what of it is not settled yet."""

    asked: Asked
    debts: Mapping[int, Debt]
    costs: Mapping[int, CostOfDebt]  # on the day of the payment
    moved: frozenset[int]  # debts on which something was paid since the charge was made
    agreements: Mapping[int, AgreementFact]  # by their ids
    terms: Terms
    order: Order


def _held(charge: Mapping[str, Any], read: _Read, facts: Facts, paid_on: date) -> _Held:
    terms = facts.policy.policy.terms if facts.policy is not None else NO_LATE_CHARGES
    asked_for = [read.debts[debt_id] for debt_id in sorted(charge["debt_ids"])]
    debts = {d.id: d for d in asked_for if d.state in ("open", "agreed") and d.open_principal_cents > 0}
    agreements = [pair for debt_id in debts for pair in read.agreements.get(debt_id, {}).items()]
    return _Held(
        asked=_asked(charge, paid_before_cents=read.paid_before_cents[charge["id"]]),
        debts=debts,
        costs={d.id: cost_of(d, paid_on, terms) for d in debts.values()},
        moved=frozenset(read.moved.get(charge["id"], ())),
        agreements=dict(sorted(agreements)),
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
    return after_part(held.debts[paid.debt_id], held.costs[paid.debt_id], part, on=paid_on, terms=held.terms)


def _instalment_after(held: _Held, paid: InstalmentPaid, paid_on: date) -> tuple[int, Instalment]:
    """An instalment on which something was paid, with the agreement it is of."""
    agreement = held.agreements[paid.agreement_id]
    before = next(i for i in agreement.instalments if i.n == paid.n)
    covered = replace(
        before,
        paid_cents=before.paid_cents + paid.amount_cents,
        forgiven_cents=before.forgiven_cents + paid.discount_cents,
    )
    if not covered.open_cents:
        fine_paid_cents = before.fine_paid_cents + paid.fine_cents
        return paid.agreement_id, replace(covered, interest_carried_cents=0, fine_paid_cents=fine_paid_cents)
    cost = cost_of_instalment(agreement, before, paid_on)
    part = replace(
        cost, principal_cents=paid.amount_cents, fine_cents=paid.fine_cents, interest_cents=paid.interest_cents
    )
    rest = after_part(as_debt(before), cost, part, on=paid_on, terms=agreement.life.late)
    return paid.agreement_id, replace(
        covered,
        interest_from=rest.interest_from,
        interest_carried_cents=rest.interest_carried_cents,
        fine_paid_cents=rest.fine_paid_cents,
    )


def _owed(cost: CostOfDebt, held: _Held) -> Owed:
    """A debt as settling takes it, at its cost on the day of the payment."""
    return Owed(
        debt_id=cost.debt_id,
        due_on=held.debts[cost.debt_id].due_on,
        principal_cents=cost.principal_cents,
        fine_cents=cost.fine_cents,
        interest_cents=cost.interest_cents,
        moved=cost.debt_id in held.moved,
    )


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
