"""The channel: what WhatsApp says of number and account, its daily limit, and the stop in the hands of people."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli.main import acerto
from bot.engine import channel_state, claim
from bot.engine.channel_state import limit_of, until_of
from bot.engine.taking_in import arrivals_of
from bot.sandbox.graph_api import Fault
from bot.store import channel, timers
from bot.store.channel import ChannelState
from tests.pix_bank import NOON
from tests.sending import Sending, sending
from tests.whatsapp_bodies import body

LIMITS = [
    ("TIER_50", 50), ("TIER_250", 250), ("TIER_1K", 1000), ("TIER_2K", 2000), ("TIER_100K", 100_000), (2000, 2000),
    ("2000", 2000), ("TIER_UNLIMITED", 0), (-1, 0), ("-1", 0), (None, None), ("TIER_", None), ("TIER_0", None),
    (0, None), (True, None), (1.5, None), ("TIER_99999999K", None), ([], None), ({}, None), ("tier_2k", None),
]  # fmt: skip
ENDS = [
    (1764615600, datetime(2025, 12, 1, 19, tzinfo=UTC)),
    ("1764615600", datetime(2025, 12, 1, 19, tzinfo=UTC)),
    ("2026-12-02T12:00:00-0300", datetime(2026, 12, 2, 15, tzinfo=UTC)),
    ("2026-12-02", datetime(2026, 12, 2, tzinfo=UTC)),
    ("soon", None), (None, None), ({}, None), (-5, None),
]  # fmt: skip
LATER = int((NOON + timedelta(days=3)).timestamp())
STOPPED = [
    ("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": [
        {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": LATER}]}),
    ("account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}),
    ("account_update", {"event": "ACCOUNT_DELETED"}),
]  # fmt: skip
HARMLESS = [
    ("account_update", {"event": "ACCOUNT_RESTRICTION"}),
    ("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": [
        {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION", "expiration": LATER}]}),
    ("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": [
        {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1764615600}]}),  # over already
    ("account_update", {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SCAM"}}),
    ("account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}}),
    ("account_update", {"event": 7, "ban_info": [], "restriction_info": "x"}),
    ("phone_number_quality_update", {"event": None, "max_daily_conversations_per_business": []}),
    ("business_capability_update", {}),
]  # fmt: skip


@pytest.fixture
async def scene(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Sending]:
    """A company that sends, and nobody who works for it by themselves."""
    async with sending(database, redis_url, tmp_path) as scene:
        ingest = asyncio.create_task(scene.parts.ingest.run())
        yield scene
        ingest.cancel()


async def told(scene: Sending, field: str, value: dict[str, Any], at: datetime | None = None) -> None:
    """A webhook of this field arrives, twice, and is applied."""
    scene.clock.move(seconds=1)
    arrivals = arrivals_of(scene.parts, body(value, field=field))
    await scene.parts.ingest.put(arrivals)
    await scene.parts.ingest.put(arrivals)
    assert await channel_state.apply_once(scene.parts) == 1
    assert await channel_state.apply_once(scene.parts) == 0


async def state(scene: Sending) -> ChannelState:
    async with scene.parts.pool.acquire() as conn:
        return await channel.state(conn)


async def kinds(scene: Sending) -> list[str]:
    """The channel's history, oldest first."""
    async with scene.parts.pool.acquire() as conn:
        return [event.kind for event in reversed(await channel.history(conn))]


@pytest.mark.parametrize(("written", "people_a_day"), LIMITS)
def test_a_limit_is_read_however_it_is_written(written: object, people_a_day: int | None) -> None:
    assert limit_of(written) == people_a_day


@pytest.mark.parametrize(("written", "until"), ENDS)
def test_the_end_of_a_restriction_is_read_however_it_is_written(written: object, until: datetime | None) -> None:
    assert until_of(written) == until


async def test_the_limit_is_corrected_by_either_webhook(scene: Sending) -> None:
    await told(scene, "business_capability_update", {"max_daily_conversations_per_business": 2000})
    assert (await state(scene)).daily_limit == 2000
    await told(scene, "phone_number_quality_update", {
        "event": "UPGRADE", "max_daily_conversations_per_business": "TIER_UNLIMITED"})  # fmt: skip
    assert (await state(scene)).daily_limit == 0
    assert await kinds(scene) == ["limit", "limit"]


