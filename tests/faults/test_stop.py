"""Stopping is a state: no more is taken, what is held is finished, and no message is left in doubt."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from redis.asyncio import Redis

from tests.faults.far_end import FarEnd, deliver
from tests.faults.storm import CUSTOMERS, SECRET, SEED, Company, people, said, storm
from tests.waiting import until

STOP_WITHIN_S = 20
EVERYBODY_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
ANSWERED = """
SELECT count(DISTINCT conversation_id) FROM outbox
WHERE  kind = 'message' AND state IN ('accepted', 'sending', 'unknown')
"""


@dataclass
class Morning:
    """Two processes, fifty people who write to them, and the database to look into."""

    company: Company
    far_end: FarEnd
    conn: Any
    session: aiohttp.ClientSession
    chance: random.Random

    async def writes(self, n: int) -> None:
        """Let the n-th person write, and Meta deliver it."""
        await deliver(self.session, self.company.webhooks, said(n, 0), SECRET.encode(), self.chance)


@pytest.fixture
async def morning(database: str, redis_url: str, tmp_path: Path, free_ports: list[int]) -> AsyncIterator[Morning]:
    """A company at work."""
    conn = await asyncpg.connect(database)
    await people(conn)
    async with (
        storm(database, redis_url, tmp_path, free_ports[:3]) as (company, far_end),
        aiohttp.ClientSession() as session,
    ):
        yield Morning(company, far_end, conn, session, random.Random(SEED))  # a seeded order, no secret
    await conn.close()


async def test_stopped_in_the_middle_of_traffic_it_ends_in_time_and_leaves_nothing_in_doubt(morning: Morning) -> None:
    """SIGTERM to two processes while fifty people write: exit code 0 in twenty seconds, no row in flight or unknown."""
    writing = asyncio.gather(*(morning.writes(n) for n in range(1, CUSTOMERS + 1)))
    await until(lambda: morning.far_end.count >= 5, at_most_s=30)
    async with asyncio.timeout(STOP_WITHIN_S):
        assert await morning.company.stop() == [0, 0]
    writing.cancel()
    states = {row["state"] for row in await morning.conn.fetch("SELECT DISTINCT state FROM outbox")}
    assert states <= {"accepted", "pending"}
    assert {len(posts) for posts in morning.far_end.posts.values()} == {1}


async def test_redis_flushed_and_its_lines_cut_costs_time_and_nothing_else(morning: Morning, redis_url: str) -> None:
    """Everybody is answered once, before and after."""
    redis = Redis.from_url(redis_url)
    for n in range(1, CUSTOMERS + 1):
        await morning.writes(n)
        if n == CUSTOMERS // 3:
            await redis.flushall()
        if n == 2 * CUSTOMERS // 3:
            await redis.client_kill_filter(_type="normal", skipme=True)
            await redis.client_kill_filter(_type="pubsub")
    await redis.aclose()
    await until(lambda: morning.far_end.count >= CUSTOMERS, at_most_s=30)
    assert {len(posts) for posts in morning.far_end.posts.values()} == {1}


async def test_a_database_that_drops_every_connection_is_survived(morning: Morning) -> None:
    """The loops wait and go on; nobody who was acknowledged is forgotten."""
    for n in range(1, CUSTOMERS + 1):
        await morning.writes(n)
        if n % (CUSTOMERS // 3) == 0:
            await morning.conn.execute(EVERYBODY_OUT)
    await until(lambda: _all_answered(morning.conn), at_most_s=30)


async def _all_answered(conn: Any) -> bool:
    return bool(await conn.fetchval(ANSWERED) == CUSTOMERS)
