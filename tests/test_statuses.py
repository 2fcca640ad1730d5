"""What became of messages: a lattice that only rises, whatever order statuses come in."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.engine import statuses
from bot.engine.opaque import opaque, outbox_id_of
from bot.parts import Parts, open_parts
from bot.settings import read_settings
from bot.store import channel
from bot.store.inbox import Arrival
from bot.whatsapp import inbound
from tests.pix_bank import HandClock
from tests.test_settings import COMPLETE
from tests.whatsapp_bodies import body

ORDERS = list(itertools.permutations(["sent", "delivered", "read"]))


@pytest.fixture
async def parts(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    """A company with one conversation and nobody working for it."""
    environment = {
        **COMPLETE,
        "ACERTO_HOME": str(tmp_path),
        "ACERTO_DATABASE_URL": database,
        "ACERTO_REDIS_URL": redis_url,
    }
    async with open_parts(read_settings(environment, serving=True), HandClock()) as parts:
        ingest = asyncio.create_task(parts.ingest.run())
        yield parts
        ingest.cancel()


async def posted(parts: Parts, state: str, wamid: str | None = None) -> int:
    """Return a message that was posted, in a state."""
    async with parts.pool.acquire() as conn:
        conversation = await conn.fetchval(
            "INSERT INTO conversation (address, created_at) VALUES ('5511987654321', now()) RETURNING id"
        )
        return int(
            await conn.fetchval(
                "INSERT INTO outbox (conversation_id, decision_key, kind, purpose, body, epoch, state, attempt, wamid,"
                " lease_until, created_at)"
                " VALUES ($1, 't1.1', 'message', 'reply', '{}', 0, $2, 1, $3, now(), now()) RETURNING id",
                conversation, state, wamid,
            )
        )  # fmt: skip


async def told(parts: Parts, outbox_id: int | None, *names: str, wamid: str = "wamid.X", **more: object) -> None:
    """Let statuses arrive, one webhook each, and be applied one by one."""
    echo = {"biz_opaque_callback_data": opaque(parts.mac_key, outbox_id=outbox_id, attempt=1)} if outbox_id else {}
    for name in names:
        at = str(int(parts.clock.now().timestamp()))
        raw = body(
            {
                "statuses": [
                    {"id": wamid, "status": name, "timestamp": at, "recipient_id": "5511987654321", **echo, **more}
                ]
            }
        )
        items = inbound.items(raw)
        assert isinstance(items, list)
        await parts.ingest.put(
            [
                Arrival(
                    source="whatsapp", dedupe_key=i.dedupe_key, kind="status", raw=i.raw, received_at=parts.clock.now()
                )
                for i in items
            ]
        )
        assert await statuses.apply_once(parts) == 1


async def row(parts: Parts, outbox_id: int) -> tuple[str, str | None, str | None]:
    """Return state, delivery status and wamid of a message."""
    async with parts.pool.acquire() as conn:
        found = await conn.fetchrow("SELECT state, status, wamid FROM outbox WHERE id = $1", outbox_id)
    assert found is not None
    return found["state"], found["status"], found["wamid"]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_in_whatever_order_they_come_the_highest_stays(parts: Parts, order: tuple[str, ...]) -> None:
    """Read is never taken back."""
    message = await posted(parts, "accepted", "wamid.X")
    await told(parts, message, *order)
    assert await row(parts, message) == ("accepted", "read", "wamid.X")


@pytest.mark.parametrize("state", ["sending", "unknown", "pending"])
async def test_an_echo_tells_of_a_post_whose_fate_was_unknown(parts: Parts, state: str) -> None:
    """Also before the answer to the post itself, and before a second try that is not needed any more."""
    message = await posted(parts, state)
    await told(parts, message, "sent")
    assert await row(parts, message) == ("accepted", "sent", "wamid.X")


async def test_without_an_echo_the_message_is_known_by_its_wamid(parts: Parts) -> None:
    """Templates that others sent, or a relay that drops the echo."""
    message = await posted(parts, "accepted", "wamid.X")
    await told(parts, None, "delivered")
    assert await row(parts, message) == ("accepted", "delivered", "wamid.X")


async def test_a_failure_that_speaks_of_a_restriction_stops_what_nobody_asked_for(parts: Parts) -> None:
    """131048 may come by webhook too."""
    message = await posted(parts, "accepted", "wamid.X")
    await told(parts, message, "failed", errors=[{"code": 131048, "title": "Spam rate limit hit"}])
    async with parts.pool.acquire() as conn:
        assert not (await channel.state(conn)).flows(parts.clock.now())


async def test_a_failure_is_an_event_and_a_late_one_of_a_delivered_message_is_not(parts: Parts) -> None:
    """Whoever decides hears of it once."""
    message = await posted(parts, "accepted", "wamid.X")
    await told(parts, message, "failed", errors=[{"code": 131026, "title": "Message undeliverable"}])
    assert await row(parts, message) == ("failed", "failed", "wamid.X")
    async with parts.pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM inbox WHERE kind = 'event'") == 1
        await conn.execute("UPDATE outbox SET state = 'accepted', status = 'read'")
        await conn.execute("DELETE FROM inbox")
    await told(parts, message, "failed")
    assert await row(parts, message) == ("accepted", "read", "wamid.X")
    async with parts.pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM inbox WHERE kind = 'event'") == 0


async def test_statuses_of_messages_that_are_not_ours_change_nothing(parts: Parts) -> None:
    """An echo with a wrong MAC, and an unknown wamid."""
    message = await posted(parts, "sending")
    await told(parts, None, "read", wamid="wamid.other", biz_opaque_callback_data=f"a1.{message}.1.{'0' * 32}")
    assert await row(parts, message) == ("sending", None, None)


@pytest.mark.parametrize(
    "text", [None, "", "a1", "a1.1.1", "a1.x.1.y", "b1.1.1.ff", "a1.1.1.", "a1.-1.1.aa", f"a1.{'9' * 30}.1.aa"]
)
def test_an_echo_that_is_not_ours_is_read_as_none(text: str | None) -> None:
    """Never an exception."""
    assert outbox_id_of(b"key", text) is None
    assert outbox_id_of(b"key", opaque(b"key", outbox_id=7, attempt=2)) == 7
    assert outbox_id_of(b"other", opaque(b"key", outbox_id=7, attempt=2)) is None
