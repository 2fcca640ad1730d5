"""Returns in the books: once, in any order, and with what each kind of debt then owes."""

from datetime import timedelta
from typing import Any

import pytest

from bot.store import returns
from bot.store.ledger_check import check
from bot.store.returns import MoreThanWasPaid, PaymentNotThere
from tests.kills import ended_at
from tests.owed import TODAY, ZONE, Owed, owed, part
from tests.test_booking import accounts, payment, pays

KEY = f"E99999004{1:023d}"


async def note(somebody: Owed, cents: int, *, id: str = "a", status: str = "DEVOLVIDO") -> None:
    async with somebody.pool.acquire() as conn:
        await returns.note(
            conn,
            end_to_end_id=KEY,
            refund_id=id,
            amount_cents=cents,
            status=status,
            nature="ORIGINAL",
            now=somebody.clock.now(),
        )


async def books(somebody: Owed, *, id: str = "a") -> returns.Plan | None:
    policy = somebody.facts().policy
    assert policy is not None
    async with somebody.pool.acquire() as conn, conn.transaction():
        plan = await returns.plan(
            conn,
            end_to_end_id=KEY,
            refund_id=id,
            terms=policy.policy.terms,
            zone=ZONE,
            now=somebody.clock.now(),
        )
        if plan is not None:
            await returns.book(conn, plan, now=somebody.clock.now())
    return plan


async def goes_back(somebody: Owed, cents: int, *, id: str = "a") -> returns.Plan:
    await note(somebody, cents, id=id)
    plan = await books(somebody, id=id)
    assert plan is not None
    return plan


async def debt(somebody: Owed) -> Any:
    return await somebody.one(
        "SELECT state, open_principal_cents, interest_carried_cents, fine_paid_cents, interest_from FROM debt"
    )


async def is_proved(somebody: Owed) -> bool:
    """But for the debts, which these tests make without a word to the ledger."""
    async with somebody.pool.acquire() as conn:
        return all(not f.wrong for f in await check(conn) if f.proof.name != "debts")


async def paid_late(somebody: Owed) -> None:
    """100.00 that was due two months ago, paid with its fine of 2.00 and its interest of 2.03."""
    id = await somebody.owes(10000)
    _, no = await somebody.charged(part(id, 10000, 200, 203))
    await pays(somebody, payment(10403, no))


async def test_what_went_back_is_owed_as_it_was_and_costs_from_that_day_on(database: str) -> None:
    async with owed(database) as somebody:
        await paid_late(somebody)
        somebody.clock.move(days=30)
        plan = await goes_back(somebody, 10403)
        assert plan.told.open_cents == 10403
        assert await debt(somebody) == ("open", 10000, 203, 0, TODAY + timedelta(days=30))
        assert await accounts(somebody) == {}
        assert await somebody.one("SELECT state, paid_cents FROM charge") == ("paid", 0)
        assert await is_proved(somebody)


async def test_in_two_pieces_it_is_the_same(database: str) -> None:
    async with owed(database) as somebody:
        await paid_late(somebody)
        first = await goes_back(somebody, 10100)
        assert (first.told.open_cents, (await debt(somebody))[:4]) == (10100, ("open", 10000, 0, 100))
        second = await goes_back(somebody, 303, id="b")
        assert (second.told.open_cents, (await debt(somebody))[:4]) == (303, ("open", 10000, 203, 0))
        assert await is_proved(somebody)


async def test_an_agreement_in_cash_falls_with_all_of_its_money_and_stays_with_a_part(database: str) -> None:
    async with owed(database) as somebody:
        id = await somebody.owes(10000, TODAY + timedelta(days=9))
        no = await somebody.agreed(id, 8000, discount_cents=2000, cash=True)
        _, charge_no = await somebody.charged(part(id, 8000), agreement_offer_no=no, instalment_n=1)
        await pays(somebody, payment(8000, charge_no))
        assert await somebody.one("SELECT state FROM agreement") == "settled"
        some = await goes_back(somebody, 3000)
        assert (some.told.open_cents, (await debt(somebody))[:2]) == (3000, ("open", 3000))
        assert await somebody.one("SELECT state FROM agreement") == "settled"
        assert await is_proved(somebody)


