"""A card number typed into the chat is nowhere: not in a table, not in a log, not in Redis, not on a page."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.engine.taking_in import arrivals_of
from bot.sandbox.people import ANA, BRUNO
from bot.whatsapp.card_numbers import without_cards, without_cards_in_bytes
from bot.whatsapp.inbound import items
from bot.whatsapp.signature import sign
from tests.desk import Company, company
from tests.town import Town, town
from tests.whatsapp_bodies import body, text_message

CARD = "4111111111111111"
OTHER = "5555 5555 5555 4444"
CODE = "cvv 987"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_BETWEEN = re.compile(r"[\s.\-]|\\n")


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(database, redis_url, tmp_path) as found:
        yield found


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as found:
        yield found


async def everything_in(parts: Any) -> str:
    """Every value of every row of every table, as text without what may stand between digits."""
    found: list[str] = []
    async with parts.pool.acquire() as conn:
        for [table] in await conn.fetch(TABLES):
            for row in await conn.fetch(f'SELECT * FROM "{table}"'):
                found += [v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in row.values()]
    return _BETWEEN.sub("", "\n".join(found))


async def everything_in_redis(url: str) -> str:
    """Every key and every value."""
    redis = Redis.from_url(url)
    keys = [key async for key in redis.scan_iter()]
    kept = [repr(key) + repr(await redis.dump(key)) for key in keys]
    await redis.aclose()
    return "".join(kept)


async def post(place: Town, raw: bytes) -> int:
    """A signed webhook."""
    secret = place.parts.settings.whatsapp.app_secrets[0].encode()
    headers = {"X-Hub-Signature-256": sign(raw, secret)}
    async with place.parts.http.post(f"{place.address}/webhook", data=raw, headers=headers) as answer:
        return answer.status


def person(**message: Any) -> bytes:
    """A body with one message of Bruno."""
    sender = {"from": BRUNO.account.wa_id, "id": f"wamid.{len(str(message))}", "timestamp": "1795446000", **message}
    return body({"contacts": [{"profile": {"name": "Bruno"}, "wa_id": BRUNO.account.wa_id}], "messages": [sender]})


async def test_a_typed_card_number_is_in_no_table_no_log_and_not_in_redis(
    place: Town, redis_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """As text, under a picture, in a form, in a card of contacts, in a body that cannot be read, and a repeat."""
    ana = place.phone(ANA)
    await ana.says("oi", ANA.document[:3], f"passa no meu cartão {CARD} {CODE}", f"ou no\n{OTHER}")
    assert "não guardei os dígitos" in ana.last
    await ana.sends("image", f"é esse aqui ó {CARD}")
    assert "não guardei os dígitos" in ana.last
    bodies = [
        person(type="interactive", interactive={"type": "nfm_reply", "nfm_reply": {
            "name": "flow", "response_json": f'{{"card":"{CARD}","cvv":"987"}}'}}),
        person(type="contacts", contacts=[{"name": {"formatted_name": CARD}, "phones": [{"phone": OTHER}]}]),
        person(type="unheard_of", unheard_of={"number": int(CARD), "rows": [{"deep": [CARD]}]}),
        body({"something": CARD}, field="unheard_of"),
        text_message(BRUNO.account.wa_id, "wamid.cut", f"meu cartão: {CARD} {CODE}")[:-9],
        b"\xff\xfe" + CARD.encode() + b" \x00",
    ]  # fmt: skip
    for raw in (*bodies, bodies[0]):
        assert await post(place, raw) == 200
    await place.settled()
    kept, redis = await everything_in(place.parts), await everything_in_redis(redis_url)
    out, err = capfd.readouterr()
    assert "turn.done" in out + err
    for digits in (CARD, _BETWEEN.sub("", OTHER), "cvv987", '"987"'):
        assert digits not in kept + redis + out + err
    assert kept.count("•" * 12 + "1111") + kept.count("\\u2022" * 12 + "1111") >= 4  # the rest was kept


async def test_what_stands_around_a_card_comes_to_the_inbox_byte_by_byte(place: Town) -> None:
    """Only digits change; ids that look like cards are no cards; a message without one is as it was."""
    media = {
        "id": CARD,
        "sha256": CARD,
        "mime_type": "image/png",
        "url": f"https://x.example/?mid={CARD}",
        "caption": "oi",
    }
    [plain] = arrivals_of(place.parts, person(id="wamid.i", type="image", image=media))
    assert plain.raw.count(CARD.encode()) == 3
    [with_card] = arrivals_of(place.parts, person(id="wamid.i", type="image", image={**media, "caption": f"oi {CARD}"}))
    bullets = b"\\u2022" * 12
    assert with_card.raw == plain.raw.replace(b'"caption":"oi"', b'"caption":"oi ' + bullets + b'1111"')


def test_a_body_without_a_card_is_handed_on_as_the_very_same_object() -> None:
    """Nothing is copied for nothing."""
    value = {"a": [1, "dois", {"b": "5511987654321"}], "id": CARD, "wa_id": CARD, "n": 10**15}
    assert without_cards(value) is value
    raw = b'{"from":"5511987654321", "cut'
    assert without_cards_in_bytes(raw) is raw


def test_the_name_under_which_an_item_is_kept_does_not_tell_the_card() -> None:
    """A digest over twelve unknown digits could be tried out."""
    named = []
    for something in (CARD, "•" * 12 + "1111"):
        found = items(body({"something": something}, field="unheard_of"))
        assert isinstance(found, list)
        named.append(found[0].dedupe_key)
    assert named[0] == named[1]


async def test_what_an_agent_types_is_masked_too(office: Company) -> None:
    """Neither kept nor sent; a boleto's line goes out as it is."""
    slip = "00190.00009 12345.678903 12345.678903 5 16460000034990"
    paula, ticket = await office.agent(), await office.ticket()
    await paula.acts(ticket, "take")
    form = await paula.form_of(ticket)
    await paula.post(f"/desk/{ticket}/reply", {**form, "text": f"Seu cartão {CARD} {CODE}; boleto {slip}"})
    kept = await everything_in(office.parts)
    assert CARD not in kept
    assert "cvv987" not in kept  # three digits alone stand in many a number
    assert _BETWEEN.sub("", slip) in kept
    assert CARD not in await paula.text(f"/desk/{ticket}")
