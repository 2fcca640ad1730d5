"""The sender: takes what was decided out into the world, one message of a conversation at a time.

At the last moment, under the conversation's lock, it looks again whether the message may still go out (claim.py); it
commits `sending` before the POST, so that a kill leaves a row that says "perhaps"; and it never takes "perhaps" for
"no". See outbox.py for the states.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from bot.clock import seconds
from bot.engine import channel_state, claim, metrics
from bot.engine.alive import kept_alive
from bot.engine.claim import Ready
from bot.engine.opaque import opaque
from bot.engine.parts import Parts
from bot.store import outbox
from bot.store.outbox import Answer, Head
from bot.whatsapp.errors import Accepted, Outcome, Refused, Unknown
from bot.whatsapp.limits import BadMessage
from bot.whatsapp.messages import address

BATCH = 48
_IN_FLIGHT = 256
_KEPT_FOR_ANSWERS = 64  # places in flight that what nobody asked for never takes
_LOOK_EVERY_S = 1.0
_HOLD_S = 60.0  # after a refusal that speaks of the whole channel
_ANSWERS_HOLD_S = 5.0  # answers try again sooner than what nobody asked for
_TOO_MUCH = (130429, 4, 80007)  # throughput; calls of the app, of the account; a bare HTTP 429 has no code
_SPAM = 131048
# sent to a number that has not written yet: WhatsApp tells its own name for it
_FIRST_WORDS = ("reminder", "first_contact", "campaign")
log = structlog.get_logger(__name__)


class Sender:
    """Keeps a bounded number of posts in flight: a slow one delays its own conversation and nobody else."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._answers_reached: dict[int, int] = {}
        self._unasked_reached: dict[int, int] = {}
        self._look = asyncio.Event()  # for what nobody asked for: whoever takes answers has woken up
        self._in_flight: set[asyncio.Task[None]] = set()
        self._answered: asyncio.Queue[tuple[Head, Outcome]] = asyncio.Queue()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; then take no more, finish what is in flight and write what became of it."""
        async with asyncio.TaskGroup() as tasks:
            settling = tasks.create_task(self._settle_forever())
            unasked = tasks.create_task(self._unasked_forever(tasks, stop))
            while not stop.is_set():
                self._look.set()
                if not await kept_alive(lambda: self._start(tasks, answers=True), False):
                    await self._parts.wake.wait("sends", at_most_s=_LOOK_EVERY_S)
            self._look.set()
            await unasked
            if self._in_flight:
                await asyncio.wait(self._in_flight)
            await self._answered.join()
            settling.cancel()

    async def _unasked_forever(self, tasks: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Take what nobody asked for in a loop of its own: an answer does not even wait until a batch of it is
        claimed."""
        while not stop.is_set():
            self._look.clear()
            if not await kept_alive(lambda: self._start(tasks, answers=False), False):
                await self._look.wait()

    async def _start(self, tasks: asyncio.TaskGroup, *, answers: bool) -> bool:
        """Start one batch. Return whether there may be more to do at once."""
        room = min(BATCH, _IN_FLIGHT - (0 if answers else _KEPT_FOR_ANSWERS) - len(self._in_flight))
        if room <= 0:
            await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
            return True
        reached = self._answers_reached if answers else self._unasked_reached
        taken = await claim.take(self._parts, reached, answers=room if answers else 0, active=0 if answers else room)
        for row in taken.ready:
            task = tasks.create_task(self._post(row))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        return taken.handled > 0 or taken.more

    async def _post(self, row: Ready) -> None:
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
    taken = await claim.take(parts, {}, answers=BATCH, active=BATCH)
    if taken.ready:
        outcomes = await asyncio.gather(*(_deliver(parts, row) for row in taken.ready))
        await _settle(parts, [(row.head, outcome) for row, outcome in zip(taken.ready, outcomes, strict=True)])
    return taken.handled


async def _deliver(parts: Parts, row: Ready) -> Outcome:
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
            await _take_heed(parts, outcome, wait_s or _HOLD_S, now)
    stops = sorted({o.code for _, o in outcomes if isinstance(o, Refused) and o.code in channel_state.STOPS})
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
            await claim.tell_failed(conn, head, answer.error_code or 0, now)
        for code in stops:
            await channel_state.stop_for(conn, code, now)
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
        case Refused() if head.lane in claim.ACTIVE and outcome.code in channel_state.STOPS:
            # Nobody is written to unasked any more; whether this is still to be said is looked at when that is over.
            return Answer(outbox_id=head.id, state="pending", reason=outcome.title, error_code=outcome.code), None
        case Refused():
            return Answer(outbox_id=head.id, state="failed", reason=outcome.title, error_code=outcome.code), None
        case Unknown():
            state = "unknown" if head.kind == "message" else "failed"
            return Answer(outbox_id=head.id, state=state, reason=outcome.reason), None
        case _:
            assert_never(outcome)


async def _take_heed(parts: Parts, refused: Refused, wait_s: float, now: datetime) -> None:
    """What a refusal says of the whole number: too much slows down what nobody asked for, trouble holds everything."""
    log.error("channel.held", code=refused.code, scope=refused.scope, alarm=refused.alarm)
    if refused.code in _TOO_MUCH or (refused.code is None and refused.scope == "number"):
        parts.pacing.hold_active(wait_s)
        if refused.scope == "channel":
            parts.pacing.hold(min(wait_s, _ANSWERS_HOLD_S))
        await parts.pacing.slow_down(now)
    elif refused.code != _SPAM:  # answers go on
        parts.pacing.hold(wait_s)


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
