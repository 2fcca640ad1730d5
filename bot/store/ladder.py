"""The ladder's own records: its versions, contacts, steps that are over, and taking back what never left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flows.effects import Reminded

SEEN = """
INSERT INTO ladder_version (digest, name, title, source, first_used_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (digest) DO NOTHING
"""
CONTACT = """
INSERT INTO ladder_contact (conversation_id, customer_id, decision_key, decided_at, local_on, purpose, template,
                            ladder_digest, track)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
"""
# A step that is over twice is a fault: the turn is undone and decided anew on what it then finds.
STEPS = """
INSERT INTO ladder_step (debt_id, instalment_n, due_on, ladder, day, is_ticket, outcome, reason, contact_id, at)
SELECT s.debt_id, s.n, s.due_on, $5, s.day, $6, $7, $8, $9, $10
FROM   unnest($1::bigint[], $2::int[], $3::date[], $4::int[]) AS s(debt_id, n, due_on, day)
"""
# What never left is taken back, but never in a loop: the person did not get it, the caps do not count it, its steps
# are open again, and the ladder looks again at once.
UNDO = """
WITH undone AS (
    UPDATE ladder_contact c SET undone_because = n.reason
    FROM   unnest($1::bigint[], $2::text[]) AS n(outbox_id, reason) JOIN outbox o ON o.id = n.outbox_id
    WHERE  c.decision_key = o.decision_key AND c.undone_because IS NULL
    AND    (SELECT count(*) FROM ladder_contact u WHERE u.customer_id = c.customer_id
            AND u.undone_because IS NOT NULL AND u.decided_at > $3::timestamptz - interval '2 days') < 5
    RETURNING c.id, c.conversation_id, c.customer_id
), opened AS (
    DELETE FROM ladder_step s USING undone u WHERE s.contact_id = u.id
)
INSERT INTO timer (key, conversation_id, event, fire_at)
SELECT 'ladder:' || conversation_id || ':' || customer_id, conversation_id,
       jsonb_build_object('type', 'TimerFired', 'name', 'ladder', 'subject', customer_id), $3::timestamptz
FROM   undone ORDER BY conversation_id
ON CONFLICT (key) DO UPDATE SET fire_at = least(timer.fire_at, excluded.fire_at)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacted:
    """An active message that was decided."""

    conversation_id: int
    customer_id: int
    decision_key: str
    at: datetime
    on: date
    purpose: str
    template: str
    ladder_digest: str
    track: str


async def seen(conn: Any, *, digest: str, name: str, title: str, source: bytes, now: datetime) -> None:
    """Note that a version of the ladder is used."""
    await conn.execute(SEEN, digest, name, title, source, now)


async def contact(conn: Any, made: Contacted) -> int:
    """Note an active message; return its id."""
    contact_id: int = await conn.fetchval(
        CONTACT,
        made.conversation_id,
        made.customer_id,
        made.decision_key,
        made.at,
        made.on,
        made.purpose,
        made.template,
        made.ladder_digest,
        made.track,
    )
    return contact_id


async def steps_over(
    conn: Any,
    items: Sequence[Reminded],
    *,
    ladder: str,
    outcome: str,
    now: datetime,
    is_ticket: bool = False,
    reason: str | None = None,
    contact_id: int | None = None,
) -> None:
    """Note that steps are over. Raises a unique violation where one was over already."""
    await conn.execute(
        STEPS,
        [item.debt_id for item in items],
        [item.n for item in items],
        [item.due_on for item in items],
        [item.day for item in items],
        ladder,
        is_ticket,
        outcome,
        reason,
        contact_id,
        now,
    )


async def undo(conn: Any, reasons: Sequence[tuple[int, str]], at: datetime) -> None:
    """Take back contacts whose outbox rows never left, each for its reason; the ladder looks again at `at`."""
    await conn.execute(UNDO, [row for row, _ in reasons], [reason for _, reason in reasons], at)
