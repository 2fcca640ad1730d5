"""A statement as a table: the CSV that banks export, with whatever stands above, between and below its lines."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from bot.csv_records import records, split_record
from bot.statements.lines import LineError, Statement, StatementLine, keyed
from bot.statements.values import Unreadable, cents_of, day_of

# The names of columns, as `_plain` writes them: small letters without accents, points, brackets or R$.
_DAY = (
    "data", "data lancamento", "data do lancamento", "data mov", "data movimento", "data movimentacao",
    "data da movimentacao", "data transacao", "data da transacao", "data operacao", "data da operacao",
    "data pagamento", "data do pagamento", "data contabil", "data hora", "data e hora", "dt lancamento",
    "dt movimento", "date", "release date",
)  # fmt: skip
_AMOUNT = (
    "valor", "valor lancamento", "valor do lancamento", "valor transacao", "valor da transacao", "valor operacao",
    "valor da operacao", "quantia", "montante", "amount", "transaction net amount",
)  # fmt: skip
_CREDIT = ("credito", "creditos", "entrada", "entradas", "valor credito", "valor entrada")
_DEBIT = ("debito", "debitos", "saida", "saidas", "valor debito", "valor saida")
_SIGN = (
    "deb cred", "cred deb", "d c", "c d", "dc", "debito credito", "credito debito", "natureza", "sinal", "operacao",
    "tipo", "tipo lancamento", "tipo de lancamento", "tipo transacao", "tipo de transacao", "tipo movimento",
)  # fmt: skip
_OUT, _IN = ("d", "deb", "debito", "saida", "-"), ("c", "cred", "credito", "entrada", "+")
_ID = (
    "identificador", "id", "id transacao", "id da transacao", "codigo da transacao", "documento", "docto", "doc",
    "no documento", "n documento", "numero documento", "numero do documento", "nr doc", "nr documento",
    "num documento", "end to end", "end to end id", "endtoendid", "e2e id", "e2eid", "id end to end", "reference id",
    "txid",
)  # fmt: skip
_BALANCE_COLUMN = re.compile(r"saldos?\b|balance\b|partial balance\b")
_BALANCE = re.compile(
    r"saldos?( (do|de|da|em|dia|anterior|total|final|inicial|atual|disponivel|bloqueado|parcial|c c)\b.*)?|sdo\b.*"
    r"|s a l d o"
)
_HEADER_WITHIN = 60  # lines of preamble
_AMBIGUOUS = re.compile(r"[+-]?\s*(R\$)?\s*[+-]?[0-9]+", re.ASCII)


class _Wrong(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def read_table(lines: Sequence[str]) -> Statement | None:
    """Return the credits of a table, or None where no line names a day and an amount."""
    for start, row in enumerate(lines[:_HEADER_WITHIN]):
        for delimiter in (";", "\t", ","):
            names = [_plain(name) for name in split_record(row, delimiter) or ()]
            if _one(names, _DAY) and (_one(names, _AMOUNT) or _one(names, _CREDIT)):
                return _read(lines, start, names, delimiter)
    return None


def _read(lines: Sequence[str], start: int, names: Sequence[str], delimiter: str) -> Statement:
    credits: list[StatementLine] = []
    errors: list[LineError] = []
    debits = 0
    for number, written in records(lines, start, delimiter):
        fields = [" ".join(field.replace("\0", "").split()) for field in written]
        values: dict[str, str] = {}
        for name, field in zip(names, fields, strict=False):
            values.setdefault(name, field)
        try:
            if not fields:
                raise _Wrong("", "a quote is not closed")
            if _is_no_line(fields, values, names):
                continue
            if any(fields[len(names) :]):
                raise _Wrong("", f"the line has {len(fields)} fields, the header {len(names)}; export it as OFX")
            line = _line(number, values, _text(names, fields), delimiter)
        except _Wrong as wrong:
            errors.append(LineError(line=number, field=wrong.field, reason=str(wrong)))
            continue
        if line is None:
            debits += 1
        else:
            credits.append(line)
    return Statement(lines=keyed(credits), debits=debits, errors=tuple(errors))


def _is_no_line(fields: Sequence[str], values: Mapping[str, str], names: Sequence[str]) -> bool:
    """Whether it is a header, a balance, a sum, or words: something that banks write between and below the lines."""
    plain = [_plain(field) for field in fields]
    if plain[: len(names)] == list(names) or any(_BALANCE.fullmatch(field) for field in plain):
        return True
    day = values.get(_one(names, _DAY) or "", "")
    if day[:1].isdigit():
        return False
    has_amount = any(values.get(name) for name in names if name in (*_AMOUNT, *_CREDIT, *_DEBIT))
    return not has_amount or next(filter(None, plain), "").startswith("total")


def _line(number: int, values: Mapping[str, str], text: str, delimiter: str) -> StatementLine | None:
    """One credit; None: a debit."""
    day_name = _one(tuple(values), _DAY)
    amount_name = _one(tuple(values), _AMOUNT) or _one(tuple(values), _CREDIT)
    if day_name is None or amount_name is None:
        raise _Wrong("", "the line has fewer fields than the header")
    written = values[amount_name]
    if amount_name in _CREDIT and not written.strip("-0.,") and (values.get(_one(tuple(values), _DEBIT) or "")):
        return None  # its amount stands in the column of debits
    try:
        booked_on = day_of(values[day_name])
    except Unreadable as why:
        raise _Wrong(day_name, str(why)) from None
    if delimiter == "," and _AMBIGUOUS.fullmatch(written):  # 349,90 without quotes is two fields
        raise _Wrong(amount_name, "has no centavos, or a comma cut them off; export it as OFX")
    try:
        cents = cents_of(written)
    except Unreadable as why:
        raise _Wrong(amount_name, str(why)) from None
    if cents <= 0 or _goes_out(values):
        return None
    ids = " ".join(values[name] for name in values if name in _ID and values[name])
    bank_id = f"csv|{ids}" if ids else ""
    return StatementLine(line=number, booked_on=booked_on, amount_cents=cents, text=text, bank_id=bank_id)


def _goes_out(values: Mapping[str, str]) -> bool:
    """Whether a column of its own says that it is a debit."""
    said = {values[name].strip().lower() for name in values if name in _SIGN}
    said |= {_plain(word) for word in said}
    return bool(said & set(_OUT)) and not said & set(_IN)


def _text(names: Sequence[str], fields: Sequence[str]) -> str:
    """What people read of it. Not the balance: it may change with what the bank books before."""
    apart = (*_DAY, *_AMOUNT, *_CREDIT, *_DEBIT)
    return " ".join(
        field
        for name, field in zip(names, fields, strict=False)
        if field and name not in apart and not _BALANCE_COLUMN.match(name)
    )


def _one(names: Sequence[str], wanted: Iterable[str]) -> str | None:
    return next((name for name in names if name in wanted), None)


def _plain(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return " ".join(re.sub(r"r\$|[_./():°\ufeff-]", " ", bare).split())
