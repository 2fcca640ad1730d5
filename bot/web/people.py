"""For administrators: who may log in as what, codes for passwords, and what was done to whose login."""

from typing import Any

import structlog
from aiohttp import web

from bot.parts import PARTS
from bot.store import second_factors, sessions, users
from bot.store.sessions import Session
from bot.store.users import Role
from bot.web import first_codes
from bot.web.forms import read_form
from bot.web.rendering import dated, page, printable
from bot.web.sessions import needs

ROLES: dict[Role, str] = {"agent": "Agent", "finance": "Finance", "admin": "Administrator"}
HAPPENED = {
    "added": "was added",
    "code_given": "was given a code",
    "password_chosen": "chose a password",
    "role_changed": "got another role",
    "disabled": "was let in no more",
    "enabled": "was let in again",
    "second_factor_on": "set up a second factor",
    "second_factor_off": "lost the second factor",
    "logged_in": "logged in",
    "logged_out": "ended other sessions",
    "company_added": "came in with the company's account and was added",
    "company_linked": "came in with the company's account for the first time",
    "company_role": "got another role by the company's account",
}
_LATELY = 50
log = structlog.get_logger(__name__)


@needs("admin")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """Everybody."""
    return await _page(request, session)


@needs("admin")
async def add(request: web.Request, session: Session) -> web.StreamResponse:
    """Somebody new, with a code to choose a password."""
    parts, form = request.app[PARTS], await read_form(request)
    name, role, now = " ".join(printable(form.get("name", ""))[:100].split()), form.get("role"), parts.clock.now()
    if not name or role not in ROLES:
        return await _page(request, session, problem="Give a name and a role.", status=422)
    code = ""
    async with parts.pool.acquire() as conn, conn.transaction():
        user_id = await users.add(conn, name=name, role=role, password_hash=None, now=now)
        if user_id is not None:
            await users.note(conn, user_id=user_id, by_id=session.user_id, what="added", now=now)
            code = await first_codes.give(conn, user_id, by_id=session.user_id, now=now)
    if user_id is None:
        return await _page(request, session, problem="This name is taken.", status=409)
    log.info("people.added", user_id=user_id, by_id=session.user_id)
    return await _page(request, session, code=code, code_for=name)


@needs("admin")
async def act(request: web.Request, session: Session) -> web.StreamResponse:
    """Change one login."""
    parts, form, what = request.app[PARTS], await read_form(request), request.match_info["what"]
    user_id, now = int(request.match_info["id"]), parts.clock.now()
    code = name = ""
    async with parts.pool.acquire() as conn, conn.transaction():
        found = {person.id: person for person in await users.everybody(conn, now)}.get(user_id)
        if found is None:
            raise web.HTTPNotFound
        name = found.name
        if what == "code" and not found.is_disabled:
            code = await first_codes.give(conn, user_id, by_id=session.user_id, now=now)
            done = True
        else:
            done = await _done(conn, session, user_id, what, form.get("role", ""), now)
    if not done:
        problem = "Nothing was changed. One administrator has to stay."
        return await _page(request, session, problem=problem, status=409)
    log.info("people.changed", user_id=user_id, by_id=session.user_id, what=what)
    if code:
        return await _page(request, session, code=code, code_for=name)
    return web.Response(status=303, headers={"Location": "/people"})


def routes() -> list[web.RouteDef]:
    """The addresses of people."""
    return [
        web.get("/people", show),
        web.post("/people", add),
        web.post(r"/people/{id:\d{1,18}}/{what:code|role|disable|enable|second-factor-off}", act),
    ]


async def _done(conn: Any, session: Session, user_id: int, what: str, role: str, now: Any) -> bool:
    """Do it and write it down. Whoever gets another role, or none, starts anew."""
    match what:
        case "role" if role in ROLES:
            done, noted = await users.change_role(conn, user_id, role), "role_changed"
        case "disable":
            done, noted = await users.disable(conn, user_id, now), "disabled"
        case "enable":
            done, noted = await users.enable(conn, user_id), "enabled"
        case "second-factor-off":
            await second_factors.turn_off(conn, user_id)
            done, noted = True, "second_factor_off"
        case _:
            return False
    if done:
        await users.note(conn, user_id=user_id, by_id=session.user_id, what=noted, now=now)
        if what in ("role", "disable"):
            await sessions.end_all(conn, user_id)
    return done


async def _page(
    request: web.Request,
    session: Session,
    *,
    problem: str = "",
    code: str = "",
    code_for: str = "",
    status: int = 200,
) -> web.StreamResponse:
    parts, texts = request.app[PARTS], request.app[PARTS].texts
    async with parts.pool.acquire() as conn:
        people = await users.everybody(conn, parts.clock.now())
        events = await users.events(conn, _LATELY)
    return page(
        request,
        "people.html",
        status=status,
        session=session,
        people=people,
        events=events,
        roles={role: texts(word) for role, word in ROLES.items()},
        happened={what: texts(word) for what, word in HAPPENED.items()},
        problem=texts(problem) if problem else "",
        code=code,
        code_for=code_for,
        first_address=f"{parts.settings.public_url}/login/first",
        on=lambda at: dated(parts, at),
    )
