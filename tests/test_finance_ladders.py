"""The ladder's page: a drawn calendar, who may do what, and a switch that stops what nobody asked for."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from bot.store import channel, ladder_versions, message_costs, notices
from bot.web.finance_ladders import due_of
from tests.desk import Company, Visitor, company

NOVEMBER = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
PAGE = "/finance/ladders?due=2026-11-20&track=padrao"
_CSRF = re.compile(r'action="/channel/(\w+)"[^>]*>\s*<input type="hidden" name="csrf" value="([^"]+)"')
_CELL = re.compile(r'<li class="day-cell([^"]*)">(.*?)\n    </li>', re.DOTALL)
_TAGS = re.compile(r"<[^>]+>")


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path, at=NOVEMBER) as found:
        yield found


def cells(page: str) -> dict[str, tuple[str, str]]:
    """The days of the calendar: what they look like and what they say."""
    found: dict[str, tuple[str, str]] = {}
    for look, inner in _CELL.findall(page):
        day = re.search(r'datetime="([^"]+)"', inner)
        assert day is not None
        found[day[1]] = (look, " ".join(unescape(_TAGS.sub(" ", inner)).split()))
    return found


async def press(visitor: Visitor, page: str, what: str, **form: str) -> int:
    """Send the form of the switch as it stands on a page."""
    tokens = dict(_CSRF.findall(page))
    answer = await visitor.post(f"/channel/{what}", {"csrf": tokens[what], "back": "/finance/ladders", **form})
    return answer.status


async def state(office: Company) -> channel.ChannelState:
    async with office.parts.pool.acquire() as conn:
        return await channel.state(conn)


async def test_the_calendar_of_a_due_date_on_a_holiday(office: Company) -> None:
    otavio = await office.agent("Otávio", "finance")
    page = await otavio.text(PAGE)
    days = cells(page)
    assert "dá para pagar sem encargos até segunda 23/11" in page
    assert "vencimento" in days["2026-11-20"][1]
    assert ("is-closed" in days["2026-11-20"][0], "feriado" in days["2026-11-20"][1]) == (True, True)
    assert "is-payable" in days["2026-11-23"][0]
    assert "10:00 no último dia para pagar" in days["2026-11-23"][1]
    assert "vence hoje" in days["2026-11-23"][1]
    assert "is-closed" in days["2026-11-22"][0]
    assert {day for day, (_, said) in days.items() if re.search(r"\d\d:\d\d", said)} == {
        *("2026-11-16", "2026-11-18", "2026-11-19", "2026-11-21", "2026-11-23", "2026-11-25", "2026-11-30"),
        *("2026-12-01", "2026-12-08", "2026-12-15", "2026-12-22", "2026-12-29", "2027-01-05"),
    }


async def test_each_step_says_what_is_special_about_it(office: Company) -> None:
    days = cells(await (await office.agent("Otávio", "finance")).text(PAGE))
    special = {
        "2026-11-18": "só se leu e não pagou",
        "2026-11-19": "sexta 20/11 → quinta 19/11",
        "2026-11-21": "domingo 22/11 → sábado 21/11",
        "2026-11-23": "QR do Pix",
        "2026-12-01": "Passa para uma pessoa: financeiro",
        "2026-12-15": "e de novo a cada 7 dias, 3 vezes",
        "2027-01-05": "repetição 3 de 3",
    }
    assert {day: said for day, said in special.items() if said not in days[day][1]} == {}


async def test_the_ladder_is_told_in_portuguese(office: Company) -> None:
    otavio = await office.agent("Otávio", "finance")
    page = await otavio.text("/finance/ladders")
    for said in ("Régua padrão", "das 08:00 às 14:00", "Feriados (nacionais e de SP)", "quem nunca pagou com atraso"):
        assert said in page
    assert "no máximo 1 por dia e 3 em sete dias" in page
    assert 'name="due" value="2026-11-13"' in page  # ten days from today, and the first track
    assert 'aria-current="true"><strong>bom-pagador' in page
    assert "<code>padrao.yaml:27</code>" in page  # more in a week than the caps allow


async def test_what_is_no_due_date_is_told_and_another_shown(office: Company) -> None:
    otavio = await office.agent("Otávio", "finance")
    for due in ("20/11/2026", "2026-02-30", "9999-12-31", "20261120", "<script>"):
        page = await otavio.text(f"/finance/ladders?due={due}&track=nenhuma")
        assert ("Isso não é uma data" in page, "<script>" in page, due_of(due)) == (True, False, None)


async def test_a_file_with_mistakes_shows_them_and_the_last_good_one_stays(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "regua.yaml"
    good = Path("flows/ladders/preventiva.yaml").read_text("utf-8")
    file.write_text(good, "utf-8")
    async with company(database, redis_url, tmp_path, at=NOVEMBER, ACERTO_LADDER=str(file)) as office:
        otavio = await office.agent("Otávio", "finance")
        assert "Régua preventiva" in await otavio.text("/finance/ladders")
        file.write_text(good.replace("day: -7", "day: ontem"), "utf-8")
        page = await otavio.text("/finance/ladders")
        assert "O arquivo precisa de correção" in page
        assert "<code>regua.yaml:17</code>" in page
        assert ("a última versão que pôde ser lida" in page, "Régua preventiva" in page) == (True, True)
        file.unlink()
        assert "Régua preventiva" in await otavio.text("/finance/ladders")


async def priced(office: Company, purpose: str, category: str, cost: Decimal | None) -> None:
    """Let WhatsApp have told what one message cost."""
    outbox_id = await office.ask(
        "INSERT INTO outbox (conversation_id, decision_key, kind, purpose, body, epoch, state, attempt, created_at)"
        " SELECT min(c.id), 't' || (SELECT count(*) FROM outbox), 'message', $1, '{}', 0, 'accepted', 1, $2"
        " FROM conversation c RETURNING id",
        purpose,
        NOVEMBER,
    )
    async with office.parts.pool.acquire() as conn:
        booked = message_costs.MessageCost(
            outbox_id=outbox_id,
            wamid=f"wamid.{outbox_id}",
            category=category,
            pricing_type="regular",
            billable=True,
            cost=cost,
            currency="USD",
            month=date(2026, 11, 1),
            at=NOVEMBER,
        )
        assert await message_costs.book(conn, [booked]) == 1


@pytest.mark.parametrize(
    ("ceiling", "told"), [("10.00", "US$ 2,50 de US$ 10,00"), ("2.50", "O teto do mês foi atingido")]
)
async def test_the_months_cost_stands_beside_the_ladders_ceiling(
    database: str, redis_url: str, tmp_path: Path, ceiling: str, told: str
) -> None:
    file = tmp_path / "regua.yaml"
    good = Path("flows/ladders/preventiva.yaml").read_text("utf-8")
    file.write_text(good.replace("tracks:", f"monthly: {{ceiling: {ceiling}}}\ntracks:"), "utf-8")
    async with company(database, redis_url, tmp_path, at=NOVEMBER, ACERTO_LADDER=str(file)) as office:
        otavio = await office.agent("Otávio", "finance")
        assert "ainda não informou preços" in await otavio.text("/finance/ladders")
        await office.ticket()
        await priced(office, "reminder", "utility", Decimal("2.50"))
        await priced(office, "reply", "service", Decimal("0.75"))
        await priced(office, "reply", "service", None)
        office.clock.move(minutes=1)
        page = await otavio.text("/finance/ladders")
    assert "Custo das mensagens em novembro de 2026" in page
    assert told in page
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>', page)
    assert rows == [
        ("Respostas dentro das 24 horas", "2", "US$ 0,75"),
        ("Modelos de utilidade", "1", "US$ 2,50"),
        ("Total", "", "US$ 3,25"),
    ]
    assert "fora da soma: 1" in page


async def test_a_ladder_in_stages_says_how_far_it_is_and_that_it_stopped(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "regua.yaml"
    good = Path("flows/ladders/preventiva.yaml").read_text("utf-8")
    file.write_text(good.replace("tracks:", "rollout: {percent: [1.50, 100], days_each: 2}\ntracks:"), "utf-8")
    async with company(database, redis_url, tmp_path, at=NOVEMBER, ACERTO_LADDER=str(file)) as office:
        otavio = await office.agent("Otávio", "finance")
        page = await otavio.text("/finance/ladders")
        assert "Chega hoje a 1,5% dos clientes" in page
        assert "1,5% → 100%" in page
        async with office.parts.pool.acquire() as conn:
            (digest,) = [row["digest"] for row in await conn.fetch("SELECT digest FROM ladder_version")]
            assert await ladder_versions.stop(conn, digest, "turned_away", NOVEMBER)
        page = await otavio.text("/finance/ladders")
        assert "Esta régua parou sozinha" in page
        assert "acima do limite de 2,00%" in page


async def test_without_a_ladder_the_page_says_that_nobody_is_reminded(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with company(database, redis_url, tmp_path, ACERTO_LADDER="none") as office:
        otavio = await office.agent("Otávio", "finance")
        assert "ninguém recebe lembretes" in await otavio.text("/finance/ladders")


async def test_everybody_looks_agents_stop_and_finance_lets_go_on(office: Company) -> None:
    paula, otavio = await office.agent(), await office.agent("Otávio", "finance")
    assert "A conciliar" not in await paula.text("/finance/ladders")
    assert await press(paula, await paula.text("/desk"), "pause", reason="valor <b>errado</b>") == 303
    stopped = await state(office)
    assert (stopped.flows(office.clock.now()), stopped.paused_by, stopped.reason) == (
        False,
        "Paula",
        "valor <b>errado</b>",
    )
    page = await paula.text("/desk")
    assert "Envios pausados" in page
    assert "valor &lt;b&gt;errado&lt;/b&gt;" in page
    assert "/channel/resume" not in page
    page = await otavio.text("/finance/ladders")
    assert "por Paula, desde 03/11/2026 12:00" in page
    assert await press(otavio, page, "resume") == 303
    assert (await state(office)).flows(office.clock.now())
    assert "Os lembretes estão saindo" in await otavio.text("/finance/ladders")


async def test_nobody_switches_without_a_login_a_role_and_the_forms_token(office: Company) -> None:
    paula, otavio, nobody = await office.agent(), await office.agent("Otávio", "finance"), office.visitor()
    assert (await nobody.get("/finance/ladders")).status == 303
    for visitor in (paula, otavio, nobody):
        assert (await visitor.post("/channel/pause", {"reason": "x"})).status in (303, 403)
    assert (await state(office)).paused_at is None
    assert await press(otavio, await otavio.text("/finance/ladders"), "pause") == 303
    csrf = re.search(r'name="csrf" value="([^"]+)"', await paula.text("/desk"))
    assert csrf is not None
    refused = await paula.post("/channel/resume", {"csrf": csrf[1]})
    assert (refused.status, (await state(office)).paused_by) == (403, "Otávio")


async def test_what_whatsapp_says_and_who_paused_is_told_in_words(office: Company) -> None:
    otavio = await office.agent("Otávio", "finance")
    async with office.parts.pool.acquire() as conn:
        now = office.clock.now()
        await channel.set_limit(conn, people_a_day=2000, told_at=now, now=now)
        await channel.set_quality(conn, quality="RED", told_at=now, now=now)
        await channel.pause(conn, by="Helena", reason="<i>férias</i>", now=now)
        await channel.resume(conn, by="Helena", now=now)
        await channel.restrict(conn, restriction="131042", until=None, now=now)
    page = await otavio.text("/finance/ladders")
    assert "O WhatsApp suspendeu os envios" in page
    assert "até alguém retomar" in page
    assert "a conta não tem uma forma válida de pagar o WhatsApp (131042)" in page
    for said in ("novo limite diário: no máximo 2.000", "nova qualidade do número: baixa", "pausou: &lt;i&gt;férias"):
        assert said in page
    assert await press(otavio, page, "resume") == 303
    assert (await state(office)).flows(office.clock.now())


async def test_an_open_desk_hears_of_a_stop_and_of_nothing_else(office: Company) -> None:
    paula = await office.agent()
    look = re.search(r'hx-get="(/channel[^"]+)"', await paula.text("/desk"))
    assert look is not None
    address = unescape(look[1])
    assert (await paula.get(address)).status == 204
    async with office.parts.pool.acquire() as conn:
        await channel.pause(conn, by="Helena", reason=None, now=office.clock.now())
    assert "Envios pausados" in await paula.text(address)


async def test_an_answer_leads_back_to_our_own_pages_only(office: Company) -> None:
    paula = await office.agent()
    csrf = dict(_CSRF.findall(await paula.text("/desk")))["pause"]
    for back, there in (("https://example.org/desk", "/desk"), ("//example.org", "/desk"), ("/desk/7", "/desk/7")):
        answer = await paula.post("/channel/pause", {"csrf": csrf, "back": back})
        assert answer.headers["Location"] == there


RUN = {
    "days": 9,
    "customers": 10000,
    "seed": 7,
    "by_day": [{"day": n, "sent": 100 * n, "paid": n, "agreements": 1} for n in range(9)],
    "by_hour": [0] * 10 + [3600] + [0] * 13,
    "cost": "1312.34",
    "currency": "USD",
    "ran_at": "2026-11-02T15:00:00+00:00",
}


async def test_the_last_simulation_is_drawn_and_told_as_a_table(office: Company) -> None:
    otavio = await office.agent("Otávio", "finance")
    assert "Última simulação" not in await otavio.text("/finance/ladders")
    file = office.parts.settings.home / "simulations" / "last.json"
    file.parent.mkdir()
    file.write_text(json.dumps(RUN), "utf-8")
    page = await otavio.text("/finance/ladders")
    assert "10.000 clientes fictícios ao longo de 9 dias, em 02/11/2026 12:00" in page
    assert "Custaria US$ 1.312,34" in unescape(page).replace("\xa0", " ")
    assert page.count('<rect class="plot-bar"') == 9 + 24
    assert "dia 9: 800 enviadas" in page
    assert "10 h: 3.600 enviadas" in page
    weeks = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td>', page)
    assert weeks == [("1–7", "2.100", "21", "7"), ("8–9", "1.500", "15", "2"), ("Total", "3.600", "36", "9")]
    other = {"ladder": {"name": "x", "digest": "0"}, "breaches": ["x"], "more": 1}
    file.write_text(json.dumps({key: value for key, value in RUN.items() if key != "cost"} | other), "utf-8")
    page = await otavio.text("/finance/ladders")
    assert ("Custaria" in page, "outra versão da régua" in page, "não podia" in page) == (False, True, True)
    for broken in ("", "{}", json.dumps({**RUN, "by_hour": [1]}), json.dumps({**RUN, "by_day": []})):
        file.write_text(broken, "utf-8")
        assert "Última simulação" not in await otavio.text("/finance/ladders")


async def test_the_page_knows_nobodys_name_number_or_bill(office: Company) -> None:
    ticket = await office.ticket()
    await office.owes(ticket, cents=98765, due=NOVEMBER.date(), description="Transporte")
    page = await (await office.agent("Otávio", "finance")).text(PAGE)
    assert [said for said in ("Maria", "Souza", "52998224725", "987,65", "Transporte", "5511") if said in page] == []


async def test_pausing_in_a_browser_stops_at_once_and_nothing_is_cut_off_on_a_phone(
    office: Company, chromium_path: str | None
) -> None:
    await office.employs("Helena", "admin")
    async with async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.goto(str(office.server.make_url("/login")))
        await page.fill("input[name=name]", "Helena")
        await page.fill("input[name=password]", "a password of ours")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/desk")
        await page.click("text=Pausar envios")
        await page.fill("input[name=reason]", "conferindo um valor")
        await page.click("text=Sim, pausar agora")
        await page.wait_for_selector("#channel.is-stopped")
        assert not (await state(office)).flows(office.clock.now())
        await page.goto(str(office.server.make_url(PAGE)))
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        assert not await page.is_visible(".weekdays")
        await page.click("text=Retomar envios")
        await page.click("text=Sim, retomar agora")
        await page.wait_for_selector("#channel.is-flowing")
        await page.set_viewport_size({"width": 1440, "height": 900})
        assert await page.is_visible(".weekdays")
        await browser.close()
    assert (await state(office)).flows(office.clock.now())


async def test_what_stopped_a_template_is_a_line_until_finance_has_seen_it(office: Company) -> None:
    async with office.parts.pool.acquire() as conn:
        await notices.tell(
            conn, key="k", kind="template_paused", subject="venceu", queue="operacao", now=office.parts.clock.now()
        )
    helena, otavio = await office.agent("Helena"), await office.agent("Otávio", "finance")
    assert "O WhatsApp pausou o modelo venceu" in await helena.text(PAGE)
    page = await otavio.text(PAGE)
    found = re.search(r'action="(/finance/notices/\d+/seen)"><input type="hidden" name="csrf" value="([^"]+)"', page)
    assert found is not None
    assert (await helena.post(found[1], {"csrf": found[2]})).status == 403
    assert (await otavio.post(found[1], {"csrf": found[2]})).status in (200, 303)
    assert "pausou o modelo" not in await otavio.text(PAGE)
