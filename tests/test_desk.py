"""The desk: who waits, who answers, and that two agents, two clicks or a hostile text do no harm."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright

from bot.engine.events import from_raw
from bot.sandbox.people import PEOPLE
from bot.store.tickets import Line
from bot.web.rendering import as_typed, plain, printable
from bot.web.transcript import days
from flows.events import AgentReplied, TicketClaimed
from tests.desk import Company, Visitor, company
from tests.pix_bank import NOON, HandClock
from tests.tables import table
from tests.town import town
from tests.waiting import until
from tests.whatsapp_bodies import text_message
from webhook import make_app


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as found:
        yield found


async def test_who_waits_longest_is_first_and_the_reason_is_in_words(office: Company) -> None:
    paula = await office.agent()
    await office.ticket(person=("Late Lopes", "11144477735"), waits_since=timedelta(minutes=4))
    await office.ticket(person=("Early Esteves", "12345678909"), waits_since=timedelta(minutes=95), reason="dispute")
    page = await paula.text("/desk")
    assert page.index("Early Esteves") < page.index("Late Lopes")
    assert "1 h 35 min" in page
    assert "contesta a dívida" in page
    assert "preciso de ajuda" in page


async def test_an_empty_queue_says_so(office: Company) -> None:
    assert "Ninguém está esperando" in await (await office.agent()).text("/desk")


async def test_of_two_agents_one_gets_the_ticket_and_the_other_is_told_at_once(office: Company) -> None:
    paula, rui, ticket = await office.agent("Paula"), await office.agent("Rui"), await office.ticket()
    answers = await asyncio.gather(paula.acts(ticket, "take"), rui.acts(ticket, "take"))
    assert sorted(answer.status for answer in answers) == [200, 409]
    loser = next(answer for answer in answers if answer.status == 409)
    assert "Outra pessoa assumiu primeiro." in await loser.text()
    assert await office.events() == ["TicketClaimed"]
    holder = await office.ask("SELECT u.name FROM ticket t JOIN app_user u ON u.id = t.agent_id")
    event = from_raw(bytes(await office.ask("SELECT raw FROM inbox")))
    assert isinstance(event, TicketClaimed)
    assert event.agent_name == holder


async def test_taking_what_one_holds_already_is_no_news(office: Company) -> None:
    paula, ticket = await office.agent(), await office.ticket()
    assert [(await paula.acts(ticket, "take")).status for _ in range(2)] == [200, 200]
    assert await office.events() == ["TicketClaimed"]


async def test_an_answer_becomes_an_event_and_is_shown_while_it_is_on_its_way(office: Company) -> None:
    paula, ticket = await office.agent(), await office.ticket()
    await paula.acts(ticket, "take")
    form = await paula.form_of(ticket)
    answer = await paula.post(f"/desk/{ticket}/reply", {**form, "text": "  Oi, Maria!\r\nVamos ver.  "})
    assert (answer.status, answer.headers["Location"]) == (303, f"/desk/{ticket}")
    event = from_raw(bytes(await office.ask("SELECT raw FROM inbox ORDER BY id DESC LIMIT 1")))
    assert isinstance(event, AgentReplied)
    assert (event.text, event.agent_name) == ("Oi, Maria!\nVamos ver.", "Paula")
    page = await paula.text(f"/desk/{ticket}")
    assert "Oi, Maria!\nVamos ver." in page
    assert "a caminho" in page


async def test_a_form_sent_twice_is_one_answer_and_a_new_form_is_another(office: Company) -> None:
    paula, ticket = await office.agent(), await office.ticket()
    await paula.acts(ticket, "take")
    form = {**await paula.form_of(ticket), "text": "Oi!"}
    answers = await asyncio.gather(*(paula.post(f"/desk/{ticket}/reply", form) for _ in range(3)))
    assert {answer.status for answer in answers} == {303}
    assert await office.events() == ["TicketClaimed", "AgentReplied"]
    await paula.post(f"/desk/{ticket}/reply", {**await paula.form_of(ticket), "text": "Oi!"})
    assert await office.events() == ["TicketClaimed", "AgentReplied", "AgentReplied"]


@pytest.mark.parametrize(*table("action\nreply\nhand-back\nclose"))
async def test_only_the_holder_acts(office: Company, action: str) -> None:
    paula, rui, ticket = await office.agent("Paula"), await office.agent("Rui"), await office.ticket()
    await paula.acts(ticket, "take")
    answer = await rui.acts(ticket, action, text="I was here first", key="0" * 32)
    assert answer.status == 409
    assert "não está mais com você" in await answer.text()
    assert await office.events() == ["TicketClaimed"]
    assert await office.ask("SELECT state FROM ticket") == "claimed"


@pytest.mark.parametrize(
    *table("""
        action    | outcome     | event        | words
        hand-back | handed_back | HandedBack   | O robô voltou a cuidar desta conversa.
        close     | closed      | TicketClosed | Conversa encerrada.
    """)
)
async def test_handing_back_and_closing_end_the_ticket_once(
    office: Company, action: str, outcome: str, event: str, words: str
) -> None:
    paula, ticket = await office.agent(), await office.ticket()
    await paula.acts(ticket, "take")
    answers = [await paula.acts(ticket, action) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert words in await answers[0].text()
    assert await office.events() == ["TicketClaimed", event]
    assert await office.ask("SELECT outcome FROM ticket") == outcome
    assert "Ninguém está esperando" in await paula.text("/desk")


@pytest.mark.parametrize(
    *table("""
        minutes | status | events
           1430 |    303 |      2  # still inside
           1440 |    409 |      1  # a day later WhatsApp would refuse it
    """)
)
async def test_outside_the_24_hours_nothing_is_sent_and_the_page_says_why(
    office: Company, minutes: int, status: int, events: int
) -> None:
    paula, ticket = await office.agent(), await office.ticket(heard_ago=timedelta(minutes=0))
    await paula.acts(ticket, "take")
    form = {**await paula.form_of(ticket), "text": "Ainda está aí?"}
    office.clock.move(minutes=minutes)
    await paula.logs_in("Paula")
    form["csrf"] = await office.ask("SELECT csrf_token FROM app_session")
    answer = await paula.post(f"/desk/{ticket}/reply", form)
    assert answer.status == status
    assert len(await office.events()) == events
    if status == 409:
        page = await answer.text()
        assert "As 24 horas acabaram; a mensagem não foi enviada." in page
        assert "Ainda está aí?" in page  # what was written is not lost
        assert "<textarea" not in page


@pytest.mark.parametrize(
    *table("""
        what  | words
        empty | Escreva algo antes de enviar.
        long  | O texto é longo demais para uma mensagem.
    """)
)
async def test_an_answer_that_whatsapp_would_refuse_is_refused_here(office: Company, what: str, words: str) -> None:
    paula, ticket = await office.agent(), await office.ticket()
    await paula.acts(ticket, "take")
    text = {"empty": " \r\n\0 ", "long": "ã" * 4097}[what]
    answer = await paula.post(f"/desk/{ticket}/reply", {**await paula.form_of(ticket), "text": text})
    assert answer.status == 422
    assert words in await answer.text()
    assert await office.events() == ["TicketClaimed"]


async def test_who_has_not_confirmed_is_named_as_a_warning_with_half_a_document(office: Company) -> None:
    paula = await office.agent()
    ticket = await office.ticket(confirmed=False, reason="identity")
    await office.owes(ticket, cents=34990, due=date(2026, 11, 2))
    page = await paula.text(f"/desk/{ticket}")
    assert "Por enquanto, não fale de dívida." in page
    assert "•••.982.247-••" in page
    assert "52998224725" not in page
    assert "349,90" not in page


async def test_what_is_owed_stands_beside_the_conversation(office: Company) -> None:
    paula, ticket = await office.agent(), await office.ticket()
    await office.owes(ticket, cents=34990, due=date(2026, 11, 2))
    await office.owes(ticket, cents=10010, due=date(2026, 12, 20), description="Material")
    page = await paula.text(f"/desk/{ticket}")
    assert "R$ 450,00" in page
    assert "venceu em 02/11/2026, há 29 dias" in page
    assert "vence em 20/12/2026" in page
    assert "responda em até 23 h 50 min" in page


HOSTILE = "<script>alert(1)</script>\u202e\x00 *\ud800* <img src=x onerror=alert(2)>"


async def test_hostile_texts_are_shown_and_do_nothing(office: Company) -> None:
    paula = await office.agent()
    lines = (
        ("heard", {"text": HOSTILE}),
        ("heard", {"kind": "image", "caption": HOSTILE}),
        ("said", {"text": HOSTILE, "choices": [HOSTILE], "picture": True, "link": 'https://x.example/"><script>'}),
        ("agent_said", {"text": HOSTILE, "agent": HOSTILE}),
        ("note", {"text": HOSTILE}),
        ("claimed", {"agent": HOSTILE}),
        ("<script>alert(3)</script>", {"text": HOSTILE}),
    )
    ticket = await office.ticket(person=("Evil \u202eeman <b>", "52998224725"), lines=lines, profile="<i>\u2066")
    for address in ("/desk", f"/desk/{ticket}", f"/desk/{ticket}/transcript"):
        page = await paula.text(address)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>" not in page.replace("<b>Nota</b>", "")
        assert "\x00" not in page
    assert "Evil eman &lt;b&gt;" in await paula.text("/desk")


@pytest.mark.parametrize(
    *table(r"""
        typed            | shown
        *oi* <b>         | <strong>oi</strong> &lt;b&gt;
        2*3*4            | 2*3*4
        * a *            | * a *
        *<i>*            | <strong>&lt;i&gt;</strong>
    """)
)
def test_bold_is_bold_and_everything_else_is_text(typed: str, shown: str) -> None:
    assert as_typed(typed) == shown


def test_what_cannot_be_printed_is_replaced_and_a_name_keeps_its_direction() -> None:
    assert printable("a\x00b\ud83dc\r\nd\te") == "a\ufffdb\ufffdc\nd\te"
    assert plain(" Ana\u202e\u2066\n Souza\x07 ") == "Ana Souza\ufffd"


async def test_every_kind_of_line_has_words_and_an_unknown_one_is_not_left_out(office: Company) -> None:
    paula = await office.agent()
    lines: tuple[tuple[str, dict[str, object]], ...] = (
        ("identified", {"customer_id": 1}),
        ("wrong_answer", {"tries": 2}),
        ("offered", {"offer_no": 1, "debt_id": 1, "digest": "d"}),
        ("offered", {"offer_no": 2, "debt_id": 1, "digest": "d"}),
        ("agreed", {"offer_no": 2, "debt_id": 1, "total_cents": 30000, "message_id": "m"}),
        ("promised", {"debt_id": 1, "until": "2026-12-10"}),
        ("charged", {"charge_no": 3, "amount_cents": 10000, "pay_until": "2026-12-02"}),
        ("paid", {"end_to_end_id": "E1", "amount_cents": 10001, "surplus_cents": 1}),
        ("ticket_opened", {"reason": "payment", "queue": "financeiro"}),
        ("opted_out", {}),
        ("agreed", {"written": "by a newer version"}),
        ("moon_landing", {}),
    )
    page = await paula.text(f"/desk/{await office.ticket(lines=lines)}/transcript")
    for words in (
        "Confirmou a identidade",
        "Resposta errada ao confirmar a identidade (2)",
        "Acordo fechado: R$ 300,00 no total",
        "Prometeu pagar até 10/12/2026",
        "Cobrança Pix de R$ 100,00, válida até 02/12/2026",
        "Pagamento de R$ 100,01 confirmado · R$ 0,01 a mais, em conferência",
        "Espera atendimento: pagamento a conferir",
        "Pediu para não receber mais mensagens",
        "moon landing",
    ):
        assert words in page
    assert page.count("Ofertas apresentadas") == 1


@pytest.mark.parametrize(
    *table("""
        state    | status    | mark      | words
        pending  | -         | waiting   | a caminho
        sending  | -         | waiting   | a caminho
        accepted | -         | sent      | enviada
        accepted | sent      | sent      | enviada
        accepted | delivered | delivered | entregue
        accepted | read      | read      | lida
        unknown  | -         | unsure    | envio incerto
        unknown  | delivered | delivered | entregue
        cancelled | -        | failed    | não enviada
        failed   | -         | failed    | não entregue (131026)
        accepted | failed    | failed    | não entregue (131026)
    """)
)
async def test_a_message_tells_what_became_of_it(
    office: Company, state: str, status: str | None, mark: str, words: str
) -> None:
    line = Line(
        n=1, at=NOON, kind="said", body='{"text": "Oi"}', state=state, status=status, reason=None, error_code=131026
    )
    [day] = days([line], texts=office.parts.texts, zone=office.parts.settings.timezone, today=NOON.date())
    tick = day.items[0].tick
    assert tick is not None
    assert (tick.mark, tick.words) == (mark, words)


async def test_a_region_is_sent_again_only_when_its_picture_changed(office: Company) -> None:
    paula, rui, ticket = await office.agent("Paula"), await office.agent("Rui"), await office.ticket()
    page = await paula.text(f"/desk/{ticket}")
    seen = {name: _address(page, name) for name in ("queue", "head", "card", "transcript", "composer")}
    assert {name: (await paula.get(address)).status for name, address in seen.items()} == dict.fromkeys(seen, 204)
    await rui.acts(ticket, "take")
    after = {name: (await paula.get(address)).status for name, address in seen.items()}
    assert after == {"queue": 200, "head": 200, "card": 204, "transcript": 204, "composer": 200}


async def test_open_pages_hear_of_a_change_at_once_and_without_a_hint_soon(office: Company) -> None:
    paula, rui, ticket = await office.agent("Paula"), await office.agent("Rui"), await office.ticket()
    stream = await rui.get("/desk/events")
    heard: list[bytes] = []

    async def listen() -> None:
        while line := await stream.content.readline():
            heard.append(line.strip())

    listening = asyncio.create_task(listen())
    await paula.acts(ticket, "take")
    await until(lambda: heard.count(b"data: 1") > 0, at_most_s=1)
    await until(lambda: heard.count(b"data: 1") > 1, at_most_s=4)  # the first look at the database
    before = len(heard)
    await office.ask("UPDATE ticket SET state = 'open', agent_id = NULL")  # nobody rings
    await until(lambda: len(heard) > before, at_most_s=4)
    listening.cancel()
    stream.close()


async def test_a_stream_ends_when_the_program_stops(office: Company) -> None:
    stream = await (await office.agent()).get("/desk/events")
    assert stream.headers["Content-Type"] == "text/event-stream"
    await office.server.close()
    async with asyncio.timeout(5):
        assert b"retry" in await stream.content.read()


async def test_next_is_whoever_waits_longest(office: Company) -> None:
    paula = await office.agent()
    assert (await paula.get("/desk/next")).headers["Location"] == "/desk"
    await office.ticket(waits_since=timedelta(minutes=1))
    oldest = await office.ticket(waits_since=timedelta(minutes=9))
    assert (await paula.get("/desk/next")).headers["Location"] == f"/desk/{oldest}"
    assert (await paula.get(f"/desk/next?after={oldest}")).headers["Location"] == "/desk/1"


@pytest.mark.parametrize(
    *table("address status\n/desk/999 404\n/desk/999/head 404\n/desk/99999999999999999999 404\n/desk/x 404")
)
async def test_what_is_not_there_is_a_404(office: Company, address: str, status: int) -> None:
    assert (await (await office.agent()).get(address)).status == status


async def park(office: Company, kind: str, raw: bytes, *, conversation: int | None = None) -> int:
    """Put a parked row into the inbox."""
    row: int = await office.ask(
        "INSERT INTO inbox (source, dedupe_key, kind, conversation_id, raw, received_at, state, reason, attempts)"
        " VALUES ('whatsapp', $1::text, $1::text, $2, $3, $4, 'parked', 'ValueError', 5) RETURNING id",
        kind,
        conversation,
        raw,
        NOON - timedelta(hours=2),
    )
    return row


async def test_parked_rows_are_listed_without_a_word_of_theirs_and_opened_one_by_one(office: Company) -> None:
    admin = await office.agent("Rita", "admin")
    row = await park(office, "unreadable", b'{"text": "minha senha \x00\xff <b>"')
    page = await admin.text("/desk/parked")
    assert "ValueError" in page
    assert "minha senha" not in page
    opened = await admin.text(f"/desk/parked/{row}")
    assert "minha senha \ufffd\ufffd &lt;b&gt;" in opened


async def test_a_parked_event_is_tried_again_with_all_its_tries(office: Company) -> None:
    admin, ticket = await office.agent("Rita", "admin"), await office.ticket()
    row = await park(office, "event", b"{}", conversation=ticket)
    csrf = await office.ask("SELECT csrf_token FROM app_session")
    assert (await admin.post(f"/desk/parked/{row}/replay", {"csrf": csrf})).status == 303
    assert await office.ask("SELECT state || attempts FROM inbox WHERE id = $1", row) == "open0"
    assert (await admin.post(f"/desk/parked/{row}/replay", {"csrf": csrf})).status == 404


async def test_what_this_version_reads_no_better_stays_parked(office: Company) -> None:
    admin = await office.agent("Rita", "admin")
    csrf = await office.ask("SELECT csrf_token FROM app_session")
    for kind in ("unreadable", "other"):
        row = await park(office, kind, b"{broken")
        assert (await admin.post(f"/desk/parked/{row}/replay", {"csrf": csrf})).status == 409
        assert await office.ask("SELECT state FROM inbox WHERE id = $1", row) == "parked"


async def test_a_body_that_can_be_read_now_is_taken_in(office: Company) -> None:
    admin = await office.agent("Rita", "admin")
    ingest = asyncio.create_task(office.parts.ingest.run())
    csrf = await office.ask("SELECT csrf_token FROM app_session")
    row = await park(office, "unreadable", text_message("5511987654321", "wamid.1", "oi"))
    assert (await admin.post(f"/desk/parked/{row}/replay", {"csrf": csrf})).status == 303
    assert await office.ask("SELECT state FROM inbox WHERE id = $1", row) == "done"
    ingest.cancel()


async def test_a_database_that_is_away_is_said_so_kindly(office: Company) -> None:
    paula: Visitor = await office.agent()
    await office.parts.pool.close()
    answer = await paula.get("/desk")
    assert answer.status == 503
    assert "Nada se perdeu" in await answer.text()


async def test_an_answer_reaches_the_phone_and_meanwhile_the_robot_is_silent(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with town(database, redis_url, tmp_path) as found, TestServer(make_app(found.parts)) as server:
        assert isinstance(found.clock, HandClock)
        office = Company(found.parts, found.clock, server)
        paula, phone = await office.agent(), found.phone(PEOPLE[0])
        await phone.says("oi", PEOPLE[0].document[:3])
        await phone.taps("Falar com atendente")
        ticket = await office.ask("SELECT id FROM ticket")
        await paula.acts(ticket, "take")
        await paula.post(f"/desk/{ticket}/reply", {**await paula.form_of(ticket), "text": "Bom dia! Aqui é a Paula."})
        await found.settled()
        assert phone.last == "Bom dia! Aqui é a Paula."
        await phone.says("tenho uma dúvida")
        assert phone.last == "Bom dia! Aqui é a Paula."
        transcript = await paula.text(f"/desk/{ticket}/transcript")
        assert "tenho uma dúvida" in transcript
        assert "lida" in transcript or "entregue" in transcript
        heard = len(phone.heard)
        await paula.acts(ticket, "hand-back")
        await found.settled()
        assert len(phone.heard) > heard
        assert phone.choices() == ["Pagar agora", "Negociar", "Falar com atendente"]
        await office.close()


async def test_with_the_keyboard_alone_and_live_in_a_real_browser(office: Company, chromium_path: str | None) -> None:
    await office.employs("Paula")
    await office.employs("Rui")
    first, second = await office.ticket(), await office.ticket(person=("Second Silva", "11144477735"))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
        )
        problems: list[str] = []
        pages = []
        for name, width in (("Paula", 1280), ("Rui", 390)):
            page = await (await browser.new_context(viewport={"width": width, "height": 800})).new_page()
            page.on("pageerror", lambda error: problems.append(str(error)))
            await page.goto(str(office.server.make_url("/login")))
            await page.get_by_label("Nome").fill(name)
            await page.get_by_label("Senha").fill("a password of ours")
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/desk")
            await page.goto(str(office.server.make_url(f"/desk/{first}")))
            pages.append(page)
        paula, rui = pages
        await paula.keyboard.press("t")
        await paula.locator("#reply:focus").wait_for()
        await rui.get_by_text("Paula está atendendo aqui.").wait_for()  # nobody reloaded
        await paula.keyboard.type("Bom dia!")
        await paula.keyboard.press("Shift+Enter")
        await paula.keyboard.type("Vamos ver juntos.")
        await paula.keyboard.press("Enter")
        await paula.locator(".line.agent").wait_for()
        await rui.locator(".line.agent").wait_for()
        assert await paula.locator("#reply").input_value() == ""
        assert await office.events() == ["TicketClaimed", "AgentReplied"]
        await paula.keyboard.press("Escape")
        await paula.keyboard.press("?")
        await paula.locator("dialog[open]").wait_for()
        await paula.keyboard.press("Escape")
        await paula.keyboard.press("d")
        await rui.get_by_text("O robô voltou a cuidar desta conversa.").wait_for()
        await paula.keyboard.press("n")
        await paula.wait_for_url(f"**/desk/{second}")
        assert await rui.evaluate("document.documentElement.scrollWidth") == 390
        assert problems == []
        await browser.close()


def _address(page: str, name: str) -> str:
    start = page.index(f'id="{name}"')
    return page[page.index('hx-get="', start) + 8 :].split('"', maxsplit=1)[0].replace("&amp;", "&")
