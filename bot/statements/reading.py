"""A bank's statement file, whatever it is: OFX or a table."""

from bot.statements.lines import Statement
from bot.statements.ofx import read_ofx
from bot.statements.table import read_table

SIZE_MAX = 32 * 1024 * 1024


class NoStatement(Exception):
    """The file is no bank statement. The message says why and what to do."""


def read_statement(source: bytes) -> Statement:
    """Return the credits of a statement, and what was wrong with the other lines. Raises NoStatement."""
    if len(source) > SIZE_MAX:
        raise NoStatement("the file is larger than 32 MiB; export a shorter period")
    text = _decoded(source)
    if not text.strip():
        raise NoStatement("the file is empty")
    if "<OFX" in text[:20_000].upper() or "OFXHEADER" in text[:2_000].upper():
        found: Statement | None = read_ofx(text)
    else:
        found = read_table(text)
    if found is None:
        raise NoStatement("the file is neither OFX nor a table with a day and an amount; export it as OFX")
    return found


def _decoded(source: bytes) -> str:
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError:
        return source.decode("cp1252", "replace")
