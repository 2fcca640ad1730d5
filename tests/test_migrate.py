"""Migrations: each file once, in order, by one process at a time; and a refusal that says what to do."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from bot.store.migrate import MigrationError, is_current, migrate, migrations

FIRST = "CREATE TABLE account (id int PRIMARY KEY);"
SECOND = "-- why\nALTER TABLE account ADD COLUMN name text;\nINSERT INTO account VALUES (1, 'a; b');"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations."""
    (tmp_path / "0001_accounts.sql").write_text(FIRST)
    (tmp_path / "0002_accounts_have_names.sql").write_text(SECOND)
    return tmp_path


async def current(dsn: str, folder: Path) -> bool:
    """Whether the database at `dsn` has all of `folder`."""
    conn = await asyncpg.connect(dsn)
    try:
        return await is_current(conn, folder)
    finally:
        await conn.close()


async def names(dsn: str) -> list[str | None]:
    """What the second migration wrote."""
    conn = await asyncpg.connect(dsn)
    try:
        return [row["name"] for row in await conn.fetch("SELECT name FROM account")]
    finally:
        await conn.close()


async def test_each_file_is_applied_once_and_in_order(empty_database: str, folder: Path) -> None:
    assert not await current(empty_database, folder)
    assert await migrate(empty_database, folder) == [1, 2]
    assert await migrate(empty_database, folder) == []
    assert await names(empty_database) == ["a; b"]
    assert await current(empty_database, folder)


async def test_a_new_file_is_applied_to_what_is_there(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    (folder / "0003_second_account.sql").write_text("INSERT INTO account VALUES (2, 'c');")
    assert not await current(empty_database, folder)
    assert await migrate(empty_database, folder) == [3]
    assert await names(empty_database) == ["a; b", "c"]


async def test_four_at_once_apply_each_file_once(empty_database: str, folder: Path) -> None:
    applied = await asyncio.gather(*(migrate(empty_database, folder) for _ in range(4)))
    assert sorted(applied) == [[], [], [], [1, 2]]
    assert await names(empty_database) == ["a; b"]


async def test_a_file_that_fails_leaves_nothing_of_itself_and_keeps_those_before(
    empty_database: str, folder: Path
) -> None:
    wrong = folder / "0003_wrong.sql"
    wrong.write_text("INSERT INTO account VALUES (2, 'half'); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database, folder)
    assert await names(empty_database) == ["a; b"]
    wrong.write_text("INSERT INTO account VALUES (2, 'whole');")
    assert await migrate(empty_database, folder) == [3]
    assert await names(empty_database) == ["a; b", "whole"]


async def test_a_file_and_the_note_of_it_are_one(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    (folder / "0003_unnoted.sql").write_text(
        "INSERT INTO account VALUES (2, 'half'); ALTER TABLE schema_migration ADD CHECK (number < 3);"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await migrate(empty_database, folder)
    assert await names(empty_database) == ["a; b"]


async def test_a_file_changed_after_it_was_applied_is_refused(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    (folder / "0001_accounts.sql").write_text(FIRST + " ")
    with pytest.raises(MigrationError, match=r"0001_accounts\.sql was changed .* write a new file"):
        await migrate(empty_database, folder)


async def test_a_database_of_a_newer_version_is_refused_untouched(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    (folder / "0002_accounts_have_names.sql").unlink()
    with pytest.raises(MigrationError, match=r"0002_accounts_have_names\.sql by a newer version; install that version"):
        await migrate(empty_database, folder)


@pytest.mark.parametrize("name", ["0004_gap.sql", "0002_twice.sql", "3_short.sql", "0003_Capital.sql"])
def test_a_number_that_is_missing_or_taken_and_a_wrong_name_are_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match=name.split("_")[1].removesuffix(".sql")):
        migrations(folder)


async def test_the_schema_of_this_version_is_in_the_test_database(database: str) -> None:
    assert await migrate(database) == []
