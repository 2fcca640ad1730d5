"""What may go out now: which conversations are looked at, in the order of lanes, and the last look under their locks.

Lanes: reply (0), receipt (1), reminder (2), campaign (3). What nobody asked for (2, 3) never takes the last part of the
number's rate or of the places in flight, waits for the person's and the day's room, and stands still while the channel
is stopped; a reminder that answers wait behind goes with them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.engine import reminder_guards
from bot.engine.inbox import put_event
from bot.engine.parts import Parts
from bot.store import channel, opened_outside, outbox
from bot.store.facts import WINDOW
from bot.store.outbox import Head
from bot.whatsapp.messages import Recipient
from flows.events import DeliveryFailed

LEASE = timedelta(seconds=45)  # longer than the client's deadline: an expired lease means that the process is gone
ANSWERS, ACTIVE = (0, 1), (2, 3)
_RED_SHARE = 0.5  # of the rate, for what nobody asked for, while people complain of the number
_WINDOW_CLOSED = 131047
_BOT = ("reply", "reminder", "first_contact", "campaign", "agreement")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A row that is claimed and may go out, with its addressee."""

    head: Head
    to: Recipient


@dataclass(slots=True, kw_only=True)
class Taken:
    """One batch: what may go out, how many rows something was done with, and whether to look on at once."""

    ready: list[Ready] = field(default_factory=list)
    handled: int = 0
    more: bool = False


async def take(parts: Parts, reached: dict[int, int], *, answers: int, active: int) -> Taken:
    """Claim up to `answers` rows that somebody waits for and up to `active` that nobody asked for.

    Both together are no more than the greater of the two. Each lane goes on where `reached` says, which is moved on; a
    missing lane begins anew.
    """
    now, room = parts.clock.now(), max(answers, active)
    after = {lane: reached.get(lane, 0) for lane in (*(ANSWERS if answers else ()), *(ACTIVE if active else ()))}
    async with parts.pool.acquire() as conn:
        found = await outbox.waiting(conn, after, limit=room, now=now)
        share = await _share(conn) if any(found.get(lane) for lane in ACTIVE) else 1.0
    asked = list(dict.fromkeys(c for lane in ANSWERS for c in found.get(lane, ())))[:answers]
    unasked = [c for lane in ACTIVE for c in found.get(lane, ()) if c not in set(asked)]
    unasked = list(dict.fromkeys(unasked))[: min(active, room - len(asked))]
    if not asked and not unasked:
        reached.clear()
        return Taken()
    may, may_active = await parts.pacing.take(len(asked), len(unasked), now=now, share=share)
    ids = asked[:may] + unasked[:may_active]
    more = _moved_on(reached, found, set(ids), room)
    taken = await _claim(parts, ids, now) if ids else Taken()
    taken.more = more
    return taken


async def _share(conn: Any) -> float:
    return _RED_SHARE if (await channel.state(conn)).quality == "RED" else 1.0


def _moved_on(reached: dict[int, int], found: Mapping[int, Sequence[int]], ids: set[int], room: int) -> bool:
    """Remember how far each lane was taken; one that came to its end begins anew. Return whether one is on its way."""
    moved = False
    for lane, conversations in found.items():
        taken = [c for c in conversations if c in ids]
        if len(taken) == len(conversations) < room:
            reached[lane] = 0
        elif taken:
            reached[lane], moved = taken[-1], True
    return moved


async def _claim(parts: Parts, ids: Sequence[int], now: datetime) -> Taken:
    """Lock conversations, look again at the head of each queue, and commit what is about to be posted as `sending`."""
    async with parts.pool.acquire() as conn, conn.transaction():
        held = {row["id"]: row for row in await conn.fetch(outbox.CLAIM_CONVERSATIONS, sorted(ids), now)}
        if not held:
            return Taken()
        heads = [head for head in await outbox.heads(conn, list(held), now) if head.state == "pending"]
        stopped = await _stopped(conn, parts, heads, held, now)
        going = [head for head in heads if head.id not in stopped]
        stopped = {row_id: why for row_id, why in stopped.items() if why != reminder_guards.HELD}
        waiting = await _without_room(conn, parts, going, held, now)
        going = [head for head in going if head.id not in waiting]
        if stopped:
            await outbox.cancel(conn, stopped)
            await _tell_of_stopped(conn, heads, stopped, now)
            await reminder_guards.taken_back(conn, heads, stopped, now)
        if going:
            await conn.execute(outbox.START, [head.id for head in going], now + LEASE, now)
    if stopped:
        log.info("outbox.cancelled", rows=len(stopped), reasons=sorted(set(stopped.values())))
        parts.wake.ring("sends", "turns")
    return Taken(
        ready=[Ready(head=head, to=_recipient(held[head.conversation_id])) for head in going],
        handled=len(going) + len(stopped) + len(waiting),
    )


