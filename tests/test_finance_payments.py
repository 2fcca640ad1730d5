"""Finance's pages: what waits and why, one press for what is proposed, and nothing for anybody else."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from bot.store import reconciliation
from bot.web.finance_payments import cents_of
from tests.desk import Company, Visitor, company
from tests.pix_bank import NOON
from tests.tables import table

_FORM = re.compile(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r'name="(\w+)"[^>]*?value="([^"]*)"')
NAME = "Nair <b>Silva</b>"


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as found:
        yield found


async def received(office: Company, cents: int, *, n: int = 1, days_ago: int = 0) -> int:
    async with office.parts.pool.acquire() as conn, conn.transaction():
        await reconciliation.keep_unknown(
            conn,
            end_to_end_id=f"E77777777{n:023d}",
            txid="x" * 26,
            amount_cents=cents,
            paid_at=NOON - timedelta(days=days_ago),
            source="pix",
            proposal={"reason": "On a bank statement; no code asks for this amount", "text": "<i>PIX RECEBIDO</i>"},
            now=NOON,
        )
    return int(await office.ask("SELECT max(id) FROM payment"))


async def owing(office: Company, cents: int) -> int:
    ticket = await office.ticket(person=(NAME, "52998224725"))
    await office.owes(ticket, cents=cents, due=NOON.date() + timedelta(days=5))
    return int(await office.ask("SELECT max(id) FROM debt"))


async def form_on(visitor: Visitor, page: str, action: str) -> tuple[str, dict[str, str]]:
    """The address and the fields of the first form on a page whose address ends so."""
    for address, inner in _FORM.findall(page):
        if address.endswith(action):
            return address, {name: unescape(value) for name, value in _FIELD.findall(inner)}
    raise AssertionError(f"no form for {action}")


async def test_the_queue_shows_oldest_first_with_a_bar_that_is_the_ledgers(office: Company) -> None:
    otavio = await office.agent("Otávio", "finance")
    assert "Nada à espera" in await otavio.text("/finance/payments")
    await received(office, 12345, n=1)
    await received(office, 50000, n=2, days_ago=3)
    page = await otavio.text("/finance/payments")
    assert page.index("R$ 500,00") < page.index("R$ 123,45")
    assert '<strong>R$ 623,45</strong> <span class="count">2</span>' in page
    assert "Sem cobrança: o identificador não é nosso" in page
    assert "&lt;i&gt;PIX RECEBIDO&lt;/i&gt;" in page
    assert 'aria-current="page">A conciliar' in page


async def test_what_is_proposed_is_one_press_and_a_second_changes_nothing(office: Company) -> None:
    otavio, debt = await office.agent("Otávio", "finance"), await owing(office, 12345)
    payment = await received(office, 12345)
    page = await otavio.text("/finance/payments")
    assert "A única conta em aberto deste valor" in page
    assert "Nair &lt;b&gt;Silva&lt;/b&gt;" in page
    address, fields = await form_on(otavio, page, "/allocate")
    first = await otavio.post(address, fields)
    assert (first.status, first.headers["Location"]) == (303, "/finance/payments")
    again = await otavio.post(address, fields)
    assert again.status == 409
    assert "nada foi feito duas vezes" in await again.text()
    assert await office.ask("SELECT state FROM debt WHERE id = $1", debt) == "paid"
    assert await office.ask("SELECT count(*) FROM payment_decision") == 1
    assert "usados em Mensalidade" in await otavio.text(f"/finance/payments/{payment}")
    assert await office.events() == ["PaymentFound"]


async def test_another_bill_is_found_without_a_name_in_an_address_and_a_part_is_used(office: Company) -> None:
    otavio = await office.agent("Otávio", "finance")
    await owing(office, 99999)
    payment = await received(office, 50000)
    address, fields = await form_on(otavio, await otavio.text(f"/finance/payments/{payment}"), "/find")
    found = await otavio.post(address, {**fields, "asked": "nair"})
    address, fields = await form_on(otavio, await found.text(), "/allocate")
    done = await otavio.post(address, {**fields, "amount": "1.00", "note": "x"})
    assert (done.status, "Escreva o valor assim" in await done.text()) == (422, True)
    done = await otavio.post(address, {**fields, "amount": "R$ 100,00", "note": "ligou e confirmou"})
    assert (done.status, done.headers["Location"]) == (303, f"/finance/payments/{payment}")
    page = await otavio.text(f"/finance/payments/{payment}")
    assert "À espera de decisão: R$ 400,00" in page
    assert "ligou e confirmou" in page


async def test_credit_is_kept_and_then_noted_as_sent_back_by_hand(office: Company) -> None:
    otavio = await office.agent("Otávio", "finance")
    await owing(office, 99999)
    payment = await received(office, 50000)
    address, fields = await form_on(otavio, await otavio.text(f"/finance/payments/{payment}"), "/find")
    found = await otavio.post(address, {**fields, "asked": "529.982.247-25"})
    address, fields = await form_on(otavio, await found.text(), "/credit")
    assert (await otavio.post(address, fields)).status == 303
    page = await otavio.text("/finance/payments")
    assert '<strong>R$ 500,00</strong> <span class="count">1</span>' in page
    assert "Nada à espera" in page
    page = await otavio.text(f"/finance/payments/{payment}")
    assert "Já devolvi pelo banco" in page  # static Pix: nobody sends it back for us
    address, fields = await form_on(otavio, page, "/refund")
    refused = await otavio.post(address, {**fields, "return_id": "not an id!"})
    assert (refused.status, "letras e números" in await refused.text()) == (422, True)
    done = await otavio.post(address, {**fields, "return_id": "D" + "0" * 31})
    assert (done.status, done.headers["Location"]) == (303, f"/finance/payments/{payment}")  # its turn books it
    assert "Tudo já está a caminho" in await otavio.text("/finance/payments")


@pytest.mark.parametrize("action", ["find", "allocate", "credit", "refund"])
async def test_nobody_else_decides_and_nothing_without_the_forms_token(office: Company, action: str) -> None:
    paula, otavio = await office.agent(), await office.agent("Otávio", "finance")
    payment = await received(office, 100)
    for visitor in (paula, otavio, office.visitor()):
        answer = await visitor.post(f"/finance/payments/{payment}/{action}", {"amount": "1,00", "key": "0" * 32})
        assert answer.status in (303, 403)
    assert await office.ask("SELECT count(*) FROM payment_decision") == 0
    assert (await otavio.get("/finance/payments/999999")).status == 404


@pytest.mark.parametrize(
    *table("""
        typed        cents
        1.234,56     123456
        R$1.234,56   123456
        0,05         5
        R$12         1200
        12,5         0
        1.23         0
        -1,00        0
        １２          0
        1e9          0
    """)
)
def test_an_amount_is_read_as_it_is_typed_in_brazil_or_not_at_all(typed: str, cents: int) -> None:
    assert cents_of(typed) == cents


async def test_by_keyboard_alone_and_on_a_phone_nothing_is_cut_off(office: Company, chromium_path: str | None) -> None:
    await office.employs("Otávio", "finance")
    debt = await owing(office, 12345)
    await received(office, 12345)
    async with async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.goto(str(office.server.make_url("/login")))
        await page.fill("input[name=name]", "Otávio")
        await page.fill("input[name=password]", "a password of ours")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/finance/payments")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.focus("button:has-text('Usar nesta conta')")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Nada à espera")
        await browser.close()
    assert await office.ask("SELECT state FROM debt WHERE id = $1", debt) == "paid"
