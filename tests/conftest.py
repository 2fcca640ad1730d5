"""What every test may ask for: a PostgreSQL and a Valkey of our own, started once, and a fresh migrated database."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path

import hypothesis
import pytest
import structlog
from redis.asyncio import Redis

from bot.store.embedded import embedded_postgres, embedded_valkey
from bot.store.migrate import migrate
from tests.databases import Databases, execute, on_database

# How long an example takes says more of what else the machine does than of the program; speed is measured in bench/.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

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
def databases(postgres: str) -> Databases:
    """The databases of that server, ready to be taken."""
    databases = Databases(postgres)

    async def make() -> None:
        await migrate(await databases.prepare())

    asyncio.run(make())
    return databases


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[str]:
    """The address of a database that is the test's alone, migrated and empty."""
    name = await databases.take()
    yield on_database(databases.dsn, name)
    await databases.give_back(name)


@pytest.fixture
async def empty_database(postgres: str) -> AsyncIterator[str]:
    """The address of a database of the test's own, without a table."""
    name = f"empty_{next(_numbers)}"
    await execute(postgres, f"CREATE DATABASE {name}")
    yield on_database(postgres, name)
    await execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


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
