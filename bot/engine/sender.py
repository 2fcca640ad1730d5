"""The sender: takes what was decided out into the world, one message of a conversation at a time.

At the last moment, under the conversation's lock, it looks again whether the message may still go out; it commits `sending` before the POST, so
that a kill leaves a row that says "perhaps"; and it never takes "perhaps" for "no". See outbox.py for the states.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

import structlog

from bot.clock import seconds
from bot.engine.inbox import put_event
from bot.engine.opaque import opaque
from bot.engine.parts import Parts
from bot.store import outbox
from bot.store.facts import WINDOW
from bot.store.outbox import Answer, Head
from bot.whatsapp.errors import Accepted, Outcome, Refused, Unknown
from bot.whatsapp.messages import Recipient, address
from flows.events import DeliveryFailed

BATCH = 48
LEASE = timedelta(seconds=45)  # longer than the client's deadline: an expired lease means that the process is gone
_HOLD_S = 60.0  # after a refusal that speaks of the whole channel
_WINDOW_CLOSED = 131047
_FIRST_WORDS = ("reminder", "first_contact")  # sent to a number that has not written yet: WhatsApp tells its own name for it
_BOT = ("reply", "reminder", "first_contact", "agreement")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A row that may go out now, with its addressee."""

    head: Head
    to: Recipient


