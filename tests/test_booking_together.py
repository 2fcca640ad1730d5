"""Payments of one batch: booked together they do what they do one by one, and none stands in another's way."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot.engine import turn
from bot.engine.inbox import put_events
from bot.parts import Parts, open_parts
from bot.sandbox.stand_ins import demo_settings
from bot.store import bookings, payments
from bot.store.conversations import START
from bot.store.payments import Confirmed
from flows.events import Event, HandedBack, PaymentConfirmed
from flows.facts import Settlement
from tests.owed import NOON, TODAY, ZONE, Owed, part
from tests.pix_bank import HandClock

YESTERDAY = TODAY - timedelta(days=1)
TOMORROW_NOON = NOON + timedelta(days=1)

# One payment to come: centavos, charge, and when the bank settled it.
Paid = tuple[int, int | None, datetime]
Told = tuple[Settlement, tuple[int, ...]]


async def somebody(pool: "asyncpg.Pool[Any]", clock: HandClock, *, of: Owed | None = None) -> Owed:
    """A person with a chat of their own; `of`: another chat of the same person."""
    n = await pool.fetchval("SELECT count(*) FROM conversation")
    customer_id = of.customer_id if of is not None else None
    if customer_id is None:
        customer_id = await pool.fetchval(
            "INSERT INTO customer (external_id, name, document, created_at, updated_at)"
            " VALUES ($1, 'Maria da Silva', '52998224725', $2, $2) RETURNING id",
            f"c{n}",
            clock.now(),
        )
    conversation_id = await pool.fetchval(
        "INSERT INTO conversation (address, customer_id, confirmed_at, created_at) VALUES ($1, $2, $3, $3)"
        " RETURNING id",
        f"55119{n:08d}",
        customer_id,
        clock.now(),
    )
    return Owed(pool, clock, customer_id, conversation_id)


def confirmed(who: Owed, paid: Paid, n: int) -> PaymentConfirmed:
    cents, no, at = paid
    return PaymentConfirmed(
        end_to_end_id=f"E99999004{n:023d}", amount_cents=cents, paid_at=at, charge_no=no, txid="t" * 30
    )


async def book(pool: "asyncpg.Pool[Any]", *paid: tuple[Owed, PaymentConfirmed]) -> dict[int, Told]:
    """What a batch does with payments. Return by conversation what is told, and the charges taken back."""
    told: dict[int, Told] = {}
    left = list(paid)
    async with pool.acquire() as conn, conn.transaction():
        while left:
            asked = [Confirmed(conversation_id=o.conversation_id, event=e, facts=o.facts()) for o, e in left]
            planned = await payments.settlements_for(conn, asked, zone=ZONE)
            now = left[0][0].clock.now() + timedelta(minutes=1)
            taken_back = await bookings.book(conn, [plan for plan, _ in planned.values()], now=now)
            for conversation_id, (plan, facts) in planned.items():
                assert facts.settlement == plan.settlement
                told[conversation_id] = plan.settlement, taken_back.get(plan.event.end_to_end_id, ())
            assert planned, "the first is never left out"
            left = [(o, e) for o, e in left if o.conversation_id not in planned]
    return told


async def everything(who: Owed, told: Told) -> list[Any]:
    """All that is known of a person's money, with places in the place of ids, so that two people can be compared."""
    pool, me = who.pool, who.customer_id
    debts = await pool.fetch(
        "SELECT id, state, open_principal_cents, interest_from, interest_carried_cents, fine_paid_cents, promises,"
        " settled_at FROM debt WHERE customer_id = $1 ORDER BY id",
        me,
    )
    charges = await pool.fetch("SELECT id, no, state, paid_cents FROM charge WHERE customer_id = $1 ORDER BY no", me)
    agreements = await pool.fetch(
        "SELECT id, state, ended_because, closed_at FROM agreement WHERE customer_id = $1 ORDER BY id", me
    )
    places = {f"debt:{row['id']}": f"debt {n}" for n, row in enumerate(debts)}
    places |= {f"agreement:{row['id']}": f"agreement {n}" for n, row in enumerate(agreements)}
    instalments = await pool.fetch(
        "SELECT n, paid_cents, forgiven_cents, interest_from, interest_carried_cents, fine_paid_cents FROM instalment"
        " WHERE agreement_id = any($1::bigint[]) ORDER BY agreement_id, n",
        [row["id"] for row in agreements],
    )
    booked = await pool.fetch(
        "SELECT end_to_end_id, charge_id, amount_cents, surplus_cents, allocation FROM payment WHERE customer_id = $1"
        " ORDER BY id",
        me,
    )
    postings = await pool.fetch(
        "SELECT p.n, account, amount_cents FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id"
        " WHERE t.key = any($1::text[]) ORDER BY t.id, p.n",
        [f"pix:{row['end_to_end_id']}" for row in booked],
    )
    numbers = {row["id"]: row["no"] for row in charges}

    def line(kept: dict[str, Any]) -> dict[str, Any]:
        owner = "debt_id" if "debt_id" in kept else "agreement_id"
        return {**kept, owner: places[f"{owner.removesuffix('_id')}:{kept[owner]}"]}

    settlement, taken_back = told
    return [
        replace(settlement, settled_debts=()),
        [places[f"debt:{debt_id}"] for debt_id in settlement.settled_debts],
        [numbers[charge_id] for charge_id in taken_back],
        [tuple(row)[1:] for row in debts],
        [tuple(row)[1:] for row in charges],
        [tuple(row)[1:] for row in agreements],
        [tuple(row) for row in instalments],
        [
            (
                numbers.get(row["charge_id"]),
                row["amount_cents"],
                row["surplus_cents"],
                [line(kept) for kept in json.loads(row["allocation"])],
            )
            for row in booked
        ],
        [(row["n"], places.get(row["account"], row["account"]), row["amount_cents"]) for row in postings],
    ]


