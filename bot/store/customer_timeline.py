"""Everything that happened with a customer, newest first: what their journals say, debts brought in and by whom, money
that finance decided on, payment pages that were opened.

A chat may have been somebody else's before: of its journal only the lines from where this customer was confirmed until
somebody else was. Lines before the first confirmation are of whoever was confirmed first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.store.tickets import Line

TIMELINE = """
WITH said AS (
    SELECT conversation_id, n, (body::json->>'customer_id')::bigint AS who,
           lead(n) OVER (PARTITION BY conversation_id ORDER BY n) AS next_n,
           row_number() OVER (PARTITION BY conversation_id ORDER BY n) AS nth
    FROM   journal WHERE conversation_id = any($2::bigint[]) AND kind = 'identified'
), span AS (
    SELECT conversation_id, CASE WHEN nth = 1 THEN 0 ELSE n END AS from_n, coalesce(next_n, 2147483647) AS until_n
    FROM   said WHERE who = $1
    UNION  ALL
    SELECT c.id, 0, 2147483647 FROM conversation c
    WHERE  c.id = any($2::bigint[]) AND (c.customer_id = $1 OR c.customer_id IS NULL)
    AND    NOT EXISTS (SELECT FROM said s WHERE s.conversation_id = c.id)
), happened AS (
    SELECT j.at, 0 AS source, j.conversation_id AS a, j.n::bigint AS b, j.kind, j.body, o.state, o.status, o.reason,
           o.error_code
    FROM   span s
    JOIN   journal j ON j.conversation_id = s.conversation_id AND j.n >= s.from_n AND j.n < s.until_n
    LEFT   JOIN outbox o ON o.id = j.outbox_id
    UNION  ALL
    SELECT t.booked_at, 1, t.id, 0, CASE WHEN t.key LIKE '%:opened' THEN 'brought_in' ELSE 'changed' END,
           json_build_object('debt', d.external_id, 'description', d.description, 'cents', p.amount_cents, 'by',
               (SELECT u.name FROM debts_file f JOIN app_user u ON u.id = f.imported_by
                WHERE f.imported_at = t.booked_at LIMIT 1))::text, NULL, NULL, NULL, NULL
    FROM   debt d JOIN ledger_posting p ON p.account = 'debt:' || d.id
    JOIN   ledger_transaction t ON t.id = p.transaction_id
    WHERE  d.customer_id = $1 AND p.n = 1 AND t.key LIKE 'debt:%'
    UNION  ALL
    SELECT e.decided_at, 2, e.id, 0, 'decided', json_build_object('kind', e.kind, 'cents', e.amount_cents,
               'by', u.name, 'note', e.note)::text, NULL, NULL, NULL, NULL
    FROM   payment p JOIN payment_decision e ON e.payment_id = p.id JOIN app_user u ON u.id = e.by_user
    WHERE  p.customer_id = $1
    UNION  ALL
    SELECT c.opened_at, 3, c.id, 0, 'page_opened', json_build_object('cents', c.amount_cents)::text, NULL, NULL, NULL,
           NULL
    FROM   charge c WHERE c.customer_id = $1 AND c.opened_at IS NOT NULL
)
SELECT * FROM happened
WHERE  $3::timestamptz IS NULL OR (at, source, a, b) < ($3, $4::int, $5::bigint, $6::bigint)
ORDER  BY at DESC, source DESC, a DESC, b DESC LIMIT $7
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """The place of a line in the order of all."""

    at: datetime
    source: int
    a: int
    b: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One line and its place."""

    place: At
    line: Line


async def read(
    conn: Any, customer_id: int, chats: Sequence[int], *, after: At | None, limit: int
) -> tuple[Happened, ...]:
    """Return what happened before `after`, newest first."""
    place = (after.at, after.source, after.a, after.b) if after is not None else (None, None, None, None)
    return tuple(_happened(dict(row)) for row in await conn.fetch(TIMELINE, customer_id, list(chats), *place, limit))


def _happened(row: dict[str, Any]) -> Happened:
    source, a, b = row.pop("source"), row.pop("a"), row.pop("b")
    return Happened(place=At(at=row["at"], source=source, a=a, b=b), line=Line(n=b, **row))
