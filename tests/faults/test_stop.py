"""Stopping is a state: no more is taken, what is held is finished, and no message is left in doubt."""

import asyncio
import random
from pathlib import Path

import aiohttp
import asyncpg
from redis.asyncio import Redis

from tests.faults.far_end import deliver
from tests.faults.storm import CUSTOMERS, SECRET, SEED, people, said, storm
from tests.waiting import until

STOP_WITHIN_S = 20


async def test_stopped_in_the_middle_of_traffic_it_ends_in_time_and_leaves_nothing_in_doubt(
    database: str, redis_url: str, tmp_path: Path, free_ports: list[int]
) -> None:
    """SIGTERM to two processes while fifty people write: exit code 0 in twenty seconds, no row in flight or unknown."""
    conn = await asyncpg.connect(database)
    await people(conn)
    async with (
        storm(database, redis_url, tmp_path, free_ports[:3]) as (company, far_end),
        aiohttp.ClientSession() as session,
    ):
        chance = random.Random(SEED)  # a seeded order, no secret
        writing = asyncio.gather(
            *(deliver(session, company.webhooks, said(n, 0), SECRET.encode(), chance) for n in range(1, CUSTOMERS + 1))
        )
        await until(lambda: far_end.count >= 5, at_most_s=30)
        async with asyncio.timeout(STOP_WITHIN_S):
            assert await company.stop() == [0, 0]
        writing.cancel()
        states = {row["state"] for row in await conn.fetch("SELECT DISTINCT state FROM outbox")}
        assert states <= {"accepted", "pending"}
        assert {len(posts) for posts in far_end.posts.values()} == {1}
    await conn.close()


async def test_redis_flushed_and_killed_costs_time_and_nothing_else(
    database: str, redis_url: str, tmp_path: Path, free_ports: list[int]
) -> None:
    """Everybody is answered once, before and after."""
    conn = await asyncpg.connect(database)
    await people(conn)
    async with (
        storm(database, redis_url, tmp_path, free_ports[:3]) as (company, far_end),
        aiohttp.ClientSession() as session,
    ):
        chance = random.Random(SEED)
        redis = Redis.from_url(redis_url)
        for n in range(1, CUSTOMERS + 1):
            await deliver(session, company.webhooks, said(n, 0), SECRET.encode(), chance)
            if n == CUSTOMERS // 3:
                await redis.flushall()
            if n == 2 * CUSTOMERS // 3:
                await redis.client_kill_filter(_type="normal", skipme=True)
                await redis.client_kill_filter(_type="pubsub")
        await redis.aclose()
        await until(lambda: far_end.count >= CUSTOMERS, at_most_s=30)
        assert {len(posts) for posts in far_end.posts.values()} == {1}
    await conn.close()


async def test_a_database_that_drops_every_connection_is_survived(
    database: str, redis_url: str, tmp_path: Path, free_ports: list[int]
) -> None:
    """The loops wait and go on; nobody who was acknowledged is forgotten."""
    conn = await asyncpg.connect(database)
    await people(conn)
    async with (
        storm(database, redis_url, tmp_path, free_ports[:3]) as (company, _),
        aiohttp.ClientSession() as session,
    ):
        chance = random.Random(SEED)
        for n in range(1, CUSTOMERS + 1):
            await deliver(session, company.webhooks, said(n, 0), SECRET.encode(), chance)
            if n % (CUSTOMERS // 3) == 0:
                await conn.execute(EVERYBODY_OUT)
        await until(lambda: _all_answered(conn), at_most_s=30)
    await conn.close()


EVERYBODY_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
ANSWERED = """
SELECT count(DISTINCT conversation_id) FROM outbox
WHERE  kind = 'message' AND state IN ('accepted', 'sending', 'unknown')
"""


async def _all_answered(conn: asyncpg.Connection) -> bool:
    return bool(await conn.fetchval(ANSWERED) == CUSTOMERS)