# --- what people pay -------------------------------------------------------------------------------------------------


async def whole_with_its_discount(who: Owed) -> Paid:
    debt = await who.owes(10000)
    await who.charged(part(debt, 10000, 200, 203))  # is taken back
    _, no = await who.charged(part(debt, 10000, 200, 203, discount=400))
    return 10003, no, NOON


async def in_part(who: Owed) -> Paid:
    _, no = await who.charged(part(await who.owes(10000), 10000, 200, 203), until=YESTERDAY)
    return 5403, no, NOON


async def too_much(who: Owed) -> Paid:
    _, no = await who.charged(part(await who.owes(7700), 7700, 154, 156))
    return 9000, no, NOON


async def the_day_after(who: Owed) -> Paid:
    _, no = await who.charged(part(await who.owes(10000), 10000, 200, 203, discount=400))
    return 10003, no, TOMORROW_NOON


async def for_nothing_known(who: Owed) -> Paid:
    await who.owes(10000)
    return 500, 99, NOON


async def several_debts(who: Owed) -> Paid:
    new, old = await who.owes(5000, date(2026, 11, 3)), await who.owes(10000)
    _, no = await who.charged(part(new, 5000, 100, 47), part(old, 10000, 200, 203))
    return 15549, no, NOON


async def a_second_time(who: Owed) -> Paid:
    _, no = await who.charged(part(await who.owes(10000), 10000, 200, 203))
    await book(who.pool, (who, confirmed(who, (10403, no, NOON), 1000 + who.conversation_id)))
    return 10403, no, NOON


async def after_its_interest_was_paid(who: Owed) -> Paid:
    debt = await who.owes(10000)
    _, old = await who.charged(part(debt, 10000, 200, 203))
    _, new = await who.charged(part(debt, 10000, 200, 203), until=YESTERDAY)
    await book(who.pool, (who, confirmed(who, (203, new, NOON), 1000 + who.conversation_id)))
    return 10403, old, NOON


async def an_instalment(who: Owed) -> Paid:
    debt = await who.owes(10000)
    await who.charged(part(debt, 10000, 200, 203))  # is taken back
    offer = await who.agreed(debt, 5000, 5200, discount_cents=300)
    _, no = await who.charged(part(debt, 5000), agreement_offer_no=offer, instalment_n=1)
    await who.charged(part(debt, 5200), agreement_offer_no=offer, instalment_n=2)  # stays
    return 5000, no, NOON


async def a_whole_agreement(who: Owed) -> Paid:
    debt = await who.owes(10000)
    offer = await who.agreed(debt, 10003, discount_cents=400, cash=True)
    _, no = await who.charged(part(debt, 10000, 200, 203, discount=400), agreement_offer_no=offer, instalment_n=1)
    return 10003, no, NOON


