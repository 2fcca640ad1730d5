"""How slow the number has become: refusals for too much halve the rate of what nobody asked for, time brings it back.

Pure: instants are given. Multiplicative decrease, additive recovery, as congestion is handled on networks.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

_LEAST = 1 / 64
_ONE_REFUSAL = timedelta(seconds=5)  # a batch of refusals is one: the answers to what was in flight
_FULL_AGAIN = timedelta(minutes=30)  # from nothing to the whole rate
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowness:
    """The share of the rate (0 to 1) that was left after the last refusal, and when that was (aware UTC)."""

    FORGOTTEN_AFTER_S: ClassVar[int] = int(_FULL_AGAIN.total_seconds())

    share: float = 1.0
    since: datetime = _LONG_AGO

    def share_at(self, now: datetime) -> float:
        """Return the share of the rate that may be used at an instant."""
        return min(1.0, self.share + max(timedelta(), now - self.since) / _FULL_AGAIN)

    def after_refusal(self, now: datetime) -> "Slowness":
        """Return what is left after a refusal at an instant; those that come together count once."""
        if now - self.since < _ONE_REFUSAL and self.share < 1.0:
            return self
        return Slowness(share=max(_LEAST, self.share_at(now) / 2), since=now)

    def written(self) -> str:
        """Return it as kept in Redis."""
        return f"{self.share} {self.since.timestamp()}"

    @staticmethod
    def read(kept: str) -> "Slowness":
        """Return what `written` wrote."""
        share, since = kept.split(" ")
        return Slowness(share=float(share), since=datetime.fromtimestamp(float(since), UTC))
