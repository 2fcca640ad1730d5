"""The embedded servers: started by the first, shared by all, stopped with the last, however it ends."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from bot.store.embedded import EmbeddedError, embedded_postgres, embedded_valkey
from bot.store.postgres_binaries import binaries, readable_by
from tests.waiting import until

HOLDER = """
import asyncio, sys
from pathlib import Path
from bot.store.embedded import embedded_postgres
async def hold():
    async with embedded_postgres(Path(sys.argv[1]), durable=False) as dsn:
        print(dsn, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(hold())
"""


def _run_unprivileged(program: list[str]) -> subprocess.CompletedProcess[str]:
    other: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run(
        program, input="\n", text=True, capture_output=True, env=EVERYBODYS, cwd="/", check=False, **other
    )


def _interpreter_of_everybody() -> str | None:
    """A Python like ours that an unprivileged user can run: ours may lie under /root."""
    for python in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        try:
            if _run_unprivileged([python, "-c", "import asyncpg, bot.store.embedded"]).returncode == 0:
                return python
        except OSError:
            continue
    return None


ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65534
EVERYBODYS = {
    "PYTHONPATH": os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])
}
UNPRIVILEGED = _interpreter_of_everybody()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for the tests that leave it in order: its data folder is made once."""
    return tmp_path_factory.mktemp("embedded")


@asynccontextmanager
async def another_process(home: Path) -> AsyncIterator[Process]:
    """A second program that uses the PostgreSQL of `home`, until it is told or killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(home), stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"postgresql://")
    try:
        yield process
    finally:
        if process.returncode is None:
            await process.communicate(b"\n")


def running_in(folder: Path) -> dict[int, str]:
    """The processes, id and name, whose working directory is in `folder`."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found[int(process.name)] = (process / "comm").read_text().strip()
        except OSError:
            continue  # gone meanwhile
    return found


def keeper_of(home: Path) -> int:
    """The id of the process that keeps the PostgreSQL of `home`."""
    postmaster = int((home / "postgres" / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
    return int(Path(f"/proc/{postmaster}/stat").read_text().rsplit(")", 1)[1].split()[1])


async def ask(dsn: str, query: str) -> object:
    """The answer to a query, in a session of its own."""
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


async def test_what_was_committed_is_there_after_a_stop_and_nothing_is_left_running(home: Path) -> None:
    async with embedded_postgres(home) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS n")
        assert running_in(home)
    assert running_in(home) == {}
    async with embedded_postgres(home) as dsn:
        assert await ask(dsn, "SELECT n FROM kept") == 42
    assert running_in(home) == {}


async def test_text_sorts_and_is_kept_as_utf_8_and_time_is_utc(home: Path) -> None:
    async with embedded_postgres(home) as dsn:
        assert await ask(dsn, "SHOW server_encoding") == "UTF8"
        assert await ask(dsn, "SHOW timezone") == "UTC"
        assert await ask(dsn, "SELECT upper('negociação')") == "NEGOCIAÇÃO"
        assert await ask(dsn, "SHOW fsync") == "on"


async def test_the_home_is_for_its_owner_alone_and_no_port_is_open(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with embedded_postgres(home, durable=False) as dsn, embedded_valkey(home) as url:
        assert home.stat().st_mode & 0o777 == 0o700
        assert await ask(dsn, "SHOW listen_addresses") == ""
        redis = Redis.from_url(url)
        assert (await redis.config_get("port"))["port"] == "0"
        await redis.aclose()


async def test_folders_above_the_home_keep_their_permissions(tmp_path: Path) -> None:
    above = tmp_path / "closed"
    above.mkdir(mode=0o700)
    async with embedded_postgres(above / "home", durable=False) as dsn:
        assert await ask(dsn, "SELECT 1") == 1
    assert above.stat().st_mode & 0o777 == 0o700


async def test_the_server_stays_while_another_uses_it(home: Path) -> None:
    async with embedded_postgres(home) as dsn:
        async with embedded_postgres(home) as same:
            assert same == dsn
        async with another_process(home):
            pass
        assert await ask(dsn, "SELECT 1") == 1


async def test_who_comes_later_keeps_the_server_after_the_first_has_left(home: Path) -> None:
    async with another_process(home) as first, embedded_postgres(home) as dsn:
        await first.communicate(b"\n")
        assert first.returncode == 0
        assert await ask(dsn, "SELECT 1") == 1
    assert running_in(home) == {}


async def test_after_a_killed_program_the_server_stops(home: Path) -> None:
    async with another_process(home) as first:
        first.kill()
        await first.wait()
    await until(lambda: not running_in(home))


async def test_a_killed_program_takes_the_server_from_nobody(home: Path) -> None:
    async with another_process(home) as first, embedded_postgres(home) as dsn:
        first.kill()
        await first.wait()
        assert await ask(dsn, "SELECT 1") == 1


async def test_a_killed_server_comes_back_with_all_that_was_committed(home: Path) -> None:
    async with embedded_postgres(home) as dsn:
        await ask(dsn, "CREATE TABLE before_the_kill AS SELECT 7 AS n")
        os.kill(int((home / "postgres/data/postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGKILL)

        async def is_back() -> bool:
            try:
                return await ask(dsn, "SELECT n FROM before_the_kill") == 7
            except (OSError, asyncpg.PostgresError):
                return False

        await until(is_back, at_most_s=20)
    assert running_in(home) == {}


async def test_a_killed_keeper_leaves_nothing_behind_that_hinders_the_next_start(home: Path) -> None:
    async with embedded_postgres(home):
        os.kill(keeper_of(home), signal.SIGKILL)
        await until(lambda: not running_in(home))
    async with embedded_postgres(home) as dsn:
        assert await ask(dsn, "SELECT 1") == 1


async def test_a_stale_lock_with_the_number_of_another_program_is_no_hindrance(home: Path) -> None:
    async with embedded_postgres(home):
        pass
    data = home / "postgres" / "data"
    owner = data.stat()
    other: dict[str, Any] = (
        {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    stranger = await asyncio.create_subprocess_exec("sleep", "60", cwd="/", **other)
    try:
        lock = data / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{data}\n1700000000\n5432\n../socket\n\n  5432001         0\nready   \n")
        os.chown(lock, owner.st_uid, owner.st_gid)
        async with embedded_postgres(home) as dsn:
            assert await ask(dsn, "SELECT 1") == 1
    finally:
        stranger.kill()
        await stranger.wait()


async def test_a_start_cut_short_while_the_data_folder_was_made_begins_afresh(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgres" / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "base").mkdir()
    async with embedded_postgres(tmp_path, durable=False) as dsn:
        assert await ask(dsn, "SELECT 1") == 1


async def test_four_at_once_make_and_share_one_server(tmp_path: Path) -> None:
    all_are_in = asyncio.Barrier(4)

    async def look() -> object:
        async with embedded_postgres(tmp_path, durable=False) as dsn:
            started = await ask(dsn, "SELECT pg_postmaster_start_time()")
            await all_are_in.wait()
            return started

    assert len(set(await asyncio.gather(*(look() for _ in range(4))))) == 1
    assert running_in(tmp_path) == {}


async def test_a_home_too_long_for_a_socket_works_too(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    async with embedded_postgres(home, durable=False) as dsn, embedded_valkey(home) as url:
        assert await ask(dsn, "SELECT 1") == 1
        redis = Redis.from_url(url)
        assert await redis.ping()
        await redis.aclose()


async def test_valkey_is_shared_and_keeps_nothing(home: Path) -> None:
    async with embedded_valkey(home) as url, embedded_valkey(home) as same:
        assert same == url
        redis = Redis.from_url(url)
        await redis.set("a", 1)
        await redis.aclose()
    assert running_in(home / "valkey") == {}
    async with embedded_valkey(home) as url:
        redis = Redis.from_url(url)
        assert await redis.get("a") is None
        await redis.aclose()


async def test_data_of_a_version_that_is_not_here_is_refused_and_says_so(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"was made by PostgreSQL 9.*install postgresql-9"):
        async with embedded_postgres(tmp_path):
            pass


async def test_a_server_that_cannot_start_tells_the_end_of_its_log(tmp_path: Path) -> None:
    async with embedded_postgres(tmp_path, durable=False):
        pass
    (tmp_path / "postgres/data/global/pg_control").unlink()
    with pytest.raises(EmbeddedError, match="did not start"):
        async with embedded_postgres(tmp_path):
            pass
    assert running_in(tmp_path) == {}


@pytest.fixture
def closed_programs(tmp_path: Path) -> Path:
    """PostgreSQL's programs in a folder that only its owner may enter, as in a checkout under /root."""
    found = binaries(Path("/nowhere"))
    package, closed = found.parent.parent, tmp_path / "closed"
    shutil.copytree(found.parent, closed / package.name / found.parent.name)
    if (libraries := package.with_name(f"{package.name}.libs")).exists():
        shutil.copytree(libraries, closed / libraries.name)
    closed.chmod(0o700)
    return closed / package.name / found.parent.name / found.name


def test_programs_out_of_the_servers_users_reach_are_copied_within_it(closed_programs: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    open_programs = readable_by(NOBODY, closed_programs, cache=cache)
    assert open_programs.is_relative_to(cache)
    for path in [open_programs, open_programs / "postgres", *open_programs.parents]:
        if path.is_relative_to(cache):
            assert path.stat().st_mode & 0o055 == 0o055, path
    version = subprocess.run([open_programs / "initdb", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("initdb (PostgreSQL)")
    made = open_programs.stat().st_ino
    assert readable_by(NOBODY, closed_programs, cache=cache).stat().st_ino == made  # and not a second time


if UNPRIVILEGED:  # only a Python under /root is for root alone

    def test_an_unprivileged_user_starts_and_stops_it_twice() -> None:
        assert UNPRIVILEGED is not None
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            home = Path(place, "home")
            if os.geteuid() == 0:
                os.chown(place, NOBODY, NOBODY)
            for _ in range(2):  # the second start finds the folder
                done = _run_unprivileged([UNPRIVILEGED, "-c", HOLDER, str(home)])
                assert done.returncode == 0, done.stderr
                assert done.stdout.startswith("postgresql://")
            assert home.stat().st_uid == (NOBODY if os.geteuid() == 0 else os.geteuid())
            assert (home / "postgres/data/PG_VERSION").stat().st_uid == home.stat().st_uid
            assert running_in(home) == {}
