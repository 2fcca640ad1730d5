"""The kill switch in the middle of a campaign: from its commit on nothing leaves that nobody asked for, and nothing is
lost."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.clock import seconds
from bot.engine import sender
from bot.engine.sender import Sender
from bot.store import channel
from tests.sending import Sending, sending
from tests.waiting import until

REMINDERS = 1500
WITHIN_S = 2.0
IN_FLIGHT = "SELECT count(*) FROM outbox WHERE state = 'sending'"


@asynccontextmanager
async def two_senders(scene: Sending) -> AsyncIterator[None]:
    """Two senders at work, as in two processes."""
    stop = asyncio.Event()
    running = [asyncio.create_task(Sender(scene.parts).run(stop)) for _ in range(2)]
    yield
    stop.set()
    scene.parts.wake.sends()
    await asyncio.gather(*running)


async def _paused(scene: Sending) -> None:
    async with scene.parts.pool.acquire() as conn:
        assert await channel.pause(conn, by="Clara", reason="queixas", now=scene.clock.now())


async def _resumed(scene: Sending) -> None:
    async with scene.parts.pool.acquire() as conn:
        assert await channel.resume(conn, by="Clara", now=scene.clock.now())
    scene.parts.wake.sends()


async def _nothing_in_flight(scene: Sending) -> bool:
    async with scene.parts.pool.acquire() as conn:
        return not await conn.fetchval(IN_FLIGHT)


async def test_a_campaign_is_stopped_within_two_seconds_answers_go_on_and_nothing_is_lost(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with sending(database, redis_url, tmp_path) as scene:
        await scene.decides("reminder", *await scene.somebody(REMINDERS))
        async with two_senders(scene):
            await until(lambda: scene.graph.posts >= 100)
            await _paused(scene)
            committed = seconds()
            await until(lambda: _nothing_in_flight(scene))
            assert seconds() - committed < WITHIN_S
            posted = scene.graph.posts
            assert posted < REMINDERS
            answers = await scene.decides("reply", *await scene.somebody(100))
            scene.parts.wake.sends()
            await until(lambda: _accepted(scene, answers))
            assert scene.graph.posts == posted + 100  # the senders looked again and again, and took answers alone
            await _resumed(scene)
            await until(lambda: scene.graph.posts == REMINDERS + 100)
        assert await scene.left() == {("reminder", "accepted"): REMINDERS, ("reply", "accepted"): 100}


async def _accepted(scene: Sending, rows: list[int]) -> bool:
    return set(await scene.states(rows)) == {"accepted"}


async def test_however_often_it_is_stopped_and_started_each_message_leaves_once(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """The switch is thrown at random moments while two senders work: no reminder twice, none lost."""
    chance = random.Random(20261123)  # a seeded order, no secret
    async with sending(database, redis_url, tmp_path) as scene:
        await scene.decides("reminder", *await scene.somebody(400))
        for _ in range(12):
            rounds = [sender.send_once(scene.parts) for _ in range(2)]
            switch = [_paused(scene)] if chance.random() < 0.7 else []
            works = [*rounds, *switch]
            chance.shuffle(works)
            await asyncio.gather(*works)
            before = scene.graph.posts
            if switch:
                assert await sender.send_once(scene.parts) == 0
                assert scene.graph.posts == before
                await _resumed(scene)
        await scene.sends_all()
        assert scene.graph.posts == 400
        async with scene.parts.pool.acquire() as conn:
            assert await conn.fetchval("SELECT max(attempt) FROM outbox") == 1
