"""The last simulation of the ladder, drawn: what it sent day by day and hour by hour, what was paid, what it cost.

The file is the one that `acerto simulate` leaves in the home; whoever has none has simulated nothing yet. Geometry is
in units of the drawing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, TypeAlias

import structlog
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

_SIZE_MAX = 1 << 20
_HOURS = 24
_WEEK = 7
_WIDTH, _HEIGHT = 720, 240
_LEFT, _TOP, _BOTTOM = 64, 12, 26  # room for the numbers beside and below
_GAP = 0.24  # of a bar's place
_STEPS = (1, 2, 5, 10)
log = structlog.get_logger(__name__)

Count: TypeAlias = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDay:
    """What happened on one day, counted from 0: messages, payments, agreements."""

    day: Count
    sent: Count
    paid: Count
    agreements: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedLadder:
    """Which version of which ladder."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """One run. `by_hour`: messages by local hour; `cost` in `currency` (ISO 4217), where prices were known; `breaches`:
    what happened that must not."""

    days: Annotated[int, Field(ge=1)]
    customers: Count
    seed: int
    by_day: Annotated[tuple[SimulatedDay, ...], Field(min_length=1, max_length=2000)]
    by_hour: Annotated[tuple[Count, ...], Field(min_length=_HOURS, max_length=_HOURS)]
    ran_at: AwareDatetime
    cost: Decimal | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    ladder: SimulatedLadder | None = None
    breaches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar and what it stands for. `n`: of its day or hour."""

    n: int
    value: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A number on an axis and where it stands."""

    at: float
    says: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Bars, lines by their name (points as SVG writes them), and both axes."""

    bars: tuple[Bar, ...]
    lines: tuple[tuple[str, str], ...]
    down: tuple[Tick, ...]
    along: tuple[Tick, ...]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Sums of some days, which are counted from 1."""

    first: int
    last: int
    sent: int
    paid: int
    agreements: int


def last_simulation(home: Path) -> Simulation | None:
    """Return the last simulation; None where there is none, or where the file is not one."""
    file = home / "simulations" / "last.json"
    try:
        with file.open("rb") as opened:
            source = opened.read(_SIZE_MAX + 1)
        return _READER.validate_json(source) if len(source) <= _SIZE_MAX else None
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("simulation.unreadable", error=type(error).__name__)
        return None


def by_day(simulation: Simulation) -> Plot:
    """Draw the days: bars of what was sent, lines of what was paid and agreed."""
    days = simulation.by_day
    top = _round_number(max(max(day.sent, day.paid, day.agreements) for day in days))
    every = _round_number(max(1, len(days) // 9)) if len(days) > _WEEK * 9 else _WEEK
    return Plot(
        bars=_bars([day.sent for day in days], top, first=1),
        lines=(
            ("paid", _line([day.paid for day in days], top)),
            ("agreements", _line([day.agreements for day in days], top)),
        ),
        down=_down(top),
        along=tuple(Tick(at=_middle(n, len(days)), says=n + 1) for n in range(0, len(days), every)),
    )


def by_hour(simulation: Simulation) -> Plot:
    """Draw the hours of the day: bars of what was sent."""
    top = _round_number(max(simulation.by_hour))
    return Plot(
        bars=_bars(simulation.by_hour, top, first=0),
        lines=(),
        down=_down(top),
        along=tuple(Tick(at=_middle(n, _HOURS), says=n) for n in range(0, _HOURS, 3)),
    )


def by_week(simulation: Simulation) -> list[Week]:
    """Return the days summed up by sevens."""
    days = simulation.by_day
    return [
        Week(
            first=n + 1,
            last=min(n + _WEEK, len(days)),
            sent=sum(day.sent for day in days[n : n + _WEEK]),
            paid=sum(day.paid for day in days[n : n + _WEEK]),
            agreements=sum(day.agreements for day in days[n : n + _WEEK]),
        )
        for n in range(0, len(days), _WEEK)
    ]


def _bars(values: Sequence[int], top: int, *, first: int) -> tuple[Bar, ...]:
    place = (_WIDTH - _LEFT) / len(values)
    return tuple(
        Bar(
            n=n + first,
            value=value,
            x=round(_LEFT + place * (n + _GAP / 2), 2),
            y=_height_of(value, top),
            width=round(place * (1 - _GAP), 2),
            height=round(_HEIGHT - _BOTTOM - _height_of(value, top), 2),
        )
        for n, value in enumerate(values)
    )


def _line(values: Sequence[int], top: int) -> str:
    return " ".join(f"{_middle(n, len(values))},{_height_of(value, top)}" for n, value in enumerate(values))


def _down(top: int) -> tuple[Tick, ...]:
    wanted = (0, top // 2, top) if top % 2 == 0 else (0, top)
    return tuple(Tick(at=_height_of(value, top), says=value) for value in wanted)


def _middle(n: int, of: int) -> float:
    return round(_LEFT + (_WIDTH - _LEFT) / of * (n + 0.5), 2)


def _height_of(value: int, top: int) -> float:
    return round(_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / top, 2)


def _round_number(value: int) -> int:
    """Return the least of 1, 2, 5, 10, 20, 50 … that is not below `value`."""
    scale: int = 10 ** (len(str(max(value, 1))) - 1)
    return next(step * scale for step in _STEPS if step * scale >= value)


_READER = TypeAdapter(Simulation)
