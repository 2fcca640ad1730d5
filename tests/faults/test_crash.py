"""The crash test: four processes, a thousand events, a tenth of them twice, and SIGKILLs at random moments.

What must hold afterwards: no event lost or doubled, the order of each customer kept, no reminder twice. The seed is
fixed; each line of the protocol that was taken out by hand made this test fail (see docs/protocol.md).
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from aiohttp import web

from bot.store import outbox
from bot.store.journal import first_break
from tests.faults.far_end import FarEnd, deliver, envelope
from tests.waiting import until

SEED = 20261123
PROCESSES = 4
CUSTOMERS = 50
EVENTS_EACH = 20
KILLS = 12
SECRET = "a-secret-for-the-storm"
NUMBER = "106540352242922"
REMINDER = "Você ainda está por aí?"


def _phone(n: int) -> str:
    return f"5511{900_000_000 + n}"


def _said(n: int, k: int) -> bytes:
    """The k-th message of the n-th customer."""
    return envelope(
        {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
            "contacts": [{"profile": {"name": "Pessoa"}, "wa_id": _phone(n)}],
            "messages": [
                {
                    "from": _phone(n),
                    "id": f"wamid.IN.{n}.{k}",
                    "timestamp": str(int(datetime.now(UTC).timestamp())),
                    "type": "text",
                    "text": {"body": "menu"},
                }
            ],
        }
    )


class Company:
    """The four processes, and whoever kills them."""

    def __init__(self, environment: dict[str, str], ports: list[int]) -> None:
        self._environment, self._ports = environment, ports
        self._children: dict[int, asyncio.subprocess.Process] = {}

    @property
    def webhooks(self) -> list[str]:
        """Where webhooks may be delivered."""
        return [f"http://127.0.0.1:{port}/webhook" for port in self._ports]

    async def start(self, port: int) -> None:
        """Start the process of a port."""
        self._children[port] = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", "serve", "--port", str(port),
            env={**os.environ, **self._environment}, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def kill(self, port: int) -> None:
        """SIGKILL, and a new one in its place."""
        child = self._children[port]
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGKILL)
        await child.wait()
        await self.start(port)

    async def stop(self) -> list[int]:
        """SIGTERM to all; return how they ended."""
        for child in self._children.values():
            with suppress(ProcessLookupError):
                child.terminate()
        return [await child.wait() for child in self._children.values()]


@asynccontextmanager
async def _storm(
    database: str, redis_url: str, tmp_path: Path, free_ports: list[int]
) -> AsyncIterator[tuple[Company, FarEnd]]:
    far_end = FarEnd(seed=SEED, secret=SECRET, phone_number_id=NUMBER, reminder=REMINDER)
    runner = web.AppRunner(far_end.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", free_ports[0]).start()
    company = Company(
        {
            "ACERTO_HOME": str(tmp_path),
            "ACERTO_DATABASE_URL": database,
            "ACERTO_REDIS_URL": redis_url,
            "ACERTO_WHATSAPP_API_URL": f"http://127.0.0.1:{free_ports[0]}/v24.0",
            "ACERTO_WHATSAPP_TOKEN": "t",
            "ACERTO_WHATSAPP_APP_SECRET": SECRET,
            "ACERTO_WHATSAPP_VERIFY_TOKEN": "v",
            "ACERTO_WHATSAPP_PHONE_NUMBER_ID": NUMBER,
            "ACERTO_WHATSAPP_WABA_ID": "1",
            "ACERTO_WHATSAPP_RATE": "1000",
            "ACERTO_IDENTITY": "none",
            "ACERTO_PIX_KEY": "pix@escola-aurora.example",
            "ACERTO_PIX_MERCHANT_NAME": "Escola Aurora",
            "ACERTO_PIX_MERCHANT_CITY": "Sao Paulo",
        },
        free_ports[1:],
    )
    far_end.webhooks = company.webhooks
    echoing = asyncio.create_task(far_end.send_echoes())
    try:
        await asyncio.gather(*(company.start(port) for port in free_ports[1:]))
        yield company, far_end
    finally:
        echoing.cancel()
        await company.stop()
        await runner.cleanup()


async def _people(conn: Any) -> None:
    await conn.execute(CUSTOMERS_ARE_KNOWN, CUSTOMERS)
    await conn.execute(EACH_OWES_SOMETHING)


CUSTOMERS_ARE_KNOWN = """
INSERT INTO customer (external_id, name, document, phone, created_at, updated_at)
SELECT 'B-' || n, 'Pessoa ' || n, '52998224725', (5511900000000 + n)::text, now(), now()
FROM   generate_series(1, $1::int) n
"""
EACH_OWES_SOMETHING = """
INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on, created_at,
                  updated_at)
