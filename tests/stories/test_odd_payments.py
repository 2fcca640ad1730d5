"""Payments that are not as they should be: each has its word to the debtor, its line in the ledger, and where it is
not certain its place in the queue of finance. After each of them the books are proved."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from bot.engine import settle
from bot.sandbox.people import ANA, BRUNO, CARLA
from bot.sandbox.pix_provider import Weather
from bot.store import reconcile_queue, users
from bot.store.ledger_check import check
from tests.desk import HASH, Visitor
from tests.phone import Phone
from tests.town import Town

DEBT = "SELECT state FROM debt WHERE external_id = $1"
OPEN = "SELECT open_principal_cents::int FROM debt WHERE external_id = $1"
ANAS = ANA.debts[0].external_id
_USE = re.compile(r'<form[^>]*action="([^"]+/(allocate|refund))"[^>]*>(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r'name="(\w+)"[^>]*?value="([^"]*)"')


@pytest.fixture
async def otavio(place: Town) -> AsyncIterator[Visitor]:
    """Somebody of finance, logged in."""
    async with place.parts.pool.acquire() as conn:
        await users.add(conn, name="Otávio", role="finance", password_hash=HASH, now=place.clock.now())
    client: TestClient[Any, Any] = TestClient(place.server, cookie_jar=aiohttp.CookieJar(unsafe=True))
    async with client:
        visitor = Visitor(client)
        assert (await visitor.logs_in("Otávio")).status == 303
        yield visitor


@pytest.fixture
async def ana(place: Town) -> Phone:
    """Ana, with a code for all that she owes: 349.90."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Pagar agora")
    return phone


async def told(place: Town, phone: Phone) -> list[str]:
    """What a person hears from now on is what comes after this; read at the end of a story."""
    await settle.poll_once(place.parts)
    await place.settled()
    return phone.heard


async def queue(place: Town) -> list[tuple[str, int]]:
    """Why what waits in suspense, and how much; the books are proved on the way, and the bar is the ledger's."""
    async with place.parts.pool.acquire() as conn:
        wrong = [(f.proof.name, f.wrong) for f in await check(conn) if f.wrong]
        waiting = await reconcile_queue.waiting(conn, "suspense", limit=20)
        sums = await reconcile_queue.sums(conn)
    assert wrong == []
    assert sums.waiting_cents == sum(w.suspense_cents for w in waiting)
    return [(w.why, w.suspense_cents) for w in waiting]


async def txid(place: Town) -> str:
    """Of the first charge."""
    return str(await place.ask("SELECT txid FROM charge ORDER BY id LIMIT 1"))


async def pays_on(place: Town, cents: int, txid: str | None) -> str:
    """Money comes with this identifier, whatever the bank thinks of its charge; nobody tells us, the poll finds it."""
    key = str(place.world.bank.bank.pay_key(cents, txid=txid)["endToEndId"])
    await settle.poll_once(place.parts)
    await place.settled()
    return key


async def presses(place: Town, visitor: Visitor, address: str, action: str, **more: str) -> None:
    """The first form of this kind on a page of finance's."""
    found = next(f for f in _USE.findall(await visitor.text(address)) if f[1] == action)
    fields = {name: unescape(value) for name, value in _FIELD.findall(found[2])}
    assert (await visitor.post(found[0], {**fields, **more})).status == 303
    await place.settled()


async def test_a_part_is_thanked_for_and_the_rest_stays_open(place: Town, ana: Phone) -> None:
    await place.bank.receives(ana.pix_code(), 10000)
    assert ana.last.startswith("Pagamento de R$ 100,00 confirmado. Obrigado, Ana! Ainda restam R$ ")
    assert await place.ask(DEBT, ANAS) == "open"
    assert await queue(place) == []


async def test_too_much_waits_and_goes_back_by_one_press(place: Town, ana: Phone, otavio: Visitor) -> None:
    await place.bank.receives(ana.pix_code(), 40000)
    assert "R$ 50,10" in ana.last
    assert await place.ask(DEBT, ANAS) == "paid"
    assert await queue(place) == [("more", 5010)]
    payment = await place.ask("SELECT id FROM payment")
    await presses(place, otavio, f"/finance/payments/{payment}", "refund")
    assert ana.last.startswith("Ana, devolvemos R$ 50,10 do seu pagamento de ")
    assert "aberto" not in ana.last
    assert await place.ask("SELECT returned_cents::int FROM payment") == 5010
    assert await queue(place) == []
    assert await place.ask(DEBT, ANAS) == "paid"


async def test_the_same_charge_twice_waits_with_a_person(place: Town, ana: Phone) -> None:
    await place.bank.receives(ana.pix_code())
    await pays_on(place, 34990, await txid(place))
    assert "já estava pago antes" in ana.last
    assert await queue(place) == [("twice", 34990)]


