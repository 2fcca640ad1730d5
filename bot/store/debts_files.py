"""Debts files that somebody handed in on the page: kept until they are decided on, imported once, and who did it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

KEPT = timedelta(days=1)
KEEP = """
INSERT INTO debts_file (name, digest, size, body, uploaded_by, uploaded_at) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id
"""
FORGET = "UPDATE debts_file SET body = NULL WHERE body IS NOT NULL AND uploaded_at < $1"
DROP = "UPDATE debts_file SET body = NULL WHERE id = $1"
BODY = "SELECT body FROM debts_file WHERE id = $1"
# Whoever imports it holds the row until all is written: a second press waits, and then finds it done.
HOLD = "SELECT body FROM debts_file WHERE id = $1 AND imported_at IS NULL FOR UPDATE"
IS_FREE = "SELECT id FROM debts_file WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED"
NOTE_WOULD = "UPDATE debts_file SET would = $2 WHERE id = $1"
NOTE_DID = "UPDATE debts_file SET did = $2, imported_by = $3, imported_at = $4, body = NULL WHERE id = $1"
FIND = """
SELECT f.id, f.name, f.size, f.body IS NOT NULL AS has_body, f.uploaded_at, u.name AS uploaded_by, f.would,
       i.name AS imported_by, f.imported_at, f.did
FROM   debts_file f JOIN app_user u ON u.id = f.uploaded_by LEFT JOIN app_user i ON i.id = f.imported_by
WHERE  f.id = $1
"""
LATEST = """
SELECT f.id, f.name, f.size, f.body IS NOT NULL AS has_body, f.uploaded_at, u.name AS uploaded_by, NULL AS would,
       i.name AS imported_by, f.imported_at, f.did - 'errors' - 'changes' AS did
FROM   debts_file f JOIN app_user u ON u.id = f.uploaded_by LEFT JOIN app_user i ON i.id = f.imported_by
ORDER  BY f.id DESC LIMIT $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtsFileKept:
    """One file. `would` and `did` are reports (`bot.import_report`), the lists in them cut."""

    id: int
    name: str
    size: int
    has_body: bool
    uploaded_at: datetime
    uploaded_by: str
    would: Mapping[str, Any] | None
    imported_by: str | None
    imported_at: datetime | None
    did: Mapping[str, Any] | None


async def keep(conn: Any, *, name: str, digest: str, size: int, body: bytes, by: int, now: datetime) -> int:
    """Keep a file and return its number. What was handed in a day ago and never decided is forgotten."""
    await conn.execute(FORGET, now - KEPT)
    number: int = await conn.fetchval(KEEP, name, digest, size, body, by, now)
    return number


async def find(conn: Any, number: int) -> DebtsFileKept | None:
    """Return a file."""
    row = await conn.fetchrow(FIND, number)
    return _file(row) if row is not None else None


async def latest(conn: Any, limit: int) -> list[DebtsFileKept]:
    """Return the last files, their reports without lists."""
    return [_file(row) for row in await conn.fetch(LATEST, limit)]


async def is_being_imported(conn: Any, number: int) -> bool:
    """Return whether somebody imports it at this moment."""
    return await conn.fetchval(IS_FREE, number) is None


def _file(row: Any) -> DebtsFileKept:
    would, did = (json.loads(row[name]) if row[name] is not None else None for name in ("would", "did"))
    return DebtsFileKept(**{**row, "would": would, "did": did})
