"""Finance's pages of policies: handed in, compared, decided by a second person, and in the chat at once."""

import os
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient
from playwright.async_api import Page, async_playwright

from bot.clock import movable_clock
from bot.sandbox.people import CARLA
from bot.store.users import Role
from bot.web.policy_words import as_written
from bot.web.sessions import COOKIE
from flows.policy import read_policy
from flows.policy_difference import Change, Words, changes_of, lines_of
from tests import processes
from tests.desk import Visitor
from tests.test_finance_offers import said, somebody
from tests.test_policy import SAMPLE, policy_with
from tests.town import POLICY, Town, town

LIST = "/finance/policies"
_PART = b'--b\r\nContent-Disposition: form-data; name="upload"; filename="a.yaml"\r\n'
BROKEN_FORMS = [
    (b"x", "multipart/form-data"),
    (b"x", "multipart/form-data; boundary=b"),
    (b"", "multipart/form-data; boundary=b"),
    (b"--b", "multipart/form-data; boundary=b"),
    (_PART + b"\r\nhalf", "multipart/form-data; boundary=b"),
    (_PART + b"Content-Transfer-Encoding: rot13\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (_PART + b"Content-Encoding: gzip\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (_PART + b"Content-Encoding: br\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (_PART + b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (b"--b\r\nContent-Disposition: form-data; name=csrf\r\n\r\n\xff\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (b"--b\r\nno header\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    (b"--" + b"b" * 99 + b"\r\n", "multipart/form-data; boundary=" + "b" * 99),
]
GENEROUS = policy_with(("principal: 10.00", "principal: 20.00"), ("title: Política padrão", "title: Política generosa"))


@dataclass
class Office:
    """The town, its folder of policies, and people of finance."""

    town: Town
    folder: Path

    async def of(self, role: Role) -> Visitor:
        visitor, _ = await somebody(self.town, role)
        return visitor

    def writes(self, name: str, source: bytes) -> None:
        (self.folder / name).write_bytes(source)


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    folder = tmp_path / "policies"
    folder.mkdir()
    async with town(database, redis_url, tmp_path, people=(CARLA,), policy_dir=folder) as running:
        yield Office(running, folder)


def stranger(office: Office) -> Visitor:
    """Somebody without a session."""
    client: TestClient[Any, Any] = TestClient(office.town.server, cookie_jar=aiohttp.CookieJar(unsafe=True))
    return Visitor(client)


def digest_of(source: bytes) -> str:
    policy = read_policy(source, name="p")
    assert not isinstance(policy, tuple)
    return policy.digest


async def form_of(visitor: Visitor, address: str, action: str) -> dict[str, str]:
    """The hidden fields of one form of a page."""
    page = await visitor.text(address)
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.S)
    assert form is not None, f"no form to {action}"
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[1]))


async def hands_in(visitor: Visitor, source: bytes, name: str = "nova.yaml", text: str = "") -> aiohttp.ClientResponse:
    fields = await form_of(visitor, LIST, LIST)
    form = aiohttp.FormData({"csrf": fields["csrf"], "key": fields["key"], "text": text})
    form.add_field("upload", source, filename=name, content_type="application/yaml")
    return await visitor.client.post(LIST, data=form, allow_redirects=False)


async def decides(visitor: Visitor, digest: str, what: str, **more: str) -> aiohttp.ClientResponse:
    address = f"{LIST}/{digest}/approval"
    fields = await form_of(visitor, address, f"{address}/{what}")
    return await visitor.post(f"{address}/{what}", {**fields, **more})