async def test_two_charges_for_one_debt_settle_it_once(place: Town, ana: Phone) -> None:
    first = ana.pix_code()
    await place.bank.receives(first, 34980)  # all but ten centavos
    await ana.says("menu")
    await ana.taps("Pagar agora")
    second = await place.ask("SELECT txid FROM charge ORDER BY id DESC LIMIT 1")
    assert second != await txid(place)
    await pays_on(place, 34990, await txid(place))  # the first one again
    await pays_on(place, 34990, second)
    assert await place.ask(DEBT, ANAS) == "paid"
    waiting = await queue(place)
    assert waiting[-1] == ("after", 34990)
    paid = 34980 + 2 * 34990
    settled = await place.ask("SELECT sum(amount_cents - surplus_cents)::int FROM payment")
    assert sum(cents for _, cents in waiting) == paid - settled
    assert 34990 <= settled <= 34990 + 2000  # with what ten days of lateness cost, and no more


async def test_a_cancelled_charge_pays_what_it_was_for(place: Town, ana: Phone) -> None:
    await place.parts.pool.execute("UPDATE charge SET state = 'cancelled'")
    await pays_on(place, 34990, await txid(place))
    assert ana.last == "Pagamento de R$ 349,90 confirmado. Obrigado, Ana! Está quitado."
    assert await queue(place) == []


async def test_an_expired_charge_pays_at_the_cost_of_the_day(place: Town, ana: Phone) -> None:
    await place.moves(days=20)
    assert await place.bank.refuses(ana.pix_code()) == "expired"
    await pays_on(place, 34990, await txid(place))
    assert "Recebemos o seu pagamento de R$ 349,90" in ana.last  # by the template: the window is closed
    assert await place.ask(DEBT, ANAS) == "open"
    assert await queue(place) == []


async def test_what_nobody_knows_is_found_by_finance_and_thanked_for_once(
    place: Town, ana: Phone, otavio: Visitor
) -> None:
    heard = len(ana.heard)
    await pays_on(place, 34990, "f" * 30)
    assert len(ana.heard) == heard
    assert await queue(place) == [("unknown", 34990)]
    await presses(place, otavio, "/finance/payments", "allocate")
    assert await place.ask("SELECT count(*) FROM charge WHERE state IN ('requested', 'active')") == 0
    [thanks] = ana.heard[heard:]
    assert thanks.startswith("Boa notícia, Ana: localizamos o seu pagamento de ")
    assert "Mensalidade" in thanks
    owed = await place.ask(
        "SELECT open_principal_cents + interest_carried_cents FROM debt WHERE external_id = $1", ANAS
    )
    assert (await place.ask(DEBT, ANAS) == "paid") == (owed == 0)
    assert await queue(place) == []


async def test_what_nobody_told_is_found_by_asking(place: Town, ana: Phone) -> None:
    await place.bank.behaves(Weather(webhook="lost"))
    await place.bank.receives(ana.pix_code())
    assert await place.ask("SELECT count(*) FROM payment") == 0
    for _ in range(2):
        assert [w for w in await told(place, ana) if "confirmado" in w] == [
            "Pagamento de R$ 349,90 confirmado. Obrigado, Ana! Está quitado."
        ]
    assert await queue(place) == []


async def test_a_payment_that_goes_back_whole_is_owed_again_without_a_fine(place: Town, ana: Phone) -> None:
    paid = await place.bank.receives(ana.pix_code())
    await place.world.bank.take_back(paid["end_to_end_id"], 34990, natureza="ORIGINAL")
    await place.settled()
    assert ana.last.startswith("Ana, R$ 349,90 do seu pagamento de ")
    assert "ficam em aberto de novo; nenhuma multa" in ana.last
    assert ana.choices() == ["Pagar agora", "Negociar", "Falar com atendente"]
    assert (await place.ask(DEBT, ANAS), await place.ask(OPEN, ANAS)) == ("open", 34990)
    assert await place.ask("SELECT sum(amount_cents)::int FROM ledger_posting WHERE account = 'bank'") == 0
    assert await queue(place) == []
    heard = len(ana.heard)
    await told(place, ana)
    assert len(ana.heard) == heard


async def test_a_part_that_goes_back_is_owed_again_and_can_be_paid(place: Town, ana: Phone) -> None:
    paid = await place.bank.receives(ana.pix_code())
    await place.world.bank.take_back(paid["end_to_end_id"], 4990, natureza="ORIGINAL")
    await place.settled()
    assert "Com isso, R$ 49,90 ficam em aberto de novo" in ana.last
    assert await place.ask(OPEN, ANAS) == 4990
    assert await queue(place) == []
    await ana.taps("Pagar agora")
    await place.bank.receives(ana.pix_code())
    assert await place.ask(DEBT, ANAS) == "paid"
    assert await queue(place) == []


