"""BR Code: the text behind a Pix QR picture, which is also the copy-and-paste code. Written strictly, read leniently.

A flat string of `ID(2) LENGTH(2) VALUE`, closed by a CRC (BCB, Manual de Padrões para Iniciação do Pix and Manual do BR
Code). ASCII only.
"""

import binascii
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PIX = "br.gov.bcb.pix"
NO_TXID = "***"
_TEMPLATE_CHARACTERS = 99
_AMOUNT_CHARACTERS = 13
_NAME, _CITY, _POSTAL, _KEY, _URL = 25, 15, 10, 77, 77
_TXID = re.compile(r"[A-Za-z0-9]{1,25}")
_CATEGORY = re.compile(r"[0-9]{4}")
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]{1,2})?")
_ACCOUNTS = [f"{n:02d}" for n in range(26, 52)]
_UNRESERVED = [f"{n:02d}" for n in range(80, 100)]
# A key as DICT keeps it: CPF, CNPJ, phone, random key, e-mail.
_KEYS = re.compile(
    r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}|\+55[0-9]{10,11}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[^A-Z\s@]+@[^A-Z\s@]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """Who receives, as the payer's bank shows it; name and city are cleaned and cut to 25 and 15 characters."""

    name: str
    city: str
    postal_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code that was read. `amount_cents` is None where field 54 is absent; `location` is set for a dynamic code,
    `key` for a static one."""

    kind: Literal["static", "dynamic", "recurrence"]
    merchant_name: str
    merchant_city: str
    amount_cents: int | None
    txid: str | None  # None for ***
    key: str | None = None
    location: str | None = None
    info: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotACode:
    """Why a text is no Pix code."""

    reason: str


def static_code(
    key: str, *, merchant: Merchant, amount_cents: int | None = None, txid: str = NO_TXID, info: str | None = None
) -> str:
    """Return the code of a key: payable by anyone, any number of times. Without `amount_cents` the payer chooses the
    amount.

    `info` is cut to what is left of the template; the key is never cut.
    """
    assert txid == NO_TXID or _TXID.fullmatch(txid), "a static txid is 1 to 25 letters and digits"
    assert 0 < len(key) <= _KEY
    assert key.isascii()
    account = _tlv("00", PIX) + _tlv("01", key)
    room = _TEMPLATE_CHARACTERS - len(account) - 4
    text = plain(info or "", room) if room > 0 else ""
    return _code(account + (_tlv("02", text) if text else ""), merchant, amount_cents, txid, once=None)


def dynamic_code(location: str, *, merchant: Merchant, amount_cents: int | None = None, once: bool = True) -> str:
    """Return the code of a charge that the provider serves at `location` (without scheme, at most 77 characters).

    `amount_cents` is only shown; what counts is what the provider answers.
    """
    location = location.split("://", 1)[-1]
    assert 0 < len(location) <= _URL
    assert location.isascii()
    return _code(_tlv("00", PIX) + _tlv("25", location), merchant, amount_cents, NO_TXID, once=once)


def plain(text: str, limit: int) -> str:
    """Return `text` in the letters that every bank can show: no accents, ASCII, single blanks, cut to `limit`."""
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c) and " " <= c <= "~")
    return " ".join("".join(letters).split())[:limit].strip()


def crc(text: str) -> str:
    """Return the CRC-16/CCITT-FALSE of `text`, which ends in `6304`, as four upper-case digits."""
    return f"{binascii.crc_hqx(text.encode('ascii'), 0xFFFF):04X}"


def read_code(text: str) -> Code | NotACode:
    """Return what a code says, or why it is none. Lenient: unknown fields, an upper-case GUI and odd txids are read all
    the same."""
    text = text.strip()  # as it comes out of a clipboard
    fields = _fields(text)
    if isinstance(fields, NotACode):
        return fields
    if not text.isascii() or "63" not in fields or text[-4:].upper() != crc(text[:-4]):
        return NotACode("the checksum does not match; the code was cut or changed")
    account = _account(fields)
    if account is None or not (account.get("01") or account.get("25") or _has_recurrence(fields)):
        return NotACode("it has no Pix account")
    amount = fields.get("54")
    if amount is not None and not _AMOUNT.fullmatch(amount):
        return NotACode("field 54 is no amount")
    txid = _template(fields.get("62", "")).get("05")
    return Code(
        kind="dynamic" if "25" in account else "static" if "01" in account else "recurrence",
        merchant_name=fields.get("59", ""),
        merchant_city=fields.get("60", ""),
        amount_cents=_cents(amount) if amount is not None else None,
        txid=None if txid in (None, NO_TXID) else txid,
        key=account.get("01"),
        location=account.get("25"),
        info=account.get("02"),
        fields=fields,
    )


def mistakes(text: str) -> tuple[str, ...]:
    """Return everything that a strict reader refuses in a code; empty: it is as the manual wants it."""
    fields = _fields(text)
    if isinstance(fields, NotACode):
        return (fields.reason,)
    found = _frame_mistakes(text, fields) + _account_mistakes(fields)
    amount = fields.get("54")
    if amount is not None:
        if not _AMOUNT.fullmatch(amount) or len(amount) > _AMOUNT_CHARACTERS:
            found.append("field 54: an amount has a point, at most two decimals and 13 characters")
        elif "01" in (_account(fields) or {}) and _cents(amount) == 0:
            found.append("field 54: a static code without amount leaves it out")
    if fields.get("01", "11") not in ("11", "12"):
        found.append("field 01 is 11 or 12, or left out")
    if not _CATEGORY.fullmatch(fields.get("52", "")):
        found.append("field 52 has four digits; 0000 where the category is not known")
    found += [f"field {n} must be {value}" for n, value in (("53", "986"), ("58", "BR")) if fields.get(n) != value]
    found += [
        f"field {n} has 1 to {limit} characters"
        for n, limit in (("59", _NAME), ("60", _CITY))
        if not 1 <= len(fields.get(n, "")) <= limit
    ]
    return tuple(found)


def _frame_mistakes(text: str, fields: Mapping[str, str]) -> list[str]:
    found = []
    if next(iter(fields), "") != "00" or fields.get("00") != "01":
        found.append("field 00 must be first and 01")
    if list(fields)[-1:] != ["63"] or len(fields.get("63", "")) != 4:
        found.append("field 63 must be last, with four digits")
    elif not text.isascii() or text[-4:] != crc(text[:-4]):
        found.append("field 63: the checksum does not match")
    return found


def _account_mistakes(fields: Mapping[str, str]) -> list[str]:
    account = _account(fields)
    if account is None:
        return [f"no account template 26-51 with GUI {PIX}"]
    key, url = account.get("01"), account.get("25")
    found = []
    if key and url:
        found.append("field 26: key and URL exclude each other")
    if not key and not url and not _has_recurrence(fields):
        found.append("field 26 has neither key nor URL")
    if key and not _KEYS.fullmatch(key):
        found.append("field 26-01: the key is not in the form of DICT")
    if url and "://" in url:
        found.append("field 26-25: the URL has no scheme")
    txid = _template(fields.get("62", "")).get("05")
    if txid is None:
        found.append("field 62-05 is missing; *** where there is no txid")
    elif txid != NO_TXID and (url or not _TXID.fullmatch(txid)):
        found.append("field 62-05: *** in a dynamic code, 1 to 25 letters and digits in a static one")
    return found


def _code(account: str, merchant: Merchant, amount_cents: int | None, txid: str, *, once: bool | None) -> str:
    name, city = plain(merchant.name, _NAME), plain(merchant.city, _CITY)
    assert name, "the receiver needs a name"
    assert city, "the receiver needs a city"
    parts = [
        _tlv("00", "01"),
        _tlv("01", "12") if once else "",
        _tlv("26", account),
        _tlv("52", "0000"),
        _tlv("53", "986"),
    ]
    if amount_cents is not None:
        assert amount_cents > 0
        amount = f"{amount_cents // 100}.{amount_cents % 100:02d}"
        assert len(amount) <= _AMOUNT_CHARACTERS
        parts.append(_tlv("54", amount))
    parts += [_tlv("58", "BR"), _tlv("59", name), _tlv("60", city)]
    if merchant.postal_code:
        parts.append(_tlv("61", plain(merchant.postal_code, _POSTAL)))
    parts.append(_tlv("62", _tlv("05", txid)))
    body = "".join(parts) + "6304"
    return body + crc(body)


def _tlv(number: str, value: str) -> str:
    assert len(value) <= _TEMPLATE_CHARACTERS
    return f"{number}{len(value):02d}{value}"


def _fields(text: str) -> dict[str, str] | NotACode:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        number, length = text[at : at + 2], text[at + 2 : at + 4]
        if not (length.isascii() and length.isdigit() and len(length) == 2):
            return NotACode(f"field {number!r}: its length is not two digits")
        value = text[at + 4 : at + 4 + int(length)]
        if len(value) < int(length):
            return NotACode(f"field {number}: it is longer than what is left")
        if number in found:
            return NotACode(f"field {number} comes twice")
        found[number] = value
        at += 4 + int(length)
    return found if found else NotACode("it is empty")


def _template(value: str) -> dict[str, str]:
    inner = _fields(value)
    return {} if isinstance(inner, NotACode) else inner


def _account(fields: Mapping[str, str]) -> dict[str, str] | None:
    templates = (_template(fields[n]) for n in _ACCOUNTS if n in fields)
    return next((t for t in templates if t.get("00", "").lower() == PIX), None)


def _has_recurrence(fields: Mapping[str, str]) -> bool:
    """Whether a template beyond the account's is the Pix's own: Pix Automático."""
    return any(_template(fields[n]).get("00", "").lower() == PIX for n in _UNRESERVED if n in fields)


def _cents(amount: str) -> int:
    whole, _, rest = amount.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0") or 0)
