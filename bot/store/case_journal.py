"""The journal as it stands in a case file: lines that are shown whole, between hashes of lines about something else.

That a shown line follows from the hash before it can be proved; that a hash alone follows cannot, for want of its line.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.papers.case_contents import CaseLine
from bot.store.journal import link


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line that is shown, its body as values."""

    n: int
    at: datetime
    body: dict[str, Any]


def told(lines: Sequence[CaseLine], kind: str) -> Iterator[Told]:
    """The lines of a kind that are shown. Raises ValueError for a body that is no JSON object."""
    for line in lines:
        if line.kind == kind and line.at is not None and line.body is not None:
            body = json.loads(line.body)
            if not isinstance(body, dict):
                raise ValueError("a body is no object")
            yield Told(n=line.n, at=line.at, body=body)


def breaks(lines: Sequence[CaseLine]) -> Iterator[str]:
    """What breaks the chain: a line out of its place, half a line, or a hash that does not follow."""
    before = b""
    for place, line in enumerate(lines, start=1):
        after = bytes.fromhex(line.hash)
        given = {line.at is None, line.kind is None, line.body is None}
        if line.n != place or len(after) != 32 or len(given) != 1:
            yield f"line {place} is not there, or not whole"
            return
        if not _follows(before, line, after):
            yield f"line {line.n} does not follow from the hash before it"
        before = after


def _follows(before: bytes, line: CaseLine, after: bytes) -> bool:
    """Whether a line that is shown follows; of one that is not nothing can be said."""
    if line.at is None or line.kind is None or line.body is None:
        return True
    return link(before, n=line.n, at=line.at, kind=line.kind, body=line.body) == after
