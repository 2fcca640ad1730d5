"""Ten thousand payments that nobody told us: asked of the bank in one run, confirmed, booked, and answered.

The worker of a process does it as in service (the poll, and the turns beside it); the stand-in bank is a process of its
own, on loopback. As `python -m bench.reconcile <port> <count> <cents>` this is that bank.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import structlog
import uvloop
from aiohttp import web

from bench import scene
from bot.clock import SystemClock
from bot.engine.run import run
from bot.parts import open_parts
from bot.sandbox.pix_provider import API, TOKEN, PixProvider
from bot.settings import read_settings
from flows.costs import cost_of
from flows.facts import Debt
from flows.policy import Policy, read_policy

COUNT = 10_000
_CONNECTIONS = 2  # as many as turns are written at a time
_AT_MOST_S = 300
_CLIENT, _SECRET = "bench", "bench-client-secret"
_PRINCIPAL_CENTS, _DAYS_LATE = 34990, 10

# What everybody has done before they pay: confirmed who they are, and been given a charge for what they owe today.
_TALKED = """
INSERT INTO conversation (address, wa_id, customer_id, confirmed_at, heard_at, serial, created_at)
SELECT phone, phone, id, $1, $1, 1, $1 FROM customer
"""
_CHARGED = """
INSERT INTO charge (conversation_id, no, customer_id, provider, txid, pay_token, amount_cents, parts, pay_until,
                    expires_at, state, code, created_at)
SELECT c.id, 1, c.customer_id, 'api', 'bench' || lpad(c.customer_id::text, 27, '0'), 'token' || c.id, $1,
       jsonb_build_array($2::jsonb || jsonb_build_object('debt_id', d.id)), $3::date, $4, 'active', 'code', $5
FROM   conversation c JOIN debt d ON d.customer_id = c.customer_id
"""
_ASKED = "INSERT INTO charge_debt SELECT c.id, d.id FROM charge c JOIN debt d ON d.customer_id = c.customer_id"
_BOOKED = "SELECT count(*) FROM payment"
_LEFT = """
SELECT (SELECT count(*) FROM inbox WHERE state <> 'done') + (SELECT count(*) FROM debt WHERE state <> 'paid')
     + (SELECT count(*) FROM charge WHERE state <> 'paid') + (SELECT abs(sum(amount_cents)) FROM ledger_posting)
"""


async def bank(port: int, count: int, cents: int) -> None:
    """Be the bank at which every charge was paid a moment ago, until killed."""
    clock = SystemClock()
    async with aiohttp.ClientSession() as session:
        provider = PixProvider(
            clock, session, address=f"http://127.0.0.1:{port}", key="pix@escola-aurora.example",
            client_id=_CLIENT, client_secret=_SECRET,
        )  # fmt: skip
        for n in range(1, count + 1):
            provider.bank.pay_key(cents, txid=f"bench{n:027d}")
        app = web.Application()
        app.add_routes(provider.routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


async def owed(database: str) -> int:
    """Give each customer a charge for what their debt costs today. Return its amount in centavos."""
    now = datetime.now(UTC)
    policy = read_policy(scene.POLICY.read_bytes(), name=scene.POLICY.name)
    assert isinstance(policy, Policy)
    debt = Debt(
        id=0, external_id="", description="", principal_cents=_PRINCIPAL_CENTS, open_principal_cents=_PRINCIPAL_CENTS,
        due_on=now.date() - timedelta(days=_DAYS_LATE),
    )  # fmt: skip
    cost = cost_of(debt, now.date(), policy.terms)
    part = {
        "principal_cents": cost.principal_cents,
        "fine_cents": cost.fine_cents,
        "interest_cents": cost.interest_cents,
        "discount_cents": 0,
    }
    conn = await asyncpg.connect(database)
    try:
        await conn.execute(_TALKED, now)
        until = now + timedelta(days=1)
        await conn.execute(_CHARGED, cost.total_cents, json.dumps(part), until.date(), until, now)
        await conn.execute(_ASKED)
        await conn.execute("ANALYZE")
    finally:
        await conn.close()
    return cost.total_cents


async def floor(database: str, count: int) -> float:
    """Return the seconds that as many transactions of one row take, on as many connections as ours uses."""
    pool = await asyncpg.create_pool(database, min_size=_CONNECTIONS, max_size=_CONNECTIONS)
    try:
        await pool.execute("CREATE TABLE bench_floor (n bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())")

        async def write(first: int) -> None:
            async with pool.acquire() as conn:
                for n in range(first, count, _CONNECTIONS):
                    await conn.execute("INSERT INTO bench_floor (n) VALUES ($1)", n)

        started = time.perf_counter()
        await asyncio.gather(*(write(first) for first in range(_CONNECTIONS)))
        return time.perf_counter() - started
    finally:
        await pool.close()


async def reconciled(environment: dict[str, str], database: str, count: int) -> float:
    """Return the seconds from the first question to the bank until the last payment is booked.

    Raises AssertionError where something is left: an event, a debt, a charge, a centavo.
    """
    conn: Any = await asyncpg.connect(database)
    try:
        async with open_parts(read_settings(environment, serving=True), SystemClock()) as parts:
            stop = asyncio.Event()
            started = time.perf_counter()
            worker = asyncio.create_task(run(parts, frozenset({"worker"}), stop))
            async with asyncio.timeout(_AT_MOST_S):
                while await conn.fetchval(_BOOKED) < count and not worker.done():  # noqa: ASYNC110  # only rows tell it
                    await asyncio.sleep(0.05)
            took_s = time.perf_counter() - started
            stop.set()
            parts.wake.ring("turns", "pix", "statuses", "timers")
            await worker
        assert await conn.fetchval(_LEFT) == 0, "something is left"
        return took_s
    finally:
        await conn.close()


async def measure(environment: dict[str, str], count: int = COUNT) -> tuple[float, float]:
    """Return ours and the floor, in seconds, on a database with `count` customers who owe."""
    database, port = environment["ACERTO_DATABASE_URL"], scene.free_port()
    address = f"http://127.0.0.1:{port}"
    cents = await owed(database)
    dealing = {
        **environment,
        "ACERTO_PIX": "api",
        "ACERTO_PIX_API_URL": address + API,
        "ACERTO_PIX_TOKEN_URL": address + TOKEN,
        "ACERTO_PIX_CLIENT_ID": _CLIENT,
        "ACERTO_PIX_CLIENT_SECRET": _SECRET,
        "ACERTO_PIX_WEBHOOK_SECRET": "bench",
    }
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))  # the figures alone are printed
    async with scene.process("-m", "bench.reconcile", str(port), str(count), str(cents), port=port):
        bare = await floor(database, count)
        return await reconciled(dealing, database, count), bare


if __name__ == "__main__":
    uvloop.run(bank(*map(int, sys.argv[1:])))
