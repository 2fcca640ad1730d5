"""The stand-in Asaas on loopback, and the settings that lead to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.clock import Clock
from bot.engine.talk import Talk
from bot.sandbox.asaas_provider import API, AsaasProvider
from bot.settings import Pix, Secret

TOKEN, WEBHOOK_TOKEN = "$aact_of_the_test", "the-token-of-our-webhook-at-asaas"


@dataclass
class AsaasAtHand:
    """What a test holds: the provider, the settings that lead to it, and a line to it."""

    provider: AsaasProvider
    pix: Pix
    talk: Talk

    async def asks(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """One request with the key and a name, whatever the answer."""
        headers = {"access_token": TOKEN, "User-Agent": "acerto"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self.pix.asaas_url + path, **options) as response,
        ):
            return response.status, await response.json()


@asynccontextmanager
async def asaas_at_hand(clock: Clock, *, answer_s: float = 10) -> AsyncIterator[AsaasAtHand]:
    async with aiohttp.ClientSession() as session:
        provider = AsaasProvider(clock, session, token=TOKEN, webhook_token=WEBHOOK_TOKEN)
        app = web.Application()
        app.add_routes(provider.routes())
        async with TestServer(app, host="127.0.0.1") as server:
            pix = Pix(
                mode="asaas",
                merchant_name="Escola Exemplo",
                asaas_url=str(server.make_url(API)),
                asaas_token=Secret(TOKEN),
                asaas_webhook_token=Secret(WEBHOOK_TOKEN),
            )
            yield AsaasAtHand(provider, pix, Talk(pix, session, answer_s=answer_s))
