"""Where now comes from: the only module that asks the machine for the time. Instants are aware and UTC."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_FILE = "clock"


class Clock(Protocol):
    """Tells now."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's instant."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still, for drills."""

    def __init__(self, at: datetime) -> None:
        assert at.tzinfo is not None
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self._at


class MovableClock:
    """A clock that can be moved and stopped, shared by every process of one home and kept over restarts.

    Its file holds either `+<seconds>` or `-<seconds>` (the machine's time, moved) or `=<instant>` (it stands still).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int] | None = None
        self._offset = timedelta()
        self._frozen: datetime | None = None
        if not path.exists():
            self._write("+0")

    def now(self) -> datetime:
        """Return the moved instant; another process's move is seen at once."""
        self._look()
        return self._frozen if self._frozen is not None else datetime.now(UTC) + self._offset

    def move(self, by: timedelta) -> datetime:
        """Move the clock and return its new instant."""
        return self.set(self.now() + by)

    def set(self, to: datetime) -> datetime:
        """Set the clock; a clock that stands still stays still there."""
        self._look()
        if self._frozen is not None:
            return self.freeze(to)
        self._write(f"{(to.astimezone(UTC) - datetime.now(UTC)).total_seconds():+}")
        return self.now()

    def freeze(self, at: datetime) -> datetime:
        """Let the clock stand still at an instant."""
        self._write(f"={at.astimezone(UTC).isoformat()}")
        return self.now()

    def _look(self) -> None:
        stat = self._path.stat()
        if self._read_at == (stat.st_mtime_ns, stat.st_ino):
            return
        text = self._path.read_text(encoding="ascii")
        self._frozen = datetime.fromisoformat(text[1:]) if text.startswith("=") else None
        self._offset = timedelta() if self._frozen else timedelta(seconds=float(text))
        self._read_at = (stat.st_mtime_ns, stat.st_ino)

    def _write(self, text: str) -> None:
        draft = self._path.with_suffix(".draft")
        draft.write_text(text, encoding="ascii")
        draft.replace(self._path)  # atomic, and a new inode: readers see the one or the other


def clock_of(home: Path) -> MovableClock | None:
    """Return the movable clock of a demo's home, None where there is none."""
    return MovableClock(home / _FILE) if (home / _FILE).exists() else None


def movable_clock(home: Path) -> MovableClock:
    """Return the movable clock of `home`, made where there is none."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return MovableClock(home / _FILE)


def seconds() -> float:
    """Return a monotonic number of seconds, for measuring how long something took."""
    return time.perf_counter()
