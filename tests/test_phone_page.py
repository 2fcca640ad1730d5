"""The phone in the browser: one is somebody, writes and presses, sees ticks and pictures, pays, and moves the clock."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from bot.clock import MovableClock
from bot.sandbox.people import ANA, PEOPLE
from tests.town import Town, town

ANA_KEY = ANA.account.key
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def held(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    clock = MovableClock(tmp_path / "clock")
    async with town(database, redis_url, tmp_path, clock=clock) as held:
        yield held


@asynccontextmanager
async def browser(held: Town, chromium_path: str | None, *, width: int, height: int) -> AsyncIterator[Page]:
    """A page that must not report an error of its own."""
    wrong: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = await chromium.new_page(viewport={"width": width, "height": height})
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        await page.goto(f"{held.address}/phone")
        yield page
        await chromium.close()
    assert wrong == []


async def says(page: Page, words: str) -> None:
    await page.get_by_label("Mensagem", exact=True).fill(words)
    await page.keyboard.press("Enter")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
async def test_a_newcomer_takes_three_instalments_and_pays_the_first(
    held: Town, chromium_path: str | None, width: int, height: int
) -> None:
    async with browser(held, chromium_path, width=width, height=height) as page:
        chat = page.get_by_role("log")
        await page.get_by_role("button", name="Ana Souza").click()
        await says(page, "oi")
        await expect(chat).to_contain_text("3 primeiros dígitos")
        await expect(chat.locator(".mine .ticks:is(.delivered, .read)")).to_have_count(1)
        await says(page, "529")
        await chat.get_by_role("button", name="Negociar").click()
        await chat.get_by_role("button", name="Ver opções").click()
        await page.get_by_role("dialog").get_by_text("3x de").click()
        await page.get_by_role("dialog").get_by_role("button", name="Enviar").click()
        await chat.get_by_role("button", name="Confirmar").click()
        await chat.get_by_role("button", name="Pagar no banco").click()
        picture = chat.locator(".picture img").last
        assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 200
        await page.get_by_role("button", name="Pagar", exact=True).click()
        await expect(page.locator("#paid")).to_contain_text("Pago: R$")
        await expect(chat).to_contain_text("Obrigado, Ana")
        await says(page, "<b>*não* é</b> https://x.example/a")
        await expect(chat.locator(".mine b")).to_have_count(0)
        await expect(chat.locator(".mine strong").last).to_have_text("não")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


async def events(held: Town) -> AsyncGenerator[dict[str, Any], None]:
    async with held.parts.http.get(f"{held.address}/sandbox/phone/events") as stream:
        async for line in stream.content:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


async def test_what_happens_is_told_at_once(held: Town) -> None:
    told = events(held)
    assert {chat["key"] for chat in (await anext(told))["chats"]} == {person.account.key for person in PEOPLE}
    await held.parts.http.post(f"{held.address}/sandbox/phone/{ANA_KEY}/say", json={"text": "oi"})
    news = await anext(told)
    assert [(chat["key"], [b["text"] for b in chat["bubbles"]]) for chat in news["chats"]] == [(ANA_KEY, ["oi"])]
    await told.aclose()


async def test_moving_the_clock_moves_the_program(held: Town) -> None:
    before = held.parts.clock.now()
    async with held.parts.http.post(f"{held.address}/sandbox/clock", json={"hours": 24}) as answer:
        assert answer.status == 200
    assert (held.parts.clock.now() - before).total_seconds() >= 86400


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (f"phone/{ANA_KEY}/say", b'{"text": "oi"}', {"Content-Type": "text/plain"}, 415),
        (f"phone/{ANA_KEY}/say", b"{", JSON, 400),
        (f"phone/{ANA_KEY}/say", b'{"text": " "}', JSON, 400),
        ("phone/5511900000000/say", b'{"text": "oi"}', JSON, 404),
        (f"phone/{ANA_KEY}/press", b'{"message": "wamid.x", "choice": "y"}', JSON, 404),
        (f"phone/{ANA_KEY}/attach", b'{"kind": "truck"}', JSON, 400),
        ("clock", b'{"hours": -1}', JSON, 400),
        ("clock", b'{"hours": "1"}', JSON, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(
    held: Town, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    async with held.parts.http.post(f"{held.address}/sandbox/{path}", data=body, headers=headers) as answer:
        assert answer.status == status
