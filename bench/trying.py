"""A policy tried on a hundred thousand debts of every age and size, with another in force beside it."""

import asyncio
import time

import asyncpg
import structlog

from bench import scene
from bot.clock import SystemClock
from bot.engine.trial_work import Trials
from bot.parts import Parts, open_parts
from bot.settings import read_settings
from bot.store import policy_trials, users

DEBTS = 100_000
# As a portfolio is: some not due yet, most late by days to a year, from fifty reais to five thousand.
_SPREAD = """
UPDATE debt SET due_on = current_date - (id % 400)::int + 30, principal_cents = 5000 + (id * 7919) % 495000,
                open_principal_cents = 5000 + (id * 7919) % 495000
"""


async def measure(environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds of a whole trial, and those of reading the debts it weighs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    conn = await asyncpg.connect(environment["ACERTO_DATABASE_URL"])
    await conn.execute(_SPREAD)
    await conn.execute("VACUUM ANALYZE debt")
    await conn.close()
    source = scene.POLICY.read_bytes()
    other = source.replace(b"principal: 10.00", b"principal: 15.00")
    async with open_parts(read_settings(environment, serving=True), SystemClock()) as parts:
        started, last = time.perf_counter(), 0
        async with parts.pool.acquire() as reading:
            while found := await policy_trials.some(reading, after=last, limit=1000):
                last = found[-1][1].id
        floor_s = time.perf_counter() - started
        trials = Trials(parts)
        started = time.perf_counter()
        trial_id, digest = await _begun(parts)
        today = parts.clock.now().astimezone(parts.settings.timezone).date()
        trials.begin(trial_id, policy=other, current=source, on=today, debts=None, count=DEBTS)
        while True:
            await asyncio.sleep(0.05)
            async with parts.pool.acquire() as looking:
                trial = await policy_trials.newest(looking, digest)
            if trial is not None and trial.result is not None:
                assert trial.result.debts == DEBTS, trial.result.debts
                return time.perf_counter() - started, floor_s


async def _begun(parts: Parts) -> tuple[int, str]:
    """A row for the trial; which policy it names does not matter to what is measured."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        by_id = await users.add(conn, name="Bia", role="finance", password_hash=None, now=now)
        digest = await conn.fetchval("SELECT digest FROM policy")
        trial_id = await policy_trials.begin(
            conn,
            digest=digest,
            against=digest,
            by_id=by_id or 1,
            of_file=False,
            on_day=now.date(),
            debts=DEBTS,
            now=now,
        )
    return trial_id, digest
