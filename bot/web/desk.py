"""The desk: who waits for a person, and the conversation that an agent has before them.

The address says what is open; the page works without a script, and with one it is live (`desk_regions`, `live`).
"""

from typing import Any

from aiohttp import web

from bot.parts import PARTS
from bot.store import access_log, tickets
from bot.store.sessions import Session
from bot.web import channel_switch, desk_regions
from bot.web.asked import number_of
from bot.web.customer_card import card_of
from bot.web.desk_regions import Region
from bot.web.rendering import notice, page, partial, rendered, unchanged
from bot.web.sessions import by_htmx, needs


@needs("agent")
async def show_queue(request: web.Request, session: Session) -> web.StreamResponse:
    """The desk with nothing open."""
    async with request.app[PARTS].pool.acquire() as conn:
        await _seen(request, conn, session, "desk_queue")
        queue = await desk_regions.queue(request, conn, session, opened=0)
        switch = await channel_switch.switch(request, conn, session, back="/desk")
    return page(
        request,
        "desk.html",
        session=session,
        switch=switch.html,
        queue=queue.html,
        conversation=None,
        ticket_id=0,
        title=None,
    )


@needs("agent")
async def show_ticket(request: web.Request, session: Session) -> web.StreamResponse:
    """The desk with one conversation open."""
    return await conversation_page(request, session, ticket_id_of(request))


@needs("agent")
async def next_waiting(request: web.Request, _: Session) -> web.StreamResponse:
    """On to whoever waits longest."""
    async with request.app[PARTS].pool.acquire() as conn:
        found = await tickets.oldest_waiting(conn, but=number_of(request.query.get("after")) or 0)
    return web.Response(status=303, headers={"Location": f"/desk/{found}" if found is not None else "/desk"})


@needs("agent")
async def look_at_queue(request: web.Request, session: Session) -> web.StreamResponse:
    """The queue, if it changed."""
    async with request.app[PARTS].pool.acquire() as conn:
        await _seen(request, conn, session, "desk_queue")
        region = await desk_regions.queue(request, conn, session, opened=number_of(request.query.get("open")) or 0)
    return _if_changed(request, region)


@needs("agent")
async def look_at_region(request: web.Request, session: Session) -> web.StreamResponse:
    """One region of the open conversation, if it changed."""
    parts, name = request.app[PARTS], request.match_info["region"]
    async with parts.pool.acquire() as conn:
        ticket = await tickets.find(conn, ticket_id_of(request))
        if ticket is None:
            raise web.HTTPNotFound
        await _seen(request, conn, session, "desk_conversation", ticket)
        if name == "transcript":
            return _if_changed(request, await desk_regions.transcript(request, conn, ticket))
        card = await card_of(conn, parts, ticket.conversation_id)
    build = {"head": desk_regions.head, "card": desk_regions.card, "composer": desk_regions.composer}[name]
    return _if_changed(request, build(request, session, ticket, card))


async def conversation_page(
    request: web.Request, session: Session, ticket_id: int, *, told: str = "", draft: str = "", status: int = 200
) -> web.Response:
    """The whole page, or for htmx its conversation alone. `told` is a msgid: what the agent has to know first."""
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        ticket = await tickets.find(conn, ticket_id)
        if ticket is None:
            return notice(
                request,
                title="There is no such conversation",
                text="It may be an old link.",
                status=404,
                link=("/desk", "To the desk"),
            )
        await _seen(request, conn, session, "desk_conversation", ticket)
        card = await card_of(conn, parts, ticket.conversation_id)
        transcript = await desk_regions.transcript(request, conn, ticket)
        queue = await desk_regions.queue(request, conn, session, opened=ticket_id)
        switch = await channel_switch.switch(request, conn, session, back=f"/desk/{ticket_id}")
    conversation = rendered(
        request,
        "_conversation.html",
        ticket=ticket,
        told=parts.texts(told) if told else "",
        transcript=transcript.html,
        head=desk_regions.head(request, session, ticket, card).html,
        card=desk_regions.card(request, session, ticket, card).html,
        composer=desk_regions.composer(request, session, ticket, card, draft=draft).html,
    )
    if by_htmx(request):
        return partial(conversation, status=status, headers={"HX-Trigger-After-Settle": "queue-changed"})
    return page(
        request,
        "desk.html",
        status=status,
        session=session,
        switch=switch.html,
        queue=queue.html,
        conversation=conversation,
        ticket_id=ticket_id,
        title=card.title,
    )


def ticket_id_of(request: web.Request) -> int:
    """Return the ticket that the address names."""
    return int(request.match_info["id"])


def routes() -> list[web.RouteDef]:
    """The desk's addresses for looking."""
    return [
        web.get("/desk", show_queue),
        web.get("/desk/next", next_waiting),
        web.get("/desk/queue", look_at_queue),
        web.get(r"/desk/{id:\d{1,18}}", show_ticket),
        web.get(r"/desk/{id:\d{1,18}}/{region:head|card|transcript|composer}", look_at_region),
    ]


async def _seen(
    request: web.Request, conn: Any, session: Session, what: str, ticket: tickets.Ticket | None = None
) -> None:
    """Write down who is shown whose data; a page that looks again every moment is one line an hour."""
    await access_log.note_hourly(
        conn,
        user_id=session.user_id,
        what=what,
        now=request.app[PARTS].clock.now(),
        customer_id=ticket.customer_id if ticket is not None else None,
        object_id=ticket.conversation_id if ticket is not None else None,
    )


def _if_changed(request: web.Request, region: Region) -> web.Response:
    return unchanged() if request.query.get("seen") == region.digest else partial(region.html)
