"""For finance: the offers that were shown, each to the centavo with all it was made from, worked out again at a press,
and as a case file for whoever asks for proof."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from aiohttp import web

from bot.papers.case_contents import CaseFile, CaseParty
from bot.papers.case_envelope import digest_of_case, written
from bot.papers.case_sheet import case_sheet
from bot.papers.signing import public_key
from bot.parts import PARTS, Parts
from bot.store import access_log, offers_shown
from bot.store.case_file import case_file
from bot.store.offers_shown import STATES, After, Row, State
from bot.store.sessions import Session
from bot.web import offer_words
from bot.web.asked import day_of, instants_of
from bot.web.rendering import dated, notice, page
from bot.web.sessions import needs
from flows.offers import offer_from
from flows.recompute import Again, CannotBe, worked_out_again
from payments.documents import Document, read_document

_SHOWN = 50
_AFTER = re.compile(r"(\d{1,17})-(\d{1,18})-(\d{1,9})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow"}


@needs("finance")
async def show_all(request: web.Request, session: Session) -> web.StreamResponse:
    """The newest offers, or those of a state and a day."""
    parts, query = request.app[PARTS], request.query
    now = parts.clock.now()
    state, day = _state(query.get("state", "")), day_of(query.get("day", ""))
    async with parts.pool.acquire() as conn:
        await access_log.note(conn, user_id=session.user_id, what="offers", now=now)
        rows = await offers_shown.page(
            conn,
            today=now.astimezone(parts.settings.timezone).date(),
            state=state,
            between=instants_of(parts, day) if day is not None else None,
            after=_after(query.get("after", "")),
            limit=_SHOWN + 1,
        )
    return page(
        request,
        "finance_offers.html",
        session=session,
        offers=rows[:_SHOWN],
        more=_cursor(rows[_SHOWN - 1]) if len(rows) > _SHOWN else "",
        is_first="after" not in query,
        state=state,
        states=STATES,
        day=day,
        is_unclear=bool(query.get("day")) and day is None,
        headline=lambda terms: offer_words.headline(terms, parts.texts),
        on=lambda at: dated(parts, at),
        as_day=parts.texts.day,
    )


@needs("finance")
async def show_one(request: web.Request, session: Session) -> web.StreamResponse:
    """One offer; with `again` it is worked out anew before the page is shown."""
    parts, texts = request.app[PARTS], request.app[PARTS].texts
    found = await _case(request, session, "offer")
    if found is None:
        return _gone(request)
    again = await _again(parts, request) if "again" in request.query else None
    return page(
        request,
        "finance_offer.html",
        session=session,
        case=found,
        here_at=request.path,
        offer=offer_from(found.offer.terms),
        headline=offer_words.headline(found.offer.terms, texts),
        again=again if isinstance(again, Again) else None,
        because=texts(offer_words.BECAUSE[again.because]) if isinstance(again, CannotBe) else "",
        called=lambda figure: offer_words.called(figure, texts),
        valued=lambda figure, value: offer_words.valued(figure, value, texts),
        as_iso=lambda iso: texts.day(date.fromisoformat(iso)),
        on=lambda at: dated(parts, at),
        as_day=texts.day,
        percent=texts.percent,
        key=public_key(parts.mac_key),
        digest=digest_of_case(found),
    )


@needs("finance")
async def export_json(request: web.Request, session: Session) -> web.StreamResponse:
    """The case as the file that can be verified."""
    case = await _case(request, session, "offer_case")
    if case is None:
        return _gone(request)
    body = written(case, request.app[PARTS].mac_key)
    return web.Response(body=body, content_type="application/json", headers=_named(case, "json"))


@needs("finance")
async def export_pdf(request: web.Request, session: Session) -> web.StreamResponse:
    """The same case for people to read."""
    parts = request.app[PARTS]
    case = await _case(request, session, "offer_case")
    if case is None:
        return _gone(request)
    digest, key = digest_of_case(case), public_key(parts.mac_key)

    def made() -> bytes:
        return case_sheet(case, digest=digest, key=key, texts=parts.texts, zone=parts.settings.timezone)

    body = await asyncio.get_running_loop().run_in_executor(None, made)
    return web.Response(body=body, content_type="application/pdf", headers=_named(case, "pdf"))


def routes() -> list[web.RouteDef]:
    """Finance's addresses for offers."""
    one = r"/finance/offers/{conversation:\d{1,18}}/{no:\d{1,9}}"
    return [
        web.get("/finance/offers", show_all),
        web.get(one, show_one),
        web.get(one + "/case.json", export_json),
        web.get(one + "/case.pdf", export_pdf),
    ]


async def _case(request: web.Request, session: Session, what: str) -> CaseFile | None:
    """The case of the offer that is asked for; whoever sees it is written down first."""
    parts = request.app[PARTS]
    conversation, no = _asked(request)
    settings = parts.settings
    document = read_document(settings.creditor_document)
    creditor = CaseParty(
        name=settings.creditor_name,
        document=document.formatted if isinstance(document, Document) else "",
        address=settings.creditor_address,
    )
    async with parts.pool.acquire() as conn:
        kept = await offers_shown.one(conn, conversation, no)
        if kept is None:
            return None
        await access_log.note(
            conn,
            user_id=session.user_id,
            what=what,
            now=parts.clock.now(),
            customer_id=kept.customer_id,
            object_id=conversation,
        )
        return await case_file(conn, conversation_id=conversation, no=no, creditor=creditor)


async def _again(parts: Parts, request: web.Request) -> Again | CannotBe | None:
    async with parts.pool.acquire() as conn:
        kept = await offers_shown.one(conn, *_asked(request))
    return worked_out_again(kept.source, kept.shown) if kept is not None else None


def _asked(request: web.Request) -> tuple[int, int]:
    return int(request.match_info["conversation"]), int(request.match_info["no"])


def _named(case: CaseFile, ending: str) -> Mapping[str, str]:
    name = f"oferta-{case.conversation}-{case.offer.no}.{ending}"
    return {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}


def _state(text: str) -> State | None:
    return next((state for state in STATES if state == text), None)


def _cursor(row: Row) -> str:
    return f"{(row.shown_at - _EPOCH) // _MICROSECOND}-{row.conversation_id}-{row.no}"


def _after(text: str) -> After | None:
    found = _AFTER.fullmatch(text)
    if found is None:
        return None
    at, conversation_id, no = map(int, found.groups())
    return After(shown_at=_EPOCH + at * _MICROSECOND, conversation_id=conversation_id, no=no)


def _gone(request: web.Request) -> web.Response:
    return notice(
        request,
        title="There is no such offer",
        text="It may be an old link.",
        status=404,
        link=("/finance/offers", "To the offers"),
    )
