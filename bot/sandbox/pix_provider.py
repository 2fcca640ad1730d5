"""The stand-in payment provider: the central bank's API Pix over HTTP, and the payer's side of it for the phone page.

It refuses what the real one refuses (see `bot.sandbox.bank`) and can be told to misbehave as the real ones do:
webhooks that are lost, doubled, held back and told in the wrong order, answers that never arrive, a provider that is
down or does not answer for a while.
"""

import asyncio
import base64
import binascii
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp import web

from bot.clock import Clock
from bot.sandbox.bank import Bank, NotPayable
from bot.sandbox.bank_rules import Problem, cents_of
from payments.brcode import NotACode, read_code

API, TOKEN, LOCATION = "/sandbox/pix/v2", "/sandbox/pix/oauth/token", "/sandbox/pix/qr"
_TOKEN_LIFE = timedelta(hours=1)
_REQUESTS_REMEMBERED = 1000
_CALLBACK = aiohttp.ClientTimeout(total=10)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How the provider behaves.

    `webhook`: what becomes of what it has to tell; `down`: it answers every request with this status.
    """

    webhook: Literal["on_time", "lost", "doubled", "held"] = "on_time"
    down: int | None = None
    answers_lost: int = 0  # so many answers never arrive, although what was asked for is done
    frozen: bool = False  # requests wait until it thaws
    due_charges: bool = True  # whether the contract includes `cobv`
    refunds: Literal["done", "waiting", "failing"] = "done"  # what becomes of a refund right after it was asked for


class PixProvider:
    """The provider, to be mounted in an application. `address` is where that listens, e.g. `http://localhost:8080`."""

    def __init__(
        self,
        clock: Clock,
        session: aiohttp.ClientSession,
        *,
        address: str,
        key: str,
        client_id: str,
        client_secret: str,
        file: Path | None = None,
        appends_pix: bool = True,
    ) -> None:
        self.bank = Bank(clock, key=key, host=urlsplit(address).netloc + LOCATION, file=file)
        self._clock, self._session = clock, session
        self._credentials = (client_id, client_secret)
        self._appends_pix = appends_pix
        self._tokens: dict[str, datetime] = {}
        self._weather = Weather()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._untold: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []  # (method, path) of what was asked lately, the token's too

    def routes(self) -> list[web.RouteDef]:
        """Return what it answers to."""
        api = [
            web.put(f"{API}/{{form:cobv?}}/{{txid}}", self._put_charge),
            web.patch(f"{API}/{{form:cobv?}}/{{txid}}", self._patch_charge),
            web.get(f"{API}/{{form:cobv?}}/{{txid}}", self._get_charge),
            web.get(f"{API}/pix", self._list_pix),
            web.get(f"{API}/pix/{{e2eid}}", self._get_pix),
            web.put(f"{API}/pix/{{e2eid}}/devolucao/{{id}}", self._put_refund),
            web.get(f"{API}/pix/{{e2eid}}/devolucao/{{id}}", self._get_refund),
            web.put(f"{API}/webhook/{{key}}", self._put_webhook),
            web.get(f"{API}/webhook/{{key}}", self._get_webhook),
            web.delete(f"{API}/webhook/{{key}}", self._delete_webhook),
        ]
        return [
            web.post(TOKEN, self._outside(self._give_token)),
            *(_with_handler(route, self._outside(self._behind_token(route.handler))) for route in api),
            web.post("/sandbox/bank/read", _refusing(self._read_code)),
            web.post("/sandbox/bank/pay", _refusing(self._pay_code)),
            web.post("/sandbox/bank/weather", _refusing(self._change_weather)),
        ]

    @property
    def weather(self) -> Weather:
        """How it behaves now."""
        return self._weather

    async def set_weather(self, weather: Weather) -> None:
        """Behave otherwise from now on. What was held back is told once it is `on_time` again, the newest first."""
        self._weather = weather
        (self._thawed.clear if weather.frozen else self._thawed.set)()
        if weather.webhook != "held":
            untold, self._untold = self._untold[::-1], []
            for pix in untold:
                await self._tell(pix)

    async def pay(self, txid: str, amount_cents: int | None = None) -> dict[str, Any]:
        """Pay a charge, wholly or in another amount, and tell the webhook. Raises NotPayable."""
        pix = self.bank.pay(txid, amount_cents)
        await self._tell(pix)
        return pix

    async def finish_refund(self, end_to_end_id: str, id: str, *, done: bool = True) -> dict[str, Any]:
        """Bring a refund to its end and tell the webhook; return the payment."""
        pix = self.bank.finish_refund(end_to_end_id, id, status="DEVOLVIDO" if done else "NAO_REALIZADO")
        await self._tell(pix)
        return pix

    async def take_back(
        self, end_to_end_id: str, amount_cents: int, *, natureza: str = "MED_FRAUDE", id: str = "med1"
    ) -> dict[str, Any]:
        """Money leaves without the creditor's asking: the central bank's special return mechanism (MED)."""
        pix = self.bank.refund(end_to_end_id, amount_cents, id=id, natureza=natureza)
        await self._tell(pix)
        return pix

    async def pay_code(self, code: str, amount_cents: int | None = None) -> dict[str, Any]:
        """Pay a copy-and-paste code, dynamic or static, as a banking app does. Raises NotPayable."""
        txid, asked = self._look_up(code)
        if asked is None:  # dynamic
            return await self.pay(txid, amount_cents)
        if amount_cents is None and asked == 0:
            raise NotPayable("no_amount")
        pix = self.bank.pay_key(amount_cents or asked, txid=txid or None)
        await self._tell(pix)
        return pix

    def _look_up(self, code: str) -> tuple[str, int | None]:
        """The txid behind a code; with a static one also its amount (0: open)."""
        read = read_code(code)
        if isinstance(read, NotACode):
            raise NotPayable("unreadable")
        if read.location is not None:
            for txid, charge in self.bank.charges.items():
                if charge["location"] == read.location:
                    return txid, None
            raise NotPayable("unknown")
        if read.key != self.bank.key:
            raise NotPayable("unknown")
        return read.txid or "", read.amount_cents or 0

    async def _tell(self, pix: dict[str, Any]) -> None:
        """Call the creditor's webhook, once, and as the weather is."""
        webhook = self.bank.webhooks.get(pix["chave"])
        if webhook is None or "txid" not in pix or self._weather.webhook == "lost":
            return
        if self._weather.webhook == "held":
            self._untold.append(pix)
            return
        for _ in range(2 if self._weather.webhook == "doubled" else 1):
            await self._call(webhook["webhookUrl"] + ("/pix" if self._appends_pix else ""), {"pix": [pix]})

    async def _call(self, url: str, body: dict[str, Any]) -> int:
        """Return the status of a call to the creditor, 0 if there is none; it is not repeated."""
        try:
            async with self._session.post(url, json=body, timeout=_CALLBACK) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("sandbox.webhook_not_taken", error=type(error).__name__)
            return 0

    def _outside(self, handler: Handler) -> Handler:
        """The weather around a handler, and its refusals in the API's form."""

        async def answer(request: web.Request) -> web.StreamResponse:
            self.requests.append((request.method, request.path))
            del self.requests[:-_REQUESTS_REMEMBERED]
            await self._thawed.wait()
            if self._weather.down is not None:
                return web.Response(
                    status=self._weather.down,
                    text="<html><h1>Service Unavailable</h1></html>",
                    content_type="text/html",
                )
            response = await _refusing(handler)(request)
            if self._weather.answers_lost and request.path != TOKEN:
                self._weather = replace(self._weather, answers_lost=self._weather.answers_lost - 1)
                assert request.transport is not None
                request.transport.abort()
            return response

        return answer

    def _behind_token(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            good_until = self._tokens.get(token)
            if kind != "Bearer" or good_until is None or self._clock.now() >= good_until:
                # The gateway's own form, as with real banks: not RFC 7807.
                return _json(
                    {"error": "invalid_token", "error_description": "The access token is unknown or expired"}, 401
                )
            return await handler(request)

        return answer

    async def _give_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        scheme, _, packed = request.headers.get("Authorization", "").partition(" ")
        try:
            given = tuple(base64.b64decode(packed, validate=True).decode().split(":", 1))
        except (binascii.Error, UnicodeDecodeError):
            given = ()
        if scheme != "Basic" or given != self._credentials:
            return _json({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "client_credentials":
            return _json({"error": "unsupported_grant_type"}, 400)
        if "cobv" in str(form.get("scope")) and not self._weather.due_charges:
            return _json({"error": "invalid_scope"}, 400)
        token = secrets.token_urlsafe(24)
        self._tokens = {held: until for held, until in self._tokens.items() if until > self._clock.now()}
        self._tokens[token] = self._clock.now() + _TOKEN_LIFE
        return _json({"access_token": token, "token_type": "Bearer", "expires_in": int(_TOKEN_LIFE.total_seconds())})

    async def _put_charge(self, request: web.Request) -> web.Response:
        asked, body = request.match_info, await _body(request)
        return _json(self.bank.put_charge(asked["txid"], body, self._form(request)), 201)

    async def _patch_charge(self, request: web.Request) -> web.Response:
        asked, body = request.match_info, await _body(request)
        return _json(self.bank.remove_charge(asked["txid"], body, self._form(request)))

    async def _get_charge(self, request: web.Request) -> web.Response:
        return _json(self.bank.charge(request.match_info["txid"], self._form(request)))

    def _form(self, request: web.Request) -> str:
        """The charge's form. Raises Problem where the contract does not include it."""
        form = request.match_info["form"]
        if form == "cobv" and not self._weather.due_charges:
            raise Problem(403, "AcessoNegado", "O contrato não inclui cobranças com vencimento.")
        return form

    async def _list_pix(self, request: web.Request) -> web.Response:
        return _json(self.bank.list_pix(request.query))

    async def _get_pix(self, request: web.Request) -> web.Response:
        return _json(self.bank.pix(request.match_info["e2eid"]))

    async def _put_refund(self, request: web.Request) -> web.Response:
        end_to_end_id, id = request.match_info["e2eid"], request.match_info["id"]
        made = self.bank.put_refund(end_to_end_id, id, await _body(request))
        if self._weather.refunds != "waiting":
            await self.finish_refund(end_to_end_id, id, done=self._weather.refunds == "done")
        return _json(made, 201)

    async def _get_refund(self, request: web.Request) -> web.Response:
        return _json(self.bank.refund_of(request.match_info["e2eid"], request.match_info["id"]))

    async def _put_webhook(self, request: web.Request) -> web.Response:
        key, body = request.match_info["key"], await _body(request)
        url = body.get("webhookUrl")
        if key != self.bank.key or not isinstance(url, str):
            raise Problem(400, "RequisicaoInvalida", "chave ou webhookUrl inválida.")
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise Problem(400, "WebhookOperacaoInvalida", "A URL do webhook tem de ser https.")
        # Many banks look first whether somebody answers there.
        if not 200 <= await self._call(url, {"evento": "teste_webhook"}) < 300:
            raise Problem(400, "WebhookOperacaoInvalida", "A URL do webhook não respondeu.")
        self.bank.set_webhook(key, url)
        return web.Response(status=200)

    async def _get_webhook(self, request: web.Request) -> web.Response:
        found = self.bank.webhooks.get(request.match_info["key"])
        if found is None:
            raise Problem(404, "WebhookNaoEncontrado", "Webhook não encontrado para a chave informada.")
        return _json(found)

    async def _delete_webhook(self, request: web.Request) -> web.Response:
        self.bank.set_webhook(request.match_info["key"], None)
        return web.Response(status=204)

    async def _read_code(self, request: web.Request) -> web.Response:
        """What a banking app shows before the person confirms."""
        try:
            txid, asked = self._look_up(str((await _body(request)).get("code", "")))
        except NotPayable as no:
            return _json({"refused": no.reason}, 409)
        amount = asked if asked is not None else cents_of(self.bank.charge(txid)["valor"]["original"])
        return _json({"amount_cents": amount, "fixed": asked is None})

    async def _pay_code(self, request: web.Request) -> web.Response:
        body = await _body(request)
        amount = body.get("amount_cents")
        if amount is not None and (type(amount) is not int or amount < 1):
            return _json({"refused": "amount"}, 409)
        try:
            pix = await self.pay_code(str(body.get("code", "")), amount)
        except NotPayable as no:
            return _json({"refused": no.reason}, 409)
        return _json(
            {"end_to_end_id": pix["endToEndId"], "amount_cents": cents_of(pix["valor"]), "paid_at": pix["horario"]}
        )

    async def _change_weather(self, request: web.Request) -> web.Response:
        try:
            weather = Weather(**await _body(request))
        except TypeError:
            return _json({"error": "unknown weather"}, 400)
        await self.set_weather(weather)
        return web.Response(status=204)


def _with_handler(route: web.RouteDef, handler: Handler) -> web.RouteDef:
    """Return the route with another handler around the one it has."""
    return web.RouteDef(route.method, route.path, handler, route.kwargs)


def _refusing(handler: Handler) -> Handler:
    """The handler, its refusals in the API's form."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return _json(problem.document(), problem.status, "application/problem+json")

    return answer


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "RequisicaoInvalida", "O corpo não é um objeto JSON.")
    return body


def _json(document: Any, status: int = 200, content_type: str = "application/json") -> web.Response:
    return web.Response(
        body=json.dumps(document, ensure_ascii=False).encode(), status=status, content_type=content_type
    )
