"""Debts handed in on the page: the mistakes that the command tells, nothing before a second press, and once."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner
from playwright.async_api import async_playwright

from bot.cli.main import acerto
from bot.web.import_words import REASONS
from bot.web.sessions import COOKIE
from tests.desk import Company, Visitor, company

HERE = "/finance/portfolio/import"
HEADER = "external_id,customer_id,name,document,phone,email,amount,due_date,description,tags,opt_in\n"
GOOD = HEADER + 'NF-1,C-1,Ana Souza,529.982.247-25,+55 11 98765-4321,,"349,90",30/11/2026,Novembro,pro,\n'
BAD = (
    GOOD
    + "NF-2,C-2,Bia,529.982.247-26,123,x,0,2026-02-30,,,\n"
    + 'NF-3,C-3,Caio,168.995.350-09,,,"1.000",1900-01-01,,,\n'
    + "NF-4,C-4\n,,,,,,,,a,,,,\n"
    + 'NF-1,C-1,Ana Souza,529.982.247-25,,,"1,00",30/11/2026,Novembro,pro,\n'
    + 'NF-5,C-1,Ana Souza,168.995.350-09,,,"1,00",30/11/2026,Novembro,pro,\n'
)


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as running:
        yield running


def said(page: str) -> str:
    """What a person reads of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def hands_in(who: Visitor, body: bytes, *, token: str | None = None, name: str = "dívidas.csv") -> str:
    """Send a file as the form does; return the address of its page."""
    form = aiohttp.FormData()
    form.add_field("csrf", token if token is not None else await token_of(who))
    form.add_field("file", body, filename=name, content_type="text/csv")
    answer = await who.client.post(HERE, data=form, allow_redirects=False)
    assert answer.status == 303, answer.status
    return answer.headers["Location"]


async def token_of(who: Visitor) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', await who.text(HERE))
    assert found
    return found[1]


async def presses(who: Visitor, address: str, button: str) -> int:
    answer = await who.post(f"{address}/{button}", {"csrf": await token_of(who)})
    return answer.status


