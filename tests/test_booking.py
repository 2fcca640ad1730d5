"""Booking a payment: one transaction, once, and afterwards every table says the same."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.store import bookings, payments
from bot.store.agreements import DebtMoved
from bot.store.payments import Confirmed, Plan
from flows.costs import cost_of
from flows.events import PaymentConfirmed
from flows.facts import CostOfDebt, Debt, Facts, Settlement
from tests.kills import ended_at
from tests.owed import TODAY, ZONE, Owed, owed, part

NOON = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


def payment(cents: int, charge_no: int | None, *, at: datetime = NOON, n: int = 1) -> PaymentConfirmed:
    return PaymentConfirmed(
        end_to_end_id=f"E99999004{n:023d}", amount_cents=cents, paid_at=at, charge_no=charge_no, txid="t" * 30
    )


async def pays(somebody: Owed, event: PaymentConfirmed) -> tuple[Settlement, tuple[int, ...]]:
    """One turn's part: work it out and book it."""
    async with somebody.pool.acquire() as conn, conn.transaction():
        plan, facts = await planned(conn, somebody, event)
        others = await bookings.book(conn, [plan], now=somebody.clock.now())
    assert facts.settlement == plan.settlement
    return plan.settlement, others.get(event.end_to_end_id, ())


async def planned(conn: Any, somebody: Owed, event: PaymentConfirmed) -> tuple[Plan, Facts]:
    one = Confirmed(conversation_id=somebody.conversation_id, event=event, facts=somebody.facts())
    return (await payments.settlements_for(conn, [one], zone=ZONE))[somebody.conversation_id]


async def cost_today(somebody: Owed, debt_id: int) -> CostOfDebt:
    row = await somebody.pool.fetchrow(
        "SELECT id, external_id, description, principal_cents, open_principal_cents, due_on, interest_from,"
        " interest_carried_cents, fine_paid_cents FROM debt WHERE id = $1",
        debt_id,
    )
    policy = somebody.facts().policy
    assert row is not None
    assert policy is not None
    return cost_of(Debt(**row), somebody.facts().today, policy.policy.terms)


async def accounts(somebody: Owed) -> dict[str, int]:
    rows = await somebody.pool.fetch(
        "SELECT account, sum(amount_cents)::int AS c FROM ledger_posting GROUP BY 1 ORDER BY 1"
    )
    return {row["account"]: row["c"] for row in rows if row["c"]}


