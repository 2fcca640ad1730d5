"""Charges made and payments confirmed: over HTTP with the stand-in bank, on a real database, ended at every wait."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.engine import charging, settle
from bot.engine.charging import TRIES, Again, Done
from bot.engine.events import from_raw
from bot.sandbox.pix_provider import Weather
from bot.store import inbox
from bot.store.inbox import Arrival
from bot.store.ledger_check import check
from flows.events import ChargeFailed, ChargeReady, Event, PaymentConfirmed, PaymentReturned
from payments.brcode import NotACode, read_code
from tests.kills import ended_at
from tests.owed import TODAY, LineOfTest, Owed, line, owed, part
from tests.pix_bank import StandIn, stand_in
from tests.waiting import until

DUE = TODAY + timedelta(days=3)


@dataclass
class Scene:
    somebody: Owed
    bank: StandIn
    parts: LineOfTest

    async def charged(self, cents: int = 10000, *, late_cents: int = 0, **more: Any) -> tuple[int, int]:
        return await self.somebody.charged(part(await self.somebody.owes(cents), cents, late_cents), **more)

    async def carries_out(self, charge_id: int, *, kind: str = "charge", attempt: int = 1) -> charging.Outcome:
        row = {"kind": kind, "body": json.dumps({"charge_id": charge_id}), "attempt": attempt}
        return await charging.carry_out(self.parts, row)

    async def charge(self, charge_id: int) -> Any:
        return await self.somebody.pool.fetchrow("SELECT * FROM charge WHERE id = $1", charge_id)

    async def events(self) -> list[Event]:
        rows = await self.somebody.pool.fetch("SELECT raw FROM inbox WHERE kind = 'event' ORDER BY id")
        return [from_raw(bytes(row["raw"])) for row in rows]

    async def inbox(self) -> list[tuple[str, str, str, str | None]]:
        """(kind, key, state, reason) of everything but events."""
        rows = await self.somebody.pool.fetch(
            "SELECT kind, dedupe_key, state, reason FROM inbox WHERE kind <> 'event' ORDER BY id"
        )
        return [tuple(row) for row in rows]

    async def triggers(self, *bodies: Any) -> None:
        """The webhook's bodies arrive as the front door stores them."""
        raws = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
        count = await self.somebody.one("SELECT count(*) FROM inbox")
        arrivals = [
            Arrival(
                source="pix", dedupe_key=f"k{count + n}", kind="pix", raw=raw, received_at=self.somebody.clock.now()
            )
            for n, raw in enumerate(raws)
        ]
        await inbox.take_in(self.somebody.pool, arrivals, {})

    async def paid(self, charge_id: int, cents: int | None = None) -> dict[str, Any]:
        return await self.bank.provider.pay((await self.charge(charge_id))["txid"], cents)


@asynccontextmanager
async def scene(database: str, *, mode: str = "api") -> AsyncIterator[Scene]:
    async with stand_in() as bank, owed(database, bank.clock) as somebody:
        yield Scene(somebody, bank, line(somebody, bank, mode=mode))


# --- charges ---------------------------------------------------------------------------------------------------------


async def test_a_charge_is_made_and_its_conversation_told(database: str) -> None:
    async with scene(database) as s:
        charge_id, no = await s.charged()
        assert await s.carries_out(charge_id) == Done()
        charge = await s.charge(charge_id)
        at_bank = s.bank.provider.bank.charges[charge["txid"]]
        assert (charge["state"], charge["location"]) == ("active", at_bank["location"])
        assert at_bank["valor"]["original"] == "100.00"
        assert at_bank["calendario"]["expiracao"] == 12 * 3600  # until midnight in São Paulo
        assert await s.events() == [ChargeReady(charge_no=no)]
        assert await s.carries_out(charge_id, attempt=2) == Done()
        assert await s.events() == [ChargeReady(charge_no=no)]


async def test_what_is_not_due_yet_is_a_charge_with_due_date_and_its_code_dies_with_the_first_working_day(
    database: str,
) -> None:
    async with scene(database) as s:
        (charge_id, _), (late_id, _) = await s.charged(until=DUE), await s.charged(until=DUE, late_cents=1)
        assert await s.carries_out(charge_id) == await s.carries_out(late_id) == Done()
        charge, late = await s.charge(charge_id), await s.charge(late_id)
        at_bank = s.bank.provider.bank.charges[charge["txid"]]
        assert (charge["form"], at_bank["calendario"]["dataDeVencimento"]) == ("cobv", "2026-12-04")
        assert (late["form"], s.bank.provider.bank.charges[late["txid"]]["loc"]["tipoCob"]) == ("cob", "cob")
        s.somebody.clock.move(days=4)
        await settle.poll_once(s.parts)
        assert [(await s.charge(i))["state"] for i in (charge_id, late_id)] == ["active", "cancelled"]
        s.somebody.clock.move(days=5)
        await settle.poll_once(s.parts)
        assert (await s.charge(charge_id))["state"] == "cancelled"


