"""The front door: verified bytes in, one inbox row per thing that happened, committed, then 200. Mounts the pages.

Nothing is believed before its signature, and nothing is answered 200 before it is stored: Meta repeats what was not,
and has no way to fetch what was lost. A signed body that does not parse is stored as it came and parked for an
operator.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeAlias

import structlog
from aiohttp import web

from bot.engine.inbox import InboxUnavailable
from bot.engine.taking_in import arrivals_of
from bot.parts import PARTS, Parts
from bot.store.inbox import Arrival
from bot.web.pages import mount_pages
from bot.whatsapp.signature import signature_is_valid
from payments.providers import asaas

BODY_BYTES = 4 * 1024 * 1024  # Meta sends up to 3 MB; aiohttp's own default of 1 MiB would refuse legal bodies
_PIX_BODY_BYTES = 1024 * 1024
_EVENT_ID = re.compile(r"[!-~]{1,120}")
Handler: TypeAlias = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]
log = structlog.get_logger(__name__)


def make_app(parts: Parts, *, more: Iterable[web.RouteDef] = ()) -> web.Application:
    """Return the web application: the callbacks, the pages, and whatever a caller adds (the demo's phone)."""
    app = web.Application(client_max_size=BODY_BYTES)
    app[PARTS] = parts
    app.add_routes(
        [
            web.get("/webhook", verify),
            web.post("/webhook", receive),
            web.post("/webhook/pix/{secret}", receive_pix),
            web.post("/webhook/pix/{secret}/pix", receive_pix),
            web.post(asaas.WEBHOOK, receive_asaas),
        ]
    )
    mount_pages(app)
    app.add_routes(list(more))
    return app


async def verify(request: web.Request) -> web.Response:
    """Meta's question whether this address is ours: the challenge back for the right token, 403 otherwise."""
    query = request.query
    token = request.app[PARTS].settings.whatsapp.verify_token
    right = hmac.compare_digest(query.get("hub.verify_token", "").encode(), token.encode())
    if not token or not right or query.get("hub.mode") != "subscribe":
        return web.Response(status=403, text="wrong verify token\n")
    return web.Response(text=query.get("hub.challenge", ""), content_type="text/plain")


async def receive(request: web.Request) -> web.Response:
    """Meta's events: verify the raw bytes, store every item, answer."""
    parts = request.app[PARTS]
    raw = await request.read()  # above BODY_BYTES: 413
    secrets = [secret.encode() for secret in parts.settings.whatsapp.app_secrets]
    if not signature_is_valid(raw, request.headers.get("X-Hub-Signature-256"), secrets):
        return web.Response(status=401, text="missing or wrong signature\n")
    return await _store(parts, arrivals_of(parts, raw))


async def receive_pix(request: web.Request) -> web.Response:
    """The provider's call: a trigger, no proof. Stored raw; confirmed by GET before anything is believed."""
    parts = request.app[PARTS]
    right = parts.settings.pix.webhook_secret
    if not right or not hmac.compare_digest(request.match_info["secret"].encode(), right.encode()):
        return web.Response(status=404)
    raw = await request.read()
    if len(raw) > _PIX_BODY_BYTES:
        return web.Response(status=413)
    if not raw.strip():
        return web.Response(text="ok\n")  # the call that banks make on registering
    now = parts.clock.now()
    # The same body again is the same trigger; the confirmation, not the trigger, owns the payment's key.
    key = f"w:{hashlib.sha256(raw).hexdigest()}:{now:%Y%m%d%H}"
    return await _store(parts, [Arrival(source="pix", dedupe_key=key, kind="pix", raw=raw, received_at=now)])


async def receive_asaas(request: web.Request) -> web.Response:
    """Asaas's call: a trigger, no proof, like every provider's. Its token comes in a header; anything but exactly 200
    counts as failed there, and after 15 failures in a row Asaas calls no more until a person turns it on again.
    """
    parts = request.app[PARTS]
    right = parts.settings.pix.asaas_webhook_token
    given = request.headers.get("asaas-access-token", "")
    if not right or not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode()):
        return web.Response(status=401, text="missing or wrong asaas-access-token\n")
    raw = await request.read()
    if len(raw) > _PIX_BODY_BYTES:
        return web.Response(status=413)
    now = parts.clock.now()
    key = _event_id(raw) or f"w:{hashlib.sha256(raw).hexdigest()}:{now:%Y%m%d%H}"
    return await _store(parts, [Arrival(source="asaas", dedupe_key=key, kind="pix", raw=raw, received_at=now)])


def _event_id(raw: bytes) -> str | None:
    """The id under which Asaas repeats an event."""
    try:
        told = json.loads(raw).get("id")
    except (ValueError, RecursionError, AttributeError):
        return None
    return told if isinstance(told, str) and _EVENT_ID.fullmatch(told) else None


async def _store(parts: Parts, arrivals: list[Arrival]) -> web.Response:
    try:
        await parts.ingest.put(arrivals)
    except InboxUnavailable as error:
        log.error("webhook.not_stored", reason=str(error))
        return web.Response(status=503, text="not stored, please repeat\n")
    return web.Response(text="ok\n")
