"""The stand-in Graph API on loopback, and a business that keeps what its webhook is told."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bot.sandbox.chats import Account, Chat
from bot.sandbox.graph_api import ROOT, GraphApi, Number
from bot.sandbox.graph_limits import Limits
from bot.whatsapp.signature import signature_is_valid
from tests.pix_bank import HandClock

NUMBER = Number(token="a-token", app_secret="a-secret")
MARIA = Account(name="Maria José", wa_id="5511987654321", user_id="BR.13491208655302741918")
JOAO = Account(name="João", wa_id="558192345678", user_id="BR.22222222222")  # registered before the ninth digit
PICTURE = bytes.fromhex("89504e470d0a1a0a")


@dataclass
class Business:
    """What a test holds: the API, a line to it, and every item that the webhook was told."""

    api: GraphApi
    session: aiohttp.ClientSession
    clock: HandClock
    address: str
    told: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refuses: int = 0  # so many calls are answered 503
    when_told: Callable[[], None] = lambda: None

    async def posts(self, body: Any, *, token: str = "a-token", phone: str = NUMBER.phone_number_id) -> tuple[int, Any]:
        """POST a message; return the status and the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.address}{ROOT}/v24.0/{phone}/messages"
        async with self.session.post(url, data=data, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def asks(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Any other call, with the token."""
        headers = {"Authorization": "Bearer a-token"}
        url = path if path.startswith("http") else f"{self.address}{ROOT}/v24.0{path}"
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def heard(self) -> list[dict[str, Any]]:
        """Everything that was told so far, once nothing more is on its way."""
        await self.api.whatsapp.webhooks.finished()
        return self.told

    async def statuses(self) -> list[str]:
        """The words of all statuses, in the order in which they came."""
        return [s["status"] for value in await self.heard() for s in value.get("statuses", [])]

    async def writes(self, account: Account = MARIA, words: str = "oi") -> Chat:
        """Let a person write, so that the window is open."""
        chat = self.api.whatsapp.chats.add(account)
        await self.api.whatsapp.say(chat, words)
        return chat


@asynccontextmanager
async def business(
    *, limits: Limits | None = None, everybody: bool = False, file: Path | None = None
) -> AsyncIterator[Business]:
    """Yield the API, listening, and the business beside it."""
    clock, port = HandClock(), unused_port()
    address = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        api = GraphApi(
            clock,
            session,
            NUMBER,
            callback=f"{address}/hook",
            address=address,
            limits=limits,
            everybody=everybody,
            file=file,
        )
        held = Business(api, session, clock, address)

        async def hook(request: web.Request) -> web.Response:
            raw = await request.read()
            assert signature_is_valid(raw, request.headers["X-Hub-Signature-256"], [NUMBER.app_secret.encode()])
            if held.refuses:
                held.refuses -= 1
                return web.Response(status=503)
            held.raw.append(raw)
            held.told.append(json.loads(raw)["entry"][0]["changes"][0]["value"])
            held.when_told()
            return web.Response()

        async def picture(request: web.Request) -> web.Response:
            return web.Response(body=PICTURE, content_type="image/png")

        app = web.Application()
        app.add_routes([*api.routes(), web.post("/hook", hook), web.get("/qr.png", picture)])
        async with TestServer(app, host="127.0.0.1", port=port):
            yield held
            await api.close()
