"""The roles of a process: loops with an owner, a bound and an orderly end.

`web` takes in what happened, `worker` decides (turns, statuses, timers, confirmations), `sender` acts (messages,
charges). Any number of processes of any role may run at once. Stopping is a state: take no more, finish what is held,
within 20 seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import structlog

from bot.engine import (
    channel_state,
    charging,
    claim,
    ladder_plan,
    refunding,
    sender,
    settle,
    statuses,
    template_status,
    turn,
)
from bot.engine.alive import kept_alive
from bot.engine.parts import Parts
from bot.engine.rehearsal import rehearse
from bot.store import outbox, timers
from bot.store.conversations import START

STOP_WITHIN_S = 20.0
_LOOK_EVERY_S = 1.0
_TIMERS_EVERY_S = 1.0
_SWEEP_EVERY_S = 5.0
_PLAN_EVERY_S = 10.0
_POLL_EVERY_S = 30.0
_LONG_LOOK_EVERY_S = 6 * 3600.0
_TURN_LOOPS = 2
_CHARGE_LOOPS = 4
ROLES = ("web", "worker", "sender")
log = structlog.get_logger(__name__)


async def run(parts: Parts, roles: frozenset[str], stop: asyncio.Event) -> None:
    """Run the loops of `roles` until `stop` is set and what they hold is finished."""
    if "worker" in roles:
        rehearse(parts)
    async with asyncio.TaskGroup() as tasks:
        endless = [tasks.create_task(parts.wake.run())]
        if "web" in roles:
            endless.append(tasks.create_task(parts.ingest.run()))
        finishing = [tasks.create_task(loop) for loop in _loops(parts, roles, stop)]
        await stop.wait()
        parts.wake.stir()  # nobody has to wait for the loops that look seldom
        done, held = await asyncio.wait(finishing, timeout=STOP_WITHIN_S) if finishing else (set(), set())
        log.info("engine.stopped", finished=len(done), cut_off=len(held))
        for task in (*endless, *held):
            task.cancel()


def _loops(parts: Parts, roles: frozenset[str], stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
    loops: list[Coroutine[Any, Any, None]] = []
    if "worker" in roles:
        loops += [_turns(parts, stop) for _ in range(_TURN_LOOPS)]
        loops.append(_whenever(parts, stop, "statuses", _LOOK_EVERY_S, lambda: statuses.apply_once(parts)))
        loops.append(_whenever(parts, stop, "news", _LOOK_EVERY_S, lambda: channel_state.apply_once(parts)))
        loops.append(_whenever(parts, stop, "news", _LOOK_EVERY_S, lambda: template_status.apply_once(parts)))
        loops.append(_whenever(parts, stop, "pix", _LOOK_EVERY_S, lambda: settle.settle_once(parts)))
        loops.append(_whenever(parts, stop, "ladder", _PLAN_EVERY_S, lambda: ladder_plan.plan_once(parts)))
        loops.append(_whenever(parts, stop, "timers", _TIMERS_EVERY_S, lambda: fire_timers(parts)))
        if parts.settings.pix.mode != "static":
            loops.append(_whenever(parts, stop, "poll", _POLL_EVERY_S, lambda: _polled(parts)))
            loops.append(_whenever(parts, stop, "long_look", _LONG_LOOK_EVERY_S, lambda: _looked_back(parts)))
    if "sender" in roles:
        loops.append(sender.Sender(parts).run(stop))
        loops += [
            _whenever(parts, stop, "charges", _LOOK_EVERY_S, lambda: charge_once(parts)) for _ in range(_CHARGE_LOOPS)
        ]
        loops.append(_whenever(parts, stop, "sweep", _SWEEP_EVERY_S, lambda: sender.sweep(parts)))
    return loops


async def fire_timers(parts: Parts) -> int:
    """Move due timers into the inbox. Return how many."""
    async with parts.pool.acquire() as conn:
        fired = await timers.fire(conn, parts.clock.now())
    if fired:
        parts.wake.turns()
    return fired


async def charge_once(parts: Parts) -> int:
    """Take one thing to do at the provider and do it. Return how many were taken."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn:
        rows = await conn.fetch(outbox.CLAIM_PROVIDER_WORK, now, now + claim.LEASE, 1)
    for row in rows:
        work = refunding if row["kind"] == "refund" else charging
        outcome = await work.carry_out(parts, row)
        async with parts.pool.acquire() as conn:
            match outcome:
                case charging.Done():
                    await conn.execute(outbox.PROVIDER_WORK_DONE, row["id"], parts.clock.now())
                case charging.Again(after_s=after_s):
                    await conn.execute(
                        outbox.PROVIDER_WORK_AGAIN, row["id"], parts.clock.now() + timedelta(seconds=after_s)
                    )
        parts.wake.turns()
    return len(rows)


async def tick(parts: Parts) -> dict[str, int]:
    """Do now whatever is due, until nothing is: what the loops do by themselves. Return how much of each was done."""
    total: dict[str, int] = {}
    while True:
        done = {
            "planned": await ladder_plan.plan_once(parts),
            "timers": await fire_timers(parts),
            "statuses": await statuses.apply_once(parts),
            "news": await channel_state.apply_once(parts) + await template_status.apply_once(parts),
            "payments": await settle.settle_once(parts),
            "turns": (await turn.run_once(parts))[0],
            "charges": await charge_once(parts),
            "messages": await sender.send_once(parts),
        }
        total = {name: total.get(name, 0) + count for name, count in done.items()}
        if not any(done.values()):
            return total


async def _turns(parts: Parts, stop: asyncio.Event) -> None:
    after = START
    while not stop.is_set():
        done, after = await kept_alive(lambda: turn.run_once(parts, after=after), (0, START))  # noqa: B023  # awaited at once
        if not done and not after and not stop.is_set():
            await parts.wake.wait("turns", at_most_s=_LOOK_EVERY_S)


async def _whenever(
    parts: Parts, stop: asyncio.Event, bell: str, at_most_s: float, work: Callable[[], Awaitable[int]]
) -> None:
    while not stop.is_set():
        if not await kept_alive(work, 0) and not stop.is_set():
            await parts.wake.wait(bell, at_most_s=at_most_s)


async def _polled(parts: Parts) -> int:
    await settle.poll_once(parts)
    return 0


async def _looked_back(parts: Parts) -> int:
    await settle.long_look_once(parts)
    return 0
