"""In with the company's own account: who gets in, as whom, and every token that nobody should believe."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyotp
import pytest
from aiohttp.test_utils import TestServer, unused_port
from joserfc.jwk import RSAKey
from playwright.async_api import async_playwright
from yarl import URL

from bot.engine.checkup import check_all
from bot.store import second_factors
from bot.web import second_factor
from tests.desk import Company, Visitor, company
from tests.login_provider import (
    ANA,
    ANOTHER,
    CLIENT,
    EC,
    RSA,
    SECRET,
    LoginProvider,
    by_nobody,
    by_public_key,
    short_key,
)
from tests.login_provider import login_provider as listening
from tests.tables import table
from webhook import make_app

REFUSED = "Não deu certo com a conta da empresa"
NO_ACCESS = "Sua conta ainda não tem acesso aqui"
NAME = str(ANA["email"])


@pytest.fixture
async def provider() -> AsyncIterator[LoginProvider]:
    async with listening() as found:
        yield found


@pytest.fixture
async def office(provider: LoginProvider, database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with open_office(provider, database, redis_url, tmp_path) as found:
        yield found


@asynccontextmanager
async def open_office(
    provider: LoginProvider, database: str, redis_url: str, home: Path, **more: str
) -> AsyncIterator[Company]:
    """A company whose people come in by their own accounts."""
    settings: dict[str, Any] = {
        "ACERTO_OIDC_ISSUER": provider.issuer,
        "ACERTO_OIDC_CLIENT_ID": CLIENT,
        "ACERTO_OIDC_CLIENT_SECRET": SECRET,
        **more,
    }
    async with company(database, redis_url, home, **settings) as found:
        yield found


async def sets_out(visitor: Visitor, asked_for: str = "/desk") -> str:
    """Press the button; return where the provider's page is."""
    answer = await visitor.get(str(URL("/login/oidc").with_query(next=asked_for)))
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def comes_in(visitor: Visitor, provider: LoginProvider, asked_for: str = "/desk") -> tuple[int, str]:
    """There and back; return the answer's status, and where it leads or what it says."""
    answer = await visitor.get(provider.way_back(await sets_out(visitor, asked_for)))
    return answer.status, answer.headers.get("Location") or await answer.text()


async def test_somebody_whose_login_is_their_address_comes_in_with_the_companys_account(
    office: Company, provider: LoginProvider
) -> None:
    await office.employs(NAME, "finance")
    visitor = office.visitor()
    assert "Entrar com a conta da empresa" in await visitor.text("/login?next=/finance/payments")
    assert await comes_in(visitor, provider, "/finance/payments") == (303, "/finance/payments")
    assert NAME in await visitor.text("/finance/payments")
    assert visitor.cookie("acerto_oidc") is None  # it has done its work
    provider.person["email"] = "ana.prado@escola-aurora.example"  # an address may change, the person stays
    again = office.visitor()
    assert (await comes_in(again, provider))[0] == 303
    assert await office.ask("SELECT count(DISTINCT user_id) FROM app_session") == 1


async def test_whoever_has_a_second_factor_here_is_asked_for_it_after_the_companys_account(
    office: Company, provider: LoginProvider
) -> None:
    person = await office.employs(NAME)
    secret = second_factor.new_secret()
    async with office.parts.pool.acquire() as conn:
        await second_factors.propose(conn, person, second_factor.hidden(secret, office.parts.mac_key))
        await second_factors.confirm(conn, person, step=0, recovery=[], now=office.clock.now())
    visitor = office.visitor()
    status, page = await comes_in(visitor, provider, "/finance/payments")
    assert (status, visitor.cookie()) == (200, None)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    code = pyotp.TOTP(secret).at(office.clock.now())
    answer = await visitor.post("/login/second", {**fields, "code": code})
    assert (answer.status, answer.headers["Location"]) == (303, "/finance/payments")


