"""How much may go out: the number's rate, one person's, and how slow refusals make what nobody asked for."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.engine.pacing import Pacing
from bot.engine.pair_rate import BURST, EVERY_S, PairRate
from bot.engine.slowness import Slowness
from bot.sandbox.graph_api import Fault
from bot.store.embedded import embedded_valkey
from tests.pix_bank import NOON
from tests.sending import Sending, sending

ALWAYS = {1: True}
NEVER = {1: False}


@pytest.fixture(params=["valkey", "alone"])
async def redis(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Redis | None]:
    """The Valkey, or none: then a process paces itself by the same rules."""
    client = Redis.from_url(redis_url) if request.param == "valkey" else None
    yield client
    if client is not None:
        await client.aclose()


async def test_the_last_part_of_the_bucket_is_kept_for_answers(redis: Redis | None) -> None:
    pacing = Pacing(redis, number="1", per_second=10)
    answers, active = await pacing.take(0, 100, now=NOON)
    assert (answers, active) == (0, 8)
    answers, active = await pacing.take(100, 100, now=NOON)
    assert answers >= 2
    assert active == 0


async def test_answers_come_before_what_nobody_asked_for(redis: Redis | None) -> None:
    assert await Pacing(redis, number="1", per_second=10).take(7, 100, now=NOON) == (7, 1)


async def test_a_number_of_one_message_a_second_sends_reminders_too(redis: Redis | None) -> None:
    assert await Pacing(redis, number="1", per_second=1).take(0, 5, now=NOON) == (0, 1)


async def test_a_refusal_for_too_much_halves_the_rate_of_what_nobody_asked_for_and_time_brings_it_back(
    redis: Redis | None,
) -> None:
    pacing = Pacing(redis, number="1", per_second=100)
    await pacing.slow_down(NOON)
    await pacing.slow_down(NOON)  # refusals that come together are one
    assert (await pacing.take(0, 100, now=NOON))[1] == 50
    assert (await Pacing(redis, number="2", per_second=100).take(0, 100, now=NOON))[1] == 80
    pacing = Pacing(redis, number="1", per_second=100) if redis is not None else pacing  # another process knows it too
    assert (await pacing.take(100, 0, now=NOON))[0] >= 50  # answers have the whole rest


async def test_the_rate_of_what_nobody_asked_for_follows_the_numbers_quality(redis: Redis | None) -> None:
    assert await Pacing(redis, number="1", per_second=100).take(0, 100, now=NOON, share=0.5) == (0, 50)


async def test_what_is_held_stands_still(redis: Redis | None) -> None:
    pacing = Pacing(redis, number="1", per_second=10)
    pacing.hold_active(60)
    assert await pacing.take(1, 1, now=NOON) == (1, 0)
    pacing.hold(60)
    assert await pacing.take(1, 1, now=NOON) == (0, 0)


@given(st.lists(st.integers(0, 7200), min_size=1, max_size=30))
def test_however_refusals_come_something_goes_out_and_all_of_it_after_half_an_hour(seconds: list[int]) -> None:
    slowness = Slowness()
    for second in sorted(seconds):
        slowness = Slowness.read(slowness.after_refusal(NOON + timedelta(seconds=second)).written())
        assert 0 < slowness.share_at(NOON + timedelta(seconds=second)) <= 0.5 + 5 / 1800
    last = NOON + timedelta(seconds=max(seconds))
    assert slowness.share_at(last + timedelta(minutes=30)) == 1.0
    assert slowness.share_at(last + timedelta(minutes=5)) < 1.0


async def test_twenty_at_once_are_two_minutes_of_silence(redis: Redis | None) -> None:
    """Answers borrow from the future; what nobody asked for waits until everything is paid back."""
    pairs = PairRate(redis, number="1")
    for _ in range(20):
        assert await pairs.take(ALWAYS, now=NOON) == {}
    silence = timedelta(minutes=2)
    assert await pairs.take(NEVER, now=NOON) == {1: NOON + silence}
    assert await pairs.take(NEVER, now=NOON + silence - timedelta(seconds=1)) == {1: NOON + silence}
    assert await pairs.take(NEVER, now=NOON + silence) == {}
    assert await pairs.take(NEVER, now=NOON + silence) == {1: NOON + silence + timedelta(seconds=EVERY_S)}


async def test_forty_five_at_once_and_no_more_and_each_person_for_themselves(redis: Redis | None) -> None:
    pairs = PairRate(redis, number="1")
    for _ in range(BURST):
        assert await pairs.take(ALWAYS, now=NOON) == {}
    assert await pairs.take({1: True, 2: True}, now=NOON) == {1: NOON + timedelta(seconds=EVERY_S)}
    assert await pairs.take(ALWAYS, now=NOON + timedelta(seconds=EVERY_S)) == {}


async def test_several_processes_share_the_buckets(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    pacings = [Pacing(redis, number="1", per_second=40) for _ in range(4)]
    given = await asyncio.gather(*(pacing.take(20, 0, now=NOON) for pacing in pacings))
    assert 40 <= sum(answers for answers, _ in given) < 60
    for pacing in pacings:
        await pacing.pairs.take(ALWAYS, now=NOON)
    assert await pacings[0].pairs.take(NEVER, now=NOON) == {1: NOON + timedelta(seconds=4 * EVERY_S)}
    await redis.aclose()


async def test_a_redis_that_goes_away_is_asked_once_and_then_left_alone(tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path) as url:
        redis = Redis.from_url(url, socket_connect_timeout=1)
        pacing = Pacing(redis, number="1", per_second=10)
        assert await pacing.take(1, 0, now=NOON) == (1, 0)
    assert await pacing.take(20, 0, now=NOON) == (10, 0)
    assert await pacing.pairs.take(NEVER, now=NOON) == {}
    await pacing.slow_down(NOON)
    await redis.aclose()


@pytest.fixture
async def scene(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Sending]:
    """A company that sends, and nobody who works for it by themselves."""
    async with sending(database, redis_url, tmp_path) as scene:
        yield scene


async def test_the_stand_in_never_has_to_refuse_for_the_pair_rate(scene: Sending) -> None:
    """Sixty answers to one person: forty-five at once, then one in six seconds, in order and none lost."""
    [who] = await scene.somebody()
    rows = await scene.decides("reply", *[who] * 60)
    assert await scene.sends_all() == 45
    for _ in range(15):
        scene.clock.move(seconds=6)
        assert await scene.sends_all() == 1
    assert await scene.states(rows) == ["accepted"] * 60
    async with scene.parts.pool.acquire() as conn:
        assert await conn.fetchval("SELECT max(attempt) FROM outbox") == 1


async def test_a_reminder_waits_for_the_persons_room_and_an_answer_behind_it_does_not(scene: Sending) -> None:
    [who] = await scene.somebody()
    await scene.decides("reply", who)
    await scene.sends_all()
    reminder, answer = [(await scene.decides(purpose, who))[0] for purpose in ("reminder", "reply")]
    assert await scene.sends_all() == 1
    assert await scene.states([reminder, answer]) == ["pending", "accepted"]
    scene.clock.move(seconds=12)
    assert await scene.sends_all() == 1


@pytest.mark.parametrize("code", [130429, 80007, 4])
async def test_too_much_slows_reminders_down_and_the_same_goes_again(scene: Sending, code: int) -> None:
    [who, other] = await scene.somebody(2)
    [refused] = await scene.decides("reminder", who)
    scene.graph.next_posts(Fault(kind="error", code=code))
    await scene.sends()
    assert await scene.states([refused]) == ["pending"]
    await scene.decides("reminder", other)
    scene.clock.move(minutes=2)
    assert await scene.sends() == 0  # this process holds them back
    slow = Pacing(scene.parts.redis, number=scene.parts.settings.whatsapp.phone_number_id, per_second=1000)
    assert (await slow.take(0, 1000, now=scene.clock.now()))[1] <= 570  # and every other knows
    if code == 130429:
        await scene.decides("reply", other)
        assert await scene.sends() == 1  # the reminder in front of the answer goes with it
