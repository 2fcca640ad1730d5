"""Days and amounts as banks write them."""

import re
from datetime import date

_ISO = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", re.ASCII)
_LOCAL = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}|[0-9]{2})", re.ASCII)
_AMOUNT = re.compile(r"([+-]?)\s*(?:R\$)?\s*([+-]?)([0-9.,]+)\s*([CDcd+-]?)", re.ASCII)
_MOST_CENTS = 10_000_000_000


class Unreadable(Exception):
    """A value that cannot be read; the text says how it should be written."""


def day_of(text: str) -> date:
    """Return the day. Raises Unreadable."""
    written = text.strip()
    iso, local = _ISO.match(written), _LOCAL.match(written)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if local:
            year = int(local[3]) + (2000 if len(local[3]) == 2 else 0)
            return date(year, int(local[2]), int(local[1]))
    except ValueError:
        raise Unreadable("is not in the calendar") from None
    raise Unreadable("is no date; write it like 2026-11-30 or 30/11/2026")


def cents_of(text: str) -> int:
    """Return signed centavos; a D or a minus behind the amount makes a debit. Raises Unreadable."""
    match = _AMOUNT.fullmatch(text.strip().replace("\u00a0", " "))
    if match is None:
        raise Unreadable("is no amount; write it like 1234.56 or 1.234,56")
    digits, decimals = _parts(match[3])
    cents = int(digits or "0") * 100 + int(decimals.ljust(2, "0"))
    if cents > _MOST_CENTS:
        raise Unreadable("is more than a hundred million reais")
    return -cents if "-" in (match[1], match[2], match[4]) or (match[4] and match[4] in "Dd") else cents


def _parts(text: str) -> tuple[str, str]:
    """Reais and centavos. The last point or comma is the decimal one, where one or two digits follow it."""
    place = max(text.rfind("."), text.rfind(","))
    if place >= 0 and 1 <= len(text) - place - 1 <= 2:
        whole, decimals = text[:place], text[place + 1 :]
    else:
        whole, decimals = text, "00"
    groups = re.split(r"[.,]", whole)
    if not decimals.isdigit() or any(not g.isdigit() for g in groups) or any(len(g) != 3 for g in groups[1:]):
        raise Unreadable("is no amount; write it like 1234.56 or 1.234,56")
    return "".join(groups), decimals
