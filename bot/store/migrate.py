"""Migrations: numbered SQL files, forward only, each in its own transaction, under one lock for all processes."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

SCHEMA = Path(__file__).parent / "schema"
_LOCK = 4_152_719  # any number, as long as it is always this one
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
BOOK = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    digest     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
APPLIED = "SELECT number, name, digest FROM schema_migration ORDER BY number"
NOTE = "INSERT INTO schema_migration (number, name, digest) VALUES ($1, $2, $3)"


class MigrationError(Exception):
    """The database and these files do not belong together. The message says what to do."""


class DatabaseAway(Exception):
    """The database cannot be reached, or refuses us. The message says what to do, and nothing of the address: it may
    hold a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """sha256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = SCHEMA) -> list[Migration]:
    """Return the files in order. Raises MigrationError for a gap or a name that is none."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: name it like 0007_charges_know_their_revision.sql")
        found.append(Migration(number=int(match[1]), name=path.name, sql=path.read_text(encoding="utf-8")))
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise MigrationError(f"{migration.name}: number {expected:04d} is missing or taken twice")
    return found


async def migrate(dsn: str, folder: Path = SCHEMA) -> list[int]:
    """Bring the database at `dsn` to this version and return the numbers applied. Safe in several processes at once.

    Raises MigrationError where the database is newer than these files, or a file was changed after it was applied, and
    DatabaseAway where there is no talking to it.
    """
    conn = await _connected(dsn)
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await conn.execute(BOOK)
        wanted = _missing(migrations(folder), await conn.fetch(APPLIED))
        for migration in wanted:
            async with conn.transaction():
                await conn.execute(migration.sql)
                await conn.execute(NOTE, migration.number, migration.name, migration.digest)
        return [migration.number for migration in wanted]
    finally:
        await conn.close()  # the lock goes with the session


async def _connected(dsn: str) -> "asyncpg.Connection[Any]":
    try:
        return await asyncpg.connect(dsn)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseAway(
            f"The database does not let us in ({type(error).__name__}); "
            "check ACERTO_DATABASE_URL and that PostgreSQL runs."
        ) from error


async def is_current(conn: Any, folder: Path = SCHEMA) -> bool:
    """Return whether every migration of this version is applied."""
    try:
        rows = await conn.fetch(APPLIED)
    except asyncpg.UndefinedTableError:
        return False
    return not _missing(migrations(folder), rows)


def _missing(files: Sequence[Migration], rows: Sequence[Any]) -> list[Migration]:
    applied = {row["number"]: row for row in rows}
    newer = [row["name"] for row in rows if row["number"] > len(files)]
    if newer:
        raise MigrationError(
            f"the database was brought to {newer[-1]} by a newer version; install that version or restore a backup"
        )
    for migration in files:
        row = applied.get(migration.number)
        if row is not None and row["digest"] != migration.digest:
            raise MigrationError(
                f"{migration.name} was changed after it was applied; put it back and write a new file instead"
            )
    return [migration for migration in files if migration.number not in applied]