async def an_agreement_in_cash_too_late(who: Owed) -> Paid:
    debt = await who.owes(10000)
    offer = await who.agreed(debt, 10003, discount_cents=400, cash=True)
    _, no = await who.charged(part(debt, 10000, 200, 203, discount=400), agreement_offer_no=offer, instalment_n=1)
    return 10003, no, TOMORROW_NOON


WAYS: Sequence[Callable[[Owed], Awaitable[Paid]]] = (
    whole_with_its_discount,
    in_part,
    too_much,
    the_day_after,
    for_nothing_known,
    several_debts,
    a_second_time,
    after_its_interest_was_paid,
    an_instalment,
    a_whole_agreement,
    an_agreement_in_cash_too_late,
)


@pytest.fixture
async def pool(database: str) -> "AsyncIterator[asyncpg.Pool[Any]]":
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as found:
        yield found


@pytest.mark.parametrize("backwards", [False, True])
async def test_together_payments_do_what_they_do_one_by_one(pool: "asyncpg.Pool[Any]", backwards: bool) -> None:
    clock = HandClock()
    together: list[tuple[Owed, PaymentConfirmed]] = []
    alone: list[tuple[Owed, PaymentConfirmed]] = []
    for n, way in enumerate(WAYS):
        for people, first in ((together, 1), (alone, 101)):
            who = await somebody(pool, clock)
            people.append((who, confirmed(who, await way(who), first + n)))
    told = await book(pool, *(reversed(together) if backwards else together))
    for (one, _), (other, event), way in zip(together, alone, WAYS, strict=True):
        told |= await book(pool, (other, event))
        as_one = await everything(one, told[one.conversation_id])
        assert as_one == await everything(other, told[other.conversation_id]), way.__name__
    taken_back = sum(len(charges) for _, charges in told.values())
    assert taken_back == 4  # two of the batch, and two of those alone
    assert await pool.fetchval("SELECT sum(amount_cents) FROM ledger_posting") == 0


async def test_two_payments_of_one_debt_from_two_chats_settle_it_once(pool: "asyncpg.Pool[Any]") -> None:
    clock = HandClock()
    phone = await somebody(pool, clock)
    laptop = await somebody(pool, clock, of=phone)
    debt = await phone.owes(10000)
    (_, first), (_, second) = [await who.charged(part(debt, 10000, 200, 203)) for who in (phone, laptop)]
    paid = [confirmed(phone, (10403, first, NOON), 1), confirmed(laptop, (10403, second, NOON), 2)]
    told = await book(pool, (phone, paid[0]), (laptop, paid[1]))
    assert told[phone.conversation_id][0] == Settlement(amount_cents=10403, settled_debts=(debt,))
    assert told[laptop.conversation_id][0].surplus_cents == 10403
    assert await pool.fetchval("SELECT sum(surplus_cents) FROM payment") == 10403
    assert await pool.fetchval("SELECT settled_at FROM debt") == NOON  # the bank's instant, and not ours
    accounts = await pool.fetch("SELECT account, sum(amount_cents)::int FROM ledger_posting GROUP BY 1 ORDER BY 1")
    assert dict(map(tuple, accounts)) == {
        "bank": 20806, f"debt:{debt}": -10000, "income:fines": -200, "income:interest": -203, "suspense": -10403,
    }  # fmt: skip


async def test_two_parts_of_one_debt_from_two_chats_add_up(pool: "asyncpg.Pool[Any]") -> None:
    clock = HandClock()
    phone = await somebody(pool, clock)
    laptop = await somebody(pool, clock, of=phone)
    debt = await phone.owes(10000)
    (_, first), (_, second) = [
        await who.charged(part(debt, 10000, 200, 203), until=YESTERDAY) for who in (phone, laptop)
    ]
    paid = [confirmed(phone, (5403, first, NOON), 1), confirmed(laptop, (5000, second, NOON), 2)]
    told = await book(pool, (phone, paid[0]), (laptop, paid[1]))
    assert [settlement.still_open_cents for settlement, _ in told.values()] == [5000, 0]
    assert await phone.one("SELECT state, open_principal_cents FROM debt") == ("paid", 0)