async def test_what_the_companys_account_did_to_a_login_is_on_record(
    provider: LoginProvider, database: str, redis_url: str, tmp_path: Path
) -> None:
    async with open_office(provider, database, redis_url, tmp_path, ACERTO_OIDC_ROLE_CLAIM="groups") as office:
        visitor = office.visitor()
        for role in ("acerto-agent", "acerto-admin"):
            provider.person["groups"] = role
            visitor = office.visitor()
            assert (await comes_in(visitor, provider))[0] == 303
        kept = await office.ask("SELECT string_agg(what, ' ' ORDER BY id) FROM user_event")
        assert kept == "company_added logged_in company_role logged_in"
        assert await office.ask("SELECT count(*) FROM app_session") == 1  # another role ends the sessions before
        assert "passou a ter outro papel pela conta da empresa" in await visitor.text("/people")


async def test_without_the_setting_there_is_no_such_door(database: str, redis_url: str, tmp_path: Path) -> None:
    async with company(database, redis_url, tmp_path) as office:
        visitor = office.visitor()
        assert "conta da empresa" not in await visitor.text("/login")
        assert (await visitor.get("/login/oidc")).headers["Location"] == "/login"
        assert (await visitor.get("/login/oidc/back?code=1&state=2")).status == 403


async def test_the_address_at_the_provider_has_a_challenge_and_no_secret(office: Company) -> None:
    visitor = office.visitor()
    address = URL(await sets_out(visitor))
    assert set(address.query) == {
        "tenant", "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method",
    }  # fmt: skip
    assert len(address.query["state"]) == len(address.query["nonce"]) == 43  # 32 bytes
    assert SECRET not in str(address)
    cookie = visitor.cookie("acerto_oidc")
    assert cookie is not None
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/login/oidc/back")
    assert await office.ask("SELECT count(*) FROM oidc_used_state") == 0  # whoever only begins leaves nothing here


Bend = Callable[[dict[str, Any]], None]
BENT: dict[str, Bend] = {
    "another audience": lambda c: c.update(aud="another client"),
    "no audience": lambda c: c.pop("aud"),
    "two audiences, meant for none": lambda c: c.update(aud=[CLIENT, "another client"]),
    "meant for another": lambda c: c.update(azp="another client"),
    "another issuer": lambda c: c.update(iss="https://login.example"),
    "the issuer with a slash": lambda c: c.update(iss=c["iss"] + "/"),
    "another login's nonce": lambda c: c.update(nonce="n" * 43),
    "no nonce": lambda c: c.pop("nonce"),
    "two minutes too old": lambda c: c.update(exp=c["iat"] - 120),
    "no end": lambda c: c.pop("exp"),
    "an end that is none": lambda c: c.update(exp=True),
    "no number for an end": lambda c: c.update(exp=float("nan")),
    "of tomorrow": lambda c: c.update(iat=c["iat"] + 86400),
    "nobody": lambda c: c.pop("sub"),
    "an empty name": lambda c: c.update(sub=""),
}


@pytest.mark.parametrize("bent", BENT)
async def test_a_token_with_a_wrong_claim_lets_nobody_in(office: Company, provider: LoginProvider, bent: str) -> None:
    await office.employs(NAME)
    provider.bend = BENT[bent]
    await lets_nobody_in(office, provider)


SIGNED: dict[str, dict[str, Any]] = {
    "by nobody": {"signed": by_nobody},
    "with the public key as a secret": {"signed": by_public_key},
    "by another key of the same name": {"key": ANOTHER},
    "by a key that is not published": {"key": EC, "published": [RSA]},
    "cut short": {"signed": lambda claims: "eyJhbGciOiJSUzI1NiJ9.e30"},
    "and is none": {"signed": lambda claims: "\u00e7"},
    "with another body": {
        "signed": lambda claims: ".".join(("eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIn0", "e30", "AAAA"))
    },
}


@pytest.mark.parametrize("signed", SIGNED)
async def test_a_token_that_is_not_signed_by_the_provider_lets_nobody_in(
    office: Company, provider: LoginProvider, signed: str
) -> None:
    await office.employs(NAME)
    for name, value in SIGNED[signed].items():
        setattr(provider, name, value)
    await lets_nobody_in(office, provider)


