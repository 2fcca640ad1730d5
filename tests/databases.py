"""Databases for tests: each finds one as the migrations leave it. One that a test only put rows into is emptied and
given to the next, in a tenth of the time that another takes; one in which it changed anything else is thrown away."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

_TEMPLATE = "migrated"
_LARGE_BYTES = 16 * 1024 * 1024  # an empty one has ten million; rows that are gone would go on costing time

# Whatever lies in a catalogue row, its xmin tells who wrote it last.
_STRUCTURE = """
SELECT json_build_array(
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_class WHERE oid >= 16384),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_attribute WHERE attrelid >= 16384),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_attrdef WHERE oid >= 16384),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_constraint WHERE oid >= 16384),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_index WHERE indrelid >= 16384),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_trigger WHERE oid >= 16384),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_proc WHERE oid >= 16384),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_type WHERE oid >= 16384),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_namespace),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_rewrite WHERE oid >= 16384),
    (SELECT json_build_array(count(*), sum(xmin::text::int8)) FROM pg_extension),
    (SELECT count(*) FROM pg_statistic WHERE starelid >= 16384),
    (SELECT count(*) FROM pg_largeobject_metadata),
    (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
     WHERE d.datname = current_database())
)::text
"""
_TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_NUMBERS_IN_USE = "SELECT seqrelid::regclass::text FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL"
_SOMEBODY_OR_MUCH_INSIDE = """
SELECT pg_database_size(current_database()) > $1 OR EXISTS (
    SELECT FROM pg_stat_activity
    WHERE  datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend')
"""
# Triggers that guard rows, and the order in which tables refer to each other, are nothing to one who empties all.
_EMPTY = """
DO $$
DECLARE one text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
               AND pg_relation_size(oid) > 0
    LOOP
        IF one <> ALL ({filled}) THEN EXECUTE 'DELETE FROM ' || one; END IF;
    END LOOP;
    PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL;
END $$
"""


@dataclass(slots=True)
class Databases:
    """Those of one server, whose template has been migrated."""

    dsn: str
    _spare: list[str] = field(default_factory=list)
    _structure: str | None = None
    _filled: dict[str, list[str]] = field(default_factory=dict)  # what the migrations themselves put into tables
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def prepare(self) -> str:
        """Make the template and return its address: migrate it before anything is taken."""
        await execute(self.dsn, f"CREATE DATABASE {_TEMPLATE}")
        return on_database(self.dsn, _TEMPLATE)

    async def take(self) -> str:
        """Return the name of a database as the migrations leave it."""
        if self._spare:
            return self._spare.pop()
        if self._structure is None:
            await self._remember()
        name = f"test_{next(self._numbers)}"
        await execute(self.dsn, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY")
        return name

    async def give_back(self, name: str) -> None:
        """Empty it for the next; where that is not enough, throw it away."""
        if await self._emptied(name):
            self._spare.append(name)
        else:
            await execute(self.dsn, f"DROP DATABASE {name} WITH (FORCE)")

    async def _emptied(self, name: str) -> bool:
        conn = await asyncpg.connect(on_database(self.dsn, name))
        try:
            if await conn.fetchval(_SOMEBODY_OR_MUCH_INSIDE, _LARGE_BYTES):
                return False
            if await conn.fetchval(_STRUCTURE) != self._structure:
                return False
            for table, rows in self._filled.items():
                if await _rows(conn, table) != rows:
                    return False
            await conn.execute(_empty(self._filled))
        finally:
            await conn.close()
        return True

    async def _remember(self) -> None:
        conn = await asyncpg.connect(on_database(self.dsn, _TEMPLATE))
        try:
            for table in [row[0] for row in await conn.fetch(_TABLES)]:
                if rows := await _rows(conn, table):
                    self._filled[table] = rows
            assert not await conn.fetch(_NUMBERS_IN_USE), "a migration takes numbers: _EMPTY would give them again"
            self._structure = await conn.fetchval(_STRUCTURE)
        finally:
            await conn.close()


def on_database(dsn: str, name: str) -> str:
    """Return the address of another database of the same server."""
    head, query = dsn.split("?", 1)
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


async def execute(dsn: str, statement: str) -> None:
    """Run one statement in a session of its own."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


async def _rows(conn: Any, table: str) -> list[str]:
    return await conn.fetchval(f"SELECT array_agg(t::text ORDER BY t::text) FROM {table} t") or []


def _empty(filled: Iterable[str]) -> str:
    names = ", ".join(f"'{name}'" for name in filled)
    return _EMPTY.replace("{filled}", f"ARRAY[{names}]::text[]")
