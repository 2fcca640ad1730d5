"""Stopping is a state: no more is taken, what is held is finished, and no message is left in doubt.

What lies below may stop too: Redis may hang or be gone for good, PostgreSQL may crash, and everybody is answered once.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from redis.asyncio import Redis

from bot.store.database import GONE
from bot.store.embedded import embedded_postgres, embedded_valkey
from bot.store.migrate import migrate
from tests.faults.far_end import FarEnd, deliver
from tests.faults.storm import CUSTOMERS, SECRET, SEED, Company, at_rest, people, said, storm
from tests.waiting import until

STOP_WITHIN_S = 20
EVERYBODY_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass
class Morning:
    """Two processes, fifty people who write to them, and the database to look into."""

    company: Company
    far_end: FarEnd
    database: str
    session: aiohttp.ClientSession
    chance: random.Random

    async def writes(self, n: int) -> None:
        """Let the n-th person write, and Meta deliver it."""
        await deliver(self.session, self.company.webhooks, said(n, 0), SECRET.encode(), self.chance)

    async def everybody_is_answered_once(self) -> None:
        """Wait until nothing is left to do; then each of the fifty got one answer, and one only."""
        await until(self._at_rest, at_most_s=60)
        assert len(self.far_end.order) == CUSTOMERS
        assert [len(posts) for posts in self.far_end.posts.values()] == [1] * CUSTOMERS

    async def _at_rest(self) -> bool:
        try:
            async with _connected(self.database) as conn:
                return await at_rest(conn, self.far_end)
        except GONE:
            return False  # the database is not back yet


@asynccontextmanager
async def _connected(database: str) -> "AsyncIterator[asyncpg.Connection]":
    conn = await asyncpg.connect(database)
    try:
        yield conn
    finally:
        await conn.close()


@asynccontextmanager
async def _at_work(database: str, redis_url: str, home: Path, ports: list[int]) -> AsyncIterator[Morning]:
    async with _connected(database) as conn:
        await people(conn)
    async with storm(database, redis_url, home, ports) as (company, far_end), aiohttp.ClientSession() as session:
        yield Morning(company, far_end, database, session, random.Random(SEED))  # a seeded order, no secret


@pytest.fixture
async def morning(database: str, redis_url: str, tmp_path: Path, free_ports: list[int]) -> AsyncIterator[Morning]:
    """A company at work."""
    async with _at_work(database, redis_url, tmp_path, free_ports[:3]) as morning:
        yield morning


async def test_stopped_in_the_middle_of_traffic_it_ends_in_time_and_leaves_nothing_in_doubt(morning: Morning) -> None:
    """SIGTERM to two processes while fifty people write: exit code 0 in twenty seconds, no row in flight or unknown."""
    writing = asyncio.gather(*(morning.writes(n) for n in range(1, CUSTOMERS + 1)))
    await until(lambda: morning.far_end.count >= 5, at_most_s=30)
    await until(lambda: morning.company.all_serve(morning.session), at_most_s=30)  # a start cut short is another story
    async with asyncio.timeout(STOP_WITHIN_S):
        assert await morning.company.stop() == [0, 0]
    writing.cancel()
    async with _connected(morning.database) as conn:
        states = {row["state"] for row in await conn.fetch("SELECT DISTINCT state FROM outbox")}
    assert states <= {"accepted", "pending"}
    assert {len(posts) for posts in morning.far_end.posts.values()} == {1}


async def test_redis_flushed_hanging_killed_and_gone_for_good_costs_time_and_nothing_else(
    database: str, tmp_path: Path, free_ports: list[int]
) -> None:
    """Everybody is answered once: while Valkey hangs, while a new one comes up, and when there is none any more."""
    async with AsyncExitStack() as valkey:
        redis_url = await valkey.enter_async_context(embedded_valkey(tmp_path))
        redis = Redis.from_url(redis_url)
        valkey_itself = (await redis.info("server"))["process_id"]
        async with _at_work(database, redis_url, tmp_path, free_ports[:3]) as morning:
            for n in range(1, CUSTOMERS + 1):
                await morning.writes(n)
                if n == CUSTOMERS // 5:
                    await redis.flushall()
                if n == 2 * CUSTOMERS // 5:
                    os.kill(valkey_itself, signal.SIGSTOP)
                if n == 3 * CUSTOMERS // 5:
                    await until(lambda: len(morning.far_end.order) >= 3 * CUSTOMERS // 5, at_most_s=30)
                    os.kill(valkey_itself, signal.SIGKILL)
                if n == 4 * CUSTOMERS // 5:
                    await valkey.aclose()
            await morning.everybody_is_answered_once()
        await redis.aclose()


async def test_a_database_that_crashes_and_comes_back_is_survived(
    redis_url: str, tmp_path: Path, free_ports: list[int]
) -> None:
    """PostgreSQL falls over twice and once drops every connection: everybody is answered once, and our processes are
    the same as before."""
    async with embedded_postgres(tmp_path) as database:
        await migrate(database)
        async with _at_work(database, redis_url, tmp_path, free_ports[:3]) as morning:
            for n in range(1, CUSTOMERS + 1):
                await morning.writes(n)
                if n in (CUSTOMERS // 4, CUSTOMERS // 2):
                    os.kill(_postmaster(tmp_path), signal.SIGQUIT)  # a crash: nothing is finished, the log is replayed
                if n == 3 * CUSTOMERS // 4:
                    async with _connected(database) as conn:
                        await conn.execute(EVERYBODY_OUT)
            await morning.everybody_is_answered_once()
            async with asyncio.timeout(STOP_WITHIN_S):
                assert await morning.company.stop() == [0, 0]  # a process that had ended by itself says something else


def _postmaster(home: Path) -> int:
    return int((home / "postgres" / "data" / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
