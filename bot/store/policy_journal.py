"""The journal of policies: who submitted, commented, approved and refused what. Append-only, chained, each line signed.

A line's hash is the SHA-256 of the hash before it and of all that it says; its signature is the installation's over
that hash. The key is not in the database: whoever can write to the tables can break the journal, and is seen, but
cannot make anything be in force.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from bot.papers import signing
from flows.approvals import KINDS, PolicyEvent
from flows.canonical import digest_of

# Two people at once are one after the other.
ALONE = "LOCK TABLE policy_event IN SHARE ROW EXCLUSIVE MODE"
LINES = "SELECT n, at, kind, digest, by, user_id, body, hash, signature FROM policy_event ORDER BY n"
APPEND = """
INSERT INTO policy_event (n, at, kind, digest, by, user_id, body, form_key, hash, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
IS_THERE = "SELECT EXISTS (SELECT FROM policy_event WHERE form_key = $1)"
# A signature that was checked once is not checked again: the journal is read whole each time somebody asks for it.
_is_signed = lru_cache(maxsize=4096)(signing.is_signed)


class JournalBroken(Exception):
    """Lines of the journal are not as this program wrote them: nothing may be added before somebody looked. `says` has
    `fields` to fill in."""

    def __init__(self, says: str, **fields: object) -> None:
        super().__init__(says.format(**fields))
        self.says, self.fields = says, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyJournal:
    """The lines that hold, in their order, the numbers of those that do not, and the hash that the next one follows."""

    events: tuple[PolicyEvent, ...] = ()
    broken: tuple[int, ...] = ()
    head: str = ""

    @property
    def last(self) -> int:
        """The number of the last line, 0 before the first."""
        return max((*(e.n for e in self.events[-1:]), *self.broken), default=0)


async def read(conn: Any, secret: bytes) -> PolicyJournal:
    """Return the journal, each line held to its place, its hash and its signature."""
    return verified([dict(row) for row in await conn.fetch(LINES)], signing.public_key(secret))


def verified(rows: Sequence[Mapping[str, Any]], key: str) -> PolicyJournal:
    """Return what holds of lines as they are kept. A line that was changed, put in, moved or follows one that is
    missing does not; those after it hold again where they follow the line before them."""
    events: list[PolicyEvent] = []
    broken: list[int] = []
    before, expected = "", 1
    for row in rows:
        n, line_hash = row["n"], row["hash"]
        right = hash_of(before, row)
        if n != expected or right != line_hash or not _is_signed(line_hash, row["signature"], key):
            broken.append(n)
        elif (event := _event(row)) is not None:
            events.append(event)
        else:
            broken.append(n)
        before, expected = line_hash, n + 1
    return PolicyJournal(events=tuple(events), broken=tuple(broken), head=before)


def hash_of(before: str, row: Mapping[str, Any]) -> str:
    """Return the hash of a line that follows the hash `before`."""
    return digest_of(
        {
            "after": before,
            "n": row["n"],
            "at": row["at"].astimezone(UTC).isoformat(),
            "kind": row["kind"],
            "digest": row["digest"],
            "by": row["by"],
            "user_id": row["user_id"],
            "body": row["body"],
        }
    )


async def hold(conn: Any, secret: bytes) -> PolicyJournal:
    """Return the journal and keep everybody else from adding to it until the transaction ends. Raises
    JournalBroken."""
    await conn.execute(ALONE)
    journal = await read(conn, secret)
    if journal.broken:
        lines = ", ".join(map(str, journal.broken))
        raise JournalBroken(
            "The journal of approvals was changed from outside (line {lines}). Nothing can be submitted or approved"
            " until it is restored from a backup.",
            lines=lines,
        )
    return journal


async def append(
    conn: Any, journal: PolicyJournal, secret: bytes, event: PolicyEvent, *, form_key: str | None = None
) -> None:
    """Add a line to a journal that is held; `event.n` is its next number."""
    assert event.n == journal.last + 1
    row = {
        "n": event.n, "at": event.at, "kind": event.kind, "digest": event.digest, "by": event.by,
        "user_id": event.user_id, "body": _body(event),
    }  # fmt: skip
    line_hash = hash_of(journal.head, row)
    await conn.execute(APPEND, *row.values(), form_key, line_hash, signing.sign(line_hash, secret))


async def is_known_form(conn: Any, form_key: str) -> bool:
    """Return whether a form with this key was taken in already."""
    return bool(await conn.fetchval(IS_THERE, form_key))


def _body(event: PolicyEvent) -> str:
    said = {
        "proposal": event.proposal,
        "text": event.text or None,
        "valid_from": event.valid_from.isoformat() if event.valid_from is not None else None,
        "valid_until": event.valid_until.isoformat() if event.valid_until is not None else None,
    }
    return json.dumps({k: v for k, v in said.items() if v is not None}, ensure_ascii=True, sort_keys=True)


def _event(row: Mapping[str, Any]) -> PolicyEvent | None:
    """The line as a value; None where it says what no line says."""
    at: datetime = row["at"]
    kind = next((kind for kind in KINDS if kind == row["kind"]), None)
    try:
        said = json.loads(row["body"])
        days = [date.fromisoformat(said[name]) if name in said else None for name in ("valid_from", "valid_until")]
    except (ValueError, TypeError):
        return None
    if kind is None:
        return None
    return PolicyEvent(
        n=row["n"], at=at, kind=kind, digest=row["digest"], by=row["by"], user_id=row["user_id"],
        proposal=said.get("proposal"), text=said.get("text", ""), valid_from=days[0], valid_until=days[1],
    )  # fmt: skip
