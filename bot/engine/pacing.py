"""Pacing: how many messages may go out now, over all senders of one number.

A token bucket in Redis, so that several processes share the number's tier; its last part is kept for answers, and what
nobody asked for has a rate of its own that refusals bring down. Without Redis each process paces itself: a lost Redis
may then cost a refusal by WhatsApp (130429, repeated later), never a message.
"""

import asyncio
from datetime import datetime

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.clock import seconds
from bot.engine.pair_rate import PairRate
from bot.engine.slowness import Slowness

_ANSWER_S = 1.0
_ALONE_S = 5.0  # a Redis that did not answer is not asked again for so long
_KEPT_FOR_ANSWERS = 5  # a fifth of the bucket
log = structlog.get_logger(__name__)

# Tokens drip in with Redis's own time; one second's worth is the most that can be saved up. What nobody asked for takes
# from both buckets, and from the first only down to what is kept for answers.
_TAKE = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
local rate, kept, slow = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local answers, active = tonumber(ARGV[4]), tonumber(ARGV[5])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'active', 'at')
local passed = math.max(0, at - (tonumber(held[3]) or at))
local tokens = math.min(rate, (tonumber(held[1]) or rate) + passed * rate)
local room = math.min(math.max(1, slow), (tonumber(held[2]) or slow) + passed * slow)
local given = math.max(0, math.min(answers, math.floor(tokens)))
local more = math.max(0, math.min(active, math.floor(tokens - given - kept), math.floor(room)))
tokens, room = tokens - given - more, room - more
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'active', tostring(room), 'at', tostring(at))
redis.call('EXPIRE', KEYS[1], 10)
return {given, more}
"""


class Pacing:
    """The number's bucket, and how slow it has become."""

    def __init__(self, redis: "Redis | None", *, number: str, per_second: int) -> None:
        self.pairs = PairRate(redis, number=number)
        self._redis, self._rate = redis, per_second
        self._kept = per_second // _KEPT_FOR_ANSWERS
        self._key = f"acerto:rate:{number}"
        self._slow_key = f"acerto:slow:{number}"
        self._tokens, self._active, self._at = float(per_second), float(per_second), seconds()
        self._slowness = Slowness()
        self._held_until = self._active_held_until = self._alone_until = float("-inf")

    def hold(self, for_s: float) -> None:
        """Send nothing from this process for a while: the channel itself refused, not a message."""
        self._held_until = max(self._held_until, seconds() + for_s)

    def hold_active(self, for_s: float) -> None:
        """Send nothing from this process for a while that nobody asked for."""
        self._active_held_until = max(self._active_held_until, seconds() + for_s)

    async def slow_down(self, now: datetime) -> None:
        """WhatsApp refused for too much: halve the rate of what nobody asked for, for every sender."""
        kept = await self._told(self._slow_key)
        self._slowness = (Slowness.read(kept) if kept else self._slowness).after_refusal(now)
        await self._tell(self._slow_key, self._slowness.written())
        log.warning("pacing.slowed", share=self._slowness.share_at(now))

    async def take(self, answers: int, active: int, *, now: datetime, share: float = 1.0) -> tuple[int, int]:
        """Return how many answers and how many messages that nobody asked for may be sent now; they count as sent.

        `share`: the part of the rate that the latter have at most (0 to 1), besides what refusals have brought it to.
        """
        if seconds() < self._held_until:
            return 0, 0
        if seconds() < self._active_held_until:
            active = 0
        if active and (kept := await self._told(self._slow_key)):
            self._slowness = Slowness.read(kept)
        slow = self._rate * min(share, self._slowness.share_at(now))
        if self._redis is not None and seconds() >= self._alone_until:
            try:
                async with asyncio.timeout(_ANSWER_S):  # one that hangs is as good as none
                    given, more = await self._redis.eval(
                        _TAKE, 1, self._key, self._rate, self._kept, slow, answers, active
                    )
                    return int(given), int(more)
            except (RedisError, OSError) as error:
                self._go_on_alone(error)
        return self._take_alone(slow, answers, active)

    def _take_alone(self, slow: float, answers: int, active: int) -> tuple[int, int]:
        at = seconds()
        passed, self._at = at - self._at, at
        self._tokens = min(self._rate, self._tokens + passed * self._rate)
        self._active = min(max(1.0, slow), self._active + passed * slow)
        given = max(0, min(answers, int(self._tokens)))
        more = max(0, min(active, int(self._tokens - given - self._kept), int(self._active)))
        self._tokens -= given + more
        self._active -= more
        return given, more

    async def _told(self, key: str) -> str | None:
        if self._redis is None or seconds() < self._alone_until:
            return None
        try:
            async with asyncio.timeout(_ANSWER_S):
                kept = await self._redis.get(key)
        except (RedisError, OSError) as error:
            self._go_on_alone(error)
            return None
        return kept.decode("ascii") if isinstance(kept, bytes) else kept

    async def _tell(self, key: str, value: str) -> None:
        if self._redis is None or seconds() < self._alone_until:
            return
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._redis.set(key, value, ex=Slowness.FORGOTTEN_AFTER_S)
        except (RedisError, OSError) as error:
            self._go_on_alone(error)

    def _go_on_alone(self, error: BaseException) -> None:
        self._alone_until = seconds() + _ALONE_S
        log.warning("pacing.alone", error=type(error).__name__)
