"""Finance's portfolio: customers found by what is known of them, debts by filters, a page for each customer."""

import json
import logging
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest

from bot.debts_csv import read_debts
from bot.engine.ladder_plan import plan_once
from bot.store import customer_timeline, portfolio_list, portfolio_search
from bot.store.imports import import_debts
from bot.store.portfolio_list import Filter, bounded_page
from tests.desk import Company, Visitor, company
from tests.tables import table

LIST = "/finance/portfolio"
HEADER = "external_id;customer_id;name;document;phone;email;amount;due_date;description;tags;opt_in\n"
FILE = (
    HEADER
    + """\
NF-1001;C-001;João Conceição da Silva;529.982.247-25;+55 11 98765-4321;j@example.com;349,90;2026-10-05;Outubro;pro;
NF-1002;C-001;João Conceição da Silva;529.982.247-25;+55 11 98765-4321;j@example.com;1.000,00;2026-12-10;Dezembro;;
NF_2001;C-002;Padaria Pão Quente Ltda;11.222.333/0001-81;+55 21 3344-5566;;1.234,56;2026-11-20;Compra;loja;
nf-3001;c-003;Ana Mariana D'Ávila;168.995.350-09;+55 31 99876-5432;;50,00;2026-11-25;Mensalidade;loja;
"""
)


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as running:
        read = read_debts(FILE.encode())
        assert not read.errors
        async with running.parts.pool.acquire() as conn:
            await import_debts(conn, read.rows, now=running.clock.now())
        yield running


def said(page: str) -> str:
    """What a person reads of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


async def looks_for(who: Visitor, asked: str, **more: str) -> str:
    token = csrf(await who.text(LIST))
    answer = await who.post(LIST, {"csrf": token, "asked": asked, **more})
    assert answer.status == 200
    assert "?" not in str(answer.url)
    return await answer.text()


SEARCHES = table("""
    asked                   | found
    joao                    | C-001  # no accent, no capital
    JOÃO CONCEICAO          | C-001
    silva joao              | C-001  # in any order
    conc                    | C-001  # the beginning of a word
    oao                     |        # not its middle
    joao padaria            |        # all of the words
    d'avila                 | c-003
    ana                     | c-003
    529.982.247-25          | C-001
    52998224725             | C-001
    529 982 247 25          | C-001
    5299822472              |        # a document is found only whole
    11222333000181          | C-002
    +55 11 98765-4321       | C-001
    (11) 98765-4321         | C-001
    11 8765-4321            | C-001  # as it was before the ninth digit
    551187654321            | C-001
    5511987654321           | C-001
    98765-4321              |        # a phone is found only whole
    21 3344-5566            | C-002
    C-001                   | C-001
    c-00                    | C-001 C-002 c-003
    nf-1                    | C-001
    nf_2                    | C-002
    nf_1                    |        # the line is a line, not any letter
    NF-3001                 | c-003
    %                       |
    a                       |
    ' & !                   |
