"""What the person wants, whatever way they said it: a press, a number, a word or a whole sentence become one `Wish`.

Buttons, typed numbers and plain words meet here, so that everything after it decides once. Nothing is decided here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

from flows.events import Action, Pressed, Sent, Typed
from flows.facts import Facts
from flows.understanding import understand

Want: TypeAlias = (
    Action
    | Literal[
        "greet", "answer", "balance", "boleto", "paid_already", "dispute", "hardship", "promise_day", "why", "thanks", "abuse",
        "question", "media", "stale", "misfit", "nothing",
    ]
)  # fmt: skip

_RUN = re.compile(r"\d(?:[\d.\-/ ]*\d)?")
_ALNUM = re.compile(r"[^0-9A-Za-z]")
_AGREE = re.compile(r"\s*(confirm(o|ar|ado)?|aceito|aceitar|sim|s|ok|pode ser|fechado|isso)[\s.!]*", re.IGNORECASE)
_OTHERS = re.compile(r"\s*(n[aã]o|n|outras?|ver outras|outra op[cç][aã]o)[\s.!]*", re.IGNORECASE)
_SHORTEST_ANSWER, _LONGEST_ANSWER = 3, 14

_BY_INTENT: Mapping[str, Want] = {
    "pay": "pay",
    "negotiate": "negotiate",
    "human": "human",
    "balance": "balance",
    "boleto": "boleto",
    "paid_already": "paid_already",
    "dispute": "dispute",
    "hardship": "hardship",
    "promise": "promise_day",
    "not_me": "not_me",
    "opt_out": "opt_out",
    "opt_in": "opt_in",
    "why": "why",
    "greeting": "greet",
    "thanks": "thanks",
    "abuse": "abuse",
    "faq": "question",
}
_NUMBERS: Mapping[str, Want] = {"1": "pay", "2": "negotiate", "3": "human"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`object_id` and `version` are what a press names; `day` the day that was said; `answer` the cleaned answer to "who is it?"."""

    want: Want = "nothing"
    object_id: int = 0
    version: int = 0
    message_id: str = ""
    day: date | None = None
    answer: str = ""
    topic: str = ""  # of a question; the kind of a medium

    def remembered(self) -> str:
        """Write the wish down, to be done once it is known who is there."""
        return f"{self.want}.{self.object_id}.{self.version}"


NOTHING = Wish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What of the conversation's place matters for understanding: the state, and what could be pressed last."""

    state: str
    choices: tuple[str, ...] = field(default=())


def wish_of(event: Typed | Pressed | Sent, facts: Facts, where: Where) -> Wish:
    """Return what an event asks for, at this place of the conversation."""
    match event:
        case Pressed():
            return Wish(
                want=event.action, object_id=event.object_id, version=event.version, message_id=event.message_id
            )
        case Sent(kind="strange_press"):
            return Wish(want="stale", message_id=event.message_id)
        case Sent():
            return Wish(want="media", topic=event.kind, message_id=event.message_id)
        case Typed():
            return _typed(event, facts, where)


def recalled(text: str, message_id: str = "") -> Wish:
    """Read a wish that was written down."""
    want, object_id, version = text.split(".")
    return Wish(want=want, object_id=int(object_id), version=int(version), message_id=message_id)  # type: ignore[arg-type]  # `remembered` wrote it


def _typed(event: Typed, facts: Facts, where: Where) -> Wish:
    text, message_id = event.text.strip(), event.message_id
    if where.state == "identifying" and (answer := _answer(text, facts)):
        return Wish(want="answer", answer=answer, message_id=message_id)
    if text.isascii() and text.isdigit() and len(text) <= 2:
        return _numbered(text, where, message_id)
    if where.state == "reviewing" and len(where.choices) > 1:
        if _AGREE.fullmatch(text):
            return recalled(where.choices[0], message_id)
        if _OTHERS.fullmatch(text):
            return Wish(want="offers", message_id=message_id)
    found = understand(text, today=facts.today)
    want = _BY_INTENT.get(found.intent, "misfit")
    if want == "greet" and found.slots.get("menu"):
        want = "menu"
    day = found.slots.get("date")
    return Wish(
        want=want,
        message_id=message_id,
        day=date.fromisoformat(day) if isinstance(day, str) else None,
        topic=str(found.slots.get("id", "")),
    )


def _numbered(text: str, where: Where, message_id: str) -> Wish:
    """A number picks what stands there in the last list or row of buttons; without one, the three buttons."""
    n = int(text)
    if where.state in ("choosing_debt", "choosing_offer", "reviewing", "menu") and 1 <= n <= len(where.choices):
        return recalled(where.choices[n - 1], message_id)
    return Wish(want=_NUMBERS.get(text, "misfit"), message_id=message_id)


def _answer(text: str, facts: Facts) -> str:
    """The letters and digits of an answer to "who is it?", or nothing where the text does not look like one."""
    whole = _ALNUM.sub("", text).upper()
    letters = any(not c.document[:3].isdigit() for c in facts.candidates)
    if _SHORTEST_ANSWER <= len(whole) <= _LONGEST_ANSWER and " " not in text.strip():
        if whole.isdigit() or (letters and (len(whole) == _SHORTEST_ANSWER or any(c.isdigit() for c in whole))):
            return whole
    runs = [_ALNUM.sub("", run) for run in _RUN.findall(text)]
    long_enough = [run for run in runs if _SHORTEST_ANSWER <= len(run) <= _LONGEST_ANSWER]
    return long_enough[0] if len(long_enough) == 1 else ""
