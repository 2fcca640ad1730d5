"""For the operator: what could not be dealt with, why, and a way to try again; its content only on asking."""

import structlog
from aiohttp import web

from bot.engine.inbox import InboxUnavailable
from bot.engine.taking_in import arrivals_of
from bot.parts import PARTS, Parts
from bot.store import access_log, parked
from bot.store.parked import Parked
from bot.store.sessions import Session
from bot.web.rendering import notice, page, printable, span
from bot.web.sessions import needs

_SHOWN_BYTES = 20_000
_BELLS = {"message": "turns", "event": "turns", "status": "statuses", "pix": "pix"}
log = structlog.get_logger(__name__)


@needs("admin")
async def show_all(request: web.Request, session: Session) -> web.StreamResponse:
    """The list, without a word that a person wrote."""
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        rows, count = await parked.newest(conn)
    aged = [(row, _age(row, parts)) for row in rows]
    return page(request, "parked.html", session=session, rows=aged, count=count)


@needs("admin")
async def show_one(request: web.Request, session: Session) -> web.StreamResponse:
    """One row with what came, as it came."""
    parts, row_id = request.app[PARTS], int(request.match_info["id"])
    async with parts.pool.acquire() as conn:
        found = await parked.opened(conn, row_id)
        if found is not None:
            now = parts.clock.now()
            await access_log.note(conn, user_id=session.user_id, what="parked", now=now, object_id=row_id)
    if found is None:
        return _gone(request)
    log.info("parked.looked_at", inbox_id=row_id, user_id=session.user_id)
    row, raw = found
    content = printable(raw[:_SHOWN_BYTES].decode("utf-8", "replace"))
    return page(
        request,
        "parked_one.html",
        session=session,
        row=row,
        age=_age(row, parts),
        content=content,
        is_cut=len(raw) > _SHOWN_BYTES,
    )


@needs("admin")
async def replay(request: web.Request, session: Session) -> web.StreamResponse:
    """Try again: what a newer version can read is read now, what failed gets its five tries anew."""
    parts, row_id = request.app[PARTS], int(request.match_info["id"])
    async with parts.pool.acquire() as conn:
        found = await parked.opened(conn, row_id)
        kind = await parked.replay(conn, row_id)
    if kind is not None:
        parts.wake.ring(_BELLS[kind])
    elif found is None:
        return _gone(request)
    elif not found[0].can_be_replayed or not await _read_again(parts, row_id, found[1]):
        return notice(
            request,
            title="This cannot be tried again yet",
            text="This version reads it no better than before. It stays here.",
            status=409,
            link=("/desk/parked", "To what is parked"),
        )
    log.info("parked.replayed", inbox_id=row_id, user_id=session.user_id)
    return web.Response(status=303, headers={"Location": "/desk/parked"})


def routes() -> list[web.RouteDef]:
    """The operator's addresses."""
    return [
        web.get("/desk/parked", show_all),
        web.get(r"/desk/parked/{id:\d{1,18}}", show_one),
        web.post(r"/desk/parked/{id:\d{1,18}}/replay", replay),
    ]


async def _read_again(parts: Parts, row_id: int, raw: bytes) -> bool:
    """Take in a body that could not be read when it came. Return whether it can be read now."""
    arrivals = arrivals_of(parts, raw)
    if any(arrival.kind == "unreadable" for arrival in arrivals):
        return False
    try:
        await parts.ingest.put(arrivals)
    except InboxUnavailable as error:
        raise TimeoutError from error  # the page says that we cannot answer right now
    async with parts.pool.acquire() as conn:
        await parked.done(conn, row_id, parts.clock.now())
    return True


def _gone(request: web.Request) -> web.Response:
    return notice(
        request,
        title="This is not parked any more",
        text="Somebody was faster, or it is done.",
        status=404,
        link=("/desk/parked", "To what is parked"),
    )


def _age(row: Parked, parts: Parts) -> str:
    return span(parts.texts, (parts.clock.now() - row.received_at).total_seconds())