async def test_a_charge_with_due_date_is_taken_back_and_what_was_paid_on_it_is_found(database: str) -> None:
    async with scene(database) as s:
        (charge_id, no), (unpaid_id, _) = await s.charged(until=DUE), await s.charged(until=DUE)
        for wanted in (charge_id, unpaid_id):
            await s.carries_out(wanted)
        await s.paid(charge_id)
        for unwanted in (charge_id, unpaid_id):
            assert await s.carries_out(unwanted, kind="cancel_charge") == Done()
        assert s.bank.provider.bank.charges[(await s.charge(unpaid_id))["txid"]]["status"] != "ATIVA"
        assert [e.charge_no for e in await s.events() if isinstance(e, PaymentConfirmed)] == [no]


async def test_a_contract_without_due_dates_gets_immediate_charges_and_is_remembered(database: str) -> None:
    async with scene(database) as s:
        await s.bank.provider.set_weather(Weather(due_charges=False))
        charge_id, _ = await s.charged(until=DUE)
        assert await s.carries_out(charge_id) == Done()
        assert (await s.charge(charge_id))["form"] == "cob"
        assert await s.carries_out(charge_id, kind="cancel_charge") == Done()
        (at_bank,) = s.bank.provider.bank.charges.values()
        assert at_bank["status"] != "ATIVA"


async def test_a_static_charge_has_its_code_without_anybody_being_asked(database: str) -> None:
    async with scene(database, mode="static") as s:
        charge_id, no = await s.charged(provider="static")
        assert await s.carries_out(charge_id) == Done()
        charge = await s.charge(charge_id)
        read = read_code(charge["code"])
        assert not isinstance(read, NotACode)
        assert (read.amount_cents, read.txid, len(charge["txid"])) == (10000, charge["txid"], 25)
        assert s.bank.provider.requests == []
        assert await s.events() == [ChargeReady(charge_no=no)]
        assert await s.carries_out(charge_id, kind="cancel_charge") == Done()


async def test_ended_at_any_wait_and_repeated_there_is_one_charge_and_one_word_of_it(database: str) -> None:
    async with scene(database) as s:
        for n in range(100):
            charge_id, _ = await s.charged()
            was_ended = await ended_at(s.carries_out(charge_id), n)
            assert await s.carries_out(charge_id, attempt=2) == Done()
            if not was_ended:
                break
        assert n > 5
        assert await s.somebody.one("SELECT count(*) FROM charge WHERE state = 'active'") == n + 1
        assert len(s.bank.provider.bank.charges) == n + 1
        assert sorted(e.charge_no for e in await s.events() if isinstance(e, ChargeReady)) == list(range(1, n + 2))


async def test_after_a_lost_answer_it_looks_before_it_asks_again(database: str) -> None:
    async with scene(database) as s:
        charge_id, _ = await s.charged()
        await s.bank.provider.set_weather(Weather(answers_lost=2))
        assert await s.carries_out(charge_id) == Again(after_s=1)
        s.bank.provider.requests.clear()
        assert await s.carries_out(charge_id, attempt=2) == Done()
        assert [method for method, _ in s.bank.provider.requests] == ["GET"]


async def test_a_provider_that_is_away_is_tried_again_and_then_the_conversation_hears_that_it_failed(
    database: str,
) -> None:
    async with scene(database) as s:
        charge_id, no = await s.charged()
        await s.bank.provider.set_weather(Weather(down=503))
        waits = [await s.carries_out(charge_id, attempt=n) for n in range(1, TRIES)]
        assert waits == [Again(after_s=w) for w in (1, 2, 5, 10, 20, 30)]
        assert await s.carries_out(charge_id, attempt=TRIES) == Done()
        assert (await s.charge(charge_id))["state"] == "failed"
        assert await s.events() == [ChargeFailed(charge_no=no, reason="provider_away")]


async def test_a_refusal_is_final_at_once(database: str) -> None:
    async with scene(database) as s:
        await s.somebody.pool.execute("UPDATE customer SET document = '52998224726'")
        charge_id, no = await s.charged()
        assert await s.carries_out(charge_id) == Done()
        assert await s.events() == [ChargeFailed(charge_no=no, reason="RequisicaoInvalida")]