async def test_a_charge_paid_as_asked_settles_its_debt_and_cancels_what_asks_for_it_too(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        charge, no = await somebody.charged(part(debt, 10000, 200, 203, discount=400))
        other, _ = await somebody.charged(part(debt, 10000, 200, 203))
        told, others = await pays(somebody, payment(10003, no))
        assert told == Settlement(amount_cents=10003, settled_debts=(debt,))
        assert others == (other,)
        assert await somebody.one("SELECT state, open_principal_cents, settled_at FROM debt") == ("paid", 0, NOON)
        assert await somebody.one("SELECT state, paid_cents FROM charge WHERE id = $1", charge) == ("paid", 10003)
        assert await somebody.one("SELECT state FROM charge WHERE id = $1", other) == "cancelled"
        assert await accounts(somebody) == {
            "bank": 10003,
            f"debt:{debt}": -10000,
            "income:fines": -200,
            "income:interest": -203,
            "expense:discounts": 400,
        }
        kept = await somebody.one("SELECT allocation, surplus_cents FROM payment")
        assert json.loads(kept[0]) == [
            {
                "debt_id": debt,
                "principal_cents": 10000,
                "fine_cents": 200,
                "interest_cents": 203,
                "discount_cents": 400,
                "settled": True,
            },
        ]


async def test_a_part_payment_leaves_a_debt_whose_interest_runs_on_the_rest_from_that_day(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)  # due on 1 October: 61 days are 2.03 of interest, and 2.00 of fine
        _, no = await somebody.charged(part(debt, 10000, 200, 203), until=date(2026, 11, 30))
        told, _ = await pays(somebody, payment(5403, no))
        assert (told.settled_debts, told.still_open_cents) == ((), 5000)
        row = await somebody.one(
            "SELECT open_principal_cents, interest_from, interest_carried_cents, fine_paid_cents, state FROM debt"
        )
        assert row == (5000, TODAY, 0, 200, "open")
        somebody.clock.move(days=30)
        assert await cost_today(somebody, debt) == part(debt, 5000, 0, 50)  # the fine was paid and does not come again


async def test_what_was_not_paid_of_the_interest_is_carried_and_what_was_not_paid_of_the_fine_is_still_due(
    database: str,
) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        _, no = await somebody.charged(part(debt, 10000, 200, 203), until=date(2026, 11, 30))
        await pays(somebody, payment(200, no))
        assert await cost_today(somebody, debt) == part(debt, 10000, 200, 3)
        for n, cents in ((2, 63), (3, 40)):  # the fine in two pieces
            _, no = await somebody.charged(part(debt, 10000, 200, 3), until=date(2026, 11, 30))
            await pays(somebody, payment(cents, no, n=n))
        assert await cost_today(somebody, debt) == part(debt, 10000, 100, 0)
        _, no = await somebody.charged(part(debt, 10000, 100))
        told, _ = await pays(somebody, payment(10100, no, n=4))
        assert told.settled_debts == (debt,)
        # Paid in four pieces on one day, it cost what it costs in one.
        assert (await accounts(somebody))["bank"] == 10403


async def test_a_payment_that_is_told_late_does_not_turn_the_interest_back(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        _, no = await somebody.charged(part(debt, 10000, 200, 203), until=date(2026, 11, 1))
        await pays(somebody, payment(5403, no))
        await pays(somebody, payment(1000, no, at=datetime(2026, 11, 20, 15, 0, tzinfo=UTC), n=2))
        assert await somebody.one("SELECT open_principal_cents, interest_from FROM debt") == (4000, TODAY)


async def test_interest_that_was_paid_meanwhile_is_not_taken_again_by_an_older_charge(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        _, old = await somebody.charged(part(debt, 10000, 200, 203))
        _, new = await somebody.charged(part(debt, 10000, 200, 203), until=date(2026, 11, 30))
        somebody.clock.move(minutes=1)
        await pays(somebody, payment(203, new))
        told, _ = await pays(somebody, payment(10403, old, n=2))
        assert (told.settled_debts, told.surplus_cents) == ((debt,), 203)


async def test_the_same_payment_twice_is_one_booking(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        _, no = await somebody.charged(part(debt, 10000, 200, 203))
        await pays(somebody, payment(10403, no))
        told, others = await pays(somebody, payment(10403, no))
        assert (told.again, told.surplus_cents, others) == (True, 0, ())
        assert await somebody.one("SELECT count(*) FROM payment") == 1
        assert (await accounts(somebody))["bank"] == 10403


async def test_a_plan_that_was_booked_meanwhile_writes_nothing(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        _, no = await somebody.charged(part(debt, 10000, 200, 203))
        async with somebody.pool.acquire() as conn:
            plan, _ = await planned(conn, somebody, payment(5000, no))
        await pays(somebody, payment(5000, no))
        before = await somebody.one("SELECT open_principal_cents, fine_paid_cents FROM debt")
        assert await bookings.book(somebody.pool, [plan], now=NOON) == {}
        assert await somebody.one("SELECT open_principal_cents, fine_paid_cents FROM debt") == before


@pytest.mark.parametrize("state", ["requested", "cancelled", "failed", "paid"])
async def test_a_payment_of_a_charge_in_any_state_is_booked_by_the_same_rules(database: str, state: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        charge, no = await somebody.charged(part(debt, 10000, 200, 203))
        await somebody.pool.execute("UPDATE charge SET state = $2 WHERE id = $1", charge, state)
        told, _ = await pays(somebody, payment(10403, no))
        assert told.settled_debts == (debt,)


async def test_a_second_payment_of_a_charge_waits_in_suspense_and_is_told(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        _, no = await somebody.charged(part(debt, 10000, 200, 203))
        await pays(somebody, payment(10403, no))
        told, _ = await pays(somebody, payment(10403, no, n=2))
        assert told == Settlement(amount_cents=10403, surplus_cents=10403, again=True)
        assert await somebody.one("SELECT paid_cents FROM charge") == 20806
        assert (await accounts(somebody))["suspense"] == -10403


@pytest.mark.parametrize("no", [None, 99])
async def test_money_that_belongs_to_no_charge_waits_in_suspense(database: str, no: int | None) -> None:
    async with owed(database) as somebody:
        told, _ = await pays(somebody, payment(500, no))
        assert (told.known_charge, told.surplus_cents) == (False, 500)
        assert await somebody.one("SELECT customer_id, charge_id FROM payment") == (somebody.customer_id, None)


async def test_a_payment_belongs_to_the_creditors_day_and_not_to_utcs(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        _, no = await somebody.charged(part(debt, 10000, 200, 203, discount=400))
        late_in_the_evening = datetime(2026, 12, 2, 2, 59, tzinfo=UTC)
        told, _ = await pays(somebody, payment(10003, no, at=late_in_the_evening))
        assert told.settled_debts == (debt,)


async def test_a_minute_after_midnight_the_discount_is_gone(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        _, no = await somebody.charged(part(debt, 10000, 200, 203, discount=400))
        told, _ = await pays(somebody, payment(10003, no, at=datetime(2026, 12, 2, 3, 1, tzinfo=UTC)))
        # On 2 December it costs 104.07.
        assert (told.settled_debts, told.still_open_cents) == ((), 404)


async def test_instalments_are_paid_one_by_one_and_the_last_closes_agreement_and_debt(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        old, _ = await somebody.charged(part(debt, 10000, 200, 203))
        offer = await somebody.agreed(debt, 5000, 5200, discount_cents=300)
        _, first = await somebody.charged(part(debt, 5000), agreement_offer_no=offer, instalment_n=1)
        second_id, second = await somebody.charged(part(debt, 5200), agreement_offer_no=offer, instalment_n=2)
        told, others = await pays(somebody, payment(5000, first))
        assert told == Settlement(
            amount_cents=5000, still_open_cents=5200, instalment_n=1, instalments_left=1, next_due_on=date(2027, 1, 1)
        )
        assert others == (old,)
        told, others = await pays(somebody, payment(5200, second, n=2))
        assert told == Settlement(amount_cents=5200, settled_debts=(debt,), instalment_n=2, agreement_settled=True)
        assert await somebody.one("SELECT state, closed_at FROM agreement") == ("settled", NOON)
        assert await somebody.one("SELECT state, open_principal_cents FROM debt") == ("paid", 0)
        assert await accounts(somebody) == {
            "bank": 10200,
            f"debt:{debt}": -10000,
            "expense:discounts": 300,
            "income:agreement_charges": -500,
        }
        assert await somebody.one("SELECT state FROM charge WHERE id = $1", second_id) == "paid"


async def test_an_agreement_in_cash_paid_late_is_broken_and_the_debt_costs_what_the_day_says(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        offer = await somebody.agreed(debt, 10003, discount_cents=400, cash=True)
        _, no = await somebody.charged(
            part(debt, 10000, 200, 203, discount=400), agreement_offer_no=offer, instalment_n=1
        )
        told, _ = await pays(somebody, payment(10003, no, at=datetime(2026, 12, 2, 15, 0, tzinfo=UTC)))
        assert (told.settled_debts, told.still_open_cents, told.agreement_settled) == ((), 404, False)
        assert await somebody.one("SELECT state FROM agreement") == "broken"
        assert await somebody.one("SELECT state, open_principal_cents FROM debt") == ("open", 404)


async def test_an_agreement_in_cash_paid_in_time_settles_the_debt_with_its_discount(database: str) -> None:
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        offer = await somebody.agreed(debt, 10003, discount_cents=400, cash=True)
        _, no = await somebody.charged(
            part(debt, 10000, 200, 203, discount=400), agreement_offer_no=offer, instalment_n=1
        )
        told, _ = await pays(somebody, payment(10003, no))
        assert (told.settled_debts, told.agreement_settled, told.still_open_cents) == ((debt,), True, 0)
        assert await accounts(somebody) == {
            "bank": 10003,
            f"debt:{debt}": -10000,
            "expense:discounts": 400,
            "income:agreement_charges": -403,
        }


async def test_several_debts_in_one_charge_are_settled_together_or_oldest_first(database: str) -> None:
    async with owed(database) as somebody:
        new, old = await somebody.owes(5000, date(2026, 11, 3)), await somebody.owes(10000)
        _, no = await somebody.charged(part(new, 5000, 100, 47), part(old, 10000, 200, 203))
        told, _ = await pays(somebody, payment(15549, no))
        assert told.settled_debts == (old,)
        assert told.still_open_cents == 1
        _, no = await somebody.charged(part(new, 1))
        told, _ = await pays(somebody, payment(1, no, n=2))
        assert told.settled_debts == (new,)


async def test_ended_at_any_moment_a_booking_is_whole_or_not_at_all_and_the_repeat_makes_it_whole(
    database: str,
) -> None:
    async with owed(database) as somebody:
        for n in range(200):
            debt = await somebody.owes(10000)
            _, no = await somebody.charged(part(debt, 10000, 200, 203))
            event = payment(10403, no, n=no)
            was_ended = await ended_at(pays(somebody, event), n)
            assert await somebody.one("SELECT count(*) FROM payment WHERE end_to_end_id = $1", event.end_to_end_id) in (
                0,
                1,
            )
            await pays(somebody, event)
            assert await somebody.one("SELECT state FROM debt WHERE id = $1", debt) == "paid"
            if not was_ended:
                break
        assert n > 10
        assert (await accounts(somebody))["bank"] == 10403 * (n + 1)
        assert await somebody.one("SELECT count(*) FROM payment") == n + 1


async def test_a_charge_decided_on_a_debt_that_was_settled_meanwhile_is_not_made(database: str) -> None:
    """Another conversation of the same customer paid it: the turn is decided anew on fresh facts."""
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        _, no = await somebody.charged(part(debt, 10000, 200, 203))
        await pays(somebody, payment(10403, no))
        with pytest.raises(DebtMoved):
            await somebody.charged(part(debt, 10000, 200, 203))