async def test_what_one_hands_in_another_approves_and_the_chat_offers_it(office: Office) -> None:
    clara, otavio = await office.of("finance"), await office.of("admin")
    digest = digest_of(GENEROUS)
    answer = await hands_in(clara, GENEROUS, text="Campanha de Natal")
    assert (answer.status, answer.headers["Location"]) == (303, f"{LIST}/{digest}/approval")
    own = said(await clara.text(f"{LIST}/{digest}/approval"))
    assert "Você enviou esta política: outra pessoa precisa decidir." in own
    assert "Campanha de Natal" in own
    page = said(await otavio.text(f"{LIST}/{digest}/approval"))
    for side in ("Em vigor hoje “a-vista”: à vista em até 3 dias, com desconto de 10%", "20% do principal"):
        assert side in page
    assert "aguarda decisão" in page
    phone = office.town.phone(CARLA)
    await phone.says("oi", CARLA.document[:3], "quero parcelar")
    before = phone.heard
    assert (await decides(otavio, digest, "approve", text="combinado")).status == 303
    await phone.says("menu", "quero parcelar")
    assert phone.heard != before
    assert await office.town.ask("SELECT count(*) FROM offer WHERE policy_digest = $1", digest)
    assert "em vigor" in said(await clara.text(f"{LIST}/{digest}"))


async def test_another_process_approves_and_the_chat_offers_it_within_two_seconds(office: Office) -> None:
    clara = await office.of("finance")
    await hands_in(clara, GENEROUS)
    digest, settings = digest_of(GENEROUS), office.town.parts.settings
    movable_clock(settings.home).freeze(office.town.clock.now())  # the other process' clock
    phone = office.town.phone(CARLA)
    await phone.says("oi", CARLA.document[:3], "quero parcelar")
    environment = {"ACERTO_HOME": str(settings.home), "ACERTO_DATABASE_URL": settings.database_url or ""}
    done = await processes.run("policy", "approve", digest, "--by", "Bruno", environment=environment)
    assert done.code == 0, done.told
    begun = time.monotonic()
    await phone.says("menu", "quero parcelar")
    assert await office.town.ask("SELECT count(*) FROM offer WHERE policy_digest = $1", digest)
    assert time.monotonic() - begun < 2


async def test_bytes_that_were_changed_are_neither_compared_nor_decided_on(office: Office) -> None:
    clara, otavio = await office.of("finance"), await office.of("admin")
    digest = digest_of(GENEROUS)
    await hands_in(clara, GENEROUS)
    address = f"{LIST}/{digest}/approval"
    fields = await form_of(otavio, address, f"{address}/approve")
    async with office.town.parts.pool.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        await conn.execute("UPDATE policy SET source = $1 WHERE digest = $2", POLICY.read_bytes(), digest)
    answer = await otavio.post(f"{address}/approve", fields)
    page = said(await answer.text())
    assert (answer.status, "alguém o alterou" in page, "Linha por linha" in page) == (409, True, False)
    assert f"{address}/approve" not in await otavio.text(address)
    await hands_in(clara, GENEROUS)
    assert (await otavio.post(f"{address}/approve", fields)).status == 303


async def test_who_decides_sees_again_when_another_was_approved_meanwhile(office: Office) -> None:
    clara, otavio = await office.of("finance"), await office.of("admin")
    digest, other = digest_of(GENEROUS), policy_with(("grace_days: 0", "grace_days: 1"))
    await hands_in(clara, GENEROUS)
    await hands_in(clara, other)
    address = f"{LIST}/{digest}/approval"
    fields = await form_of(otavio, address, f"{address}/approve")
    assert (await decides(otavio, digest_of(other), "approve")).status == 303
    answer = await otavio.post(f"{address}/approve", {**fields, "text": "combinado"})
    page = await answer.text()
    assert (answer.status, "Outra política foi aprovada" in said(page)) == (409, True)
    assert page.count("combinado") == 1  # what was written is kept, in its own field
    assert (await decides(otavio, digest, "approve")).status == 303


