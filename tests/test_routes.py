"""Every address of the program, as the router has it: who may open it, what stays shut, and what is put on record.

A new address fails here until it is classified: add it to ROUTES with who may open it and what it notes in the access
log (see docs/people.md), or to PUBLIC.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.store.users import Role
from tests.desk import Company, company

ALL, FINANCE, AGENTS, ADMINS = ("agent", "finance", "admin"), ("finance", "admin"), ("agent", "admin"), ("admin",)
# No login: what debtors, WhatsApp, providers, browsers and watchers ask for.
PUBLIC = {
    "GET /", "GET /login", "POST /login", "POST /login/second", "GET /login/first", "POST /login/first",
    "GET /login/oidc", "GET /login/oidc/back",
    "GET /webhook", "POST /webhook", "POST /webhook/pix/{secret}", "POST /webhook/pix/{secret}/pix",
    "POST /webhook/asaas",
    "GET /pay/{token}", "GET /pay/{token}/state", "POST /pay/{token}/opened", "GET /robots.txt",
    "GET /qr/{token}.png", "GET /paper/{token}.{ending}", "GET /static/{name}", "GET /favicon.ico",
    "GET /healthz", "GET /readyz", "GET /metrics",
}  # fmt: skip
# Who may open it, and what is noted before somebody's data is shown (None: it shows nobody's).
ROUTES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "POST /logout": (ALL, None),
    "GET /account": (ALL, None),
    "POST /account/second-factor": (ALL, None),
    "GET /account/second-factor.png": (ALL, None),
    "POST /account/second-factor/confirm": (ALL, None),
    "POST /account/second-factor/off": (ALL, None),
    "POST /account/password": (ALL, None),
    "POST /account/sessions/end": (ALL, None),
    "GET /people": (ADMINS, None),
    "POST /people": (ADMINS, None),
    "POST /people/{id}/{what}": (ADMINS, None),
    "GET /people/access": (ADMINS, "access_log"),
    "GET /desk/events": (AGENTS, None),
    "GET /desk": (AGENTS, "desk_queue"),
    "GET /desk/next": (AGENTS, None),
    "GET /desk/queue": (AGENTS, "desk_queue"),
    "GET /desk/{id}": (AGENTS, "desk_conversation"),
    "GET /desk/{id}/{region}": (AGENTS, "desk_conversation"),
    "POST /desk/{id}/take": (AGENTS, "desk_conversation"),
    "POST /desk/{id}/reply": (AGENTS, "desk_conversation"),
    "POST /desk/{id}/hand-back": (AGENTS, "desk_conversation"),
    "POST /desk/{id}/close": (AGENTS, "desk_conversation"),
    "GET /desk/{id}/exception": (AGENTS, "desk_conversation"),
    "POST /desk/{id}/exception": (AGENTS, "desk_conversation"),
    "POST /desk/{id}/exception/{exception}/offer": (AGENTS, "desk_conversation"),
    "GET /finance/exceptions": (FINANCE, "exceptions"),
    "GET /finance/exceptions/{id}": (FINANCE, "exception"),
    "POST /finance/exceptions/{id}/{what}": (FINANCE, "exception"),
    "GET /desk/parked": (ADMINS, None),
    "GET /desk/parked/{id}": (ADMINS, "parked"),
    "POST /desk/parked/{id}/replay": (ADMINS, None),
    "GET /finance/payments": (FINANCE, "payments"),
    "GET /finance/payments/{id}": (FINANCE, "payment"),
    "POST /finance/payments/{id}/find": (FINANCE, "payment_search"),
    "POST /finance/payments/{id}/allocate": (FINANCE, "payment"),
    "POST /finance/payments/{id}/credit": (FINANCE, "payment"),
    "POST /finance/payments/{id}/refund": (FINANCE, "payment"),
    "GET /finance/offers": (FINANCE, "offers"),
    "GET /finance/offers/{conversation}/{no}": (FINANCE, "offer"),
    "GET /finance/offers/{conversation}/{no}/case.json": (FINANCE, "offer_case"),
    "GET /finance/offers/{conversation}/{no}/case.pdf": (FINANCE, "offer_case"),
    "GET /finance/policies": (FINANCE, None),
    "POST /finance/policies": (FINANCE, None),
    "GET /finance/policies/{digest}": (FINANCE, None),
    "GET /finance/policies/{digest}/approval": (FINANCE, None),
    "POST /finance/policies/{digest}/approval/{what}": (FINANCE, None),
    "GET /finance/portfolio": (FINANCE, "portfolio"),
    "POST /finance/portfolio": (FINANCE, "portfolio_search"),
    "GET /finance/portfolio.csv": (FINANCE, "portfolio_export"),
    "GET /finance/portfolio/customers/{id}": (FINANCE, "customer"),
    "GET /finance/portfolio/import": (FINANCE, None),
    "POST /finance/portfolio/import": (FINANCE, None),
    "GET /finance/portfolio/import/{id}": (FINANCE, "debts_file"),
    "POST /finance/portfolio/import/{id}/confirm": (FINANCE, None),
    "POST /finance/portfolio/import/{id}/drop": (FINANCE, None),
    "GET /finance/policies/{digest}/preview": (FINANCE, None),
    "POST /finance/policies/{digest}/preview": (FINANCE, None),
    "GET /finance/policies/{digest}/preview/{debt}": (FINANCE, "policy_trial_debt"),
    "GET /finance/ladders": (ALL, None),
    "POST /finance/notices/{id}/seen": (FINANCE, None),
    "GET /channel": (ALL, None),
    "POST /channel/pause": (ALL, None),
    "POST /channel/resume": (ALL, None),
}
UPLOADS = {"POST /finance/portfolio/import"}  # take nothing but a form with a file
_BLANKS = {
    "id": "1", "exception": "1", "debt": "1",
    "what": "code", "region": "card", "conversation": "1", "no": "1", "digest": "0" * 64, "name": "x",
    "token": "x", "ending": "pdf", "secret": "x",
}  # fmt: skip


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as found:
        yield found


def routes_of(app: web.Application) -> list[tuple[str, str]]:
    """Method and path of each route, HEAD apart."""
    found = []
    for route in app.router.routes():
        info = route.resource.get_info() if route.resource is not None else {}
        path = info.get("path") or info.get("formatter") or str(info.get("prefix", ""))
        if route.method != "HEAD":
            found.append((route.method, path))
    return found


def app_of(office: Company) -> web.Application:
    app = getattr(office.server, "app", None)
    assert isinstance(app, web.Application)
    return app


def filled(path: str, what: str = "") -> str:
    return re.sub(r"\{(\w+)\}", lambda m: what or _BLANKS[m[1]], path)


def test_the_list_names_each_address_once() -> None:
    assert not PUBLIC & ROUTES.keys()


async def test_every_address_of_the_router_is_classified(office: Company) -> None:
    there = {f"{method} {path}" for method, path in routes_of(app_of(office))}
    assert sorted(there - PUBLIC - ROUTES.keys()) == []
    assert sorted((PUBLIC | ROUTES.keys()) - there) == []


async def test_a_stranger_is_sent_to_the_login_from_every_address(office: Company) -> None:
    wrong: list[tuple[str, object]] = []
    for name in ROUTES:
        method, path = name.split()
        visitor = office.visitor()
        answer = await visitor.client.request(method, address(path), allow_redirects=False)
        if not (answer.status in (303, 401) and "/login" in str(answer.headers.get("Location", "")) + "/login"):
            wrong.append((name, answer.status))
        elif answer.status == 303 and not answer.headers["Location"].startswith("/login"):
            wrong.append((name, answer.headers["Location"]))
    assert wrong == []


@pytest.mark.parametrize("role", ["agent", "finance", "admin"])
async def test_each_role_opens_its_own_addresses_and_no_other(office: Company, role: Role) -> None:
    visitor = await office.agent("Paula", role)
    wrong = []
    for name, (roles, _) in ROUTES.items():
        method, path = name.split()
        if path == "/desk/events":  # never ends
            continue
        if role in roles and method == "GET":
            answer = await visitor.client.get(address(path), allow_redirects=False)
            if answer.status not in (200, 204, 303, 404):
                wrong.append((name, answer.status))
        elif role not in roles:
            answer = await visitor.client.request(method, address(path), data={}, allow_redirects=False)
            is_sent_home = role == "finance" and name == "GET /desk" and answer.status == 303
            if answer.status != 403 and not is_sent_home:
                wrong.append((name, answer.status))
    assert wrong == []


async def test_no_form_does_anything_without_the_sessions_token(office: Company) -> None:
    visitor = await office.agent("Paula", "admin")
    wrong = []
    for name in ROUTES:
        method, path = name.split()
        if method != "POST":
            continue
        for form in ({"x": "y"}, {"csrf": "x" * 32}):
            data = aiohttp.FormData(form, default_to_multipart=name in UPLOADS)
            answer = await visitor.client.post(address(path), data=data, allow_redirects=False)
            if answer.status != 403:
                wrong.append((name, answer.status))
    assert wrong == []


async def test_somebody_elses_object_that_is_not_there_is_404(office: Company) -> None:
    visitor = await office.agent("Paula", "admin")
    wrong = []
    for name in ROUTES:
        method, path = name.split()
        if method == "GET" and "{" in path:
            answer = await visitor.client.get(address(path), allow_redirects=False)
            if answer.status != 404:
                wrong.append((name, answer.status))
    assert wrong == []


async def test_what_shows_somebodys_data_is_on_record(office: Company) -> None:
    """Addresses that need nothing but a ticket; the others are in the tests of their pages."""
    ticket, visitor = await office.ticket(), await office.agent("Paula", "admin")
    for name, (_, noted) in ROUTES.items():
        method, path = name.split()
        if method == "GET" and noted is not None and ("{" not in path or path.startswith("/desk/{id}")):
            await office.ask("TRUNCATE access_log")
            answer = await visitor.client.get(path.replace("{id}", str(ticket)).replace("{region}", "card"))
            assert answer.status in (200, 204), name
            assert await office.ask("SELECT string_agg(what, ' ') FROM access_log") == noted, name


def address(path: str) -> str:
    return (
        filled(path)
        .replace("/approval/code", "/approval/approve")
        .replace("/exceptions/1/code", "/exceptions/1/refuse")
    )