async def send_once(parts: Parts, *, after: int = 0) -> tuple[int, int]:
    """Send one batch. Return how many rows were handled, and where to go on (0: from the start)."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn:
        ids = [row["conversation_id"] for row in await conn.fetch(outbox.WAITING, after, BATCH)]
    if not ids:
        return 0, 0
    may = await parts.pacing.take(len(ids))
    if not may:
        return 0, after
    ready, cancelled = await _claim(parts, ids[:may], now)
    if ready:
        await asyncio.gather(*(_deliver(parts, row) for row in ready))
    last = ids[may - 1] if may < len(ids) or len(ids) == BATCH else 0
    return len(ready) + cancelled, last


async def _claim(parts: Parts, ids: Sequence[int], now: datetime) -> tuple[list[_Ready], int]:
    """Lock conversations, look again at the head of each queue, and commit what is about to be posted as `sending`."""
    ready: list[_Ready] = []
    stopped: dict[int, str] = {}
    async with parts.pool.acquire() as conn, conn.transaction():
        held = {row["id"]: row for row in await conn.fetch(outbox.CLAIM_CONVERSATIONS, ids, now)}
        if not held:
            return [], 0
        heads = [head for head in await outbox.heads(conn, list(held)) if head.state == "pending"]
        alive = await _charges_alive(conn, heads, now)
        for head in heads:
            conversation = held[head.conversation_id]
            reason = _reason_to_stop(head, conversation, alive, now)
            if reason is None:
                to = Recipient(phone=conversation["wa_id"], user_id=conversation["user_id"])
                ready.append(_Ready(head=head, to=to))
            else:
                stopped[head.id] = reason
        if stopped:
            await outbox.cancel(conn, stopped)
            await _tell_of_stopped(conn, heads, stopped, now)
        if ready:
            await conn.execute(outbox.START, [r.head.id for r in ready], now + LEASE, now)
    if stopped:
        log.info("outbox.cancelled", rows=len(stopped), reasons=sorted(set(stopped.values())))
        parts.wake.ring("sends", "turns")
    return ready, len(stopped)


def _reason_to_stop(head: Head, conversation: Mapping[str, Any], alive: set[tuple[int, int]], now: datetime) -> str | None:
    """Return why this row must not go out any more; None: it may. Every rule is checked at this very moment, under the lock."""
    guards: dict[str, Any] = json.loads(head.guards)
    if head.kind == "typing":
        return None if head.epoch == conversation["epoch"] else "owner_changed"
    if head.purpose in _BOT and head.epoch != conversation["epoch"]:
        return "owner_changed"
    if head.purpose in ("reminder", "first_contact") and conversation["opted_out_at"] is not None:
        return "opted_out"
    if "customer_id" in guards and guards["customer_id"] != conversation["customer_id"]:
        return "identity_changed"
    if "charge_no" in guards and (head.conversation_id, guards["charge_no"]) not in alive:
        return "charge_over"
    heard_at = conversation["heard_at"]
    if (heard_at is None or now >= heard_at + WINDOW) and '"type":"template"' not in head.body.replace(" ", ""):
        return "window_closed"
    return None


async def _charges_alive(conn: Any, heads: Sequence[Head], now: datetime) -> set[tuple[int, int]]:
    asked = [(h.conversation_id, json.loads(h.guards)["charge_no"]) for h in heads if "charge_no" in h.guards]
    if not asked:
        return set()
    rows = await conn.fetch(CHARGES_ALIVE, [c for c, _ in asked], [no for _, no in asked], now)
    return {(row["conversation_id"], row["no"]) for row in rows}


CHARGES_ALIVE = """
SELECT c.conversation_id, c.no FROM unnest($1::bigint[], $2::int[]) AS asked(conversation_id, no)
JOIN   charge c ON c.conversation_id = asked.conversation_id AND c.no = asked.no
WHERE  c.state = 'active' AND c.expires_at > $3
"""


async def _tell_of_stopped(conn: Any, heads: Sequence[Head], stopped: Mapping[int, str], now: datetime) -> None:
    """A closed window is a failure that the conversation has to know of; the other reasons were its own doing."""
    for head in heads:
        if stopped.get(head.id) == "window_closed":
            await _failed(conn, head, _WINDOW_CLOSED, now)


async def _failed(conn: Any, head: Head, code: int, now: datetime) -> None:
    await put_event(
        conn,
        source="engine",
        dedupe_key=f"f:{head.id}",
        conversation_id=head.conversation_id,
        event=DeliveryFailed(outbox_id=head.id, code=code, purpose=head.purpose),
        now=now,
    )


async def _deliver(parts: Parts, row: _Ready) -> None:
    """POST one row and write what became of it."""
    head = row.head
    started = seconds()
    body = json.loads(head.body)
    if head.kind == "typing":
        outcome = await parts.graph.mark_read(body["message_id"], typing=body["typing"])
    else:
        echo = opaque(parts.mac_key, outbox_id=head.id, attempt=head.attempt + 1)
        outcome = await parts.graph.send(address(body, to=row.to, opaque=echo))
    await _settle(parts, head, outcome)
    log.info(
        "outbox.posted", outbox_id=head.id, attempt=head.attempt + 1, kind=head.kind,
        outcome=type(outcome).__name__, took_ms=round((seconds() - started) * 1000, 1),
    )  # fmt: skip


async def _settle(parts: Parts, head: Head, outcome: Outcome) -> None:
    now = parts.clock.now()
    wait_s: float | None = None
    match outcome:
        case Accepted():
            answer = Answer(outbox_id=head.id, state="accepted", wamid=outcome.wamid)
        case Refused() if head.kind == "message" and (wait_s := outcome.wait_s(attempt=head.attempt + 1)) is not None:
            answer = Answer(outbox_id=head.id, state="pending", reason=outcome.title, error_code=outcome.code)
        case Refused():
            answer = Answer(outbox_id=head.id, state="failed", reason=outcome.title, error_code=outcome.code)
        case Unknown():
            state = "unknown" if head.kind == "message" else "failed"
            answer = Answer(outbox_id=head.id, state=state, reason=outcome.reason)
        case _:
            assert_never(outcome)
    async with parts.pool.acquire() as conn, conn.transaction():
        if wait_s is not None:
            await conn.execute(outbox.WAIT, head.conversation_id, now + timedelta(seconds=wait_s))
        if isinstance(outcome, Accepted) and outcome.wa_id and head.purpose in _FIRST_WORDS:
            await conn.execute(outbox.LEARN_WA_ID, head.conversation_id, outcome.wa_id)
        await outbox.settle(conn, [answer], now)
        if answer.state == "failed" and head.kind == "message":
            await _failed(conn, head, answer.error_code or 0, now)
    if isinstance(outcome, Refused) and outcome.scope in ("channel", "number"):
        parts.pacing.hold(wait_s or _HOLD_S)
        log.error("channel.held", code=outcome.code, scope=outcome.scope, alarm=outcome.alarm)
    parts.wake.ring("sends", *(["turns"] if answer.state == "failed" else []))
    parts.wake.desk_changed(head.conversation_id)


async def sweep(parts: Parts) -> int:
    """Settle what was left in flight by a process that is gone, and repeat replies whose fate stayed unknown. Return how many."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn:
        expired = await conn.fetch(outbox.EXPIRE_LEASES, now)
        again = await conn.fetch(outbox.REPEAT_UNKNOWN_REPLIES, now - timedelta(seconds=120))
    if expired or again:
        log.warning("outbox.swept", expired=len(expired), repeated=len(again))
        parts.wake.ring("sends", "charges")
    return len(expired) + len(again)
