"""Wake-ups: tells the loops of this process, and through Redis those of the others, that there is something to do.

A wake-up is a hint. Every loop also looks by itself once in a while, so a lost one costs latency and nothing else; that
is why Redis may be away, be flushed or be killed at any time.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

CHANNEL = "acerto:wake"
_RECONNECT_S = 1.0
_GATHER_S = 0.01  # after a message the next one waits this long: under load, one tells of many
_DESK_BACKLOG = 1000
log = structlog.get_logger(__name__)


class Wake:
    """Named bells. Ringing one that already rings is free, so a thousand events cost one message."""

    def __init__(self, redis: "Redis | None") -> None:
        self._redis = redis
        self._me = secrets.token_hex(4)
        self._bells: dict[str, asyncio.Event] = {}
        self._outgoing: set[str] = set()
        self._something_to_tell = asyncio.Event()
        self._desks: set[asyncio.Queue[int]] = set()

    def ring(self, *names: str) -> None:
        """Wake whoever waits for one of `names`, here and in the other processes."""
        for name in names:
            self._bell(name).set()
        if self._redis is not None:
            self._outgoing.update(names)
            self._something_to_tell.set()

    def stir(self) -> None:
        """Wake every loop of this process, whatever it waits for: it is time to stop."""
        for bell in self._bells.values():
            bell.set()

    def turns(self) -> None:
        """There are events in the inbox."""
        self.ring("turns")

    def sends(self) -> None:
        """There are messages in the outbox."""
        self.ring("sends")

    def desk_changed(self, conversation_id: int) -> None:
        """Something that an agent may be looking at has changed."""
        self._tell_desks(conversation_id)
        if self._redis is not None:
            self._outgoing.add(f"desk:{conversation_id}")
            self._something_to_tell.set()

    async def wait(self, name: str, *, at_most_s: float) -> None:
        """Return when `name` is rung, or after `at_most_s`: the look without a hint."""
        bell = self._bell(name)
        try:
            async with asyncio.timeout(at_most_s):
                await bell.wait()
        except TimeoutError:
            pass
        bell.clear()

    async def desk(self) -> AsyncIterator[int]:
        """Yield the ids of conversations as they change. A reader that lags loses the oldest hints, never a fact."""
        queue: asyncio.Queue[int] = asyncio.Queue(_DESK_BACKLOG)
        self._desks.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._desks.discard(queue)

    async def trouble(self) -> str | None:
        """Ask Redis whether it is there; return the kind of error where it is not."""
        if self._redis is None:
            return "not set"
        try:
            await self._redis.ping()
        except (RedisError, OSError) as error:
            return type(error).__name__
        return None

    async def run(self) -> None:
        """Carry wake-ups to and from Redis until cancelled."""
        if self._redis is None:
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish(self._redis))
            tasks.create_task(self._listen(self._redis))

    async def _publish(self, redis: "Redis") -> None:
        while True:
            await self._something_to_tell.wait()
            self._something_to_tell.clear()
            names, self._outgoing = self._outgoing, set()
            try:
                await redis.publish(CHANNEL, f"{self._me} {' '.join(names)}")
            except (RedisError, OSError) as error:
                log.warning("wake.not_published", error=type(error).__name__)
                await asyncio.sleep(_RECONNECT_S)
            await asyncio.sleep(_GATHER_S)

    async def _listen(self, redis: "Redis") -> None:
        while True:
            try:
                async with redis.pubsub() as subscription:
                    await subscription.subscribe(CHANNEL)
                    async for message in subscription.listen():
                        if message["type"] == "message":
                            self._hear(message["data"])
            except (RedisError, OSError) as error:
                log.warning("wake.not_listening", error=type(error).__name__)
                await asyncio.sleep(_RECONNECT_S)

    def _hear(self, data: bytes) -> None:
        sender, *names = data.decode("ascii", "replace").split(" ")
        if sender == self._me:
            return
        for name in names:
            if name.startswith("desk:") and name[5:].isdigit():
                self._tell_desks(int(name[5:]))
            else:
                self._bell(name).set()

    def _tell_desks(self, conversation_id: int) -> None:
        for queue in self._desks:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(conversation_id)

    def _bell(self, name: str) -> asyncio.Event:
        return self._bells.setdefault(name, asyncio.Event())
