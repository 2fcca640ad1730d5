"""What finance decides on money that settled nothing: once, whole or not at all, and the books say the same."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest

from bot.engine import reconciling, refunding, settle
from bot.engine.charging import Again, Done
from bot.engine.events import from_raw
from bot.engine.reconciling import Outcome, Wish
from bot.sandbox.pix_provider import Weather
from bot.store import reconcile_queue, reconciliation
from bot.store.decisions import By
from bot.store.ledger_check import check
from bot.store.reconcile_queue import Waiting
from flows.events import Event, PaymentFound, PaymentReturned
from payments.providers.api_pix import confirm
from payments.returns import Place
from tests.kills import ended_at
from tests.owed import NOON, LineOfTest, Owed, line, owed, part
from tests.pix_bank import StandIn, stand_in
from tests.test_booking import accounts, payment, pays

_forms = count(1)


@dataclass
class Finance:
    somebody: Owed
    bank: StandIn
    parts: LineOfTest
    user_id: int

    def wish(self, payment_id: int, cents: int, place: Place = "suspense", *, form: int | None = None) -> Wish:
        by = By(
            user_id=self.user_id, note="visto", form_key=f"{form or next(_forms):032x}", now=self.somebody.clock.now()
        )
        return Wish(payment_id=payment_id, cents=cents, place=place, by=by)

    async def unknown(self, cents: int, *, days_ago: int = 0, source: str = "pix", n: int = 7) -> int:
        """A payment that nobody knows."""
        async with self.somebody.pool.acquire() as conn, conn.transaction():
            assert await reconciliation.keep_unknown(
                conn,
                end_to_end_id=f"E88888888{n:023d}",
                txid="f" * 30,
                amount_cents=cents,
                paid_at=self.somebody.clock.now() - timedelta(days=days_ago),
                source=source,
                proposal=None,
                now=self.somebody.clock.now(),
            )
        return int(await self.somebody.one("SELECT max(id) FROM payment"))

    async def paid_by_key(self, cents: int) -> tuple[int, str]:
        """A payment at the stand-in bank that nobody knows."""
        key: str = self.bank.provider.bank.pay_key(cents, txid="f" * 30)["endToEndId"]
        await settle.poll_once(self.parts)
        return int(await self.somebody.one("SELECT id FROM payment WHERE end_to_end_id = $1", key)), key

    async def seen(self, payment_id: int) -> Waiting:
        async with self.somebody.pool.acquire() as conn:
            found = await reconcile_queue.one(conn, payment_id)
        assert found is not None
        return found

    async def refunds(self, *, attempt: int = 1) -> Any:
        row = await self.somebody.pool.fetchrow("SELECT kind, body FROM outbox WHERE kind = 'refund'")
        assert row is not None
        return await refunding.carry_out(self.parts, {**row, "attempt": attempt})

    async def events(self) -> list[Event]:
        rows = await self.somebody.pool.fetch("SELECT raw FROM inbox WHERE kind = 'event' ORDER BY id")
        return [from_raw(bytes(row["raw"])) for row in rows]

    async def is_proved(self) -> None:
        async with self.somebody.pool.acquire() as conn:
            wrong = [(f.proof.name, f.wrong) for f in await check(conn) if f.wrong]
        assert [name for name, _ in wrong if name not in ("debts",)] == []  # debts of these tests were never opened


@asynccontextmanager
async def finance(database: str, *, mode: str = "api") -> AsyncIterator[Finance]:
    async with stand_in() as bank, owed(database, bank.clock) as somebody:
        user_id = await somebody.one(
            "INSERT INTO app_user (name, role, created_at) VALUES ('Otávio', 'finance', $1) RETURNING id", NOON
        )
        yield Finance(somebody, bank, line(somebody, bank, mode=mode), user_id)


async def test_money_of_nobody_known_settles_a_debt_at_its_cost_of_the_day_and_its_debtor_is_thanked(
    database: str,
) -> None:
    async with finance(database) as f:
        debt = await f.somebody.owes(10000)
        charge, _ = await f.somebody.charged(part(debt, 10000))
        late = await f.unknown(10150, days_ago=30)
        assert (await f.seen(late)).why == "unknown"
        assert await reconciling.allocate(f.parts, f.wish(late, 10150), debt_id=debt) == "done"
        assert await f.somebody.one("SELECT state, open_principal_cents FROM debt") == ("paid", 0)
        assert await f.somebody.one("SELECT customer_id, surplus_cents FROM payment") == (f.somebody.customer_id, 150)
        assert await accounts(f.somebody) == {"bank": 10150, f"debt:{debt}": -10000, "suspense": -150}
        assert await f.somebody.one("SELECT state FROM charge WHERE id = $1", charge) == "cancelled"
        assert json.loads(await f.somebody.one("SELECT body FROM outbox WHERE kind = 'cancel_charge'")) == {
            "charge_id": charge
        }
        assert await f.events() == [
            PaymentFound(
                end_to_end_id=f"E88888888{7:023d}",
                amount_cents=10000,
                paid_at=NOON - timedelta(days=30),
                debt_id=debt,
                description="Mensalidade",
                is_settled=True,
            )
        ]
        [decision] = (await f.seen(late)).decisions
        assert (decision.kind, decision.amount_cents, decision.by_name, decision.note) == (
            "allocate",
            10000,
            "Otávio",
            "visto",
        )
        await f.is_proved()


async def test_late_charges_of_the_payments_day_are_taken_with_the_policy_in_force(database: str) -> None:
    async with finance(database) as f:
        debt = await f.somebody.owes(10000)
        no = await f.somebody.agreed(debt, 3000, 3000)
        found = await f.unknown(4000)
        assert no
        assert await reconciling.allocate(f.parts, f.wish(found, 4000), debt_id=debt) == "done"
        rows = await f.somebody.pool.fetch("SELECT n, paid_cents FROM instalment ORDER BY n")
        assert [tuple(row) for row in rows] == [(1, 3000), (2, 1000)]
        [told] = await f.events()
        assert isinstance(told, PaymentFound)
        assert (told.is_settled, told.open_cents) == (False, 2000)
        await f.is_proved()


async def test_credit_is_kept_and_used_or_sent_back_later(database: str) -> None:
    async with finance(database) as f:
        found, customer = await f.unknown(5000), f.somebody.customer_id
        assert await reconciling.keep_as_credit(f.parts, f.wish(found, 5000), customer_id=customer) == "done"
        assert await accounts(f.somebody) == {"bank": 5000, f"credit:{customer}": -5000}
        debt = await f.somebody.owes(3000)
        wish = f.wish(found, 4000, "credit")
        assert await reconciling.allocate(f.parts, wish, debt_id=debt) == "done"
        assert await accounts(f.somebody) == {"bank": 5000, f"credit:{customer}": -2000, f"debt:{debt}": -3000}
        back = f.wish(found, 2000, "credit")
        assert await reconciling.refund(f.parts, back, done_as="D" + "1" * 31) == "done"
        [_, returned] = await f.events()
        assert isinstance(returned, PaymentReturned)
        await f.is_proved()


@pytest.mark.parametrize("weather", [Weather(), Weather(answers_lost=2)])
async def test_a_refund_is_asked_of_the_bank_under_one_identifier_and_leaves_the_books_when_it_is_gone(
    database: str, weather: Weather
) -> None:
    async with finance(database) as f:
        found, key = await f.paid_by_key(700)
        assert await reconciling.refund(f.parts, f.wish(found, 300), done_as=None) == "done"
        assert (await f.seen(found)).free_cents("suspense") == 400  # what is on its way is not free
        customer = f.somebody.customer_id
        assert await reconciling.keep_as_credit(f.parts, f.wish(found, 401), customer_id=customer) == "too_much"
        assert await accounts(f.somebody) == {"bank": 700, "suspense": -700}
        await f.bank.provider.set_weather(weather)
        outcome = await f.refunds()
        if weather.answers_lost:
            assert isinstance(outcome, Again)
            await f.bank.provider.set_weather(Weather())
            f.bank.provider.requests.clear()
            assert await f.refunds(attempt=2) == Done()
            assert [method for method, _ in f.bank.provider.requests] == ["GET"]  # looked before it asked again
        await settle.poll_once(f.parts)
        assert await accounts(f.somebody) == {"bank": 400, "suspense": -400}
        assert await f.somebody.one("SELECT surplus_cents, returned_cents FROM payment") == (400, 300)
        told = await f.bank.talk.drive(confirm(key))
        assert [(r.amount_cents, r.status) for r in told.refunds] == [(300, "DEVOLVIDO")]
        assert await f.events() == []  # nobody is known to be told
        assert await f.refunds(attempt=3) == Done()
        await f.is_proved()


@pytest.mark.parametrize(("done", "left"), [(True, 400), (False, 700)])
async def test_what_is_on_its_way_is_asked_for_until_it_is_there_or_is_not(
    database: str, done: bool, left: int
) -> None:
    """Days later, and nobody told: the payment itself is too old for the poll by then."""
    async with finance(database) as f:
        found, key = await f.paid_by_key(700)
        await f.bank.provider.set_weather(Weather(refunds="waiting"))
        assert await reconciling.refund(f.parts, f.wish(found, 300), done_as=None) == "done"
        assert await f.refunds() == Done()
        await settle.poll_once(f.parts)
        seen = await f.seen(found)
        assert (seen.suspense_cents, seen.free_cents("suspense")) == (700, 400)
        f.somebody.clock.move(days=5)
        await f.bank.provider.finish_refund(key, "acerto1", done=done)
        await settle.poll_once(f.parts)
        seen = await f.seen(found)
        assert (seen.suspense_cents, seen.free_cents("suspense")) == (left, left)
        await f.is_proved()


async def test_what_the_bank_refuses_is_free_again(database: str) -> None:
    async with finance(database) as f:
        found, key = await f.paid_by_key(700)
        f.bank.provider.bank.refund(key, 500)
        assert await reconciling.refund(f.parts, f.wish(found, 300), done_as=None) == "done"
        assert await f.refunds() == Done()
        seen = await f.seen(found)
        assert (seen.free_cents("suspense"), seen.decisions[0].status) == (700, "NAO_REALIZADO")
        await settle.poll_once(f.parts)
        assert (await f.seen(found)).suspense_cents == 200
        await f.is_proved()


@pytest.mark.parametrize("mode", ["static", "api"])
async def test_where_no_provider_sends_it_back_it_is_done_by_hand_and_counted_once(database: str, mode: str) -> None:
    async with finance(database, mode=mode) as f:
        found = await f.unknown(700, source="statement")
        assert await reconciling.refund(f.parts, f.wish(found, 300), done_as=None) == "by_hand"
        done_as = "D" + "1" * 31
        assert await reconciling.refund(f.parts, f.wish(found, 300), done_as=done_as) == "done"
        assert await reconciling.refund(f.parts, f.wish(found, 300), done_as=done_as) == "known_return"
        assert await accounts(f.somebody) == {"bank": 400, "suspense": -400}
        await f.is_proved()


async def test_what_cannot_be_is_said_and_changes_nothing(database: str) -> None:
    async with finance(database) as f:
        found, debt = await f.unknown(700), await f.somebody.owes(1000)
        settled = await f.somebody.owes(1000)
        await f.somebody.pool.execute(
            "UPDATE debt SET state = 'paid', open_principal_cents = 0, settled_at = $2 WHERE id = $1", settled, NOON
        )
        told: list[Outcome] = [
            await reconciling.allocate(f.parts, f.wish(found, 701), debt_id=debt),
            await reconciling.allocate(f.parts, f.wish(found, 700, "credit"), debt_id=debt),
            await reconciling.allocate(f.parts, f.wish(found, 700), debt_id=settled),
            await reconciling.allocate(f.parts, f.wish(found, 700), debt_id=10**6),
            await reconciling.allocate(f.parts, f.wish(10**6, 700), debt_id=debt),
            await reconciling.keep_as_credit(f.parts, f.wish(found, 700), customer_id=0),
        ]
        assert told == ["too_much", "too_much", "nothing_open", "nothing_open", "gone", "nobody"]
        assert await f.somebody.one("SELECT count(*) FROM payment_decision") == 0
        assert await accounts(f.somebody) == {"bank": 700, "suspense": -700}


async def test_what_settled_a_debt_of_one_customer_is_not_used_for_another(database: str) -> None:
    async with finance(database) as f:
        mine = await f.somebody.owes(1000)
        _, no = await f.somebody.charged(part(mine, 1000))
        await pays(f.somebody, payment(1500, no))
        other = await f.somebody.one(
            "INSERT INTO customer (external_id, name, document, created_at, updated_at)"
            " VALUES ('c2', 'João Lima', '11144477735', $1, $1) RETURNING id",
            NOON,
        )
        theirs = await f.somebody.owes(500)
        await f.somebody.pool.execute("UPDATE debt SET customer_id = $2 WHERE id = $1", theirs, other)
        payment_id = await f.somebody.one("SELECT id FROM payment")
        assert await reconciling.allocate(f.parts, f.wish(payment_id, 300), debt_id=theirs) == "another_customer"


# --- once ------------------------------------------------------------------------------------------------------------


async def test_two_who_press_at_once_decide_once(database: str) -> None:
    async with finance(database) as f:
        found, debt = await f.unknown(1000), await f.somebody.owes(5000)
        same = await asyncio.gather(
            *(reconciling.allocate(f.parts, f.wish(found, 400, form=99), debt_id=debt) for _ in range(3))
        )
        assert sorted(same) == ["again", "again", "done"]
        others = await asyncio.gather(
            reconciling.allocate(f.parts, f.wish(found, 600), debt_id=debt),
            reconciling.keep_as_credit(f.parts, f.wish(found, 600), customer_id=f.somebody.customer_id),
            reconciling.refund(f.parts, f.wish(found, 600), done_as=None),
        )
        assert sorted(others) == ["done", "too_much", "too_much"]
        await f.is_proved()


@pytest.mark.parametrize("what", ["allocate", "credit", "refund"])
async def test_ended_at_any_wait_a_decision_is_there_whole_or_not_at_all(database: str, what: str) -> None:
    async with finance(database) as f:
        debt = await f.somebody.owes(10**6)
        for n in range(100):
            found = await f.unknown(1000, n=n + 10)
            wish = f.wish(found, 1000)
            was_ended = await ended_at(_decides(f, what, wish, debt), n)
            assert await _decides(f, what, wish, debt) in ("done", "again")
            if not was_ended:
                break
        assert n > 5
        decided = await f.somebody.one("SELECT count(*)::int, sum(amount_cents)::int FROM payment_decision")
        assert decided == (n + 1, (n + 1) * 1000)
        books = await accounts(f.somebody)
        assert books.get("suspense", 0) == (-(n + 1) * 1000 if what == "refund" else 0)
        asked = await f.somebody.one("SELECT count(*) FROM outbox WHERE kind = 'refund'")
        assert asked == (n + 1 if what == "refund" else 0)
        assert len(await f.events()) == (n + 1 if what == "allocate" else 0)
        await f.is_proved()


async def test_ended_at_any_wait_money_goes_back_once(database: str) -> None:
    async with finance(database) as f:
        for n in range(100):
            found, key = await f.paid_by_key(700)
            assert await reconciling.refund(f.parts, f.wish(found, 700), done_as=None) == "done"
            was_ended = await ended_at(f.refunds(), n)
            assert await f.refunds(attempt=2) == Done()
            await settle.poll_once(f.parts)
            told = await f.bank.talk.drive(confirm(key))
            assert [(r.amount_cents, r.status) for r in told.refunds] == [(700, "DEVOLVIDO")]
            await f.somebody.pool.execute("DELETE FROM outbox WHERE kind = 'refund'")
            if not was_ended:
                break
        assert n > 5
        assert await accounts(f.somebody) == {}
        await f.is_proved()


async def _decides(f: Finance, what: str, wish: Wish, debt: int) -> Outcome:
    if what == "allocate":
        return await reconciling.allocate(f.parts, wish, debt_id=debt)
    if what == "credit":
        return await reconciling.keep_as_credit(f.parts, wish, customer_id=f.somebody.customer_id)
    return await reconciling.refund(f.parts, wish, done_as=None)


# --- the queue -------------------------------------------------------------------------------------------------------


async def test_the_queue_says_why_and_what_may_be_meant_oldest_first(database: str) -> None:
    async with finance(database) as f:
        debt = await f.somebody.owes(1234, date(2026, 11, 1))
        unknown = await f.unknown(1234, days_ago=2)
        _, no = await f.somebody.charged(part(debt, 1234))
        await pays(f.somebody, payment(1300, no, n=1))
        await pays(f.somebody, payment(1234, no, n=2))
        second = await f.somebody.owes(999, date(2026, 11, 2))
        await pays(f.somebody, payment(500, None, n=3))
        line_id = await f.unknown(10, source="statement", n=8)
        async with f.somebody.pool.acquire() as conn:
            waiting = await reconcile_queue.waiting(conn, "suspense", limit=10)
            sums = await reconcile_queue.sums(conn)
        assert [w.why for w in waiting] == ["unknown", "more", "twice", "no_charge", "statement"]
        assert (waiting[0].id, waiting[-1].id) == (unknown, line_id)
        proposals = [w.proposal and (w.proposal.debt_id, w.proposal.reason) for w in waiting]
        same = (second, "The oldest open bill of the same customer")
        assert proposals == [None, same, same, same, None]
        assert (sums.waiting, sums.waiting_cents) == (5, sum(w.suspense_cents for w in waiting))


async def test_the_only_bill_of_an_amount_is_proposed(database: str) -> None:
    async with finance(database) as f:
        debt = await f.somebody.owes(1234)
        seen = await f.seen(await f.unknown(1234))
        assert seen.proposal is not None
        assert (seen.proposal.debt_id, seen.proposal.customer) == (debt, "Maria da Silva")
        await f.somebody.owes(1234)
        assert (await f.seen(seen.id)).proposal is None


@pytest.mark.parametrize(("asked", "found"), [("c1", 1), ("529.982.247-25", 1), ("mar", 1), ("nobody", 0), ("%", 0)])
async def test_a_debt_is_found_by_number_document_or_name(database: str, asked: str, found: int) -> None:
    async with finance(database) as f:
        await f.somebody.owes(100)
        async with f.somebody.pool.acquire() as conn:
            debts, customers = await reconcile_queue.find(conn, asked, limit=5)
        assert (len(debts), len(customers)) == (found, found)
