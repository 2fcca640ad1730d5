"""Failed logins, counted for a while by name, by address and by both: guessing gets slow, colleagues stay free.

Kept in memory, bounded, by each process for itself.
"""

from collections import OrderedDict, deque
from datetime import datetime, timedelta

REMEMBERED = timedelta(minutes=15)
_TOGETHER, _OF_NAME, _OF_ADDRESS = 5, 50, 50
_KEYS_KEPT = 20_000


class Attempts:
    """What failed lately."""

    def __init__(self) -> None:
        self._failed: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()

    def too_many(self, name: str, address: str, now: datetime) -> bool:
        """Return whether another try has to wait."""
        return any(self._count(key, now) >= limit for key, limit in _keys(name, address))

    def note(self, name: str, address: str, now: datetime) -> None:
        """Count a try as failed; `forget` it once it turns out right."""
        for key, limit in _keys(name, address):
            self._failed.setdefault(key, deque(maxlen=limit)).append(now)
            self._failed.move_to_end(key)
        while len(self._failed) > _KEYS_KEPT:
            self._failed.popitem(last=False)

    def forget(self, name: str, address: str) -> None:
        """The password was right: this person at this address begins anew, and the others lose only this one try."""
        together, *others = (key for key, _ in _keys(name, address))
        self._failed.pop(together, None)
        for key in others:
            if self._failed.get(key):
                self._failed[key].pop()

    def _count(self, key: tuple[str, str], now: datetime) -> int:
        failed = self._failed.get(key, deque())
        while failed and failed[0] <= now - REMEMBERED:
            failed.popleft()
        return len(failed)


def _keys(name: str, address: str) -> list[tuple[tuple[str, str], int]]:
    name = " ".join(name.split()).casefold()
    return [((name, address), _TOGETHER), ((name, ""), _OF_NAME), (("", address), _OF_ADDRESS)]
