"""A town for each story, an agent at its desk, and the transcripts that the stories are held to."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from bot.store import users
from tests.desk import HASH, Visitor
from tests.town import Town, town


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """The program, running, with everybody's debts imported and the policy approved."""
    async with town(database, redis_url, tmp_path) as running:
        yield running


@pytest.fixture
async def paula(place: Town) -> AsyncIterator[Visitor]:
    """An agent, logged in at the desk."""
    async with place.parts.pool.acquire() as conn:
        await users.add(conn, name="Paula", role="agent", password_hash=HASH, now=place.clock.now())
    client: TestClient[Any, Any] = TestClient(place.server, cookie_jar=aiohttp.CookieJar(unsafe=True))
    async with client:
        visitor = Visitor(client)
        assert (await visitor.logs_in("Paula")).status == 303
        yield visitor