async def test_a_charge_whose_day_is_over_before_it_was_made_fails(database: str) -> None:
    async with scene(database) as s:
        charge_id, no = await s.charged()
        s.somebody.clock.move(hours=12)
        assert await s.carries_out(charge_id) == Done()
        assert await s.events() == [ChargeFailed(charge_no=no, reason="expired")]


async def test_a_charge_is_taken_back_at_the_bank(database: str) -> None:
    async with scene(database) as s:
        charge_id, _no = await s.charged()
        await s.carries_out(charge_id)
        await s.somebody.pool.execute("UPDATE charge SET state = 'cancelled'")
        await s.bank.provider.set_weather(Weather(down=500))
        assert await s.carries_out(charge_id, kind="cancel_charge") == Again(after_s=1)
        await s.bank.provider.set_weather(Weather())
        assert await s.carries_out(charge_id, kind="cancel_charge", attempt=2) == Done()
        (at_bank,) = s.bank.provider.bank.charges.values()
        assert at_bank["status"] == "REMOVIDA_PELO_USUARIO_RECEBEDOR"
        assert await s.carries_out(charge_id, kind="cancel_charge", attempt=3) == Done()


async def test_a_charge_that_was_paid_before_it_is_taken_back_tells_of_its_payment(database: str) -> None:
    """The bank's word of it was lost, and too much time has gone by for the poll: nobody would ever look again."""
    async with scene(database) as s:
        charge_id, no = await s.charged()
        await s.carries_out(charge_id)
        paid = await s.paid(charge_id)
        s.somebody.clock.move(days=3)
        await s.somebody.pool.execute("UPDATE charge SET state = 'cancelled'")
        for attempt in (1, 2):
            assert await s.carries_out(charge_id, kind="cancel_charge", attempt=attempt) == Done()
        (_, told) = await s.events()
        assert isinstance(told, PaymentConfirmed)
        assert (told.end_to_end_id, told.charge_no, told.amount_cents) == (paid["endToEndId"], no, 10000)


async def test_a_charge_that_was_cancelled_before_it_was_made_is_never_made(database: str) -> None:
    async with scene(database) as s:
        charge_id, _ = await s.charged()
        await s.somebody.pool.execute("UPDATE charge SET state = 'cancelled'")
        assert await s.carries_out(charge_id) == Done()
        assert s.bank.provider.requests == []


async def test_a_charge_that_is_cancelled_while_the_bank_makes_it_is_taken_back(database: str) -> None:
    async with scene(database) as s:
        charge_id, _ = await s.charged()
        await s.bank.provider.set_weather(Weather(frozen=True))
        making = asyncio.create_task(s.carries_out(charge_id))
        await until(lambda: bool(s.bank.provider.requests))
        await s.somebody.pool.execute("UPDATE charge SET state = 'cancelled'")
        await s.bank.provider.set_weather(Weather())
        assert await making == Done()
        (at_bank,) = s.bank.provider.bank.charges.values()
        assert at_bank["status"] == "REMOVIDA_PELO_USUARIO_RECEBEDOR"
        assert await s.events() == []


async def test_a_charge_that_is_cancelled_after_its_answer_was_lost_is_taken_back(database: str) -> None:
    async with scene(database) as s:
        charge_id, _ = await s.charged()
        txid = (await s.charge(charge_id))["txid"]
        await s.bank.provider.set_weather(Weather(answers_lost=2))
        assert await s.carries_out(charge_id) == Again(after_s=1)
        assert list(s.bank.provider.bank.charges) == [txid]
        await s.somebody.pool.execute("UPDATE charge SET state = 'cancelled'")
        assert await s.carries_out(charge_id, attempt=2) == Done()
        assert s.bank.provider.bank.charges[txid]["status"] == "REMOVIDA_PELO_USUARIO_RECEBEDOR"
        assert await s.events() == []


async def test_no_two_charges_share_a_txid_even_when_the_database_begins_anew(database: str) -> None:
    async with scene(database) as s:
        first, _ = await s.charged()
        first_txid = (await s.charge(first))["txid"]
        await s.somebody.pool.execute("TRUNCATE charge CASCADE")
        s.somebody.serial = 0
        s.somebody.clock.move(seconds=1)
        again, _ = await s.charged()
        assert (await s.charge(again))["txid"] != first_txid
        assert len(first_txid) == 32


# --- payments --------------------------------------------------------------------------------------------------------


