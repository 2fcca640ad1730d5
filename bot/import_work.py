"""A kept debts file, looked at or brought in, by the very code of `acerto import`.

A large file takes minutes: the work is done beside the loop that serves pages, in a thread with a loop and a connection
of its own.
"""

import asyncio
import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.debts_csv import DebtsFile, read_debts
from bot.import_report import by_line, report
from bot.parts import open_database
from bot.settings import Settings
from bot.store import debts_files, imports

LISTED = 500  # mistakes and changes that are kept of a file; the others are counted


async def look(settings: Settings, number: int, now: datetime) -> None:
    """Note what an import of this file would do."""
    await asyncio.to_thread(_run, settings, number, now, None)


async def bring_in(settings: Settings, number: int, now: datetime, *, by: int) -> None:
    """Import this file, unless that was done already."""
    await asyncio.to_thread(_run, settings, number, now, by)


def _run(settings: Settings, number: int, now: datetime, by: int | None) -> None:
    asyncio.run(_look(settings, number, now) if by is None else _bring_in(settings, number, now, by))


async def _look(settings: Settings, number: int, now: datetime) -> None:
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn:
        body = await conn.fetchval(debts_files.BODY, number)
        if body is None:
            return
        read = read_debts(zlib.decompress(body))
        imported = await imports.import_debts(conn, read.rows, now=now, dry_run=True)
        await conn.execute(debts_files.NOTE_WOULD, number, _kept(read, imported))


async def _bring_in(settings: Settings, number: int, now: datetime, by: int) -> None:
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn, conn.transaction():
        body = await conn.fetchval(debts_files.HOLD, number)
        if body is None:
            return
        read = read_debts(zlib.decompress(body))
        imported = await imports.import_debts(conn, read.rows, now=now)
        await conn.execute(debts_files.NOTE_DID, number, _kept(read, imported), by, now)


def _kept(read: DebtsFile, imported: imports.Imported) -> str:
    told: Mapping[str, Any] = report(imported, by_line(*read.errors, *imported.errors))
    errors, changes = told["errors"], told["changes"]
    lines_left_out = len({error["line"] for error in errors})
    counts = {"errors_count": len(errors), "changes_count": len(changes), "lines_left_out": lines_left_out}
    return json.dumps({**told, **counts, "errors": errors[:LISTED], "changes": changes[:LISTED]}, ensure_ascii=False)
