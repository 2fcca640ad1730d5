"""A company's login provider on loopback (OpenID Connect), which a test bends out of shape."""

import base64
import hashlib
import hmac
import html
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from yarl import URL

from tests.pix_bank import NOON

CLIENT, SECRET = "acerto desk", "a secret: of the client"
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})
ANOTHER = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
ANA = {"sub": "u-1001", "email": "ana@escola-aurora.example", "email_verified": True, "name": "Ana Prado"}

Claims = dict[str, Any]


@dataclass
class LoginProvider:
    """The provider: who is logged in there, what it signs with, and how it misbehaves."""

    person: Claims = field(default_factory=lambda: dict(ANA))
    key: RSAKey | ECKey = field(default_factory=lambda: RSA)
    published: list[RSAKey | ECKey] = field(default_factory=lambda: [RSA, EC])
    signed: Callable[[Claims], str] | None = None
    bend: Callable[[Claims], None] = lambda _: None
    discovery: Claims = field(default_factory=dict)
    issuer: str = ""
    asked: list[str] = field(default_factory=list)
    away: bool = False
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def approves(self, address: str) -> str:
        """The person logs in there: return the code for the address that a browser was sent to."""
        query = dict(URL(address).query)
        assert query["client_id"] == CLIENT
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        return code

    def way_back(self, address: str, **other: str) -> str:
        """The path with which the provider sends the browser back."""
        asked = URL(address).query
        given = {"code": self.approves(address), "state": asked["state"], "iss": self.issuer, **other}
        return str(URL(URL(asked["redirect_uri"]).path).with_query({k: v for k, v in given.items() if v}))

    async def describe(self, _: web.Request) -> web.Response:
        self.asked.append("discovery")
        if self.away:
            return web.Response(status=503)
        says = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return web.json_response({**says, **self.discovery})

    async def authorize(self, request: web.Request) -> web.Response:
        """The provider's own page, on which somebody says that it is them."""
        back = URL(request.query["redirect_uri"]).origin().join(URL(self.way_back(str(request.url))))
        return web.Response(text=f'<a href="{html.escape(str(back))}">It is me</a>', content_type="text/html")

    async def keys(self, _: web.Request) -> web.Response:
        self.asked.append("keys")
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.published]})

    async def token(self, request: web.Request) -> web.Response:
        """RFC 6749, 4.1.3, and RFC 7636, 4.6: a code once, from the client that asked, with its verifier."""
        self.asked.append("token")
        if self.away:
            return web.Response(status=502, text="<html>")
        form = await request.post()
        basic = aiohttp.encode_basic_auth("acerto+desk", "a+secret%3A+of+the+client")
        is_client = request.headers.get("Authorization") == basic or (
            (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        )
        asked = self._codes.pop(str(form["code"]), None)
        challenge = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if (
            not is_client
            or asked is None
            or asked["redirect_uri"] != form["redirect_uri"]
            or asked["code_challenge"] != _base64(challenge)
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(NOON.timestamp())
        claims = {
            **self.person,
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 3600,
            "nonce": asked["nonce"],
        }
        self.bend(claims)
        sign = self.signed or self.sign
        return web.json_response({"id_token": sign(claims), "access_token": "x", "token_type": "Bearer"})

    def sign(self, claims: Claims) -> str:
        """An id token as it should be."""
        algorithm = "RS256" if isinstance(self.key, RSAKey) else "ES256"
        return jwt.encode({"alg": algorithm, "kid": self.key.kid}, claims, self.key)


def short_key() -> RSAKey:
    """Make a key that is shorter than is safe."""
    return RSAKey.generate_key(1024, {"kid": "short-1", "use": "sig"})


def by_nobody(claims: Claims) -> str:
    """With `alg: none`."""
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def by_public_key(claims: Claims) -> str:
    """With HS256, the secret being what everybody knows: the public key."""
    signed = f"{_part({'alg': 'HS256', 'kid': 'rsa-1'})}.{_part(claims)}"
    return f"{signed}.{_base64(hmac.digest(RSA.as_pem(private=False), signed.encode(), hashlib.sha256))}"


def _part(value: Claims) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@asynccontextmanager
async def login_provider() -> AsyncIterator[LoginProvider]:
    """Yield a provider that listens on loopback."""
    provider, app = LoginProvider(), web.Application()
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", provider.describe),
            web.get("/authorize", provider.authorize),
            web.get("/keys", provider.keys),
            web.post("/token", provider.token),
        ]
    )
    async with TestServer(app, host="127.0.0.1") as server:
        provider.issuer = str(server.make_url("")).rstrip("/")
        yield provider
