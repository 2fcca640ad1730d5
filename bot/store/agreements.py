"""Offers as they were shown, and the agreements made of them."""

import json
from datetime import date, datetime
from typing import Any

from flows.canonical import seal_of
from flows.negotiation import CashOffer, InstalmentOffer, PromiseOffer, offer_from

# An offer on other dates has the facts of the one that it was made of, and the dates.
SEAL = """
INSERT INTO offer (conversation_id, no, customer_id, debt_id, policy_digest, terms, facts, shown_at, shown_on,
                   honoured_until)
VALUES ($1, $2, $3, $4, $5, $6,
        coalesce((SELECT o.facts FROM offer o WHERE o.conversation_id = $1 AND o.no = $11), '{}') || $7::jsonb,
        $8, $9, $10)
RETURNING terms, facts
"""
LOCK_DEBT = "SELECT state FROM debt WHERE id = $1 AND customer_id = $2 FOR UPDATE"
ACCEPT_OFFER = """
UPDATE offer SET accepted_at = $3
WHERE  conversation_id = $1 AND no = $2 AND debt_id = $4 AND accepted_at IS NULL
RETURNING terms
"""
BEGIN = """
INSERT INTO agreement (conversation_id, offer_no, customer_id, debt_id, total_cents, accepted_at, accepted_by_message,
                       instead_of)
VALUES ($1, $2, $3, $4, $5, $6, $7,
        (SELECT max(id) FROM agreement WHERE debt_id = $4 AND ended_because = 'renegotiated' AND closed_at = $6))
RETURNING id
"""
ADD_INSTALMENTS = """
INSERT INTO instalment (agreement_id, n, due_on, amount_cents)
SELECT $1, * FROM unnest($2::int[], $3::date[], $4::bigint[])
"""
DEBT_AGREED = "UPDATE debt SET state = 'agreed', updated_at = $2 WHERE id = $1 AND state = 'open'"
PROMISE = """
UPDATE debt SET promised_until = $3, promises = promises + (promised_until IS DISTINCT FROM $3)::int, updated_at = $4
WHERE  id = $1 AND customer_id = $2
"""
MOVE = """
UPDATE instalment i SET due_on = $4, moved_from = coalesce(i.moved_from, i.due_on)
FROM   agreement a
WHERE  a.id = i.agreement_id AND a.debt_id = $1 AND a.customer_id = $2 AND a.state = 'active' AND i.n = $3
AND    i.paid_cents + i.forgiven_cents < i.amount_cents
RETURNING a.id
"""
TAKE_BACK_ONE = """
UPDATE charge SET state = 'cancelled'
WHERE  agreement_id = $1 AND instalment_n = $2 AND state IN ('requested', 'active') RETURNING id
"""
OPT = "UPDATE customer SET opted_out_at = $2 WHERE id = $1"


class DebtMoved(Exception):
    """The debt is not open any more (paid or agreed elsewhere); the turn is decided anew on fresh facts."""


async def seal(
    conn: Any,
    *,
    conversation_id: int,
    no: int,
    customer_id: int,
    debt_id: int,
    policy_digest: str,
    terms: str,
    facts: str,
    shown_at: datetime,
    shown_on: date,
    honoured_until: date,
    made_of: int | None = None,
) -> str:
    """Keep an offer as it is shown; with `made_of` its facts add to those of that offer. Return its seal."""
    row = await conn.fetchrow(
        SEAL,
        conversation_id,
        no,
        customer_id,
        debt_id,
        policy_digest,
        terms,
        facts,
        shown_at,
        shown_on,
        honoured_until,
        made_of,
    )
    return seal_of(json.loads(row["terms"]), json.loads(row["facts"]))


async def agree(
    conn: Any, *, conversation_id: int, customer_id: int, offer_no: int, debt_id: int, message_id: str, now: datetime
) -> int:
    """Make the agreement of an offer and return its total in centavos. Raises DebtMoved."""
    if await conn.fetchval(LOCK_DEBT, debt_id, customer_id) != "open":
        raise DebtMoved("the debt of this offer is not open")
    terms = await conn.fetchval(ACCEPT_OFFER, conversation_id, offer_no, now, debt_id)
    if terms is None:
        raise DebtMoved("the offer was accepted before")
    rows = _payments(offer_from(json.loads(terms)))
    total = sum(amount for _, _, amount in rows)
    agreement_id = await conn.fetchval(BEGIN, conversation_id, offer_no, customer_id, debt_id, total, now, message_id)
    await conn.execute(
        ADD_INSTALMENTS, agreement_id, [n for n, _, _ in rows], [d for _, d, _ in rows], [a for _, _, a in rows]
    )
    await conn.execute(DEBT_AGREED, debt_id, now)
    return total


async def promise(conn: Any, *, debt_id: int, customer_id: int, until: date, now: datetime) -> None:
    """Note when the person said they would pay."""
    await conn.execute(PROMISE, debt_id, customer_id, until, now)


async def move(conn: Any, *, debt_id: int, customer_id: int, n: int, due_on: date) -> tuple[int, ...]:
    """Move the day of an instalment that is open. Return the charges that asked for it and have to be taken back.

    Raises DebtMoved where it is paid or the agreement is not in force any more.
    """
    agreement_id = await conn.fetchval(MOVE, debt_id, customer_id, n, due_on)
    if agreement_id is None:
        raise DebtMoved("the instalment is not open any more")
    return tuple(sorted(row["id"] for row in await conn.fetch(TAKE_BACK_ONE, agreement_id, n)))


def _payments(offer: CashOffer | InstalmentOffer | PromiseOffer) -> list[tuple[int, date, int]]:
    """(n, due, centavos) of each payment of an offer."""
    match offer:
        case InstalmentOffer(payments=payments):
            return [(p.n, p.due, p.amount_cents) for p in payments]
        case CashOffer(total_cents=total, pay_until=until):
            return [(1, until, total)]
        case PromiseOffer():
            raise DebtMoved("a promise is no agreement")
