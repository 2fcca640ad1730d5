"""What finance sees of payments: those that wait, why, what they may be for, and what was decided so far.

The proposals are worked out when they are looked at, so that they are of today.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from payments.returns import Place

Why: TypeAlias = Literal["statement", "unknown", "no_charge", "twice", "after", "more"]

WAITING = """
SELECT p.id, p.end_to_end_id, p.txid, p.source, p.amount_cents, p.surplus_cents, p.credit_cents, p.returned_cents,
       p.paid_at, p.allocation <> '[]'::jsonb AS settled_something, p.proposal, p.charge_id, p.customer_id,
       k.name AS customer, k.external_id AS customer_no, c.amount_cents AS charge_cents,
       c.paid_cents AS charge_paid_cents
FROM   payment p
LEFT   JOIN customer k ON k.id = p.customer_id
LEFT   JOIN charge c ON c.id = p.charge_id
WHERE  p.surplus_cents > 0 AND $1 = 'suspense' OR p.credit_cents > 0 AND $1 = 'credit'
ORDER  BY p.paid_at, p.id LIMIT $2
"""
ONE = """
SELECT p.id, p.end_to_end_id, p.txid, p.source, p.amount_cents, p.surplus_cents, p.credit_cents, p.returned_cents,
       p.paid_at, p.allocation <> '[]'::jsonb AS settled_something, p.proposal, p.charge_id, p.customer_id,
       k.name AS customer, k.external_id AS customer_no, c.amount_cents AS charge_cents,
       c.paid_cents AS charge_paid_cents
FROM   payment p
LEFT   JOIN customer k ON k.id = p.customer_id
LEFT   JOIN charge c ON c.id = p.charge_id
WHERE  p.id = $1
"""
DECISIONS = """
SELECT d.payment_id, d.kind, d.taken_from, d.amount_cents, d.note, d.decided_at, u.name AS by_name,
       b.external_id AS debt_no, b.description AS debt, r.status, r.reason, r.refund_id
FROM   payment_decision d
JOIN   app_user u ON u.id = d.by_user
LEFT   JOIN debt b ON b.id = d.debt_id
LEFT   JOIN payment_return r ON r.decision_id = d.id
WHERE  d.payment_id = any($1::bigint[]) ORDER BY d.id
"""
RETURNS = """
SELECT p.id AS payment_id, r.refund_id, r.amount_cents, r.status, r.nature, r.noted_at,
       coalesce(d.taken_from, 'suspense') AS place, r.decision_id IS NOT NULL AS is_ours,
       r.booked_at IS NULL AND r.status <> 'NAO_REALIZADO' AS is_on_its_way
FROM   payment p JOIN payment_return r ON r.end_to_end_id = p.end_to_end_id
LEFT   JOIN payment_decision d ON d.id = r.decision_id
WHERE  p.id = any($1::bigint[]) ORDER BY r.id
"""
# What may be meant, best first: what a statement's line says, the customer's oldest bill, the only charge or the only
# bill of that very amount.
PROPOSALS = """
SELECT p.id AS payment_id, m.reason, d.id, d.external_id, d.description, d.open_principal_cents, k.name,
       k.external_id AS customer_no
FROM   payment p
CROSS  JOIN LATERAL (
    SELECT 1 AS rank, coalesce((p.proposal->>'debt_id')::bigint, (SELECT min(debt_id) FROM charge_debt
                      WHERE charge_id = (p.proposal->>'charge_id')::bigint)) AS debt_id, p.proposal->>'reason' AS reason
    UNION ALL
    (SELECT 2, o.id, 'customer' FROM debt o
     WHERE o.customer_id = p.customer_id AND o.state IN ('open', 'agreed') ORDER BY o.due_on, o.id LIMIT 1)
    UNION ALL
    SELECT 3, min(cd.debt_id), 'charge' FROM charge c
    JOIN   charge_debt cd ON cd.charge_id = c.id JOIN debt o ON o.id = cd.debt_id AND o.state IN ('open', 'agreed')
    WHERE  p.customer_id IS NULL AND c.amount_cents = p.amount_cents HAVING count(DISTINCT cd.debt_id) = 1
    UNION ALL
    SELECT 4, min(o.id), 'bill' FROM debt o
    WHERE  p.customer_id IS NULL AND o.open_principal_cents = p.amount_cents AND o.state IN ('open', 'agreed')
    HAVING count(*) = 1) AS m
JOIN   debt d ON d.id = m.debt_id AND d.state IN ('open', 'agreed')
JOIN   customer k ON k.id = d.customer_id
WHERE  p.id = any($1::bigint[]) ORDER BY p.id, m.rank
"""
SUMS = """
SELECT (SELECT count(*) FROM payment WHERE surplus_cents > 0) AS waiting,
       (SELECT count(*) FROM payment WHERE credit_cents > 0) AS credits,
       (SELECT -coalesce(sum(amount_cents), 0)::bigint FROM ledger_posting
        WHERE account = 'suspense') AS waiting_cents,
       (SELECT -coalesce(sum(amount_cents), 0)::bigint FROM ledger_posting
        WHERE account LIKE 'credit:%') AS credit_cents
"""
# By the creditor's own numbers, by CPF or CNPJ, by the beginning of a name; what is open first.
FIND = """
SELECT d.id, d.external_id, d.description, d.due_on, d.open_principal_cents, d.state, k.id AS customer_id, k.name,
       k.external_id AS customer_no
