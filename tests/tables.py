"""Arguments for `pytest.mark.parametrize` from a table in text, one case per line."""

from collections.abc import Sequence
from typing import Any

import pytest


def table(text: str) -> tuple[str, Sequence[Any]]:
    """Return names and cases of a table whose first line names the columns.

    Columns are told apart by blanks, or by `|` where a cell itself has blanks or is empty. Whole numbers, `yes`,
    `no` and `-` (None) are values, `"…"` is text as it stands, all else is text. What follows ` # ` names the case.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    names = _cells(lines[0])
    cases = []
    for line in lines[1:]:
        row, _, name = line.partition(" # ")
        cells = _cells(row)
        assert len(cells) == len(names), f"{len(cells)} cells under {len(names)} names: {line}"
        values = [_value(cell) for cell in cells]
        cases.append(pytest.param(*values, id=name.strip() or " ".join(cells)))
    return ", ".join(names), cases


def _cells(line: str) -> list[str]:
    if "|" in line:
        return [cell.strip() for cell in line.split("|")]
    return line.split()


def _value(cell: str) -> int | bool | str | None:
    if cell in ("yes", "no"):
        return cell == "yes"
    if cell == "-":
        return None
    if cell.startswith('"') and cell.endswith('"') and len(cell) > 1:
        return cell[1:-1]
    digits = cell.removeprefix("-")
    # A leading zero is text: "0300" is a number of a house, a document or a phone, not three hundred.
    return int(cell) if digits.isdecimal() and digits.isascii() and (digits == "0" or digits[0] != "0") else cell
