"""The pair rate: how often one person may be written to, over all senders of one number.

One message in 6 s, and up to 45 at once that are borrowed from the future (20 at once: two minutes of silence); above
WhatsApp refuses (131056). Answers borrow, what nobody asked for never does. Source: Meta, "Pair rate limits".
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.clock import seconds

EVERY_S = 6.0
BURST = 45
_ANSWER_S = 1.0
_ALONE_S = 5.0
_KNOWN = 10_000
log = structlog.get_logger(__name__)

# By person the instant when everything borrowed is paid back. A message goes out if that is not further away than its
# allowance; else the answer is when it may.
_TAKE = """
local now, every = tonumber(ARGV[1]), tonumber(ARGV[2])
local waits = {}
for i, key in ipairs(KEYS) do
    local free = math.max(now, tonumber(redis.call('GET', key)) or now)
    local ahead = tonumber(ARGV[2 + i])
    if free - now > ahead then
        waits[i] = string.format('%.6f', free - ahead)
    else
        redis.call('SET', key, string.format('%.6f', free + every), 'EX', math.ceil(free + every - now) + 1)
        waits[i] = '0'
    end
end
return waits
"""


class PairRate:
    """The buckets of people, known by their conversation's id."""

    def __init__(self, redis: "Redis | None", *, number: str) -> None:
        self._redis, self._key = redis, f"acerto:pair:{number}:"
        self._free_at: dict[int, float] = {}
        self._alone_until = float("-inf")

    async def take(self, borrows: Mapping[int, bool], *, now: datetime) -> dict[int, datetime]:
        """Count a message to each conversation, `borrows` telling which may borrow. Return those that must wait (they
        do not count), each until when (UTC)."""
        if not borrows:
            return {}
        ahead = [(BURST - 1) * EVERY_S if may else 0.0 for may in borrows.values()]
        waits = await self._asked(list(borrows), ahead, now)
        if waits is None:
            at = now.timestamp()
            waits = [self._take_alone(who, most, at) for who, most in zip(borrows, ahead, strict=True)]
        return {
            who: max(datetime.fromtimestamp(until, UTC), now + timedelta(milliseconds=1))
            for who, until in zip(borrows, waits, strict=True)
            if until
        }

    async def _asked(self, who: list[int], ahead: list[float], now: datetime) -> list[float] | None:
        if self._redis is None or seconds() < self._alone_until:
            return None
        try:
            async with asyncio.timeout(_ANSWER_S):  # one that hangs is as good as none
                waits = await self._redis.eval(
                    _TAKE, len(who), *(f"{self._key}{w}" for w in who), now.timestamp(), EVERY_S, *ahead
                )
        except (RedisError, OSError) as error:
            self._alone_until = seconds() + _ALONE_S
            log.warning("pacing.alone", error=type(error).__name__)
            return None
        return [float(until) for until in waits]

    def _take_alone(self, who: int, ahead: float, at: float) -> float:
        free = max(at, self._free_at.get(who, at))
        if free - at > ahead:
            return free - ahead
        if len(self._free_at) >= _KNOWN:
            self._free_at = {other: until for other, until in self._free_at.items() if until > at}
        self._free_at[who] = free + EVERY_S
        return 0.0
