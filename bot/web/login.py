"""The door for the company's people: name and password in, session out; out again with one click.

What is wrong is never said in detail: an unknown name and a wrong password read the same and take as long.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

import structlog
from aiohttp import web

from bot.parts import PARTS, Parts
from bot.store import second_factors, users
from bot.store.sessions import Session
from bot.web import first_codes, passwords, second_factor, sessions
from bot.web.attempts import Attempts
from bot.web.forms import read_form
from bot.web.local_path import HOME, local_path
from bot.web.rendering import page, say

_FORM_COOKIE = "acerto_form"
_FIRST = "acerto user code NAME --role admin"
_SECOND_S, _PASSED_MAX = 300, 120
_LOOPBACK = ("127.0.0.1", "::1")
ATTEMPTS: web.AppKey[Attempts] = web.AppKey("attempts", Attempts)
log = structlog.get_logger(__name__)


async def show(request: web.Request) -> web.Response:
    """The form; where nobody has a login yet, how the first comes in."""
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        is_anybody = parts.demo or parts.settings.oidc.issuer or await users.is_anybody(conn)
    problem = None if is_anybody else "Nobody has a login yet. The machine's owner gives the first code with: {command}"
    return _form(request, asked_for=local_path(request.query.get("next")), problem=problem)


async def log_in(request: web.Request) -> web.StreamResponse:
    """Name and password; or, in the demo, one click."""
    parts, form = request.app[PARTS], await read_form(request)
    asked_for = local_path(form.get("next"))
    if not _is_our_form(request, form.get("token", "")):
        return _form(request, asked_for=asked_for, problem="Please try once more.", status=403)
    if parts.demo and "demo" in form:
        response = web.Response(status=303, headers={"Location": asked_for})
        await sessions.begin_demo(request, response, second=form["demo"] == "finance")
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
    return await admit(request, user, asked_for=asked_for)


async def second(request: web.Request) -> web.StreamResponse:
    """The code of the person's phone, or one of their recovery codes, after name and password."""
    parts, form = request.app[PARTS], await read_form(request)
    asked_for, now = local_path(form.get("next")), parts.clock.now()
    user_id = _passed(request, form.get("passed", ""))
    if not _is_our_form(request, form.get("token", "")) or user_id is None:
        return _form(request, asked_for=asked_for, problem="Please try once more.", status=403)
    name, address = f"second factor {user_id}", _address(request)
    if request.app[ATTEMPTS].too_many(name, address, now):
        problem = "Too many attempts. Wait a few minutes."
        return _second(request, user_id, asked_for=asked_for, problem=problem, status=429)
    request.app[ATTEMPTS].note(name, address, now)
    async with parts.pool.acquire() as conn, conn.transaction():
        user = await users.of_id(conn, user_id)
        is_right = user is not None and await is_right_code(conn, parts, user_id, form.get("code", ""), now)
    if user is None or not is_right:
        log.info("login.second_refused", user_id=user_id)
        return _second(request, user_id, asked_for=asked_for, problem="This code is not right.", status=403)
    request.app[ATTEMPTS].forget(name, address)
    return await _come_in(request, user, asked_for=asked_for)


async def show_first(request: web.Request) -> web.Response:
    """The form for whoever was given a code and has no password yet."""
    return _form(request, template="login_first.html", asked_for=HOME)


async def first(request: web.Request) -> web.StreamResponse:
    """Code and new password: in."""
    parts, form = request.app[PARTS], await read_form(request)
    template, now, password = "login_first.html", parts.clock.now(), form.get("password", "")
    if not _is_our_form(request, form.get("token", "")):
        return _form(request, template=template, asked_for=HOME, problem="Please try once more.", status=403)
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        return _form(request, template=template, asked_for=HOME, problem="Ten characters at least.", status=422)
    if password != form.get("again", ""):
        return _form(request, template=template, asked_for=HOME, problem="The two are not the same.", status=422)
    address = _address(request)
    if request.app[ATTEMPTS].too_many("first code", address, now):
        problem = "Too many attempts. Wait a few minutes."
        return _form(request, template=template, asked_for=HOME, problem=problem, status=429)
    request.app[ATTEMPTS].note("first code", address, now)
    password_hash = await passwords.hashed(password)
    async with parts.pool.acquire() as conn, conn.transaction():
        user = await first_codes.use(conn, form.get("code", ""), password_hash, now=now)
    if user is None:
        problem = "This code is not right, or its day is over."
        return _form(request, template=template, asked_for=HOME, problem=problem, status=403)
    request.app[ATTEMPTS].forget("first code", address)
    return await admit(request, user, asked_for=HOME)  # a new password is no new phone


