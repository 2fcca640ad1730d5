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
CONTACTS = """
INSERT INTO ladder_contact (conversation_id, customer_id, decision_key, decided_at, local_on, purpose, template,
                            ladder_digest, track)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::date[], $6::text[], $7::text[],
                     $8::text[], $9::text[])
"""
# A step that is over twice is a fault: the turn is undone and decided anew on what it then finds.
STEPS = """
INSERT INTO ladder_step (debt_id, instalment_n, due_on, ladder, day, is_ticket, outcome, reason, at, contact_id)
SELECT s.debt_id, s.n, s.due_on, s.ladder, s.day, s.is_ticket, s.outcome, s.reason, s.at, c.id
FROM   unnest($1::bigint[], $2::int[], $3::date[], $4::text[], $5::int[], $6::bool[], $7::text[], $8::text[],
              $9::timestamptz[], $10::text[])
       AS s(debt_id, n, due_on, ladder, day, is_ticket, outcome, reason, at, decision_key)
LEFT   JOIN ladder_contact c ON c.decision_key = s.decision_key
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOver:
    """A step that is over, for one due date, and how: said, asked, ticket or passed. `decision_key` of its message."""

    item: Reminded
    ladder: str
    outcome: str
    at: datetime
    is_ticket: bool = False
    reason: str | None = None
    decision_key: str | None = None


async def keep(conn: Any, contacts: Sequence[Contacted], steps: Sequence[StepOver]) -> None:
    """Note active messages, and steps that are over. Raises a unique violation where one was over already."""
    if contacts:
        names = Contacted.__slots__
        await conn.execute(CONTACTS, *([getattr(one, name) for one in contacts] for name in names))
    if steps:
        await conn.execute(
            STEPS,
            [one.item.debt_id for one in steps],
            [one.item.n for one in steps],
            [one.item.due_on for one in steps],
            [one.ladder for one in steps],
            [one.item.day for one in steps],
            [one.is_ticket for one in steps],
            [one.outcome for one in steps],
            [one.reason for one in steps],
            [one.at for one in steps],
            [one.decision_key for one in steps],
        )


async def undo(conn: Any, reasons: Sequence[tuple[int, str]], at: datetime) -> None:
    """Take back contacts whose outbox rows never left, each for its reason; the ladder looks again at `at`."""
    await conn.execute(UNDO, [row for row, _ in reasons], [reason for _, reason in reasons], at)