SELECT 'D-' || id, id, 'Mensalidade', 34990, 34990, current_date - 10, now(), now() FROM customer
"""


async def _speak(company: Company, chance: random.Random) -> None:
    """Every customer says their sentences in order, a tenth of them twice."""

    async def customer(n: int) -> None:
        for k in range(EVENTS_EACH):
            body = _said(n, k)
            await deliver(session, company.webhooks, body, SECRET.encode(), chance)
            if chance.random() < 0.1:
                await deliver(session, company.webhooks, body, SECRET.encode(), chance)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(customer(n) for n in range(1, CUSTOMERS + 1)))


async def _kill_at_random(company: Company, ports: list[int], conn: Any, chance: random.Random) -> None:
    """Kill whenever another slice of the events has been decided, so that the storm does not depend on the machine's
    speed."""
    total = CUSTOMERS * EVENTS_EACH
    for step in range(1, KILLS + 1):
        await until(lambda: _decided(conn, total * step // (KILLS + 2)), at_most_s=60)  # noqa: B023  # awaited at once
        await company.kill(chance.choice(ports))
        await conn.execute(SILENCE_GROWS_LONG, [step % 5])


# The hour after which a silent person is asked once more is over: for a fifth of the customers, and in the end for all.
SILENCE_GROWS_LONG = """
WITH silent AS (
    UPDATE conversation SET heard_at = heard_at - interval '2 hours' WHERE id % 5 = any($1::int[]) RETURNING id
)
UPDATE timer SET fire_at = now() - interval '1 second' FROM silent WHERE silent.id = timer.conversation_id
"""


async def _decided(conn: Any, wanted: int) -> bool:
    return bool(await conn.fetchval("SELECT count(*) FROM inbox WHERE kind = 'message' AND state = 'done'") >= wanted)


# What a dead process held is let go as time would let it go: its lease and its silence are made older.
LEASES_RUN_OUT = """
UPDATE outbox SET lease_until = lease_until - interval '1 minute'
WHERE  state = 'sending' AND posted_at < now() - interval '3 seconds'
"""
SILENCE_IS_OLD = """
UPDATE outbox SET posted_at = posted_at - interval '10 minutes'
WHERE  state = 'unknown' AND posted_at BETWEEN now() - interval '2 minutes' AND now() - interval '6 seconds'
"""
OPEN_EVENTS = "SELECT count(*) FROM inbox WHERE state = 'open'"
OPEN_ROWS = """
SELECT count(*) FROM outbox
WHERE  state IN ('pending', 'sending') OR (state = 'unknown' AND purpose = 'reply' AND ambiguous = 1)
"""


async def _quiet(conn: Any, far_end: FarEnd) -> bool:
    """Nothing is left to do."""
    await conn.execute(LEASES_RUN_OUT)
    if far_end.echoes.empty():
        await conn.execute(SILENCE_IS_OLD)
    left = await conn.fetchval(OPEN_EVENTS) + await conn.fetchval(OPEN_ROWS)
    return not left and far_end.echoes.empty()


async def test_a_storm_of_kills_loses_nothing_doubles_nothing_and_keeps_the_order(
    database: str, redis_url: str, tmp_path: Path, free_ports: list[int]
) -> None:
    """A thousand events through four processes that are killed over and over take effect once each, in order."""
    chance = random.Random(SEED)
    conn = await asyncpg.connect(database)
    await _people(conn)
    async with _storm(database, redis_url, tmp_path, free_ports) as (company, far_end):
        speaking = asyncio.create_task(_speak(company, chance))
        await _kill_at_random(company, free_ports[1:], await asyncpg.connect(database), random.Random(SEED + 1))
        await speaking
        await until(lambda: _decided(conn, CUSTOMERS * EVENTS_EACH), at_most_s=60)
        await conn.execute(SILENCE_GROWS_LONG, [0, 1, 2, 3, 4])
        already = far_end.reminders
        await until(lambda: far_end.reminders >= already + 10, at_most_s=30)
        await asyncio.gather(*(company.kill(port) for port in free_ports[1:]))  # while reminders are on their way
        await until(lambda: _quiet(conn, far_end), at_most_s=60)
    await _nothing_lost_or_doubled(conn)
    await _order_kept(conn, far_end)
    await _said_once(conn, far_end)
    await _asked_once_into_each_silence(conn)
    await _no_reminder_would_be_repeated(conn)
    await _chain_holds(conn)
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
    """Between two words of a person there is at most one reminder."""
    asked: dict[int, int] = defaultdict(int)
    for row in await conn.fetch("SELECT conversation_id, kind, body FROM journal ORDER BY conversation_id, n"):
        if row["kind"] == "heard":
            asked[row["conversation_id"]] = 0
        elif row["kind"] == "said" and json.loads(row["body"])["purpose"] == "reminder":
            asked[row["conversation_id"]] += 1
            assert asked[row["conversation_id"]] == 1


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
