"""Pages for everybody: no page keeps anything from who sees, hears or moves otherwise, on a phone or at a desk.

axe-core (WCAG 2.2 A and AA) finds nothing serious, no page is wider than its screen, and one heading says where one is.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from bot.sandbox.people import ANA, BRUNO
from bot.store import policy_trials, sessions, users
from bot.web.sessions import COOKIE, LASTS
from flows.negotiation import DebtFacts
from flows.policy import Policy, read_policy
from flows.policy_trial import tally_of
from tests.test_policy import policy_with
from tests.town import Town

SCREENS = {"phone": (390, 844), "desk": (1440, 900)}
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
_GRAVE = ("serious", "critical")
OPEN_DEBT = "SELECT min(id) FROM debt WHERE state = 'open'"
AGREED = "SELECT conversation_id || '/' || offer_no FROM agreement"


@pytest.fixture
async def lived_in(place: Town) -> Town:
    """A company on an ordinary day: an agreement begun, and somebody who waits for a person."""
    ana, bruno = place.phone(ANA), place.phone(BRUNO)
    await ana.says("oi", ANA.document[:3])
    await ana.taps("Negociar", "3x de R$ 119,35", "Confirmar")
    await place.bank.receives(ana.pix_code())
    await bruno.says("oi", BRUNO.document[:3])
    await bruno.taps("Falar com atendente")
    return place


@pytest.fixture
async def chromium(chromium_path: str | None) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        await browser.close()


async def addresses(place: Town) -> Mapping[str, str]:
    """Every kind of page, with one address of it."""
    ticket = await place.ask("SELECT id FROM ticket")
    policy = f"/finance/policies/{await place.ask('SELECT digest FROM policy')}"
    customer = await place.ask("SELECT customer_id FROM agreement")
    return {
        "what the debtor pays at": f"/pay/{await place.ask('SELECT pay_token FROM charge LIMIT 1')}",
        "login": "/login",
        "first password": "/login/first",
        "own account": "/account",
        "people": "/people",
        "who looked": "/people/access",
        "desk": "/desk",
        "a ticket": f"/desk/{ticket}",
        "asking for an exception": f"/desk/{ticket}/exception",
        "parked": "/desk/parked",
        "ladders": "/finance/ladders",
        "payments to reconcile": "/finance/payments",
        "policies": "/finance/policies",
        "what a policy says": policy,
        "its approval": f"{policy}/approval",
        "its trial": f"{policy}/preview",
        "a debt in the trial": f"{policy}/preview/{await place.ask(OPEN_DEBT)}",
        "exceptions": "/finance/exceptions",
        "offers": "/finance/offers",
        "an offer": f"/finance/offers/{await place.ask(AGREED)}",
        "portfolio": "/finance/portfolio",
        "a customer": f"/finance/portfolio/customers/{customer}",
        "import": "/finance/portfolio/import",
    }


async def administrator(place: Town) -> str:
    """The cookie of somebody who may see every page."""
    token, now = token_urlsafe(), place.clock.now()
    async with place.parts.pool.acquire() as conn:
        user_id = await users.add(conn, name="Olga", role="admin", password_hash=None, now=now)
        assert user_id is not None
        await sessions.begin(
            conn, token=token, csrf_token=token_urlsafe(), user_id=user_id, now=now, expires_at=now + LASTS
        )
    return token


async def tried(place: Town) -> None:
    """A trial that has ended: somebody is worse off, somebody is not."""
    mean = read_policy(policy_with(("principal: 10.00", "principal: 5.00")), name="p")
    today = place.clock.now().date()
    debts = [
        DebtFacts(external_id=f"NF-{n}", principal_cents=90_000, due=today - timedelta(days=30 * n)) for n in range(4)
    ]
    digest, user = await place.ask("SELECT digest FROM policy"), await place.ask("SELECT max(id) FROM app_user")
    async with place.parts.pool.acquire() as conn, conn.transaction():
        current = await place.parts.policies.in_force(conn, today)
        assert current is not None
        assert isinstance(mean, Policy)
        now = place.clock.now()
        trial = await policy_trials.begin(
            conn, digest=digest, against=digest, by_id=user, of_file=False, on_day=today, debts=len(debts), now=now
        )
        await policy_trials.end(conn, trial, tally_of(mean, current.policy, debts, today), now)


async def grave_findings(page: Page) -> list[str]:
    found = (await Axe().run(page, options=_RULES)).response["violations"]
    return [f"{one['id']}: {_where(one)}" for one in found if one["impact"] in _GRAVE]


def _where(one: Mapping[str, Any]) -> str:
    return "; ".join(str(node["target"]) for node in one["nodes"][:3])


@pytest.mark.parametrize("screen", SCREENS)
async def test_every_page_is_for_everybody(lived_in: Town, chromium: Browser, screen: str) -> None:
    width, height = SCREENS[screen]
    token, wrong = await administrator(lived_in), []
    await tried(lived_in)
    context = await chromium.new_context(viewport={"width": width, "height": height})
    await context.add_cookies([{"name": COOKIE, "value": token, "url": lived_in.address}])
    page = await context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    for name, address in (await addresses(lived_in)).items():
        answer = await page.goto(lived_in.address + address)
        assert answer is not None
        assert answer.status == 200, name
        if screen == "phone":  # the same elements stand at a desk; looking at them takes half a second a page
            wrong += [f"{name}: {finding}" for finding in await grave_findings(page)]
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{name}: wider than the screen")
        if await page.locator("h1").count() != 1:
            wrong.append(f"{name}: {await page.locator('h1').count()} main headings")
    assert wrong == []