async def test_nobody_decides_on_their_own_and_a_refusal_says_why(office: Office) -> None:
    clara, otavio = await office.of("finance"), await office.of("admin")
    digest = digest_of(GENEROUS)
    await hands_in(clara, GENEROUS)
    address = f"{LIST}/{digest}/approval"
    fields = await form_of(clara, address, f"{address}/comment")
    for what in ("approve", "refuse"):
        answer = await clara.post(f"{address}/{what}", {**fields, "text": "sim"})
        assert answer.status == 409
        assert "outra pessoa precisa decidir" in said(await answer.text())
    assert (await decides(otavio, digest, "refuse", text=" ")).status == 409
    assert (await decides(otavio, digest, "refuse", text="O teto está alto")).status == 303
    page = said(await clara.text(address))
    assert "Otávio admin recusou" in page
    assert "O teto está alto" in page
    assert await office.town.parts.policies.troubles(office.town.parts.pool, office.town.clock.now().date()) == ()


async def test_going_back_is_an_approval_too(office: Office) -> None:
    clara, otavio = await office.of("finance"), await office.of("admin")
    old, new = digest_of(POLICY.read_bytes()), digest_of(GENEROUS)
    await hands_in(clara, GENEROUS)
    await decides(otavio, new, "approve")
    assert (await decides(otavio, old, "again", text="confundiu as pessoas")).status == 303
    assert "em vigor" in said(await clara.text(f"{LIST}/{new}"))
    assert (await decides(clara, old, "approve")).status == 303
    page = said(await clara.text(f"{LIST}/{old}"))
    assert "em vigor" in page
    assert "substituída por outra" in said(await clara.text(f"{LIST}/{new}"))


async def test_an_approval_may_be_for_some_days_and_nonsense_is_refused(office: Office) -> None:
    clara, otavio = await office.of("finance"), await office.of("admin")
    digest = digest_of(GENEROUS)
    await hands_in(clara, GENEROUS)
    today = office.town.clock.now().date()
    assert (await decides(otavio, digest, "approve", valid_from="amanhã")).status == 422
    late = {"valid_from": str(today + timedelta(days=9)), "valid_until": str(today + timedelta(days=3))}
    assert (await decides(otavio, digest, "approve", **late)).status == 409
    await decides(otavio, digest, "approve", valid_from=str(today + timedelta(days=3)))
    assert "aprovada, entra em vigor em" in said(await clara.text(f"{LIST}/{digest}"))
    await office.town.moves(days=3)
    assert "em vigor" in said(await clara.text(f"{LIST}/{digest}"))


async def test_a_form_sent_twice_a_foreign_form_and_a_missing_role_change_nothing(office: Office) -> None:
    clara, otavio, paula = await office.of("finance"), await office.of("admin"), await office.of("agent")
    digest = digest_of(GENEROUS)
    await hands_in(clara, GENEROUS)
    address = f"{LIST}/{digest}/approval"
    fields = await form_of(clara, address, f"{address}/comment")
    assert (await clara.post(f"{address}/comment", {**fields, "text": "ok?"})).status == 303
    again = await clara.post(f"{address}/comment", {**fields, "text": "ok?"})
    assert (again.status, "nada foi feito duas vezes" in said(await again.text())) == (409, True)
    assert (await otavio.post(f"{address}/approve", {"text": "", "key": "a" * 32})).status == 403
    for one in (LIST, f"{LIST}/{digest}", address):
        assert (await paula.get(one)).status == 403
        assert (await stranger(office).get(one)).status == 303
    assert (await otavio.get(f"{LIST}/{'0' * 64}")).status == 404
    assert (await otavio.get(f"{LIST}/{'0' * 64}/approval")).status == 404
    kinds = await office.town.ask("SELECT string_agg(kind, ' ' ORDER BY n) FROM policy_event")
    assert kinds == "submitted approved submitted commented"


