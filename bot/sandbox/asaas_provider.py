"""The stand-in Asaas over HTTP: its API, its webhook, and the weather that real ones have.

Its webhook is sequential, as Asaas's own is by default: what is not answered with exactly 200 waits at the head of the
queue, and after 15 failures in a row the queue is interrupted until a person turns it on again.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import aiohttp
import structlog
from aiohttp import web

from bot.clock import Clock
from bot.sandbox.asaas_account import AsaasAccount, Problem, shown, written

API = "/sandbox/asaas/v3"
_REQUESTS_REMEMBERED, _FAILURES = 1000, 15
_CALLBACK = aiohttp.ClientTimeout(total=10)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsaasWeather:
    """How it behaves. `down`: it answers every request with this status."""

    webhook: Literal["on_time", "lost", "doubled"] = "on_time"
    down: int | None = None
    answers_lost: int = 0  # so many answers to what changes something never arrive, although it is done
    frozen: bool = False  # requests wait until it thaws
    mixed_up: bool = False  # one payment's document for another
    added_cents: int = 0  # to each amount that it tells


class AsaasProvider:
    """The provider, to be mounted in an application. `webhook_url` is where it tells what happened."""

    def __init__(
        self,
        clock: Clock,
        session: aiohttp.ClientSession,
        *,
        token: str,
        webhook_token: str,
        webhook_url: str | None = None,
    ) -> None:
        self.account = AsaasAccount(clock)
        self.webhook_url, self.interrupted = webhook_url, False
        self.requests: list[tuple[str, str]] = []  # (method, path) of what was asked lately
        self._session, self._token, self._webhook_token = session, token, webhook_token
        self._weather, self._thawed = AsaasWeather(), asyncio.Event()
        self._thawed.set()
        self._queue: list[dict[str, Any]] = []
        self._events, self._failures = 0, 0

    def routes(self) -> list[web.RouteDef]:
        """Return what it answers to."""
        return [
            web.post(f"{API}/customers", self._guarded(self._make_customer)),
            web.put(f"{API}/customers/{{id}}", self._guarded(self._change_customer)),
            web.get(f"{API}/customers", self._guarded(self._list_customers)),
            web.post(f"{API}/payments", self._guarded(self._make_payment)),
            web.get(f"{API}/payments", self._guarded(self._list_payments)),
            web.get(f"{API}/payments/{{id}}", self._guarded(self._get_payment)),
            web.delete(f"{API}/payments/{{id}}", self._guarded(self._delete_payment)),
            web.get(f"{API}/payments/{{id}}/pixQrCode", self._guarded(self._pix_code)),
            web.get(f"{API}/payments/{{id}}/identificationField", self._guarded(self._boleto)),
            web.post(f"{API}/payments/{{id}}/refund", self._guarded(self._refund)),
            web.get(f"{API}/webhooks", self._guarded(self._list_webhooks)),
        ]

    async def set_weather(self, weather: AsaasWeather) -> None:
        """Behave otherwise from now on."""
        self._weather = weather
        (self._thawed.clear if weather.frozen else self._thawed.set)()

    async def pay(self, txid: str, how: str = "PIX", amount_cents: int | None = None) -> dict[str, Any]:
        """Pay by PIX, BOLETO or CREDIT_CARD, and tell the webhook. Raises NotPayable."""
        payment = self.account.pay(txid, how, amount_cents)
        await self.tell("PAYMENT_CONFIRMED" if how == "CREDIT_CARD" else "PAYMENT_RECEIVED", payment)
        return payment

    async def tell(self, event: str, payment: dict[str, Any]) -> None:
        """Put an event into the webhook's queue, and call until one call fails."""
        self._events += 1
        told = {"id": f"evt_{self._events:032x}", "event": event, "payment": shown(payment)}
        if self._weather.webhook == "lost" or self.webhook_url is None:
            return
        self._queue += [told] * (2 if self._weather.webhook == "doubled" else 1)
        await self.call_again()

    async def call_again(self) -> None:
        """Call with what waits, in order; the real one does so after 30 seconds, a minute, and so on."""
        while self._queue and not self.interrupted:
            if await self._call(self._queue[0]) != 200:
                self._failures += 1
                self.interrupted = self._failures >= _FAILURES
                return
            self._failures = 0
            del self._queue[0]

    async def _call(self, event: dict[str, Any]) -> int:
        headers = {"asaas-access-token": self._webhook_token, "Content-Type": "application/json"}
        try:
            async with self._session.post(
                str(self.webhook_url), data=written(json.dumps(event)), headers=headers, timeout=_CALLBACK
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("sandbox.webhook_not_taken", error=type(error).__name__)
            return 0

    def _guarded(self, handler: Handler) -> Handler:
        """The weather, the key and the refusals around a handler."""

        async def answer(request: web.Request) -> web.StreamResponse:
            self.requests.append((request.method, request.path.removeprefix(API)))
            del self.requests[:-_REQUESTS_REMEMBERED]
            await self._thawed.wait()
            if self._weather.down is not None:
                return web.Response(status=self._weather.down, text="<html>", content_type="text/html")
            try:
                self._let_in(request)
                response = await handler(request)
            except Problem as problem:
                errors = [{"code": problem.code, "description": problem.description}]
                return self._json({"errors": errors}, problem.status)
            if self._weather.answers_lost and request.method != "GET":
                self._weather = replace(self._weather, answers_lost=self._weather.answers_lost - 1)
                assert request.transport is not None
                request.transport.abort()
            return response

        return answer

    def _let_in(self, request: web.Request) -> None:
        if request.headers.get("access_token") != self._token:
            raise Problem(401, "invalid_access_token")
        if request.headers.get("User-Agent", "").startswith(("Python", "aiohttp")):
            raise Problem(400, "invalid_user_agent")
        if request.method == "GET" and request.can_read_body:
            raise Problem(403, "forbidden")

    async def _make_customer(self, request: web.Request) -> web.Response:
        return self._json(self.account.make_customer(await _body(request)))

    async def _change_customer(self, request: web.Request) -> web.Response:
        return self._json(self.account.change_customer(request.match_info["id"], await _body(request)))

    async def _list_customers(self, request: web.Request) -> web.Response:
        return self._json(self.account.list_customers(request.query))

    async def _make_payment(self, request: web.Request) -> web.Response:
        payment = self.account.make_payment(await _body(request))
        await self.tell("PAYMENT_CREATED", payment)
        return self._json(payment)

    async def _list_payments(self, request: web.Request) -> web.Response:
        return self._json(self.account.list_payments(request.query))

    async def _get_payment(self, request: web.Request) -> web.Response:
        payment = self.account.payment(request.match_info["id"])
        if self._weather.mixed_up:
            payment = next(p for p in reversed(self.account.payments.values()) if p is not payment)
        return self._json(payment)

    async def _delete_payment(self, request: web.Request) -> web.Response:
        deleted = self.account.delete_payment(request.match_info["id"])
        await self.tell("PAYMENT_DELETED", self.account.payments[deleted["id"]])
        return self._json(deleted)

    async def _pix_code(self, request: web.Request) -> web.Response:
        return self._json(self.account.pix_code(request.match_info["id"]))

    async def _boleto(self, request: web.Request) -> web.Response:
        return self._json(self.account.boleto(request.match_info["id"]))

    async def _refund(self, request: web.Request) -> web.Response:
        payment = self.account.refund(request.match_info["id"], await _body(request))
        whole = payment["status"] == "REFUNDED"
        await self.tell("PAYMENT_REFUNDED" if whole else "PAYMENT_PARTIALLY_REFUNDED", payment)
        return self._json(payment)

    async def _list_webhooks(self, request: web.Request) -> web.Response:
        told = {"id": "1", "url": self.webhook_url, "enabled": True, "interrupted": self.interrupted}
        return self._json({"object": "list", "hasMore": False, "data": [told] if self.webhook_url else []})

    def _json(self, document: dict[str, Any], status: int = 200) -> web.Response:
        if self._weather.added_cents and "value" in document:
            document = {**document, "value": document["value"] + self._weather.added_cents}
        text = written(json.dumps(shown(document), ensure_ascii=False))
        return web.Response(text=text, status=status, content_type="application/json")


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read(), parse_float=Decimal)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "invalid_json")
    return body
