"""How much the stand-in lets through: messages a second for the number, and messages to one person.

Source: Meta, "Throughput" and "Pair rate limits". Throughput is about machines, so it goes by a monotonic clock; the
pair limit is about a person, so it goes by the clock that everything else goes by, and moves with it.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from bot.clock import seconds
from bot.sandbox.graph_errors import refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The number's limits; zero: none."""

    per_second: int = 80
    pair_every_s: float = 6.0
    pair_burst: int = 45


class Gauge:
    """Counts what went through. Raises Refused above the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._second, self._in_second = 0, 0
        self._free_at: dict[str, float] = defaultdict(float)  # by person: when the borrowed messages are paid back

    def number(self) -> None:
        """Count one message of the number."""
        second = int(seconds())
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        if 0 < self.limits.per_second < self._in_second:
            raise refuse(130429)

    def pair(self, key: str, now: datetime) -> None:
        """Count one message to one person: one in six seconds, and up to 45 at once on credit."""
        if not self.limits.pair_burst:
            return
        at = now.timestamp()
        free_at = max(self._free_at[key], at)
        if free_at - at > (self.limits.pair_burst - 1) * self.limits.pair_every_s:
            raise refuse(131056)
        self._free_at[key] = free_at + self.limits.pair_every_s
