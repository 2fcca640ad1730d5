"""The debtor's payment page: the right words for every state, and nothing of a person but a first name."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import async_playwright

from tests.desk import MARIA, Company, company
from tests.tables import table

TOKEN = "abcdefghijklmnopqrstuvwxyz"
CODE = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865406366.425802BR"
    "5913ESCOLA AURORA6008BRASILIA62070503***63041D3D"
)
LINE = "00190.00009 12345.678903 12345.678903 5 16460000034990"
DIGITS_ONLY = str.maketrans("", "", ". ")
LINK = "https://www.asaas.example/i/1"
PARTS = [{"debt_id": 1, "principal_cents": 34990, "fine_cents": 700, "interest_cents": 952, "discount_cents": 0}]


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as found:
        yield found


async def charge(
    office: Company,
    state: str = "active",
    *,
    code: str | None = CODE,
    paid_cents: int = 0,
    parts: object = PARTS,
    person: tuple[str, str] = MARIA,
) -> None:
    """Ask Maria for R$ 366,42 until the 3rd of December, end of that day in São Paulo."""
    ticket = await office.ticket(person=person)
    await office.ask(
        "INSERT INTO charge (conversation_id, no, customer_id, provider, txid, pay_token, amount_cents, parts,"
        " pay_until, expires_at, state, code, paid_cents, created_at)"
        " SELECT conversation_id, 1, customer_id, 'static', 'txid', $2, 36642, $3, '2026-12-03', $4, $5, $6, $7, $8"
        " FROM ticket WHERE id = $1",
        ticket,
        TOKEN,
        json.dumps(parts),
        datetime(2026, 12, 4, 3, tzinfo=UTC),
        state,
        code,
        paid_cents,
        office.clock.now(),
    )


async def test_an_active_charge_shows_the_amount_its_parts_the_day_and_the_code(office: Company) -> None:
    await charge(office)
    page = await office.visitor().text(f"/pay/{TOKEN}")
    for words in ("Maria, aqui está seu pagamento", "R$ 366,42", "válido até 03/12/2026", CODE, f"/qr/{TOKEN}.png"):
        assert words in page
    for part in ("R$ 349,90", "Multa", "R$ 7,00", "Juros", "R$ 9,52"):
        assert part in page
    assert "Desconto" not in page


async def test_who_collects_is_named_as_the_law_wants_it(office: Company) -> None:
    await charge(office)
    page = await office.visitor().text(f"/pay/{TOKEN}")
    for words in ("Escola Aurora Ltda", "11.222.333/0001-81", "Rua das Laranjeiras, 120, São Paulo"):
        assert words in page


async def test_of_the_person_there_is_a_first_name_and_nothing_else(office: Company) -> None:
    await charge(office)
    page = await office.visitor().text(f"/pay/{TOKEN}")
    for secret in (
        "Aparecida",
        "Souza",
        "529.982",
        "52998224725",
        "982.247",
        "5511900000001",
        "Cida",
        "txid",
        "preciso de ajuda",
    ):
        assert secret not in page


@pytest.mark.parametrize(
    *table("""
        state     | paid  | words
        requested | 0     | Só um instante, Maria
        paid      | 36642 | Recebemos R$ 366,42.
        paid      | 30000 | Ainda faltam R$ 66,42 deste pagamento.
        cancelled | 0     | Este código não vale mais, Maria
        failed    | 0     | Não conseguimos gerar este código, Maria
    """)
)
async def test_every_state_has_its_words_and_no_code_that_must_not_be_paid(
    office: Company, state: str, paid: int, words: str
) -> None:
    await charge(office, state, paid_cents=paid)
    page = await office.visitor().text(f"/pay/{TOKEN}")
    assert words in page
    assert CODE not in page
    assert "/qr/" not in page


@pytest.mark.parametrize(
    *table("""
        hours | state   | picture
           59 | active  | 200  # 23:00 of the last day, in São Paulo
           60 | expired | 410  # midnight
    """)
)
async def test_a_charge_can_be_paid_until_the_end_of_its_last_day(
    office: Company, hours: int, state: str, picture: int
) -> None:
    await charge(office)
    office.clock.move(hours=hours)
    visitor = office.visitor()
    answer = await visitor.get(f"/pay/{TOKEN}/state")
    assert await answer.json() == {"state": state}
    assert (await visitor.get(f"/qr/{TOKEN}.png")).status == picture
    assert ("não vale mais" in await visitor.text(f"/pay/{TOKEN}")) is (state == "expired")


@pytest.mark.parametrize(*table("token\nzzzzzzzzzzzzzzzzzzzzzzzzzz\nã\n%00\nx'--\n..%2Fdesk"))
async def test_an_unknown_address_is_a_kind_404(office: Company, token: str) -> None:
    answer = await office.visitor().get(f"/pay/{token}")
    assert answer.status == 404
    assert (await office.visitor().get(f"/qr/{token}.png")).status == 404


async def test_the_unknown_address_says_where_to_find_the_right_one(office: Company) -> None:
    answer = await office.visitor().get("/pay/zzzzzzzzzzzzzzzzzzzzzzzzzz")
    assert "Volte à conversa e abra por lá." in await answer.text()


async def test_the_picture_is_the_code(office: Company) -> None:
    await charge(office)
    answer = await office.visitor().get(f"/qr/{TOKEN}.png")
    assert answer.content_type == "image/png"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    [read] = zxingcpp.read_barcodes(Image.open(BytesIO(await answer.read())).convert("L"))
    assert read.text == CODE


async def test_a_charge_without_a_code_has_no_picture_yet(office: Company) -> None:
    await charge(office, "requested", code=None)
    assert (await office.visitor().get(f"/qr/{TOKEN}.png")).status == 404


async def test_the_page_is_for_its_reader_alone(office: Company) -> None:
    await charge(office)
    answer = await office.visitor().get(f"/pay/{TOKEN}")
    headers = answer.headers
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers
    page = await answer.text()
    addresses = re.findall(r'(?:src|href|action)="([^"]*)"', page)
    assert addresses
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page)  # what the policy would block anyway


async def test_looking_changes_nothing_and_costs_no_login(office: Company) -> None:
    await charge(office)
    before = await office.ask("SELECT row_to_json(c)::text FROM charge c")
    visitor = office.visitor()
    head = await visitor.client.head(f"/pay/{TOKEN}")
    assert (head.status, await head.read()) == (200, b"")
    robot = await visitor.get(f"/pay/{TOKEN}", **{"User-Agent": "WhatsApp/2.23.20.0"})
    assert robot.status == 200
    assert (await visitor.client.post(f"/pay/{TOKEN}")).status == 405
    assert await office.ask("SELECT row_to_json(c)::text FROM charge c") == before
    assert "Disallow: /" in await visitor.text("/robots.txt")


async def test_parts_that_do_not_add_up_are_not_shown(office: Company) -> None:
    await charge(office, parts=[{**PARTS[0], "discount_cents": 100}])
    page = await office.visitor().text(f"/pay/{TOKEN}")
    assert "R$ 366,42" in page
    assert "Multa" not in page


async def test_a_boleto_and_a_card_are_offered_only_where_the_charge_has_them(office: Company) -> None:
    await charge(office)
    assert "Outras formas de pagar" not in await office.visitor().text(f"/pay/{TOKEN}")
    await office.ask("UPDATE charge SET boleto_line = $1, link = $2", LINE.translate(DIGITS_ONLY), LINK)
    page = await office.visitor().text(f"/pay/{TOKEN}")
    for words in ("Outras formas de pagar", LINE, f'href="{LINK}"', "Abre www.asaas.example."):
        assert words in page
    await office.ask("UPDATE charge SET boleto_line = NULL")
    page = await office.visitor().text(f"/pay/{TOKEN}")
    assert LINK in page
    assert "boleto" not in page
    office.clock.move(days=9)
    assert LINK not in await office.visitor().text(f"/pay/{TOKEN}")


async def test_a_hostile_name_is_text(office: Company) -> None:
    await charge(office, person=("<script>alert(1)</script>\u202e Souza", "52998224725"))
    page = await office.visitor().text(f"/pay/{TOKEN}")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;, aqui está" in page


async def test_on_a_phone_the_code_is_copied_with_one_touch_and_the_payment_noticed(
    office: Company, chromium_path: str | None
) -> None:
    await charge(office)
    await office.ask("UPDATE charge SET boleto_line = $1, link = $2", LINE.translate(DIGITS_ONLY), LINK)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(
            viewport={"width": 390, "height": 844}, permissions=["clipboard-read", "clipboard-write"]
        )
        page = await context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        await page.goto(str(office.server.make_url(f"/pay/{TOKEN}")))
        await page.get_by_role("button", name="Copiar código Pix").click()
        await page.get_by_text("Agora é só colar").wait_for()
        assert await page.evaluate("navigator.clipboard.readText()") == CODE
        await page.get_by_role("button", name="Copiar linha do boleto").click()
        await page.get_by_text("escolha “Pagar boleto”").wait_for()
        assert await page.evaluate("navigator.clipboard.readText()") == LINE
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        assert await page.evaluate("document.querySelector('.pay-qr img').naturalWidth") >= 512
        await office.ask("UPDATE charge SET state = 'paid', paid_cents = amount_cents")
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # back from the bank's app
        await page.get_by_text("Obrigado, Maria!").wait_for()
        assert problems == []
        await browser.close()