async def test_a_trigger_is_confirmed_at_the_bank_before_it_is_believed(database: str) -> None:
    async with scene(database) as s:
        charge_id, no = await s.charged()
        await s.carries_out(charge_id)
        pix = await s.paid(charge_id)
        lie = {**pix, "valor": "99999.00", "txid": "z" * 30}
        await s.triggers({"pix": [lie]})
        assert await settle.settle_once(s.parts) == 1
        assert (await s.events())[1:] == [
            PaymentConfirmed(
                end_to_end_id=pix["endToEndId"],
                amount_cents=10000,
                paid_at=s.somebody.clock.now(),
                charge_no=no,
                txid=(await s.charge(charge_id))["txid"],
            )
        ]
        assert await settle.settle_once(s.parts) == 0


async def test_a_forged_trigger_makes_nothing_and_does_not_stand_in_the_way_of_the_real_one(database: str) -> None:
    async with scene(database) as s:
        await s.triggers({"pix": [{"endToEndId": "E" + "0" * 31, "valor": "10.00", "horario": "2026-12-01T15:00:00Z"}]})
        await settle.settle_once(s.parts)
        assert await s.events() == []
        assert await s.inbox() == [("pix", "k0", "parked", "pix.not_confirmed")]


@pytest.mark.parametrize(
    ("body", "state", "reason"),
    [
        (b"", "done", None),
        ({"evento": "teste_webhook"}, "done", None),
        ({"pix": []}, "done", None),
        ([], "done", None),
        (b"\xff{", "parked", "pix.unreadable"),
        (b"[" * 100_000, "parked", "pix.unreadable"),
        ({"pix": "all of it"}, "parked", "pix.unreadable"),
        ({"pix": [{}]}, "parked", "pix.bad_end_to_end_id"),
        ({"pix": [{"endToEndId": "../cob/" + "x" * 25}]}, "parked", "pix.bad_end_to_end_id"),
        ({"pix": [7]}, "parked", "pix.bad_end_to_end_id"),
    ],
)
async def test_a_trigger_of_any_form_is_done_or_kept_for_people(
    database: str, body: Any, state: str, reason: str | None
) -> None:
    async with scene(database) as s:
        await s.triggers(body)
        assert await settle.settle_once(s.parts) == 1
        assert await s.inbox() == [("pix", "k0", state, reason)]
        assert s.bank.provider.requests == []


async def test_doubled_late_and_batched_triggers_and_the_poll_make_one_event_per_payment(database: str) -> None:
    async with scene(database) as s:
        pix = []
        for _ in range(3):
            charge_id, _ = await s.charged()
            await s.carries_out(charge_id)
            pix.append(await s.paid(charge_id))
        await s.triggers({"pix": pix[:2]}, {"pix": [pix[1]]}, {"pix": [pix[0], pix[0]]})
        await settle.settle_once(s.parts)
        assert await settle.poll_once(s.parts) == 1  # the third, which nobody told
        assert await settle.poll_once(s.parts) == 0
        confirmed = [e.end_to_end_id for e in await s.events() if isinstance(e, PaymentConfirmed)]
        assert sorted(confirmed) == sorted(p["endToEndId"] for p in pix)


async def test_the_poll_reads_every_page(database: str) -> None:
    async with scene(database) as s:
        charge_id, _ = await s.charged()
        await s.carries_out(charge_id)
        for _ in range(205):
            s.bank.provider.bank.pay_key(100, txid="f" * 30)
        s.bank.provider.bank.pay_key(100, txid=None)  # nobody's charge
        await s.paid(charge_id)
        assert await settle.poll_once(s.parts) == 206
        kept = await s.somebody.one("SELECT count(*), sum(surplus_cents)::int FROM payment WHERE charge_id IS NULL")
        assert kept == (205, 20500)
        assert await s.inbox() == []


async def test_a_bank_that_is_away_leaves_triggers_open_and_they_are_settled_when_it_is_back(database: str) -> None:
    async with scene(database) as s:
        charge_id, _ = await s.charged()
        await s.carries_out(charge_id)
        await s.triggers({"pix": [await s.paid(charge_id)]})
        await s.bank.provider.set_weather(Weather(down=503))
        assert (await settle.settle_once(s.parts), await settle.poll_once(s.parts)) == (0, 0)
        assert (await s.inbox())[0][2] == "open"
        await s.bank.provider.set_weather(Weather())
        assert await settle.settle_once(s.parts) == 1


