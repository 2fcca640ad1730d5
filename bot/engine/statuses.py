"""What became of messages: WhatsApp's statuses, written set-wise and without a turn.

They come in any order, before the answer to our own POST, twice, or never. The delivery status is a lattice (sent <
delivered < read, failed apart) and only rises. An echo also resolves a post of unknown fate. A message that failed for
good becomes an event.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from bot.engine import channel_state
from bot.engine.inbox import put_event
from bot.engine.opaque import outbox_id_of
from bot.engine.parts import Parts
from bot.store import inbox
from bot.whatsapp.inbound import InboundStatus, event_of
from flows.events import DeliveryFailed

BATCH = 500
_RANK = {"failed": 0, "sent": 1, "delivered": 2, "read": 3, "played": 3}
log = structlog.get_logger(__name__)

FIND = "SELECT id, wamid FROM outbox WHERE wamid = any($1::text[])"
APPLY = """
WITH heard AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::int[], $6::text[])
             AS h(outbox_id, wamid, status, at, error_code, reason)
), target AS (                                             -- in the order of ids: no two writers wait in a circle
    SELECT o.id AS row_id, h.* FROM heard h JOIN outbox o ON o.id = h.outbox_id ORDER BY o.id FOR UPDATE OF o
)
UPDATE outbox o
SET    status = CASE WHEN t.status = 'failed' AND o.status IN ('delivered', 'read') THEN o.status
                     WHEN t.status = 'failed' THEN 'failed'
                     WHEN o.status IS NULL OR o.status = 'failed' AND t.status IN ('delivered', 'read') THEN t.status
                     WHEN o.status = 'sent' AND t.status IN ('delivered', 'read') THEN t.status
                     WHEN o.status = 'delivered' AND t.status = 'read' THEN t.status
                     ELSE o.status END,
       state = CASE WHEN o.state IN ('sending', 'unknown', 'pending') AND t.status <> 'failed' THEN 'accepted'
                    WHEN t.status = 'failed' AND coalesce(o.status, 'sent') NOT IN ('delivered', 'read') THEN 'failed'
                    ELSE o.state END,
       lease_until = CASE WHEN o.state IN ('sending', 'unknown', 'pending') THEN NULL ELSE o.lease_until END,
       wamid = coalesce(o.wamid, t.wamid),
       accepted_at = coalesce(o.accepted_at, t.at),
       sent_at = CASE WHEN t.status = 'sent' THEN coalesce(o.sent_at, t.at) ELSE o.sent_at END,
       delivered_at = CASE WHEN t.status = 'delivered' THEN coalesce(o.delivered_at, t.at) ELSE o.delivered_at END,
       read_at = CASE WHEN t.status = 'read' THEN coalesce(o.read_at, t.at) ELSE o.read_at END,
       failed_at = CASE WHEN t.status = 'failed' THEN coalesce(o.failed_at, t.at) ELSE o.failed_at END,
       error_code = coalesce(t.error_code, o.error_code), reason = coalesce(t.reason, o.reason)
FROM   target t
WHERE  o.id = t.row_id
RETURNING o.id, o.conversation_id, o.purpose, o.state, o.error_code
"""


async def apply_once(parts: Parts) -> int:
    """Apply one batch of stored statuses. Return how many were taken."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        rows = await conn.fetch(inbox.TAKE_OTHERS, "status", BATCH)
        if not rows:
            return 0
        ours = await _ours(conn, parts.mac_key, [event_of(bytes(row["raw"])) for row in rows])
        arrived, failed = _by_message(ours)
        touched = await _apply(conn, arrived, now) + await _apply(conn, failed, now)
        await parts.costs.book(conn, ours, now)
        lost = [row for row in touched if row["state"] == "failed"]
        for row in lost:
            event = DeliveryFailed(outbox_id=row["id"], code=row["error_code"] or 0, purpose=row["purpose"])
            await put_event(
                conn,
                source="engine",
                dedupe_key=f"f:{row['id']}",
                conversation_id=row["conversation_id"],
                event=event,
                now=now,
            )
        for code in sorted({row["error_code"] for row in lost} & channel_state.STOPS):
            await channel_state.stop_for(conn, code, now)
        await conn.execute(inbox.MARK_DONE, [row["id"] for row in rows], now)
    if lost:
        parts.wake.turns()
    for conversation_id in {row["conversation_id"] for row in touched}:
        parts.wake.desk_changed(conversation_id)
    return len(rows)


async def _ours(conn: Any, key: bytes, stored: Sequence[object]) -> list[tuple[int, InboundStatus]]:
    """Each status with the outbox row that it speaks of: by its echo, else by WhatsApp's own id. Others are no business
    of ours."""
    known = [s for s in stored if isinstance(s, InboundStatus) and s.status in _RANK and s.kind != "payment"]
    echoed = [(outbox_id_of(key, status.opaque), status) for status in known]
    silent = sorted({status.wamid for row_id, status in echoed if row_id is None})
    by_wamid = {row["wamid"]: row["id"] for row in await conn.fetch(FIND, silent)} if silent else {}
    found = [(row_id or by_wamid.get(status.wamid), status) for row_id, status in echoed]
    return [(row_id, status) for row_id, status in found if row_id is not None]


def _by_message(
    found: Sequence[tuple[int, InboundStatus]],
) -> tuple[dict[int, InboundStatus], dict[int, InboundStatus]]:
    """Of one message's statuses the highest is enough (`read` says that it was delivered); failures are apart."""
    arrived: dict[int, InboundStatus] = {}
    failed: dict[int, InboundStatus] = {}
    for row_id, status in found:
        known = arrived.get(row_id)
        if status.status == "failed":
            failed[row_id] = status
        elif known is None or _RANK[status.status] > _RANK[known.status]:
            arrived[row_id] = status
    return arrived, failed


async def _apply(conn: Any, found: dict[int, InboundStatus], now: datetime) -> list[Any]:
    if not found:
        return []
    statuses = list(found.values())
    rows: list[Any] = await conn.fetch(
        APPLY,
        list(found),
        [s.wamid for s in statuses],
        ["read" if s.status == "played" else s.status for s in statuses],
        [s.at or now for s in statuses],
        [s.errors[0].code if s.errors else None for s in statuses],
        [s.errors[0].title if s.errors else None for s in statuses],
    )
    return rows
