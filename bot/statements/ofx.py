"""OFX, as banks export it: version 1 (SGML, tags that are never closed) and version 2 (XML) alike."""

import html
import re

from bot.statements.lines import LineError, Statement, StatementLine, keyed
from bot.statements.values import Unreadable, cents_of, day_of

_TAG = re.compile(r"<(/?)([A-Za-z0-9.]+)>([^<\r\n]*)")


def read_ofx(text: str) -> Statement:
    """Return the credits of an OFX document. Never raises."""
    lines: list[StatementLine] = []
    errors: list[LineError] = []
    debits, account = 0, ""
    current: dict[str, str] | None = None
    began = 0
    for match in _TAG.finditer(text):
        closing, name, value = match[1] == "/", match[2].upper(), html.unescape(match[3].strip())
        if name == "ACCTID" and not closing:
            account = value
        elif name == "STMTTRN":
            if closing and current is not None:
                debits += _collect(current, began, account, lines, errors)
            current, began = (None, began) if closing else ({}, text.count("\n", 0, match.start()) + 1)
        elif current is not None and not closing:
            current.setdefault(name, value)
    return Statement(lines=keyed(lines), debits=debits, errors=tuple(errors))


def _collect(
    fields: dict[str, str], began: int, account: str, lines: list[StatementLine], errors: list[LineError]
) -> int:
    """Add one transaction. Return 1 where it is a debit."""
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
    if wrong or booked_on is None:
        errors += wrong
        return 0
    if cents <= 0:
        return 1
    text = " ".join(
        filter(None, (fields.get("NAME"), fields.get("MEMO"), fields.get("CHECKNUM"), fields.get("REFNUM")))
    )
    bank_id = f"{account}|{fields['FITID']}" if fields.get("FITID") else ""
    lines.append(StatementLine(line=began, booked_on=booked_on, amount_cents=cents, text=text, bank_id=bank_id))
    return 0
