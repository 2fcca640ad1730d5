"""What a ladder is made of: contact hours, caps, tracks and steps, as operations write them.

Days are counted from the payable day: negative before it, 0 the day itself. Hours are local, `HH:MM`. Ranges include
both ends; a missing end is open. What is due when stands in `flows.ladder_days`.
"""

import re
from datetime import time
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from flows.calendar import STATES
from flows.contact_hours import Hours, Span
from flows.policy_parts import AmountRange, NumberRange, Tags
from flows.yaml_values import Amount, Number, Part, Percent, Words, refusal

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_TEMPLATE = re.compile(r"[a-z0-9_]{1,512}", re.ASCII)
_ALL_DAY: Span = (time(0), time(23, 59))
_ENDS = 2


def _clock(written: object) -> time:
    found = _CLOCK.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise refusal(f'"{written}" is no time of day', 'Write it like "08:00".')
    return time(int(found[1]), int(found[2]))


def _span(written: object) -> Span | None:
    if written == "closed":
        return None
    if written == "open":
        return _ALL_DAY
    if not isinstance(written, list) or len(written) != _ENDS:
        raise refusal("this is neither closed nor two times of day", 'Write closed, or ["08:00", "20:00"].')
    first, last = _clock(written[0]), _clock(written[1])
    if first >= last:
        raise refusal("the hours are the wrong way round", "Put the earlier time first.")
    return first, last


def zone_named(written: object) -> ZoneInfo:
    """Return the time zone of that name. Refuses what is none."""
    try:
        return ZoneInfo(str(written))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal(f'"{written}" is no time zone', "Write it like America/Sao_Paulo.") from None


def _state(written: object) -> str:
    if written not in STATES:
        raise refusal(f'"{written}" is no state', "Write its two letters, like SP.")
    return str(written)


def _template(written: object) -> str:
    if not isinstance(written, str) or not _TEMPLATE.fullmatch(written):
        raise refusal(f'"{written}" is no template name', "Use small letters, digits and underscores.")
    return written


def _truth(written: object) -> bool:
    if written not in ("true", "false"):
        raise refusal(f'"{written}" is neither true nor false', "Write true or false.")
    return written == "true"


def _media(written: object) -> str:
    address = urlsplit(written) if isinstance(written, str) else None
    if address is None or address.scheme != "https" or not address.netloc:
        raise refusal(f'"{written}" is no address that WhatsApp can fetch', "Write one that begins with https://.")
    return str(written)


Clock = Annotated[time, BeforeValidator(_clock)]
"""A local time of day."""
OpenHours = Annotated[Span | None, BeforeValidator(_span)]
"""Both ends, or closed (None)."""
TemplateName = Annotated[str, BeforeValidator(_template)]
Truth = Annotated[bool, BeforeValidator(_truth)]
StepDay = Annotated[Number, Field(ge=-60, le=1830)]
"""From two months before the payable day until five years after it."""
Few = Annotated[Number, Field(ge=1, le=100)]


class ContactHours(Part):
    """When a reminder may go out. `state`: whose holidays count, beside the nation's."""

    monday_to_friday: OpenHours
    saturday: OpenHours = None
    sunday: OpenHours = None
    holidays: OpenHours = None
    state: Annotated[str, BeforeValidator(_state)] | None = None

    @model_validator(mode="after")
    def _opens_at_all(self) -> Self:
        if self.monday_to_friday is None and self.saturday is None and self.sunday is None:
            raise refusal("the hours are never open", "Open at least one day of the week.")
        return self

    @property
    def hours(self) -> Hours:
        """As the calendar takes them."""
        return Hours(
            weekdays=self.monday_to_friday,
            saturday=self.saturday,
            sunday=self.sunday,
            holidays=self.holidays,
            states=frozenset({self.state}) if self.state else frozenset(),
        )


class Caps(Part):
    """Active messages to one person at most, over all that they owe: on one local day, and in any seven in a row."""

    day: Few = 1
    week: Few = 3


class TrackWhen(Part):
    """Whose track it is: all that is given has to hold. `total` is what the debt costs today; `tenure_days` counts from
    the day on which the customer was first on record."""

    days_overdue: NumberRange | None = None
    total: AmountRange | None = None
    tags: Tags | None = None
    late_before: NumberRange | None = None
    tenure_days: NumberRange | None = None

    def holds(
        self, *, days_overdue: int, total_cents: int, tags: frozenset[str], late_before: int, tenure_days: int
    ) -> bool:
        """Whether a debt like this is meant."""
        return (
            (self.days_overdue is None or days_overdue in self.days_overdue)
            and (self.total is None or total_cents in self.total)
            and (self.tags is None or self.tags.hold(tags))
            and (self.late_before is None or late_before in self.late_before)
            and (self.tenure_days is None or tenure_days in self.tenure_days)
        )