async def test_a_file_with_mistakes_is_told_with_line_and_column_and_not_taken_in(office: Office) -> None:
    clara = await office.of("finance")
    answer = await hands_in(clara, policy_with(("fine_percent: 2.00", "fine_percent: 2,00")))
    page = said(await answer.text())
    assert answer.status == 422
    assert "9:3 late_charges.fine_percent" in page
    assert (await hands_in(clara, b"x" * 5_000_000)).status == 413
    for body, kind in BROKEN_FORMS:
        answer = await clara.client.post(LIST, data=body, headers={"Content-Type": kind}, allow_redirects=False)
        assert answer.status in (400, 403, 415), (kind, body[:80], answer.status)
    nothing = await clara.post(LIST, await form_of(clara, LIST, LIST))
    assert nothing.status == 422


async def test_files_of_the_folder_are_handed_in_by_name_and_nothing_else_is(office: Office) -> None:
    office.writes("generosa.yaml", GENEROUS)
    office.writes("errada.yaml", policy_with(("currency: BRL", "currency: USD")))
    office.writes("leia-me.txt", b"nada")
    (office.folder.parent / "fora.yaml").write_bytes(SAMPLE)
    (office.folder / "atalho.yaml").symlink_to(office.folder.parent / "fora.yaml")
    os.mkfifo(office.folder / "cano.yaml")
    office.writes("grande.yaml", b"#" * (1 << 20) + b"#")
    office.writes("virado-\u202egnp.yaml", GENEROUS)
    (office.folder / os.fsdecode(b"ruim-\xff.yaml")).write_bytes(GENEROUS)
    clara = await office.of("finance")
    page = said(await clara.text(LIST))
    assert "generosa.yaml novo" in page
    assert "errada.yaml um erro, na linha 5" in page
    assert "leia-me" not in page
    assert not [name for name in ("atalho", "cano", "grande", "virado", "ruim-") if name in page]
    csrf = (await form_of(clara, LIST, LIST))["csrf"]
    for name in (
        "../fora.yaml",
        "atalho.yaml",
        "cano.yaml",
        "grande.yaml",
        "ruim-\ufffd.yaml",
        "leia-me.txt",
        "/etc/passwd",
        "",
    ):
        assert (await clara.post(LIST, {"csrf": csrf, "file": name})).status == 422
    assert (await clara.post(LIST, {"csrf": csrf, "file": "generosa.yaml"})).status == 303
    assert "generosa.yaml já enviado" in said(await clara.text(LIST))


async def test_what_was_changed_behind_our_back_is_said_on_the_page_and_to_those_who_watch(office: Office) -> None:
    clara = await office.of("finance")
    async with office.town.parts.pool.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        await conn.execute("UPDATE policy SET source = source || '#'")
    page = said(await clara.text(LIST))
    assert "O arquivo de uma política aprovada foi alterado depois da aprovação" in page
    assert "Nenhuma política está em vigor hoje" in page
    digest = await office.town.ask("SELECT digest FROM policy")
    assert "alguém o alterou" in said(await clara.text(f"{LIST}/{digest}"))
    ready = await (await clara.get("/readyz")).json()
    assert (ready["policy_in_force"], ready["policy_troubles"]) == (None, ["policy_changed"])


async def test_the_pages_say_who_gets_what_and_fit_a_phone(office: Office, chromium_path: str | None) -> None:
    _, token = await somebody(office.town, "finance")
    digest = digest_of(POLICY.read_bytes())
    root = str(office.town.server.make_url("")).rstrip("/")
    async with async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.context.add_cookies([{"name": COOKIE, "value": token, "url": root}])
        for address in (LIST, f"{LIST}/{digest}", f"{LIST}/{digest}/approval"):
            await page.goto(root + address)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390, address
        await page.goto(f"{root}{LIST}/{digest}")
        await says_who_gets_what(page)
        await one_hands_in_and_another_approves(office, page, root)
        await browser.close()


