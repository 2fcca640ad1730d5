"""A bank statement as we take it: credits with their day, amount and identifiers, and every line that cannot be read.

A line's key is its endToEndId where the bank gives it, else made of what the bank says of it, so that the same file
again, or a statement that overlaps, brings nothing twice; two payments that are alike on one day stay two. The day is
always part of such a key: some banks begin to number their lines anew each day, or write the same number in all of
them.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

END_TO_END_ID = re.compile(r"\bE[0-9A-Z]{8}[0-9]{12}[0-9A-Za-z]{11}\b")
_TXID = re.compile(r"\b[a-z2-7]{25}(?:[a-z2-7]{7})?\b")  # the form that ours have
_COMES_BACK = re.compile(r"devol|estorn|resgat|rendim|aplica[cç]", re.IGNORECASE)
_SYNTHETIC = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One credit. `booked_on` is the bank's local day; `text` is the bank's own words, for people to decide by."""

    line: int
    booked_on: date
    amount_cents: int
    text: str
    end_to_end_id: str | None = None
    txids: tuple[str, ...] = ()
    bank_id: str = ""  # the bank's own number of the line, with its account
    key: str = ""

    @property
    def comes_back(self) -> bool:
        """Whether its words say that it is the creditor's own money: a reversal, a return, a redeemed investment."""
        return bool(_COMES_BACK.search(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class LineError:
    """Why a line was left out. Never its words."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All credits in the order of the file, how many debits there were, and every mistake. `digest`: of the bytes."""

    lines: tuple[StatementLine, ...]
    debits: int = 0
    errors: tuple[LineError, ...] = ()
    digest: str = ""


def identified(line: StatementLine) -> StatementLine:
    """Return the line with the identifiers that stand in its words."""
    found = END_TO_END_ID.search(line.text)
    return replace(
        line,
        end_to_end_id=line.end_to_end_id or (found[0] if found else None),
        txids=tuple(dict.fromkeys((*line.txids, *_TXID.findall(line.text.lower())))),
    )


def keyed(lines: Iterable[StatementLine]) -> tuple[StatementLine, ...]:
    """Return the lines with their keys."""
    seen: Counter[str] = Counter()
    done: list[StatementLine] = []
    for line in map(identified, lines):
        named = line.bank_id or " ".join(line.text.lower().split())
        said = f"{line.booked_on.isoformat()}|{line.amount_cents}|{named}"
        seen[said] += 1
        made = hashlib.sha256(f"{said}|{seen[said]}".encode()).hexdigest()[:_SYNTHETIC]
        done.append(replace(line, key=line.end_to_end_id or f"S{made}"))
    first: dict[str, StatementLine] = {}
    for line in done:
        first.setdefault(line.key, line)  # an endToEndId is one payment, however often it is listed
    return tuple(first.values())
