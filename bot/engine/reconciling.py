"""What finance decides on money that settled nothing: used for a debt, kept for the customer, or sent back.

Each decision is one transaction with everything that follows from it, under the locks that turns take, and its form's
key makes it once: whoever presses twice, or a moment later than a colleague, is told and changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from bot.engine.inbox import put_event
from bot.engine.line import Line
from bot.engine.settle import returned
from bot.store import bookings, decisions, payments
from bot.store.decisions import By, Held
from flows.events import PaymentConfirmed, PaymentFound, PaymentReturned
from flows.facts import Facts, Rules
from payments.providers.registry import provider_of
from payments.returns import Place

Outcome: TypeAlias = Literal[
    "done",
    "again",  # this very form was sent before
    "gone",  # there is no such payment
    "too_much",  # so much is not free (any more)
    "nothing_open",  # the debt is settled, or not asked for any more
    "another_customer",  # the payment is somebody else's in part
    "nobody",  # there is no such customer
    "by_hand",  # no provider sends it back: it is done at the bank first
    "known_return",  # a return with this identifier is counted already
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was pressed: how much (centavos) of which payment, from where it waits."""

    payment_id: int
    cents: int
    place: Place
    by: By


async def allocate(parts: Line, wish: Wish, *, debt_id: int) -> Outcome:
    """Use money for a debt, at what it cost on the day of the payment; more than it costs stays where it waits."""
    now = wish.by.now
    async with parts.pool.acquire() as conn, conn.transaction():
        owner = await decisions.owner(conn, debt_id)
        if owner is None:
            return "nothing_open"
        customer_id, description = owner
        conversation_id = await decisions.lock_conversation(conn, customer_id)
        await decisions.lock_debt(conn, debt_id)
        held, why = await _held(conn, wish, customer_id)
        if held is None:
            return why
        event = PaymentConfirmed(
            end_to_end_id=held.end_to_end_id, amount_cents=wish.cents, paid_at=held.paid_at, txid=held.txid
        )
        plan = await payments.settlement_of_found(
            conn,
            event,
            debt_id=debt_id,
            customer_id=customer_id,
            facts=await _facts(conn, parts, now),
            zone=parts.settings.timezone,
        )
        work = plan.work
        if work is None or work.surplus_cents == work.amount_cents:
            return "nothing_open"
        decision_id = await decisions.allocate(
            conn, held, work, place=wish.place, debt_id=debt_id, customer_id=customer_id, by=wish.by
        )
        if decision_id is None:
            return "again"
        taken_back = await bookings.book_found(conn, plan, now=now)
        await decisions.take_back(conn, decision_id, taken_back, now)
        if conversation_id is not None:
            found = PaymentFound(
                end_to_end_id=held.end_to_end_id,
                amount_cents=work.amount_cents - work.surplus_cents,
                paid_at=held.paid_at,
                debt_id=debt_id,
                description=description,
                is_settled=debt_id in plan.settlement.settled_debts,
                open_cents=plan.settlement.still_open_cents,
            )
            await _tell(conn, decision_id, conversation_id, found, now)
    _ring(parts, "charges")
    return "done"


async def keep_as_credit(parts: Line, wish: Wish, *, customer_id: int) -> Outcome:
    """Keep money for a customer, to be used or sent back later."""
    async with parts.pool.acquire() as conn, conn.transaction():
        held, why = await _held(conn, wish, customer_id)
        if held is None:
            return why
        if not await decisions.is_customer(conn, customer_id):
            return "nobody"
        kept = await decisions.keep_as_credit(conn, held, cents=wish.cents, customer_id=customer_id, by=wish.by)
    return "done" if kept is not None else "again"


async def refund(parts: Line, wish: Wish, *, done_as: str | None) -> Outcome:
    """Send money back: the provider is asked, or it was done at the bank by hand, under the identifier `done_as`."""
    async with parts.pool.acquire() as conn, conn.transaction():
        held, why = await _held(conn, wish, None)
        if held is None:
            return why
        if done_as is None and not can_refund(parts, held.source, held.end_to_end_id):
            return "by_hand"
        decision_id = await decisions.refund(
            conn, held, place=wish.place, cents=wish.cents, done_as=done_as, by=wish.by
        )
        if decision_id is None:
            return "again" if await decisions.is_decided(conn, wish.by.form_key) else "known_return"
        if done_as is not None:  # gone already: booked, and told where there is a conversation
            event = PaymentReturned(
                end_to_end_id=held.end_to_end_id, refund_id=done_as, amount_cents=wish.cents, nature="ORIGINAL"
            )
            await returned(conn, parts, event, conversation_id=None, now=wish.by.now)
    _ring(parts, "charges")
    return "done"


def can_refund(parts: Line, source: str, end_to_end_id: str) -> bool:
    """Return whether the provider that is set can send this payment back: it came through it."""
    mode = parts.settings.pix.mode
    is_asaas = end_to_end_id.startswith("asaas:")
    return source != "statement" and provider_of(mode).refund is not None and is_asaas == (mode == "asaas")


async def _held(conn: Any, wish: Wish, customer_id: int | None) -> tuple[Held | None, Outcome]:
    """The payment under its lock, where the wish can be done; else why not."""
    held = await decisions.hold(conn, wish.payment_id)
    if held is None:
        return None, "gone"
    if await decisions.is_decided(conn, wish.by.form_key):
        return None, "again"
    if not 0 < wish.cents <= held.free_cents(wish.place):
        return None, "too_much"
    if customer_id is not None and not held.may_be_of(customer_id):
        return None, "another_customer"
    return held, "done"


async def _facts(conn: Any, parts: Line, now: datetime) -> Facts:
    """What settling asks for: the day, and the policy's rules."""
    today = now.astimezone(parts.settings.timezone).date()
    policy = await parts.policies.in_force(conn, today)
    return Facts(now=now, today=today, rules=Rules(creditor_name=parts.settings.creditor_name), policy=policy)


async def _tell(conn: Any, decision_id: int, conversation_id: int, event: PaymentFound, now: datetime) -> None:
    await put_event(
        conn,
        source="desk",
        dedupe_key=f"decision:{decision_id}",
        conversation_id=conversation_id,
        event=event,
        now=now,
    )


def _ring(parts: Line, bell: str) -> None:
    parts.wake.turns()
    parts.wake.ring(bell)
