"""The line to the company's login provider (OpenID Connect): what it says of itself, its keys, a code for an id token.

Every answer is bounded in time and size, no redirect is followed, and what is not encrypted is spoken on loopback only.
Nothing that is said is judged here, and neither codes nor tokens are logged.
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote_plus

import aiohttp
import msgspec
import structlog

from bot.settings import Oidc, is_private

_DISCOVERY = "/.well-known/openid-configuration"
_BODY_BYTES = 256 * 1024
_DEADLINE = aiohttp.ClientTimeout(total=10, sock_connect=5)
_AT_ONCE = 8  # exchanges; who knocks for fun must not take the connections of the messages
_KEPT_S = 3600.0
_KEYS_AGAIN_S = 60.0  # an unknown key makes us look again, but not for everybody who invents one
T = TypeVar("T")
log = structlog.get_logger(__name__)


class ProviderAway(Exception):
    """The provider did not answer, or with something that nothing can be built on; trying again later is safe."""


class CodeRefused(Exception):
    """The provider does not take this code (used, too old, of another browser), or not our client id and secret."""


class About(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Keys(msgspec.Struct, frozen=True):
    keys: tuple[dict[str, Any], ...]


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


class Provider:
    """The line to one provider. Lives as long as the process; `session` is the process's own."""

    def __init__(self, oidc: Oidc, session: aiohttp.ClientSession) -> None:
        self._oidc, self._session = oidc, session
        self._about: tuple[float, About] | None = None  # the loop's clock
        self._keys: tuple[float, tuple[dict[str, Any], ...]] | None = None
        self._looked_again = -math.inf
        self._exchanging = asyncio.Semaphore(_AT_ONCE)

    async def about(self) -> About:
        """Return what the provider says of itself, an hour old at most. Raises ProviderAway."""
        if self._about is None or _now() >= self._about[0] + _KEPT_S:
            found = await self._read(self._oidc.issuer.rstrip("/") + _DISCOVERY, About)
            if found.issuer != self._oidc.issuer:
                raise ProviderAway("it calls itself by another name; write ACERTO_OIDC_ISSUER exactly as it does")
            for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                if not is_private(address):
                    raise ProviderAway("it names an address without https")
            self._about = (_now(), found)
        return self._about[1]

    async def keys(self, *, newer: bool = False) -> tuple[dict[str, Any], ...]:
        """Return the provider's public keys; `newer`: not those that are known. Raises ProviderAway."""
        again = newer and _now() >= self._looked_again + _KEYS_AGAIN_S
        if again:
            self._looked_again = _now()
        if again or self._keys is None or _now() >= self._keys[0] + _KEPT_S:
            self._keys = (_now(), (await self._read((await self.about()).jwks_uri, _Keys)).keys)
        return self._keys[1]

    async def exchange(self, code: str, *, verifier: str, back: str) -> str:
        """Return the id token for a code (RFC 6749, 4.1.3; RFC 7636, 4.5). Raises CodeRefused or ProviderAway."""
        if self._exchanging.locked():
            raise ProviderAway("too many at once")
        async with self._exchanging:
            about = await self.about()
            form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
            name, secret = self._oidc.client_id, str(self._oidc.client_secret)
            headers = {}
            if "client_secret_basic" in about.token_endpoint_auth_methods_supported:
                headers["Authorization"] = aiohttp.encode_basic_auth(quote_plus(name), quote_plus(secret))
            else:
                form |= {"client_id": name, "client_secret": secret}
            status, body = await self._ask("POST", about.token_endpoint, data=form, headers=headers)
        if status in (400, 401, 403):
            raise CodeRefused
        return _parsed(status, body, _Tokens).id_token

    async def _read(self, address: str, form: type[T]) -> T:
        status, body = await self._ask("GET", address)
        return _parsed(status, body, form)

    async def _ask(
        self,
        method: str,
        address: str,
        *,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        try:
            async with self._session.request(
                method,
                address,
                data=data,
                headers={"Accept": "application/json", **(headers or {})},
                timeout=_DEADLINE,
                allow_redirects=False,
            ) as response:
                body = b""
                while len(body) <= _BODY_BYTES and not response.content.at_eof():
                    body += await response.content.read(_BODY_BYTES + 1 - len(body))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("oidc.silent", method=method, error=type(error).__name__)
            raise ProviderAway(f"no answer ({type(error).__name__})") from error
        if len(body) > _BODY_BYTES:
            raise ProviderAway("an answer without end")
        return response.status, body


def _parsed(status: int, body: bytes, form: type[T]) -> T:
    if status != 200:
        raise ProviderAway(f"status {status}")
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProviderAway("an answer that is none") from error


def _now() -> float:
    return asyncio.get_running_loop().time()
