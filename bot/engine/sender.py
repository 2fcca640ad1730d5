"""The sender: takes what was decided out into the world, one message of a conversation at a time.

At the last moment, under the conversation's lock, it looks again whether the message may still go out; it commits
`sending` before the POST, so that a kill leaves a row that says "perhaps"; and it never takes "perhaps" for "no". See
outbox.py for the states.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

import structlog

from bot.clock import seconds
from bot.engine import metrics
from bot.engine.alive import kept_alive
from bot.engine.inbox import put_event
from bot.engine.opaque import opaque
from bot.engine.parts import Parts
from bot.store import outbox
from bot.store.facts import WINDOW
from bot.store.outbox import Answer, Head
from bot.whatsapp.errors import Accepted, Outcome, Refused, Unknown
from bot.whatsapp.limits import BadMessage
from bot.whatsapp.messages import Recipient, address
from flows.events import DeliveryFailed

BATCH = 48
_IN_FLIGHT = 256
_LOOK_EVERY_S = 1.0
LEASE = timedelta(seconds=45)  # longer than the client's deadline: an expired lease means that the process is gone
_HOLD_S = 60.0  # after a refusal that speaks of the whole channel
_WINDOW_CLOSED = 131047
# sent to a number that has not written yet: WhatsApp tells its own name for it
_FIRST_WORDS = ("reminder", "first_contact")
_BOT = ("reply", "reminder", "first_contact", "agreement")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A row that may go out now, with its addressee."""

    head: Head
    to: Recipient


class Sender:
    """Keeps a bounded number of posts in flight: a slow one delays its own conversation and nobody else."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._in_flight: set[asyncio.Task[None]] = set()
        self._answered: asyncio.Queue[tuple[Head, Outcome]] = asyncio.Queue()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; then take no more, finish what is in flight and write what became of it."""
        async with asyncio.TaskGroup() as tasks:
            settling = tasks.create_task(self._settle_forever())
            after = 0
            while not stop.is_set():
                started, after = await kept_alive(lambda: self._start(tasks, after), (0, 0))  # noqa: B023  # awaited at once
                if not started and not after:
                    await self._parts.wake.wait("sends", at_most_s=_LOOK_EVERY_S)
            if self._in_flight:
                await asyncio.wait(self._in_flight)
            await self._answered.join()
            settling.cancel()

    async def _start(self, tasks: asyncio.TaskGroup, after: int) -> tuple[int, int]:
        room = min(BATCH, _IN_FLIGHT - len(self._in_flight))
        if room <= 0:
            await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
            return 1, after
        ready, cancelled, after = await _take(self._parts, after, room)
        for row in ready:
            task = tasks.create_task(self._post(row))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        return len(ready) + cancelled, after

    async def _post(self, row: "_Ready") -> None:
        self._answered.put_nowait((row.head, await _deliver(self._parts, row)))

    async def _settle_forever(self) -> None:
        """Write answers, those that came together in one commit; a database that is away is waited for."""
        while True:
            answers = [await self._answered.get()]
            while not self._answered.empty() and len(answers) < BATCH:
                answers.append(self._answered.get_nowait())
            while not await kept_alive(lambda: _settle(self._parts, answers), 0):  # noqa: B023  # awaited at once
                pass
            for _ in answers:
                self._answered.task_done()


async def send_once(parts: Parts) -> int:
    """Send one batch and write what became of it. Return how many rows were handled."""
    ready, cancelled, _ = await _take(parts, 0, BATCH)
    if ready:
        outcomes = await asyncio.gather(*(_deliver(parts, row) for row in ready))
        await _settle(parts, [(row.head, outcome) for row, outcome in zip(ready, outcomes, strict=True)])
    return len(ready) + cancelled


async def _take(parts: Parts, after: int, most: int) -> tuple[list["_Ready"], int, int]:
    """Claim up to `most` rows. Return them, how many were cancelled instead, and where to go on (0: from the start)."""
    async with parts.pool.acquire() as conn:
        ids = [row["conversation_id"] for row in await conn.fetch(outbox.WAITING, after, most)]
    may = await parts.pacing.take(len(ids)) if ids else 0
    if not may:
        return [], 0, 0
    ready, cancelled = await _claim(parts, ids[:may], parts.clock.now())
    return ready, cancelled, ids[may - 1] if len(ids) == most else 0


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


