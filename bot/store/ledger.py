"""Writing the ledger: balanced transactions, each under one key, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from payments.ledger import Posting

BEGIN = "INSERT INTO ledger_transaction (key, booked_at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING RETURNING id"
POST = """
INSERT INTO ledger_posting (transaction_id, n, account, amount_cents)
SELECT $1, ordinality, account, amount
FROM   unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS p(account, amount, ordinality)
"""
BEGIN_ALL = """
INSERT INTO ledger_transaction (key, booked_at) SELECT key, $2 FROM unnest($1::text[]) AS key
ON CONFLICT (key) DO NOTHING RETURNING id, key
"""
POST_ALL = """
INSERT INTO ledger_posting (transaction_id, n, account, amount_cents)
SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A transaction to be: its key, which is its meaning, and its postings, which are `payments.ledger.balanced`."""

    key: str
    postings: tuple[Posting, ...]


async def post(conn: Any, *, key: str, postings: Sequence[Posting], now: datetime) -> bool:
    """Write one transaction inside the caller's own. `key` is its meaning; False: it is there already.

    The postings are `payments.ledger.balanced`; the database checks their sum once more.
    """
    entry = await conn.fetchval(BEGIN, key, now)
    if entry is None:
        return False
    await conn.execute(POST, entry, [p.account for p in postings], [p.amount_cents for p in postings])
    return True


async def post_all(conn: Any, entries: Sequence[Entry], *, now: datetime) -> None:
    """Write many transactions inside the caller's own, in two statements; those that are there already are left out."""
    ids = {row["key"]: row["id"] for row in await conn.fetch(BEGIN_ALL, [e.key for e in entries], now)}
    rows = [
        (ids[entry.key], n, posting.account, posting.amount_cents)
        for entry in entries
        if entry.key in ids
        for n, posting in enumerate(entry.postings, start=1)
    ]
    await conn.execute(POST_ALL, *map(list, zip(*rows, strict=True)) if rows else ([], [], [], []))