@pytest.mark.filterwarnings("ignore:Key size")
async def test_a_key_that_is_too_short_convinces_nobody(office: Company, provider: LoginProvider) -> None:
    await office.employs(NAME)
    provider.key = short_key()
    provider.published = [provider.key]
    await lets_nobody_in(office, provider)


async def lets_nobody_in(office: Company, provider: LoginProvider) -> None:
    """One kind line, the same for all; no session and no link are left."""
    visitor = office.visitor()
    status, text = await comes_in(visitor, provider)
    assert "token" in provider.asked  # it got as far as the token
    assert (status, REFUSED in text) == (403, True)
    assert visitor.cookie() is None
    assert await office.ask("SELECT (SELECT count(*) FROM app_session) + (SELECT count(*) FROM oidc_person)") == 0


WAYS_BACK = [
    "without the cookie",
    "with the cookie of another",
    "with a cookie of their own making",
    "with another state",
    "without a state",
    "with another issuer",
    "without a code",
    "refused by the provider",
    "with a code of another login",
    "too late",
]


@pytest.mark.parametrize("way", WAYS_BACK)
async def test_a_way_back_that_is_not_ones_own_is_refused(office: Company, provider: LoginProvider, way: str) -> None:
    await office.employs(NAME)
    visitor, other = office.visitor(), office.visitor()
    address, elsewhere = await sets_out(visitor), await sets_out(other)
    bent = {
        "with another state": {"state": URL(elsewhere).query["state"]},
        "without a state": {"state": ""},
        "with another issuer": {"iss": "https://login.example"},
        "without a code": {"code": ""},
        "refused by the provider": {"code": "", "error": "access_denied"},
        "with a code of another login": {"code": provider.approves(elsewhere)},
    }
    made_up = {"Cookie": "acerto_oidc=eyJzdGF0ZSI6IiIsImFza2VkX2ZvciI6Ii8iLCJ1bnRpbCI6OTk5OTk5OTk5OX0.AAAA"}
    who = {
        "without the cookie": office.visitor(),
        "with the cookie of another": other,
        "with a cookie of their own making": office.visitor(),
    }.get(way, visitor)
    if way == "too late":
        office.clock.move(minutes=10)
    back = provider.way_back(address, **bent.get(way, {}))
    answer = await who.get(back, **(made_up if way == "with a cookie of their own making" else {}))
    assert (answer.status, REFUSED in await answer.text()) == (403, True)
    assert await office.ask("SELECT count(*) FROM app_session") == 0


async def test_a_way_back_is_gone_once_even_with_a_fresh_code(office: Company, provider: LoginProvider) -> None:
    await office.employs(NAME)
    visitor = office.visitor()
    address = await sets_out(visitor)
    cookie = visitor.cookie("acerto_oidc")
    assert cookie is not None
    kept = {"Cookie": f"acerto_oidc={cookie.value}"}
    assert (await office.visitor().get(provider.way_back(address), **kept)).status == 303
    assert (await office.visitor().get(provider.way_back(address), **kept)).status == 403
    assert await office.ask("SELECT count(*) FROM app_session") == 1
    office.clock.move(minutes=11)
    assert (await comes_in(visitor, provider))[0] == 303
    assert await office.ask("SELECT count(*) FROM oidc_used_state") == 1  # what could not be used again is forgotten


async def test_a_new_key_is_understood_without_a_restart_and_an_invented_one_asked_for_once(
    office: Company, provider: LoginProvider
) -> None:
    await office.employs(NAME)
    provider.published = [RSA]
    assert (await comes_in(office.visitor(), provider))[0] == 303
    provider.key, provider.published = EC, [EC]  # ES256, too
    assert (await comes_in(office.visitor(), provider))[0] == 303
    provider.key = RSA
    assert [(await comes_in(office.visitor(), provider))[0] for _ in range(2)] == [403, 403]
    assert provider.asked.count("keys") == 2


