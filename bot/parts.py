"""The composition root: builds every part once, hands them out together, and closes them in reverse order."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import structlog
from aiohttp import web
from redis.asyncio import Redis

from bot.clock import Clock
from bot.engine.costs import Costs
from bot.engine.inbox import Ingest
from bot.engine.ladder_in_force import LadderWatch
from bot.engine.pacing import Pacing
from bot.engine.parts import Parts as Parts
from bot.engine.policy_in_force import PolicyWatch
from bot.engine.talk import Talk
from bot.engine.wake import Wake
from bot.settings import Settings, SettingsError, secret_of
from bot.store.embedded import embedded_postgres, embedded_valkey
from bot.store.migrate import migrate
from bot.texts import read_texts
from bot.whatsapp.client import GraphClient
from bot.whatsapp.templates import MessageTemplate, read_templates
from flows.prices import PriceList, read_prices

_STATEMENT_S = 30.0
_SESSION = {
    "application_name": "acerto",
    "timezone": "UTC",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "statement_timeout": "30s",
    # A plan made while a table was small is a bad plan for ever: 269 turns/s with kept plans, 548 with plans made anew.
    "plan_cache_mode": "force_custom_plan",
}
log = structlog.get_logger(__name__)


PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)


@asynccontextmanager
async def open_database(settings: Settings, *, connections: int = 4) -> "AsyncIterator[asyncpg.Pool[Any]]":
    """Yield a pool on the company's PostgreSQL, or on the embedded one (found running, or started for as long as this
    lasts).

    The schema is brought up to date first.
    """
    async with AsyncExitStack() as stack:
        dsn = settings.database_url
        if dsn is None:
            dsn = await stack.enter_async_context(embedded_postgres(settings.home))
        await migrate(dsn)
        yield await stack.enter_async_context(_pool(dsn, connections))


@asynccontextmanager
async def open_parts(
    settings: Settings, clock: Clock, *, connections: int = 12, demo: bool = False, database_away: bool = False
) -> AsyncIterator[Parts]:
    """Yield all parts, ready to run; close them in reverse. With `database_away` the company's PostgreSQL is only asked
    when the pool is used: what does not need it works. Raises SettingsError with every mistake in the price list.
    """
    prices = _prices(settings)
    key = secret_of(settings)
    async with AsyncExitStack() as stack:
        if database_away and settings.database_url:
            pool = await stack.enter_async_context(_pool(settings.database_url, connections, kept=0))
        else:
            pool = await stack.enter_async_context(open_database(settings, connections=connections))
        url = settings.redis_url
        if url is None:
            url = await stack.enter_async_context(embedded_valkey(settings.home))
        redis: Redis = Redis.from_url(url, socket_timeout=None, socket_connect_timeout=2)
        stack.push_async_callback(redis.aclose)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)))
        wake = Wake(redis)
        templates = _templates(settings)
        yield Parts(
            settings=settings,
            clock=clock,
            pool=pool,
            redis=redis,
            http=http,
            graph=GraphClient(
                base_url=settings.whatsapp.api_url,
                token=settings.whatsapp.token,
                phone_number_id=settings.whatsapp.phone_number_id,
                session=http,
            ),
            talk=Talk(settings.pix, http),
            texts=read_texts("pt_BR"),
            wake=wake,
            pacing=Pacing(redis, number=settings.whatsapp.phone_number_id, per_second=settings.whatsapp.rate),
            ingest=Ingest(pool, clock, wake),
            policies=PolicyWatch(key),
            ladders=LadderWatch(settings.ladder, templates, pool),
            costs=Costs(prices, settings.timezone),
            templates=templates,
            mac_key=key,
            demo=demo,
        )


def _templates(settings: Settings) -> Mapping[str, MessageTemplate]:
    """The message templates of the company's file; a file with mistakes has none (`acerto doctor` names them)."""
    read = read_templates(settings.templates.read_bytes(), name=settings.templates.name)
    if isinstance(read, Mapping):
        return read
    log.error("templates.unreadable", mistakes=len(read))
    return {}


def _prices(settings: Settings) -> PriceList:
    read = read_prices(settings.prices.read_bytes(), name=settings.prices.name)
    if isinstance(read, tuple):
        raise SettingsError([str(mistake) for mistake in read])
    return read


@asynccontextmanager
async def _pool(dsn: str, connections: int, *, kept: int = 1) -> "AsyncIterator[asyncpg.Pool[Any]]":
    pool = await asyncpg.create_pool(
        dsn,
        min_size=kept,
        max_size=connections,
        command_timeout=_STATEMENT_S,
        server_settings=_SESSION,
        reset=_leave_as_is,
    )
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except TimeoutError:
            log.warning("parts.pool_terminated")
            pool.terminate()


async def _leave_as_is(_: Any) -> None:
    """Nobody leaves anything behind in a session (asyncpg itself rolls back), so a release needs no trip to the
    server."""
