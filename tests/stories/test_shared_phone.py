"""Stories of a chat that changes hands, and of a customer with two chats: what is one person's stays theirs."""

from dataclasses import replace
from pathlib import Path

from bot.sandbox.chats import Account
from bot.sandbox.people import ANA, CARLA, Debt, Person, debts_on
from bot.sandbox.pix_provider import Weather
from bot.store.imports import import_debts
from tests.phone import Phone
from tests.town import Town, town

ROSA = replace(
    ANA,
    document="39053344705",
    customer_id="C-009",
    debts=(Debt(external_id="NF-1009", amount_cents=77700, due_in_days=-5, what="Curso de canto"),),
)
NEW_PHONE = "5521977776666"
CARLA_ANEW = replace(
    CARLA, account=Account(name="Carla", wa_id=NEW_PHONE, user_id="BR.99999999999999999999"), phone=NEW_PHONE
)


async def _changes_hands(phone: Phone) -> None:
    body = {"type": "system", "system": {"type": "customer_identity_changed", "identity": "x", "body": "…"}}
    await phone.whatsapp.write(phone.chat, body)
    await phone.settled()
    await phone.says("oi", ANA.document[:3])


async def test_a_payment_of_who_had_the_chat_before_is_booked_and_told_to_nobody_else(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """Rosa asks for a code, Ana has the chat by now, the money comes: twice. Ana hears of neither; people see the
    second."""
    async with town(database, redis_url, tmp_path, people=(ANA, ROSA)) as place:
        phone = place.phone(ANA)
        await phone.says("oi", ROSA.document[:3], "pagar")
        code = phone.pix_code()
        await _changes_hands(phone)
        heard = len(phone.heard)
        await place.bank.receives(code, 80000)
        assert len(phone.heard) == heard
        assert await place.ask("SELECT state FROM debt WHERE external_id = 'NF-1009'") == "paid"
        assert await place.ask("SELECT reason FROM ticket") == "payment"  # 23.00 too much
        assert await place.ask("SELECT count(*) FROM inbox WHERE state <> 'done'") == 0


async def test_a_code_of_who_had_the_chat_before_is_not_shown_to_who_has_it_now(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """The bank was away while the chat changed hands; and the old button is pressed."""
    async with town(database, redis_url, tmp_path, people=(ANA, ROSA)) as place:
        phone = place.phone(ANA)
        await phone.says("oi", ROSA.document[:3])
        await place.bank.behaves(Weather(down=503))
        await phone.says("pagar")
        await _changes_hands(phone)
        heard = len(phone.heard)
        await place.bank.behaves(Weather())
        await place.moves(minutes=1)
        assert await place.ask("SELECT state FROM charge") == "active"
        assert len(phone.heard) == heard
        await phone.says("me manda o código de novo")
        assert not any("777,00" in words or "canto" in words for words in phone.heard[heard:])


async def _import(place: Town, person: Person) -> None:
    today = place.clock.now().astimezone(place.parts.settings.timezone).date()
    async with place.parts.pool.acquire() as conn:
        await import_debts(conn, debts_on(today, (person,)), now=place.clock.now())


async def test_an_agreement_made_on_the_old_number_is_paid_from_the_new_one(place: Town) -> None:
    """The charge of the new chat is the agreement's own: its instalment and no other."""
    old, new = place.phone(CARLA), place.phone(CARLA_ANEW)
    await old.says("oi", CARLA.document[:3])
    await old.taps("Negociar", "2x de R$ 1.052,06", "Confirmar")
    await _import(place, CARLA_ANEW)
    await new.says("oi", CARLA.document[:3], "pagar")
    assert await place.ask("SELECT agreement_id FROM charge ORDER BY id DESC LIMIT 1") == await place.ask(
        "SELECT id FROM agreement"
    )
    await place.bank.receives(new.pix_code())
    assert await place.ask("SELECT paid_cents FROM instalment WHERE n = 0") == 51832
    assert await place.ask("SELECT state FROM charge ORDER BY id LIMIT 1") == "cancelled"