class StepWhen(Part):
    """What the person did since the reminder before: all that is given has to hold.

    `read_unpaid`: it was read, and nothing was paid. `clicked`: the payment page was opened. `replied`: they wrote or
    pressed. `promised`: they named a day, and it is over.
    """

    read_unpaid: Truth | None = None
    clicked: Truth | None = None
    replied: Truth | None = None
    promised: Truth | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(value is None for value in (self.read_unpaid, self.clicked, self.replied, self.promised)):
            raise refusal("the condition says nothing", "Give it one of read_unpaid, clicked, replied, promised.")
        return self

    def holds(self, *, read: bool, clicked: bool, replied: bool, promised: bool) -> bool:
        """Whether a person who did this is meant."""
        pairs = ((self.read_unpaid, read), (self.clicked, clicked), (self.replied, replied), (self.promised, promised))
        return all(wanted is None or wanted == is_so for wanted, is_so in pairs)


class Repeat(Part):
    """After its own day, the step comes again `times` times, every so many days."""

    every_days: Annotated[Number, Field(ge=1, le=90)]
    times: Annotated[Number, Field(ge=1, le=60)]


class Media(Part):
    """Something to be seen or heard beside the words, fetched by WhatsApp from its address. One of them."""

    sticker: Annotated[str, BeforeValidator(_media)] | None = None
    video: Annotated[str, BeforeValidator(_media)] | None = None
    audio: Annotated[str, BeforeValidator(_media)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.sticker, self.video, self.audio)) != 1:
            raise refusal("this is not one attachment", "Give one of sticker, video, audio.")
        return self

    @property
    def kind(self) -> Literal["sticker", "video", "audio"]:
        """Which of them."""
        return "sticker" if self.sticker else "video" if self.video else "audio"

    @property
    def link(self) -> str:
        """Where WhatsApp fetches it."""
        return self.sticker or self.video or self.audio or ""


def _attached(written: Any) -> Any:
    if isinstance(written, str) and written not in ("pix_qr", "payment_link"):
        raise refusal(
            f'"{written}" cannot be attached', "Use pix_qr, payment_link, or {sticker|video|audio: https://…}."
        )
    return written


Attachment = Annotated[
    Annotated[Literal["pix_qr", "payment_link"], Tag("word")] | Annotated[Media, Tag("media")],
    Discriminator(lambda written: "media" if isinstance(written, dict) else "word"),
    BeforeValidator(_attached),
]


class Step(Part):
    """One step: a message by an approved template, or a ticket for a queue of people."""

    day: StepDay
    template: TemplateName | None = None
    ticket: Words | None = None
    attach: Attachment | None = None
    at: Clock | None = None
    when: StepWhen | None = None
    repeat: Repeat | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.template is None) == (self.ticket is None):
            raise refusal("a step is either a template or a ticket", "Give one of the two.")
        if self.ticket is not None and (self.attach is not None or self.repeat is not None):
            raise refusal("a ticket has neither attachment nor repeat", "Delete it.")
        return self

    @property
    def days(self) -> tuple[int, ...]:
        """The day of the step and those of its repeats."""
        again = self.repeat
        return (
            (self.day, *(self.day + again.every_days * n for n in range(1, again.times + 1))) if again else (self.day,)
        )


def _not_empty(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if not steps:
        raise refusal("the track has no step", "Write one.")
    return steps


class Track(Part):
    """A sequence of steps and whose it is. The first track that serves wins."""

    name: Words
    when: TrackWhen | None = None
    steps: Annotated[tuple[Step, ...], AfterValidator(_not_empty)]


class Rollout(Part):
    """A new ladder goes to so many percent of the customers first, each stage for so many days; it stops by itself
    where more than so many percent of those who got it blocked us or asked for no more messages.
    """

    percent: tuple[Percent, ...] = (Decimal(1), Decimal(10), Decimal(100))
    days_each: Annotated[Number, Field(ge=1, le=60)] = 2
    stop_percent: Percent = Decimal("2.00")

    @model_validator(mode="after")
    def _rises_to_all(self) -> Self:
        if list(self.percent) != sorted(set(self.percent)) or not self.percent or self.percent[-1] != Decimal(100):
            raise refusal("the stages do not rise to 100", "Write them like [1, 10, 100].")
        return self


class Monthly(Part):
    """What active messages may cost in a calendar month, in the currency of the price list."""

    ceiling: Amount
