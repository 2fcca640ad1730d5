"""The live desk: tells open pages which conversations changed, and nothing else; they ask again for what they show.

PostgreSQL is the truth. Hints come at once through `wake`; every two seconds the open tickets are compared by their
fingerprints, so a lost hint costs two seconds. A page that lost its stream reconnects and looks at everything once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import structlog
from aiohttp import web

from bot.parts import Parts
from bot.store import tickets
from bot.store.database import AWAY
from bot.store.sessions import Session
from bot.web.sessions import current, needs

_LOOK_EVERY_S = 2.0
_ALIVE_EVERY_S = 15.0
_BACKLOG = 500
log = structlog.get_logger(__name__)


class Feed:
    """Hands changes to every open page of this process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._readers: set[asyncio.Queue[int | None]] = set()
        self._seen: dict[int, int] = {}
        self.closing = False

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hints())
            tasks.create_task(self._looks())

    def open(self) -> "asyncio.Queue[int | None]":
        """Return a queue of conversation ids; None ends it."""
        reader: asyncio.Queue[int | None] = asyncio.Queue(_BACKLOG)
        self._readers.add(reader)
        return reader

    def shut(self, reader: "asyncio.Queue[int | None]") -> None:
        """Forget a reader."""
        self._readers.discard(reader)

    def stop(self) -> None:
        """End all readers: the program stops."""
        self.closing = True
        self._tell(None)

    def _tell(self, change: int | None) -> None:
        for reader in self._readers:
            if reader.full():
                reader.get_nowait()  # a page that lags looks at everything anyway
            reader.put_nowait(change)

    async def _hints(self) -> None:
        async for conversation_id in self._parts.wake.desk():
            self._tell(conversation_id)

    async def _looks(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if self._readers:
                await self._look()

    async def _look(self) -> None:
        try:
            async with self._parts.pool.acquire(timeout=_LOOK_EVERY_S) as conn:
                found = await tickets.fingerprints(conn)
        except AWAY as error:
            log.warning("desk.not_looked", error=type(error).__name__)
            return
        changed = {key for key in found.keys() | self._seen.keys() if found.get(key) != self._seen.get(key)}
        self._seen = found
        for conversation_id in changed:
            self._tell(conversation_id)


FEED: web.AppKey[Feed] = web.AppKey("feed", Feed)


@needs("agent")
async def events(request: web.Request, _: Session) -> web.StreamResponse:
    """The stream of changes, as server-sent events, for as long as the session lasts."""
    feed = request.app[FEED]
    stream = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await stream.prepare(request)
    reader = feed.open()
    try:
        with suppress(ConnectionError):
            await stream.write(b"retry: 2000\n\n")
            await _carry(request, reader, stream)
    finally:
        feed.shut(reader)
    return stream


async def watched(app: web.Application) -> AsyncIterator[None]:
    """Keep the feed running as long as the application does."""
    task = asyncio.create_task(app[FEED].run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def stop(app: web.Application) -> None:
    """End the open streams, so that the program can stop."""
    app[FEED].stop()


def routes() -> list[web.RouteDef]:
    """The stream's address."""
    return [web.get("/desk/events", events, allow_head=False)]


async def _carry(request: web.Request, reader: "asyncio.Queue[int | None]", stream: web.StreamResponse) -> None:
    while not request.app[FEED].closing:
        try:
            async with asyncio.timeout(_ALIVE_EVERY_S):
                change = await reader.get()
        except TimeoutError:
            if await current(request) is None:
                return  # logged out elsewhere
            await stream.write(b": alive\n\n")
            continue
        if change is None:
            return
        await stream.write(b"event: changed\ndata: %d\n\n" % change)
