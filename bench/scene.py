"""The scene of a measurement: servers in processes of their own, fictional customers, signed messages."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec

from bench.wire import request
from bot.store import policies
from bot.store.policies import By
from bot.whatsapp.signature import sign

POLICY = Path(__file__).parent.parent / "flows" / "policies" / "padrao.yaml"
SECRET = "bench-app-secret"
PHONE_NUMBER_ID = "106540352242922"
_READY_S = 30.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def process(
    *arguments: str, port: int, environment: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Python process until the block ends; it listens on `port` when the block begins."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={**os.environ, **(environment or {})}, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(_READY_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.wait()


def settings(home: Path, *, graph_port: int, database: str, redis: str) -> dict[str, str]:
    """Return the environment of `acerto serve` against a stand-in on loopback."""
    return {
        "ACERTO_HOME": str(home),
        "ACERTO_DATABASE_URL": database,
        "ACERTO_REDIS_URL": redis,
        "ACERTO_WHATSAPP_API_URL": f"http://127.0.0.1:{graph_port}/v24.0",
        "ACERTO_WHATSAPP_TOKEN": "bench",
        "ACERTO_WHATSAPP_APP_SECRET": SECRET,
        "ACERTO_WHATSAPP_VERIFY_TOKEN": "bench",
        "ACERTO_WHATSAPP_PHONE_NUMBER_ID": PHONE_NUMBER_ID,
        "ACERTO_WHATSAPP_WABA_ID": "102290129340398",
        "ACERTO_WHATSAPP_RATE": "1000",
        "ACERTO_IDENTITY": "none",
        "ACERTO_NUDGE_MINUTES": "0",
        "ACERTO_LADDER": "none",
        "ACERTO_PIX_KEY": "pix@escola-aurora.example",
        "ACERTO_PIX_MERCHANT_NAME": "Escola Aurora",
        "ACERTO_PIX_MERCHANT_CITY": "Sao Paulo",
    }


def phone(n: int) -> str:
    """Return the n-th fictional phone."""
    return f"5531{900_000_000 + n}"


async def people(database: str, count: int, *, secret: bytes) -> None:
    """Put `count` customers with one debt each into the database, and a policy in force."""
    conn = await asyncpg.connect(database)
    now = datetime.now(UTC)
    due = now.date() - timedelta(days=10)
    try:
        bia = By(name="Bia", at=now, secret=secret)
        digest = await policies.submit(conn, POLICY.read_bytes(), file=POLICY.name, by=bia)
        await policies.approve(conn, digest, by=replace(bia, name="Caio"), today=now.date())
        await conn.execute(
            """
            INSERT INTO customer (external_id, name, document, phone, created_at, updated_at)
            SELECT 'B-' || n, 'Pessoa ' || n, '52998224725', (5531900000000 + n)::text, $2, $2
            FROM generate_series(1, $1::int) n
            """,
            count,
            now,
        )
        await conn.execute(
            """
            INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on,
                              created_at, updated_at)
            SELECT 'D-' || id, id, 'Mensalidade', 34990, 34990, $1, $2, $2 FROM customer
            """,
            due,
            now,
        )
        await conn.execute("ANALYZE")
    finally:
        await conn.close()


def message(n: int, wamid: str, text: str = "oi") -> bytes:
    """Return the whole request of a webhook with one text of the n-th person, signed."""
    body = msgspec.json.encode(
        {
            "object": "whatsapp_business_account",
            "entry": [
                {
                    "id": "102290129340398",
                    "changes": [
                        {
                            "field": "messages",
                            "value": {
                                "messaging_product": "whatsapp",
                                "metadata": {"display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID},
                                "contacts": [{"profile": {"name": "Pessoa"}, "wa_id": phone(n)}],
                                "messages": [
                                    {
                                        "from": phone(n),
                                        "id": wamid,
                                        "timestamp": str(int(datetime.now(UTC).timestamp())),
                                        "text": {"body": text},
                                        "type": "text",
                                    }
                                ],
                            },
                        }
                    ],
                }
            ],
        }
    )
    return request("/webhook", body, f"X-Hub-Signature-256: {sign(body, SECRET.encode())}\r\n")
