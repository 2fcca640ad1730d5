"""For finance: a debts file, handed in by drag and drop or by choosing it.

First what it would do, with every mistake, as the command says it; then, by a second press, the import, and once only.
"""

import asyncio
import hashlib
import zlib
from collections.abc import Coroutine
from typing import Any

import structlog
from aiohttp import web

from bot import import_work
from bot.debts_csv import SIZE_MAX
from bot.parts import PARTS
from bot.store import access_log, debts_files
from bot.store.sessions import Session
from bot.web import import_words
from bot.web.large_upload import file_of, with_file
from bot.web.portfolio_filters import ADDRESS
from bot.web.rendering import dated, notice, page, plain
from bot.web.sessions import needs

_HERE = ADDRESS + "/import"
_NAME_CHARACTERS = 120
_LATEST = 10
_WAITED_S = 4.0  # for small files, whose page then has its result at once
WORK: web.AppKey[dict[int, "asyncio.Task[None]"]] = web.AppKey("import_work", dict)
log = structlog.get_logger(__name__)


@needs("finance")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """Where a file is handed in, and the last ones."""
    return await _form(request, session)


@needs("finance")
async def hand_in(request: web.Request, session: Session) -> web.StreamResponse:
    """Keep a file, and look what it would do."""
    parts, given = request.app[PARTS], file_of(request)
    if given is None or not given[1]:
        return await _form(request, session, problem="Choose a file that is not empty.", status=422)
    name, body = given
    packed = await asyncio.to_thread(zlib.compress, body, 1)
    digest = hashlib.sha256(body).hexdigest()
    async with parts.pool.acquire() as conn:
        number = await debts_files.keep(
            conn,
            name=plain(name)[:_NAME_CHARACTERS] or "csv",
            digest=digest,
            size=len(body),
            body=packed,
            by=session.user_id,
            now=parts.clock.now(),
        )
    log.info("debts_file.handed_in", file_id=number, user_id=session.user_id, bytes=len(body))
    await _begin(request, number, import_work.look(parts.settings, number, parts.clock.now()))
    return _see(number)


@needs("finance")
async def show_one(request: web.Request, session: Session) -> web.StreamResponse:
    """What a file would do, or did."""
    parts, number = request.app[PARTS], _number(request)
    async with parts.pool.acquire() as conn:
        found = await debts_files.find(conn, number)
        if found is None:
            return _gone(request)
        await access_log.note(conn, user_id=session.user_id, what="debts_file", now=parts.clock.now(), object_id=number)
        works = number in request.app[WORK] or await debts_files.is_being_imported(conn, number)
    return page(
        request,
        "finance_import_one.html",
        session=session,
        file=found,
        state=_state(found, works=works),
        told=found.did or found.would,
        reason=lambda text: import_words.reason(text, parts.texts),
        column=lambda name: import_words.column(name, parts.texts),
        value=lambda given: import_words.value(given, parts.texts),
        on=lambda at: dated(parts, at),
    )


@needs("finance")
async def confirm(request: web.Request, session: Session) -> web.StreamResponse:
    """Import a file that was looked at."""
    parts, number = request.app[PARTS], _number(request)
    async with parts.pool.acquire() as conn:
        found = await debts_files.find(conn, number)
    if found is None:
        return _gone(request)
    if found.has_body and found.would is not None and number not in request.app[WORK]:
        log.info("debts_file.confirmed", file_id=number, user_id=session.user_id)
        work = import_work.bring_in(parts.settings, number, parts.clock.now(), by=session.user_id)
        await _begin(request, number, work)
    return _see(number)


@needs("finance")
async def drop(request: web.Request, session: Session) -> web.StreamResponse:
    """Forget a file that is not to be imported."""
    async with request.app[PARTS].pool.acquire() as conn:
        await conn.execute(debts_files.DROP, _number(request))
    log.info("debts_file.dropped", file_id=_number(request), user_id=session.user_id)
    return web.Response(status=303, headers={"Location": _HERE})


def routes() -> list[web.RouteDef]:
    """The import's addresses."""
    one = _HERE + r"/{id:\d{1,18}}"
    return [
        web.get(_HERE, show),
        web.post(_HERE, with_file(hand_in, role="finance", most=SIZE_MAX)),
        web.get(one, show_one),
        web.post(one + "/confirm", confirm),
        web.post(one + "/drop", drop),
    ]


async def stop(app: web.Application) -> None:
    """Let what is being written end: all of it or nothing is."""
    await asyncio.gather(*app[WORK].values(), return_exceptions=True)


async def _begin(request: web.Request, number: int, work: Coroutine[Any, Any, None]) -> None:
    """Have the work done beside this request, and wait a little for it."""
    running = request.app[WORK]
    task = asyncio.create_task(work)
    running[number] = task
    task.add_done_callback(lambda _: running.pop(number, None))
    await asyncio.wait({task}, timeout=_WAITED_S)


def _state(found: debts_files.DebtsFileKept, *, works: bool) -> str:
    if found.did is not None:
        return "done"
    if works:
        return "working"
    if not found.has_body:
        return "dropped"
    return "ready" if found.would is not None else "interrupted"


async def _form(request: web.Request, session: Session, *, problem: str = "", status: int = 200) -> web.StreamResponse:
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        latest = await debts_files.latest(conn, _LATEST)
    return page(
        request,
        "finance_import.html",
        status=status,
        session=session,
        latest=latest,
        problem=parts.texts(problem) if problem else "",
        on=lambda at: dated(parts, at),
    )


def _number(request: web.Request) -> int:
    return int(request.match_info["id"])


def _see(number: int) -> web.Response:
    return web.Response(status=303, headers={"Location": f"{_HERE}/{number}"})


def _gone(request: web.Request) -> web.Response:
    return notice(
        request,
        title="There is no such file",
        text="It may be an old link.",
        status=404,
        link=(_HERE, "To the import"),
    )
