"""Who goes first: an answer before everything that nobody asked for, whatever there is of that."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.engine import claim
from bot.sandbox.graph_api import Fault
from bot.store import conversations, inbox, timers
from bot.store.conversations import START
from tests.sending import Sending, sending

LANES = [
    ("agent", 0), ("agreement", 0), ("reply", 0), ("receipt", 1),
    ("reminder", 2), ("first_contact", 2), ("campaign", 3),
]  # fmt: skip


@pytest.fixture
async def scene(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Sending]:
    """A company that sends, and nobody who works for it by themselves."""
    async with sending(database, redis_url, tmp_path) as scene:
        yield scene


async def test_each_purpose_has_its_lane(scene: Sending) -> None:
    who = await scene.somebody(len(LANES))
    for conversation_id, (purpose, _) in zip(who, LANES, strict=True):
        await scene.decides(purpose, conversation_id)
    async with scene.parts.pool.acquire() as conn:
        rows = await conn.fetch("SELECT purpose, lane FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == LANES


async def test_with_two_thousand_reminders_waiting_an_answer_is_in_the_next_batch(scene: Sending) -> None:
    await scene.decides("reminder", *await scene.somebody(2000))
    [later] = await scene.somebody()
    await scene.sends()
    [answer] = await scene.decides("reply", later)
    taken = await claim.take(scene.parts, {2: 1000}, answers=48, active=48)
    assert answer in {ready.head.id for ready in taken.ready}
    assert len(taken.ready) == 48  # and the room that is left is used


async def test_lanes_are_emptied_in_their_order(scene: Sending) -> None:
    for purpose in ("campaign", "reminder", "receipt", "reply"):
        await scene.decides(purpose, *await scene.somebody(48))
    for purpose in ("reply", "receipt", "reminder", "campaign"):
        assert await scene.sends() == 48
        assert (await scene.left())[purpose, "accepted"] == 48


async def test_a_reminder_with_an_answer_behind_it_goes_in_the_answers_lane_and_first(scene: Sending) -> None:
    """What was said in an order is heard in it."""
    await scene.decides("reminder", *await scene.somebody(100))
    [mixed] = await scene.somebody()
    reminder, answer = [(await scene.decides(purpose, mixed))[0] for purpose in ("reminder", "reply")]
    await scene.sends()
    assert await scene.states([reminder, answer]) == ["accepted", "pending"]
    await scene.sends()
    assert await scene.states([reminder, answer]) == ["accepted", "accepted"]


async def test_places_in_flight_are_kept_for_answers(scene: Sending) -> None:
    """Where reminders may take none, they are not even looked at."""
    who = await scene.somebody(10)
    await scene.decides("reminder", *who[:5])
    await scene.decides("reply", *who[5:])
    taken = await claim.take(scene.parts, {}, answers=48, active=0)
    assert [ready.head.purpose for ready in taken.ready] == ["reply"] * 5


async def test_a_lane_goes_on_where_it_stopped_and_begins_anew(scene: Sending) -> None:
    """A refusal that lets a person wait does not keep the batch from those behind."""
    first = await scene.somebody(50)
    await scene.decides("reply", *first)
    reached: dict[int, int] = {}
    taken = await claim.take(scene.parts, reached, answers=48, active=48)
    assert (len(taken.ready), taken.more, reached[0]) == (48, True, first[47])
    taken = await claim.take(scene.parts, reached, answers=48, active=48)
    assert (len(taken.ready), taken.more, reached[0]) == (2, False, 0)


async def test_while_something_is_in_flight_nothing_else_of_that_person_moves(scene: Sending) -> None:
    [who] = await scene.somebody()
    await scene.decides("reminder", who)
    assert len((await claim.take(scene.parts, {}, answers=48, active=48)).ready) == 1
    await scene.decides("reply", who)
    assert (await claim.take(scene.parts, {}, answers=48, active=48)).ready == []


async def test_who_writes_is_decided_before_what_timers_brought(scene: Sending) -> None:
    who = await scene.somebody(200)
    due = scene.clock.now() - timedelta(hours=1)
    async with scene.parts.pool.acquire() as conn:
        rows = [timers.Setting(key=f"ladder:{c}", conversation_id=c, event="{}", fire_at=due) for c in who[:-1]]
        await timers.set_all(conn, rows)
        await timers.fire(conn, scene.clock.now())
        await inbox.put_raw_event(
            conn, source="desk", dedupe_key="a", conversation_id=who[-1], raw=b"{}", now=scene.clock.now()
        )
        ids, reached = await conversations.waiting(conn, after=START, limit=64, timers=32)
        assert (len(ids), who[-1] in ids, reached.said) == (9, True, 0)
        seen = set(ids)
        while reached:
            ids, reached = await conversations.waiting(conn, after=reached, limit=64, timers=32)
            seen |= set(ids)
    assert seen == set(who)


async def test_timers_fire_no_faster_than_they_are_decided_and_the_ladders_come_last(scene: Sending) -> None:
    who = await scene.somebody(1200)
    now = scene.clock.now()
    async with scene.parts.pool.acquire() as conn:
        long_due = now - timedelta(hours=1)
        rows = [timers.Setting(key=f"ladder:{c}", conversation_id=c, event="{}", fire_at=long_due) for c in who]
        rows += [timers.Setting(key=f"nudge:{c}:0", conversation_id=c, event="{}", fire_at=now) for c in who[:20]]
        await timers.set_all(conn, rows)
        assert await timers.fire(conn, now) == 500
        assert await conn.fetchval("SELECT count(*) FROM timer WHERE key LIKE 'nudge:%'") == 0
        assert [await timers.fire(conn, now) for _ in range(2)] == [12, 0]
        await conn.execute("UPDATE inbox SET state = 'done'")
        assert await timers.fire(conn, now) == 500


async def test_one_who_is_refused_for_their_own_pair_rate_delays_nobody_else(scene: Sending) -> None:
    """131056 is about one person: 1 s, then 4, then 16."""
    one, other = await scene.somebody(2)
    [refused] = await scene.decides("reply", one)
    scene.graph.next_posts(Fault(kind="error", code=131056))
    await scene.sends()
    await scene.decides("reply", other)
    assert await scene.sends() == 1
    assert await scene.states([refused]) == ["pending"]
    scene.clock.move(seconds=1)
    await scene.sends()
    assert await scene.states([refused]) == ["accepted"]
    told = "SELECT coalesce(reason, error_code::text) FROM outbox WHERE id = $1"
    async with scene.parts.pool.acquire() as conn:
        assert await conn.fetchval(told, refused) is None  # of what was taken no refusal is told any more
