"""The outbox: what was decided and is still to be done, and what became of it.

A message goes pending → sending → accepted | unknown | failed | cancelled. `sending` is committed before the POST, so a
kill leaves a row that says "perhaps". `unknown` never falls back to pending by itself; a status from WhatsApp resolves
it. The status of delivery is a lattice (sent < delivered < read, failed apart) and never goes back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

DECIDE = """
INSERT INTO outbox (conversation_id, decision_key, kind, purpose, body, guards, decision, epoch, created_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::jsonb[], $8::int[],
                     $9::timestamptz[])
ON CONFLICT (decision_key) DO NOTHING
RETURNING id, decision_key
"""
# Conversations with something to say in each lane, by hopping over its part of the index; see conversations.WAITING.
# While the channel is stopped the lanes of what nobody asked for are not even looked at. (The lane is compared as part
# of the order: as an equation it leads the planner to another index, past everything of the other lanes.)
WAITING = """
SELECT l.lane, found.conversation_id
FROM   unnest($1::smallint[], $2::bigint[]) AS l(lane, after)
CROSS  JOIN LATERAL (
    WITH RECURSIVE hop AS (
        (SELECT o.conversation_id FROM outbox o
         WHERE o.state = 'pending' AND o.kind IN ('message', 'typing') AND o.not_before <= $4
         AND   (o.lane, o.conversation_id) > (l.lane, l.after) AND o.lane <= l.lane
         ORDER BY o.lane, o.conversation_id LIMIT 1)
        UNION ALL
        SELECT (SELECT o.conversation_id FROM outbox o
                WHERE o.state = 'pending' AND o.kind IN ('message', 'typing') AND o.not_before <= $4
                AND   (o.lane, o.conversation_id) > (l.lane, hop.conversation_id) AND o.lane <= l.lane
                ORDER BY o.lane, o.conversation_id LIMIT 1)
        FROM hop WHERE hop.conversation_id IS NOT NULL
    )
    SELECT hop.conversation_id FROM hop WHERE hop.conversation_id IS NOT NULL LIMIT $3
) AS found
WHERE  l.lane < 2 OR (SELECT active_messages_flow($4))
"""
# Lock order: conversation first. The lock is what a take-over, a payment or an opt-out has to wait for, or makes us
# wait for.
CLAIM_CONVERSATIONS = """
SELECT id, coalesce(wa_id, CASE WHEN address ~ '^[0-9]+$' THEN address END) AS wa_id, user_id, owner,
       epoch, customer_id, contact_closed_at, opted_out_at, heard_at
FROM   conversation
WHERE  id = any($1::bigint[]) AND send_after <= $2
ORDER  BY id
FOR    NO KEY UPDATE SKIP LOCKED
"""
# The head of each conversation's queue; while something is in flight nothing moves. What nobody asked for and has to
# wait (the channel is stopped, the person or the day has no room) lets answers pass.
HEADS = """
SELECT DISTINCT ON (conversation_id)
       id, conversation_id, kind, purpose, lane, body, guards, epoch, state, attempt, ambiguous
FROM   outbox
WHERE  conversation_id = any($1::bigint[]) AND state IN ('pending', 'sending') AND kind IN ('message', 'typing')
AND    (state = 'sending' OR lane < 2 OR (not_before <= $2 AND (SELECT active_messages_flow($2))))
ORDER  BY conversation_id, state = 'sending' DESC, id
"""
START = """
UPDATE outbox SET state = 'sending', attempt = attempt + 1, lease_until = $2, posted_at = $3
WHERE  id = any($1::bigint[])
"""
CANCEL = """
UPDATE outbox o SET state = 'cancelled', reason = n.reason, lease_until = NULL
FROM unnest($1::bigint[], $2::text[]) AS n(id, reason) WHERE o.id = n.id
"""
# The answer to a POST. A status may have come before it: then the row is accepted already and only learns what it
# lacks.
SETTLE = """
UPDATE outbox o
SET    state = CASE WHEN o.state IN ('sending', 'unknown') THEN n.state ELSE o.state END,
       lease_until = NULL, wamid = coalesce(o.wamid, n.wamid),
       accepted_at = CASE WHEN n.state = 'accepted' THEN coalesce(o.accepted_at, $6) ELSE o.accepted_at END,
       failed_at = CASE WHEN n.state = 'failed' AND o.state <> 'accepted' THEN $6 ELSE o.failed_at END,
       ambiguous = o.ambiguous + CASE WHEN n.state = 'unknown' THEN 1 ELSE 0 END,
       -- what an earlier attempt was refused for is no word about one that was taken
       reason = CASE WHEN n.state = 'accepted' AND o.state = 'sending' THEN NULL ELSE coalesce(n.reason, o.reason) END,
       error_code = CASE WHEN n.state = 'accepted' AND o.state = 'sending' THEN NULL
                         ELSE coalesce(n.error_code, o.error_code) END
