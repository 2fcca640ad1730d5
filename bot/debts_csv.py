"""The debts file: bytes in, rows and mistakes out, line by line. Nothing is stored here.

What companies really export: comma or semicolon, UTF-8 or Windows-1252, `1234.56` or `1.234,56`, ISO or dd/mm/yyyy. A
bad line is named with its number and reason and keeps nobody else out. What can be read in two ways (`1.234`) is asked
back, never guessed.

Every line needs external_id (the key of the debt), customer_id, name, document (identity is asked by it: without it
nobody may be told of the debt), amount and due_date. The rest may be empty: without phone the person cannot be written
to first, but the debt is on record; without description the external_id stands for it. Columns of other names are left
alone.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

import phonenumbers

from bot.csv_records import physical_lines, records
from bot.whatsapp.contact_points import canonical_phone
from payments.documents import NotADocument, read_document

REQUIRED = ("external_id", "customer_id", "name", "document", "amount", "due_date")
COLUMNS = (*REQUIRED, "phone", "email", "description", "tags", "opt_in")
SIZE_MAX = 64 * 1024 * 1024
FIELD_MAX = 500
AMOUNT_MAX_CENTS = 10_000_000_000  # a hundred million reais: beyond it a point or comma went astray
YEARS = range(1970, 2101)

_PLAIN = re.compile(r"([0-9]+)(?:[.,]([0-9]{1,2}))?", re.ASCII)
_GROUPED = re.compile(r"([0-9]{1,3}(?:\.[0-9]{3})+),([0-9]{1,2})", re.ASCII)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_LOCAL = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", re.ASCII)
_APOSTROPHE = re.compile(r"'+[=+\-@]")  # before what a spreadsheet would take for a formula, see `bot.debts_csv_out`
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtRow:
    """One debt as the file has it. `phone` is digits with country code, in the form chats are found by; `line` is the
    line of the file that it begins on.
    """

    line: int
    external_id: str
    customer_id: str
    name: str
    document: str
    phone: str | None
    email: str | None
    amount_cents: int
    due: date
    description: str
    tags: frozenset[str]
    opt_in: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """Why a line was left out: its number in the file, the field (empty: the whole line), the reason. Never the value
    itself.
    """

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtsFile:
    """All good rows in the order of the file, and every mistake."""

    rows: tuple[DebtRow, ...]
    errors: tuple[RowError, ...]


V = TypeVar("V")


class _Wrong(Exception):
    """A value that cannot be read; the text says why."""


def read_debts(source: bytes) -> DebtsFile:
    """Return the debts of a file, and what was wrong with the other lines. Never raises, whatever the bytes."""
    if len(source) > SIZE_MAX:
        return _no_rows(RowError(line=1, field="", reason="the file is larger than 64 MiB; split it"))
    lines = physical_lines(source)
    start = next((index for index, line in enumerate(lines) if line.strip()), None)
    if start is None:
        return _no_rows(RowError(line=1, field="", reason="the file is empty"))
    delimiter = ";" if lines[start].count(";") > lines[start].count(",") else ","
    found = records(lines, start, delimiter)
    line, header = next(found, (start + 1, []))  # nothing but separators: a header without names
    names = [name.strip().lower() for name in header]
    wrong = [RowError(line=line, field=name, reason="the column is missing") for name in REQUIRED if name not in names]
    wrong += [
        RowError(line=line, field=name, reason="the column stands here twice")
        for name in COLUMNS
        if names.count(name) > 1
    ]
    return _no_rows(*wrong) if wrong else _collected(found, names)


def _no_rows(*errors: RowError) -> DebtsFile:
    return DebtsFile(rows=(), errors=errors)


def _collected(found: Iterator[tuple[int, list[str]]], names: Sequence[str]) -> DebtsFile:
    rows: dict[str, DebtRow] = {}
    documents: dict[str, DebtRow] = {}
    errors: list[RowError] = []
    for line, fields in found:
        row = _row(line, fields, names, errors)
        if row is None:
            continue
        first = rows.setdefault(row.external_id, row)
        same = documents.setdefault(row.customer_id, row)
        if first is not row and replace(first, line=line) != row:
            reason = f"line {first.line} has the same external_id with other data"
            errors.append(RowError(line=line, field="external_id", reason=reason))
        elif same.document != row.document:
            reason = f"line {same.line} gives this customer_id another document"
            errors.append(RowError(line=line, field="document", reason=reason))
            del rows[row.external_id]
    return DebtsFile(rows=tuple(rows.values()), errors=tuple(errors))


def _row(line: int, fields: Sequence[str], names: Sequence[str], errors: list[RowError]) -> DebtRow | None:
    """The debt of one line, or None with every mistake of the line noted."""
    if not fields or (len(fields) > len(names) and any(field.strip() for field in fields[len(names) :])):
        why = f"the line has {len(fields)} fields, the first line {len(names)}" if fields else "a quote is not closed"
        errors.append(RowError(line=line, field="", reason=f"{why}; quote fields that contain the separator"))
        return None
    values = {name: _tidy(field) for name, field in zip(names, fields, strict=False)}
    read = _Fields(values)
    row = DebtRow(
        line=line,
        external_id=read.text("external_id"),
        customer_id=read.text("customer_id"),
        name=read.text("name"),
        document=read.read("document", _document) or "",
        phone=read.read("phone", _phone),
        email=read.read("email", _email),
        amount_cents=read.read("amount", _amount_cents) or 0,
        due=read.read("due_date", _date) or date.min,
        description=read.text("description") or read.text("external_id"),
        tags=frozenset(tag for part in read.text("tags").split(";") if (tag := part.strip())),
        opt_in=read.text("opt_in") or None,
    )
    errors += [RowError(line=line, field=field, reason=reason) for field, reason in read.wrong.items()]
    return None if read.wrong else row


class _Fields:
    """The values of one line, and what was found wrong in them, field by field."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.wrong: dict[str, str] = {}

    def text(self, field: str) -> str:
        """The words of a field; a required one may not be empty."""
        value = self._values.get(field, "")
        if not value and field in REQUIRED:
            self.wrong[field] = "is empty"
        elif len(value) > FIELD_MAX:
            self.wrong[field] = f"is longer than {FIELD_MAX} characters"
        elif any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value):
            self.wrong[field] = "has characters that cannot be shown"
        return value

    def read(self, field: str, reader: Callable[[str], V]) -> V | None:
        """What `reader` makes of a field; None where it is empty or wrong."""
        value = self.text(field)
        if not value or field in self.wrong:
            return None
        try:
            return reader(value)
        except _Wrong as wrong:
            self.wrong[field] = str(wrong)
            return None


