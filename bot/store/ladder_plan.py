"""Whose next step is not known yet, what they owe, and setting their timers: set-wise, for portfolios of any size."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# New debts, other due dates and new agreements delete the plan (migration 0010); another version of the ladder makes
# it old; and once a day everything is looked at anew, whatever may have been missed.
PLANLESS = """
SELECT k.id, k.phone
FROM   customer k LEFT JOIN ladder_plan p ON p.customer_id = k.id
WHERE  k.id > $1 AND (p.customer_id IS NULL OR p.ladder_digest <> $2 OR p.planned_at <= $3)
AND    EXISTS (SELECT FROM debt d WHERE d.customer_id = k.id AND d.state IN ('open', 'agreed'))
ORDER  BY k.id LIMIT $4
"""
# Where to reach somebody: where they confirmed who they are, else at the number on record.
REACHED = """
SELECT k.id,
       coalesce((SELECT v.id FROM conversation v WHERE v.customer_id = k.id AND v.contact_closed_at IS NULL
                 ORDER BY v.heard_at DESC NULLS LAST, v.id LIMIT 1),
                (SELECT v.id FROM conversation v WHERE v.address = k.phone),
                (SELECT n.conversation_id FROM conversation_alias n WHERE n.alias = k.phone)) AS conversation_id
FROM   customer k WHERE k.id = any($1::bigint[])
"""
OPEN_CHATS = """
INSERT INTO conversation (address, created_at)
SELECT DISTINCT phone, $2::timestamptz FROM unnest($1::text[]) AS phone ORDER BY phone
ON CONFLICT (address) DO NOTHING
"""
OWED = """
SELECT d.customer_id, d.id AS debt_id, -1 AS n, d.due_on, d.created_at AS since,
       (SELECT max(s.day) FROM ladder_step s WHERE s.debt_id = d.id AND s.instalment_n = -1 AND s.due_on = d.due_on
        AND s.ladder = $2 AND NOT s.is_ticket) AS last_day,
       (SELECT max(s.day) FROM ladder_step s WHERE s.debt_id = d.id AND s.instalment_n = -1 AND s.due_on = d.due_on
        AND s.ladder = $2 AND s.is_ticket) AS last_ticket,
       EXISTS (SELECT FROM notice n WHERE n.key = 'prescribed:' || d.id) AS is_told
FROM   debt d WHERE d.customer_id = any($1::bigint[]) AND d.state = 'open'
UNION ALL
SELECT a.customer_id, a.debt_id, i.n, i.due_on, a.accepted_at,
       (SELECT max(s.day) FROM ladder_step s WHERE s.debt_id = a.debt_id AND s.instalment_n = i.n
        AND s.due_on = i.due_on AND s.ladder = $2), NULL, true
FROM   agreement a
JOIN   LATERAL (SELECT n, due_on FROM instalment i WHERE i.agreement_id = a.id
                AND i.paid_cents + i.forgiven_cents < i.amount_cents ORDER BY due_on, n LIMIT 1) i ON true
WHERE  a.customer_id = any($1::bigint[]) AND a.state = 'active'
"""
# A timer's instant is part of its event's key: one that is set for now is set apart by some microseconds, else it could
# be taken for one of this very instant that has fired already, and be lost.
SET_TIMERS = """
INSERT INTO timer (key, conversation_id, event, fire_at)
SELECT 'ladder:' || t.conversation_id || ':' || t.customer_id, t.conversation_id,
       jsonb_build_object('type', 'TimerFired', 'name', 'ladder', 'subject', t.customer_id),
       t.fire_at - CASE WHEN t.fire_at <= $4 THEN (txid_current() % 1000000) * interval '1 microsecond'
                   ELSE interval '0' END
FROM   unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS t(conversation_id, customer_id, fire_at)
ON     CONFLICT (key) DO UPDATE SET fire_at = excluded.fire_at
"""
PLANNED = """
INSERT INTO ladder_plan (customer_id, conversation_id, ladder_digest, planned_at)
SELECT p.customer_id, p.conversation_id, $3, $4
FROM   unnest($1::bigint[], $2::bigint[]) AS p(customer_id, conversation_id)
ON CONFLICT (customer_id) DO UPDATE
SET conversation_id = excluded.conversation_id, ladder_digest = excluded.ladder_digest, planned_at = excluded.planned_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Somebody whose next step is known: when to look (None: nothing is to come)."""

    customer_id: int
    conversation_id: int | None  # None: there is no way to reach them
    at: datetime | None


async def planless(conn: Any, *, after: int, digest: str, before: datetime, limit: int) -> list[Any]:
    """Return customers, with their phone, who owe something and whose plan is missing or old."""
    found: list[Any] = await conn.fetch(PLANLESS, after, digest, before, limit)
    return found


async def chats(conn: Any, people: Sequence[Any], now: datetime) -> dict[int, int]:
    """Return of each customer the conversation to reach them in; one at the number on record is opened if need be."""
    ids = [row["id"] for row in people]
    found = {row["id"]: row["conversation_id"] for row in await conn.fetch(REACHED, ids)}
    missing = [row["phone"] for row in people if found.get(row["id"]) is None and row["phone"]]
    if missing:
        await conn.execute(OPEN_CHATS, missing, now)
        found = {row["id"]: row["conversation_id"] for row in await conn.fetch(REACHED, ids)}
    return {customer: chat for customer, chat in found.items() if chat is not None}


async def owed(conn: Any, customers: Sequence[int], ladder: str) -> list[Any]:
    """Return what these customers owe: each due date, since when it is on record, how far the ladder was climbed."""
    found: list[Any] = await conn.fetch(OWED, list(customers), ladder)
    return found


async def keep(conn: Any, plans: Sequence[Planned], *, digest: str, now: datetime) -> None:
    """Set the timers and note the plans."""
    timed = sorted(
        (p for p in plans if p.at is not None and p.conversation_id is not None),
        key=lambda p: (p.conversation_id or 0, p.customer_id),
    )
    await conn.execute(
        SET_TIMERS,
        [p.conversation_id for p in timed],
        [p.customer_id for p in timed],
        [p.at for p in timed],
        now,
    )
    ordered = sorted(plans, key=lambda p: p.customer_id)
    await conn.execute(PLANNED, [p.customer_id for p in ordered], [p.conversation_id for p in ordered], digest, now)