FROM   debt d JOIN customer k ON k.id = d.customer_id
WHERE  (d.external_id = $1 OR k.external_id = $1 OR k.document = $2 OR starts_with(lower(k.name), lower($1)))
AND    d.state IN ('open', 'agreed')
ORDER  BY k.name, d.due_on, d.id LIMIT $3
"""
FIND_CUSTOMERS = """
SELECT id AS customer_id, name, external_id AS customer_no FROM customer
WHERE  external_id = $1 OR document = $2 OR starts_with(lower(name), lower($1))
OR     id = (SELECT customer_id FROM debt WHERE external_id = $1)
ORDER  BY name, id LIMIT $3
"""

_REASONS = {
    "customer": "The oldest open bill of the same customer",
    "charge": "The only charge of this amount is for it",
    "bill": "The only open bill of this amount",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A debt that a payment may be for, and why."""

    debt_id: int
    debt_no: str
    description: str
    open_principal_cents: int
    customer: str
    customer_no: str
    reason: str  # a msgid


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody decided. `status` and `reason`: how far a return is, and why the bank did not."""

    kind: Literal["allocate", "refund", "credit"]
    taken_from: Place
    amount_cents: int
    note: str
    decided_at: datetime
    by_name: str
    debt_no: str | None
    debt: str | None
    status: str | None
    reason: str | None
    refund_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Money that goes or went back."""

    refund_id: str
    amount_cents: int
    status: str
    nature: str
    noted_at: datetime
    place: Place
    is_on_its_way: bool
    is_ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A payment that waits, with all that is known of it; centavos."""

    id: int
    end_to_end_id: str
    txid: str | None
    source: str
    amount_cents: int
    suspense_cents: int
    credit_cents: int
    returned_cents: int
    paid_at: datetime
    why: Why
    line: str  # of the statement, as the bank wrote it
    customer_id: int | None
    customer: str | None
    customer_no: str | None
    charge_cents: int | None
    proposal: Proposal | None
    decisions: tuple[Decision, ...]
    returns: tuple[Return, ...]

    def free_cents(self, place: Place) -> int:
        """What of it may be decided on."""
        going = sum(r.amount_cents for r in self.returns if r.is_on_its_way and r.place == place)
        return max(0, (self.suspense_cents if place == "suspense" else self.credit_cents) - going)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The bar: how many payments wait or are credit, and what the ledger says of both, in centavos."""

    waiting: int
    credits: int
    waiting_cents: int
    credit_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An open debt that the search found."""

    id: int
    external_id: str
    description: str
    due_on: Any
    open_principal_cents: int
    state: str
    customer_id: int
    name: str
    customer_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCustomer:
    """A customer that the search found."""

    customer_id: int
    name: str
    customer_no: str


async def waiting(conn: Any, place: Place, *, limit: int) -> list[Waiting]:
    """Return the payments of which something waits in this place, oldest first."""
    return await _whole(conn, await conn.fetch(WAITING, place, limit))


async def one(conn: Any, payment_id: int) -> Waiting | None:
    """Return one payment, whether or not something of it waits; None: there is none."""
    found = await _whole(conn, await conn.fetch(ONE, payment_id))
    return found[0] if found else None


async def sums(conn: Any) -> Sums:
    """Return the bar."""
    return Sums(**await conn.fetchrow(SUMS))


async def find(conn: Any, asked: str, *, limit: int) -> tuple[list[Found], list[FoundCustomer]]:
    """Return open debts and customers by what somebody typed: a number of the creditor's, a CPF or CNPJ, a name."""
    asked = asked.strip()
    digits = "".join(c for c in asked if c.isdecimal())
    debts = [Found(**row) for row in await conn.fetch(FIND, asked, digits, limit)]
    return debts, [FoundCustomer(**row) for row in await conn.fetch(FIND_CUSTOMERS, asked, digits, limit)]


async def _whole(conn: Any, rows: Sequence[Mapping[str, Any]]) -> list[Waiting]:
    ids = [row["id"] for row in rows]
    proposals: dict[int, Proposal] = {}
    for row in await conn.fetch(PROPOSALS, ids):
        proposals.setdefault(row["payment_id"], _proposal(row))
    decisions: dict[int, list[Decision]] = defaultdict(list)
    for row in await conn.fetch(DECISIONS, ids):
        fields = dict(row)
        decisions[fields.pop("payment_id")].append(Decision(**fields))
    returns: dict[int, list[Return]] = defaultdict(list)
    for row in await conn.fetch(RETURNS, ids):
        fields = dict(row)
        returns[fields.pop("payment_id")].append(Return(**fields))
    return [
        Waiting(
            id=row["id"],
            end_to_end_id=row["end_to_end_id"],
            txid=row["txid"],
            source=row["source"],
            amount_cents=row["amount_cents"],
            suspense_cents=row["surplus_cents"],
            credit_cents=row["credit_cents"],
            returned_cents=row["returned_cents"],
            paid_at=row["paid_at"],
            why=_why(row),
            line=str(json.loads(row["proposal"] or "{}").get("text", "")),
            customer_id=row["customer_id"],
            customer=row["customer"],
            customer_no=row["customer_no"],
            charge_cents=row["charge_cents"],
            proposal=proposals.get(row["id"]),
            decisions=tuple(decisions[row["id"]]),
            returns=tuple(returns[row["id"]]),
        )
        for row in rows
    ]


def _proposal(row: Mapping[str, Any]) -> Proposal:
    return Proposal(
        debt_id=row["id"],
        debt_no=row["external_id"],
        description=row["description"],
        open_principal_cents=row["open_principal_cents"],
        customer=row["name"],
        customer_no=row["customer_no"],
        reason=_REASONS.get(row["reason"], row["reason"] or ""),
    )


def _why(row: Mapping[str, Any]) -> Why:
    if row["settled_something"]:
        return "more"
    if row["source"] == "statement":
        return "statement"
    if row["charge_id"] is None:
        return "no_charge" if row["customer_id"] is not None else "unknown"
    return "twice" if row["charge_paid_cents"] > row["amount_cents"] else "after"