async def test_one_payment_that_is_told_in_two_chats_is_booked_once(pool: "asyncpg.Pool[Any]") -> None:
    clock = HandClock()
    people = [await somebody(pool, clock) for _ in range(2)]
    numbers = [(await who.charged(part(await who.owes(10000), 10000, 200, 203)))[1] for who in people]
    paid = [(who, confirmed(who, (10403, no, NOON), 1)) for who, no in zip(people, numbers, strict=True)]
    told = await book(pool, *paid)
    assert [settlement.again for settlement, _ in told.values()] == [False, True]
    assert await pool.fetchval("SELECT count(*) FROM payment") == 1
    assert await pool.fetchval("SELECT sum(amount_cents) FROM ledger_posting WHERE account = 'bank'") == 10403


# --- through the turn ------------------------------------------------------------------------------------------------


@pytest.fixture
async def parts(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    settings = replace(demo_settings(tmp_path, "http://127.0.0.1:9"), database_url=database, redis_url=redis_url)
    async with open_parts(settings, HandClock()) as found:
        yield found


async def told_by_the_bank(parts: Parts, *events: tuple[Owed, Event]) -> None:
    async with parts.pool.acquire() as conn:
        put = [(f"p:{n}", who.conversation_id, event) for n, (who, event) in enumerate(events)]
        assert await put_events(conn, source="provider", events=put, now=parts.clock.now()) == len(events)


async def people_who_pay(parts: Parts, count: int) -> list[tuple[Owed, PaymentConfirmed]]:
    paid = []
    for n in range(count):
        who = await somebody(parts.pool, HandClock())
        _, no = await who.charged(part(await who.owes(10000), 10000, 200, 203))
        paid.append((who, confirmed(who, (10403, no, NOON), n)))
    return paid


async def test_one_payment_that_cannot_be_booked_leaves_the_others_of_its_batch_booked(parts: Parts) -> None:
    paid = await people_who_pay(parts, turn.BATCH)
    who, wrong = paid[17]
    paid[17] = who, replace(wrong, amount_cents=0)  # the database refuses it
    await told_by_the_bank(parts, *paid)
    await turn.run_once(parts)
    states = await parts.pool.fetch("SELECT state, attempts, count(*) FROM inbox GROUP BY 1, 2 ORDER BY 1")
    assert [tuple(row) for row in states] == [("done", 0, turn.BATCH - 1), ("open", 1, 1)]
    assert await parts.pool.fetchval("SELECT count(*) FROM payment") == turn.BATCH - 1
    unpaid = await parts.pool.fetch("SELECT customer_id FROM debt WHERE state <> 'paid'")
    assert [row["customer_id"] for row in unpaid] == [who.customer_id]


async def test_payments_of_a_batch_are_thanked_for_each_in_its_own_chat(parts: Parts) -> None:
    paid = await people_who_pay(parts, 3)
    phone, _ = paid[0]
    laptop = await somebody(parts.pool, HandClock(), of=phone)  # and says something else in the same batch
    await told_by_the_bank(parts, *paid, (laptop, HandedBack(ticket_id=1, agent_id=1)))
    assert await turn.run_once(parts) == (4, START)
    said = await parts.pool.fetch(
        "SELECT conversation_id, array_agg(kind ORDER BY n) AS kinds FROM journal GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in said][:3] == [(who.conversation_id, ["paid", "said"]) for who, _ in paid]
    receipts = await parts.pool.fetch("SELECT conversation_id FROM outbox WHERE purpose = 'receipt' ORDER BY 1")
    assert [row["conversation_id"] for row in receipts] == [who.conversation_id for who, _ in paid]


async def test_a_payment_told_again_in_another_batch_says_and_books_nothing(parts: Parts) -> None:
    [(who, event)] = await people_who_pay(parts, 1)
    await told_by_the_bank(parts, (who, event))
    await turn.run_once(parts)
    async with parts.pool.acquire() as conn:
        again = [("again", who.conversation_id, event)]
        assert await put_events(conn, source="provider", events=again, now=parts.clock.now()) == 1
    await turn.run_once(parts)
    assert await parts.pool.fetchval("SELECT count(*) FROM payment") == 1
    assert await parts.pool.fetchval("SELECT count(*) FROM outbox WHERE purpose = 'receipt'") == 1
