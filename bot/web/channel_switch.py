"""The switch of reminders and campaigns: whether they go out, who stopped them and why, and the buttons for it.

Everybody with a login may stop them, for that does no harm; finance and administrators let them go on.
"""

import functools
import hashlib
import re
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from markupsafe import Markup

from bot.parts import PARTS
from bot.store import channel
from bot.store.sessions import Session
from bot.web import channel_words
from bot.web.forms import read_form
from bot.web.rendering import dated, partial, printable, rendered, unchanged
from bot.web.sessions import by_htmx, needs

_REASON_CHARACTERS = 300
_BACK = re.compile(r"/desk(/\d{1,18})?|/finance/ladders")
_DIGEST_CHARACTERS = 16
_NO_END = 9999  # the year of a restriction without an end
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The switch as a page shows it. `digest` changes with what it says."""

    html: Markup
    digest: str


async def switch(request: web.Request, conn: Any, session: Session, *, back: str) -> Switch:
    """Return the switch for this person; `back` is the address of the page it stands on."""
    parts = request.app[PARTS]
    state, now = await channel.state(conn), parts.clock.now()
    said = (state.paused_at, state.paused_by, state.reason, state.restriction, state.flows(now), session.role)
    digest = hashlib.sha256(repr(said).encode()).hexdigest()[:_DIGEST_CHARACTERS]
    until = state.restricted_until
    on = functools.partial(dated, parts)
    html = rendered(
        request,
        "_channel.html",
        session=session,
        state=state,
        flows=state.flows(now),
        restriction=channel_words.restriction(state.restriction, parts.texts) if state.restriction else "",
        until=on(until) if until is not None and until.year < _NO_END else "",
        on=on,
        back=back,
        digest=digest,
        is_live=back.startswith("/desk"),
        may_resume=session.role in ("finance", "admin"),
    )
    return Switch(html=html, digest=digest)


@needs("agent", "finance")
async def look(request: web.Request, session: Session) -> web.StreamResponse:
    """The switch, if what it says has changed."""
    async with request.app[PARTS].pool.acquire() as conn:
        found = await switch(request, conn, session, back=_back(request.query.get("back")))
    return unchanged() if request.query.get("seen") == found.digest else partial(found.html)


@needs("agent", "finance")
async def pause(request: web.Request, session: Session) -> web.StreamResponse:
    """Stop reminders and campaigns from this moment on."""
    parts, form = request.app[PARTS], await read_form(request)
    reason = " ".join(printable(form.get("reason", "")).split())[:_REASON_CHARACTERS] or None
    async with parts.pool.acquire() as conn:
        is_new = await channel.pause(conn, by=session.name, reason=reason, now=parts.clock.now())
    log.info("channel.paused", user_id=session.user_id, is_new=is_new)
    return await _answer(request, session, form.get("back"))


@needs("finance")
async def resume(request: web.Request, session: Session) -> web.StreamResponse:
    """Let them go on."""
    parts, form = request.app[PARTS], await read_form(request)
    async with parts.pool.acquire() as conn:
        is_new = await channel.resume(conn, by=session.name, now=parts.clock.now())
    parts.wake.sends()
    log.info("channel.resumed", user_id=session.user_id, is_new=is_new)
    return await _answer(request, session, form.get("back"))


def routes() -> list[web.RouteDef]:
    """The switch's addresses."""
    return [
        web.get("/channel", look),
        web.post("/channel/pause", pause),
        web.post("/channel/resume", resume),
    ]


async def _answer(request: web.Request, session: Session, given: str | None) -> web.StreamResponse:
    back = _back(given)
    if not by_htmx(request):
        return web.Response(status=303, headers={"Location": back})
    async with request.app[PARTS].pool.acquire() as conn:
        return partial((await switch(request, conn, session, back=back)).html)


def _back(given: str | None) -> str:
    return given if given is not None and _BACK.fullmatch(given) else "/desk"
