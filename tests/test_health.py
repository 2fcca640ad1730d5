"""For those who watch: alive, ready, and how much is waiting, without a word of anybody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.engine.metrics import REGISTRY
from bot.sandbox.people import PEOPLE
from tests.desk import Company, company
from tests.town import town


@pytest.fixture
async def office(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with company(database, redis_url, tmp_path) as found:
        yield found


async def test_a_process_that_answers_is_alive_even_without_its_database(office: Company) -> None:
    await office.parts.pool.close()
    assert await office.visitor().text("/healthz") == "ok\n"


async def test_with_a_database_of_this_version_it_is_ready_policy_or_not(office: Company) -> None:
    answer = await office.visitor().get("/readyz")
    assert answer.status == 200
    assert await answer.json() == {
        "database": True,
        "migrations": True,
        "policy_in_force": None,
        "policy_troubles": [],
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM schema_migration", None),
        ("UPDATE schema_migration SET digest = 'other'", "was changed after it was applied"),
        ("INSERT INTO schema_migration VALUES (999, '0999_later.sql', 'x')", "newer version"),
        ("DROP TABLE schema_migration", None),
    ],
    ids=["older", "changed", "newer", "empty"],
)
async def test_a_database_of_another_version_is_not_ready_and_says_what_to_do(
    office: Company, change: str, told: str | None
) -> None:
    await office.ask(change)
    answer = await office.visitor().get("/readyz")
    assert answer.status == 503
    state = await answer.json()
    assert (state["database"], state["migrations"]) == (True, False)
    assert told is None or told in state["remedy"]


async def test_without_its_database_it_is_not_ready(office: Company) -> None:
    await office.parts.pool.close()
    answer = await office.visitor().get("/readyz")
    assert answer.status == 503
    assert (await answer.json())["database"] is False


async def measured(office: Company) -> dict[str, float]:
    """What Prometheus reads, by name and label."""
    text = await office.visitor().text("/metrics")
    return {
        "".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_what_waits_is_counted_at_the_moment_of_asking(office: Company) -> None:
    ticket = await office.ticket()
    await office.ask(
        "INSERT INTO inbox (source, dedupe_key, kind, conversation_id, raw, received_at, state)"
        " SELECT 'whatsapp', 'k' || n, 'message', $1, '', now(), CASE WHEN n > 3 THEN 'parked' ELSE 'open' END"
        " FROM generate_series(1, 5) AS n",
        ticket,
    )
    await office.ask(
        "INSERT INTO outbox (conversation_id, decision_key, kind, purpose, body, epoch, state, created_at)"
        " VALUES ($1, 'd1', 'message', 'reply', '{}', 0, 'unknown', now()),"
        " ($1, 'd2', 'charge', 'engine', '{}', 0, 'pending', now()),"
        " ($1, 'd3', 'message', 'reply', '{}', 0, 'accepted', now())",
        ticket,
    )
    figures = await measured(office)
    expected = {
        "acerto_inbox_openmessage": 3,
        "acerto_inbox_parkedwhatsapp": 2,
        "acerto_outboxunknown": 1,
        "acerto_outboxpending": 1,
        "acerto_outboxsending": 0,
        "acerto_ticketsopen": 1,
        "acerto_ticketsclaimed": 0,
        "acerto_database_up": 1,
    }
    assert {name: figures[name] for name in expected} == expected
    await office.ask("UPDATE inbox SET state = 'done'")
    assert (await measured(office))["acerto_inbox_openmessage"] == 0  # and not what it was before


async def test_the_figures_tell_of_no_person(office: Company) -> None:
    await office.ticket()
    text = await office.visitor().text("/metrics")
    for secret in ("Maria", "52998224725", "5511900000001", "preciso de ajuda"):
        assert secret not in text


async def test_a_database_that_is_away_is_a_figure_too(office: Company) -> None:
    await office.parts.pool.close()
    assert (await measured(office))["acerto_database_up"] == 0


async def test_turns_and_sends_leave_their_durations(database: str, redis_url: str, tmp_path: Path) -> None:
    async with town(database, redis_url, tmp_path) as found:
        before = REGISTRY.get_sample_value("acerto_sends_total", {"outcome": "accepted"}) or 0
        turns = REGISTRY.get_sample_value("acerto_turns_total") or 0
        await found.phone(PEOPLE[0]).says("oi")
        assert (REGISTRY.get_sample_value("acerto_turns_total") or 0) > turns
        assert (REGISTRY.get_sample_value("acerto_sends_total", {"outcome": "accepted"}) or 0) > before
        assert (REGISTRY.get_sample_value("acerto_send_seconds_count") or 0) > 0
