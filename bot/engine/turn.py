"""The turn: one event of one customer, decided on fresh facts and written in one transaction.

Conversations with open events are claimed in batches of distinct customers; the row lock is mutex and fence, so a
worker that was killed or paused cannot commit stale work. A turn that fails rolls back alone, backs off, and after five
tries is parked with a ticket; the customer's later events go on. Lock order: conversation, debt, charge, outbox.
"""

import json
import traceback
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from bot.clock import seconds
from bot.engine import climbing, effects, metrics
from bot.engine.arrivals import Heard, NothingToDecide, read_event
from bot.engine.parts import Parts
from bot.engine.rows import Rows, Turn
from bot.store import (
    bookings,
    conversations,
    facts,
    inbox,
    journal,
    ladder,
    outbox,
    payments,
    returns,
    tickets_open,
    timers,
)
from bot.store.conversations import START, Conversation, Reached
from bot.store.database import GONE
from bot.store.payments import Confirmed
from flows.costs import NO_LATE_CHARGES
from flows.effects import Book, BookReturn, Identify
from flows.events import (
    AgentReplied,
    DeliveryFailed,
    Event,
    ExceptionNews,
    ExceptionOffered,
    HandedBack,
    Identified,
    PaymentConfirmed,
    PaymentReturned,
    TicketClaimed,
    TicketClosed,
)
from flows.facts import Facts, PolicyInForce
from flows.step import State, Step, step

BATCH = 64
_TIMERS = 32  # of a batch at most, so that who is waiting for an answer does not wait for many others
TRIES = 5
_BACK_OFF_S = (1, 5, 30, 120, 600)
log = structlog.get_logger(__name__)


async def run_once(parts: Parts, *, after: Reached = START, only: int | None = None) -> tuple[int, Reached]:
    """Run one batch of turns. Return how many, and how far the look for them came (START: to the end).

    If the batch as a whole cannot be written, each of its conversations is tried by itself, and only what fails there
    fails.
    """
    started = seconds()
    claimed: list[int] = []
    try:
        done, last = await _batch(parts, after, only, claimed)
    except Exception as error:  # the turn's one broad handler: roll back, retry, park with a ticket
        if isinstance(error, GONE):
            raise  # the database is away: nobody's event is to blame
        if only is None and len(claimed) > 1:
            log.warning("turn.batch_rolled_back", error=type(error).__name__, conversations=len(claimed))
            for conversation_id in claimed:
                await run_once(parts, only=conversation_id)
            return len(claimed), START
        for conversation_id in claimed:
            metrics.TURN_FAILURES.inc()
            await _failed(parts, conversation_id, error)
        return len(claimed), START
    if done:
        took_s = seconds() - started
        metrics.TURNS.inc(done)
        metrics.TURN_BATCH_SECONDS.observe(took_s)
        log.info("turn.done", turns=done, took_ms=round(took_s * 1000, 1))
    return done, last


async def _batch(parts: Parts, after: Reached, only: int | None, claimed: list[int]) -> tuple[int, Reached]:
    rows = Rows()
    ids, reached = [only] if only is not None else [], START
    async with parts.pool.acquire() as conn, conn.transaction():
        if only is None:
            ids, reached = await conversations.waiting(conn, after=after, limit=BATCH, timers=_TIMERS)
        if not ids:
            return 0, START
        now = parts.clock.now()  # not before their events happened
        held = await conversations.claim(conn, ids, now)
        claimed += [c.id for c in held]
        events = (
            {row["conversation_id"]: row for row in await conn.fetch(inbox.OLDEST_OPEN, claimed)} if claimed else {}
        )
        busy = [c for c in held if c.id in events]
        if busy:
            await _decide_all(conn, parts, busy, events, now, rows)
            await _write_all(conn, busy, events, now, rows)
    parts.wake.ring(*rows.bells)
    for conversation in busy:
        parts.wake.desk_changed(conversation.id)
    return len(busy), reached