async def test_all_of_an_agreement_in_cash_brings_its_discount_back(database: str) -> None:
    async with owed(database) as somebody:
        id = await somebody.owes(10000, TODAY + timedelta(days=9))
        no = await somebody.agreed(id, 8000, discount_cents=2000, cash=True)
        _, charge_no = await somebody.charged(part(id, 8000), agreement_offer_no=no, instalment_n=1)
        await pays(somebody, payment(8000, charge_no))
        whole = await goes_back(somebody, 8000)
        assert (whole.told.open_cents, (await debt(somebody))[:2]) == (10000, ("open", 10000))
        assert await somebody.one("SELECT state, ended_because FROM agreement") == ("broken", "returned")
        assert await accounts(somebody) == {}
        assert await is_proved(somebody)


async def test_what_is_owed_on_a_debt_under_an_agreement_is_for_people(database: str) -> None:
    async with owed(database) as somebody:
        id = await somebody.owes(10000)
        _, no = await somebody.charged(part(id, 10000))
        await pays(somebody, payment(4000, no))
        left = await somebody.one("SELECT open_principal_cents FROM debt")
        await somebody.agreed(id, left)
        plan = await goes_back(somebody, 4000)
        assert (plan.told.is_uncovered, plan.told.open_cents) == (True, 0)
        assert (await debt(somebody))[:2] == ("agreed", 10000)
        assert await is_proved(somebody)


async def test_on_a_cancelled_debt_nothing_is_owed_again(database: str) -> None:
    async with owed(database) as somebody:
        id = await somebody.owes(10000)
        _, no = await somebody.charged(part(id, 10000))
        await pays(somebody, payment(4000, no))
        await somebody.pool.execute("UPDATE debt SET state = 'cancelled'")
        plan = await goes_back(somebody, 4000)
        assert plan.told.open_cents == 0
        assert (await debt(somebody))[0] == "cancelled"
        assert (await accounts(somebody))["opening"] > 0
        assert await is_proved(somebody)


async def test_what_is_on_its_way_or_never_went_changes_nothing_and_late_news_nothing_more(database: str) -> None:
    async with owed(database) as somebody:
        await paid_late(somebody)
        for status in ("EM_PROCESSAMENTO", "NAO_REALIZADO"):
            await note(somebody, 500, status=status)
            assert await books(somebody) is None
        await note(somebody, 500, status="DEVOLVIDO")
        assert await books(somebody) is not None
        for status in ("EM_PROCESSAMENTO", "NAO_REALIZADO", "DEVOLVIDO"):
            await note(somebody, 500, status=status)
            assert await books(somebody) is None
        assert await somebody.one("SELECT status FROM payment_return") == "DEVOLVIDO"
        assert await somebody.one("SELECT returned_cents FROM payment") == 500
        assert await is_proved(somebody)


async def test_a_return_waits_for_its_payment_and_is_never_more_than_it(database: str) -> None:
    async with owed(database) as somebody:
        await note(somebody, 10404)
        with pytest.raises(PaymentNotThere):
            await books(somebody)
        await paid_late(somebody)
        with pytest.raises(MoreThanWasPaid):
            await books(somebody)
        assert await is_proved(somebody)


async def test_ended_at_any_wait_it_is_booked_once(database: str) -> None:
    async with owed(database) as somebody:
        await paid_late(somebody)
        for n in range(60):
            await note(somebody, 100, id=f"r{n}")
            was_ended = await ended_at(books(somebody, id=f"r{n}"), n)
            await books(somebody, id=f"r{n}")
            assert await somebody.one("SELECT returned_cents FROM payment") == (n + 1) * 100
            if not was_ended:
                break
        assert n > 5
        assert (await debt(somebody))[:2] == ("open", (n + 1) * 100)
        assert await is_proved(somebody)
