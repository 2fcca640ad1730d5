"""Who gets in, with what: first codes, second factors, one's own account, and what an administrator may change."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import aiohttp
import pyotp
import pytest
from click.testing import CliRunner

from bot.cli.main import acerto
from bot.web.sessions import COOKIE
from tests.desk import PASSWORD, Company, Visitor, company

NEW = "a password of mine alone"


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as found:
        yield found


def said(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


async def sends(visitor: Visitor, page: str, address: str, **form: str) -> aiohttp.ClientResponse:
    """Send a form of a page to an address."""
    return await visitor.post(address, {**hidden(await visitor.text(page)), **form})


async def with_second_factor(office: Company, visitor: Visitor) -> tuple[pyotp.TOTP, list[str]]:
    """Set up somebody's second factor; return their phone's app and the recovery codes."""
    await sends(visitor, "/account", "/account/second-factor")
    page = await visitor.text("/account")
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found is not None
    app = pyotp.TOTP(found[1])
    picture = await visitor.get("/account/second-factor.png")
    assert (picture.status, picture.content_type) == (200, "image/png")
    answer = await sends(visitor, "/account", "/account/second-factor/confirm", code=now_on(app, office))
    return app, re.findall(r"<li><code>([^<]+)</code>", await answer.text())


def now_on(app: pyotp.TOTP, office: Company) -> str:
    return app.at(office.clock.now())


async def passes_first(visitor: Visitor, name: str = "Paula") -> str:
    """Name and password; the page that asks for the code."""
    answer = await visitor.logs_in(name)
    assert answer.status == 200
    return await answer.text()


def run(database: str, home: Path, *arguments: str) -> tuple[int, str]:
    environment = {"ACERTO_HOME": str(home), "ACERTO_DATABASE_URL": database}
    result = CliRunner().invoke(acerto, ["user", *arguments], env=environment)
    return result.exit_code, result.stdout.strip()


async def test_the_first_administrator_comes_in_by_a_code_from_the_command_line(
    office: Company, database: str, tmp_path: Path
) -> None:
    ana = office.visitor()
    assert "acerto user code NAME --role admin" in said(await ana.text("/login"))
    assert (await asyncio.to_thread(run, database, tmp_path, "code", "Ana"))[0] == 1
    status, code = await asyncio.to_thread(run, database, tmp_path, "code", "Ana", "--role", "admin")
    assert (status, bool(re.fullmatch(r"(\w{5}-){3}\w{5}", code))) == (0, True)
    kept = await office.ask("SELECT string_agg(encode(code_hash, 'hex'), '') FROM first_code")
    assert code not in kept
    for wrong in ({"password": "short", "again": "short"}, {"password": NEW, "again": NEW + "!"}):
        assert (await sends(ana, "/login/first", "/login/first", code=code, **wrong)).status == 422
    form = {"password": NEW, "again": NEW}
    assert (await sends(ana, "/login/first", "/login/first", code="x" * 20, **form)).status == 403
    answer = await sends(ana, "/login/first", "/login/first", code=code.upper(), **form)
    assert (answer.status, answer.headers["Location"]) == (303, "/desk")
    assert "Ana" in await ana.text("/people")
    assert (await sends(office.visitor(), "/login/first", "/login/first", code=code, **form)).status == 403
    assert (await office.visitor().logs_in("Ana", NEW)).status == 303


async def test_a_code_is_good_for_a_day_and_a_newer_one_takes_its_place(office: Company) -> None:
    await office.employs("Rui")
    ana = await office.agent("Ana", "admin")
    rui = await office.ask("SELECT id FROM app_user WHERE name = 'Rui'")
    codes = []
    for _ in range(2):
        page = await (await sends(ana, "/people", f"/people/{rui}/code")).text()
        codes += re.findall(r'class="code">([^<]+)<', page)
    form = {"password": NEW, "again": NEW}
    assert (await sends(office.visitor(), "/login/first", "/login/first", code=codes[0], **form)).status == 403
    office.clock.move(hours=24)
    assert (await sends(office.visitor(), "/login/first", "/login/first", code=codes[1], **form)).status == 403


async def test_with_a_second_factor_the_password_alone_opens_nothing(office: Company) -> None:
    paula = await office.agent()
    app, _ = await with_second_factor(office, paula)
    stranger = office.visitor()
    page = await passes_first(stranger)
    assert stranger.cookie() is None
    assert (await stranger.post("/login/second", {**hidden(page), "code": "000000"})).status == 403
    used = now_on(app, office)  # the one that set it up
    assert (await stranger.post("/login/second", {**hidden(page), "code": used})).status == 403
    office.clock.move(seconds=30)
    answer = await stranger.post("/login/second", {**hidden(page), "code": now_on(app, office)})
    assert (answer.status, answer.headers["Location"]) == (303, "/desk")
    again = office.visitor()
    page = await passes_first(again)
    assert (await again.post("/login/second", {**hidden(page), "code": now_on(app, office)})).status == 403
    secret = app.secret
    assert secret not in str(await office.ask("SELECT totp_secret FROM app_user WHERE name = 'Paula'"))


async def test_who_passed_the_first_door_is_only_that_browser_and_only_for_five_minutes(office: Company) -> None:
    app, _ = await with_second_factor(office, await office.agent())
    visitor, other = office.visitor(), office.visitor()
    page = hidden(await passes_first(visitor))
    office.clock.move(seconds=30)
    foreign = {**page, "token": hidden(await other.text("/login"))["token"], "code": now_on(app, office)}
    assert (await other.post("/login/second", foreign)).status == 403
    user_id, until, mac = page["passed"].split(".")
    for passed in (
        f"{int(user_id) + 1}.{until}.{mac}",
        f"{user_id}.{int(until) + 999}.{mac}",
        "",
        "x.y.z",
        f"{user_id}.",
    ):
        answer = await visitor.post("/login/second", {**page, "passed": passed, "code": now_on(app, office)})
        assert answer.status == 403
    office.clock.move(minutes=5)
    assert (await visitor.post("/login/second", {**page, "code": now_on(app, office)})).status == 403


async def test_guessing_the_code_gets_slow_and_a_recovery_code_lets_in_once(office: Company) -> None:
    app, recovery = await with_second_factor(office, await office.agent())
    assert len(recovery) == 10
    visitor = office.visitor()
    page = hidden(await passes_first(visitor))
    for _ in range(5):
        assert (await visitor.post("/login/second", {**page, "code": "123456"})).status == 403
    assert (await visitor.post("/login/second", {**page, "code": recovery[0]})).status == 429
    office.clock.move(minutes=16)
    page = hidden(await passes_first(visitor))
    assert (await visitor.post("/login/second", {**page, "code": recovery[0].upper()})).status == 303
    again = office.visitor()
    page = hidden(await passes_first(again))
    assert (await again.post("/login/second", {**page, "code": recovery[0]})).status == 403
    assert "restantes: 9" in said(await visitor.text("/account"))
    assert app.secret not in await visitor.text("/account")
    assert (await visitor.get("/account/second-factor.png")).status == 404
    assert (await sends(visitor, "/account", "/account/second-factor/off", code="1")).status == 422
    assert (await sends(visitor, "/account", "/account/second-factor/off", code=recovery[1])).status == 303
    assert (await office.visitor().logs_in("Paula")).status == 303


async def test_where_it_is_required_nothing_else_opens_before_it_is_set_up(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with company(database, redis_url, tmp_path, ACERTO_SECOND_FACTOR="required") as office:
        paula = await office.agent()
        for address in ("/desk", "/finance/ladders"):
            answer = await paula.get(address)
            assert (answer.status, answer.headers["Location"]) == (303, "/account")
        assert "Sua empresa exige a segunda etapa" in said(await paula.text("/account"))
        await with_second_factor(office, paula)
        assert (await paula.get("/desk")).status == 200


async def test_a_new_password_ends_all_other_sessions(office: Company) -> None:
    await office.employs("Paula")
    here, there = office.visitor(), office.visitor()
    await here.logs_in("Paula")
    await there.logs_in("Paula")
    stolen = there.cookie()
    assert stolen is not None
    wrong = {"password": "not it", "new": NEW, "again": NEW}
    assert (await sends(here, "/account", "/account/password", **wrong)).status == 422
    assert (await sends(here, "/account", "/account/password", password=PASSWORD, new=NEW, again=NEW)).status == 303
    assert (await office.visitor().get("/desk", Cookie=f"{COOKIE}={stolen.value}")).status == 303
    assert (await here.get("/desk")).status == 200
    assert (await office.visitor().logs_in("Paula", PASSWORD)).status == 403
    assert (await there.logs_in("Paula", NEW)).status == 303
    assert (await sends(here, "/account", "/account/sessions/end")).status == 303
    assert (await there.get("/desk")).status == 303


async def test_an_administrator_adds_changes_and_shuts_out_and_one_always_stays(office: Company) -> None:
    ana = await office.agent("Ana", "admin")
    page = await (await sends(ana, "/people", "/people", name="  Rui   Lima ", role="agent")).text()
    [code] = re.findall(r'class="code">([^<]+)<', page)
    assert (await sends(ana, "/people", "/people", name="rui lima", role="agent")).status == 409
    assert (await sends(ana, "/people", "/people", name="X", role="king")).status == 422
    rui = office.visitor()
    await sends(rui, "/login/first", "/login/first", code=code, password=NEW, again=NEW)
    assert (await rui.get("/desk")).status == 200
    ids = {name: await office.ask("SELECT id FROM app_user WHERE name = $1", name) for name in ("Ana", "Rui Lima")}
    assert (await sends(ana, "/people", f"/people/{ids['Rui Lima']}/role", role="finance")).status == 303
    assert (await rui.get("/desk")).headers["Location"].startswith("/login")  # begins anew with the new role
    for what in ("disable", "role"):
        answer = await sends(ana, "/people", f"/people/{ids['Ana']}/{what}", role="agent")
        assert (answer.status, "É preciso ficar ao menos um administrador" in said(await answer.text())) == (409, True)
    assert (await sends(ana, "/people", f"/people/{ids['Rui Lima']}/disable")).status == 303
    assert (await office.visitor().logs_in("Rui Lima", NEW)).status == 403
    assert (await sends(ana, "/people", f"/people/{ids['Rui Lima']}/enable")).status == 303
    assert (await office.visitor().logs_in("Rui Lima", NEW)).status == 303
    assert (await sends(ana, "/people", "/people/999999/disable")).status == 404
    told = said(await ana.text("/people"))
    assert "Rui Lima mudou de papel (Ana)" in told


async def test_who_saw_whose_data_is_on_record_and_looking_there_too(office: Company) -> None:
    ticket, paula, ana = await office.ticket(), await office.agent(), await office.agent("Ana", "admin")
    for _ in range(3):
        await paula.text(f"/desk/{ticket}")
        await paula.get(f"/desk/{ticket}/transcript")
    assert (await paula.get("/people/access")).status == 403
    page = said(await ana.text("/people/access"))
    assert page.count("Paula conversa") == 1
    office.clock.move(hours=1, minutes=1)
    await paula.text(f"/desk/{ticket}")
    paula_id = await office.ask("SELECT id FROM app_user WHERE name = 'Paula'")
    page = said(await ana.text(f"/people/access?person={paula_id}&day={office.clock.now().date()}"))
    assert page.count("Paula conversa") == 2
    assert "Ana esta lista" not in page
    assert "Ana esta lista" in said(await ana.text("/people/access"))
    yesterday = office.clock.now().date() - timedelta(days=1)
    assert "Ninguém viu nada" in said(await ana.text(f"/people/access?day={yesterday}&customer=x&before=x"))
    assert not re.search(r"52998224725|Cida", await office.ask("SELECT string_agg(a::text, ' ') FROM access_log a"))
