"""The stand-in bank on loopback, with a creditor who listens to its webhook and a clock that a test moves."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bot.engine.talk import Talk
from bot.sandbox.pix_provider import API, TOKEN, PixProvider
from bot.settings import Pix, Secret
from payments.providers.protocol import ChargeOrder, Payee

NOON = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)  # noon in São Paulo
KEY = "7d9f0335-8dcc-4054-9bf9-0dbd61d36906"
TXID = "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4"
PAYEE = Payee(key=KEY, name="Escola Exemplo", city="Sao Paulo")


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class StandIn:
    """What a test holds: the provider, the settings that lead to it, a line to it, and what its webhook told."""

    provider: PixProvider
    pix: Pix
    talk: Talk
    session: aiohttp.ClientSession
    clock: HandClock
    address: str
    told: list[dict[str, Any]] = field(default_factory=list)

    async def register(self) -> None:
        """Ask for the webhook, as an operator does once."""
        async with self.session.put(
            f"{self.pix.api_url}/webhook/{KEY}", json={"webhookUrl": f"{self.address}/hook"}, headers=await self.token()
        ) as response:
            assert response.status == 200, await response.text()

    async def token(self) -> dict[str, str]:
        headers = {"Authorization": aiohttp.encode_basic_auth(self.pix.client_id, str(self.pix.client_secret))}
        form = {"grant_type": "client_credentials"}
        async with self.session.post(self.pix.token_url, data=form, headers=headers) as answer:
            return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

    async def asks(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        """One request with a good token, whatever the answer."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        async with self.session.request(
            method, self.pix.api_url + path, data=data, params=query, headers=await self.token()
        ) as response:
            return response.status, await response.json(content_type=None)


@asynccontextmanager
async def stand_in(
    *, file: Path | None = None, clock: HandClock | None = None, answer_s: float = 10
) -> AsyncIterator[StandIn]:
    """Yield the bank, listening, and a creditor beside it."""
    clock = clock or HandClock()
    port = unused_port()
    address = f"http://127.0.0.1:{port}"
    pix = Pix(
        mode="api",
        key=KEY,
        merchant_name=PAYEE.name,
        merchant_city=PAYEE.city,
        api_url=address + API,
        token_url=address + TOKEN,
        client_id="acerto",
        client_secret=Secret("s3cret"),
    )
    async with aiohttp.ClientSession() as session:
        provider = PixProvider(
            clock, session, address=address, key=KEY, client_id="acerto", client_secret="s3cret", file=file
        )
        bank = StandIn(provider, pix, Talk(pix, session, answer_s=answer_s), session, clock, address)

        async def hook(request: web.Request) -> web.Response:
            bank.told.append({"path": request.path, **json.loads(await request.read() or b"{}")})
            return web.Response(status=200)

        app = web.Application()
        app.add_routes([*provider.routes(), web.post("/hook", hook), web.post("/hook/pix", hook)])
        async with TestServer(app, host="127.0.0.1", port=port):
            yield bank


def order(clock: HandClock, **changed: Any) -> ChargeOrder:
    given: dict[str, Any] = {
        "txid": TXID,
        "amount_cents": 35725,
        "now": clock.now(),
        "pay_until": date(2026, 12, 1),
        "expires_at": clock.now() + timedelta(hours=12),
        "payee": PAYEE,
        "debtor_name": "Maria da Silva",
        "debtor_document": "52998224725",
        "debtor_id": 7,
        "text": "Escola Exemplo",
    }
    return ChargeOrder(**{**given, **changed})


@asynccontextmanager
async def listening(answer: Any) -> AsyncIterator[str]:
    """A server that treats each connection as `answer(reader, writer)` does: for banks that misbehave below HTTP."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