def _recipient(conversation: Mapping[str, Any]) -> Recipient:
    return Recipient(phone=conversation["wa_id"], user_id=conversation["user_id"])


async def _stopped(
    conn: Any, parts: Parts, heads: Sequence[Head], held: Mapping[int, Any], now: datetime
) -> dict[int, str]:
    """Return, by row, why it must not go out any more."""
    alive = await _charges_alive(conn, heads, now)
    found = {head.id: _reason_to_stop(head, held[head.conversation_id], alive, now) for head in heads}
    stopped = {row_id: reason for row_id, reason in found.items() if reason is not None}
    unasked = [head for head in heads if head.lane in ACTIVE and head.id not in stopped]
    if unasked:
        stopped |= await reminder_guards.reasons(conn, parts, unasked, held, now)
    return stopped


async def _without_room(
    conn: Any, parts: Parts, heads: Sequence[Head], held: Mapping[int, Any], now: datetime
) -> set[int]:
    """Let wait those for which the person or the day has no room, and count the others. Return who waits, by row.

    An answer that waits holds its whole conversation back, so that the order stays; what nobody asked for waits alone.
    """
    messages = {head.conversation_id: head for head in heads if head.kind == "message"}
    outside = [c for c in messages if not _window_open(held[c], now)]
    unasked = [c for c in outside if messages[c].lane in ACTIVE]
    no_room_today = await _no_room_today(conn, parts, unasked, now)
    asking = {c: head.lane not in ACTIVE for c, head in messages.items() if c not in no_room_today}
    until = no_room_today | await parts.pacing.pairs.take(asking, now=now)
    alone = {messages[c].id: at for c, at in until.items() if messages[c].lane in ACTIVE}
    if alone:
        await outbox.wait_alone(conn, alone)
    for conversation_id, at in until.items():
        if messages[conversation_id].lane not in ACTIVE:
            await conn.execute(outbox.WAIT, conversation_id, at)
    if opened := [c for c in outside if c not in until]:
        await opened_outside.note(conn, opened, now)
    return {messages[c].id for c in until}


async def _no_room_today(conn: Any, parts: Parts, opening: Sequence[int], now: datetime) -> dict[int, datetime]:
    told = (await channel.state(conn)).daily_limit if opening else None
    limit = parts.settings.whatsapp.daily_limit if told is None else told
    return await opened_outside.without_room(conn, opening, limit=limit, now=now) if opening and limit else {}


def _reason_to_stop(
    head: Head, conversation: Mapping[str, Any], alive: set[tuple[int, int]], now: datetime
) -> str | None:
    """Return why this row must not go out any more; None: it may. Every rule is checked at this very moment, under the
    lock."""
    guards: dict[str, Any] = json.loads(head.guards)
    if head.kind == "typing":
        return None if head.epoch == conversation["epoch"] else "owner_changed"
    if head.purpose in _BOT and head.epoch != conversation["epoch"]:
        return "owner_changed"
    if head.lane in ACTIVE and conversation["opted_out_at"] is not None:
        return "opted_out"
    if "customer_id" in guards and guards["customer_id"] != conversation["customer_id"]:
        return "identity_changed"
    if "charge_no" in guards and (head.conversation_id, guards["charge_no"]) not in alive:
        return "charge_over"
    if not _window_open(conversation, now) and '"type":"template"' not in head.body.replace(" ", ""):
        return "window_closed"
    return None


def _window_open(conversation: Mapping[str, Any], now: datetime) -> bool:
    heard_at: datetime | None = conversation["heard_at"]
    return heard_at is not None and now < heard_at + WINDOW


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
            await tell_failed(conn, head, _WINDOW_CLOSED, now)


async def tell_failed(conn: Any, head: Head, code: int, now: datetime) -> None:
    """Put into the conversation's inbox that this message surely did not arrive, with WhatsApp's code."""
    await put_event(
        conn,
        source="engine",
        dedupe_key=f"f:{head.id}",
        conversation_id=head.conversation_id,
        event=DeliveryFailed(outbox_id=head.id, code=code, purpose=head.purpose),
        now=now,
    )
