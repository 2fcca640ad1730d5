"""Pacing: how many messages may go out now, over all senders of one number.

A token bucket in Redis, so that several processes share the number's tier. Without Redis each process paces itself: a
lost Redis may then cost a refusal by WhatsApp (130429, repeated later), never a message.
"""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.clock import seconds

_ANSWER_S = 1.0
log = structlog.get_logger(__name__)

# Tokens drip in with Redis's own time; one second's worth is the most that can be saved up.
_TAKE = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
local rate, want = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = math.min(rate, (tonumber(kept[1]) or rate) + (at - (tonumber(kept[2]) or at)) * rate)
local given = math.max(0, math.min(want, math.floor(tokens)))
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - given), 'at', tostring(at))
redis.call('EXPIRE', KEYS[1], 10)
return given
"""


class Pacing:
    """The number's bucket."""

    def __init__(self, redis: "Redis | None", *, number: str, per_second: int) -> None:
        self._redis, self._per_second = redis, per_second
        self._key = f"acerto:rate:{number}"
        self._tokens, self._at = float(per_second), seconds()
        self._held_until = 0.0

    def hold(self, for_s: float) -> None:
        """Send nothing from this process for a while: the channel itself refused, not a message."""
        self._held_until = max(self._held_until, seconds() + for_s)

    async def take(self, want: int) -> int:
        """Return how many messages (0 to `want`) may be sent now; they count as sent."""
        if seconds() < self._held_until:
            return 0
        if self._redis is not None:
            try:
                async with asyncio.timeout(_ANSWER_S):  # one that hangs is as good as none
                    return int(await self._redis.eval(_TAKE, 1, self._key, self._per_second, want))
            except (RedisError, OSError) as error:
                log.warning("pacing.alone", error=type(error).__name__)
        now = seconds()
        self._tokens = min(self._per_second, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        given = max(0, min(want, int(self._tokens)))
        self._tokens -= given
        return given
