"""JSON from outside: read whatever it holds, and every value taken only where it is what was asked for.

Reading is in two gears. msgspec reads what Meta really sends; what it refuses though JSON allows it (half a character
as an escape, a number beyond all bounds) is read again slowly, so that one odd value does not lose all its neighbours.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeAlias

import msgspec

Table: TypeAlias = Mapping[str, Any]

_DIGITS_MAX = 4000  # Python itself refuses to convert beyond 4,300
_FIRST_S, _LAST_S = 1_230_768_000, 4_102_444_800  # 2009, the year WhatsApp began, to 2100
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False)
_CANONICAL = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False, sort_keys=True)


class NotJson(Exception):
    """These bytes are no JSON, or nested too deeply to be read. `reason` is a word for the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decode(raw: bytes) -> Any:
    """Return what `raw` holds. Raises NotJson."""
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise NotJson("too_deep") from None
    except ValueError:
        return _decode_slowly(raw)


def _decode_slowly(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_int=_integer, parse_float=_fraction, parse_constant=_refuse)
    except RecursionError:
        raise NotJson("too_deep") from None
    except ValueError:
        raise NotJson("not_json") from None


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= _DIGITS_MAX else text


def _fraction(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)  # NaN and Infinity are no JSON


def encode(value: Any) -> bytes:
    """Return `value` as compact ASCII JSON: NUL and half characters stay escapes. Raises RecursionError if too deep."""
    try:
        quickly = msgspec.json.encode(value)
    except (ValueError, OverflowError):  # half a character, or a number of more than 64 bits
        quickly = None
    return quickly if quickly is not None and quickly.isascii() else _ENCODER.encode(value).encode("ascii")


def canonical(value: Any) -> bytes:
    """Return `value` as `encode` does, with its keys in order: the same content gives the same bytes."""
    return _CANONICAL.encode(value).encode("ascii")


def name_of(value: object, *, longest: int = 255) -> str | None:
    """Return `value` if it can be an identifier: 1 to `longest` printable ASCII characters, which any index takes."""
    if type(value) is str and 0 < len(value) <= longest and value.isascii() and value.isprintable():
        return value
    return None


def text_of(value: object) -> str | None:
    """Return `value` if it is a text, with U+FFFD for NUL and half characters, which PostgreSQL and UTF-8 refuse."""
    if type(value) is not str:
        return None
    if value.isascii() and "\0" not in value:
        return value
    return _UNSTORABLE.sub("\ufffd", value)


def whole_of(value: object, *, highest: int = 2**31 - 1) -> int | None:
    """Return `value` if it is a whole number from 0 to `highest`, written as a number or as digits."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    return value if type(value) is int and 0 <= value <= highest else None


def number_of(value: object) -> float | None:
    """Return `value` if it is a number."""
    if type(value) is float:
        return value
    return float(value) if type(value) is int and abs(value) < 2**53 else None


def table_of(value: object) -> Table:
    """Return `value` if it is a JSON object, else an empty one."""
    return value if type(value) is dict else {}


def rows_of(value: object) -> list[Table]:
    """Return the objects of `value` if it is a list, whatever else stands between them."""
    return [row for row in value if type(row) is dict] if type(value) is list else []


def instant_of(value: object) -> datetime | None:
    """Return an instant (UTC) from seconds since 1970, a number or a text as Meta writes them; None if it is absurd."""
    seconds = whole_of(value, highest=_LAST_S)
    if seconds is None or seconds < _FIRST_S:
        return None
    return datetime.fromtimestamp(seconds, UTC)
