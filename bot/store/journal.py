"""The journal: append-only and hash-chained per conversation, the proof of what was said, offered, agreed and paid.

An entry's hash is sha256 over the hash before it, its number, its instant, its kind and its body; whoever changes a
line breaks every hash after it. Bodies are JSON in ASCII, so that whatever a person typed (a NUL, half a surrogate
pair) can be kept as typed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.store.conversations import Conversation

APPEND = """
INSERT INTO journal (conversation_id, n, at, kind, body, outbox_id, inbox_id, hash)
SELECT * FROM unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                     $8::bytea[])
"""
READ = """
SELECT n, at, kind, body, hash FROM journal WHERE conversation_id = $1 ORDER BY n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the journal, not yet numbered."""

    at: datetime
    kind: str
    body: Mapping[str, Any]
    inbox_id: int | None = None
    decision_key: str | None = None  # of the outbox row that it tells of


@dataclass(frozen=True, slots=True, kw_only=True)
class Chained:
    """One line in its place of the chain."""

    conversation_id: int
    n: int
    at: datetime
    kind: str
    body: str
    inbox_id: int | None
    decision_key: str | None
    hash: bytes


def link(before: bytes, *, n: int, at: datetime, kind: str, body: str) -> bytes:
    """Return the hash of an entry that follows the hash `before`."""
    said = f"{n}\n{at.astimezone(UTC).isoformat()}\n{kind}\n{body}"
    return hashlib.sha256(before + said.encode("ascii")).digest()


def chain(conversation: Conversation, entries: Sequence[Entry]) -> list[Chained]:
    """Number `entries` on to the conversation's chain, moving its end along."""
    chained = []
    for entry in entries:
        body = json.dumps(entry.body, ensure_ascii=True, separators=(",", ":"), default=str)
        conversation.journal_n += 1
        conversation.journal_hash = link(
            conversation.journal_hash, n=conversation.journal_n, at=entry.at, kind=entry.kind, body=body
        )
        chained.append(
            Chained(
                conversation_id=conversation.id,
                n=conversation.journal_n,
                at=entry.at,
                kind=entry.kind,
                body=body,
                inbox_id=entry.inbox_id,
                decision_key=entry.decision_key,
                hash=conversation.journal_hash,
            )
        )
    return chained


async def append(conn: Any, lines: Sequence[Chained], outbox_ids: Mapping[str, int]) -> None:
    """Write lines, each beside the outbox row it tells of."""
    await conn.execute(
        APPEND,
        [c.conversation_id for c in lines],
        [c.n for c in lines],
        [c.at for c in lines],
        [c.kind for c in lines],
        [c.body for c in lines],
        [outbox_ids.get(c.decision_key) if c.decision_key else None for c in lines],
        [c.inbox_id for c in lines],
        [c.hash for c in lines],
    )


async def first_break(conn: Any, conversation_id: int) -> int | None:
    """Return the number of the first line whose hash does not follow from the lines before it; None: the chain
    holds."""
    before, expected = b"", 1
    for row in await conn.fetch(READ, conversation_id):
        right = link(before, n=row["n"], at=row["at"], kind=row["kind"], body=row["body"])
        if row["n"] != expected or right != row["hash"]:
            return expected
        before, expected = row["hash"], expected + 1
    return None