async def one_hands_in_and_another_approves(office: Office, page: Page, root: str) -> None:
    """The whole way through two people's browsers and a third one's phone."""
    _, token = await somebody(office.town, "admin")
    phone, digest = office.town.phone(CARLA), digest_of(GENEROUS)
    await phone.says("oi", CARLA.document[:3], "quero parcelar")
    await page.goto(root + LIST)
    await page.get_by_label("Arquivo (YAML)").set_input_files(
        {"name": "generosa.yaml", "mimeType": "application/yaml", "buffer": GENEROUS}
    )
    await page.get_by_label("O que muda").fill("Campanha de Natal")
    await page.get_by_role("button", name="Enviar").first.click()
    await page.wait_for_url(f"**/{digest}/approval")
    assert await page.locator("del", has_text="10%").count() == 1
    assert await page.locator("ins", has_text="20%").count() == 1
    assert await page.get_by_role("button", name="Aprovar").count() == 0  # one's own
    other = await page.context.browser.new_page() if page.context.browser is not None else page
    await other.context.add_cookies([{"name": COOKIE, "value": token, "url": root}])
    await other.goto(page.url)
    await other.get_by_label("Por quê, para o registro").fill("combinado")
    await other.keyboard.press("Tab")
    await other.keyboard.press("Enter")
    await other.get_by_text("em vigor", exact=True).wait_for()
    begun = time.monotonic()
    await phone.says("menu", "quero parcelar")
    assert await office.town.ask("SELECT count(*) FROM offer WHERE policy_digest = $1", digest)
    assert time.monotonic() - begun < 2


async def says_who_gets_what(page: Page) -> None:
    table = unescape(await page.inner_text(".policy-table"))
    assert "acima-da-alcada" in table
    assert "de 2x a 12x" in table
    titles = await page.locator(".policy-map title").all_text_contents()
    deep = [one for one in titles if "de 31 a 45 dias de atraso" in one and "R$ 1.000,00 –" in one]
    assert [("12,84%" in one or "no máximo 12 parcelas" in one) for one in deep] == [True, True], deep
    assert "quem decide" not in titles[0]


def test_the_words_that_differ_are_told_from_those_that_both_have() -> None:
    change = Change(rule="atraso", before="desconto de 10% do principal", after="desconto de 15% do principal")
    was, now = change.words()
    assert [(words.text, words.is_same) for words in was] == [
        ("desconto de", True),
        ("10%", False),
        ("do principal", True),
    ]
    assert [words.text for words in now if not words.is_same] == ["15%"]
    assert Change(rule="nova", before="", after="à vista").words() == ((), (Words(text="à vista", is_same=False),))


def test_nothing_of_a_file_hides_from_who_decides() -> None:
    lines = as_written("\ufefffine: 2.00 # \u202e00.01\u202c\x0b\u200b\r\nend".encode())
    assert lines == ["fine: 2.00 # [U+202E]00.01[U+202C][U+000B][U+200B]", "end"]


def test_a_long_file_of_like_lines_is_compared_in_a_moment() -> None:
    old = ["- a: 1", "  b: 2"] * 8000
    begun = time.monotonic()
    assert [line.kind for stretch in lines_of(old, ["x", *old]) for line in stretch].count("new") >= 1
    assert time.monotonic() - begun < 2


def test_a_moved_a_new_and_a_lost_rule_are_told_in_words() -> None:
    old = read_policy(SAMPLE, name="p")
    changed = policy_with(("name: juridico\n", "name: advogados\n"), ("grace_days: 0", "grace_days: 2"))
    new = read_policy(changed, name="p")
    assert not isinstance(old, tuple)
    assert not isinstance(new, tuple)
    found = changes_of(old, new, str)
    assert [(c.rule, bool(c.before), bool(c.after)) for c in found] == [
        ("", False, True),
        ("advogados", False, True),
        ("juridico", True, False),
    ]
    assert changes_of(old, old, str) == ()
    (first, *_) = lines_of(as_written(SAMPLE), as_written(changed))
    assert [(line.kind, line.before, line.after) for line in first if line.kind != "same"] == [
        ("gone", 11, None),
        ("new", None, 11),
    ]