""")[1]


async def test_a_customer_is_found_by_words_numbers_phones_and_documents(place: Company) -> None:
    clara = await place.agent(role="finance")
    token = csrf(await clara.text(LIST))
    wrong = []
    for case in SEARCHES:
        asked, expected = case.values
        page = await (await clara.post(LIST, {"csrf": token, "asked": str(asked)})).text()
        found = sorted(set(re.findall(r"\b([Cc]-00\d) ·", said(page))))
        if found != sorted(str(expected).split()):
            wrong.append((case.id, found))
    assert wrong == []


async def test_what_is_searched_for_stands_in_no_address_and_no_log(
    place: Company, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    clara = await place.agent(role="finance")
    with caplog.at_level(logging.DEBUG):
        page = await looks_for(clara, "529.982.247-25")
    assert "•••.982.247-••" in page
    out = capsys.readouterr()
    for told in (caplog.text, out.out, out.err):
        assert "982" not in told
    assert not re.search(r'(href|action)="[^"]*(Silva|52998224725|joao)', page)
    assert 'name="asked"' in page


async def test_many_who_fit_are_turned_by_a_form_and_too_many_say_so(place: Company) -> None:
    clara = await place.agent(role="finance")
    await place.ask(
        "INSERT INTO customer (external_id, name, document, created_at, updated_at)"
        " SELECT 'M-' || n, 'Márcia ' || n, '52998224725', now(), now() FROM generate_series(1, 1100) n"
    )
    seen: list[str] = []
    after = ""
    while True:
        page = await looks_for(clara, "m-10", after=after)
        seen += re.findall(r"\b(M-\d+) ·", said(page))
        following = re.search(r'name="after" value="(\d+)"', page)
        if not following:
            break
        after = following[1]
    assert len(seen) == len(set(seen)) == 111
    assert "Mais de 1.000 clientes" in said(await looks_for(clara, "marcia"))


async def test_debts_are_filtered_and_turned_by_addresses(place: Company) -> None:
    clara = await place.agent(role="finance")
    today = place.clock.now().date()
    await place.ask("UPDATE customer SET opted_out_at = now() WHERE external_id = 'C-002'")
    await place.ask("UPDATE debt SET promised_until = $1 WHERE external_id = 'nf-3001'", today)

    async def shown(query: str) -> list[str]:
        return re.findall(r"\((N\w_?-?\d+|nf-\d+)\)", said(await clara.text(f"{LIST}?{query}")))

    assert await shown("") == ["NF-1001", "NF_2001", "nf-3001", "NF-1002"]
    assert await shown("tag=loja") == ["NF_2001", "nf-3001"]
    assert await shown("tag=loja&min=100") == ["NF_2001"]
    assert await shown("min=349,90&max=1.000,00") == ["NF-1001", "NF-1002"]
    assert await shown("who=opted_out") == ["NF_2001"]
    assert await shown("who=promised") == ["nf-3001"]
    assert await shown("who=ticket") == await shown("who=no_phone") == await shown("state=paid") == []
    assert await shown("due_from=2026-11-20&due_to=2026-11-25") == ["NF_2001", "nf-3001"]
    assert await shown("late=to_come") == ["NF-1002"]
    assert await shown("state=x&late=x&who=x&after=x") == await shown("")
    page = said(await clara.text(f"{LIST}?min=abc"))
    assert "não pôde ser lid" in page
    assert "4 dívidas · R$ 2.634,46 de principal em aberto" in page
    await place.ask(
        "INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on, tags,"
        " created_at, updated_at) SELECT 'T-' || n, 1, 'x', n, n, date '2026-10-05', '{muitos}', now(), now()"
        " FROM generate_series(1, 120) n"
    )
    found: list[str] = []
    address = f"{LIST}?tag=muitos"
    while address:
        page = await clara.text(address)
        found += re.findall(r"\((T-\d+)\)", said(page))
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(following[1]) if following else ""
    assert len(found) == len(set(found)) == 120


async def test_a_bounded_look_finds_the_same_debts_part_by_part(place: Company) -> None:
    found: list[str] = []
    after = None
    async with place.parts.pool.acquire() as conn:
        for _ in range(5):
            page = await bounded_page(conn, Filter(state="open", tag="loja"), after=after, limit=1, read=2)
            found += [row.external_id for row in page.rows]
            after = page.following
            if after is None:
                break
    assert found == ["NF_2001", "nf-3001"]


async def test_the_page_of_a_customer_says_what_is_owed_and_all_that_happened(place: Company) -> None:
    clara = await place.agent("Clara", role="finance")
    ticket = await place.ticket(
        lines=(
            ("heard", {"text": "oi *tudo*"}),
            ("said", {"text": "Olá!", "choices": ["Pagar"]}),
            ("heard", {"text": " 529 "}),
            ("passed", {"because": "no_code"}),
        )
    )
    await place.owes(ticket, cents=34_990, due=place.clock.now().date() - timedelta(days=10))
    number = await place.ask("SELECT customer_id FROM ticket WHERE id = $1", ticket)
    await place.ask("UPDATE debt SET tags = '{plano-pro}' WHERE customer_id = $1", number)
    page = said(await clara.text(f"{LIST}/customers/{number}"))
    for each in (
        "Maria Aparecida Souza",
        "•••.982.247-••",
        "R$ 349,90 hoje",
        "plano-pro",
        "Atendimento aberto",
        "pediu atendente",
        "Cliente : oi tudo",
        "Robô : Olá!",
        "Pagar",
        "Nenhum lembrete sai: uma pessoa da equipe está cuidando do caso",
        "não foi possível gerar o código",
    ):
        assert each in page, each
    assert "52998224725" not in page
    assert "529" not in page  # what the robot asks for
    assert (await clara.get(f"{LIST}/customers/999999")).status == 404


async def test_lines_of_whoever_had_the_chat_before_are_not_shown(place: Company) -> None:
    clara = await place.agent(role="finance")
    joao = await place.ask("SELECT id FROM customer WHERE external_id = 'C-001'")
    ana = await place.ask("SELECT id FROM customer WHERE external_id = 'c-003'")
    lines = (
        ("heard", {"text": "primeira"}),
        ("identified", {"customer_id": joao}),
        ("heard", {"text": "segredo do João"}),
        ("identified", {"customer_id": ana}),
        ("heard", {"text": "segredo da Ana"}),
    )
    ticket = await place.ticket(lines=lines)
    await place.ask("UPDATE conversation SET customer_id = $1", ana)
    await place.ask("UPDATE ticket SET customer_id = $2 WHERE id = $1", ticket, ana)
    page = said(await clara.text(f"{LIST}/customers/{ana}"))
    assert "segredo da Ana" in page
    assert "segredo do João" not in page
    assert "primeira" not in page
    await place.ask(
        "INSERT INTO charge (conversation_id, no, customer_id, provider, txid, pay_token, amount_cents, parts,"
        " pay_until, expires_at, created_at) SELECT id, 1, $1, 'static', 't', 't', 1, '[]', now(), now(), now()"
        " FROM conversation",
        joao,
    )
    page = said(await clara.text(f"{LIST}/customers/{joao}"))
    assert "primeira" in page
    assert "segredo do João" in page
    assert "segredo da Ana" not in page


async def test_the_timeline_is_turned_page_by_page(place: Company) -> None:
    clara = await place.agent(role="finance")
    ticket = await place.ticket(lines=tuple(("heard", {"text": f"linha {n:03}."}) for n in range(130)))
    address = f"{LIST}/customers/{await place.ask('SELECT customer_id FROM ticket WHERE id = $1', ticket)}"
    found: list[str] = []
    while address:
        page = await clara.text(address)
        found += re.findall(r"linha (\d+)\.", page)
        following = re.search(r'rel="next" href="([^"#]+)', page)
        address = unescape(following[1]) if following else ""
    assert found == [f"{n:03}" for n in reversed(range(130))]


async def test_only_finance_looks_and_who_looked_at_whom_is_kept(place: Company) -> None:
    paula, clara = await place.agent(), await place.agent("Clara", role="finance")
    number = await place.ask("SELECT id FROM customer WHERE external_id = 'C-001'")
    for one in (LIST, f"{LIST}/customers/{number}", f"{LIST}.csv", f"{LIST}?tag=x"):
        assert (await paula.get(one)).status == 403
    assert (await paula.post(LIST, {"asked": "joao"})).status == 403
    assert (await clara.post(LIST, {"asked": "joao", "csrf": "x"})).status == 403
    assert await place.ask("SELECT count(*) FROM access_log") == 0
    await clara.text(f"{LIST}/customers/{number}")
    await looks_for(clara, "joao")
    await clara.text(f"{LIST}.csv")
    kept = await place.ask("SELECT json_agg(json_build_array(what, customer_id) ORDER BY id) FROM access_log")
    assert json.loads(kept) == [
        ["customer", number],
        ["portfolio", None],
        ["portfolio_search", None],
        ["portfolio_export", None],
    ]


async def test_the_file_that_goes_out_comes_in_again_and_changes_nothing(place: Company) -> None:
    clara = await place.agent(role="finance")
    await place.ask("UPDATE customer SET name = '=HYPERLINK(\"x\");' WHERE external_id = 'C-002'")
    await place.ask("UPDATE debt SET description = '-1+2', tags = '{@a,b}' WHERE external_id = 'NF_2001'")
    answer = await clara.get(f"{LIST}.csv?state=all")
    body = await answer.read()
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="carteira-')
    assert body.startswith("\ufeffexternal_id;".encode())
    assert b"349,90" in body
    cells = [cell for line in body.decode("utf-8-sig").splitlines() for cell in line.split(";")]
    assert [cell for cell in cells if cell.lstrip('"')[:1] in set("=+-@")] == []
    read = read_debts(body)
    assert read.errors == ()
    async with place.parts.pool.acquire() as conn:
        again = await import_debts(conn, read.rows, now=place.clock.now())
    assert (again.created, again.updated, again.unchanged, again.errors) == (0, 0, 4, ())
    assert (await (await clara.get(f"{LIST}.csv?tag=loja")).text()).count("\r\n") == 2
    assert date(2026, 11, 25).isoformat() in body.decode()


async def test_what_is_scheduled_is_told_with_its_reason(place: Company) -> None:
    clara = await place.agent(role="finance")
    number = await place.ask("SELECT id FROM customer WHERE external_id = 'C-001'")
    address = f"{LIST}/customers/{number}"
    assert "O próximo passo ainda não foi programado" in said(await clara.text(address))
    await plan_once(place.parts)
    page = said(await clara.text(address))
    assert re.search(r"Dezembro \(NF-1002\) \d\d/\d\d/2026 \d\d:\d\d: mensagem “\w+”, .*\(trilha “\w+", page)
    fires_at = await place.ask("SELECT fire_at FROM timer WHERE key LIKE 'ladder:%:' || $1", str(number))
    local = fires_at.astimezone(place.parts.settings.timezone)
    assert f"O robô olha de novo em {local:%d/%m/%Y %H:%M}" in page
    tomorrow = place.clock.now().date() + timedelta(days=1)
    await place.ask("UPDATE debt SET promised_until = $1 WHERE external_id = 'NF-1001'", tomorrow)
    page = said(await clara.text(address))
    assert "Outubro (NF-1001) Em silêncio até o fim da promessa" in page
    assert "Prometeu pagar até 02/12/2026" in page
    await place.ask("UPDATE conversation SET opted_out_at = now() WHERE address = '5511987654321'")
    page = said(await clara.text(address))
    assert "Nenhum lembrete sai: o cliente pediu para não receber mensagens." in page
    await place.ask("UPDATE debt SET state = 'paid', open_principal_cents = 0, settled_at = now()")
    assert "Nada está em aberto, então nada está programado." in said(await clara.text(address))


async def test_no_question_of_the_pages_has_to_read_everything(place: Company) -> None:
    async with place.parts.pool.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL enable_seqscan = off")  # the tables are too small for an index to be worth it
        day = date(2026, 12, 1)
        for query, values in (
            (portfolio_search.CANDIDATES, ("'joao':*", "52998224725", ["5511987654321"], "c-0%", 10)),
            (portfolio_list.PAGE, ("open", None, day, None, None, None, day, 1, 51)),
            (portfolio_list.PAGE, (None, None, None, 500_000, None, "loja", None, None, 51)),
            (portfolio_list.PAGE_OF, ("open", None, None, None, None, None, None, None, 51, "opted_out")),
            (portfolio_list.COUNT, ("open", None, None, None, None, None, 10_001)),
            (customer_timeline.TIMELINE, (1, [1], None, None, None, None, 51)),
        ):
            plan = "\n".join(row[0] for row in await conn.fetch("EXPLAIN " + query, *values))
            assert not re.search(r"Seq Scan on (customer|debt|conversation|journal|ledger_\w+|charge)\b", plan), plan
