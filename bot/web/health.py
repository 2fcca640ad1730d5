"""For those who watch: is it alive, is it ready, how much is waiting. Counts only, never a person."""

from typing import Any

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.engine import metrics
from bot.parts import PARTS
from bot.store import figures
from bot.store.database import AWAY
from bot.store.migrate import MigrationError, is_current

_WAIT_S = 2.0
_GAUGES = {
    "inbox_open": (metrics.INBOX_OPEN, ("message", "event", "status", "pix")),
    "inbox_parked": (metrics.INBOX_PARKED, ("whatsapp", "pix", "provider", "timer", "desk", "engine")),
    "outbox": (metrics.OUTBOX, ("pending", "sending", "unknown")),
    "tickets": (metrics.TICKETS, ("open", "claimed")),
}


async def alive(_: web.Request) -> web.StreamResponse:
    """The process answers."""
    return web.Response(text="ok\n")


async def ready(request: web.Request) -> web.StreamResponse:
    """The database is reachable and of this version. Which policy is in force, and what keeps one from it, is told but
    does not decide: who has no policy still answers, takes payments and hands over to people."""
    parts = request.app[PARTS]
    told: dict[str, Any] = {"database": False, "migrations": False, "policy_in_force": None, "policy_troubles": []}
    try:
        async with parts.pool.acquire(timeout=_WAIT_S) as conn:
            told["database"] = True
            told["migrations"] = await is_current(conn)
            if told["migrations"]:
                today = parts.clock.now().astimezone(parts.settings.timezone).date()
                policy = await parts.policies.in_force(conn, today)
                told["policy_in_force"] = policy.digest if policy is not None else None
                told["policy_troubles"] = await parts.policies.troubles(conn, today)
    except MigrationError as error:
        told["remedy"] = str(error)
    except AWAY as error:
        told["error"] = type(error).__name__
    is_ready = told["database"] and told["migrations"]
    return web.json_response(told, status=200 if is_ready else 503, headers={"Cache-Control": "no-store"})


async def figures_now(request: web.Request) -> web.StreamResponse:
    """Prometheus' page: this process's counters, and what waits in the database at this moment."""
    try:
        async with request.app[PARTS].pool.acquire(timeout=_WAIT_S) as conn:
            waiting = await figures.waiting(conn)
    except AWAY:
        metrics.DATABASE_UP.set(0)
    else:
        metrics.DATABASE_UP.set(1)
        for name, (gauge, labels) in _GAUGES.items():
            for label in {*labels, *waiting[name]}:
                gauge.labels(label).set(waiting[name].get(label, 0))
    return web.Response(body=generate_latest(metrics.REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


def routes() -> list[web.RouteDef]:
    """The watchers' addresses."""
    return [web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", figures_now)]
