"""In with the company's own account: off to its login provider and back (OpenID Connect, authorization code with PKCE).

Whoever begins leaves nothing here but a signed cookie; a way back is gone once, by the browser that set out. What goes
wrong is told in one kind line that says nothing of why; the log has one word for it.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog
from aiohttp import web
from yarl import URL

from bot.engine.oidc_provider import CodeRefused, Provider, ProviderAway
from bot.parts import PARTS, Parts
from bot.store import oidc
from bot.web import id_token, login, sessions
from bot.web.id_token import TokenRefused, UnknownKey
from bot.web.local_path import local_path
from bot.web.rendering import notice

PROVIDER: web.AppKey[Provider] = web.AppKey("oidc_provider", Provider)
BACK = "/login/oidc/back"
_COOKIE = "acerto_oidc"
_LASTS = timedelta(minutes=10)  # as long as somebody may look for their password
_SCOPES = "openid email profile"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outing:
    """Somebody who set out: `state` names the way, `asked_for` is where they wanted to go, `until` (seconds) they may
    come back."""

    state: str
    asked_for: str
    until: int


async def begin(request: web.Request) -> web.StreamResponse:
    """Off to the provider, with a cookie that knows the way back."""
    parts = request.app[PARTS]
    if not parts.settings.oidc.issuer:
        raise web.HTTPSeeOther("/login")
    try:
        about = await request.app[PROVIDER].about()
    except ProviderAway as error:
        return _away(request, error)
    until = parts.clock.now() + _LASTS
    outing = _Outing(
        state=secrets.token_urlsafe(32),
        asked_for=local_path(request.query.get("next")),
        until=int(until.timestamp()),
    )
    challenge = hashlib.sha256(_derived(parts, "verifier", outing.state).encode()).digest()
    address = URL(about.authorization_endpoint).update_query(
        response_type="code",
        client_id=parts.settings.oidc.client_id,
        redirect_uri=_back(parts),
        scope=_SCOPES,
        state=outing.state,
        nonce=_derived(parts, "nonce", outing.state),
        code_challenge=_base64(challenge),
        code_challenge_method="S256",
    )
    response = web.Response(status=303, headers={"Location": str(address), "Cache-Control": "no-store"})
    response.set_cookie(
        _COOKIE,
        _written(outing, parts.mac_key),
        max_age=int(_LASTS.total_seconds()),
        path=BACK,
        httponly=True,
        samesite="Lax",  # the way back begins at the provider's page
        secure=sessions.is_https(parts),
    )
    return response


async def back(request: web.Request) -> web.StreamResponse:
    """Back from the provider: in, or one kind line."""
    response = await _came_back(request)
    response.del_cookie(_COOKIE, path=BACK, httponly=True, samesite="Lax", secure=sessions.is_https(request.app[PARTS]))
    return response


def routes() -> list[web.RouteDef]:
    """The way out and back. Nobody looks at them without going."""
    return [web.get("/login/oidc", begin, allow_head=False), web.get(BACK, back, allow_head=False)]


async def _came_back(request: web.Request) -> web.StreamResponse:
    parts, query = request.app[PARTS], request.query
    now, settings = parts.clock.now(), parts.settings.oidc
    outing = _read(request.cookies.get(_COOKIE, ""), parts.mac_key)
    if not settings.issuer or outing is None or now.timestamp() >= outing.until:
        return _refused(request, "not_begun")
    if not hmac.compare_digest(query.get("state", "").encode("utf-8", "replace"), outing.state.encode()):
        return _refused(request, "state")
    if query.get("iss", settings.issuer) != settings.issuer:  # RFC 9207
        return _refused(request, "iss")
    async with parts.pool.acquire() as conn:
        until = datetime.fromtimestamp(outing.until, UTC)
        is_first = await oidc.use_state(conn, outing.state, expires_at=until, now=now)
    if not is_first or "code" not in query:
        return _refused(request, "no_code" if is_first else "replayed")
    try:
        claims = await _claims(request, outing, query["code"])
        who = id_token.identity_of(claims, settings.role_claim)
    except (CodeRefused, TokenRefused) as error:
        return _refused(request, error.why if isinstance(error, TokenRefused) else "code")
    except ProviderAway as error:
        return _away(request, error)
    return await _in(request, outing, who)


async def _claims(request: web.Request, outing: _Outing, code: str) -> Mapping[str, Any]:
    """What the provider says of whoever came back; with a key that is new to us, once more with its new ones."""
    parts, provider = request.app[PARTS], request.app[PROVIDER]
    settings, now = parts.settings.oidc, parts.clock.now()
    token = await provider.exchange(code, verifier=_derived(parts, "verifier", outing.state), back=_back(parts))
    nonce = _derived(parts, "nonce", outing.state)

    async def read(*, newer: bool) -> Mapping[str, Any]:
        return id_token.read(
            token,
            keys=await provider.keys(newer=newer),
            issuer=settings.issuer,
            client_id=settings.client_id,
            nonce=nonce,
            now=now,
        )

    try:
        return await read(newer=False)
    except UnknownKey:
        return await read(newer=True)


async def _in(request: web.Request, outing: _Outing, who: oidc.Identity) -> web.StreamResponse:
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn, conn.transaction():
        user = await oidc.admitted(conn, who, now=parts.clock.now())
    if user is None:
        log.info("login.oidc_unknown")
        return notice(
            request,
            title="Your account has no access here yet",
            text="Whoever looks after Acerto in your company can give it to you.",
            status=403,
            link=("/login", "Log in"),
        )
    return await login.admit(request, user, asked_for=outing.asked_for)


def _refused(request: web.Request, why: str) -> web.Response:
    log.info("login.oidc_refused", why=why)
    return notice(
        request,
        title="That did not work with the company's account",
        text="Nothing happened. Please try once more.",
        status=403,
        link=("/login", "Log in"),
    )


def _away(request: web.Request, error: ProviderAway) -> web.Response:
    log.warning("login.oidc_away", error=str(error))
    return notice(
        request,
        title="The company's login does not answer",
        text="Try again in a minute, or log in with your name and password here.",
        status=503,
        link=("/login", "Log in"),
    )


def _back(parts: Parts) -> str:
    return parts.settings.public_url + BACK


def _derived(parts: Parts, what: str, state: str) -> str:
    """The nonce and the verifier of a way: they follow from its name and our secret, so nobody has to keep them."""
    return _base64(hmac.digest(parts.mac_key, f"oidc {what}:{state}".encode(), hashlib.sha256))


def _written(outing: _Outing, key: bytes) -> str:
    body = msgspec.json.encode(outing)
    return f"{_base64(body)}.{_base64(hmac.digest(key, b'oidc outing:' + body, hashlib.sha256))}"


def _read(cookie: str, key: bytes) -> _Outing | None:
    """The outing of a cookie that we made."""
    body64, _, mac64 = cookie.partition(".")
    try:
        body, mac = (base64.urlsafe_b64decode(part + "==") for part in (body64, mac64))
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(mac, hmac.digest(key, b"oidc outing:" + body, hashlib.sha256)):
        return None
    return msgspec.json.decode(body, type=_Outing)


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
