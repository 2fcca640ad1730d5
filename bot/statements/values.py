"""Days and amounts as banks write them."""

import re
from datetime import date

_ISO = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", re.ASCII)
_LOCAL = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})(?![0-9])", re.ASCII)
_AMOUNT = re.compile(r"([+-]?)\s*(?:R\$)?\s*([+-]?)\s*([0-9.,]+)\s*([CDcd+-]?)", re.ASCII)
_TWO_WAYS = re.compile(r"[0-9]{1,3}[.,][0-9]{3}", re.ASCII)
_MOST_CENTS = 10_000_000_000
_YEARS = range(2000, 2101)


class Unreadable(Exception):
    """A value that cannot be read; the text says how it should be written."""


def day_of(text: str) -> date:
    """Return the day as it is written, whatever hour or zone follows it: banks put midnights of other zones there, and
    mean the day. Raises Unreadable.
    """
    written = text.strip()
    iso, local = _ISO.match(written), _LOCAL.match(written)
    try:
        if iso:
            found = date(int(iso[1]), int(iso[2]), int(iso[3]))
        elif local:
            found = date(int(local[3]) + (2000 if len(local[3]) == 2 else 0), int(local[2]), int(local[1]))
        else:
            raise Unreadable("is no date; write it like 2026-11-30 or 30/11/2026")
    except ValueError:
        raise Unreadable("is not in the calendar") from None
    if found.year not in _YEARS:
        raise Unreadable("is far from today; check the year")
    return found


def cents_of(text: str) -> int:
    """Return signed centavos; a D or a minus behind the amount makes a debit. Raises Unreadable."""
    match = _AMOUNT.fullmatch(text.strip().replace("\u00a0", " ").replace("\u2212", "-"))
    if match is None:
        raise Unreadable("is no amount; write it like 1234.56 or 1.234,56")
    if _TWO_WAYS.fullmatch(match[3]):
        raise Unreadable("can be read in two ways; write the centavos too, like 1234.00 or 1.234,00")
    digits, decimals = _parts(match[3])
    cents = int(digits) * 100 + int(decimals.ljust(2, "0"))
    if cents > _MOST_CENTS:
        raise Unreadable("is more than a hundred million reais")
    return -cents if "-" in (match[1], match[2], match[4]) or (match[4] and match[4] in "Dd") else cents


def _parts(text: str) -> tuple[str, str]:
    """Reais and centavos. The last point or comma is the decimal one, where one or two digits follow it."""
    place = max(text.rfind("."), text.rfind(","))
    if place >= 0 and 1 <= len(text) - place - 1 <= 2:
        whole, decimals = text[:place] or "0", text[place + 1 :]
    else:
        whole, decimals = text, "00"
    groups = re.split(r"[.,]", whole)
    too_long = len(groups) > 1 and len(groups[0]) > 3
    if too_long or len(whole) > 20 or any(not g.isdigit() for g in groups) or any(len(g) != 3 for g in groups[1:]):
        raise Unreadable("is no amount; write it like 1234.56 or 1.234,56")
    return "".join(groups), decimals
