"""How Meta looks at one value of a message: is it there, is it of its kind, is it short enough."""

from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.graph_errors import refuse

_LINK_MAX = 2000


def table(value: Any, where: str) -> dict[str, Any]:
    """Return `value` if it is an object."""
    if value is None:
        raise refuse(131008, f"The parameter {where} is required.")
    if type(value) is not dict:
        raise refuse(100, f"Param {where} must be a JSON object.")
    return value


def text_of(given: dict[str, Any], key: str, where: str) -> str:
    """Return a text that must be there."""
    value = given.get(key)
    if type(value) is not str or not value:
        raise refuse(131008, f"The parameter {where}['{key}'] is required.")
    return value


def at_most(longest: int, value: Any, where: str) -> str:
    """Return a text of at most so many UTF-16 units."""
    if type(value) is not str:
        raise refuse(131008 if value is None else 100, f"Param {where} must be a string.")
    if len(value.encode("utf-16-le", "surrogatepass")) // 2 > longest:
        raise refuse(100, f"Parameter value is not valid: {where} must be at most {longest} characters")
    return value


def one_text(longest: int, value: Any, where: str) -> str:
    """Return a text that says something and is short enough."""
    if not at_most(longest, value, where).strip():
        raise refuse(131009, f"{where} length invalid. Min length: 1, Max length: {longest}")
    return str(value)


def link_of(value: Any, where: str) -> str:
    """Return an address that Meta could open."""
    link = at_most(_LINK_MAX, value, where)
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise refuse(131009, f"{where} is not a valid URL.")
    return link


def money(value: Any, where: str) -> int:
    """Return an amount in centavos: an integer with the offset 100."""
    amount = table(value, where)
    cents = amount.get("value")
    if type(cents) is not int or cents < 0 or amount.get("offset") != 100:
        raise refuse(131009, f"{where} must have an integer value and the offset 100.")
    return cents
