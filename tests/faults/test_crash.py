"""The crash test: four processes, a thousand events, a tenth of them twice, and SIGKILLs at random moments.

What must hold afterwards: no event lost or doubled, the order of each customer kept, no reminder twice. The seed is
fixed; each line of the protocol that was taken out by hand made this test fail (see docs/protocol.md).
"""

import asyncio
import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from redis.asyncio import Redis

from bot.store import outbox
from bot.store.journal import first_break
from tests.faults.far_end import FarEnd, deliver
from tests.faults.storm import CUSTOMERS, SECRET, SEED, Company, at_rest, people, said, storm, time_passes
from tests.waiting import until

EVENTS_EACH = 20
KILLS = 12


async def _speak(company: Company, chance: random.Random) -> None:
    """Every customer says their sentences in order, a tenth of them twice."""

    async def customer(n: int) -> None:
        for k in range(EVENTS_EACH):
            body = said(n, k)
            await deliver(session, company.webhooks, body, SECRET.encode(), chance)
            if chance.random() < 0.1:
                await deliver(session, company.webhooks, body, SECRET.encode(), chance)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(customer(n) for n in range(1, CUSTOMERS + 1)))


async def _kill_at_random(company: Company, ports: list[int], conn: Any, redis: Redis, chance: random.Random) -> None:
    """Kill whenever another slice of the events has been decided, so that the storm does not depend on the machine's
    speed."""
    total = CUSTOMERS * EVENTS_EACH
    for step in range(1, KILLS + 1):
        await until(lambda: _decided(conn, total * step // (KILLS + 2)), at_most_s=60)  # noqa: B023  # awaited at once
        await company.kill(chance.choice(ports))
        await _silence_grows_long(conn, redis, [step % 5])


# The hour after which a silent person is asked once more is over: for a fifth of the customers, and in the end for all.
SILENCE_GROWS_LONG = """
WITH silent AS (
    UPDATE conversation SET heard_at = heard_at - interval '2 hours'
    WHERE  id IN (SELECT id FROM conversation WHERE id % 5 = any($1::int[]) AND heard_at > now() - interval '1 hour'
                  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING id
)
UPDATE timer SET fire_at = now() - interval '1 second' FROM silent WHERE silent.id = timer.conversation_id
"""


WAITED_LONG_ENOUGH = "UPDATE outbox SET not_before = '-infinity' WHERE state = 'pending' AND not_before > now()"


async def _silence_grows_long(conn: Any, redis: Redis, fifths: list[int]) -> None:
    """Two hours pass for these customers."""
    await conn.execute(SILENCE_GROWS_LONG, fifths)
    await _borrowed_is_paid_back(conn, redis)


async def _borrowed_is_paid_back(conn: Any, redis: Redis) -> None:
    """Minutes pass for the pair rate: a reminder does not borrow, and each of them has just got twenty answers."""
    await redis.flushall()
    await conn.execute(WAITED_LONG_ENOUGH)


async def _reminders(far_end: FarEnd, wanted: int, conn: Any, redis: Redis) -> bool:
    await time_passes(conn, far_end)  # else a reminder waits behind the answers of whoever died, and they were many
    await _borrowed_is_paid_back(conn, redis)
    return far_end.reminders >= wanted


async def _at_rest(conn: Any, redis: Redis, far_end: FarEnd) -> bool:
    await _borrowed_is_paid_back(conn, redis)
    return await at_rest(conn, far_end)


async def _all_are_silent(conn: Any, redis: Redis) -> bool:
    await _silence_grows_long(conn, redis, [0, 1, 2, 3, 4])
    return not await conn.fetchval("SELECT count(*) FROM conversation WHERE heard_at > now() - interval '1 hour'")


async def _decided(conn: Any, wanted: int) -> bool:
    return bool(await conn.fetchval("SELECT count(*) FROM inbox WHERE kind = 'message' AND state = 'done'") >= wanted)


async def test_a_storm_of_kills_loses_nothing_doubles_nothing_and_keeps_the_order(
    database: str, redis_url: str, tmp_path: Path, free_ports: list[int]
) -> None:
    """A thousand events through four processes that are killed over and over take effect once each, in order."""
    chance = random.Random(SEED)
    conn, redis = await asyncpg.connect(database), Redis.from_url(redis_url)
    await people(conn)
    async with storm(database, redis_url, tmp_path, free_ports) as (company, far_end):
        speaking = asyncio.create_task(_speak(company, chance))
        await _kill_at_random(company, free_ports[1:], await asyncpg.connect(database), redis, random.Random(SEED + 1))
        await speaking
        await until(lambda: _decided(conn, CUSTOMERS * EVENTS_EACH), at_most_s=60)
        already = far_end.reminders
        await until(lambda: _all_are_silent(conn, redis), at_most_s=30)
        await until(lambda: _reminders(far_end, already + 10, conn, redis), at_most_s=30)
        await asyncio.gather(*(company.kill(port) for port in free_ports[1:]))  # while reminders are on their way
        await until(lambda: _at_rest(conn, redis, far_end), at_most_s=60)
    await _nothing_lost_or_doubled(conn)
    await _order_kept(conn, far_end)
    await _said_once(conn, far_end)
    await _asked_once_into_each_silence(conn)
    await _no_reminder_would_be_repeated(conn)
    await _chain_holds(conn)
    await redis.aclose()
    await conn.close()


async def _nothing_lost_or_doubled(conn: Any) -> None:
    rows = await conn.fetch("SELECT dedupe_key, state FROM inbox WHERE kind = 'message'")
    assert {row["dedupe_key"] for row in rows} == {
        f"m:wamid.IN.{n}.{k}" for n in range(1, CUSTOMERS + 1) for k in range(EVENTS_EACH)
    }
    assert {row["state"] for row in rows} == {"done"}
    effects = await conn.fetch("SELECT inbox_id, count(*) AS times FROM journal WHERE kind = 'heard' GROUP BY inbox_id")
    assert len(effects) == len(rows)
    assert {row["times"] for row in effects} == {1}
    answers = await conn.fetchval("SELECT count(*) FROM outbox WHERE purpose = 'reply' AND kind = 'message'")
    assert answers == len(rows)


async def _order_kept(conn: Any, far_end: FarEnd) -> None:
    heard: dict[int, list[int]] = defaultdict(list)
    for row in await conn.fetch(
        "SELECT j.conversation_id, i.dedupe_key FROM journal j JOIN inbox i ON i.id = j.inbox_id"
        " WHERE j.kind = 'heard' ORDER BY j.conversation_id, j.n"
    ):
        heard[row["conversation_id"]].append(int(row["dedupe_key"].rsplit(".", 1)[1]))
    assert all(order == list(range(EVENTS_EACH)) for order in heard.values())
    repeated = {row["id"] for row in await conn.fetch("SELECT id FROM outbox WHERE ambiguous > 0")}
    for order in far_end.order.values():
        first_time = [outbox_id for outbox_id in order if outbox_id not in repeated]
        assert first_time == sorted(first_time)


async def _said_once(conn: Any, far_end: FarEnd) -> None:
    """Every answer arrived, and none twice: an echo tells of what a dead process had posted."""
    answers = {
        row["id"] for row in await conn.fetch("SELECT id FROM outbox WHERE kind = 'message' AND purpose = 'reply'")
    }
    reminders = {row["id"] for row in await conn.fetch("SELECT id FROM outbox WHERE purpose = 'reminder'")}
    assert answers <= set(far_end.posts)
    assert len(reminders & set(far_end.posts)) >= 10
    assert {len(posts) for posts in far_end.posts.values()} == {1}


async def _asked_once_into_each_silence(conn: Any) -> None:
    """Between two words of a person there is at most one reminder; into the last silence everybody got theirs."""
    asked: dict[int, int] = defaultdict(int)
    for row in await conn.fetch("SELECT conversation_id, kind, body FROM journal ORDER BY conversation_id, n"):
        if row["kind"] == "heard":
            asked[row["conversation_id"]] = 0
        elif row["kind"] == "said" and json.loads(row["body"])["purpose"] == "reminder":
            asked[row["conversation_id"]] += 1
            assert asked[row["conversation_id"]] == 1
    assert list(asked.values()) == [1] * CUSTOMERS


async def _no_reminder_would_be_repeated(conn: Any) -> None:
    """Some reminders were posted by processes that died before the answer: nobody knows, and they stay unknown."""
    unknown = "SELECT count(*) FROM outbox WHERE purpose = 'reminder' AND state = 'unknown'"
    before = await conn.fetchval(unknown)
    assert before > 0
    await conn.fetch(outbox.REPEAT_UNKNOWN_REPLIES, datetime.now(UTC) + timedelta(days=1))
    assert await conn.fetchval(unknown) == before


async def _chain_holds(conn: Any) -> None:
    """The proof of what was said is whole in every conversation."""
    for row in await conn.fetch("SELECT id FROM conversation"):
        assert await first_break(conn, row["id"]) is None