async def test_of_several_keys_the_one_that_is_named_counts(office: Company, provider: LoginProvider) -> None:
    await office.employs(NAME)
    second = RSAKey.import_key({**ANOTHER.as_dict(private=True), "kid": "rsa-2"})
    provider.published, provider.key = [RSA, second, EC], second
    assert (await comes_in(office.visitor(), provider))[0] == 303


async def test_whoever_was_disabled_before_they_ever_came_is_not_even_linked(
    office: Company, provider: LoginProvider
) -> None:
    await office.employs(NAME)
    await office.ask("UPDATE app_user SET disabled_at = now()")
    await lets_nobody_in_here(office, provider)


async def lets_nobody_in_here(office: Company, provider: LoginProvider) -> None:
    """The account is known to the provider, and has no login here."""
    status, text = await comes_in(office.visitor(), provider)
    assert (status, NO_ACCESS in text) == (403, True)
    assert await office.ask("SELECT (SELECT count(*) FROM app_session) + (SELECT count(*) FROM oidc_person)") == 0


async def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(
    office: Company, provider: LoginProvider
) -> None:
    await office.employs(NAME)
    provider.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert (await comes_in(office.visitor(), provider))[0] == 303


STRANGERS: dict[str, dict[str, Any]] = {
    "unknown here": {"email": "rui@escola-aurora.example"},
    "address not verified": {"email_verified": False},
    "address verified by a word": {"email_verified": "true"},
    "no address": {"email": None},
    "two addresses": {"email": [NAME, "rui@escola-aurora.example"]},
}


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_only_a_verified_address_opens_the_login_of_its_name(
    office: Company, provider: LoginProvider, stranger: str
) -> None:
    await office.employs(NAME)
    provider.person |= STRANGERS[stranger]
    await lets_nobody_in_here(office, provider)


async def test_whoever_inherits_an_address_does_not_inherit_the_login(office: Company, provider: LoginProvider) -> None:
    await office.employs(NAME)
    assert (await comes_in(office.visitor(), provider))[0] == 303
    provider.person["sub"] = "u-2002"
    assert (await comes_in(office.visitor(), provider))[0] == 403


async def test_who_may_not_log_in_any_more_may_not_by_the_companys_account_either(
    office: Company, provider: LoginProvider
) -> None:
    await office.employs(NAME)
    first = office.visitor()
    assert (await comes_in(first, provider))[0] == 303
    await office.ask("UPDATE app_user SET disabled_at = now()")
    assert (await first.get("/desk")).status == 303  # back to the login
    assert (await comes_in(office.visitor(), provider))[0] == 403
    provider.person["sub"] = "u-3003"  # nor by a new account with the same address
    assert (await comes_in(office.visitor(), provider))[0] == 403


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ("acerto-agent", "agent"),
        (["staff", "acerto-finance", "acerto-agent"], "finance"),
        (["acerto-admin"], "admin"),
        (["acerto-boss", "admin"], None),
        ({"acerto-admin": True}, None),
        (None, None),
    ],
)
async def test_the_provider_gives_roles_where_the_company_wants_it(
    provider: LoginProvider, database: str, redis_url: str, tmp_path: Path, roles: Any, role: str | None
) -> None:
    async with open_office(provider, database, redis_url, tmp_path, ACERTO_OIDC_ROLE_CLAIM="groups") as office:
        provider.person["groups"] = roles
        assert (await comes_in(office.visitor(), provider))[0] == (403 if role is None else 303)
        assert await office.ask("SELECT role FROM app_user WHERE name = $1", NAME) == role
        if role is not None:
            provider.person["groups"] = ["acerto-agent"]  # they have another role tomorrow
            assert (await comes_in(office.visitor(), provider))[0] == 303
            assert await office.ask("SELECT role FROM app_user") == "agent"
            provider.person["groups"] = []
            assert (await comes_in(office.visitor(), provider))[0] == 403


