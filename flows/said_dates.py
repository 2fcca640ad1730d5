"""Days as people say them: "sexta", "amanhã", "dia 5", "05/12", "semana que vem". Never one that has passed.

Works on tidied text (small letters, no accents, single spaces). A day of the week is the next one, never today; a day
of the month that has passed is next month's; a date without its year that has passed is next year's.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

_WEEKDAYS = ("segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo")
_MONTHS = tuple(
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro".split()  # noqa: SIM905
)
_NUMBERS = {
    "um": 1,
    "uma": 1,
    "dois": 2,
    "duas": 2,
    "tres": 3,
    "quatro": 4,
    "cinco": 5,
    "seis": 6,
    "sete": 7,
    "oito": 8,
    "dez": 10,
    "quinze": 15,
}
_NAMED_DAYS = {  # the longer saying first
    "vinte e cinco": 25,
    "primeiro": 1,
    "1o": 1,
    "cinco": 5,
    "dez": 10,
    "quinze": 15,
    "vinte": 20,
    "trinta": 30,
}
_COUNT = r"(?P<count>\d{1,2}|" + "|".join(_NUMBERS) + ")"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A day found in a text, and where: from `start` up to, not including, `end`."""

    day: date
    start: int
    end: int


def said_dates(text: str, *, today: date) -> tuple[Said, ...]:
    """Return the days that a text names, in order, none before `today`."""
    found: list[Said] = []
    for pattern, reading in _SAYINGS:
        for match in pattern.finditer(text):
            if any(match.start() < said.end and said.start < match.end() for said in found):
                continue  # part of a longer saying
            day = reading(match, today)
            if day is not None and day >= today:
                found.append(Said(day=day, start=match.start(), end=match.end()))
    return tuple(sorted(found, key=lambda said: said.start))


def _written(match: re.Match[str], today: date) -> date | None:
    year = match["year"]
    full = int(year) + (2000 if len(year) == 2 else 0) if year else None
    return _in_year(int(match["day"]), int(match["month"]), full, today)


def _named_month(match: re.Match[str], today: date) -> date | None:
    year = int(match["year"]) if match["year"] else None
    return _in_year(int(match["day"]), _MONTHS.index(match["month"]) + 1, year, today)


def _in_year(day: int, month: int, year: int | None, today: date) -> date | None:
    if not 1 <= month <= 12:
        return None
    for candidate in (year,) if year is not None else (today.year, today.year + 1):
        if 1 <= day <= calendar.monthrange(candidate, month)[1] and (
            year is not None or date(candidate, month, day) >= today
        ):
            return date(candidate, month, day)
    return None


def _day_of_next_month(match: re.Match[str], today: date) -> date | None:
    return _month_day(today, 1, int(match["day"]))


def _day_of_month(match: re.Match[str], today: date) -> date | None:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return None
    this = _month_day(today, 0, day)
    return this if this >= today else _month_day(today, 1, day)


def _named_day(match: re.Match[str], today: date) -> date:
    this = _month_day(today, 0, _NAMED_DAYS[match["named"]])
    return this if this >= today else _month_day(today, 1, _NAMED_DAYS[match["named"]])


def _month_day(today: date, months: int, day: int) -> date:
    """That day so many months on; the month's last where it has no such day."""
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    return date(year, month + 1, min(max(day, 1), calendar.monthrange(year, month + 1)[1]))


def _weekday(match: re.Match[str], today: date) -> date:
    ahead = (_WEEKDAYS.index(match["weekday"]) - today.weekday() - 1) % 7 + 1
    if ahead == 1 and ("que vem" in match[0] or "proxima" in match[0]):
        ahead += 7  # who means tomorrow says so
    return today + timedelta(days=ahead)


def _count(match: re.Match[str]) -> int:
    return _NUMBERS.get(match["count"]) or int(match["count"])


def _in_days(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=_count(match))


def _in_weeks(match: re.Match[str], today: date) -> date:
    return today + timedelta(weeks=_count(match))


def _fifth_working_day(_: re.Match[str], today: date) -> date:
    """Pay day: the fifth weekday of this month, or of the next. Holidays are not known here."""
    this, following = (_fifth_weekday(_month_day(today, months, 1)) for months in (0, 1))
    return this if this >= today else following


def _fifth_weekday(first: date) -> date:
    days = (first + timedelta(days=n) for n in range(7))
    return [day for day in days if day.weekday() < 5][-1]


def _weekday_of_next_week(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=7 - today.weekday() + _WEEKDAYS.index(match["weekday"]))


def _weekend(_: re.Match[str], today: date) -> date:
    return today + timedelta(days=max(0, 5 - today.weekday()))


_WEEKDAY = r"(?P<weekday>" + "|".join(_WEEKDAYS) + r")(?! (?:via|opcao|vez|parcela|fatura|mensalidade|pessoa)\b)"
Reading = Callable[[re.Match[str], date], date | None]
_SAYINGS: tuple[tuple[re.Pattern[str], Reading], ...] = tuple(
    (re.compile(rf"(?<!\S)(?:{pattern})(?!\S)"), reading)
    for pattern, reading in (
        (r"(?:dia )?(?P<day>\d{1,2})/(?P<month>\d{1,2})(?:/(?P<year>\d{4}|\d{2}))?", _written),
        (r"(?:dia )?(?P<day>\d{1,2}) de (?P<month>" + "|".join(_MONTHS) + r")(?: de (?P<year>\d{4}))?", _named_month),
        (r"dia (?P<day>\d{1,2}) (?:do |de )?(?:proximo mes|mes que vem|outro mes|mes seguinte)", _day_of_next_month),
        (r"(?:no |ate o )?(?:5|quinto|5o) dia util", _fifth_working_day),
        (r"dia (?P<day>\d{1,2})", _day_of_month),
        (r"dia (?P<named>" + "|".join(_NAMED_DAYS) + r")(?! (?:util|desse|deste|daquele|que)\b)", _named_day),
        (r"depois de amanha", lambda _, today: today + timedelta(days=2)),
        (r"amanha", lambda _, today: today + timedelta(days=1)),
        (_WEEKDAY + r" (?:da semana que vem|da proxima semana|da outra semana)", _weekday_of_next_week),
        (
            r"(?:na |nessa |nesta |essa |proxima |proximo )?" + _WEEKDAY + r"(?: feira)?(?: que vem| agora| proxima)?",
            _weekday,
        ),
        (r"(?:daqui(?: a)?|em|dentro de|mais|uns) " + _COUNT + r" dias?", _in_days),
        (r"(?:daqui(?: a)?|em|dentro de|mais) " + _COUNT + r" semanas?", _in_weeks),
        (
            r"(?:na )?(?:semana que vem|proxima semana|outra semana|semana seguinte)",
            lambda _, today: today + timedelta(days=7),
        ),
        (
            r"(?:no )?(?:mes que vem|proximo mes|outro mes|mes seguinte)",
            lambda _, today: _month_day(today, 1, today.day),
        ),
        (r"(?:no |ate o )?(?:fim|final) (?:do|desse|deste) mes", lambda _, today: _month_day(today, 0, 31)),
        (r"(?:no )?(?:comeco|inicio) do (?:mes|mes que vem|proximo mes)", lambda _, today: _month_day(today, 1, 1)),
        (r"(?:no )?(?:fim|final) de semana", _weekend),
    )
)