async def _deliver(parts: Parts, row: _Ready) -> Outcome:
    """POST one row."""
    head = row.head
    started = seconds()
    body = json.loads(head.body)
    outcome: Outcome
    if head.kind == "typing":
        outcome = await parts.graph.mark_read(body["message_id"], typing=body["typing"])
    else:
        echo = opaque(parts.mac_key, outbox_id=head.id, attempt=head.attempt + 1)
        try:
            whole = address(body, to=row.to, opaque=echo)
        except BadMessage as mistake:
            outcome = Refused(code=None, title=f"not sent: {mistake.field}", scope="message", again_after_s=None)
        else:
            outcome = await parts.graph.send(whole)
    took_s = seconds() - started
    metrics.SENDS.labels(type(outcome).__name__.lower()).inc()
    metrics.SEND_SECONDS.observe(took_s)
    log.info(
        "outbox.posted", outbox_id=head.id, attempt=head.attempt + 1, kind=head.kind,
        outcome=type(outcome).__name__, took_ms=round(took_s * 1000, 1),
    )  # fmt: skip
    return outcome


async def _settle(parts: Parts, outcomes: Sequence[tuple[Head, Outcome]]) -> int:
    """Write what became of posts, in one transaction. Lock order: conversations, then outbox rows, each by its id."""
    now = parts.clock.now()
    answers: list[Answer] = []
    waits: dict[int, timedelta] = {}
    learnt: dict[int, str] = {}
    for head, outcome in outcomes:
        answer, wait_s = _answer(head, outcome)
        answers.append(answer)
        if wait_s is not None:
            waits[head.conversation_id] = timedelta(seconds=wait_s)
        if isinstance(outcome, Accepted) and outcome.wa_id and head.purpose in _FIRST_WORDS:
            learnt[head.conversation_id] = outcome.wa_id
        if isinstance(outcome, Refused) and outcome.scope in ("channel", "number"):
            parts.pacing.hold(wait_s or _HOLD_S)
            log.error("channel.held", code=outcome.code, scope=outcome.scope, alarm=outcome.alarm)
    failed = [
        (head, a)
        for (head, _), a in zip(outcomes, answers, strict=True)
        if a.state == "failed" and head.kind == "message"
    ]
    async with parts.pool.acquire() as conn, conn.transaction():
        for conversation_id, wait in sorted(waits.items()):
            await conn.execute(outbox.WAIT, conversation_id, now + wait)
        for conversation_id, wa_id in sorted(learnt.items()):
            await conn.execute(outbox.LEARN_WA_ID, conversation_id, wa_id)
        await outbox.settle(conn, answers, now)
        for head, answer in failed:
            await _failed(conn, head, answer.error_code or 0, now)
    parts.wake.ring("sends", *(["turns"] if failed else []))
    for head, _ in outcomes:
        parts.wake.desk_changed(head.conversation_id)
    return len(answers)


def _answer(head: Head, outcome: Outcome) -> tuple[Answer, float | None]:
    """Return what is written of one post, and how many seconds its conversation waits before the same bytes go
    again."""
    match outcome:
        case Accepted():
            return Answer(outbox_id=head.id, state="accepted", wamid=outcome.wamid), None
        case Refused() if head.kind == "message" and (wait_s := outcome.wait_s(attempt=head.attempt + 1)) is not None:
            return Answer(outbox_id=head.id, state="pending", reason=outcome.title, error_code=outcome.code), wait_s
        case Refused():
            return Answer(outbox_id=head.id, state="failed", reason=outcome.title, error_code=outcome.code), None
        case Unknown():
            state = "unknown" if head.kind == "message" else "failed"
            return Answer(outbox_id=head.id, state=state, reason=outcome.reason), None
        case _:
            assert_never(outcome)


async def sweep(parts: Parts) -> int:
    """Settle what was left in flight by a process that is gone, and repeat replies whose fate stayed unknown. Return
    how many."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn:
        expired = await conn.fetch(outbox.EXPIRE_LEASES, now)
        again = await conn.fetch(outbox.REPEAT_UNKNOWN_REPLIES, now - timedelta(seconds=120))
    if expired or again:
        log.warning("outbox.swept", expired=len(expired), repeated=len(again))
        parts.wake.ring("sends", "charges")
    return len(expired) + len(again)
