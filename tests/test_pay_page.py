"""The debtor's payment page: the right words for every state, and nothing of a person but a first name."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import async_playwright

from bot.store import policies
from bot.store.policies import By
from tests.desk import MARIA, Company, company
from tests.tables import table
from tests.town import POLICY

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


async def due_in(office: Company, days: int) -> None:
    """What the charge asks for is a debt of that day, R$ 349,90 of principal; the sample policy is in force."""
    now = office.clock.now()
    today = now.astimezone(office.parts.settings.timezone).date()
    async with office.parts.pool.acquire() as conn:
        clara = By(name="Clara", at=now, secret=office.parts.mac_key)
        digest = await policies.submit(conn, POLICY.read_bytes(), file=POLICY.name, by=clara)
        await policies.approve(conn, digest, by=replace(clara, name="Otávio"), today=today)
    ticket = await office.ask("SELECT id FROM ticket")
    await office.owes(ticket, cents=34990, due=today + timedelta(days=days))
    debt = await office.ask("SELECT id FROM debt")
    await office.ask("UPDATE charge SET parts = jsonb_set(parts, '{0,debt_id}', to_jsonb($1::bigint))", debt)


def by_day(page: str) -> list[tuple[str, str, bool]]:
    """The rows of the table: day, amount, and whether it is marked as this code's."""
    rows = re.findall(
        r'<div( class="is-own")?><dt>(.*?)</dt><dd>(.*?)</dd></div>', page.rsplit("pay-days", maxsplit=1)[-1]
    )
    return [(re.sub(" <span>.*", "", day), amount, bool(own)) for own, day, amount in rows]


async def test_what_a_late_debt_costs_on_the_coming_days_is_told_and_this_codes_day_marked(office: Company) -> None:
    await charge(office)
    await due_in(office, -12)
    rows = by_day(await office.visitor().text(f"/pay/{TOKEN}"))
    assert [row[0] for row in rows][:2] == ["ter, 01/12/2026", "qua, 02/12/2026"]
    assert len(rows) == 8
    assert rows[0][1] == "R$ 349,90"  # today's cash offer, which stands till Friday
    assert rows[2] == ("qui, 03/12/2026", "R$ 366,42", True)  # what this code says
    assert rows[3][1] == "R$ 349,90"
    assert rows[4][1] == "R$ 358,77"  # 16 days of interest, and the fine
    assert [row[2] for row in rows].count(True) == 1


async def test_a_debt_that_is_not_due_yet_shows_its_payable_day_too(office: Company) -> None:
    await charge(office)
    await due_in(office, 11)  # a Saturday
    rows = by_day(await office.visitor().text(f"/pay/{TOKEN}"))
    assert [row[0] for row in rows][-2:] == ["ter, 08/12/2026", "seg, 14/12/2026"]
    assert rows[-1][1] == "R$ 349,90"


@pytest.mark.parametrize("state", ["paid", "cancelled", "debt paid", "another person"])
async def test_amounts_of_what_is_not_owed_here_any_more_are_not_told(office: Company, state: str) -> None:
    await charge(office)
    await due_in(office, -12)
    if state == "debt paid":
        await office.ask("UPDATE debt SET state = 'paid', open_principal_cents = 0, settled_at = now()")
    elif state == "another person":
        await office.ticket(person=("Bruno Lima", "11144477735"))
        await office.ask(
            "UPDATE conversation SET customer_id = (SELECT max(id) FROM customer)"
            " WHERE id = (SELECT conversation_id FROM charge)"
        )
    else:
        await office.ask("UPDATE charge SET state = $1", state)
    assert "Valor por data" not in await office.visitor().text(f"/pay/{TOKEN}")


async def test_an_expired_charge_leads_back_to_the_conversation(office: Company) -> None:
    await charge(office)
    office.clock.move(days=9)
    page = await office.visitor().text(f"/pay/{TOKEN}")
    assert "volte à conversa" in page
    assert "wa.me" not in page


async def test_where_the_number_is_known_one_touch_leads_back(database: str, redis_url: str, tmp_path: Path) -> None:
    async with company(database, redis_url, tmp_path, ACERTO_WHATSAPP_PHONE="+55 11 3004-5678") as office:
        await charge(office)
        office.clock.move(days=9)
        page = await office.visitor().text(f"/pay/{TOKEN}")
        assert 'href="https://wa.me/551130045678?text=pagar"' in page


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
