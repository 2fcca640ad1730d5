"""Asaas through the engine: charged, paid and confirmed over HTTP on a real database, ended at every wait."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.engine import charging, settle
from bot.engine.charging import Again, Done
from bot.engine.checkup import check_all
from bot.engine.events import from_raw
from bot.engine.talk import Talk
from bot.engine.wake import Wake
from bot.sandbox.asaas_provider import AsaasWeather
from bot.sandbox.bank import NotPayable
from bot.sandbox.people import ANA
from bot.settings import Secret, Settings
from bot.store import inbox
from bot.store.inbox import Arrival
from flows.events import ChargeFailed, ChargeReady, Event, PaymentConfirmed
from payments.boleto import BankSlip, read_line
from payments.providers import asaas
from payments.providers.protocol import NotAuthorized, Refused
from tests.asaas import WEBHOOK_TOKEN, AsaasAtHand, asaas_at_hand
from tests.kills import ended_at
from tests.owed import TODAY, ZONE, LineOfTest, Owed, owed, part
from tests.pix_bank import HandClock
from tests.town import Town, town


@dataclass
class Scene:
    somebody: Owed
    asaas: AsaasAtHand
    parts: LineOfTest

    async def charged(self, cents: int = 10000, **more: Any) -> int:
        """Decide on a charge and return its id."""
        debt = part(await self.somebody.owes(cents), cents)
        return (await self.somebody.charged(debt, provider="asaas", **more))[0]

    async def carries_out(self, charge_id: int, *, kind: str = "charge", attempt: int = 1) -> charging.Outcome:
        row = {"kind": kind, "body": json.dumps({"charge_id": charge_id}), "attempt": attempt}
        return await charging.carry_out(self.parts, row)

    async def charge(self, charge_id: int) -> Any:
        return await self.somebody.pool.fetchrow("SELECT * FROM charge WHERE id = $1", charge_id)

    async def paid(self, charge_id: int, how: str = "PIX", cents: int | None = None) -> dict[str, Any]:
        return self.asaas.provider.account.pay((await self.charge(charge_id))["txid"], how, cents)

    async def triggers(self, name: str, payment: dict[str, Any]) -> None:
        """An event arrives as the front door stores it."""
        raw = json.dumps({"event": name, "payment": payment}).encode()
        now, count = self.somebody.clock.now(), await self.somebody.one("SELECT count(*) FROM inbox")
        arrival = Arrival(source="asaas", dedupe_key=f"evt_{count}", kind="pix", raw=raw, received_at=now)
        await inbox.take_in(self.somebody.pool, [arrival], {})

    async def events(self) -> list[Event]:
        rows = await self.somebody.pool.fetch("SELECT raw FROM inbox WHERE kind = 'event' ORDER BY id")
        return [from_raw(bytes(row["raw"])) for row in rows]

    async def confirmed(self) -> list[tuple[str, int]]:
        return [(e.end_to_end_id, e.amount_cents) for e in await self.events() if isinstance(e, PaymentConfirmed)]

    async def reasons(self) -> list[str]:
        rows = await self.somebody.pool.fetch("SELECT reason FROM inbox WHERE kind = 'pix' ORDER BY id")
        return [row["reason"] for row in rows]


@asynccontextmanager
async def scene(database: str) -> AsyncIterator[Scene]:
    async with owed(database) as somebody, asaas_at_hand(somebody.clock) as at_hand:
        settings = Settings(home=Path("/nowhere"), creditor_name="Escola Exemplo", pix=at_hand.pix, timezone=ZONE)
        line = LineOfTest(settings, somebody.clock, somebody.pool, at_hand.talk, Wake(None))
        yield Scene(somebody, at_hand, line)


async def test_a_charge_has_a_code_a_boleto_and_a_page_of_the_same_amount_and_day(database: str) -> None:
    async with scene(database) as s:
        charge_id = await s.charged(until=TODAY + timedelta(days=3))
        assert await s.carries_out(charge_id) == Done()
        charge = await s.charge(charge_id)
        (at_asaas,) = s.asaas.provider.account.payments.values()
        slip = read_line(charge["boleto_line"], TODAY)
        assert isinstance(slip, BankSlip)
        assert (
            (slip.amount_cents, slip.due_on) == (at_asaas["value"], TODAY + timedelta(days=3)) == (10000, slip.due_on)
        )
        assert (charge["state"], charge["link"]) == ("active", at_asaas["invoiceUrl"])
        assert at_asaas["externalReference"] == charge["txid"]
        assert await s.events() == [ChargeReady(charge_no=1)]


async def test_ended_at_any_wait_and_repeated_there_is_one_payment_and_one_customer(database: str) -> None:
    async with scene(database) as s:
        for n in range(100):
            charge_id = await s.charged()
            was_ended = await ended_at(s.carries_out(charge_id), n)
            assert await s.carries_out(charge_id, attempt=2) == Done()
            if not was_ended:
                break
        assert n > 8
        references = [p["externalReference"] for p in s.asaas.provider.account.payments.values()]
        assert len(references) == len(set(references)) == n + 1
        assert len(s.asaas.provider.account.customers) == 1
        assert await s.somebody.one("SELECT count(*) FROM charge WHERE state = 'active'") == n + 1


async def test_after_a_lost_answer_the_payment_is_found_and_not_made_again(database: str) -> None:
    async with scene(database) as s:
        first = await s.charged()
        await s.carries_out(first)
        await s.asaas.provider.set_weather(AsaasWeather(answers_lost=1))
        charge_id = await s.charged()
        assert await s.carries_out(charge_id) == Again(after_s=1)
        assert len(s.asaas.provider.account.payments) == 2
        s.asaas.provider.requests.clear()
        assert await s.carries_out(charge_id, attempt=2) == Done()
        assert {method for method, _ in s.asaas.provider.requests} == {"GET"}


@pytest.mark.parametrize(
    ("weather", "reason"),
    [
        (AsaasWeather(added_cents=1), "value"),
        (AsaasWeather(down=400), "status_400"),
        (AsaasWeather(down=404), "status_404"),
    ],
)
async def test_an_answer_that_is_not_ours_fails_the_charge_with_one_word(
    database: str, weather: AsaasWeather, reason: str
) -> None:
    async with scene(database) as s:
        await s.asaas.provider.set_weather(weather)
        charge_id = await s.charged()
        assert await s.carries_out(charge_id) == Done()
        assert await s.events() == [ChargeFailed(charge_no=1, reason=reason)]


async def test_a_provider_that_is_down_is_tried_again(database: str) -> None:
    async with scene(database) as s:
        charge_id = await s.charged()
        for status in (500, 503, 429, 401):
            await s.asaas.provider.set_weather(AsaasWeather(down=status))
            assert await s.carries_out(charge_id) == Again(after_s=1)
        await s.asaas.provider.set_weather(AsaasWeather())
        assert await s.carries_out(charge_id, attempt=2) == Done()
        assert (await s.charge(charge_id))["state"] == "active"


@pytest.mark.parametrize("how", ["PIX", "BOLETO", "CREDIT_CARD"])
async def test_however_it_is_paid_it_is_confirmed_once_by_trigger_and_poll(database: str, how: str) -> None:
    async with scene(database) as s:
        charge_id = await s.charged()
        await s.carries_out(charge_id)
        payment = await s.paid(charge_id, how)
        for _ in range(2):
            await s.triggers("PAYMENT_CONFIRMED" if how == "CREDIT_CARD" else "PAYMENT_RECEIVED", payment)
            await settle.settle_once(s.parts)
            await settle.poll_once(s.parts)
        if how == "CREDIT_CARD":  # a month later its money comes
            s.asaas.provider.account.credit(payment["id"])
            await settle.poll_once(s.parts)
        assert await s.confirmed() == [(f"asaas:{payment['id']}", 10000)]


async def test_the_poll_alone_finds_what_nobody_told_on_all_pages_and_leaves_other_programs_alone(
    database: str,
) -> None:
    async with scene(database) as s:
        account = s.asaas.provider.account
        customer = account.make_customer({"name": "Outro", "cpfCnpj": "11144477735"})["id"]
        for n in range(120):
            theirs = {"customer": customer, "value": 7, "billingType": "PIX", "externalReference": f"pedido {n}"}
            account.make_payment({**theirs, "dueDate": TODAY.isoformat()})
            account.pay(f"pedido {n}")
        for how in ("PIX", "BOLETO", "CREDIT_CARD"):
            charge_id = await s.charged()
            await s.carries_out(charge_id)
            await s.paid(charge_id, how)
        assert await settle.poll_once(s.parts) == 3
        assert await settle.poll_once(s.parts) == 0
        assert sum(cents for _, cents in await s.confirmed()) == 30000
        assert await s.somebody.one("SELECT count(*) FROM inbox") == 6  # three charges made, three payments


async def test_a_forged_trigger_is_not_believed(database: str) -> None:
    async with scene(database) as s:
        charge_id = await s.charged()
        await s.carries_out(charge_id)
        (unpaid,) = s.asaas.provider.account.payments.values()
        await s.triggers("PAYMENT_RECEIVED", {**unpaid, "status": "RECEIVED"})
        await s.triggers("PAYMENT_RECEIVED", {**unpaid, "id": "pay_of_nobody"})
        await settle.settle_once(s.parts)
        assert await s.confirmed() == []
        assert await s.reasons() == ["pix.not_confirmed", "pix.not_confirmed"]


async def test_another_payments_document_is_not_believed_and_the_amount_is_what_asaas_says(database: str) -> None:
    async with scene(database) as s:
        first, second = await s.charged(), await s.charged()
        for charge_id in (first, second):
            await s.carries_out(charge_id)
        payment = await s.paid(first, cents=4000)
        await s.asaas.provider.set_weather(AsaasWeather(mixed_up=True))
        await s.triggers("PAYMENT_RECEIVED", {**payment, "value": 10000})
        await settle.settle_once(s.parts)
        assert (await s.confirmed(), await s.reasons()) == ([], ["pix.id"])
        await s.asaas.provider.set_weather(AsaasWeather())
        await settle.poll_once(s.parts)
        assert await s.confirmed() == [(f"asaas:{payment['id']}", 4000)]


async def test_when_its_day_is_over_a_payment_is_deleted_for_it_would_live_on(database: str) -> None:
    async with scene(database) as s:
        paid, unpaid = await s.charged(), await s.charged()
        for charge_id in (paid, unpaid):
            await s.carries_out(charge_id)
        await s.paid(paid)
        s.somebody.clock.move(days=5)  # beyond what the poll looks back on
        assert await settle.poll_once(s.parts) == 1
        assert [p["deleted"] for p in s.asaas.provider.account.payments.values()] == [False, True]
        assert [(await s.charge(i))["state"] for i in (paid, unpaid)] == ["active", "cancelled"]
        with pytest.raises(NotPayable, match="removed"):
            await s.paid(unpaid)


async def test_a_charge_is_taken_back_and_what_was_paid_on_it_is_found(database: str) -> None:
    async with scene(database) as s:
        paid, unpaid = await s.charged(), await s.charged()
        for charge_id in (paid, unpaid):
            await s.carries_out(charge_id)
        payment = await s.paid(paid)
        for charge_id in (paid, unpaid, unpaid):
            assert await s.carries_out(charge_id, kind="cancel_charge") == Done()
        assert [p["deleted"] for p in s.asaas.provider.account.payments.values()] == [False, True]
        assert await s.confirmed() == [(f"asaas:{payment['id']}", 10000)]


async def test_money_is_sent_back_once_and_a_boletos_is_not(database: str) -> None:
    async with scene(database) as s:
        identities = []
        for how in ("PIX", "BOLETO"):
            charge_id = await s.charged()
            await s.carries_out(charge_id)
            identities.append(f"asaas:{(await s.paid(charge_id, how))['id']}")
        made = [await s.asaas.talk.drive(asaas.refund(identities[0], "r1", 2500, doubt)) for doubt in (False, True)]
        assert [(r.id, r.amount_cents, r.is_final) for r in made] == [("r1", 2500, True)] * 2
        received = await s.asaas.talk.drive(asaas.confirm(identities[0]))
        assert (received.kept_cents, len(received.refunds)) == (7500, 1)
        with pytest.raises(Refused, match="invalid_action"):
            await s.asaas.talk.drive(asaas.refund(identities[1], "r2", 2500))


async def test_a_charge_of_a_provider_that_is_not_set_any_more_is_neither_made_nor_asked_for(database: str) -> None:
    async with scene(database) as s:
        debt = part(await s.somebody.owes(10000), 10000)
        charge_id, _ = await s.somebody.charged(debt, provider="api")
        assert await s.carries_out(charge_id, kind="cancel_charge") == Done()
        assert await s.carries_out(charge_id) == Done()
        assert await s.events() == [ChargeFailed(charge_no=1, reason="provider_changed")]
        assert s.asaas.provider.requests == []


async def test_a_wrong_key_says_so(database: str) -> None:
    async with owed(database) as somebody, asaas_at_hand(somebody.clock) as at_hand, aiohttp.ClientSession() as session:
        stranger = replace(at_hand.pix, asaas_token=Secret("another"))
        with pytest.raises(NotAuthorized, match="invalid_access_token"):
            await Talk(stranger, session).drive(asaas.probe())


# --- the whole program -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def town_with_asaas(database: str, redis_url: str, home: Path) -> AsyncIterator[tuple[Town, AsaasAtHand]]:
    """A town whose creditor is at Asaas, which knows its webhook."""
    clock = HandClock()

    def there(settings: Settings) -> Settings:
        return replace(settings, pix=replace(at_hand.pix, merchant_name=settings.pix.merchant_name))

    async with asaas_at_hand(clock) as at_hand, town(database, redis_url, home, clock=clock, otherwise=there) as place:
        at_hand.provider.webhook_url = f"{place.address}/webhook/asaas"
        yield place, at_hand


async def test_who_pays_by_boleto_is_thanked_and_the_debt_is_settled_once(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with town_with_asaas(database, redis_url, tmp_path) as (place, at_hand):
        await at_hand.provider.set_weather(AsaasWeather(webhook="doubled"))
        phone = place.phone(ANA)
        await phone.says("oi", ANA.document[:3])
        await phone.taps("Pagar agora")
        txid, line = await place.ask("SELECT txid FROM charge"), await place.ask("SELECT boleto_line FROM charge")
        await phone.says("boleto")
        assert line in "".join(c for c in phone.transcript() if c.isdigit())
        await at_hand.provider.pay(txid, "BOLETO")
        await place.settled()
        await place.moves(minutes=5)
        assert [words for words in phone.heard if "confirmado" in words] == [
            "Pagamento de R$ 349,90 confirmado. Obrigado, Ana! Está quitado."
        ]
        assert await place.ask("SELECT count(*) FROM payment") == 1
        assert await place.ask("SELECT sum(amount_cents) FROM ledger_posting") == 0
        assert await place.ask("SELECT count(*) FROM inbox WHERE source = 'asaas' AND state <> 'done'") == 0


async def test_the_door_wants_the_token_and_the_doctor_sees_an_interrupted_queue(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with town_with_asaas(database, redis_url, tmp_path) as (place, at_hand):
        url, event = str(at_hand.provider.webhook_url), {"id": "evt_1", "event": "PAYMENT_RECEIVED", "payment": {}}
        answers = []
        for headers in ({}, {"asaas-access-token": "wrong"}, {"asaas-access-token": "é"}, *[_token()] * 2):
            async with place.parts.http.post(url, json=event, headers=headers) as answer:
                answers.append(answer.status)
        assert answers == [401, 401, 401, 200, 200]
        assert await place.ask("SELECT count(*) FROM inbox WHERE source = 'asaas'") == 1
        for body in (b"", b"\xff", b"[7]"):
            async with place.parts.http.post(url, data=body, headers=_token()) as answer:
                assert answer.status == 200
        await place.settled()
        assert await place.ask("SELECT count(*) FROM inbox WHERE source = 'asaas' AND reason = 'asaas.unreadable'") == 3
        assert (await _provider(place)).ok
        at_hand.provider.interrupted = True
        assert (await _provider(place)).detail == "webhook_interrupted"
        at_hand.provider.webhook_url = None
        assert (await _provider(place)).detail == "webhook_missing"


def _token() -> dict[str, str]:
    return {"asaas-access-token": WEBHOOK_TOKEN}


async def _provider(place: Town) -> Any:
    return next(f for f in await check_all(place.parts) if f.check == "payment_provider")
