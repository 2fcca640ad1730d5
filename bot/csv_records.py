"""Delimited files as companies and banks really write them: bytes in, records out, each with the number of its line."""

import csv
from collections.abc import Iterator, Sequence

RECORD_LINES_MAX = 20  # a quoted field may run over so many lines; beyond it the quote was never closed


def physical_lines(source: bytes) -> list[str]:
    """Return the lines. Each is UTF-8 or else Windows-1252 by itself: a file that was pasted together still reads."""
    source = source.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return [_decoded(line) for line in source.split(b"\n")]


def records(lines: Sequence[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record from index `start` on, with the number of its first line; one without fields has a quote that
    is never closed, which costs its own line, not all that follow.
    """
    index, width = start, 0
    while index < len(lines):
        fields, end = split_record(lines[index], delimiter), index + 1
        while fields is None and end < min(index + RECORD_LINES_MAX, len(lines)):
            end += 1
            fields = split_record("\n".join(lines[index:end]), delimiter)
            if fields is not None and len(fields) != width:
                fields = None
        if fields is None:
            fields, end = [], index + 1
        if not fields or any(field.strip() for field in fields):  # a line of separators alone is empty
            yield index + 1, fields
            width = width or len(fields)
        index = end


def split_record(text: str, delimiter: str) -> list[str] | None:
    """Return the fields of one record, or None where its quotes do not close. An empty line has one empty field."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), []) or [""]
    except csv.Error:
        return None


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")
