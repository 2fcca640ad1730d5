"""Who is asking: the session behind a cookie, the roles a page is for, and the token that each form carries.

The cookie is random, readable by no script, sent by no foreign page's form; stored is only its hash.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias, cast

from aiohttp import web
from yarl import URL

from bot.parts import PARTS, Parts
from bot.store import sessions, users
from bot.store.sessions import Session
from bot.store.users import Role, User
from bot.web.forms import read_form
from bot.web.rendering import notice

COOKIE = "acerto"
LASTS = timedelta(hours=12)
DEMO_NAME, DEMO_SECOND = "Helena", "Otávio"
_UNSAFE = ("POST", "PUT", "PATCH", "DELETE")

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Guarded: TypeAlias = Callable[[web.Request, Session], Awaitable[web.StreamResponse]]


def needs(*roles: Role) -> Callable[[Guarded], Handler]:
    """Let only people of `roles` in (administrators always), and forms only with their token."""

    def guard(handler: Guarded) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            session = await current(request)
            if session is None:
                return await _come_in(request)
            if session.role not in (*roles, "admin"):
                return _not_yours(request, session)
            if _needs_second_factor(request, session):
                return web.Response(status=303, headers={"Location": "/account"})
            if request.method in _UNSAFE and not await _carries_token(request, session):
                return _stale(request)
            return await handler(request, session)

        return guarded

    return guard


async def current(request: web.Request) -> Session | None:
    """Return the session of this request."""
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        return await sessions.find(conn, token, parts.clock.now())


async def begin(request: web.Request, response: web.StreamResponse, user: User) -> None:
    """Begin a session for `user` and give its cookie with `response`. An earlier one of this browser ends."""
    parts = request.app[PARTS]
    token, now = secrets.token_urlsafe(32), parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        await sessions.end(conn, request.cookies.get(COOKIE, ""))
        await sessions.begin(
            conn, token=token, csrf_token=secrets.token_urlsafe(24), user_id=user.id, now=now, expires_at=now + LASTS
        )
    response.set_cookie(
        COOKIE, token, max_age=int(LASTS.total_seconds()), httponly=True, samesite="Lax", secure=is_https(parts)
    )


async def end(request: web.Request, response: web.StreamResponse) -> None:
    """End the session of this request, here and in the browser."""
    async with request.app[PARTS].pool.acquire() as conn:
        await sessions.end(conn, request.cookies.get(COOKIE, ""))
    response.del_cookie(COOKIE, httponly=True, samesite="Lax", secure=is_https(request.app[PARTS]))


async def begin_demo(request: web.Request, response: web.StreamResponse, *, second: bool = False) -> None:
    """Begin a session of one of the demo's two people, who have no password: one does everything, the second is of
    finance, to approve what the first submitted."""
    parts = request.app[PARTS]
    assert parts.demo
    async with parts.pool.acquire() as conn:
        name, role = (DEMO_SECOND, "finance") if second else (DEMO_NAME, "admin")
        await users.add(conn, name=name, role=cast(Role, role), password_hash=None, now=parts.clock.now())
        user = await users.find(conn, name)
    assert user is not None
    await begin(request, response, user)


def is_https(parts: Parts) -> bool:
    """Return whether people reach this program by HTTPS."""
    return parts.settings.public_url.startswith("https://")


def by_htmx(request: web.Request) -> bool:
    """Return whether a part of a page asks, not the page."""
    return "HX-Request" in request.headers


async def _come_in(request: web.Request) -> web.StreamResponse:
    if request.app[PARTS].demo and request.method == "GET":
        response: web.StreamResponse = web.Response(status=303, headers={"Location": str(request.rel_url)})
        await begin_demo(request, response)
        return response
    asked_for = request.path_qs if request.method == "GET" and not by_htmx(request) else "/desk"
    login = str(URL("/login").with_query(next=asked_for))
    if by_htmx(request) or request.headers.get("Accept") == "text/event-stream":
        return web.Response(status=401, headers={"HX-Redirect": login})
    return web.Response(status=303, headers={"Location": login})


def _needs_second_factor(request: web.Request, session: Session) -> bool:
    """Whether this person has to set theirs up before anything else. The demo's person has no phone."""
    parts = request.app[PARTS]
    if parts.settings.second_factor != "required" or parts.demo or session.has_second_factor:
        return False
    return not request.path.startswith("/account") and request.path != "/logout"


async def _carries_token(request: web.Request, session: Session) -> bool:
    given = (await read_form(request)).get("csrf", "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), session.csrf_token.encode())


def _not_yours(request: web.Request, session: Session) -> web.StreamResponse:
    if session.role == "finance" and request.path == "/desk" and request.method == "GET":  # whoever logs in comes here
        return web.Response(status=303, headers={"Location": "/finance/payments"})
    return notice(
        request,
        title="This page is not for you",
        text="Your name has another role here. Whoever looks after Acerto in your company can change it.",
        status=403,
        link=("/desk", "To the desk"),
    )


def _stale(request: web.Request) -> web.Response:
    return notice(
        request,
        title="This page has been open for too long",
        text="Nothing was done. Open it again and repeat what you wanted.",
        status=403,
        link=("/desk", "To the desk"),
    )
