"""What an agent does with a conversation: take it, answer, hand it back to the robot, close it.

Each action is one transaction: the ticket's row changes and an event goes into the inbox under the key of the very
form, so that a double click, a repeat or a second agent changes nothing. The conversation itself follows in its turn.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import structlog
from aiohttp import web

from bot.engine.inbox import put_event
from bot.parts import PARTS, Parts
from bot.store import tickets
from bot.store.sessions import Session
from bot.web.customer_card import card_of
from bot.web.desk import conversation_page, ticket_id_of
from bot.web.desk_regions import TEXT_CHARACTERS
from bot.web.forms import read_form
from bot.web.rendering import printable
from bot.web.sessions import by_htmx, needs
from flows.events import AgentReplied, Event, HandedBack, TicketClaimed, TicketClosed
from payments.cards import mask_cards

_KEY = re.compile(r"[0-9a-f]{32}")
log = structlog.get_logger(__name__)

Act: TypeAlias = Callable[[web.Request, Session, int, str], Awaitable[web.Response]]


@needs("agent")
async def take(request: web.Request, session: Session) -> web.StreamResponse:
    """One agent gets it; whoever is a moment later is told at once who was faster."""
    parts, ticket_id = request.app[PARTS], ticket_id_of(request)
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        conversation_id = await tickets.claim(conn, ticket_id, agent_id=session.user_id, now=now)
        if conversation_id is not None:
            event = TicketClaimed(ticket_id=ticket_id, agent_id=session.user_id, agent_name=session.name)
            await _put(conn, parts, conversation_id, event, key=f"take.{ticket_id}")
        ticket = await tickets.find(conn, ticket_id)
    if conversation_id is not None:
        return await _done(request, session, conversation_id, "desk.taken")
    is_mine = ticket is not None and ticket.state == "claimed" and ticket.agent_id == session.user_id
    return await _answer(
        request, session, told="" if is_mine else "A colleague was faster.", status=200 if is_mine else 409
    )


@needs("agent")
async def reply(request: web.Request, session: Session) -> web.StreamResponse:
    """Send what the holder wrote, once."""
    parts, form = request.app[PARTS], await read_form(request)
    text, key = _cleaned(form.get("text", "")), _key(form.get("key"))
    if not text:
        return await _answer(request, session, told="Write something first.", status=422)
    if len(text) > TEXT_CHARACTERS:
        return await _answer(request, session, told="This is too long for one message.", draft=text, status=422)
    ticket_id = ticket_id_of(request)
    async with parts.pool.acquire() as conn, conn.transaction():
        conversation_id = await tickets.hold(conn, ticket_id, agent_id=session.user_id)
        is_open = conversation_id is not None and (await card_of(conn, parts, conversation_id)).window_open
        if conversation_id is not None and is_open:
            event = AgentReplied(ticket_id=ticket_id, agent_id=session.user_id, agent_name=session.name, text=text)
            await _put(conn, parts, conversation_id, event, key=key)
    if conversation_id is None:
        return await _not_held(request, session, draft=text)
    if not is_open:
        return await _answer(
            request, session, told="The 24 hours are over; the message was not sent.", draft=text, status=409
        )
    return await _done(request, session, conversation_id, "desk.replied")


@needs("agent")
async def hand_back(request: web.Request, session: Session) -> web.StreamResponse:
    """The robot speaks again, at once."""
    event = HandedBack(ticket_id=ticket_id_of(request), agent_id=session.user_id)
    return await _end(request, session, "handed_back", event)


@needs("agent")
async def close(request: web.Request, session: Session) -> web.StreamResponse:
    """Done; the robot answers when the person writes again."""
    event = TicketClosed(ticket_id=ticket_id_of(request), agent_id=session.user_id)
    return await _end(request, session, "closed", event)


def routes() -> list[web.RouteDef]:
    """The desk's addresses for acting."""
    return [
        web.post(r"/desk/{id:\d{1,18}}/take", take),
        web.post(r"/desk/{id:\d{1,18}}/reply", reply),
        web.post(r"/desk/{id:\d{1,18}}/hand-back", hand_back),
        web.post(r"/desk/{id:\d{1,18}}/close", close),
    ]


async def _end(request: web.Request, session: Session, outcome: tickets.Outcome, event: Event) -> web.Response:
    parts, ticket_id = request.app[PARTS], ticket_id_of(request)
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        conversation_id = await tickets.close(conn, ticket_id, agent_id=session.user_id, outcome=outcome, now=now)
        if conversation_id is not None:
            await _put(conn, parts, conversation_id, event, key=f"end.{ticket_id}")
        ticket = await tickets.find(conn, ticket_id)
    if conversation_id is not None:
        return await _done(request, session, conversation_id, f"desk.{outcome}")
    if ticket is not None and ticket.outcome == outcome and ticket.agent_id == session.user_id:
        return await _answer(request, session)  # the second of two clicks
    return await _not_held(request, session)


async def _put(conn: Any, parts: Parts, conversation_id: int, event: Event, *, key: str) -> None:
    await put_event(
        conn, source="desk", dedupe_key=f"a:{key}", conversation_id=conversation_id, event=event, now=parts.clock.now()
    )


async def _done(request: web.Request, session: Session, conversation_id: int, what: str) -> web.Response:
    wake = request.app[PARTS].wake
    wake.turns()
    wake.desk_changed(conversation_id)
    log.info(what, ticket_id=ticket_id_of(request), user_id=session.user_id)
    return await _answer(request, session)


async def _not_held(request: web.Request, session: Session, *, draft: str = "") -> web.Response:
    return await _answer(request, session, told="This conversation is not with you any more.", draft=draft, status=409)


async def _answer(
    request: web.Request, session: Session, *, told: str = "", draft: str = "", status: int = 200
) -> web.Response:
    """The conversation as it is now; without a script, after something was done, its own address."""
    ticket_id = ticket_id_of(request)
    if status == 200 and not by_htmx(request):
        return web.Response(status=303, headers={"Location": f"/desk/{ticket_id}"})
    return await conversation_page(request, session, ticket_id, told=told, draft=draft, status=status)


def _key(given: str | None) -> str:
    if given is None or not _KEY.fullmatch(given):
        raise web.HTTPBadRequest
    return given


def _cleaned(text: str) -> str:
    return mask_cards(printable(text).replace("\ufffd", "").strip())  # an agent types no card either