async def test_late_news_do_not_undo_newer_ones(scene: Sending) -> None:
    async with scene.parts.pool.acquire() as conn:
        assert await channel.set_limit(conn, people_a_day=2000, told_at=NOON, now=NOON)
        assert not await channel.set_limit(conn, people_a_day=250, told_at=NOON - timedelta(hours=1), now=NOON)
        assert await channel.set_quality(conn, quality="RED", told_at=NOON, now=NOON)
        assert not await channel.set_quality(conn, quality="GREEN", told_at=NOON - timedelta(hours=1), now=NOON)
    assert ((await state(scene)).daily_limit, (await state(scene)).quality) == (2000, "RED")


async def test_a_red_number_sends_reminders_at_half_its_rate_until_it_is_green(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with sending(database, redis_url, tmp_path, ACERTO_WHATSAPP_RATE="40") as scene:
        await scene.decides("reminder", *await scene.somebody(80))
        async with scene.parts.pool.acquire() as conn:
            await channel.set_quality(conn, quality="RED", told_at=NOON, now=NOON)
        assert 20 <= await scene.sends() <= 21


@pytest.mark.parametrize(("field", "value"), STOPPED)
async def test_a_restriction_stops_what_nobody_asked_for_and_answers_go_on(
    scene: Sending, field: str, value: dict[str, Any]
) -> None:
    await told(scene, field, value)
    await scene.decides("reminder", *await scene.somebody(3))
    await scene.decides("reply", *await scene.somebody(2))
    assert await scene.sends_all() == 2
    assert await scene.left() == {("reminder", "pending"): 3, ("reply", "accepted"): 2}
    scene.clock.move(days=3)
    assert await scene.sends_all() == (3 if "restriction_info" in value else 0)


@pytest.mark.parametrize(("field", "value"), HARMLESS)
async def test_warnings_and_nonsense_stop_nothing(scene: Sending, field: str, value: dict[str, Any]) -> None:
    await told(scene, field, value)
    assert (await state(scene)).flows(scene.clock.now())
    assert set(await kinds(scene)) <= {"news"}


async def test_a_reinstated_account_goes_on_and_a_persons_pause_stays(scene: Sending) -> None:
    await told(scene, "account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}})
    async with scene.parts.pool.acquire() as conn:
        await channel.pause(conn, by="Clara", reason=None, now=NOON)
    await told(scene, "account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}})
    found = await state(scene)
    assert (found.restricted_until, found.paused_by, found.flows(NOON)) == (None, "Clara", False)
    assert await kinds(scene) == ["restricted", "paused", "freed"]


@pytest.mark.parametrize("code", sorted(channel_state.STOPS - {368, 131031, 130497, 131042}))
async def test_a_refusal_for_spam_stops_reminders_until_a_person_says_go_and_loses_none(
    scene: Sending, code: int
) -> None:
    who = await scene.somebody(2)
    rows = await scene.decides("reminder", *who)
    scene.graph.next_posts(Fault(kind="error", code=code), Fault(kind="error", code=code))
    await scene.sends()
    assert await scene.states(rows) == ["pending", "pending"]
    await scene.decides("reply", *await scene.somebody(2))
    assert await scene.sends_all() == 2
    async with scene.parts.pool.acquire() as conn:
        assert await channel.resume(conn, by="Clara", now=scene.clock.now())
    scene.clock.move(seconds=6)
    assert await scene.sends_all() == 2
    assert await kinds(scene) == ["restricted", "resumed"]


async def test_a_day_has_room_for_so_many_people_and_answers_need_none(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """Unique people in a moving day: the same person again, and a person inside their window, do not count."""
    async with sending(database, redis_url, tmp_path, ACERTO_WHATSAPP_DAILY_LIMIT="5") as scene:
        who = await scene.somebody(9)
        await scene.decides("reminder", *who)
        assert await scene.sends_all() == 5
        inside = await scene.somebody(3, heard_at=scene.clock.now())
        await scene.decides("reminder", *inside, who[0])
        await scene.decides("receipt", who[8])
        scene.clock.move(minutes=1)
        assert await scene.sends_all() == 5
        assert (await scene.left())["reminder", "pending"] == 4
        scene.clock.move(hours=23, minutes=49)
        assert await scene.sends_all() == 1  # who got a receipt counts already
        scene.clock.move(minutes=10)  # the day of the first is over; who was written to later keeps their place
        assert await scene.sends_all() == 3


async def test_senders_that_claim_at_once_do_not_go_above_the_day(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """Four of them, each in another part of the queue: none sees what the others have not committed yet."""
    async with sending(database, redis_url, tmp_path, ACERTO_WHATSAPP_DAILY_LIMIT="60") as scene:
        who = await scene.somebody(200)
        await scene.decides("reminder", *who)
        parts_of_it = [{2: who[n] - 1} for n in (0, 50, 100, 150)]
        takes = [claim.take(scene.parts, reached, answers=0, active=48) for reached in parts_of_it]
        assert sum(len(taken.ready) for taken in await asyncio.gather(*takes)) == 60


async def test_a_pause_holds_loses_nothing_and_tells_who_did_it(scene: Sending) -> None:
    await scene.decides("reminder", *await scene.somebody(3))
    await scene.decides("campaign", *await scene.somebody(3))
    [mixed] = await scene.somebody()
    behind = [(await scene.decides(purpose, mixed))[0] for purpose in ("reminder", "reply")]
    async with scene.parts.pool.acquire() as conn:
        assert await channel.pause(conn, by="Clara", reason="queixas", now=NOON)
        assert not await channel.pause(conn, by="Otávio", reason=None, now=NOON)
    assert await scene.sends_all() == 1
    assert await scene.states(behind) == ["pending", "accepted"]
    async with scene.parts.pool.acquire() as conn:
        assert ((found := await channel.state(conn)).paused_by, found.reason) == ("Clara", "queixas")
        assert await channel.resume(conn, by="Otávio", now=NOON)
        assert not await channel.resume(conn, by="Otávio", now=NOON)
        [last, first] = await channel.history(conn)
    assert (first.kind, first.by, first.about) == ("paused", "Clara", "queixas")
    assert (last.kind, last.by, last.about) == ("resumed", "Otávio", None)
    scene.clock.move(seconds=6)
    assert await scene.sends_all() == 7


async def test_while_paused_the_ladders_timers_stay_due_and_the_others_fire(scene: Sending) -> None:
    who = await scene.somebody(3)
    async with scene.parts.pool.acquire() as conn:
        for key in ("ladder", "nudge"):
            rows = [timers.Setting(key=f"{key}:{c}", conversation_id=c, event="{}", fire_at=NOON) for c in who]
            await timers.set_all(conn, rows)
        await channel.pause(conn, by="Clara", reason=None, now=NOON)
        assert [await timers.fire(conn, NOON) for _ in range(2)] == [3, 0]
        assert await conn.fetchval("SELECT count(*) FROM timer WHERE key LIKE 'ladder:%'") == 3
        await channel.resume(conn, by="Clara", now=NOON)
        assert await timers.fire(conn, NOON) == 3


def test_the_command_line_stops_and_lets_go(database: str, tmp_path: Path) -> None:
    environment = {"ACERTO_HOME": str(tmp_path), "ACERTO_DATABASE_URL": database}

    def run(*words: str) -> str:
        result = CliRunner(env=environment).invoke(acerto, words)
        assert result.exit_code == 0, result.output
        return result.output

    assert run("resume") == "Nothing was stopped.\n"
    assert run("pause", "--reason", "queixas", "--by", "Clara").startswith("Stopped: ")
    assert run("pause").startswith("Stopped already, by Clara at ")
    assert run("resume") == "Reminders and campaigns go on.\n"
    assert CliRunner(env=environment).invoke(acerto, ["pause", "--reason", "a\x07b"]).exit_code == 2
