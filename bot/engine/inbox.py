"""Into the inbox: many requests at once become one insert and one commit, and only then is anybody told that it is
safe.

Concurrent webhooks share a batch (64 requests, one commit). The queue is bounded; full means "say so" (503), never
"drop".
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from bot.clock import Clock
from bot.engine.events import to_raw
from bot.engine.wake import Wake
from bot.store import inbox
from bot.store.database import ANY_TROUBLE
from bot.store.inbox import Arrival
from flows.events import Event

TOO_OLD = timedelta(days=8)  # Meta retries for 7 days; what is older is a replayed capture
_BATCH_REQUESTS = 64
_QUEUE_REQUESTS = 2000
_KNOWN_NAMES = 50_000
log = structlog.get_logger(__name__)


class InboxUnavailable(Exception):
    """The event could not be stored, so it must not be acknowledged; the sender will repeat it. Answer 503."""


async def put_event(
    conn: Any, *, source: str, dedupe_key: str, conversation_id: int, event: Event, now: datetime
) -> bool:
    """Put an event of our own making into the inbox. Return whether it is new. Ring `wake.turns()` after the commit."""
    return await inbox.put_raw_event(
        conn, source=source, dedupe_key=dedupe_key, conversation_id=conversation_id, raw=to_raw(event), now=now
    )


async def put_events(conn: Any, *, source: str, events: Sequence[tuple[str, int, Event]], now: datetime) -> int:
    """Put events of our own making (dedupe key, conversation, event) into the inbox, in their order.

    Return how many are new. Ring `wake.turns()` after the commit.
    """
    raws = [(key, conversation_id, to_raw(event)) for key, conversation_id, event in events]
    return await inbox.put_raw_events(conn, source=source, events=raws, now=now)


@dataclass(slots=True)
class _Request:
    arrivals: Sequence[Arrival]
    stored: asyncio.Future[None]


class Ingest:
    """Collects what concurrent requests bring and commits it together."""

    def __init__(self, pool: "asyncpg.Pool[Any]", clock: Clock, wake: Wake) -> None:
        self._pool, self._clock, self._wake = pool, clock, wake
        self._waiting: asyncio.Queue[_Request] = asyncio.Queue(_QUEUE_REQUESTS)
        self._homes: dict[str, int] = {}

    async def put(self, arrivals: Sequence[Arrival]) -> None:
        """Return once `arrivals` are committed. Raises InboxUnavailable if they are not."""
        if not arrivals:
            return
        request = _Request(arrivals, asyncio.get_running_loop().create_future())
        try:
            self._waiting.put_nowait(request)
        except asyncio.QueueFull:
            raise InboxUnavailable("the inbox queue is full") from None
        await request.stored

    async def run(self) -> None:
        """Commit batches until cancelled."""
        while True:
            batch = self._more([await self._waiting.get()])
            try:
                # As long as there is more to do the connection is kept: taking one costs as much as a small batch.
                async with self._pool.acquire() as conn:
                    while batch:
                        await self._commit(conn, [a for request in batch for a in request.arrivals])
                        self._answer(batch, None)
                        batch = self._more([])
            except ANY_TROUBLE as error:
                log.error("inbox.not_stored", error=type(error).__name__, requests=len(batch))
                self._answer(batch, InboxUnavailable("the database is away"))
            except asyncio.CancelledError:
                self._answer(batch, InboxUnavailable("stopping"))
                raise

    def _more(self, batch: list[_Request]) -> list[_Request]:
        while len(batch) < _BATCH_REQUESTS and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        return batch

    async def _commit(self, conn: Any, arrivals: list[Arrival]) -> None:
        await self._find_homes(conn, arrivals)
        await inbox.take_in(conn, arrivals, self._homes)
        self._wake.ring(*{_BELLS[a.kind] for a in arrivals if a.kind in _BELLS})

    async def _find_homes(self, conn: Any, arrivals: list[Arrival]) -> None:
        unknown = [a.names for a in arrivals if a.names and not all(name in self._homes for name in a.names)]
        if unknown:
            if len(self._homes) > _KNOWN_NAMES:
                self._homes.clear()
            known = [a.names for a in arrivals if a.names]
            self._homes |= await inbox.conversations_of(conn, known, self._clock.now())

    def _answer(self, batch: list[_Request], error: Exception | None) -> None:
        for request in batch:
            if request.stored.done():
                continue
            if error is None:
                request.stored.set_result(None)
            else:
                request.stored.set_exception(error)


_BELLS = {"message": "turns", "event": "turns", "status": "statuses", "pix": "pix", "other": "news"}
