"""Money that goes back: noted as the bank tells it, and booked once, under the locks of what it touches.

Lock order: conversation (the turn's), debt, payment. A return is told in any order and more than once; what counts is
that the money did go back.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any, cast

from bot.store import bookings, ledger
from bot.store.agreements import DebtMoved
from bot.store.facts import agreement_fact
from flows.costs import cost_of
from flows.events import PaymentReturned
from flows.facts import AgreementFact, CostOfDebt, Debt, Instalment, Returned
from flows.given_back import after_return, instalment_after_return
from flows.instalments import cost_of_instalment
from payments.late_charges import Terms
from payments.returns import Closing, Line, OwedAgain, Place, Standing, TakenBack, take_back
from payments.settlement import DebtPaid, InstalmentPaid

# How far a return is never goes back: asked for, on its way, not done, done.
NOTE = """
INSERT INTO payment_return AS known (end_to_end_id, refund_id, amount_cents, status, nature, noted_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (end_to_end_id, refund_id) DO UPDATE SET status = EXCLUDED.status, nature = EXCLUDED.nature
WHERE  array_position($7::text[], EXCLUDED.status) > array_position($7::text[], known.status)
AND    EXCLUDED.amount_cents = known.amount_cents
"""
_FAR = ["REQUESTED", "EM_PROCESSAMENTO", "NAO_REALIZADO", "DEVOLVIDO"]
GONE = """
SELECT end_to_end_id, refund_id, amount_cents, nature FROM payment_return
WHERE  end_to_end_id = any($1::text[]) AND status = 'DEVOLVIDO' AND booked_at IS NULL ORDER BY id
"""
ON_THEIR_WAY = """
SELECT DISTINCT r.end_to_end_id FROM payment_return r
JOIN   payment p ON p.end_to_end_id = r.end_to_end_id AND p.source <> 'statement'
WHERE  r.status IN ('REQUESTED', 'EM_PROCESSAMENTO') LIMIT $1
"""
WEEKS = """
SELECT DISTINCT date_trunc('week', paid_at, 'UTC') AS monday FROM payment
WHERE  paid_at >= $1 AND paid_at < $2 AND returned_cents < amount_cents AND source <> 'statement' ORDER BY 1
"""
HOME = """
SELECT coalesce(c.conversation_id, (SELECT max(v.id) FROM conversation v WHERE v.customer_id = p.customer_id))
FROM   payment p LEFT JOIN charge c ON c.id = p.charge_id WHERE p.end_to_end_id = $1
"""
PAYMENT = """
SELECT id, charge_id, customer_id, surplus_cents, credit_cents, allocation, paid_at
FROM   payment WHERE end_to_end_id = $1
"""
LOCK_PAYMENT = """
SELECT id, charge_id, customer_id, surplus_cents, credit_cents, allocation, paid_at
FROM   payment WHERE end_to_end_id = $1
FOR    UPDATE
"""
RETURN = """
SELECT r.id, r.amount_cents, r.nature, r.status, r.booked_at, d.taken_from
FROM   payment_return r LEFT JOIN payment_decision d ON d.id = r.decision_id
WHERE  r.end_to_end_id = $1 AND r.refund_id = $2
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
WHERE  a.id = any($1::bigint[])
"""
# What was left of the principal when the agreement closed its debt: the last that was taken off by money.
CLOSED_WITH = """
SELECT -p.amount_cents
FROM   agreement a
JOIN   ledger_posting p ON p.account = 'debt:' || a.debt_id AND p.amount_cents < 0
JOIN   ledger_transaction t ON t.id = p.transaction_id AND t.booked_at <= a.closed_at
WHERE  a.id = $1 AND (t.key LIKE 'pix:%' OR t.key LIKE 'decision:%')
ORDER  BY t.id DESC LIMIT 1
"""
LOCK_DEBTS = """
SELECT id, external_id, description, principal_cents, open_principal_cents, due_on, tags, state,
       interest_from, interest_carried_cents, fine_paid_cents, promised_until, promises
FROM   debt WHERE id = any($1::bigint[]) ORDER BY id FOR UPDATE
"""
TAKE_FROM_PAYMENT = """
UPDATE payment SET surplus_cents = $2, credit_cents = $3, returned_cents = returned_cents + $4, allocation = $5
WHERE  id = $1
"""
TAKE_FROM_CHARGE = "UPDATE charge SET paid_cents = greatest(0, paid_cents - $2) WHERE id = $1"
BOOKED = "UPDATE payment_return SET booked_at = $2, undone = $3 WHERE id = $1"
DEBT_AGAIN = """
UPDATE debt SET state = $2, open_principal_cents = $3, interest_from = $4, interest_carried_cents = $5,
                fine_paid_cents = $6, settled_at = NULL, updated_at = $7
WHERE  id = $1
"""
AGREEMENTS_AGAIN = """
UPDATE agreement SET state = 'active', ended_because = NULL, closed_at = NULL WHERE id = any($1::bigint[])
"""
AGREEMENTS_UNDONE = """
UPDATE agreement SET state = 'broken', ended_because = 'returned', closed_at = $2 WHERE id = any($1::bigint[])
"""


REQUESTED = """
SELECT end_to_end_id, refund_id, amount_cents FROM payment_return WHERE id = $1 AND status = 'REQUESTED'
"""
REFUSE = """
UPDATE payment_return SET status = 'NAO_REALIZADO', reason = $3
WHERE  end_to_end_id = $1 AND refund_id = $2 AND status = 'REQUESTED'
"""


class PaymentNotThere(Exception):
    """A return was told and its payment is not booked yet; try again later."""


class MoreThanWasPaid(Exception):
    """The bank says that more went back than there was. A person has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A return that finance decided and the provider has not heard of, or not answered yet."""

    end_to_end_id: str
    refund_id: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a return will do, before it is done: `told` is for the dialogue, the rest is what is booked."""

    key: str
    return_id: int
    payment_id: int
    charge_id: int | None
    customer_id: int | None
    work: TakenBack
    told: Returned
    debts: tuple[Debt, ...]
    instalments: tuple[tuple[int, Instalment], ...]  # by agreement


async def note(
    conn: Any, *, end_to_end_id: str, refund_id: str, amount_cents: int, status: str, nature: str, now: datetime
) -> None:
    """Note how far a return is, as the bank tells it: later news never overwrites what is further."""
    await conn.execute(NOTE, end_to_end_id, refund_id, amount_cents, status, nature, now, _FAR)


async def gone(conn: Any, end_to_end_ids: Sequence[str]) -> list[PaymentReturned]:
    """Return what went back of these payments and is not booked, in the order in which it was told first."""
    return [PaymentReturned(**row) for row in await conn.fetch(GONE, list(end_to_end_ids))]


async def on_their_way(conn: Any, *, limit: int) -> list[str]:
    """Return the payments of which money is on its way back, at most so many."""
    return [row["end_to_end_id"] for row in await conn.fetch(ON_THEIR_WAY, limit)]


async def weeks(conn: Any, *, since: datetime, until: datetime) -> list[datetime]:
    """Return the Mondays (UTC) of the weeks in which payments came of which money may still go back."""
    return [row["monday"] for row in await conn.fetch(WEEKS, since, until)]


async def requested(conn: Any, return_id: int) -> Requested | None:
    """Return what the provider is to be asked for; None: it is known what became of it."""
    row = await conn.fetchrow(REQUESTED, return_id)
    return Requested(**row) if row is not None else None


async def refuse(conn: Any, wanted: Requested, reason: str) -> None:
    """The provider's final no: the money is free again. `reason` is a word of its own."""
    await conn.execute(REFUSE, wanted.end_to_end_id, wanted.refund_id, reason)


async def home(conn: Any, end_to_end_id: str) -> int | None:
    """Return the conversation of a payment that is booked: its charge's, or its customer's newest; None: there is
    none."""
    conversation_id: int | None = await conn.fetchval(HOME, end_to_end_id)
    return conversation_id


async def plan(
    conn: Any, *, end_to_end_id: str, refund_id: str, terms: Terms, zone: tzinfo, now: datetime
) -> Plan | None:
    """Work out what a return does, under locks; None where it is booked already, or the money did not go back.

    `terms` are those of the policy in force, `zone` the creditor's. Raises PaymentNotThere, MoreThanWasPaid, and
    DebtMoved where the payment was touched meanwhile: the turn is decided anew.
    """
    told = await conn.fetchrow(RETURN, end_to_end_id, refund_id)
    before = await conn.fetchrow(PAYMENT, end_to_end_id)
    if told is None or told["status"] != "DEVOLVIDO":
        return None
    if before is None:
        raise PaymentNotThere("the payment of a return is not booked yet")
    agreements = await _agreements(conn, _lines(before))
    debt_ids = _debts_of(_lines(before), agreements)
    debts = {row["id"]: _debt(row) for row in await conn.fetch(LOCK_DEBTS, debt_ids)}
    payment = await conn.fetchrow(LOCK_PAYMENT, end_to_end_id)
    told = await conn.fetchrow(RETURN, end_to_end_id, refund_id)
    if told["booked_at"] is not None:
        return None
    agreements = await _agreements(conn, _lines(payment))  # under the locks of their debts
    if _debts_of(_lines(payment), agreements) != debt_ids:
        raise DebtMoved("the payment was decided on meanwhile")
    work = _work(payment, told, await _closings(conn, agreements, debts), debts)
    changes = _Changes(
        debts, agreements, terms, now.astimezone(zone).date(), payment["paid_at"].astimezone(zone).date()
    )
    for line in work.undone:
        changes.undo(line)
    for again in work.owed_again:
        changes.owe(again)
    changes.reopen(tuple(c.debt_id for c in work.reopened), {c.debt_id: c.principal_cents for c in work.reopened})
    return Plan(
        key=f"return:{end_to_end_id}:{refund_id}",
        return_id=told["id"],
        payment_id=payment["id"],
        charge_id=payment["charge_id"],
        customer_id=payment["customer_id"],
        work=work,
        told=Returned(
            amount_cents=told["amount_cents"],
            paid_on=payment["paid_at"].astimezone(zone).date(),
            nature=told["nature"],
            ours=told["taken_from"] is not None,
            open_cents=changes.open_again_cents(),
            agreements=tuple(sorted({a.debt_id for k, a in agreements.items() if changes.stands(k, work)})),
            is_uncovered=any(isinstance(i, DebtPaid) and debts[i.debt_id].state == "agreed" for i in work.undone),
        ),
        debts=tuple(changes.debts[k] for k in sorted(changes.touched)),
        instalments=tuple((k, i) for (k, _), i in sorted(changes.instalments.items(), key=lambda item: item[0])),
    )


async def book(conn: Any, planned: Plan, *, now: datetime) -> None:
    """Write a return: payment, ledger, and what is owed again."""
    work = planned.work
    if not await ledger.post(conn, key=planned.key, postings=work.postings, now=now):
        return
    await conn.execute(
        TAKE_FROM_PAYMENT, planned.payment_id, work.left.surplus_cents, work.left.credit_cents, work.amount_cents,
        _json(work.left.lines),
    )  # fmt: skip
    await conn.execute(BOOKED, planned.return_id, now, _json(work.undone))
    if planned.charge_id is not None:
        await conn.execute(TAKE_FROM_CHARGE, planned.charge_id, work.amount_cents)
    for debt in planned.debts:
        await conn.execute(
            DEBT_AGAIN, debt.id, debt.state, debt.open_principal_cents, debt.interest_from, debt.interest_carried_cents,
            debt.fine_paid_cents, now,
        )  # fmt: skip
    if planned.instalments:
        await bookings.write_instalments(conn, planned.instalments)
    await conn.execute(AGREEMENTS_AGAIN, [c.agreement_id for c in work.reopened])
    await conn.execute(AGREEMENTS_UNDONE, [o.agreement_id for o in work.owed_again if o.whole], now)


class _Changes:
    """Debts and instalments as they are after the return, one undone line after the other."""

    def __init__(
        self,
        debts: Mapping[int, Debt],
        agreements: Mapping[int, AgreementFact],
        terms: Terms,
        today: date,
        paid_on: date,
    ) -> None:
        self.debts = dict(debts)
        self.touched: set[int] = set()
        self.instalments: dict[tuple[int, int], Instalment] = {}
        self._before, self._agreements = debts, agreements
        self._terms, self._today, self._paid_on = terms, today, paid_on

    def undo(self, line: Line) -> None:
        if isinstance(line, DebtPaid):
            back = CostOfDebt(
                debt_id=line.debt_id,
                principal_cents=line.principal_cents,
                fine_cents=line.fine_cents,
                interest_cents=line.interest_cents,
            )
            self._reopen(line.debt_id, back)
            return
        agreement = self._agreements[line.agreement_id]
        if agreement.is_cash and agreement.state == "settled":
            return  # what is owed again of it is owed on its debt
        key = line.agreement_id, line.n
        before = self.instalments.get(key) or next(i for i in agreement.instalments if i.n == line.n)
        self.instalments[key] = instalment_after_return(agreement, before, line, self._today)

    def owe(self, again: OwedAgain) -> None:
        """On the debt of an agreement in cash; all of it as it was on the day of the payment."""
        back = CostOfDebt(
            debt_id=again.debt_id, principal_cents=again.principal_cents, interest_cents=again.beyond_cents
        )
        if again.whole:
            was = replace(self.debts[again.debt_id], state="open", open_principal_cents=again.principal_cents)
            back = cost_of(was, self._paid_on, self._terms)
        self._reopen(again.debt_id, back)

    def reopen(self, debt_ids: Sequence[int], principals: Mapping[int, int]) -> None:
        """Debts whose agreements are in force again."""
        for debt_id in debt_ids:
            debt = self.debts[debt_id]
            if debt.state != "cancelled":
                open_cents = debt.open_principal_cents + principals[debt_id]
                self.debts[debt_id] = replace(debt, state="agreed", open_principal_cents=open_cents)
                self.touched.add(debt_id)

    def open_again_cents(self) -> int:
        """What is owed today that was not owed before."""
        owed = sum(self._cost(self.debts[k]) - self._cost(self._before[k]) for k in self.touched)
        for (agreement_id, n), after in self.instalments.items():
            agreement = self._agreements[agreement_id]
            before = next(i for i in agreement.instalments if i.n == n)
            owed += self._cost_of_instalment(agreement, after) - self._cost_of_instalment(agreement, before)
        return owed

    def stands(self, agreement_id: int, work: TakenBack) -> bool:
        """Whether something is owed again under this agreement."""
        return any(k == agreement_id for k, _ in self.instalments) or any(
            c.agreement_id == agreement_id for c in work.reopened
        )

    def _reopen(self, debt_id: int, back: CostOfDebt) -> None:
        debt = self.debts[debt_id]
        if debt.state != "cancelled":
            self.debts[debt_id] = after_return(debt, back, on=self._today, terms=self._terms)
            self.touched.add(debt_id)

    def _cost(self, debt: Debt) -> int:
        is_owed = debt.state == "open" and debt.open_principal_cents
        return cost_of(debt, self._today, self._terms).total_cents if is_owed else 0

    def _cost_of_instalment(self, agreement: AgreementFact, instalment: Instalment) -> int:
        return cost_of_instalment(agreement, instalment, self._today).total_cents if instalment.open_cents else 0


def _work(
    payment: Mapping[str, Any], told: Mapping[str, Any], closed: Mapping[int, Closing], debts: Mapping[int, Debt]
) -> TakenBack:
    standing = Standing(
        surplus_cents=payment["surplus_cents"],
        credit_cents=payment["credit_cents"],
        lines=tuple(_lines(payment)),
        customer_id=payment["customer_id"],
    )
    if told["amount_cents"] > standing.kept_cents:
        raise MoreThanWasPaid("more went back than was left of the payment")
    return take_back(
        standing,
        told["amount_cents"],
        closed=closed,
        cancelled=frozenset(d.id for d in debts.values() if d.state == "cancelled"),
        first=cast(Place, told["taken_from"] or "suspense"),
    )


async def _closings(
    conn: Any, agreements: Mapping[int, AgreementFact], debts: Mapping[int, Debt]
) -> dict[int, Closing]:
    found = {}
    for agreement_id, agreement in agreements.items():
        if agreement.state != "settled":
            continue
        received = sum(i.paid_cents for i in agreement.instalments)
        principal = await conn.fetchval(CLOSED_WITH, agreement_id)
        found[agreement_id] = Closing(
            agreement_id=agreement_id,
            debt_id=agreement.debt_id,
            received_cents=received,
            principal_cents=principal,
            discount_cents=max(agreement.discount_cents, principal - received),
            open_cents=min(principal, debts[agreement.debt_id].open_principal_cents),
            is_cash=agreement.is_cash,
        )
    return found


async def _agreements(conn: Any, lines: Sequence[Line]) -> dict[int, AgreementFact]:
    ids = sorted({line.agreement_id for line in lines if isinstance(line, InstalmentPaid)})
    return {row["id"]: agreement_fact(row) for row in await conn.fetch(AGREEMENTS, ids)} if ids else {}


def _debts_of(lines: Sequence[Line], agreements: Mapping[int, AgreementFact]) -> list[int]:
    return sorted(
        {line.debt_id for line in lines if isinstance(line, DebtPaid)} | {a.debt_id for a in agreements.values()}
    )


def _lines(payment: Mapping[str, Any]) -> list[Line]:
    parts = json.loads(payment["allocation"])
    return [DebtPaid(**part) if "debt_id" in part else InstalmentPaid(**part) for part in parts]


def _json(lines: Sequence[Line]) -> str:
    return json.dumps([asdict(line) for line in lines])


def _debt(row: Mapping[str, Any]) -> Debt:
    return Debt(**{**row, "tags": frozenset(row["tags"])})
