"""What stands in a ladder, in words: hours, whose track it is, conditions, repeats, days."""

from datetime import date
from decimal import Decimal
from typing import TypeAlias

from babel.dates import format_date

from bot.web.rendering import say
from flows.contact_hours import Span
from flows.ladder import Ladder
from flows.ladder_days import PlannedStep
from flows.ladder_parts import Media, Step, StepWhen, Track
from flows.wording import Texts

Row: TypeAlias = tuple[str, str]
"""What is said of what."""

_CONDITIONS = {
    ("read_unpaid", True): "they read it and did not pay",
    ("read_unpaid", False): "they have not read it",
    ("clicked", True): "they opened the payment page",
    ("clicked", False): "they did not open the payment page",
    ("replied", True): "they answered",
    ("replied", False): "they did not answer",
    ("promised", True): "they promised a day and it is over",
    ("promised", False): "they promised no day",
}
_ATTACHED = {
    "pix_qr": "Pix QR code",
    "payment_link": "Link to the payment page",
    "sticker": "Sticker",
    "video": "Video",
    "audio": "Audio",
}


def opening_hours(ladder: Ladder, texts: Texts) -> list[Row]:
    """Return on which days of the week reminders may go out, and when."""
    hours = ladder.hours
    holidays = "National holidays" if ladder.contact_hours.state is None else "Holidays (national and of {state})"
    return [
        (texts("Monday to Friday"), _span(hours.weekdays, texts)),
        (texts("Saturday"), _span(hours.saturday, texts)),
        (texts("Sunday"), _span(hours.sunday, texts)),
        (say(texts, holidays, state=ladder.contact_hours.state), _span(hours.holidays, texts)),
    ]


def limits(ladder: Ladder, texts: Texts) -> list[Row]:
    """Return how much of it reaches one person, and what else holds for every step."""
    caps = ladder.caps
    said = [
        (texts("Messages to one person, over all their debts"), _caps(caps.day, caps.week, texts)),
        (texts("Hour of a step that names none"), f"{ladder.at:%H:%M}"),
        (texts("Debts older than this are left in peace"), _years(ladder.prescription_years, texts)),
    ]
    if ladder.only_opted_in:
        said.append((texts("Who is reminded"), texts("only who agreed to it")))
    if ladder.rollout is not None:
        stages = " → ".join(share(percent) for percent in ladder.rollout.percent)
        said.append((texts("Share of the customers, in stages"), stages))
    return said


def whose(track: Track, ladder: Ladder, texts: Texts) -> str:
    """Return whose track it is."""
    when = track.when
    if when is None:
        return texts("everybody") if len(ladder.tracks) == 1 else texts("everybody else")
    said: list[str] = []
    if when.late_before is not None and when.late_before.from_ is None and when.late_before.to == 0:
        said.append(texts("who never paid late"))
    elif when.late_before is not None:
        counted = _range(when.late_before.from_, when.late_before.to, texts)
        said.append(say(texts, "bills paid late before: {range}", range=counted))
    if when.days_overdue is not None:
        days = _range(when.days_overdue.from_, when.days_overdue.to, texts)
        said.append(say(texts, "days overdue: {range}", range=days))
    if when.tenure_days is not None:
        days = _range(when.tenure_days.from_, when.tenure_days.to, texts)
        said.append(say(texts, "customer for so many days: {range}", range=days))
    if when.total is not None:
        first, last = (texts.money(end) if end is not None else None for end in (when.total.from_, when.total.to))
        said.append(say(texts, "total today: {range}", range=_range(first, last, texts)))
    if when.tags is not None:
        kinds = (("any of {tags}", when.tags.any), ("all of {tags}", when.tags.all), ("none of {tags}", when.tags.none))
        said += [f"{texts('tags')}: {say(texts, kind, tags=', '.join(tags))}" for kind, tags in kinds if tags]
    return "; ".join(said)


def condition(when: StepWhen, texts: Texts) -> str:
    """Return under which condition a step is said."""
    given = [texts(_CONDITIONS[name, value]) for name, value in when if value is not None]
    joined = given[0]
    for one in given[1:]:
        joined = say(texts, "{one} and {other}", one=joined, other=one)
    return say(texts, "only if {what}", what=joined)


def repeated(one: PlannedStep, texts: Texts) -> str:
    """Return how a step comes again, or which of its repeats this is; empty if it does not."""
    again = one.step.repeat
    if again is None:
        return ""
    if one.day > one.step.day:
        n = (one.day - one.step.day) // again.every_days
        return say(texts, "repeat {n} of {count}", n=n, count=again.times)
    days = texts("1 day") if again.every_days == 1 else say(texts, "{count} days", count=again.every_days)
    times = texts("once") if again.times == 1 else say(texts, "{count} times", count=again.times)
    return say(texts, "and again every {days}, {times}", days=days, times=times)


def attached(step: Step, texts: Texts) -> str:
    """Return what comes with a step beside its words, empty where nothing does."""
    if step.attach is None:
        return ""
    return texts(_ATTACHED[step.attach.kind if isinstance(step.attach, Media) else step.attach])


def counted(day: int, texts: Texts) -> str:
    """Return a step's day as counted from the payable day."""
    if day == 0:
        return texts("on the last day to pay")
    side = "1 day {side}" if abs(day) == 1 else "{count} days {side}"
    return say(texts, side, count=abs(day), side=texts("before") if day < 0 else texts("after"))


def moved(one: PlannedStep, texts: Texts) -> str:
    """Return from where to where a step was moved: "domingo 22/11 → sábado 21/11"; empty if it stands on its day."""
    if one.moved_from is None:
        return ""
    own, there = one.moved_from, one.at
    if own.date() == there.date():
        return f"{own:%H:%M} → {there:%H:%M}"
    if own.time() == there.time():
        return f"{weekday(own.date(), texts)} → {weekday(there.date(), texts)}"
    return f"{weekday(own.date(), texts)} {own:%H:%M} → {weekday(there.date(), texts)} {there:%H:%M}"


def share(percent: Decimal) -> str:
    """Return a percentage as short as it can be: "1%", "2,5%"."""
    return f"{percent.normalize():f}%".replace(".", ",")


def weekday(day: date, texts: Texts) -> str:
    """Return a day with its weekday: "domingo 22/11"."""
    return format_date(day, "EEEE dd/MM", texts.locale).replace("-feira", "")


def _span(span: Span | None, texts: Texts) -> str:
    return (
        say(texts, "{opens} to {closes}", opens=f"{span[0]:%H:%M}", closes=f"{span[1]:%H:%M}")
        if span
        else texts("no sending")
    )


def _caps(day: int, week: int, texts: Texts) -> str:
    return say(texts, "at most {day} a day and {week} in seven days", day=day, week=week)


def _years(years: int, texts: Texts) -> str:
    return texts("1 year") if years == 1 else say(texts, "{count} years", count=years)


def _range(first: object, last: object, texts: Texts) -> str:
    if first == last:
        return str(first)
    if last is None:
        return say(texts, "{first} or more", first=first)
    return (
        say(texts, "up to {last}", last=last)
        if first is None
        else say(texts, "{first} to {last}", first=first, last=last)
    )
