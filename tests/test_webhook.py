"""The front door: nothing unsigned is stored, nothing stored is lost, and no body breaks it."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.clock import FixedClock
from bot.parts import Parts, open_parts
from bot.settings import read_settings
from tests.test_settings import COMPLETE
from tests.whatsapp_bodies import NOW, body, text_message
from webhook import make_app

SECRET = b"one"
MEBIBYTE = 1024 * 1024


@pytest.fixture
async def parts(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    """The parts of a company whose clock stands still; its inbox commits, and nobody works it off."""
    environment = {
        **COMPLETE,
        "ACERTO_HOME": str(tmp_path),
        "ACERTO_DATABASE_URL": database,
        "ACERTO_REDIS_URL": redis_url,
        "ACERTO_PIX_WEBHOOK_SECRET": "a-secret-path",
    }
    async with open_parts(read_settings(environment, serving=True), FixedClock(NOW)) as parts:
        yield parts


@pytest.fixture
async def door(parts: Parts) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of the front door."""
    ingest = asyncio.create_task(parts.ingest.run())
    async with TestClient(TestServer(make_app(parts))) as client:
        yield client
    ingest.cancel()


def signed(raw: bytes, secret: bytes = SECRET) -> dict[str, str]:
    """Return the header that Meta would send."""
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()}


async def stored(parts: Parts) -> list[asyncpg.Record]:
    """Return the inbox."""
    async with parts.pool.acquire() as conn:
        return list(await conn.fetch("SELECT kind, state, reason, raw, conversation_id FROM inbox ORDER BY id"))


RAW = text_message("5511987654321", "wamid.1", "oi")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "sha256=zz"},
        {"X-Hub-Signature-256": signed(RAW)["X-Hub-Signature-256"].removeprefix("sha256=")},
        {"X-Hub-Signature-256": signed(RAW)["X-Hub-Signature-256"].replace("sha256", "sha1")},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET, RAW, hashlib.sha1).hexdigest()},
        signed(RAW, b"three"),
        signed(RAW + b" "),
    ],
    ids=["missing", "wrong", "not hex", "no prefix", "other prefix", "sha1", "other secret", "other bytes"],
)
async def test_a_missing_or_wrong_signature_is_refused_and_nothing_is_stored(
    door: TestClient[Any, Any], parts: Parts, headers: dict[str, str]
) -> None:
    """401, and an empty inbox."""
    answer = await door.post("/webhook", data=RAW, headers=headers)
    assert answer.status == 401
    assert await stored(parts) == []


@pytest.mark.parametrize("secret", [b"one", b"two"], ids=["first", "second"])
async def test_either_of_two_secrets_signs_while_one_replaces_the_other(
    door: TestClient[Any, Any], parts: Parts, secret: bytes
) -> None:
    """Both are taken, and the message is in the inbox before the answer."""
    answer = await door.post("/webhook", data=RAW, headers=signed(RAW, secret))
    assert answer.status == 200
    assert [(row["kind"], row["state"]) for row in await stored(parts)] == [("message", "open")]


async def test_a_message_that_comes_twice_is_stored_once(door: TestClient[Any, Any], parts: Parts) -> None:
    """Meta repeats for up to seven days."""
    for _ in range(2):
        assert (await door.post("/webhook", data=RAW, headers=signed(RAW))).status == 200
    assert len(await stored(parts)) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b"\xff\xfe",
        b"null",
        b'"text"',
        b"[1, 2]",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"object": "whatsapp_business_account"}',
        b'{"object": "page", "entry": []}',
    ],
    ids=["cut", "empty", "no utf-8", "null", "text", "list", "deep lists", "deep tables", "no entry", "other object"],
)
async def test_signed_nonsense_is_answered_200_kept_as_it_came_and_parked(
    door: TestClient[Any, Any], parts: Parts, raw: bytes
) -> None:
    """Meta would repeat anything else for a week; an operator sees it."""
    answer = await door.post("/webhook", data=raw, headers=signed(raw))
    assert answer.status == 200
    [row] = await stored(parts)
    assert (row["state"], bytes(row["raw"])) == ("parked", raw)
    assert row["reason"]


async def test_what_has_no_known_field_is_kept_and_is_nobodys_turn(door: TestClient[Any, Any], parts: Parts) -> None:
    """An unknown field, and an entry that is none."""
    for raw in (body({"event": "NEW"}, field="unheard_of"), b'{"object": "whatsapp_business_account", "entry": 7}'):
        assert (await door.post("/webhook", data=raw, headers=signed(raw))).status == 200
    assert [(row["kind"], row["state"]) for row in await stored(parts)] == [("other", "done"), ("other", "done")]


