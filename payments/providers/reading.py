"""What every provider's answer is read with: its JSON, its refusals by status, and words fit for a key or a log."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from payments.providers.protocol import Answer, Forbidden, NotAuthorized, NotFound, Refused, TryLater, WrongAnswer

_NOT_PLAIN = re.compile(r"[^ -~]")
_WORD, _DETAIL, _IDENTIFIER = 60, 200, 64


def document(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object of an answer, its fractions as Decimal. Raises WrongAnswer."""
    try:
        read = json.loads(answer.body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise WrongAnswer("body", f"no JSON behind status {answer.status}") from error
    if not isinstance(read, dict):
        raise WrongAnswer("body", "no JSON object")
    return read


def lenient(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object of an error, or an empty one: gateways answer in HTML."""
    try:
        read = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def refuse(answer: Answer, kind: str, detail: str = "") -> NoReturn:
    """Raise what an answer's status means; `kind` and `detail` are the provider's own words for it.

    Raises NotAuthorized, TryLater, NotFound, Forbidden, Refused, or WrongAnswer where it is no error at all.
    """
    kind = re.sub(r"\W", "", kind, flags=re.ASCII)[:_WORD] or f"status_{answer.status}"
    detail = detail[:_DETAIL]
    if answer.status == 401:
        raise NotAuthorized(kind, detail)
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise TryLater(kind, detail)
    if answer.status == 404:
        raise NotFound(kind, detail)
    if answer.status == 403:
        raise Forbidden(kind, detail)
    if 400 <= answer.status < 500:
        raise Refused(kind, detail)
    raise WrongAnswer(f"status_{answer.status}", "neither an answer nor an error")


def word(value: object) -> str:
    """Return an identifier of the provider's as it can stand in a key."""
    return _NOT_PLAIN.sub("?", str(value))[:_IDENTIFIER]
