"""Staying alive while the database is away: a round that could not be done is waited for and done again, not died
of."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.store.database import ANY_TROUBLE

_DATABASE_AWAY_S = 1.0
T = TypeVar("T")
log = structlog.get_logger(__name__)


async def kept_alive(work: Callable[[], Awaitable[T]], otherwise: T) -> T:
    """Do one round of a loop; where the database is away, log it, wait a little and return `otherwise`."""
    try:
        return await work()
    except ANY_TROUBLE as error:
        log.error("engine.database_away", error=type(error).__name__)
        await asyncio.sleep(_DATABASE_AWAY_S)
        return otherwise
