"""`/phone`: everybody's WhatsApp in one browser page, with a bank beside it and a clock to move. Only in the demo.

The page is told of changes by server-sent events and asks for nothing else; what is done on it goes to the stand-in,
and from there to the program's own webhook, as it would from a real phone.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.clock import MovableClock
from bot.parts import Parts
from bot.sandbox import shown
from bot.sandbox.chats import Chat
from bot.sandbox.people import Person
from bot.sandbox.whatsapp import WhatsApp

_HERE = Path(__file__).parent
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_BELLS = ("timers", "turns", "sends", "charges", "pix", "statuses")
_HEARTBEAT_S = 20.0
_HOURS_MAX = 24 * 400
_WORDS_MAX = 4096
_FILES = {"image": "image/png", "audio": "audio/ogg; codecs=opus"}


class PhonePage:
    """The page, its files and what it can do."""

    def __init__(self, parts: Parts, whatsapp: WhatsApp, people: Sequence[Person], clock: MovableClock) -> None:
        self._parts, self._whatsapp, self._clock = parts, whatsapp, clock
        self._hints = {person.account.key: self._hint(person) for person in people}
        self._closing = False
        self._streams = 0
        self._assets = {path.name: path.read_bytes() for path in (_HERE / "static").iterdir()}
        self._pages = Environment(
            loader=FileSystemLoader(_HERE / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals.update(_=parts.texts, asset=self._asset_url)

    def routes(self) -> list[web.RouteDef]:
        """Return what it answers to."""
        return [
            web.get("/phone", self._page),
            web.get("/sandbox/static/{name}", self._static),
            web.get("/sandbox/phone/events", self._events),
            web.post("/sandbox/phone/{key}/say", self._say),
            web.post("/sandbox/phone/{key}/press", self._press),
            web.post("/sandbox/phone/{key}/attach", self._attach),
            web.post("/sandbox/phone/{key}/look", self._look),
            web.post("/sandbox/clock", self._move_clock),
        ]

    async def close(self, _: object = None) -> None:
        """Let every open page go."""
        self._closing = True
        self._whatsapp.chats.wake()

    def _hint(self, person: Person) -> str:
        return str(self._parts.texts(person.hint)).format(digits=person.document[:3])

    def _asset_url(self, name: str) -> str:
        return f"/sandbox/static/{name}?v={hashlib.sha256(self._assets[name]).hexdigest()[:12]}"

    async def _page(self, request: web.Request) -> web.Response:
        html = self._pages.get_template("phone.html").render(
            creditor=self._parts.settings.creditor_name,
            business=f"+{self._whatsapp.display_phone}",
            zone=str(self._parts.settings.timezone),
        )
        headers = {"Content-Security-Policy": _CSP, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def _static(self, request: web.Request) -> web.Response:
        body = self._assets.get(request.match_info["name"])
        if body is None:
            raise web.HTTPNotFound
        kind = _TYPES[Path(request.match_info["name"]).suffix]
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Everything that changed since what the page has, now and from now on."""
        since = request.headers.get("Last-Event-ID", "")
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        self._streams += 1
        try:
            async for event in self._changes(int(since) if since.isdigit() else -1):
                await stream.write(event)
        except ConnectionError:
            pass  # the page was closed
        finally:
            self._streams -= 1
            if not self._streams:
                await self._look_away()
        return stream

    async def _changes(self, since: int) -> AsyncIterator[bytes]:
        chats = self._whatsapp.chats
        if since > chats.revision:
            since = -1  # the page is of another home, or of before a new start
        while not self._closing:
            revision = chats.revision
            document = {
                "clock": self._clock.now().isoformat(),
                "chats": [self._shown(chat, since) for chat in chats if chat.revision > since or since < 0],
            }
            yield f"id: {revision}\ndata: {json.dumps(document)}\n\n".encode()
            since = revision
            try:
                async with asyncio.timeout(_HEARTBEAT_S):
                    await chats.changed_since(since)
            except TimeoutError:
                yield b": still here\n\n"

    def _shown(self, chat: Chat, since: int) -> dict[str, Any]:
        account = chat.account
        return {
            "key": account.key,
            "name": account.name,
            "phone": f"+{account.wa_id}" if account.wa_id else f"@{account.username}",
            "hint": self._hints.get(account.key, ""),
            "typing": chat.typing,
            "bubbles": [self._bubble(chat, bubble) for bubble in chat.bubbles if bubble.revision > since or since < 0],
        }

    def _bubble(self, chat: Chat, bubble: Any) -> dict[str, Any]:
        seen = shown.view(bubble, self._whatsapp.template_of(bubble), self._whatsapp.orders.cards)
        seen["picture"] = self._here(seen["picture"])
        if seen["link"]:
            seen["link"]["url"] = self._here(seen["link"]["url"])
        return seen

    def _here(self, url: str | None) -> str | None:
        """An address of this very program without its host: the page may have been opened under another name of it."""
        return url.removeprefix(self._parts.settings.public_url) if url is not None else None

    async def _say(self, request: web.Request) -> web.Response:
        chat, body = self._chat(request), await _json_of(request)
        words = str(body.get("text", "")).strip()[:_WORDS_MAX]
        if not words:
            raise web.HTTPBadRequest(text="nothing was said\n")
        await self._whatsapp.say(chat, words)
        return web.Response(status=204)

    async def _press(self, request: web.Request) -> web.Response:
        chat, body = self._chat(request), await _json_of(request)
        if await self._whatsapp.press(chat, str(body.get("message")), str(body.get("choice"))) is None:
            raise web.HTTPNotFound(text="there is no such thing to press\n")
        return web.Response(status=204)

    async def _attach(self, request: web.Request) -> web.Response:
        chat, body = self._chat(request), await _json_of(request)
        kind = str(body.get("kind"))
        if kind not in _FILES:
            raise web.HTTPBadRequest(text="a picture or a voice note\n")
        file = self._whatsapp.media.add(b"of the demo", _FILES[kind])
        about: dict[str, Any] = {"id": file.id, "mime_type": file.mime_type, "sha256": file.sha256}
        await self._whatsapp.write(chat, {"type": kind, kind: about | ({"voice": True} if kind == "audio" else {})})
        return web.Response(status=204)

    async def _look(self, request: web.Request) -> web.Response:
        await _json_of(request)
        chat = self._chat(request)
        await self._look_away(but=chat)
        await self._whatsapp.look(chat)
        return web.Response(status=204)

    async def _look_away(self, but: Chat | None = None) -> None:
        for chat in list(self._whatsapp.chats):
            if chat is not but and chat.reach == "open":
                await self._whatsapp.switch(chat, on=True)

    async def _move_clock(self, request: web.Request) -> web.Response:
        hours = (await _json_of(request)).get("hours")
        if type(hours) is not int or not 0 < hours <= _HOURS_MAX:
            raise web.HTTPBadRequest(text="hours is a whole number\n")
        now = self._clock.move(timedelta(hours=hours))
        self._parts.wake.ring(*_BELLS)
        self._whatsapp.chats.wake()
        return web.json_response({"clock": now.isoformat()})

    def _chat(self, request: web.Request) -> Chat:
        chat = self._whatsapp.chats.find(request.match_info["key"])
        if chat is None:
            raise web.HTTPNotFound
        return chat


async def _json_of(request: web.Request) -> dict[str, Any]:
    """The body; a page of somebody else's cannot send this type without asking first."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise web.HTTPBadRequest from None
    return body if isinstance(body, dict) else {}
