"""OFX, as banks export it: version 1 (SGML, tags that are never closed) and version 2 (XML) alike."""

import html
import re
from collections.abc import Iterator, Mapping

from bot.statements.lines import LineError, Statement, StatementLine, keyed
from bot.statements.values import Unreadable, cents_of, day_of

_TAG = re.compile(r"<(/?)([A-Za-z0-9._]+)\s*>([^<\r\n]*)")
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_ACCOUNT = "\0account"  # no tag can be called so
# OFX 2.2, 11.4.4.3: kinds of STMTTRN by which money always goes out; some banks write their amounts without the minus.
_GOES_OUT = frozenset({"DEBIT", "FEE", "SRVCHG", "PAYMENT", "CHECK", "DIRECTDEBIT", "REPEATPMT"})
_WORDS = ("NAME", "MEMO", "CHECKNUM", "REFNUM")


def read_ofx(text: str) -> Statement:
    """Return the credits of an OFX document. Never raises."""
    lines: list[StatementLine] = []
    errors: list[LineError] = []
    debits = 0
    for began, fields in _transactions(_CDATA.sub(lambda found: html.escape(found[1]), text)):
        if fields is None:
            errors.append(LineError(line=began, field="", reason="the file ends within it; export it again"))
            continue
        line, wrong = _line(began, fields)
        errors += wrong
        if line is not None:
            lines.append(line)
        debits += line is None and not wrong
    return Statement(lines=keyed(lines), debits=debits, errors=tuple(errors))


def _transactions(text: str) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    """Yield each STMTTRN with the number of its line; None: the end of the file cut it off.

    One that is never closed ends where the next begins, or their list does.
    """
    account, line, seen, began = "", 1, 0, 0
    current: dict[str, str] | None = None
    for tag in _TAG.finditer(text):
        closing, name, value = tag[1] == "/", tag[2].upper(), html.unescape(tag[3].strip())
        if name == "STMTTRN" or (closing and name in ("BANKTRANLIST", "STMTRS", "OFX")):
            if current is not None:
                yield began, current
            current = None
            if name == "STMTTRN" and not closing:
                line, seen = line + text.count("\n", seen, tag.start()), tag.start()
                current, began = {_ACCOUNT: account}, line
        elif current is not None and not closing:
            current.setdefault(name, value)
        elif name == "ACCTID" and not closing:  # within a STMTTRN it is the other side's
            account = value
    if current is not None:
        yield began, None


def _line(began: int, fields: Mapping[str, str]) -> tuple[StatementLine | None, list[LineError]]:
    """One credit, or what is wrong with it; neither: a debit."""
    wrong: list[LineError] = []
    booked_on, cents = None, 0
    try:
        booked_on = day_of(fields.get("DTPOSTED", ""))
    except Unreadable as why:
        wrong.append(LineError(line=began, field="DTPOSTED", reason=str(why)))
    try:
        cents = cents_of(fields.get("TRNAMT", ""))
    except Unreadable as why:
        wrong.append(LineError(line=began, field="TRNAMT", reason=str(why)))
    if booked_on is None or wrong:
        return None, wrong
    if cents <= 0 or fields.get("TRNTYPE", "").upper() in _GOES_OUT:
        return None, []
    text = " ".join(fields[name] for name in _WORDS if fields.get(name))
    bank_id = f"ofx|{fields[_ACCOUNT]}|{fields['FITID']}" if fields.get("FITID") else ""
    return StatementLine(line=began, booked_on=booked_on, amount_cents=cents, text=text, bank_id=bank_id), []