async def _decide_all(
    conn: Any, parts: Parts, held: list[Conversation], events: dict[int, Any], now: datetime, rows: Rows
) -> None:
    """Decide every event and collect what follows. What one of them got wrong is raised: the batch is then taken
    apart.

    Payments come first, together; nothing that another turn of the batch decides falls between reading what they settle
    and writing it.
    """
    understood: dict[int, Event] = {}
    for conversation in held:
        heard = read_event(events[conversation.id], conversation_id=conversation.id, key=parts.mac_key)
        _take_note(conversation, heard, events[conversation.id], rows, now)
        if not isinstance(heard.event, NothingToDecide):
            understood[conversation.id] = heard.event
    today = now.astimezone(parts.settings.timezone).date()
    policy = await parts.policies.in_force(conn, today)
    known = await _facts(conn, parts, held, now, policy)
    known = await climbing.with_ladder(conn, parts, held, understood, known)
    paid: list[tuple[Turn, PaymentConfirmed]] = []
    others: list[tuple[Turn, Event]] = []
    for conversation in held:
        event = understood.get(conversation.id)
        turn = Turn(conversation=conversation, facts=known[conversation.id], inbox_id=events[conversation.id]["id"])
        if isinstance(event, PaymentConfirmed):
            paid.append((turn, event))
        elif event is not None:
            others.append((turn, event))
    await _settle_all(conn, parts, paid, rows)
    for turn, event in others:
        if isinstance(event, PaymentReturned):
            await _look_at_return(conn, parts, turn, event)
        if isinstance(event, DeliveryFailed):
            await climbing.take_back_undelivered(conn, event, now)
        await _apply_all(conn, parts, turn, _decided(turn, event, rows), rows)


async def _settle_all(conn: Any, parts: Parts, paid: list[tuple[Turn, PaymentConfirmed]], rows: Rows) -> None:
    """Decide payments together: read what they settle, decide, and book, each set-wise; only then say it.

    Those of one customer, who may pay in several chats, follow one another.
    """
    while paid:
        confirmed = [
            Confirmed(conversation_id=turn.conversation.id, event=event, facts=turn.facts) for turn, event in paid
        ]
        planned = await payments.settlements_for(conn, confirmed, zone=parts.settings.timezone)
        settling = [(turn, event) for turn, event in paid if turn.conversation.id in planned]
        paid = [(turn, event) for turn, event in paid if turn.conversation.id not in planned]
        results = []
        for turn, event in settling:
            turn.settlement, turn.facts = planned[turn.conversation.id]
            results.append(_decided(turn, event, rows))
        now = settling[0][0].facts.now
        taken_back = await bookings.book(conn, [plan for plan, _ in planned.values()], now=now)
        for (turn, event), result in zip(settling, results, strict=True):
            turn.charges_taken_back = taken_back.get(event.end_to_end_id, ())
            await _apply_all(conn, parts, turn, result, rows)


async def _look_at_return(conn: Any, parts: Parts, turn: Turn, event: PaymentReturned) -> None:
    """Work out what went back; where the chat is another customer's by now, the facts know nothing of it."""
    known = turn.facts
    turn.taken_back = await returns.plan(
        conn,
        end_to_end_id=event.end_to_end_id,
        refund_id=event.refund_id,
        terms=known.policy.policy.terms if known.policy is not None else NO_LATE_CHARGES,
        zone=parts.settings.timezone,
        now=known.now,
    )
    if turn.taken_back is not None:
        theirs = known.customer is None or known.customer.customer_id == turn.taken_back.customer_id
        turn.facts = replace(known, returned=turn.taken_back.told if theirs else None)


def _decided(turn: Turn, event: Event, rows: Rows) -> Step:
    before, known = State.from_json(json.loads(turn.conversation.state)), turn.facts
    why = {
        "event": type(event).__name__,
        "inbox_id": turn.inbox_id,
        "state": list(before.configuration),
        "on": known.today.isoformat(),
        "policy": known.policy.digest if known.policy else None,
    }
    turn.decision = json.dumps(why, separators=(",", ":"))
    _journal_action(turn, event, rows)
    return step(before, known, event)


async def _apply_all(conn: Any, parts: Parts, turn: Turn, result: Step, rows: Rows) -> None:
    known = turn.facts
    await _apply(conn, parts, turn, result, rows)
    if any(isinstance(effect, Identify) for effect in result.effects):
        # Who it is was just confirmed: the same turn goes on with what that person owes.
        facts_now = await _facts(conn, parts, [turn.conversation], known.now, known.policy)
        turn.facts = replace(facts_now[turn.conversation.id], ladder=known.ladder)
        result = step(result.state, turn.facts, Identified())
        await _apply(conn, parts, turn, result, rows)


