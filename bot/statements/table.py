"""A statement as a table: the CSV that banks export, with whatever stands above and below it."""

import csv
import unicodedata
from collections.abc import Mapping, Sequence

from bot.statements.lines import LineError, Statement, StatementLine, keyed
from bot.statements.values import Unreadable, cents_of, day_of

_DAY = ("data", "data lancamento", "data movimento", "data da transacao", "data hora", "date", "dt lancamento")
_AMOUNT = ("valor", "valor r$", "valor (r$)", "quantia", "amount", "valor da transacao")
_CREDIT, _DEBIT = ("credito", "credito r$", "credito (r$)", "entrada", "entradas"), ("debito", "saida", "saidas")
_ID = ("identificador", "id da transacao", "id transacao", "documento", "docto", "numero documento", "id", "end to end",
       "endtoendid", "id/transacao", "e2eid", "txid")  # fmt: skip
_HEADER_WITHIN = 40  # lines of preamble
_SOFT = ("saldo", "total", "sdo ")


def read_table(text: str) -> Statement | None:
    """Return the credits of a table, or None where no line names a day and an amount."""
    rows = text.splitlines()
    for start, row in enumerate(rows[:_HEADER_WITHIN]):
        for delimiter in (";", "\t", ","):
            names = [_plain(name) for name in _split(row, delimiter)]
            if _one(names, _DAY) is not None and (_one(names, _AMOUNT) is not None or _one(names, _CREDIT) is not None):
                return _read(rows[start + 1 :], start + 2, names, delimiter)
    return None


def _read(rows: Sequence[str], first: int, names: Sequence[str], delimiter: str) -> Statement:
    lines: list[StatementLine] = []
    errors: list[LineError] = []
    debits = 0
    for number, row in enumerate(rows, start=first):
        fields = [field.strip() for field in _split(row, delimiter)]
        values = dict(zip(names, fields, strict=False))
        text = " ".join(
            f for n, f in zip(names, fields, strict=False) if f and n not in (*_DAY, *_AMOUNT, *_CREDIT, *_DEBIT)
        )
        if not any(fields) or _plain(text).startswith(_SOFT):
            continue
        try:
            line = _line(number, values, text)
        except _Wrong as wrong:
            errors.append(LineError(line=number, field=wrong.field, reason=str(wrong)))
            continue
        if line is None:
            debits += 1
        else:
            lines.append(line)
    return Statement(lines=keyed(lines), debits=debits, errors=tuple(errors))


class _Wrong(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def _line(number: int, values: Mapping[str, str], text: str) -> StatementLine | None:
    """One credit; None: a debit."""
    day_name = _one(tuple(values), _DAY)
    amount_name = _one(tuple(values), _AMOUNT) or _one(tuple(values), _CREDIT)
    if day_name is None or amount_name is None:
        raise _Wrong("", "the line has fewer fields than the header")
    written = values[amount_name]
    if not written and amount_name in _CREDIT:
        return None  # its amount stands in the column of debits
    try:
        booked_on = day_of(values[day_name])
    except Unreadable as why:
        raise _Wrong(day_name, str(why)) from None
    try:
        cents = cents_of(written)
    except Unreadable as why:
        raise _Wrong(amount_name, str(why)) from None
    if cents <= 0:
        return None
    ids = " ".join(values[name] for name in values if name in _ID)
    return StatementLine(line=number, booked_on=booked_on, amount_cents=cents, text=text, bank_id=ids and f"csv|{ids}")


def _split(row: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([row], delimiter=delimiter), [])
    except csv.Error:
        return [row]


def _one(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    return next((name for name in names if name in wanted), None)


def _plain(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.strip().lower()) if not unicodedata.combining(c))
    return " ".join(bare.replace("_", " ").split())
