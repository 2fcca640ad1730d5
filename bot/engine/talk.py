"""Drives a provider's conversation over HTTP: adds the credentials, keeps to deadlines, and says honestly when nobody
answered.

API Pix: OAuth2 client credentials with one token for the process, fetched once however many conversations want it; TLS
with the creditor's certificate where the bank asks for it. Asaas: its key in a header. Neither bodies nor identifiers
are logged.
"""

import asyncio
import json
import math
import ssl
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import structlog

from bot.settings import Pix
from payments.providers.protocol import Answer, Conversation, NotAuthorized, Request, TryLater

_USER_AGENT = "acerto"  # Asaas wants one that names the program
SCOPES = "cob.read cob.write cobv.read cobv.write pix.read pix.write webhook.read webhook.write"
_FEWER_SCOPES = "cob.read cob.write pix.read webhook.read webhook.write"  # contracts without cobv and refunds
_BODY_BYTES = 4 * 1024 * 1024
_TOKEN_MARGIN_S = 60.0  # a token this near to its end is not used any more
_TOKEN_S = 300.0  # how long a token lives whose bank does not say
T = TypeVar("T")
log = structlog.get_logger(__name__)


class Away(Exception):
    """Nobody answered.

    `repeat_is_safe`: the request surely was not carried out, or carrying it out twice is the same as once.
    """

    def __init__(self, why: str, *, repeat_is_safe: bool) -> None:
        super().__init__(why)
        self.repeat_is_safe = repeat_is_safe


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    good_until: float  # the loop's clock


class Talk:
    """The line to one provider. Lives as long as the process; `session` is the process's own."""

    def __init__(
        self, pix: Pix, session: aiohttp.ClientSession, *, connect_s: float = 5.0, answer_s: float = 10.0
    ) -> None:
        self._pix, self._session = pix, session
        self._deadline = aiohttp.ClientTimeout(total=answer_s, sock_connect=connect_s)
        self._token: _Token | None = None
        self._fetching = asyncio.Lock()
        self._tls = _tls(pix) if pix.mode == "api" else True

    async def drive(self, conversation: Conversation[T]) -> T:
        """Hold the conversation to its end and return what it was held for.

        Raises Away, and whatever the conversation raises.
        """
        try:
            request = next(conversation)
            while True:
                request = conversation.send(await self._ask(request))
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            conversation.close()

    async def _ask(self, request: Request) -> Answer:
        """One request with the provider's credentials."""
        if self._pix.mode == "asaas":
            credentials = {"access_token": str(self._pix.asaas_token), "User-Agent": _USER_AGENT}
            return await self._send(request, self._pix.asaas_url, credentials)
        return await self._ask_with_token(request)

    async def _ask_with_token(self, request: Request) -> Answer:
        """One request with a token, and once more with a fresh one if the bank does not take it."""
        token = await self._bearer()
        answer = await self._send(request, self._pix.api_url, {"Authorization": f"Bearer {token}"})
        if answer.status == 401:
            token = await self._bearer(instead_of=token)
            answer = await self._send(request, self._pix.api_url, {"Authorization": f"Bearer {token}"})
        return answer

    async def _send(self, request: Request, base: str, credentials: dict[str, str]) -> Answer:
        headers = {"Accept": "application/json", **credentials}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return await self._exchange(
            request.method,
            base + request.path,
            params=dict(request.query),
            data=request.body,
            headers=headers,
        )

    async def _bearer(self, *, instead_of: str | None = None) -> str:
        """A token that is good for a while yet. Conversations that find it stale together fetch one."""
        async with self._fetching:
            held = self._token
            if held is None or held.text == instead_of or asyncio.get_running_loop().time() >= held.good_until:
                self._token = held = await self._fetch_token()
            return held.text

    async def _fetch_token(self) -> _Token:
        answer = await self._ask_for_token(SCOPES)
        if answer.status in (400, 403) and b"invalid_scope" in answer.body:  # RFC 6749, 5.2
            answer = await self._ask_for_token(_FEWER_SCOPES)
        if answer.status in (400, 401, 403):
            raise NotAuthorized("token_refused", f"status {answer.status}")
        if answer.status != 200:
            raise TryLater("no_token", f"status {answer.status}")
        return _token_in(answer)

    async def _ask_for_token(self, scopes: str) -> Answer:
        return await self._exchange(
            "POST",
            self._pix.token_url,
            data={"grant_type": "client_credentials", "scope": scopes},
            headers={
                "Accept": "application/json",
                "Authorization": aiohttp.encode_basic_auth(self._pix.client_id, str(self._pix.client_secret)),
            },
        )

    async def _exchange(self, method: str, url: str, **options: Any) -> Answer:
        """One request and its whole answer, within bounds. Raises Away."""
        try:
            async with self._session.request(
                method, url, timeout=self._deadline, ssl=self._tls, allow_redirects=False, **options
            ) as response:
                body = await response.content.read(_BODY_BYTES + 1)
                while len(body) <= _BODY_BYTES and not response.content.at_eof():
                    body += await response.content.read(_BODY_BYTES + 1 - len(body))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            log.warning("provider.unreachable", method=method, error=type(error).__name__)
            raise Away("no connection", repeat_is_safe=True) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("provider.silent", method=method, error=type(error).__name__)
            raise Away(f"no answer ({type(error).__name__})", repeat_is_safe=method == "GET") from error
        if len(body) > _BODY_BYTES:
            raise Away("an answer without end", repeat_is_safe=method == "GET")
        log.debug("provider.answered", method=method, status=response.status)
        return Answer(status=response.status, body=body)


def _tls(pix: Pix) -> ssl.SSLContext | bool:
    """What TLS shows and trusts: the creditor's certificate and the bank's authority, where they are set."""
    if pix.cert is None and pix.ca is None:
        return True
    context = ssl.create_default_context(cafile=str(pix.ca) if pix.ca else None)
    if pix.cert is not None:
        context.load_cert_chain(pix.cert, pix.cert_key)
    return context


def _token_in(answer: Answer) -> _Token:
    try:
        document = json.loads(answer.body)
        text = document["access_token"]
        seconds = float(document.get("expires_in", _TOKEN_S))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TryLater("no_token", "the answer holds none") from error
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or not math.isfinite(seconds):
        raise TryLater("no_token", "the answer holds none")
    return _Token(text, asyncio.get_running_loop().time() + max(seconds - _TOKEN_MARGIN_S, seconds / 2))
