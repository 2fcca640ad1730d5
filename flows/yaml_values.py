"""What people may write in our YAML files, and every mistake they make in it with its line.

Scalars come as the text that was written, see `flows.yaml_lines`, and become exact values here: percentages are
decimals, amounts integer centavos, days are days of the calendar. pydantic finds all mistakes of a file at once; this
module gives each its place and its remedy.
"""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from flows.yaml_lines import Mistake, Node, Path, path_text

_PERCENT = re.compile(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?", re.ASCII)
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,10})(\.[0-9]{1,2})?", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,5})", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_WORDS_MAX = 120

M = TypeVar("M", bound=BaseModel)


class Part(BaseModel):
    """A mapping of a file: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def refusal(reason: str, remedy: str) -> PydanticCustomError:
    """A mistake in one value, for a validator to raise."""
    return PydanticCustomError("refusal", "{reason}", {"reason": reason, "remedy": remedy})


def _percent(written: object) -> Decimal:
    if not isinstance(written, str) or not _PERCENT.fullmatch(written):
        raise refusal(
            f"{_shown(written)} is no percentage",
            "Write it like 2.00: a point, at most two decimals, from 0.00 to 100.00.",
        )
    percent = Decimal(written).quantize(Decimal("0.01"))
    if percent > 100:
        raise refusal(f"{_shown(written)} is more than 100 %", "Use 100.00 at most.")
    return percent


def _amount(written: object) -> int:
    if not isinstance(written, str) or not _AMOUNT.fullmatch(written):
        raise refusal(
            f"{_shown(written)} is no amount", "Write reais like 1234.56: a point, at most two decimals, not negative."
        )
    return int(Decimal(written) * 100)


def _number(written: object) -> int:
    if not isinstance(written, str) or not _NUMBER.fullmatch(written):
        raise refusal(f"{_shown(written)} is no whole number", "Write digits only, like 3 or -3.")
    return int(written)


def _day(written: object) -> date:
    if not isinstance(written, str) or not _DAY.fullmatch(written):
        raise refusal(f"{_shown(written)} is no date", "Write it like 2026-11-30.")
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise refusal(f"{written} is not in the calendar", "Write a day that exists, like 2026-11-30.") from None


def _words(written: object) -> str:
    text = " ".join(written.split()) if isinstance(written, str) else ""
    if not text or len(text) > _WORDS_MAX or any(unicodedata.category(letter).startswith("C") for letter in text):
        raise refusal(f"{_shown(written)} is no name", f"Write one to {_WORDS_MAX} readable characters.")
    return text


def _shown(written: object) -> str:
    """What was written, short enough to repeat."""
    if written is None:
        return "nothing"
    if isinstance(written, list):
        return "a list"
    if isinstance(written, dict):
        return "a mapping"
    text = "".join(letter if letter.isprintable() else "?" for letter in str(written))
    return f'"{text[:40]}…"' if len(text) > 40 else f'"{text}"'


Percent: TypeAlias = Annotated[Decimal, BeforeValidator(_percent)]
"""0.00 to 100.00, two decimals, from the text itself."""
Amount: TypeAlias = Annotated[int, BeforeValidator(_amount)]
"""Written in reais, kept in centavos."""
Number: TypeAlias = Annotated[int, BeforeValidator(_number)]
Days: TypeAlias = Annotated[int, BeforeValidator(_number), Field(ge=0, le=366)]
"""A span of days, at most a year."""
MonthDay: TypeAlias = Annotated[int, BeforeValidator(_number), Field(ge=1, le=31)]
Day: TypeAlias = Annotated[date, BeforeValidator(_day)]
Words: TypeAlias = Annotated[str, BeforeValidator(_words)]
"""A name or a title, on one line."""


def validated(model: type[M], node: Node, *, file: str) -> tuple[M | None, tuple[Mistake, ...]]:
    """Return the node as a `model`, or every mistake with its place."""
    try:
        return model.model_validate(node.plain()), ()
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False)
    return None, tuple(_mistake(error, node, file) for error in errors)


def mistake_at(node: Node, path: Path, reason: str, remedy: str, *, file: str) -> Mistake:
    """A mistake in what `path` leads to."""
    line, column = node.place(path)
    return Mistake(file=file, line=line, column=column, path=path_text(path), reason=reason, remedy=remedy)


def _mistake(error: ErrorDetails, node: Node, file: str) -> Mistake:
    path = _written_path(error["loc"], node, missing=error["type"] == "missing")
    if error["type"] == "union_tag_invalid":
        path = (*path, "kind")
    return mistake_at(node, path, *_reason(error, path), file=file)


def _written_path(loc: Path, node: Node, *, missing: bool) -> Path:
    """Pydantic's path without the names of union members, which stand nowhere in the file."""
    path: list[str | int] = []
    here: Node | None = node
    for index, step in enumerate(loc):
        inner = here.child(step) if here is not None else None
        if inner is not None:
            path.append(step)
            here = inner
        elif missing and index == len(loc) - 1:
            path.append(step)
    return tuple(path)


def _reason(error: ErrorDetails, path: Path) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    context: dict[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "refusal":
            return context["reason"], context["remedy"]
        case "missing":
            return "the key is missing", "Add it."
        case "extra_forbidden":
            return "the key is unknown", "Correct or delete it."
        case "union_tag_not_found":
            return "the key kind is missing", "Add it."
        case "union_tag_invalid":
            return f"{_shown(context['tag'])} is unknown", f"Use one of {context['expected_tags']}."
        case "literal_error":
            return f"{_shown(error['input'])} is not possible here", f"Use {context['expected']}."
        case "greater_than_equal":
            return f"{_shown(error['input'])} is too small", f"Use {context['ge']} or more."
        case "less_than_equal":
            return f"{_shown(error['input'])} is too large", f"Use {context['le']} or less."
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{_shown(error['input'])} stands where a mapping belongs", "Write keys and values, one a line."
        case "tuple_type" | "list_type":
            return f"{_shown(error['input'])} stands where a list belongs", "Write [one, two], or a dash before each."
        case _:
            return error["msg"], "Correct it."
