"""A company of several processes, the people who write to it, and WhatsApp's far end: the scene of every fault test."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests import processes
from tests.faults.far_end import FarEnd, envelope
from tests.processes import Running

SEED = 20261123
CUSTOMERS = 50
SECRET = "a-secret-for-the-storm"
NUMBER = "106540352242922"
REMINDER = "Você ainda está por aí?"


def _phone(n: int) -> str:
    return f"5511{900_000_000 + n}"


def said(n: int, k: int) -> bytes:
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
        self._children: dict[int, Running] = {}

    @property
    def webhooks(self) -> list[str]:
        """Where webhooks may be delivered."""
        return [f"http://127.0.0.1:{port}/webhook" for port in self._ports]

    def start(self, port: int) -> None:
        """Start the process of a port."""
        environment = {**os.environ, **self._environment}
        self._children[port] = processes.start("serve", "--port", str(port), environment=environment)

    async def all_serve(self, session: aiohttp.ClientSession) -> bool:
        """Whether every process has come up."""
        for port in self._ports:
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status != 200:
                        return False
            except aiohttp.ClientError:
                return False
        return True

    async def kill(self, port: int) -> None:
        """SIGKILL, and a new one in its place."""
        self._children[port].send(signal.SIGKILL)
        await self._children[port].ended()
        self.start(port)

    async def stop(self) -> list[int]:
        """SIGTERM to all; return how they ended."""
        for child in self._children.values():
            child.send(signal.SIGTERM)
        return [await child.ended() for child in self._children.values()]


@asynccontextmanager
async def storm(
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
        for port in free_ports[1:]:
            company.start(port)
        yield company, far_end
    finally:
        echoing.cancel()
        await company.stop()
        await runner.cleanup()


async def people(conn: Any) -> None:
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

# What a dead process held is let go as time would let it go: its lease and its silence are made older.
LEASES_RUN_OUT = """
UPDATE outbox SET lease_until = lease_until - interval '1 minute'
WHERE  state = 'sending' AND posted_at < now() - interval '3 seconds'
"""
SILENCE_IS_OLD = """
UPDATE outbox SET posted_at = posted_at - interval '10 minutes'
WHERE  state = 'unknown' AND posted_at BETWEEN now() - interval '2 minutes' AND now() - interval '6 seconds'
AND    NOT EXISTS (SELECT FROM inbox WHERE state = 'open' AND kind = 'status')
"""
OPEN_EVENTS = """
SELECT (SELECT count(*) FROM inbox WHERE state = 'open') + (SELECT count(*) FROM timer WHERE fire_at <= now())
"""
OPEN_ROWS = """
SELECT count(*) FROM outbox
WHERE  state IN ('pending', 'sending') OR (state = 'unknown' AND purpose = 'reply' AND ambiguous = 1)
"""


async def time_passes(conn: Any, far_end: FarEnd) -> None:
    """What the dead held is let go: without it their conversations would stand still for a minute and more."""
    await conn.execute(LEASES_RUN_OUT)
    if not far_end.echoes_to_come:
        await conn.execute(SILENCE_IS_OLD)


async def at_rest(conn: Any, far_end: FarEnd) -> bool:
    """Whether nothing is left to do. Each look lets time pass for what the dead held."""
    await time_passes(conn, far_end)
    left = await conn.fetchval(OPEN_EVENTS) + await conn.fetchval(OPEN_ROWS)
    return not left and not far_end.echoes_to_come