@pytest.mark.parametrize("text", ["a\u0000b", "\\ud800", "💸" * 1000, "<script>alert(1)</script>"])
async def test_hostile_texts_are_stored_like_any_other(door: TestClient[Any, Any], parts: Parts, text: str) -> None:
    """A NUL or half a surrogate pair is kept; PostgreSQL's jsonb would refuse them."""
    raw = text_message("5511987654321", "wamid.2", text)
    answer = await door.post("/webhook", data=raw, headers=signed(raw))
    assert answer.status == 200
    assert [(row["kind"], row["state"]) for row in await stored(parts)] == [("message", "open")]


async def test_a_body_of_three_megabytes_is_taken_and_one_above_four_is_not(
    door: TestClient[Any, Any], parts: Parts
) -> None:
    """Meta sends up to 3 MB; the limit is 4 MiB."""
    big = text_message("5511987654321", "wamid.3", "x" * (3 * 1000 * 1000))
    assert (await door.post("/webhook", data=big, headers=signed(big))).status == 200
    huge = b"x" * (4 * MEBIBYTE + 1)
    assert (await door.post("/webhook", data=huge, headers=signed(huge))).status == 413
    assert len(await stored(parts)) == 1


async def test_messages_to_another_number_and_captures_of_last_month_are_kept_aside(
    door: TestClient[Any, Any], parts: Parts
) -> None:
    """They are visible, but nobody is answered."""
    for raw in (
        text_message("5511987654321", "wamid.4", "oi", phone_number_id="1"),
        text_message("5511987654321", "wamid.5", "oi", seconds_ago=9 * 86400),
    ):
        assert (await door.post("/webhook", data=raw, headers=signed(raw))).status == 200
    assert [(row["state"], row["reason"]) for row in await stored(parts)] == [
        ("parked", "another_number"),
        ("parked", "too_old"),
    ]


async def test_the_same_person_by_phone_and_by_user_id_is_one_conversation(
    door: TestClient[Any, Any], parts: Parts
) -> None:
    """First both are known, then only the BSUID; an old number without the ninth digit is the same person too."""
    user = "BR.13491208655302741918"
    for raw in (
        text_message("5511987654321", "wamid.6", "oi", user_id=user),
        text_message(None, "wamid.7", "oi", user_id=user),
        text_message("551187654321", "wamid.8", "oi"),
    ):
        assert (await door.post("/webhook", data=raw, headers=signed(raw))).status == 200
    assert len({row["conversation_id"] for row in await stored(parts)}) == 1


@pytest.mark.parametrize(
    ("token", "mode", "status", "text"),
    [
        ("verify", "subscribe", 200, "1158201444"),
        ("wrong", "subscribe", 403, None),
        ("", "subscribe", 403, None),
        ("verify", "unsubscribe", 403, None),
    ],
)
async def test_the_callback_is_verified_by_its_token(
    door: TestClient[Any, Any], token: str, mode: str, status: int, text: str | None
) -> None:
    """The challenge and nothing else for the right token; 403 otherwise."""
    query = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "1158201444"}
    answer = await door.get("/webhook", params=query)
    assert answer.status == status
    assert text is None or await answer.text() == text


async def test_the_provider_is_believed_nothing_but_heard_under_its_secret_path(
    door: TestClient[Any, Any], parts: Parts
) -> None:
    """With or without a trailing /pix; another path does not exist; the empty call on registering is answered."""
    body = b'{"pix": [{"endToEndId": "E00000000202611231200abcdefghijk", "txid": "x", "valor": "1.00"}]}'
    assert (await door.post("/webhook/pix/wrong", data=body)).status == 404
    assert (await door.post("/webhook/pix/a-secret-path", data=b"")).status == 200
    assert await stored(parts) == []
    for path in ("/webhook/pix/a-secret-path", "/webhook/pix/a-secret-path/pix"):
        assert (await door.post(path, data=body)).status == 200
    assert [(row["kind"], row["state"]) for row in await stored(parts)] == [("pix", "open")]


async def test_while_the_database_is_away_nothing_is_acknowledged(door: TestClient[Any, Any], parts: Parts) -> None:
    """503: Meta repeats."""
    await parts.pool.close()
    answer = await door.post("/webhook", data=RAW, headers=signed(RAW))
    assert answer.status == 503