async def test_what_the_bank_takes_back_for_fraud_is_told_and_looked_at_by_people(place: Town, ana: Phone) -> None:
    paid = await place.bank.receives(ana.pix_code())
    await place.moves(days=60)
    await place.world.bank.take_back(paid["end_to_end_id"], 34990, natureza="MED_FRAUDE")
    await place.settled()
    assert ana.last.startswith(
        "Olá, Ana. Do seu pagamento, R$ 349,90 voltaram"
    )  # by the template: the window is closed
    assert await place.ask(DEBT, ANAS) == "open"
    assert await place.ask("SELECT (reason, queue) = ('money_back', 'financeiro') FROM ticket") is True
    assert await place.ask("SELECT count(*) FROM outbox WHERE purpose = 'receipt'") == 2
    assert await queue(place) == []


async def test_told_twice_late_and_out_of_order_everything_counts_once(place: Town, ana: Phone) -> None:
    await place.bank.behaves(Weather(webhook="held"))
    paid = await place.bank.receives(ana.pix_code())
    key = paid["end_to_end_id"]
    await place.world.bank.take_back(key, 1000, id="a")
    await place.world.bank.take_back(key, 2000, id="b")
    await settle.poll_once(place.parts)  # both are told before any trigger comes
    await place.settled()
    await place.bank.behaves(Weather(webhook="doubled"))
    await told(place, ana)
    assert len([w for w in ana.heard if "confirmado" in w]) == 1
    assert len([w for w in ana.heard if "em aberto de novo" in w]) == 2
    assert (await place.ask("SELECT returned_cents::int FROM payment"), await place.ask(OPEN, ANAS)) == (3000, 3000)
    assert await queue(place) == []


async def test_an_agreement_that_was_complete_is_in_force_again_and_can_be_completed(place: Town) -> None:
    phone = place.phone(CARLA)
    await phone.says("oi", CARLA.document[:3])
    await phone.taps("Negociar", "Outras opções")
    await phone.taps(next(c for c in phone.choices() if c.startswith("6x")), "Confirmar")
    await place.bank.receives(phone.pix_code())  # the entry
    await phone.says("quero quitar tudo")
    paid = await place.bank.receives(phone.pix_code())
    assert await place.ask("SELECT state FROM agreement") == "settled"
    await place.world.bank.take_back(paid["end_to_end_id"], 5000)
    await place.settled()
    assert "R$ 50,00 ficam em aberto de novo" in phone.last
    assert await place.ask("SELECT state FROM agreement") == "active"
    assert await place.ask(DEBT, CARLA.debts[0].external_id) == "agreed"
    assert await place.ask("SELECT count(*) FROM timer WHERE key LIKE 'agreement:%'") == 1
    assert await queue(place) == []
    await phone.says("meu acordo")
    await phone.taps("Pagar a próxima")
    await place.bank.receives(phone.pix_code())
    assert await place.ask(DEBT, CARLA.debts[0].external_id) == "paid"
    assert await queue(place) == []


async def test_what_goes_back_before_it_was_heard_of_changes_nothing_that_is_owed(place: Town) -> None:
    phone = place.phone(BRUNO)
    await phone.says("oi", BRUNO.document[:3], "1", "2")
    await place.bank.behaves(Weather(webhook="lost"))
    paid = await place.bank.receives(phone.pix_code())
    await place.world.bank.take_back(paid["end_to_end_id"], paid["amount_cents"])
    await told(place, phone)
    assert "Nada muda no que você tem em aberto." in phone.last
    assert not [w for w in phone.heard if "confirmado" in w]
    assert await place.ask("SELECT count(*) FROM debt WHERE state = 'paid'") == 0
    assert await queue(place) == []


async def test_where_somebody_else_is_in_the_chat_by_now_no_word_is_said_and_people_are_called(
    place: Town, ana: Phone
) -> None:
    paid = await place.bank.receives(ana.pix_code())
    other = await place.ask("SELECT id FROM customer WHERE external_id = $1", BRUNO.customer_id)
    await place.parts.pool.execute("UPDATE conversation SET customer_id = $1 WHERE customer_id IS NOT NULL", other)
    heard = len(ana.heard)
    await place.world.bank.take_back(paid["end_to_end_id"], 34990)
    await place.settled()
    assert len(ana.heard) == heard
    assert await place.ask("SELECT reason FROM ticket") == "money_back"
    assert await place.ask(DEBT, ANAS) == "open"
    assert await queue(place) == []