async def _apply(conn: Any, parts: Parts, turn: Turn, result: Step, rows: Rows) -> None:
    """Write what a step led to: money first, words after."""
    conversation = turn.conversation
    if result.owner != conversation.owner:
        conversation.owner = result.owner
        conversation.epoch += 1  # what the bot said before and is still queued will not go out any more
    for effect in sorted(result.effects, key=lambda e: not isinstance(e, Book | BookReturn)):
        await effects.write(conn, parts, turn, effect, rows)
    conversation.state = json.dumps(result.state.to_json(), separators=(",", ":"))


async def _facts(
    conn: Any, parts: Parts, held: list[Conversation], now: datetime, policy: PolicyInForce | None
) -> dict[int, Facts]:
    settings = parts.settings
    return await facts.load(conn, held, now=now, zone=settings.timezone, rules=settings.rules, policy=policy)


def _take_note(conversation: Conversation, heard: Heard, row: Any, rows: Rows, now: datetime) -> None:
    """What a message tells by itself, whatever is decided: who it is from, when, and its line in the journal."""
    conversation.wa_id = heard.wa_id or conversation.wa_id
    conversation.user_id = heard.user_id or conversation.user_id
    conversation.profile_name = heard.profile_name
    if heard.said_at is not None and heard.opens_window:
        said_at = min(heard.said_at, now)
        conversation.heard_at = max(conversation.heard_at or said_at, said_at)
    if heard.journal is not None:
        entry = journal.Entry(at=heard.said_at or now, kind="heard", body=heard.journal, inbox_id=row["id"])
        rows.journal.setdefault(conversation.id, []).append(entry)


def _journal_action(turn: Turn, event: Event, rows: Rows) -> None:
    """What an agent did has its own line; what they wrote is journalled as it is sent."""
    match event:
        case TicketClaimed(agent_name=name):
            rows.note(turn, "claimed", {"agent": name})
        case HandedBack() | ExceptionOffered():  # what was offered is noted where it is (`effects.UseException`)
            rows.note(turn, "handed_back", {})
        case ExceptionNews(what=what, exception_id=exception_id, by_name=name):
            rows.note(turn, "exception", {"what": what, "exception_id": exception_id, "by": name})
        case TicketClosed():
            rows.note(turn, "closed", {})
        case AgentReplied() | _:
            pass


async def _write_all(conn: Any, held: list[Conversation], events: dict[int, Any], now: datetime, rows: Rows) -> None:
    outbox_ids = await outbox.decide(conn, rows.outbox, now) if rows.outbox else {}
    await ladder.keep(conn, rows.contacts, rows.steps)
    lines = [line for c in held for line in journal.chain(c, rows.journal.get(c.id, ()))]
    if lines:
        await journal.append(conn, lines, outbox_ids)
    if rows.timers_cleared:
        await conn.execute(timers.CLEAR, sorted(set(rows.timers_cleared) - {s.key for s in rows.timers_set}))
    if rows.timers_set:
        await timers.set_all(conn, rows.timers_set)
    await conversations.write_back(conn, held)
    await conn.execute(inbox.MARK_DONE, [events[c.id]["id"] for c in held], now)


async def _failed(parts: Parts, conversation_id: int, error: Exception) -> None:
    """Count the failure, back off, and after the last try park the event and call a person. The reason names types,
    never words."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        held = await conversations.claim(conn, [conversation_id], now)
        events = await conn.fetch(inbox.OLDEST_OPEN, [c.id for c in held])
        if not held or not events:
            return
        [row] = await conn.fetch(inbox.COUNT_FAILURE, events[0]["id"], type(error).__name__, TRIES)
        if row["state"] == "parked":
            await tickets_open.open_ticket(
                conn, conversation_id=conversation_id, customer_id=held[0].customer_id, debt_id=None,
                reason="event_failed", queue="atendimento", now=now,
            )  # fmt: skip
        else:
            wait = timedelta(seconds=_BACK_OFF_S[row["attempts"] - 1])
            await conn.execute(conversations.BACK_OFF, conversation_id, now + wait)
    log.error(
        "turn.failed", inbox_id=events[0]["id"], error=type(error).__name__, where=_place(error),
        attempts=row["attempts"], state=row["state"],
    )  # fmt: skip


def _place(error: BaseException) -> str:
    """Where an error was raised: files and lines only, since its text may hold what a person wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
