"""The stand-in Graph API over HTTP: what `graph.facebook.com` answers for one business number.

Faults can be ordered for the next POSTs: no answer, a connection cut after the work was done, a bare 500, or any of
Meta's errors.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import aiohttp
import structlog
from aiohttp import web

from bot.clock import Clock
from bot.sandbox.chats import Chats
from bot.sandbox.graph_errors import Refusal, Refused, refuse
from bot.sandbox.graph_limits import Limits
from bot.sandbox.graph_values import table
from bot.sandbox.graph_webhooks import Webhooks
from bot.sandbox.whatsapp import Weather, WhatsApp

ROOT = "/sandbox/graph"
_VERSION = ROOT + r"/{version:v\d+\.\d+}"
_UPLOAD_MAX = 16 * 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """The business's number at Meta, and the secrets around it."""

    token: str
    app_secret: str
    phone_number_id: str = "106540352242922"
    waba_id: str = "102290129340398"
    display_phone: str = "551130045678"
    name: str = "Escola Aurora"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with one POST.

    `done`: what it asked for is done nevertheless. `code`: of Meta's error, for the kind `error`.
    """

    kind: Literal["no_answer", "reset", "bare_500", "error"]
    done: bool = True
    code: int = 131000


class GraphApi:
    """The API, to be mounted in an application; `callback` is the program's `/webhook`."""

    def __init__(
        self,
        clock: Clock,
        session: aiohttp.ClientSession,
        number: Number,
        *,
        callback: str,
        address: str = "",
        file: Path | None = None,
        everybody: bool = False,
        limits: Limits | None = None,
        opens_links: bool = True,
    ) -> None:
        self.number = number
        webhooks = Webhooks(
            session,
            callback=callback,
            app_secret=number.app_secret,
            waba_id=number.waba_id,
            phone_number_id=number.phone_number_id,
            display_phone=number.display_phone,
        )
        self.whatsapp = WhatsApp(
            clock,
            session,
            webhooks,
            chats=Chats(file=file, everybody=everybody),
            display_phone=number.display_phone,
            limits=limits,
            opens_links=opens_links,
        )
        self.posts = 0  # POSTs of messages that were taken or refused, typing too
        self._address = address.rstrip("/")
        self._faults: deque[Fault] = deque()
        self._weather: deque[Weather] = deque()
        self._closing = asyncio.Event()
        self._subscribed = True

    def routes(self) -> list[web.RouteDef]:
        """Return what it answers to."""
        token = self._behind_token
        return [
            web.post(f"{_VERSION}/{{phone}}/messages", self._messages),
            web.post(f"{_VERSION}/{{phone}}/media", token(self._upload)),
            web.get(f"{_VERSION}/{{waba}}/message_templates", token(self._list_templates)),
            web.post(f"{_VERSION}/{{waba}}/message_templates", token(self._create_template)),
            web.post(f"{_VERSION}/app/uploads", token(self._open_upload)),
            web.post(f"{_VERSION}/{{object}}", token(self._post_object)),
            web.get(f"{_VERSION}/{{waba}}/subscribed_apps", token(self._subscriptions)),
            web.post(f"{_VERSION}/{{waba}}/subscribed_apps", token(self._subscribe)),
            web.get(f"{_VERSION}/{{object}}", token(self._get_object)),
            web.delete(f"{_VERSION}/{{object}}", token(self._delete_object)),
            web.get(f"{ROOT}/files/{{id}}", token(self._download)),
        ]

    def next_posts(self, *faults: Fault) -> None:
        """Let the next POSTs go wrong, one after another."""
        self._faults.extend(faults)

    def next_weather(self, *weather: Weather) -> None:
        """Let the statuses of the next messages come in their own way, one after another."""
        self._weather.extend(weather)

    async def close(self) -> None:
        """Let nobody wait any longer, and keep what there is."""
        self._closing.set()
        await self.whatsapp.close()

    def _behind_token(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                self._authorise(request)
                return await handler(request)
            except Refused as refused:
                return _refusal(refused.refusal)

        return answer

    def _authorise(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token:
            raise refuse(200, "An access token is required to request this resource.")
        if scheme not in ("Bearer", "OAuth") or token != self.number.token:
            raise refuse(190)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        self.posts += 1
        fault = self._faults.popleft() if self._faults else None
        if fault is not None and fault.kind == "error":
            return _refusal(Refusal(code=fault.code))
        try:
            self._authorise(request)
            self._known(request, "phone", self.number.phone_number_id)
            answer = {} if fault is not None and not fault.done else await self._take(await _json_of(request))
        except Refused as refused:
            return _refusal(refused.refusal)
        return _json(answer) if fault is None else await self._spoil(request, fault)

    async def _take(self, body: dict[str, Any]) -> dict[str, Any]:
        if "status" in body:
            return self.whatsapp.mark_read(body)
        self.whatsapp.gauge.number()
        return await self.whatsapp.send(body, weather=self._weather.popleft() if self._weather else None)

    async def _spoil(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.kind == "bare_500":
            return web.Response(status=500, text="")
        if fault.kind == "no_answer":
            await self._closing.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _upload(self, request: web.Request) -> web.Response:
        self._known(request, "phone", self.number.phone_number_id)
        form = await request.post()
        file = form.get("file")
        if form.get("messaging_product") != "whatsapp" or not isinstance(file, web.FileField):
            raise refuse(100, "The parameters messaging_product and file are required.")
        content = file.file.read(_UPLOAD_MAX + 1)
        if not 0 < len(content) <= _UPLOAD_MAX:
            raise refuse(131053, "File is empty or too big.")
        return _json({"id": self.whatsapp.media.add(content, str(form.get("type") or file.content_type)).id})

    async def _download(self, request: web.Request) -> web.Response:
        file = self.whatsapp.media.get(request.match_info["id"])
        if file is None:
            return web.Response(status=404)
        return web.Response(body=file.content, content_type=file.mime_type.partition(";")[0])

    async def _list_templates(self, request: web.Request) -> web.Response:
        self._known(request, "waba", self.number.waba_id)
        wanted = request.query.get("status")
        name = request.query.get("name")
        found = [
            template.listed()
            for template in self.whatsapp.templates.known.values()
            if wanted in (None, template.status) and name in (None, template.name)
        ]
        return _json({"data": found, "paging": {"cursors": {"before": "MAZDZD", "after": "MAZDZD"}}})

    async def _create_template(self, request: web.Request) -> web.Response:
        """Register a template; its approval comes a moment later, by webhook."""
        self._known(request, "waba", self.number.waba_id)
        made = self.whatsapp.templates.create(await _json_of(request))
        answer = {"id": made.id, "status": made.status, "category": made.category}
        made.status = "APPROVED"
        notice = {
            "event": "APPROVED",
            "message_template_id": int(made.id),
            "message_template_name": made.name,
            "message_template_language": made.language,
            "message_template_category": made.category,
            "reason": "NONE",
        }
        self.whatsapp.webhooks.later(self.whatsapp.webhooks.tell(notice, field="message_template_status_update"))
        return _json(answer)

    async def _open_upload(self, request: web.Request) -> web.Response:
        if request.query.get("file_type") not in ("image/png", "image/jpeg"):
            raise refuse(100, "file_type must be a picture's.")
        return _json({"id": "upload:MTphdHRhY2htZW50"})

    async def _post_object(self, request: web.Request) -> web.Response:
        """The bytes of an upload, or other components for a template."""
        wanted = request.match_info["object"]
        if wanted.startswith("upload:"):
            await request.read()
            return _json({"h": "4::aW1hZ2U="})
        template = next((t for t in self.whatsapp.templates.known.values() if t.id == wanted), None)
        if template is None:
            raise _no_object(wanted)
        self.whatsapp.templates.edit(template, await _json_of(request))
        return _json({"success": True})

    async def tell_of_template(self, field: str, value: Mapping[str, Any]) -> None:
        """Send a webhook about a template, as Meta does when it pauses it or takes it for something else."""
        await self.whatsapp.webhooks.tell(dict(value), field=field)

    async def _subscriptions(self, request: web.Request) -> web.Response:
        self._known(request, "waba", self.number.waba_id)
        app = {"whatsapp_business_api_data": {"id": "670843887433847", "name": self.number.name, "link": self._address}}
        return _json({"data": [app] if self._subscribed else []})

    async def _subscribe(self, request: web.Request) -> web.Response:
        self._known(request, "waba", self.number.waba_id)
        self._subscribed = True
        return _json({"success": True})

    async def _get_object(self, request: web.Request) -> web.Response:
        wanted = request.match_info["object"]
        fields = [name for name in request.query.get("fields", "").split(",") if name]
        file = self.whatsapp.media.get(wanted)
        if file is not None:
            url = f"{self._address}{ROOT}/files/{file.id}"
            about = {"url": url, "mime_type": file.mime_type, "sha256": file.sha256}
            size = str(len(file.content))
            return _json({"messaging_product": "whatsapp", **about, "file_size": size, "id": file.id})
        if wanted == self.number.phone_number_id:
            return _json(_picked(self._about_phone(), fields))
        if wanted == self.number.waba_id:
            return _json(_picked(self._about_account(), fields))
        template = next((t for t in self.whatsapp.templates.known.values() if t.id == wanted), None)
        if template is None:
            raise _no_object(wanted)
        return _json(template.listed())

    async def _delete_object(self, request: web.Request) -> web.Response:
        if not self.whatsapp.media.remove(request.match_info["object"]):
            raise _no_object(request.match_info["object"])
        return _json({"success": True})

    def _about_phone(self) -> dict[str, Any]:
        return {
            "id": self.number.phone_number_id,
            "verified_name": self.number.name,
            "display_phone_number": self.number.display_phone,
            "code_verification_status": "VERIFIED",
            "quality_rating": "GREEN",
            "platform_type": "CLOUD_API",
            "status": "CONNECTED",
            "name_status": "APPROVED",
            "throughput": {"level": "STANDARD"},
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "webhook_configuration": {"application": self.whatsapp.webhooks.callback},
            "health_status": self._health("PHONE_NUMBER", self.number.phone_number_id),
        }

    def _about_account(self) -> dict[str, Any]:
        return {
            "id": self.number.waba_id,
            "name": self.number.name,
            "currency": "BRL",
            "timezone_id": "25",
            "account_review_status": "APPROVED",
            "health_status": self._health("WABA", self.number.waba_id),
        }

    def _health(self, kind: str, id_: str) -> dict[str, Any]:
        entity = {"entity_type": kind, "id": id_, "can_send_message": "AVAILABLE"}
        return {"can_send_message": "AVAILABLE", "entities": [entity]}

    def _known(self, request: web.Request, what: str, right: str) -> None:
        if request.match_info[what] != right:
            raise _no_object(request.match_info[what])


def _picked(about: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """What was asked for, and the id; without `fields` Meta gives the plain ones."""
    wanted = [name.partition("{")[0] for name in fields] or [name for name in about if name != "health_status"]
    for name in wanted:
        if name not in about:
            raise refuse(100, f"Tried accessing nonexisting field ({name})")
    return {name: about[name] for name in dict.fromkeys([*wanted, "id"])}


def _no_object(id_: str) -> Refused:
    text = f"Unsupported request. Object with ID '{id_}' does not exist or cannot be loaded due to missing permissions."
    return Refused(replace(refuse(100, text).refusal, subcode=33))


async def _json_of(request: web.Request) -> dict[str, Any]:
    try:
        return table(json.loads(await request.read()), "body")
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise refuse(100, "The body is not JSON.") from None


def _json(document: Any, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(document).encode(), status=status, content_type="application/json")


def _refusal(refusal: Refusal) -> web.Response:
    log.info("sandbox.refused", code=refusal.code)
    return _json(refusal.body(), refusal.http_status)
