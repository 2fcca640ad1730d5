"""A ladder's calendar for one due date, drawn: months of weeks of days, each with what is said on it.

Every condition is taken as met, as in `flows.ladder_days.preview`. Weeks begin on Monday; weeks before the first thing
that happens and after the last are left out, and so are months in which nothing happens.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from babel.dates import format_date

from bot.web import ladder_words
from bot.whatsapp.templates import MessageTemplate
from flows.calendar import payable_day
from flows.contact_hours import is_holiday
from flows.ladder import Ladder
from flows.ladder_days import PlannedStep, preview
from flows.ladder_parts import Track
from flows.wording import Texts

_WEEK = 7
_FIRST_WORDS = 72
_SUNDAY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnStep:
    """One step in words. `first_words` and `words`: what the person reads, with the examples of the template; empty
    for a ticket, and where the template is not in the company's file."""

    clock: str
    counted: str
    template: str
    first_words: str
    words: str
    buttons: tuple[str, ...]
    ticket: str
    attached: str
    condition: str
    repeated: str
    moved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnDay:
    """One day. `closed`: in a word why no reminder goes out, empty on open days."""

    on: date
    name: str
    closed: str
    is_due: bool
    is_payable: bool
    is_today: bool
    steps: tuple[DrawnStep, ...]

    @property
    def matters(self) -> bool:
        """Whether it belongs into a short list."""
        return bool(self.steps) or self.is_due or self.is_payable


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Some whole weeks of a month; None stands for days of its neighbours."""

    title: str
    weeks: tuple[tuple[DrawnDay | None, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A track for one due date. `left_out`: days (counted) of messages that give way to a later one on their day."""

    payable: date
    months: tuple[Month, ...]
    left_out: tuple[str, ...]


def drawn(
    ladder: Ladder,
    track: Track,
    due: date,
    *,
    today: date,
    templates: Mapping[str, MessageTemplate],
    texts: Texts,
) -> Calendar:
    """Return the calendar of a track for a due date."""
    payable, steps = payable_day(due), preview(ladder, track, due)
    on: dict[date, list[DrawnStep]] = {}
    for one in steps:
        on.setdefault(one.at.date(), []).append(_step(one, payable, templates, texts))
    wanted = sorted({due, payable, *on})
    days = {
        day: DrawnDay(
            on=day,
            name=format_date(day, "EEEE, d 'de' MMMM", texts.locale),
            closed=_closed(ladder, day, texts),
            is_due=day == due,
            is_payable=day == payable,
            is_today=day == today,
            steps=tuple(on.get(day, ())),
        )
        for day in _whole_weeks(wanted[0], wanted[-1])
    }
    there = {(one.day, one.step.template) for one in steps}
    asked = [(day, step.template) for step in track.steps for day in step.days if step.template is not None]
    left_out = tuple(ladder_words.counted(day, texts) for day, template in asked if (day, template) not in there)
    return Calendar(payable=payable, months=_months(days, wanted, texts), left_out=left_out)


def _step(one: PlannedStep, payable: date, templates: Mapping[str, MessageTemplate], texts: Texts) -> DrawnStep:
    step = one.step
    template = templates.get(step.template) if step.template is not None else None
    # The day is this calendar's own; name, amount and description are the template's examples.
    of_this_day = {"quando": texts.when(payable, one.at.date()), "vencimento": texts.day(payable)}
    words = template.said({**template.examples, **of_this_day}) if template is not None else ""
    return DrawnStep(
        clock=f"{one.at:%H:%M}",
        counted=ladder_words.counted(one.day, texts),
        template=step.template or "",
        first_words=textwrap.shorten(words, _FIRST_WORDS, placeholder="…").replace(".…", "…"),
        words=words,
        buttons=tuple(button.title for button in template.buttons) if template is not None else (),
        ticket=step.ticket or "",
        attached=ladder_words.attached(step, texts),
        condition=ladder_words.condition(step.when, texts) if step.when is not None else "",
        repeated=ladder_words.repeated(one, texts),
        moved=ladder_words.moved(one, texts),
    )


def _closed(ladder: Ladder, day: date, texts: Texts) -> str:
    if ladder.hours.of(day) is not None:
        return ""
    if is_holiday(day, ladder.hours.states):
        return texts("holiday")
    return texts("no sending")


def _whole_weeks(first: date, last: date) -> list[date]:
    monday = first - timedelta(days=first.weekday())
    sunday = last + timedelta(days=_SUNDAY - last.weekday())
    return [monday + timedelta(days=n) for n in range((sunday - monday).days + 1)]


def _months(days: Mapping[date, DrawnDay], wanted: Sequence[date], texts: Texts) -> tuple[Month, ...]:
    found: list[Month] = []
    mondays = [day for day in days if day.weekday() == 0]
    for year, month in sorted({(day.year, day.month) for day in wanted}):
        weeks = []
        for monday in mondays:
            week = [days[monday + timedelta(days=n)] for n in range(_WEEK)]
            own = tuple(day if (day.on.year, day.on.month) == (year, month) else None for day in week)
            if any(own):
                weeks.append(own)
        title = format_date(date(year, month, 1), "MMMM 'de' y", texts.locale)
        found.append(Month(title=title, weeks=tuple(weeks)))
    return tuple(found)
