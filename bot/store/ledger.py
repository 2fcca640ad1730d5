"""Writing the ledger: one balanced transaction under one key, once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from payments.ledger import Posting

BEGIN = "INSERT INTO ledger_transaction (key, booked_at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING RETURNING id"
POST = """
INSERT INTO ledger_posting (transaction_id, n, account, amount_cents)
SELECT $1, ordinality, account, amount
FROM   unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS p(account, amount, ordinality)
"""


async def post(conn: Any, *, key: str, postings: Sequence[Posting], now: datetime) -> bool:
    """Write one transaction inside the caller's own. `key` is its meaning; False: it is there already.

    The postings are `payments.ledger.balanced`; the database checks their sum once more when it commits.
    """
    entry = await conn.fetchval(BEGIN, key, now)
    if entry is None:
        return False
    await conn.execute(POST, entry, [p.account for p in postings], [p.amount_cents for p in postings])
    return True
