"""The reminder ladder: ladder.yaml as a value, or every mistake in it with its line.

The file belongs to operations, who read it like a calendar: which message on which day, when, how often at most. What
is due for one debt is worked out in `flows.ladder_days`, what is then said in `flows.reminding`.
"""

import hashlib
from datetime import time
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr

from flows.contact_hours import Hours
from flows.ladder_parts import (
    Caps,
    Clock,
    ContactHours,
    Monthly,
    Rollout,
    Step,
    TemplateName,
    Track,
    Truth,
    zone_named,
)
from flows.yaml_lines import Mistake, Node, read_lines
from flows.yaml_values import Number, Part, Words, mistake_at, refusal, validated

FIRST_CONTACT = "confirme_quem_e"
GROUP = "varias_faturas"


def _not_empty(tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    if not tracks:
        raise refusal("the ladder has no track", "Write one.")
    return tracks


class Ladder(Part):
    """Which reminder when. `timezone` is the one of its hours."""

    name: Words = Field(alias="ladder")
    title: Words
    timezone: Annotated[ZoneInfo, BeforeValidator(zone_named)] = ZoneInfo("America/Sao_Paulo")
    contact_hours: ContactHours
    at: Clock = time(10)
    caps: Caps = Caps()
    first_contact: TemplateName = FIRST_CONTACT  # asks who is there, and names nothing
    group: TemplateName = GROUP  # speaks of several debts at once
    prescription_years: Annotated[Number, Field(ge=1, le=20)] = 5
    only_opted_in: Truth = False  # remind nobody whose consent is not on record
    rollout: Rollout | None = None
    monthly: Monthly | None = None
    tracks: Annotated[tuple[Track, ...], AfterValidator(_not_empty)]
    _digest: str = PrivateAttr(default="")

    @property
    def digest(self) -> str:
        """The SHA-256 of the file's bytes, hexadecimal: which version of it."""
        return self._digest

    @property
    def hours(self) -> Hours:
        """The creditor's contact hours."""
        return self.contact_hours.hours

    def track(self, name: str) -> Track | None:
        """Return a track by its name."""
        return next((track for track in self.tracks if track.name == name), None)

    def steps(self) -> tuple[Step, ...]:
        """Every step of every track."""
        return tuple(step for track in self.tracks for step in track.steps)


def read_ladder(source: bytes, *, name: str) -> Ladder | tuple[Mistake, ...]:
    """Return the ladder, or every mistake in the file in the order of its lines; `name` is the file's name in them.
    Never raises.
    """
    node, mistakes = read_lines(source, file=name)
    if node is None:
        return mistakes
    ladder, wrong = validated(Ladder, node, file=name)
    found = sorted((*mistakes, *wrong, *_across(node, file=name)), key=lambda mistake: (mistake.line, mistake.column))
    if found or ladder is None:
        return tuple(found)
    ladder._digest = hashlib.sha256(source).hexdigest()
    return ladder


def _across(node: Node, *, file: str) -> list[Mistake]:
    """Mistakes that one value alone does not show: two tracks of one name, one that is never reached, a day twice."""
    found: list[Mistake] = []
    tracks = node.get("tracks")
    names: set[str] = set()
    open_to_all: str | None = None
    for index, track in enumerate(tracks.value if tracks is not None and isinstance(tracks.value, list) else ()):
        path = ("tracks", index)
        name = track.get("name")
        said = name.value if name is not None and isinstance(name.value, str) else f"{index + 1}"
        if said in names:
            found.append(mistake_at(node, (*path, "name"), f'two tracks are called "{said}"', "Rename one.", file=file))
        names.add(said)
        if open_to_all is not None:
            reason = f'"{said}" is never reached: "{open_to_all}" before it serves everybody'
            found.append(mistake_at(node, path, reason, "Move it before, or give that one a when.", file=file))
        if track.child("when") is None:
            open_to_all = open_to_all or said
        found += _twice(node, track, path, file=file)
    return found


def _twice(node: Node, track: Node, path: tuple[str | int, ...], *, file: str) -> list[Mistake]:
    found: list[Mistake] = []
    steps = track.get("steps")
    seen: set[tuple[object, bool, bool]] = set()
    for n, step in enumerate(steps.value if steps is not None and isinstance(steps.value, list) else ()):
        day, is_ticket = step.get("day"), step.get("ticket") is not None
        # On one day, different conditions may each have their message; two without any cannot both be sent.
        key = (day.value if day is not None else None, is_ticket, step.get("when") is not None)
        if day is not None and not key[2] and key in seen:
            what = "tickets" if is_ticket else "messages"
            reason = f"two {what} stand on day {day.value}"
            found.append(mistake_at(node, (*path, "steps", n, "day"), reason, "Delete or move one.", file=file))
        seen.add(key)
    return found
