"""How far the ladder in force is rolled out, and stopping it by its own rule."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog

from bot.engine.parts import Parts
from bot.store import ladder_versions, notices
from flows.ladder import Ladder
from flows.rollout import must_stop, percent_at

NOBODY, ALL = Decimal(0), Decimal(100)
log = structlog.get_logger(__name__)


async def reach(conn: Any, ladder: Ladder, now: datetime) -> Decimal:
    """Return the percentage of customers that the ladder reaches now."""
    found = await ladder_versions.version(conn, ladder.digest)
    if found is None:
        return ALL if ladder.rollout is None else ladder.rollout.percent[0]
    return NOBODY if found.stopped_because is not None else percent_at(ladder, found.first_used_at, now)


async def check_once(parts: Parts) -> None:
    """Stop the ladder where too many of those it wrote to turned away."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        ladder = await parts.ladders.in_force(now)
        if ladder is None or ladder.rollout is None:
            return
        took = await ladder_versions.figures(conn, ladder.digest)
        if must_stop(
            ladder.rollout, contacted=took.contacted, turned_away=took.turned_away
        ) and await ladder_versions.stop(conn, ladder.digest, "turned_away", now):
            log.error("ladder.stopped", contacted=took.contacted, turned_away=took.turned_away)
            await notices.tell(
                conn,
                key=f"ladder_stopped:{ladder.digest}",
                kind="ladder_stopped",
                subject=ladder.name,
                queue="operacao",
                now=now,
            )