async def test_with_roles_from_the_provider_a_claimed_name_opens_nobodys_login(
    provider: LoginProvider, database: str, redis_url: str, tmp_path: Path
) -> None:
    async with open_office(provider, database, redis_url, tmp_path, ACERTO_OIDC_ROLE_CLAIM="groups") as office:
        await office.employs(NAME, "agent")
        provider.person |= {"groups": "acerto-admin", "email_verified": False}
        assert (await comes_in(office.visitor(), provider))[0] == 403
        assert await office.ask("SELECT role FROM app_user") == "agent"


@pytest.mark.parametrize(
    *table("""
        asked_for          | goes_to
        /finance?page=2    | /finance?page=2
        //evil.example     | /desk
        https://x.example  | /desk
    """)
)
async def test_one_goes_on_to_our_own_pages_only(
    office: Company, provider: LoginProvider, asked_for: str, goes_to: str
) -> None:
    await office.employs(NAME)
    assert await comes_in(office.visitor(), provider, asked_for) == (303, goes_to)


SILENT: dict[str, dict[str, Any]] = {
    "nobody answers": {"away": True},
    "it is somebody else": {"discovery": {"issuer": "https://login.example"}},
    "it speaks in the open": {"discovery": {"token_endpoint": "http://login.example/token"}},
    "it talks nonsense": {"discovery": {"jwks_uri": 7}},
    "its address is none": {"discovery": {"authorization_endpoint": "http://[::/x"}},
}


@pytest.mark.parametrize("silent", SILENT)
async def test_a_provider_that_is_away_or_odd_is_said_and_the_password_goes_on_working(
    office: Company, provider: LoginProvider, silent: str
) -> None:
    await office.employs("Paula")
    for name, value in SILENT[silent].items():
        setattr(provider, name, value)
    visitor = office.visitor()
    answer = await visitor.get("/login/oidc")
    assert (answer.status, "A entrada da empresa não responde" in await answer.text()) == (503, True)
    found = next(f for f in await check_all(office.parts) if f.check == "company_login")
    assert not found.ok
    assert "ACERTO_OIDC_ISSUER" in found.remedy
    assert (await visitor.logs_in("Paula")).status == 303


async def test_a_provider_that_goes_away_halfway_is_said_too(office: Company, provider: LoginProvider) -> None:
    visitor = office.visitor()
    back = provider.way_back(await sets_out(visitor))
    provider.away = True
    assert (await visitor.get(back)).status == 503


async def test_the_doctor_finds_the_provider(office: Company) -> None:
    found = next(f for f in await check_all(office.parts) if f.check == "company_login")
    assert (found.ok, found.detail) == (True, "answers, 2 keys")


async def test_in_a_real_browser_the_way_leads_there_and_back(
    provider: LoginProvider, database: str, redis_url: str, tmp_path: Path, chromium_path: str | None
) -> None:
    """Over two sites: the cookie of the way, which is Lax, is there when the provider's page leads back."""
    port = unused_port()
    root = f"http://127.0.0.1:{port}"
    provider.issuer = provider.issuer.replace("127.0.0.1", "localhost")
    async with (
        open_office(provider, database, redis_url, tmp_path, ACERTO_PUBLIC_URL=root) as office,
        TestServer(make_app(office.parts), host="127.0.0.1", port=port),
        async_playwright() as tools,
    ):
        await office.employs(NAME)
        browser = await tools.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.goto(f"{root}/desk")
        for width in (390, 1440):
            await page.set_viewport_size({"width": width, "height": 844})
            sheet = "(at => at.scrollWidth <= at.clientWidth)(document.querySelector('main'))"
            assert await page.evaluate(f"document.documentElement.scrollWidth <= {width} && {sheet}")
        await page.click("text=Entrar com a conta da empresa")
        await page.click("text=It is me")
        assert page.url == f"{root}/desk"
        assert NAME in str(await page.text_content("body"))
        await browser.close()
