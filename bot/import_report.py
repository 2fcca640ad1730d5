"""What an import of debts did, or would do, as `--json` prints it and as the page keeps it."""

from collections.abc import Sequence
from typing import Any

from bot.debts_csv import RowError
from bot.store.imports import Change, Imported


def report(imported: Imported, errors: Sequence[RowError]) -> dict[str, Any]:
    """Return the report; `errors` are those of the file and of the import, by line."""
    return {
        "created": imported.created,
        "updated": imported.updated,
        "unchanged": imported.unchanged,
        "errors": [{"line": error.line, "field": error.field, "reason": error.reason} for error in errors],
        "changes": [_plain(change) for change in imported.changes],
        "charges_taken_back": imported.charges_taken_back,
    }


def by_line(*errors: RowError) -> list[RowError]:
    """Return mistakes in the order of the file."""
    return sorted(errors, key=lambda error: error.line)


def _plain(change: Change) -> dict[str, Any]:
    before, after = (value if isinstance(value, int) else value.isoformat() for value in (change.before, change.after))
    return {
        "line": change.line,
        "external_id": change.external_id,
        "field": change.field,
        "before": before,
        "after": after,
    }
