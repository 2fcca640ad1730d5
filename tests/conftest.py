"""What every test may ask for: a PostgreSQL and a Valkey of our own, started once, and a fresh migrated database."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path

import asyncpg
import hypothesis
import pytest
import structlog
from redis.asyncio import Redis

from bot.store.embedded import embedded_postgres, embedded_valkey
from bot.store.migrate import migrate

# How long an example takes says more of what else the machine does than of the program; speed is measured in bench/.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _logs_as_they_come() -> None:
    """A command that a test ran in this process may have set the logs up; the next test finds them as they come."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def servers_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of the suite's servers."""
    home = tmp_path_factory.mktemp("home")
    yield home
    shutil.rmtree(home, ignore_errors=True)  # tens of megabytes that nobody will look at


@pytest.fixture(scope="session")
def postgres(servers_home: Path) -> Iterator[str]:
    """The address of a running PostgreSQL (its own database is empty; ask for `database` to have tables)."""
    with _running(embedded_postgres(servers_home, durable=False)) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def valkey(servers_home: Path) -> Iterator[str]:
    """The address of a running Valkey, with whatever others left in it; ask for `redis_url` to have it empty."""
    with _running(embedded_valkey(servers_home)) as url:
        yield url


@pytest.fixture(scope="session")
def _template(postgres: str) -> str:
    async def make() -> None:
        await _execute(postgres, f"CREATE DATABASE {_TEMPLATE}")
        await migrate(on_database(postgres, _TEMPLATE))

    asyncio.run(make())
    return postgres


@pytest.fixture
async def database(_template: str) -> AsyncIterator[str]:
    """The address of a database of the test's own, migrated and empty."""
    name = f"test_{next(_numbers)}"
    await _execute(_template, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY")
    yield on_database(_template, name)
    await _execute(_template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_database(postgres: str) -> AsyncIterator[str]:
    """The address of a database of the test's own, without a table."""
    name = f"test_{next(_numbers)}"
    await _execute(postgres, f"CREATE DATABASE {name}")
    yield on_database(postgres, name)
    await _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def redis_url(valkey: str) -> str:
    """The address of the Valkey, emptied."""
    client = Redis.from_url(valkey)
    await client.flushall()
    await client.aclose()
    return valkey


@pytest.fixture(scope="session")
def chromium_path() -> str | None:
    """The system's Chromium for Playwright's `executable_path`; None lets Playwright take its own."""
    names = ("chromium", "google-chrome-stable", "google-chrome")
    return next((found for found in map(shutil.which, names) if found), None)


def on_database(dsn: str, name: str) -> str:
    """Return the address of another database of the same server."""
    head, query = dsn.split("?", 1)
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


async def _execute(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


@contextmanager
def _running(server: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """Hold a server for the session, outside of any test's event loop."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        address = runner.run(stack.enter_async_context(server))
        try:
            yield address
        finally:
            runner.run(stack.aclose())