async def test_the_page_says_the_same_of_a_file_as_the_command(
    place: Company, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clara = await place.agent(role="finance")
    file = tmp_path / "debts.csv"
    file.write_text(BAD, encoding="utf-8")
    monkeypatch.setenv("ACERTO_DATABASE_URL", database)
    monkeypatch.setenv("ACERTO_HOME", str(tmp_path))
    dry = await asyncio.to_thread(CliRunner().invoke, acerto, ["import", str(file), "--dry-run", "--json"])
    by_command = json.JSONDecoder().raw_decode(dry.stdout[dry.stdout.index("{") :])[0]
    address = await hands_in(clara, BAD.encode())
    kept = json.loads(await place.ask("SELECT would FROM debts_file"))
    assert {name: kept[name] for name in by_command} == by_command
    assert len(by_command["errors"]) > 8
    page = said(await clara.text(address))
    assert "2 CPF ou CNPJ (document) não é um CPF ou CNPJ válido" not in page  # line 3 it is
    assert "3 CPF ou CNPJ (document) não é um CPF ou CNPJ válido" in page
    assert "a linha 2 tem o mesmo external_id com outros dados" in page
    assert await place.ask("SELECT count(*) FROM debt") == 0


async def test_a_file_is_brought_in_by_a_second_press_and_once(place: Company) -> None:
    clara, otavio = await place.agent("Clara", role="finance"), await place.agent("Otávio", role="finance")
    address = await hands_in(clara, GOOD.encode())
    assert "Nada foi gravado ainda" in said(await clara.text(address))
    assert await place.ask("SELECT count(*) FROM debt") == 0
    assert await asyncio.gather(*(presses(who, address, "confirm") for who in (clara, otavio, clara))) == [303] * 3
    assert await presses(otavio, address, "confirm") == 303
    page = said(await clara.text(address))
    assert re.search(r"Importado por (Clara|Otávio) em", page)
    assert "Dívidas novas 1" in page
    assert await place.ask("SELECT count(*) FROM debt") == 1
    assert await place.ask("SELECT count(*) FROM debts_file WHERE body IS NOT NULL") == 0
    number = await place.ask("SELECT id FROM customer")
    story = said(await clara.text(f"/finance/portfolio/customers/{number}"))
    assert re.search(r"Dívida incluída: Novembro \(NF-1\), R\$ 349,90 (Clara|Otávio)", story)
    again = await hands_in(otavio, GOOD.replace("349,90", "400,00").encode())
    page = said(await otavio.text(again))
    assert "NF-1 valor (amount) R$ 349,90 R$ 400,00" in page.replace("Valor (amount)", "valor (amount)")
    assert await presses(otavio, again, "drop") == 303
    assert await presses(otavio, again, "confirm") == 303
    assert "foi descartado" in said(await otavio.text(again))
    assert await place.ask("SELECT principal_cents FROM debt") == 34_990


async def test_what_is_no_file_is_refused_kindly(place: Company) -> None:
    clara = await place.agent(role="finance")
    answer = await clara.post(HERE, {"csrf": await token_of(clara)})
    assert answer.status == 415
    form = aiohttp.FormData({"csrf": await token_of(clara)})
    form.add_field("file", b"", filename="", content_type="application/octet-stream")
    empty = await clara.client.post(HERE, data=form, allow_redirects=False)
    assert empty.status == 422
    assert "Escolha um arquivo" in await empty.text()
    page = said(await clara.text(await hands_in(clara, b"\xff\x00 nonsense")))
    assert "a coluna não existe no arquivo" in page
    assert (await clara.get(f"{HERE}/999")).status == 404
    junk = await clara.client.post(HERE, data=b"junk", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert junk.status in (400, 403)


async def test_a_file_larger_than_the_bound_is_refused(place: Company) -> None:
    clara = await place.agent(role="finance")
    form = aiohttp.FormData({"csrf": await token_of(clara)})
    form.add_field("file", b"x" * (64 * 1024 * 1024 + 1), filename="x.csv", content_type="text/csv")
    answer = await clara.client.post(HERE, data=form, allow_redirects=False)
    assert answer.status == 413
    assert await place.ask("SELECT count(*) FROM debts_file") == 0


async def test_only_finance_hands_files_in_and_with_the_pages_token(place: Company) -> None:
    clara, paula, nobody = await place.agent("Clara", role="finance"), await place.agent(), place.visitor()
    for who, token, status in ((paula, "x", 403), (clara, "x", 403), (nobody, "x", 303)):
        form = aiohttp.FormData({"csrf": token})
        form.add_field("file", GOOD.encode(), filename="x.csv", content_type="text/csv")
        answer = await who.client.post(HERE, data=form, allow_redirects=False)
        assert answer.status == status
    address = await hands_in(clara, GOOD.encode())
    for one in (HERE, address):
        assert (await paula.get(one)).status == 403
    for button in ("confirm", "drop"):
        assert (await paula.post(f"{address}/{button}", {"csrf": "x"})).status == 403
        assert (await clara.post(f"{address}/{button}", {"csrf": "x"})).status == 403
    assert await place.ask("SELECT count(*) FROM debts_file") == 1
    assert await place.ask("SELECT count(*) FROM debt") == 0
    await clara.text(address)
    assert await place.ask("SELECT count(*) FROM access_log WHERE what = 'debts_file'") == 1


def test_every_reason_of_the_command_has_its_words() -> None:
    source = "".join(Path(name).read_text("utf-8") for name in ("bot/debts_csv.py", "bot/store/imports.py"))
    given = re.findall(r'(?:_Wrong\(|reason=|reason = |wrong\[field\] = )f?"([^"]+)"', source)
    assert len(given) > 18
    for text in given:
        example = re.sub(r"\{debt\.state\}", "paid", text)
        example = re.sub(r"\{why\}", "a quote is not closed", example)
        example = re.sub(r"\{[^}]+\}", "7", example)
        assert any(re.fullmatch(pattern, example) for pattern in REASONS), text


async def test_a_dropped_file_is_looked_at_on_a_phone_and_on_a_wide_screen(
    place: Company, chromium_path: str | None, tmp_path: Path
) -> None:
    clara = await place.agent(role="finance")
    kept = clara.cookie()
    assert kept is not None
    root = str(place.server.make_url("")).rstrip("/")
    async with async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        await page.context.add_cookies([{"name": COOKIE, "value": kept.value, "url": root}])
        await page.goto(root + HERE)
        dropped = await page.evaluate_handle(
            "text => { const all = new DataTransfer(); all.items.add(new File([text], 'carteira.csv')); return all; }",
            BAD,
        )
        await page.dispatch_event("[data-drop]", "dragover", {"dataTransfer": dropped})
        await page.dispatch_event("[data-drop]", "drop", {"dataTransfer": dropped})
        await page.wait_for_selector("#errors")
        looked = page.url
        await page.screenshot(path=str(tmp_path / "import_1440.png"), full_page=True)
        await page.focus("text=Importar sem as linhas de fora")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Importado por")
        await page.set_viewport_size({"width": 390, "height": 844})
        number = await place.ask("SELECT id FROM customer")
        for name, address in (
            ("import_one", looked),
            ("import", root + HERE),
            ("list", root + "/finance/portfolio"),
            ("customer", f"{root}/finance/portfolio/customers/{number}"),
        ):
            await page.goto(address)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390, name
            await page.screenshot(path=str(tmp_path / f"{name}_390.png"), full_page=True)
        await page.goto(root + "/finance/portfolio")
        await page.fill("#asked", "souza")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=1 cliente")
        assert page.url == root + "/finance/portfolio"
        await page.focus(".portfolio-who")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#ahead")
        await browser.close()
