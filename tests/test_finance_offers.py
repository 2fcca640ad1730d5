"""Finance's page of offers: found by state and day, shown to the centavo, worked out again at a press, exported."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient
from playwright.async_api import async_playwright

from bot.papers.case_envelope import read
from bot.papers.signing import public_key
from bot.sandbox.people import ANA, CARLA
from bot.store import sessions, users
from bot.store.case_checks import checks
from bot.store.users import Role
from bot.web.sessions import COOKIE, LASTS
from tests.desk import Visitor
from tests.papers import words
from tests.test_case_file import agreed_and_paid
from tests.town import Town, town

LIST = "/finance/offers"
# The same offers shown forty times over: more than a page holds.
AGAIN_AND_AGAIN = """
INSERT INTO offer
SELECT (jsonb_populate_record(o, jsonb_build_object('no', o.no + 1000 * times.n))).*
FROM   offer o, generate_series(1, 40) AS times (n)
"""


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(database, redis_url, tmp_path, people=(ANA, CARLA)) as running:
        yield running


async def somebody(place: Town, role: Role) -> tuple[Visitor, str]:
    """Somebody of ours, logged in, and what their browser keeps."""
    now, token = place.clock.now(), f"token-of-{role}"
    async with place.parts.pool.acquire() as conn:
        user = await users.add(conn, name=f"Otávio {role}", role=role, password_hash=None, now=now)
        assert user is not None
        await sessions.begin(conn, token=token, csrf_token="c", user_id=user, now=now, expires_at=now + 60 * LASTS)
    client: TestClient[Any, Any] = TestClient(place.server, cookie_jar=aiohttp.CookieJar(unsafe=True))
    client.session.cookie_jar.update_cookies({COOKIE: token}, place.server.make_url("/"))
    return Visitor(client), token


def said(page: str) -> str:
    """What a person reads of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def links(page: str) -> list[str]:
    return re.findall(rf'href="({LIST}/\d+/\d+)"', page)


async def test_an_offer_is_found_read_worked_out_again_and_exported(place: Town) -> None:
    await agreed_and_paid(place)
    otavio, _ = await somebody(place, "finance")
    accepted = await otavio.text(f"{LIST}?state=accepted")
    [address] = links(accepted)
    assert "R$ 358,07 em 3 parcelas Aceita Ana Souza C-001" in said(accepted)
    page = said(await otavio.text(address))
    for each in ("Principal R$ 349,90", "Multa R$ 7,00", "Juros R$ 1,17", "Total a pagar R$ 358,07", "Clara", "Otávio"):
        assert each in page
    assert "Pago R$ 238,70" in page
    assert "Em aberto R$ 119,37" in page
    assert "Igual até o centavo" not in page
    assert re.search(r"Igual até o centavo: \d\d valores", said(await otavio.text(f"{address}?again=1")))
    answer = await otavio.get(f"{address}/case.json")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="oferta-')
    file = read(await answer.read())
    key = public_key(place.parts.mac_key)
    assert [check.name for check in checks(file, key) if check.wrong] == []
    assert file.digest in page
    assert key in page
    made = await (await otavio.get(f"{address}/case.pdf")).read()
    assert made == await (await otavio.get(f"{address}/case.pdf")).read()
    paper = words(made).replace(" ", "")
    case = file.case
    assert case.acceptance is not None
    told = [file.digest, key, case.offer.seal, case.policy.digest, case.acceptance.message_id, case.journal[-1].hash]
    assert [each for each in (*told, "AnaSouza", "Clara", "Otávio", "R$358,07") if each not in paper] == []
    assert [p.end_to_end_id for p in case.payments if p.end_to_end_id not in paper] == []


async def test_what_a_hand_changed_is_told_figure_by_figure(place: Town) -> None:
    phone = place.phone(CARLA)
    await phone.says("oi", CARLA.document[:3], "quero parcelar")
    otavio, _ = await somebody(place, "finance")
    no = await place.ask("SELECT min(no) FROM offer WHERE terms->>'kind' = 'cash'")
    address = f"{LIST}/{await place.ask('SELECT max(conversation_id) FROM offer')}/{no}"
    await place.ask("UPDATE offer SET terms = jsonb_set(terms, '{forgiven,principal}', '1') WHERE no = $1", no)
    page = said(await otavio.text(f"{address}?again=1"))
    assert re.search(r"Diferente: 1 de \d+ valores não conferem", page)
    assert re.search(r"Desconto em principal R\$ 0,01 R\$ 248,00", page)
    await place.ask("UPDATE offer SET facts = facts - 'version' WHERE no = $1", no)
    assert "Não é possível recalcular. A oferta foi mostrada antes" in said(await otavio.text(f"{address}?again=1"))


async def test_offers_are_found_by_state_and_day_and_turned_page_by_page(place: Town) -> None:
    otavio, _ = await somebody(place, "finance")
    assert "Nenhuma oferta mostrada" in await otavio.text(LIST)
    phone = place.phone(CARLA)
    await phone.says("oi", CARLA.document[:3], "quero parcelar")
    await place.ask(AGAIN_AND_AGAIN)
    shown = await place.ask("SELECT count(*) FROM offer")
    today = place.clock.now().date()
    found, address = [], f"{LIST}?state=open&day={today}"
    while address:
        page = await otavio.text(address)
        found += links(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(following[1]) if following else ""
    assert len(found) == len(set(found)) == shown > 100
    for none in (f"?day={today - timedelta(days=1)}", "?state=accepted", "?state=over", "?day=9999-12-31"):
        assert links(await otavio.text(LIST + none)) == []
    assert "Isso não é uma data" in await otavio.text(f"{LIST}?day=x&state=x&after=x")
    await place.moves(days=20)
    assert len(links(await otavio.text(f"{LIST}?state=over"))) == 50


async def test_only_finance_sees_offers_and_who_saw_whose_is_kept(place: Town) -> None:
    await agreed_and_paid(place)
    paula, _ = await somebody(place, "agent")
    otavio, _ = await somebody(place, "finance")
    [address] = links(await otavio.text(f"{LIST}?state=accepted"))
    for one in (LIST, address, f"{address}/case.json", f"{address}/case.pdf"):
        assert (await paula.get(one)).status == 403
        assert (await otavio.get(one)).status == 200
    for none in ("1/999", "999/1", "999999999999999999/999999999"):
        for ending in ("", "/case.json", "/case.pdf"):
            assert (await otavio.get(f"{LIST}/{none}{ending}")).status == 404
    kept = await place.ask(
        "SELECT json_agg(json_build_array(what, customer_id IS NOT NULL) ORDER BY id) FROM access_log"
    )
    seen = [["offers", False], ["offers", False], ["offer", True], ["offer_case", True], ["offer_case", True]]
    assert json.loads(kept) == seen


async def test_the_pages_fit_a_phone_and_are_worked_by_keyboard(place: Town, chromium_path: str | None) -> None:
    await agreed_and_paid(place)
    _, token = await somebody(place, "finance")
    root = str(place.server.make_url("")).rstrip("/")
    async with async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.context.add_cookies([{"name": COOKIE, "value": token, "url": root}])
        await page.goto(f"{root}{LIST}?state=accepted")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.focus(".offer-what")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#proof")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.focus("text=Recalcular")
        await page.keyboard.press("Enter")
        assert "Igual até o centavo" in await page.inner_text("[role=status]")
        await browser.close()
