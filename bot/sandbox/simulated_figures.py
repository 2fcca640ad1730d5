"""What a simulation counted: by step of the ladder, by day, by hour and in all. Figures of parts add up to those of the
whole.

Days and hours are the ladder's local ones, amounts integer centavos.
"""

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import date
from typing import TypeAlias

from bot.sandbox.simulated_watch import Breach

BREACHES_KEPT = 50
_HOURS = 24

StepKey: TypeAlias = tuple[str, str]
"""The template, or "ticket: " and its queue; and the day, signed, empty for a first contact."""


@dataclass(slots=True, kw_only=True)
class StepFigures:
    """Of one template on one day of the ladder: how many were sent and read, and what their receivers did after it
    before anything else was sent to them, or within three days where they paid."""

    sent: int = 0
    read: int = 0
    paid: int = 0
    opted_out: int = 0
    tickets: int = 0

    def add(self, other: "StepFigures") -> None:
        """Add those of another part."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass(slots=True, kw_only=True)
class DayFigures:
    """Of one day: messages that nobody asked for, answers, payments and agreements."""

    sent: int = 0
    answers: int = 0
    paid: int = 0
    paid_cents: int = 0
    agreements: int = 0

    def add(self, other: "DayFigures") -> None:
        """Add those of another part."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass(slots=True, kw_only=True)
class Figures:
    """All of it. `total` holds what is counted once: see `bot.sandbox.simulated_life`; `messages` counts what went out
    by day, WhatsApp's category and whether its 24-hour window was open, for its price."""

    steps: dict[StepKey, StepFigures] = field(default_factory=dict)
    days: dict[date, DayFigures] = field(default_factory=dict)
    sent_by_hour: list[int] = field(default_factory=lambda: [0] * _HOURS)
    answers_by_hour: list[int] = field(default_factory=lambda: [0] * _HOURS)
    total: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    messages: Counter[tuple[date, str, bool]] = field(default_factory=Counter)
    breaches: list[Breach] = field(default_factory=list)
    breach_count: int = 0

    def step(self, template: str, day: int | None) -> StepFigures:
        """Return the figures of a step; None: the first contact."""
        return self.steps.setdefault((template, f"{day:+d}" if day is not None else ""), StepFigures())

    def day(self, on: date) -> DayFigures:
        """Return the figures of a local day."""
        return self.days.setdefault(on, DayFigures())

    def breached(self, breaches: list[Breach]) -> None:
        """Note what must not have happened; of many the first are kept."""
        self.breach_count += len(breaches)
        self.breaches = (self.breaches + breaches)[:BREACHES_KEPT]

    def add(self, other: "Figures") -> None:
        """Add those of another part."""
        for key, step in other.steps.items():
            self.steps.setdefault(key, StepFigures()).add(step)
        for on, day in other.days.items():
            self.day(on).add(day)
        for hour in range(_HOURS):
            self.sent_by_hour[hour] += other.sent_by_hour[hour]
            self.answers_by_hour[hour] += other.answers_by_hour[hour]
        self.total.update(other.total)
        self.kinds.update(other.kinds)
        self.messages.update(other.messages)
        self.breach_count += other.breach_count
        self.breaches = (self.breaches + other.breaches)[:BREACHES_KEPT]