@sessions.needs("agent", "finance")
async def log_out(request: web.Request, _: Session) -> web.StreamResponse:
    """End the session, here and everywhere the cookie may have got to."""
    response = web.Response(status=303, headers={"Location": "/login"})
    await sessions.end(request, response)
    return response


def routes() -> list[web.RouteDef]:
    """The door's addresses."""
    return [
        web.get("/login", show),
        web.post("/login", log_in),
        web.post("/login/second", second),
        web.get("/login/first", show_first),
        web.post("/login/first", first),
        web.post("/logout", log_out),
    ]


async def admit(request: web.Request, user: users.User, *, asked_for: str) -> web.StreamResponse:
    """Let somebody in who passed the first door (a password, a first code, the company's account), or ask for their
    second factor first."""
    async with request.app[PARTS].pool.acquire() as conn:
        has_second = (await second_factors.factor(conn, user.id)).since is not None
    if has_second:
        return _second(request, user.id, asked_for=asked_for)
    return await _come_in(request, user, asked_for=asked_for)


async def _come_in(request: web.Request, user: users.User, *, asked_for: str) -> web.StreamResponse:
    response = web.Response(status=303, headers={"Location": asked_for})
    await sessions.begin(request, response, user)
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        await users.note(conn, user_id=user.id, by_id=user.id, what="logged_in", now=parts.clock.now())
    log.info("login.accepted", user_id=user.id)
    return response


async def is_right_code(conn: Any, parts: Parts, user_id: int, code: str, now: datetime) -> bool:
    """Whether this is the code of now, or a recovery code; either counts once."""
    found = await second_factors.factor(conn, user_id)
    secret = second_factor.shown(found.secret or "", parts.mac_key)
    step = second_factor.step_of(secret, code, now) if secret is not None else None
    if step is not None:
        return await second_factors.use_step(conn, user_id, step)
    return await second_factors.use_recovery(conn, user_id, code)


def _second(
    request: web.Request, user_id: int, *, asked_for: str, problem: str | None = None, status: int = 200
) -> web.Response:
    """The form for the code; it carries who passed the first door, for five minutes and in this browser only."""
    until = int(request.app[PARTS].clock.now().timestamp()) + _SECOND_S
    known = _known(request) or secrets.token_urlsafe(16)
    passed = f"{user_id}.{until}.{_mac(request, f'{known}:{user_id}:{until}')}"
    return _form(
        request,
        template="login_second.html",
        asked_for=asked_for,
        problem=problem,
        status=status,
        passed=passed,
        known=known,
    )


def _passed(request: web.Request, text: str) -> int | None:
    """Who passed the first door."""
    user_id, _, rest = text.partition(".")
    until, _, mac = rest.partition(".")
    if not (
        user_id.isascii() and user_id.isdigit() and until.isascii() and until.isdigit() and len(text) < _PASSED_MAX
    ):
        return None
    right = _mac(request, f"{_known(request)}:{user_id}:{until}")
    is_ours = hmac.compare_digest(mac.encode("utf-8", "replace"), right.encode())
    return int(user_id) if is_ours and int(until) >= request.app[PARTS].clock.now().timestamp() else None


def _mac(request: web.Request, text: str) -> str:
    return hmac.digest(request.app[PARTS].mac_key, f"second:{text}".encode(), hashlib.sha256).hex()


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


def _form(
    request: web.Request,
    *,
    asked_for: str,
    problem: str | None = None,
    status: int = 200,
    template: str = "login.html",
    passed: str = "",
    known: str = "",
) -> web.Response:
    """The form, with a token that only this browser's cookie makes: no foreign page can log anybody in."""
    parts = request.app[PARTS]
    known = known or _known(request) or secrets.token_urlsafe(16)
    response = page(
        request,
        template,
        status=status,
        asked_for=asked_for,
        token=_token(request, known),
        problem=problem and say(parts.texts, problem, command=_FIRST),
        passed=passed,
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


def _address(request: web.Request) -> str:
    """Where the request comes from; behind a proxy on this machine, what that proxy says."""
    remote = request.remote or ""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return forwarded.rsplit(",", 1)[-1].strip() if remote in _LOOPBACK and forwarded else remote
