"""The portfolio as a debts file: read by a cursor of the server, a batch at a time, however large it is."""

from collections.abc import AsyncIterator
from typing import Any

from bot.debts_csv_out import DebtOut
from bot.store.portfolio_list import Filter

_BATCH = 2_000
EXPORT = """
SELECT d.external_id, k.external_id AS customer_id, k.name, k.document, k.phone, k.email,
       d.principal_cents AS amount_cents, d.due_on AS due, d.description, d.tags, k.opt_in, d.state,
       d.open_principal_cents AS open_cents
FROM   debt d JOIN customer k ON k.id = d.customer_id
WHERE  ($1::text IS NULL OR d.state = $1)
AND    ($2::date IS NULL OR d.due_on >= $2) AND ($3::date IS NULL OR d.due_on <= $3)
AND    ($4::bigint IS NULL OR d.principal_cents >= $4) AND ($5::bigint IS NULL OR d.principal_cents <= $5)
AND    ($6::text IS NULL OR d.tags @> ARRAY[$6])
AND    ($7::text IS NULL OR d.customer_id IN (
       SELECT id FROM customer WHERE $7 = 'opted_out' AND opted_out_at IS NOT NULL
       UNION ALL SELECT customer_id FROM conversation WHERE $7 = 'opted_out' AND opted_out_at IS NOT NULL
                 AND customer_id IS NOT NULL
       UNION ALL SELECT customer_id FROM ticket WHERE $7 = 'ticket' AND state <> 'closed' AND customer_id IS NOT NULL
       UNION ALL SELECT customer_id FROM debt WHERE $7 = 'promised' AND promised_until IS NOT NULL
       UNION ALL SELECT id FROM customer WHERE $7 = 'no_phone' AND phone IS NULL))
"""


async def debts(conn: Any, wanted: Filter) -> AsyncIterator[list[DebtOut]]:
    """Yield the debts that fit, in batches, all of one instant."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        cursor = await conn.cursor(EXPORT, *wanted.values, wanted.who)
        while rows := await cursor.fetch(_BATCH):
            yield [DebtOut(**{**row, "tags": tuple(row["tags"])}) for row in rows]