FROM   unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::int[]) AS n(id, state, wamid, reason, error_code)
WHERE  o.id = n.id AND o.state IN ('sending', 'accepted', 'unknown')
"""
# What nobody asked for waits by itself: a later answer to the same person does not wait for it.
WAIT_ALONE = """
UPDATE outbox o SET not_before = n.until FROM unnest($1::bigint[], $2::timestamptz[]) AS n(id, until) WHERE o.id = n.id
"""
LEARN_WA_ID = "UPDATE conversation SET wa_id = $2 WHERE id = $1 AND wa_id IS NULL"
WAIT = "UPDATE conversation SET send_after = greatest(send_after, $2) WHERE id = $1"
# A lease that ran out: the process died between the commit and the answer. For a message nobody knows; a provider call
# may be repeated.
EXPIRE_LEASES = """
UPDATE outbox
SET    state = CASE WHEN kind = 'message' THEN 'unknown' WHEN kind = 'typing' THEN 'failed' ELSE 'pending' END,
       ambiguous = ambiguous + 1, lease_until = NULL, reason = 'lease expired'
WHERE  id IN (SELECT id FROM outbox WHERE state = 'sending' AND lease_until < $1
              ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING id, conversation_id, kind
"""
# Replies in a dialogue are sent once more, byte for byte, if the channel lives (something posted later was accepted)
# and no echo came. Reminders, first contacts and agreements never: the desk shows them.
REPEAT_UNKNOWN_REPLIES = """
UPDATE outbox SET state = 'pending', reason = 'no echo, sent once more'
WHERE  id IN (
    SELECT u.id FROM outbox u
    WHERE  u.state = 'unknown' AND u.purpose IN ('reply', 'receipt') AND u.ambiguous = 1 AND u.posted_at < $1
    AND    EXISTS (SELECT FROM outbox later WHERE later.accepted_at > u.posted_at)
    ORDER  BY u.id LIMIT 100 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
CLAIM_PROVIDER_WORK = """
UPDATE outbox SET state = 'sending', attempt = attempt + 1, lease_until = $2
WHERE  id IN (SELECT id FROM outbox
              WHERE state = 'pending' AND kind IN ('charge', 'cancel_charge', 'refund') AND not_before <= $1
              ORDER BY not_before, id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id, conversation_id, kind, body, attempt
"""
PROVIDER_WORK_DONE = (
    "UPDATE outbox SET state = 'accepted', lease_until = NULL, accepted_at = $2 WHERE id = $1 AND state = 'sending'"
)
PROVIDER_WORK_AGAIN = (
    "UPDATE outbox SET state = 'pending', lease_until = NULL, not_before = $2 WHERE id = $1 AND state = 'sending'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A row to be: what a turn decided to do. `body`, `guards` and `decision` are JSON texts."""

    conversation_id: int
    decision_key: str
    kind: str
    purpose: str
    body: str
    epoch: int
    guards: str = "{}"
    decision: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The next row of a conversation, with what has to be re-checked before it goes out."""

    id: int
    conversation_id: int
    kind: str
    purpose: str
    lane: int  # 0 reply, 1 receipt, 2 reminder, 3 campaign
    body: str
    guards: str
    epoch: int
    state: str
    attempt: int
    ambiguous: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one POST."""

    outbox_id: int
    state: str  # accepted | failed | unknown | pending
    wamid: str | None = None
    reason: str | None = None
    error_code: int | None = None


async def decide(conn: Any, rows: Sequence[Decided], now: datetime) -> dict[str, int]:
    """Insert rows; return their ids by decision key. A decision that is there already is not made again."""
    inserted = await conn.fetch(
        DECIDE,
        [r.conversation_id for r in rows],
        [r.decision_key for r in rows],
        [r.kind for r in rows],
        [r.purpose for r in rows],
        [r.body for r in rows],
        [r.guards for r in rows],
        [r.decision for r in rows],
        [r.epoch for r in rows],
        [now] * len(rows),
    )
    return {row["decision_key"]: row["id"] for row in inserted}


async def waiting(conn: Any, after: Mapping[int, int], *, limit: int, now: datetime) -> dict[int, list[int]]:
    """Return, by lane of `after`, up to `limit` conversations with something to say, from the one after it on."""
    found: dict[int, list[int]] = {lane: [] for lane in after}
    for row in await conn.fetch(WAITING, list(after), list(after.values()), limit, now):
        found[row["lane"]].append(row["conversation_id"])
    return found


async def heads(conn: Any, conversation_ids: Sequence[int], now: datetime) -> list[Head]:
    """Return the head of each conversation's queue, whether it may move at `now` or is in flight."""
    return [Head(**row) for row in await conn.fetch(HEADS, conversation_ids, now)]


async def wait_alone(conn: Any, until: Mapping[int, datetime]) -> None:
    """Let rows of lanes 2 and 3 wait, each until its instant; what comes behind them may pass."""
    await conn.execute(WAIT_ALONE, list(until), list(until.values()))


async def cancel(conn: Any, reasons: Mapping[int, str]) -> None:
    """Cancel rows, each for its reason."""
    await conn.execute(CANCEL, list(reasons), list(reasons.values()))


async def settle(conn: Any, answers: Sequence[Answer], now: datetime) -> None:
    """Write what became of POSTs, in the order of ids so that two writers never wait for each other in a circle."""
    ordered = sorted(answers, key=lambda a: a.outbox_id)
    await conn.execute(
        SETTLE,
        [a.outbox_id for a in ordered],
        [a.state for a in ordered],
        [a.wamid for a in ordered],
        [a.reason for a in ordered],
        [a.error_code for a in ordered],
        now,
    )
