"""Notices: lines for people that belong to no customer, told once each, until somebody has seen them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

TELL = """
INSERT INTO notice (key, kind, subject, queue, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (key) DO NOTHING RETURNING true
"""
OPEN = "SELECT id, kind, subject, queue, created_at FROM notice WHERE seen_at IS NULL ORDER BY id DESC LIMIT $1"
SEEN = "UPDATE notice SET seen_at = $2, seen_by = $3 WHERE id = $1 AND seen_at IS NULL RETURNING true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One line: what happened (`kind`, a code), to what, and whose it is to look at."""

    id: int
    kind: str
    subject: str
    queue: str
    created_at: datetime


async def tell(conn: Any, *, key: str, kind: str, subject: str, queue: str, now: datetime) -> bool:
    """Tell something; return whether it is new."""
    return bool(await conn.fetchval(TELL, key, kind, subject, queue, now))


async def open_notices(conn: Any, limit: int = 100) -> list[Notice]:
    """Return what nobody has seen yet, newest first."""
    return [Notice(**row) for row in await conn.fetch(OPEN, limit)]


async def seen(conn: Any, notice_id: int, *, by: str, now: datetime) -> bool:
    """Note that somebody has seen it; return whether they were the first."""
    return bool(await conn.fetchval(SEEN, notice_id, now, by))
