"""Every page of the program, mounted. A database that is away is a page too: it says so, and that nothing was lost."""

from functools import wraps

import structlog
from aiohttp import web

from bot.engine.oidc_provider import Provider
from bot.parts import PARTS
from bot.store.database import AWAY
from bot.web import (
    account,
    assets,
    channel_switch,
    desk,
    desk_actions,
    desk_exception,
    finance_customer,
    finance_exceptions,
    finance_import,
    finance_ladders,
    finance_offers,
    finance_payments,
    finance_policies,
    finance_policy,
    finance_policy_approval,
    finance_portfolio,
    finance_trial,
    health,
    live,
    login,
    notice_list,
    oidc,
    papers,
    parked,
    pay,
    people,
    people_access,
)
from bot.web.attempts import Attempts
from bot.web.rendering import ENVIRONMENT, environment, notice
from bot.web.sessions import Handler

_MODULES = (
    login,
    oidc,
    account,
    people,
    people_access,
    live,
    desk,
    desk_actions,
    desk_exception,
    finance_exceptions,
    channel_switch,
    finance_payments,
    finance_offers,
    finance_policies,
    finance_policy,
    finance_policy_approval,
    finance_trial,
    finance_ladders,
    finance_portfolio,
    finance_customer,
    finance_import,
    notice_list,
    papers,
    parked,
    pay,
)
log = structlog.get_logger(__name__)


def mount_pages(app: web.Application) -> None:
    """Add the routes of all pages to `app`, which has its parts already."""
    parts = app[PARTS]
    app[ENVIRONMENT] = environment(parts)
    app[login.ATTEMPTS] = Attempts()
    app[oidc.PROVIDER] = Provider(parts.settings.oidc, parts.http)
    app[live.FEED] = live.Feed(parts)
    app.cleanup_ctx.append(live.watched)
    app.cleanup_ctx.append(finance_trial.worked_at)
    app[finance_import.WORK] = {}
    app.on_shutdown.append(live.stop)
    app.on_cleanup.append(finance_import.stop)
    for module in _MODULES:
        for route in module.routes():
            app.router.add_route(route.method, route.path, _patient(route.handler))
            if route.method == "GET" and route.kwargs.get("allow_head", True):
                app.router.add_route("HEAD", route.path, _patient(route.handler))
    app.add_routes([*assets.routes(), *health.routes(), web.get("/", home)])


async def home(_: web.Request) -> web.StreamResponse:
    """Whoever types the bare address wants the desk."""
    return web.Response(status=303, headers={"Location": "/desk"})


def _patient(handler: Handler) -> Handler:
    """Say it in words where the database is away."""

    @wraps(handler)
    async def patient(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except AWAY as error:
            log.error("page.database_away", error=type(error).__name__)
            return notice(
                request,
                title="One moment, please",
                text="We cannot answer right now. Nothing was lost; try again in a minute.",
                status=503,
            )

    return patient