def _tidy(field: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", field).replace("\u200b", "").split())
    return text[1:] if _APOSTROPHE.match(text) else text


def _document(text: str) -> str:
    document = read_document(text)
    if isinstance(document, NotADocument):
        raise _Wrong("is no valid CPF or CNPJ; a spreadsheet may have eaten leading zeros")
    return document.canonical


def _phone(text: str) -> str:
    """The digits that a chat of this number is found by, see `bot.whatsapp.contact_points`."""
    try:
        number = phonenumbers.parse(text, "BR")
    except phonenumbers.NumberParseException:
        raise _Wrong("is no phone number; write it like +55 11 98765-4321") from None
    digits = canonical_phone(f"{number.country_code}{phonenumbers.national_significant_number(number)}")
    if not phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}")):
        raise _Wrong("is no phone number that exists; write it like +55 11 98765-4321")
    return digits


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise _Wrong("is no e-mail address")
    return text


def _amount_cents(text: str) -> int:
    written = text.removeprefix("R$").strip()
    if re.fullmatch(r"[0-9]{1,3}([.,][0-9]{3})+", written):
        raise _Wrong("can be read in two ways; write the centavos too, like 1234.00 or 1.234,00")
    match = _PLAIN.fullmatch(written) or _GROUPED.fullmatch(written)
    if match is None or len(written) > 20:
        raise _Wrong("is no amount; write it like 1234.56 or 1.234,56, more than zero")
    cents = int(match[1].replace(".", "")) * 100 + int((match[2] or "").ljust(2, "0"))
    if not 0 < cents <= AMOUNT_MAX_CENTS:
        raise _Wrong("must be more than zero" if cents == 0 else "is more than a hundred million reais")
    return cents


def _date(text: str) -> date:
    iso, local = _ISO.fullmatch(text), _LOCAL.fullmatch(text)
    if iso:
        year, month, day = (int(part) for part in iso.groups())
    elif local:
        day, month, year = (int(part) for part in local.groups())
    else:
        raise _Wrong("is no date; write it like 2026-11-30 or 30/11/2026")
    try:
        found = date(year, month, day)
    except ValueError:
        raise _Wrong("is not in the calendar") from None
    if year not in YEARS:
        raise _Wrong("is far from today; check the year")
    return found
