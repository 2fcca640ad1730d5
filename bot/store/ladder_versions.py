"""Versions of the ladder as they are rolled out: since when one is used, how its first people took it, stopping it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

VERSION = "SELECT first_used_at, stopped_because FROM ladder_version WHERE digest = $1"
# Who turned away after this version wrote to them: they asked for silence, said that it is not them, or WhatsApp
# cannot reach them any more though it could before (131026: so it looks to us when somebody blocks us).
FIGURES = """
WITH written AS (
    SELECT c.customer_id, min(c.decided_at) AS at FROM ladder_contact c
    WHERE  c.ladder_digest = $1 AND c.undone_because IS NULL GROUP BY c.customer_id
)
SELECT count(*)::int AS contacted,
       (count(*) FILTER (WHERE k.opted_out_at >= w.at
            OR EXISTS (SELECT FROM ladder_contact c JOIN conversation v ON v.id = c.conversation_id
                       WHERE c.customer_id = w.customer_id AND v.contact_closed_at >= w.at)
            OR EXISTS (SELECT FROM ladder_contact c JOIN outbox o ON o.decision_key = c.decision_key
                       WHERE c.customer_id = w.customer_id AND c.ladder_digest = $1 AND o.error_code = 131026)
       ))::int AS turned_away
FROM   written w JOIN customer k ON k.id = w.customer_id
"""
STOP = """
UPDATE ladder_version SET stopped_at = $2, stopped_because = $3 WHERE digest = $1 AND stopped_at IS NULL RETURNING true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Since when a version is used; why it was stopped, if it was."""

    first_used_at: datetime
    stopped_because: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How many people a version wrote to, and how many of them turned away since."""

    contacted: int
    turned_away: int


async def version(conn: Any, digest: str) -> Version | None:
    """Return a version that is or was in force."""
    row = await conn.fetchrow(VERSION, digest)
    return Version(**row) if row is not None else None


async def figures(conn: Any, digest: str) -> Figures:
    """Return how people took a version."""
    return Figures(**await conn.fetchrow(FIGURES, digest))


async def stop(conn: Any, digest: str, because: str, now: datetime) -> bool:
    """Stop a version: it reminds nobody any more. Return whether that is new."""
    return bool(await conn.fetchval(STOP, digest, now, because))
