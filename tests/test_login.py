"""The door for the company's people: who gets in, for how long, and what stays shut."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import acerto
from bot.store.users import Role
from bot.web.attempts import REMEMBERED, Attempts
from tests.desk import PASSWORD, Company, Visitor, company
from tests.pix_bank import NOON
from tests.tables import table


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as found:
        yield found


async def logged_in(office: Company, name: str = "Paula") -> Visitor:
    """Somebody new who has come in by the door."""
    await office.employs(name)
    visitor = office.visitor()
    assert (await visitor.logs_in(name)).status == 303
    return visitor


async def test_the_right_name_and_password_open_a_session_that_no_script_can_read(office: Company) -> None:
    await office.employs("Paula")
    visitor = office.visitor()
    answer = await visitor.logs_in("paula")  # a name is one person, whatever its letter case
    assert (answer.status, answer.headers["Location"]) == (303, "/desk")
    cookie = visitor.cookie()
    assert cookie is not None
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert "Paula" in await visitor.text("/desk")


async def test_only_the_hash_of_the_cookie_is_stored(office: Company) -> None:
    paula = await logged_in(office)
    cookie = paula.cookie()
    assert cookie is not None
    assert await office.ask("SELECT token_hash FROM app_session") == hashlib.sha256(cookie.value.encode()).digest()


async def test_an_unknown_name_and_a_wrong_password_read_the_same(office: Company) -> None:
    await office.employs("Paula")
    visitor = office.visitor()
    wrong, unknown = await visitor.logs_in("Paula", "not it"), await visitor.logs_in("Nobody", "not it")
    assert wrong.status == unknown.status == 403
    assert await wrong.text() == await unknown.text()
    assert "Nome ou senha não conferem." in await wrong.text()


async def test_somebody_without_a_password_or_no_longer_there_gets_the_same_answer(office: Company) -> None:
    await office.employs("Gone")
    await office.ask("UPDATE app_user SET disabled_at = now()")
    await office.ask("INSERT INTO app_user (name, role, created_at) VALUES ('Helena', 'admin', now())")
    visitor = office.visitor()
    assert [(await visitor.logs_in(name)).status for name in ("Gone", "Helena")] == [403, 403]


async def test_after_five_failures_even_the_right_password_waits_a_quarter_of_an_hour(office: Company) -> None:
    await office.employs("Paula")
    await office.employs("Rui")
    visitor = office.visitor()
    for _ in range(5):
        assert (await visitor.logs_in("Paula", "not it")).status == 403
    assert (await visitor.logs_in("Paula")).status == 429
    assert (await visitor.logs_in("Rui")).status == 303  # a colleague at the same address is not in the way
    office.clock.move(minutes=16)
    assert (await visitor.logs_in("Paula")).status == 303


@pytest.mark.parametrize(
    *table("""
        asked_for          | goes_to
        /desk/7            | /desk/7
        /finance?page=2    | /finance?page=2
        //evil.example     | /desk  # another host
        /\\evil.example    | /desk  # another host, as browsers read it
        https://x.example  | /desk
        javascript:alert() | /desk
        desk               | /desk
        "/a b"             | /desk
    """)
)
async def test_after_the_login_one_goes_on_to_our_own_pages_only(office: Company, asked_for: str, goes_to: str) -> None:
    await office.employs("Paula")
    answer = await office.visitor().logs_in("Paula", next=asked_for.replace("\\\\", "\\"))
    assert answer.headers["Location"] == goes_to


async def test_the_login_asks_for_the_page_that_was_wanted(office: Company) -> None:
    answer = await office.visitor().get("/desk/7")
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/desk/7")


async def test_the_bare_address_is_the_desk(office: Company) -> None:
    assert (await office.visitor().get("/")).headers["Location"] == "/desk"


async def test_a_part_of_a_page_sends_the_whole_page_to_the_login(office: Company) -> None:
    answer = await office.visitor().get("/desk/7/transcript", **{"HX-Request": "true"})
    assert (answer.status, answer.headers["HX-Redirect"]) == (401, "/login?next=/desk")


async def test_a_login_form_of_another_page_logs_nobody_in(office: Company) -> None:
    await office.employs("Paula")
    visitor = office.visitor()
    form = {"name": "Paula", "password": PASSWORD}
    assert (await visitor.post("/login", form)).status == 403
    assert (await visitor.post("/login", {**form, "token": "0" * 64})).status == 403
    assert visitor.cookie() is None


async def test_logging_out_ends_the_session_and_not_only_the_cookie(office: Company) -> None:
    paula = await logged_in(office)
    cookie = paula.cookie()
    assert cookie is not None
    csrf = await office.ask("SELECT csrf_token FROM app_session")
    assert (await paula.post("/logout", {"csrf": csrf})).status == 303
    answer = await office.visitor().get("/desk", Cookie=f"acerto={cookie.value}")
    assert answer.headers["Location"].startswith("/login")


async def test_a_session_ends_after_twelve_hours_and_at_once_for_who_may_not_log_in_any_more(office: Company) -> None:
    paula, rui = await logged_in(office, "Paula"), await logged_in(office, "Rui")
    await office.ask("UPDATE app_user SET disabled_at = now() WHERE name = 'Rui'")
    assert [(await who.get("/desk")).status for who in (paula, rui)] == [200, 303]
    office.clock.move(hours=12)
    assert (await paula.get("/desk")).status == 303


@pytest.mark.parametrize(*table("form\nmissing\nempty\nwrong"))
async def test_a_form_without_the_sessions_token_does_nothing(office: Company, form: str) -> None:
    paula, ticket = await office.agent(), await office.ticket()
    fields = {"missing": {}, "empty": {"csrf": ""}, "wrong": {"csrf": "x" * 32}}[form]
    answer = await paula.post(f"/desk/{ticket}/take", fields)
    assert answer.status == 403
    assert await office.ask("SELECT state FROM ticket") == "open"


@pytest.mark.parametrize(
    *table("""
        role    address       status
        agent   /desk            200
        agent   /desk/parked     403
        finance /desk            303
        finance /finance/payments 200
        agent   /finance/payments 403
        admin   /desk            200
        admin   /desk/parked     200
    """)
)
async def test_each_role_has_its_pages(office: Company, role: Role, address: str, status: int) -> None:
    assert (await (await office.agent("Paula", role)).get(address)).status == status


@pytest.mark.parametrize(
    *table("""
        public                     secure
        http://localhost:8080      no
        https://acerto.example.com yes
    """)
)
async def test_with_https_the_cookie_travels_by_https_only(
    database: str, redis_url: str, tmp_path: Path, public: str, secure: bool
) -> None:
    async with company(database, redis_url, tmp_path, ACERTO_PUBLIC_URL=public) as office:
        await office.employs("Paula")
        visitor = office.visitor()
        form = await visitor.get("/login")
        assert ("Secure" in form.headers["Set-Cookie"]) is secure


async def test_a_form_that_is_too_large_or_no_form_is_refused(office: Company) -> None:
    visitor = office.visitor()
    assert (await visitor.post("/login", {"name": "x" * 70_000})).status == 413
    assert (await visitor.client.post("/login", json={})).status == 415
    odd = {"Content-Type": "application/x-www-form-urlencoded; charset=nonsense"}
    assert (await visitor.client.post("/login", data="a=b", headers=odd)).status == 400
    raw = await visitor.client.post(
        "/login", data=b"name=\xff", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert raw.status in (400, 403)


async def test_in_the_demo_a_newcomer_opens_the_desk_and_is_in(database: str, redis_url: str, tmp_path: Path) -> None:
    async with company(database, redis_url, tmp_path, demo=True) as office:
        visitor = office.visitor()
        first = await visitor.get("/desk")
        assert (first.status, first.headers["Location"]) == (303, "/desk")
        page = await visitor.text("/desk")
        assert "Helena" in page
        assert "Demonstração" in page
        assert "Entrar como atendente (demo)" in await visitor.text("/login")


async def test_in_the_demo_a_second_person_of_finance_is_one_click_away(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with company(database, redis_url, tmp_path, demo=True) as office:
        visitor = office.visitor()
        assert (await visitor.logs_in("", "", demo="finance")).status == 303
        page = await visitor.text("/finance/policies")
        assert "Otávio" in page
        assert (await visitor.get("/people")).status == 403


async def test_the_demos_door_is_shut_outside_the_demo(office: Company) -> None:
    visitor = office.visitor()
    assert "demo" not in await visitor.text("/login")
    assert (await visitor.logs_in("", "", demo="1")).status == 403
    assert visitor.cookie() is None


async def test_a_user_added_on_the_command_line_can_log_in(office: Company, database: str, tmp_path: Path) -> None:
    environment = {"ACERTO_HOME": str(tmp_path), "ACERTO_DATABASE_URL": database}
    arguments = ["user", "add", "Paula Reis", "--role", "agent", "--password-stdin"]

    def add(password: str) -> tuple[int, str]:
        result = CliRunner().invoke(acerto, arguments, input=password + "\n", env=environment)
        return result.exit_code, result.output.strip()

    assert await asyncio.to_thread(add, "short") == (1, "Error: The password needs 10 to 256 characters; it has 5.")
    assert await asyncio.to_thread(add, PASSWORD) == (0, "Paula Reis can log in as agent.")
    assert await asyncio.to_thread(add, PASSWORD) == (1, "Error: Paula Reis is there already; choose another name.")
    assert (await office.visitor().logs_in("Paula Reis")).status == 303
    assert PASSWORD not in await office.ask("SELECT password_hash FROM app_user")


def test_failures_are_counted_by_name_by_address_and_by_both_and_forgotten_in_time() -> None:
    attempts = Attempts()
    for n in range(50):
        attempts.note("paula", f"10.0.0.{n}", NOON)  # one name, guessed from everywhere
    assert attempts.too_many("Paula", "10.1.1.1", NOON)
    assert not attempts.too_many("rui", "10.1.1.1", NOON)
    assert not attempts.too_many("Paula", "10.1.1.1", NOON + REMEMBERED)
    for n in range(50):
        attempts.note(f"name{n}", "10.9.9.9", NOON)  # every name, guessed from one place
    assert attempts.too_many("rui", "10.9.9.9", NOON)


def test_a_right_password_takes_its_own_try_back_and_no_other() -> None:
    attempts = Attempts()
    for _ in range(49):
        attempts.note("x", "10.9.9.9", NOON - timedelta(minutes=1))
    attempts.note("paula", "10.9.9.9", NOON)
    attempts.forget("paula", "10.9.9.9")
    assert not attempts.too_many("paula", "10.9.9.9", NOON)
    attempts.note("y", "10.9.9.9", NOON)
    assert attempts.too_many("z", "10.9.9.9", NOON)


async def test_a_cookie_of_any_bytes_is_a_stranger_and_no_failure(office: Company) -> None:
    port = office.server.port
    for path, cookie, status in (("/desk", b"acerto=\xff\xfe", b"303"), ("/login", b"acerto_form=\xff\xfe", b"200")):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nCookie: " + cookie + b"\r\n\r\n")
        assert (await reader.readline()).split()[1] == status
        writer.close()
        await writer.wait_closed()
