"""What WhatsApp refuses, refused here first: with the field as Meta names it, the limit, and what it got.

Lengths are "in characters" in Meta's pages; UTF-16 units are counted, the narrowest reading. Nothing is ever cut: half
an amount is a lie.
"""

from urllib.parse import urlsplit

_URL_MAX = 2000


class BadMessage(Exception):
    """WhatsApp would refuse this message. `field` is the path in its JSON; no one's words stand in the error."""

    def __init__(self, field: str, reason: str, *, limit: int | None = None, got: int | None = None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason, self.limit, self.got = field, reason, limit, got


def length(text: str) -> int:
    """Return the length in UTF-16 units: an emoji outside the basic plane counts two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def text(field: str, value: str, longest: int) -> str:
    """Return a text that has to be there and must not be longer. Raises BadMessage."""
    if not value.strip():
        raise BadMessage(field, "is empty", limit=longest, got=0)
    units = length(value)
    if units > longest:
        raise BadMessage(field, f"has {units} characters, {longest} at most", limit=longest, got=units)
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadMessage(field, "holds NUL or half a character")
    return value


def count(field: str, number: int, *, lowest: int, highest: int) -> None:
    """Refuse too few or too many. Raises BadMessage."""
    if not lowest <= number <= highest:
        raise BadMessage(field, f"has {number} entries, {lowest} to {highest} are possible", limit=highest, got=number)


def unique(field: str, values: list[str]) -> None:
    """Refuse repeated values. Raises BadMessage."""
    if len(set(values)) != len(values):
        raise BadMessage(field, "repeats a value that has to be unique")


def address(field: str, url: str) -> str:
    """Return an address that WhatsApp can open. Raises BadMessage."""
    text(field, url, _URL_MAX)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or any(letter.isspace() for letter in url):
        raise BadMessage(field, "is no http(s) address")
    return url
