"""One's own account: the second factor, the password, and where one is logged in."""

from datetime import datetime
from typing import Any

import structlog
from aiohttp import web

from bot.parts import PARTS
from bot.store import second_factors, sessions, users
from bot.store.sessions import Session
from bot.web import passwords, second_factor
from bot.web.forms import read_form
from bot.web.login import ATTEMPTS, is_right_code
from bot.web.rendering import dated, page
from bot.web.sessions import COOKIE, needs
from payments.qr import qr_png

_QR_PIXELS = 220
log = structlog.get_logger(__name__)


@needs("agent", "finance")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """The account as it is."""
    return await _page(request, session)


@needs("agent", "finance")
async def propose(request: web.Request, session: Session) -> web.StreamResponse:
    """Begin to set the second factor up."""
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        hidden = second_factor.hidden(second_factor.new_secret(), parts.mac_key)
        await second_factors.propose(conn, session.user_id, hidden)
    return _back()


@needs("agent", "finance")
async def picture(request: web.Request, session: Session) -> web.StreamResponse:
    """The QR code of a secret that is not confirmed yet; a confirmed one is never shown again."""
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        found = await second_factors.factor(conn, session.user_id)
    secret = second_factor.shown(found.secret, parts.mac_key) if found.secret and found.since is None else None
    if secret is None:
        raise web.HTTPNotFound
    address = second_factor.address_of(secret, name=session.name, company=parts.settings.creditor_name)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=qr_png(address, pixels_min=_QR_PIXELS), content_type="image/png", headers=headers)


@needs("agent", "finance")
async def confirm(request: web.Request, session: Session) -> web.StreamResponse:
    """The first code that is right lets the factor count, and brings the recovery codes."""
    parts, form, now = request.app[PARTS], await read_form(request), request.app[PARTS].clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        found = await second_factors.factor(conn, session.user_id)
        secret = second_factor.shown(found.secret, parts.mac_key) if found.secret and found.since is None else None
        step = second_factor.step_of(secret, form.get("code", ""), now) if secret is not None else None
        recovery = second_factor.recovery_codes()
        if step is not None:
            await second_factors.confirm(conn, session.user_id, step=step, recovery=recovery, now=now)
            await _note(conn, session, "second_factor_on", now)
    if step is None:
        return await _page(request, session, problem="This code is not right.", status=422)
    log.info("account.second_factor_on", user_id=session.user_id)
    return await _page(request, session, recovery=recovery)


@needs("agent", "finance")
async def turn_off(request: web.Request, session: Session) -> web.StreamResponse:
    """Take the second factor away, with one of its codes."""
    parts, form, now = request.app[PARTS], await read_form(request), request.app[PARTS].clock.now()
    if _too_many(request, session, now):
        return await _page(request, session, problem="Too many attempts. Wait a few minutes.", status=429)
    async with parts.pool.acquire() as conn, conn.transaction():
        is_right = await is_right_code(conn, parts, session.user_id, form.get("code", ""), now)
        if is_right:
            await second_factors.turn_off(conn, session.user_id)
            await _note(conn, session, "second_factor_off", now)
    if not is_right:
        return await _page(request, session, problem="This code is not right.", status=422)
    return _back()


@needs("agent", "finance")
async def change_password(request: web.Request, session: Session) -> web.StreamResponse:
    """A new password, for who knows the old one; all other sessions end."""
    parts, form, now = request.app[PARTS], await read_form(request), request.app[PARTS].clock.now()
    new = form.get("new", "")
    if not passwords.SHORTEST <= len(new) <= passwords.LONGEST:
        return await _page(request, session, problem="Ten characters at least.", status=422)
    if new != form.get("again", ""):
        return await _page(request, session, problem="The two are not the same.", status=422)
    if _too_many(request, session, now):
        return await _page(request, session, problem="Too many attempts. Wait a few minutes.", status=429)
    async with parts.pool.acquire() as conn:
        user = await users.of_id(conn, session.user_id)
    checked = await passwords.check(user.password_hash if user is not None else None, form.get("password", ""))
    if not checked.right:
        return await _page(request, session, problem="The password of today is not right.", status=422)
    hashed = await passwords.hashed(new)
    async with parts.pool.acquire() as conn, conn.transaction():
        await users.set_hash(conn, session.user_id, hashed)
        await sessions.end_all(conn, session.user_id, but=request.cookies.get(COOKIE, ""))
        await _note(conn, session, "password_chosen", now)
    return _back()


@needs("agent", "finance")
async def end_others(request: web.Request, session: Session) -> web.StreamResponse:
    """Log out everywhere else."""
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn, conn.transaction():
        await sessions.end_all(conn, session.user_id, but=request.cookies.get(COOKIE, ""))
        await _note(conn, session, "logged_out", parts.clock.now())
    return _back()


def routes() -> list[web.RouteDef]:
    """The account's addresses."""
    return [
        web.get("/account", show),
        web.post("/account/second-factor", propose),
        web.get("/account/second-factor.png", picture),
        web.post("/account/second-factor/confirm", confirm),
        web.post("/account/second-factor/off", turn_off),
        web.post("/account/password", change_password),
        web.post("/account/sessions/end", end_others),
    ]


async def _page(
    request: web.Request,
    session: Session,
    *,
    problem: str = "",
    recovery: list[str] | None = None,
    status: int = 200,
) -> web.StreamResponse:
    parts, texts = request.app[PARTS], request.app[PARTS].texts
    zone, now = parts.settings.timezone, parts.clock.now()
    async with parts.pool.acquire() as conn:
        found = await second_factors.factor(conn, session.user_id)
        left = await second_factors.recovery_left(conn, session.user_id)
        open_ = await sessions.open_ones(conn, session.user_id, request.cookies.get(COOKIE, ""), now)
    is_proposed = found.secret is not None and found.since is None
    return page(
        request,
        "account.html",
        status=status,
        session=session,
        problem=texts(problem) if problem else "",
        must=parts.settings.second_factor == "required" and found.since is None,
        recovery=recovery or [],
        since=texts.day(found.since.astimezone(zone).date()) if found.since is not None else "",
        left=left,
        secret=second_factor.shown(found.secret or "", parts.mac_key) if is_proposed else None,
        open=open_,
        on=lambda at: dated(parts, at),
    )


async def _note(conn: Any, session: Session, what: str, now: datetime) -> None:
    await users.note(conn, user_id=session.user_id, by_id=session.user_id, what=what, now=now)


def _too_many(request: web.Request, session: Session, now: datetime) -> bool:
    """Whoever has somebody's session guesses no faster here than at the door."""
    name, attempts = f"account {session.user_id}", request.app[ATTEMPTS]
    if attempts.too_many(name, "", now):
        return True
    attempts.note(name, "", now)
    return False


def _back() -> web.Response:
    return web.Response(status=303, headers={"Location": "/account"})
