"""The last look: what changed between the decision and the sending of a reminder is seen before it leaves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.people import ANA
from tests.ladder_town import ladder_town, owing, walks_to
from tests.town import Town

CHANGES = {
    "wants no more messages": ("UPDATE customer SET opted_out_at = now()", "silent"),
    "people have it": (
        "INSERT INTO ticket (conversation_id, customer_id, reason, queue, opened_at)"
        " SELECT id, customer_id, 'dispute', 'atendimento', now() FROM conversation",
        "silent",
    ),
    "a day was promised": ("UPDATE debt SET promised_until = '2026-12-09'", "promised"),
    "a part was paid": ("UPDATE debt SET open_principal_cents = open_principal_cents - 1", "amount_changed"),
}


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with ladder_town(database, redis_url, tmp_path, people=(owing(ANA, 7),)) as running:
        yield running


@pytest.mark.parametrize("why", CHANGES)
async def test_a_reminder_that_waits_to_leave_does_not_leave_when_it_may_not_any_more(place: Town, why: str) -> None:
    statement, reason = CHANGES[why]
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await place.ask("UPDATE conversation SET send_after = '2026-12-05 11:00-03'")
    await walks_to(place, 2026, 12, 5)
    assert await place.ask("SELECT count(*) FROM outbox WHERE purpose = 'reminder' AND state = 'pending'") == 1
    await place.ask(statement)
    heard = len(phone.heard)
    await walks_to(place, 2026, 12, 5, 11)
    assert len(phone.heard) == heard
    assert await place.ask("SELECT min(reason) FROM outbox WHERE purpose = 'reminder'") == reason
