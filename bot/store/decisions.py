"""Finance's decisions on payments: who decided what, when, on how much, each under the key of its form, once.

Lock order: conversation, debt, payment. What money is free is read under the payment's lock: what is on its way back is
not.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from bot.store import ledger
from payments.ledger import BANK, SUSPENSE, Posting, balanced, credit_account
from payments.returns import Place
from payments.settlement import Settlement

Kind = Literal["allocate", "refund", "credit"]

LOCK_CONVERSATION = """
SELECT id FROM conversation WHERE id = (SELECT max(id) FROM conversation WHERE customer_id = $1) FOR NO KEY UPDATE
"""
IS_CUSTOMER = "SELECT id FROM customer WHERE id = $1"
OWNER = "SELECT customer_id, description FROM debt WHERE id = $1"
LOCK_DEBT = "SELECT id FROM debt WHERE id = $1 FOR UPDATE"
LOCK_PAYMENT = """
SELECT id, end_to_end_id, txid, source, customer_id, amount_cents, surplus_cents, credit_cents, paid_at,
       allocation = '[]'::jsonb AS settled_nothing
FROM   payment WHERE id = $1 FOR UPDATE
"""
ON_THEIR_WAY = """
SELECT coalesce(d.taken_from, 'suspense') AS place, sum(r.amount_cents)::bigint AS cents
FROM   payment_return r LEFT JOIN payment_decision d ON d.id = r.decision_id
WHERE  r.end_to_end_id = $1 AND r.booked_at IS NULL AND r.status <> 'NAO_REALIZADO' GROUP BY 1
"""
DECIDED = "SELECT id FROM payment_decision WHERE form_key = $1"
DECIDE = """
INSERT INTO payment_decision (payment_id, form_key, kind, taken_from, amount_cents, debt_id, customer_id, by_user, note,
                              decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (form_key) DO NOTHING RETURNING id
"""
TAKE = """
UPDATE payment SET surplus_cents = surplus_cents - CASE WHEN $2 = 'suspense' THEN $3::bigint ELSE 0 END,
                   credit_cents = credit_cents - CASE WHEN $2 = 'credit' THEN $3::bigint ELSE 0 END + $4,
                   customer_id = $5, allocation = allocation || $6::jsonb
WHERE  id = $1
"""
# What asks for what is settled now is taken back at the provider, too.
TAKE_BACK = """
INSERT INTO outbox (conversation_id, decision_key, kind, purpose, body, epoch, created_at)
SELECT c.conversation_id, 'decision:' || $1::bigint || ':' || c.id, 'cancel_charge', 'engine',
       jsonb_build_object('charge_id', c.id), v.epoch, $3
FROM   charge c JOIN conversation v ON v.id = c.conversation_id WHERE c.id = any($2::bigint[])
"""
ASK_FOR_RETURN = """
INSERT INTO payment_return (end_to_end_id, refund_id, amount_cents, status, decision_id, noted_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (end_to_end_id, refund_id) DO NOTHING RETURNING id
"""
ASK_PROVIDER = """
INSERT INTO outbox (decision_key, kind, purpose, body, epoch, created_at)
VALUES ('decision:' || $1::bigint, 'refund', 'engine', jsonb_build_object('return_id', $2::bigint), 0, $3)
"""
KNOWN_RETURN = "SELECT true FROM payment_return WHERE end_to_end_id = $1 AND refund_id = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A payment under its lock, with what of it may be decided on; centavos."""

    id: int
    end_to_end_id: str
    txid: str | None
    source: str
    customer_id: int | None
    amount_cents: int
    paid_at: datetime
    suspense_cents: int
    credit_cents: int
    is_free: bool  # nothing of it is anybody's yet: it may be another customer's than was thought

    def free_cents(self, place: Place) -> int:
        """What of it may be decided on."""
        return self.suspense_cents if place == "suspense" else self.credit_cents

    def may_be_of(self, customer_id: int) -> bool:
        """Whether its money may go to this customer."""
        return self.customer_id == customer_id or self.is_free


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Whose decision it is: the user, what they wrote with it, the key of their form, and when."""

    user_id: int
    note: str
    form_key: str
    now: datetime


async def owner(conn: Any, debt_id: int) -> tuple[int, str] | None:
    """Return whose debt it is, and what for; None: there is none."""
    row = await conn.fetchrow(OWNER, debt_id)
    return (row["customer_id"], row["description"]) if row is not None else None


async def is_customer(conn: Any, customer_id: int) -> bool:
    """Return whether there is such a customer."""
    return await conn.fetchval(IS_CUSTOMER, customer_id) is not None


async def lock_conversation(conn: Any, customer_id: int) -> int | None:
    """Lock the newest conversation of a customer and return it; None: there is none."""
    conversation_id: int | None = await conn.fetchval(LOCK_CONVERSATION, customer_id)
    return conversation_id


async def lock_debt(conn: Any, debt_id: int) -> None:
    """Lock a debt, before its payment."""
    await conn.fetchrow(LOCK_DEBT, debt_id)


async def hold(conn: Any, payment_id: int) -> Held | None:
    """Lock a payment and return what is free of it; None: there is none."""
    row = await conn.fetchrow(LOCK_PAYMENT, payment_id)
    if row is None:
        return None
    going = {r["place"]: r["cents"] for r in await conn.fetch(ON_THEIR_WAY, row["end_to_end_id"])}
    return Held(
        id=row["id"],
        end_to_end_id=row["end_to_end_id"],
        txid=row["txid"],
        source=row["source"],
        customer_id=row["customer_id"],
        amount_cents=row["amount_cents"],
        paid_at=row["paid_at"],
        suspense_cents=max(0, row["surplus_cents"] - going.get("suspense", 0)),
        credit_cents=max(0, row["credit_cents"] - going.get("credit", 0)),
        is_free=row["customer_id"] is None or (row["settled_nothing"] and not row["credit_cents"]),
    )


async def is_decided(conn: Any, form_key: str) -> bool:
    """Return whether this very form was sent before."""
    return await conn.fetchval(DECIDED, form_key) is not None


async def allocate(
    conn: Any, held: Held, work: Settlement, *, place: Place, debt_id: int, customer_id: int, by: By
) -> int | None:
    """Write that money of a payment settled `work`. Return the decision; None: its form was sent before."""
    used_cents = work.amount_cents - work.surplus_cents
    decision_id = await _decide(
        conn, held, "allocate", place=place, cents=used_cents, debt_id=debt_id, customer_id=customer_id, by=by
    )
    if decision_id is None:
        return None
    source = SUSPENSE if place == "suspense" else credit_account(customer_id)
    sums: dict[str, int] = {}
    for p in work.postings:  # the money came in before: it is taken from where it waited, and what is left stays there
        account = source if p.account in (BANK, SUSPENSE) else p.account
        sums[account] = sums.get(account, 0) + p.amount_cents
    await _post(conn, decision_id, sums, by.now)
    lines = json.dumps([asdict(d) for d in work.debts] + [asdict(i) for i in work.instalments])
    await conn.execute(TAKE, held.id, place, used_cents, 0, customer_id, lines)
    return decision_id


async def take_back(conn: Any, decision_id: int, charge_ids: Sequence[int], now: datetime) -> None:
    """Have charges taken back at the provider."""
    if charge_ids:
        await conn.execute(TAKE_BACK, decision_id, list(charge_ids), now)


async def keep_as_credit(conn: Any, held: Held, *, cents: int, customer_id: int, by: By) -> int | None:
    """Write that money that waits in suspense is kept for a customer. Return the decision, as above."""
    decision_id = await _decide(
        conn, held, "credit", place="suspense", cents=cents, debt_id=None, customer_id=customer_id, by=by
    )
    if decision_id is not None:
        await _post(conn, decision_id, {SUSPENSE: cents, credit_account(customer_id): -cents}, by.now)
        await conn.execute(TAKE, held.id, "suspense", cents, cents, customer_id, "[]")
    return decision_id


async def refund(conn: Any, held: Held, *, place: Place, cents: int, done_as: str | None, by: By) -> int | None:
    """Write that money goes back to the payer: asked of the provider, or done at the bank by hand already, under the
    identifier `done_as`. It leaves the books when it is gone. Return the decision, as above; None also where a return
    with that identifier is known already."""
    known = done_as is not None and await conn.fetchval(KNOWN_RETURN, held.end_to_end_id, done_as)
    if known:
        return None
    decision_id = await _decide(
        conn, held, "refund", place=place, cents=cents, debt_id=None, customer_id=held.customer_id, by=by
    )
    if decision_id is None:
        return None
    status = "REQUESTED" if done_as is None else "DEVOLVIDO"
    refund_id = done_as or f"acerto{decision_id}"
    return_id = await conn.fetchval(ASK_FOR_RETURN, held.end_to_end_id, refund_id, cents, status, decision_id, by.now)
    if done_as is None:
        await conn.execute(ASK_PROVIDER, decision_id, return_id, by.now)
    return decision_id


async def _decide(
    conn: Any,
    held: Held,
    kind: Kind,
    *,
    place: Place,
    cents: int,
    debt_id: int | None,
    customer_id: int | None,
    by: By,
) -> int | None:
    assert 0 < cents <= held.free_cents(place)
    decision_id: int | None = await conn.fetchval(
        DECIDE, held.id, by.form_key, kind, place, cents, debt_id, customer_id, by.user_id, by.note, by.now
    )
    return decision_id


async def _post(conn: Any, decision_id: int, sums: dict[str, int], now: datetime) -> None:
    postings = balanced(Posting(account=account, amount_cents=cents) for account, cents in sums.items() if cents)
    await ledger.post(conn, key=f"decision:{decision_id}", postings=postings, now=now)
