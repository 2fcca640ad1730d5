"""A bank's statement file, whatever it is: OFX or a table."""

import hashlib
from dataclasses import replace

from bot.csv_records import physical_lines
from bot.statements.lines import Statement
from bot.statements.ofx import read_ofx
from bot.statements.table import read_table

SIZE_MAX = 32 * 1024 * 1024
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class NoStatement(Exception):
    """The file is no bank statement. The message says why and what to do."""


def read_statement(source: bytes) -> Statement:
    """Return the credits of a statement, and what was wrong with the other lines. Raises NoStatement."""
    if len(source) > SIZE_MAX:
        raise NoStatement("the file is larger than 32 MiB; export a shorter period")
    digest = hashlib.sha256(source).hexdigest()
    if source.startswith(_UTF_16):  # "Unicode text", as spreadsheets call it
        source = source.decode("utf-16", "replace").encode("utf-8", "replace")
    if not source.strip(b"\xef\xbb\xbf\r\n\t \0"):
        raise NoStatement("the file is empty; export it again")
    lines = physical_lines(source)
    head = "\n".join(lines[:200])[:20_000].upper()
    found = read_ofx("\n".join(lines)) if "<OFX" in head or "OFXHEADER" in head else read_table(lines)
    if found is None:
        raise NoStatement("the file is neither OFX nor a table with a day and an amount; export it as OFX")
    return replace(found, digest=digest)
