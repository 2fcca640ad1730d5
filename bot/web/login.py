"""The door for the company's people: name and password in, session out; out again with one click.

What is wrong is never said in detail: an unknown name and a wrong password read the same and take as long.
"""

import hashlib
import hmac
import re
import secrets

import structlog
from aiohttp import web

from bot.parts import PARTS
from bot.store import users
from bot.store.sessions import Session
from bot.web import passwords, sessions
from bot.web.attempts import Attempts
from bot.web.forms import read_form
from bot.web.rendering import page

_FORM_COOKIE = "acerto_form"
_HOME = "/desk"
_LOCAL = re.compile(r"/(?![/\\])[!-~]*")  # a path of ours, never //elsewhere
_LOOPBACK = ("127.0.0.1", "::1")
ATTEMPTS: web.AppKey[Attempts] = web.AppKey("attempts", Attempts)
log = structlog.get_logger(__name__)


async def show(request: web.Request) -> web.Response:
    """The form."""
    return _form(request, asked_for=_local(request.query.get("next")))


async def log_in(request: web.Request) -> web.StreamResponse:
    """Name and password; or, in the demo, one click."""
    parts, form = request.app[PARTS], await read_form(request)
    asked_for = _local(form.get("next"))
    if not _is_our_form(request, form.get("token", "")):
        return _form(request, asked_for=asked_for, problem="Please try once more.", status=403)
    response = web.Response(status=303, headers={"Location": asked_for})
    if parts.demo and "demo" in form:
        await sessions.begin_demo(request, response)
        return response
    name, address, now = form.get("name", "").strip()[:200], _address(request), parts.clock.now()
    if request.app[ATTEMPTS].too_many(name, address, now):
        return _form(request, asked_for=asked_for, problem="Too many attempts. Wait a few minutes.", status=429)
    request.app[ATTEMPTS].note(name, address, now)  # before the check: two at once count as two
    user = await _checked(request, name, form.get("password", ""))
    if user is None:
        log.info("login.refused")
        return _form(request, asked_for=asked_for, problem="Name or password is not right.", status=403)
    request.app[ATTEMPTS].forget(name, address)
    await sessions.begin(request, response, user)
    log.info("login.accepted", user_id=user.id)
    return response


@sessions.needs("agent", "finance")
async def log_out(request: web.Request, _: Session) -> web.StreamResponse:
    """End the session, here and everywhere the cookie may have got to."""
    response = web.Response(status=303, headers={"Location": "/login"})
    await sessions.end(request, response)
    return response


def routes() -> list[web.RouteDef]:
    """The door's addresses."""
    return [web.get("/login", show), web.post("/login", log_in), web.post("/logout", log_out)]


async def _checked(request: web.Request, name: str, password: str) -> users.User | None:
    pool = request.app[PARTS].pool
    async with pool.acquire() as conn:
        user = await users.find(conn, name.replace("\0", ""))
    checked = await passwords.check(user.password_hash if user else None, password)
    if user is None or not checked.right:
        return None
    if checked.newer_hash is not None:
        async with pool.acquire() as conn:
            await users.set_hash(conn, user.id, checked.newer_hash)
    return user


def _form(request: web.Request, *, asked_for: str, problem: str | None = None, status: int = 200) -> web.Response:
    """The form, with a token that only this browser's cookie makes: no foreign page can log anybody in."""
    parts = request.app[PARTS]
    known = _known(request) or secrets.token_urlsafe(16)
    response = page(
        request,
        "login.html",
        status=status,
        asked_for=asked_for,
        token=_token(request, known),
        problem=problem and parts.texts(problem),
    )
    response.set_cookie(_FORM_COOKIE, known, httponly=True, samesite="Lax", secure=sessions.is_https(parts))
    return response


def _token(request: web.Request, known: str) -> str:
    return hmac.digest(request.app[PARTS].mac_key, f"login:{known}".encode(), hashlib.sha256).hex()


def _is_our_form(request: web.Request, token: str) -> bool:
    known = _known(request)
    return bool(known) and hmac.compare_digest(token.encode("utf-8", "replace"), _token(request, known).encode())


def _known(request: web.Request) -> str:
    """What we gave this browser to be known by; nothing where it sends what cannot be ours."""
    known = request.cookies.get(_FORM_COOKIE, "")
    return known if known.isascii() else ""


def _local(asked_for: str | None) -> str:
    return asked_for if asked_for and _LOCAL.fullmatch(asked_for) else _HOME


def _address(request: web.Request) -> str:
    """Where the request comes from; behind a proxy on this machine, what that proxy says."""
    remote = request.remote or ""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return forwarded.rsplit(",", 1)[-1].strip() if remote in _LOOPBACK and forwarded else remote
