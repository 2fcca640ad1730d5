"""Debts as a file that spreadsheets open and `acerto import` takes again: the same columns, the same amounts.

Semicolons, a decimal comma, and a mark of UTF-8 at its beginning, as spreadsheets expect them in Brazil. A cell that a
spreadsheet would take for a formula gets an apostrophe before it, which the import takes off again.
"""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from bot.debts_csv import COLUMNS

BEGINNING = b"\xef\xbb\xbf"
_HEADER = (*COLUMNS, "state", "open_amount")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtOut:
    """One debt with its customer. Amounts in centavos; `state` and `open_cents` are told and not imported."""

    external_id: str
    customer_id: str
    name: str
    document: str
    phone: str | None
    email: str | None
    amount_cents: int
    due: date
    description: str
    tags: tuple[str, ...]
    opt_in: str | None
    state: str
    open_cents: int


def header() -> bytes:
    """Return the first line."""
    return BEGINNING + _lines([_HEADER])


def lines(debts: Iterable[DebtOut]) -> bytes:
    """Return a line for each debt."""
    return _lines([_safe(field) for field in _fields(debt)] for debt in debts)


def _fields(debt: DebtOut) -> tuple[str, ...]:
    """In the order of the columns."""
    return (
        debt.external_id,
        debt.customer_id,
        debt.name,
        debt.document,
        _reais(debt.amount_cents),
        debt.due.isoformat(),
        debt.phone or "",
        debt.email or "",
        debt.description,
        ";".join(sorted(debt.tags)),
        debt.opt_in or "",
        debt.state,
        _reais(debt.open_cents),
    )


def _safe(field: str) -> str:
    return f"'{field}" if _FORMULA.match(field) else field


def _reais(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02}"


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8")
