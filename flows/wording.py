"""Effects into text: what the bot says, in the words of a catalogue, with amounts and days as Brazilians write them.

The end of a value's name tells how it is written: `_cents` as reais, `_percent` with its sign, `_on` as a day. What
comes from data (a name, a description) loses WhatsApp's mark-up and its line breaks, so that it can neither shout nor
forge a line.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from flows.effects import Choice, Say, Value
from flows.events import Action
from flows.words import WORDS

BUTTONS = 3
BUTTON_TITLE, ROW_TITLE, ROW_DETAIL = 20, 24, 72  # UTF-16 units, WhatsApp's limits
VALUE = 60  # of a name or a description; six of them and their amounts fit into a message with buttons
_MARKUP = re.compile(r"[*_~`\x00-\x1f\x7f]+")
_ELLIPSIS = "…"


class Texts:
    """The words of one language: `texts(msgid)` is the sentence, the methods write values."""

    def __init__(self, locale: str, translate: Callable[[str], str]) -> None:
        self.locale = locale
        self._translate = translate

    def __call__(self, msgid: str) -> str:
        """Return a sentence in this language; one without translation stays as it is."""
        return self._translate(msgid)

    def money(self, cents: int) -> str:
        """Write centavos as reais, with an ordinary blank: what people copy and search must be what they would type."""
        return format_currency(Decimal(cents).scaleb(-2), "BRL", locale=self.locale).replace("\N{NO-BREAK SPACE}", " ")

    def percent(self, percent: Decimal) -> str:
        """Write a percentage with two decimals."""
        return f"{format_decimal(percent, '0.00', locale=self.locale)}%"

    def day(self, day: date) -> str:
        """Write a day."""
        return f"{day:%d/%m/%Y}"

    def when(self, day: date, today: date) -> str:
        """Say a payable day as seen from `today`: today, tomorrow, Monday 30/11; yesterday, 2 days ago."""
        days = (today - day).days
        named = {0: "when_today", -1: "when_tomorrow", 1: "when_yesterday"}.get(days)
        if named is not None:
            return self(WORDS[named])
        return self.filled("when_ago", {"count": days}) if days > 0 else format_date(day, "EEEE, dd/MM", self.locale)

    def filled(self, wording: str, values: Mapping[str, Value]) -> str:
        """Return a text of `flows.words` with its values written in."""
        return self(WORDS[wording]).format_map(_Values(self, values))

    def value(self, name: str, value: Value) -> str:
        """Write one value as the end of its name says."""
        return self._written(name, value)

    def _written(self, name: str, value: Value) -> str:
        if isinstance(value, tuple):
            return "\n".join(self._line(line) for line in value)
        if name.endswith("_cents"):
            assert isinstance(value, int)
            return self.money(value)
        if name.endswith("_percent"):
            assert isinstance(value, Decimal)
            return self.percent(value)
        if name.endswith("_on"):
            assert isinstance(value, date)
            return self.day(value)
        return cut(plain(value), VALUE) if isinstance(value, str) else str(value)

    def _line(self, line: Mapping[str, Any]) -> str:
        return self.filled(line["wording"], {name: value for name, value in line.items() if name != "wording"})


class _Values(dict[str, str]):
    """Values in words, each written when a sentence asks for it: most say few of those that they are given."""

    def __init__(self, texts: Texts, values: Mapping[str, Value]) -> None:
        super().__init__()
        self._texts, self._values = texts, values

    def __missing__(self, name: str) -> str:
        return self._texts.value(name, self._values[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenChoice:
    """One thing to press, in words."""

    action: Action
    object_id: int
    version: int
    title: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A message in words. With `list_button` the choices are a list, without it buttons."""

    body: str
    choices: tuple[WrittenChoice, ...] = ()
    list_button: str | None = None
    footer: str | None = None


def write(say: Say, texts: Texts) -> Written:
    """Return the words of a message."""
    listed = len(say.choices) > BUTTONS or say.list_button is not None
    return Written(
        body=texts.filled(say.wording, say.values),
        choices=tuple(_choice(choice, texts, listed) for choice in say.choices),
        list_button=texts(WORDS[say.list_button or "button_choose"]) if listed else None,
    )


def plain(text: str) -> str:
    """Return text from data without mark-up and line breaks; a dash where nothing is left, since WhatsApp refuses empty
    titles."""
    return " ".join(_MARKUP.sub(" ", text).split()) or "–"


def cut(text: str, limit: int) -> str:
    """Return `text` in at most `limit` UTF-16 units; what is cut ends in an ellipsis."""
    if _units(text) <= limit:
        return text
    kept = text
    while _units(kept) > limit - 1:
        kept = kept[:-1]
    return kept.rstrip() + _ELLIPSIS


def _choice(choice: Choice, texts: Texts, listed: bool) -> WrittenChoice:
    title = texts.filled(choice.label, choice.values)
    detail = texts.filled(choice.detail, choice.values) if choice.detail is not None else None
    return WrittenChoice(
        action=choice.action,
        object_id=choice.object_id,
        version=choice.version,
        # Only a description from data can be too long: an amount is never cut (a test holds every wording to its
        # limit).
        title=cut(title, ROW_TITLE if listed else BUTTON_TITLE),
        detail=cut(detail, ROW_DETAIL) if detail is not None and listed else None,
    )


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