async def test_ended_at_any_wait_a_trigger_is_settled_once(database: str) -> None:
    async with scene(database) as s:
        for n in range(100):
            charge_id, _ = await s.charged()
            await s.carries_out(charge_id)
            await s.triggers({"pix": [await s.paid(charge_id)]})
            was_ended = await ended_at(settle.settle_once(s.parts), n)
            await settle.settle_once(s.parts)
            if not was_ended:
                break
        assert n > 5
        confirmed = [e.charge_no or 0 for e in await s.events() if isinstance(e, PaymentConfirmed)]
        assert sorted(confirmed) == list(range(1, n + 2))
        assert {state for _, _, state, _ in await s.inbox()} == {"done"}


async def test_what_went_back_whole_before_it_was_heard_of_is_counted_and_not_thanked_for(database: str) -> None:
    async with scene(database) as s:
        whole, partly = await s.charged(), await s.charged()
        keys = []
        for (charge_id, _), back in ((whole, 10000), (partly, 1)):
            await s.carries_out(charge_id)
            keys.append((await s.paid(charge_id))["endToEndId"])
            s.bank.provider.bank.refund(keys[-1], back)
        assert await settle.poll_once(s.parts) == 4
        assert await settle.poll_once(s.parts) == 0
        assert [e for e in await s.events() if not isinstance(e, ChargeReady)] == [
            PaymentConfirmed(
                end_to_end_id=keys[1],
                amount_cents=10000,
                paid_at=s.somebody.clock.now(),
                charge_no=partly[1],
                txid=(await s.charge(partly[0]))["txid"],
            ),
            PaymentReturned(end_to_end_id=keys[0], refund_id="1", amount_cents=10000),
            PaymentReturned(end_to_end_id=keys[1], refund_id="1", amount_cents=1),
        ]
        assert await s.inbox() == [("other", f"p:{keys[0]}", "done", None)]
        kept = await s.somebody.one("SELECT end_to_end_id, charge_id, surplus_cents FROM payment")
        assert kept == (keys[0], whole[0], 10000)


async def test_what_went_back_weeks_later_and_was_never_told_is_found_by_the_long_look(database: str) -> None:
    async with scene(database) as s:
        key = s.bank.provider.bank.pay_key(700, txid="f" * 30)["endToEndId"]
        assert await settle.poll_once(s.parts) == 1
        s.somebody.clock.move(days=60)
        s.bank.provider.bank.refund(key, 200, natureza="MED_FRAUDE")
        assert await settle.poll_once(s.parts) == 0
        assert (await settle.long_look_once(s.parts), await settle.long_look_once(s.parts)) == (1, 0)
        assert await s.somebody.one("SELECT surplus_cents, returned_cents FROM payment") == (500, 200)
        s.bank.provider.requests.clear()
        s.somebody.clock.move(days=40)
        assert await settle.long_look_once(s.parts) == 0
        assert s.bank.provider.requests == []  # 90 days are over


async def test_a_payment_of_nobody_known_is_counted_and_goes_back_without_a_word(database: str) -> None:
    async with scene(database) as s:
        key = s.bank.provider.bank.pay_key(700, txid="f" * 30)["endToEndId"]
        assert await settle.poll_once(s.parts) == 1
        s.bank.provider.bank.refund(key, 700)
        assert await settle.poll_once(s.parts) == 1
        assert await settle.poll_once(s.parts) == 0
        assert await s.somebody.one("SELECT surplus_cents, returned_cents FROM payment") == (0, 700)
        assert await s.events() == []
        async with s.somebody.pool.acquire() as conn:
            assert all(not finding.wrong for finding in await check(conn))


async def test_after_days_of_being_down_each_dead_code_gets_a_last_look_and_is_closed(database: str) -> None:
    async with scene(database) as s:
        paid, unpaid, alive = await s.charged(), await s.charged(), await s.charged(until=TODAY + timedelta(days=9))
        for charge_id, _ in (paid, unpaid, alive):
            await s.carries_out(charge_id)
        await s.paid(paid[0])
        s.somebody.clock.move(days=5)  # beyond what the poll looks back on
        assert await settle.poll_once(s.parts) == 1
        states = [(await s.charge(charge_id))["state"] for charge_id, _ in (paid, unpaid, alive)]
        assert states == ["active", "cancelled", "active"]  # the paid one waits for its turn
        assert [e.charge_no for e in await s.events() if isinstance(e, PaymentConfirmed)] == [paid[1]]


async def test_with_static_pix_nobody_is_asked(database: str) -> None:
    async with scene(database, mode="static") as s:
        await s.triggers({"pix": [{"endToEndId": "E" + "0" * 31}]})
        assert await settle.poll_once(s.parts) == 0
        await settle.settle_once(s.parts)
        assert await s.inbox() == [("pix", "k0", "parked", "pix.static_mode")]
        assert s.bank.provider.requests == []
