"""Trials of policies at work: debts are read in parts, weighed in processes of their own, counted together.

The event loop does nothing of the arithmetic, so that pages and answers go on. A trial that is cut off leaves its row
without a sign of life; it is begun again from the page.
"""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import lru_cache

import structlog

from bot.engine.parts import Parts
from bot.store import policy_trials
from bot.store.lateness import late_before
from flows.facts import Debt
from flows.negotiation import DebtFacts
from flows.policy import Policy, read_policy
from flows.policy_trial import Tally, tally_of

_PART = 1000
_AT_ONCE = 1
_SIGN_S = 10.0  # well within `policy_trials.QUIET`
log = structlog.get_logger(__name__)


class Trials:
    """The trials that this process works at, one after the other."""

    def __init__(self, parts: Parts, *, sign_s: float = _SIGN_S) -> None:
        """`sign_s`: how often one that waits for its turn says that it is still there."""
        self._parts = parts
        self._sign_s = sign_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(_AT_ONCE)

    def begin(
        self,
        trial_id: int,
        *,
        policy: bytes,
        current: bytes | None,
        on: date,
        debts: Sequence[DebtFacts] | None,
        count: int,
    ) -> None:
        """Begin to work at a trial of `count` debts: those of a file, or without them ours, which are read."""
        task = asyncio.create_task(self._work(trial_id, policy, current, on, debts, count))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Leave what is not done: its row says so by its silence."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("trial.failed", error=type(error).__name__)

    async def _work(
        self,
        trial_id: int,
        policy: bytes,
        current: bytes | None,
        on: date,
        debts: Sequence[DebtFacts] | None,
        count: int,
    ) -> None:
        if not await self._turn_comes(trial_id):
            return
        try:
            tally = await self._weighed(trial_id, policy, current, on, debts, count)
            if tally is None:
                return
            async with self._parts.pool.acquire() as conn:
                await policy_trials.end(conn, trial_id, tally, self._parts.clock.now())
        finally:
            self._turn.release()
        log.info("trial.ended", trial_id=trial_id, debts=tally.debts)

    async def _turn_comes(self, trial_id: int) -> bool:
        """Wait for the turn with signs of life; False: the trial is not wanted any more."""
        while await self._goes_on(trial_id, 0):
            try:
                async with asyncio.timeout(self._sign_s):
                    await self._turn.acquire()
                return True
            except TimeoutError:
                continue
        return False

    async def _goes_on(self, trial_id: int, done: int) -> bool:
        async with self._parts.pool.acquire() as conn:
            return await policy_trials.go_on(conn, trial_id, done=done, now=self._parts.clock.now())

    async def _weighed(
        self,
        trial_id: int,
        policy: bytes,
        current: bytes | None,
        on: date,
        debts: Sequence[DebtFacts] | None,
        count: int,
    ) -> Tally | None:
        """What came out; None: somebody began the trial anew meanwhile."""
        loop, tally, done = asyncio.get_running_loop(), Tally(), 0
        workers = max(1, min(2, os.cpu_count() or 1))
        with _workers(workers, count) as processes:
            parts = _of_file(debts) if debts is not None else self._ours(policy)
            waiting: list[asyncio.Future[Tally]] = []
            async for part in parts:
                waiting.append(loop.run_in_executor(processes, _weigh, policy, current, part, on))
                if len(waiting) > 2 * workers:
                    found = await waiting.pop(0)
                    tally.add(found)
                    done += found.debts
                    if not await self._goes_on(trial_id, done):
                        return None
            for one in waiting:
                tally.add(await one)
        return tally

    async def _ours(self, policy: bytes) -> AsyncIterator[Sequence[Debt | DebtFacts]]:
        """Our open debts, each with how often its person paid late."""
        zone, days, last = self._parts.settings.timezone, _policy(policy).holidays.days, 0
        while True:
            async with self._parts.pool.acquire() as conn:
                found = await policy_trials.some(conn, after=last, limit=_PART)
                late = await late_before(conn, [customer for customer, _ in found], zone, days) if found else {}
            if not found:
                return
            last = found[-1][1].id
            yield [replace(debt, late_before=late.get(customer, 0)) for customer, debt in found]


@contextmanager
def _workers(workers: int, count: int) -> Iterator[Executor]:
    """A thread for what takes a moment; else processes that are begun anew, since a fork of one with threads and
    connections may never wake. They are not waited for at the end: that would hold up the event loop."""
    executor: Executor
    if count <= _PART:
        executor = ThreadPoolExecutor(1)
    else:
        executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


async def _of_file(debts: Sequence[DebtFacts]) -> AsyncIterator[Sequence[Debt | DebtFacts]]:
    for at in range(0, len(debts), _PART):
        yield debts[at : at + _PART]


def _weigh(policy: bytes, current: bytes | None, debts: Sequence[Debt | DebtFacts], on: date) -> Tally:
    """In a process of its own."""
    return tally_of(_policy(policy), _policy(current) if current is not None else None, debts, on)


@lru_cache(maxsize=4)
def _policy(source: bytes) -> Policy:
    found = read_policy(source, name="")
    assert isinstance(found, Policy)  # whoever begins a trial has read it
    return found
