"""For finance: offers outside the policy that agents asked for, each with what it gives away, and the decision."""

import secrets
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import web

from bot.engine.inbox import put_event
from bot.parts import PARTS
from bot.store import access_log, debt_statement, exceptions, policy_trials
from bot.store.exceptions import Outcome
from bot.store.sessions import Session
from bot.web import special_words
from bot.web.forms import read_form
from bot.web.rendering import dated, notice, page, printable, span
from bot.web.sessions import needs
from flows.approvals import same_name
from flows.events import ExceptionNews
from flows.special_offer import NotPossible

STANDS = timedelta(days=5)
_SHOWN = 50
_BECAUSE_CHARACTERS = 500
_TOLD: dict[Outcome, str] = {
    "own": "You asked for it: somebody else has to decide.",
    "late": "Nobody answered in time; the agent has to ask again.",
    "decided": "This was decided already; nothing was done twice.",
}
log = structlog.get_logger(__name__)


@needs("finance")
async def show_all(request: web.Request, session: Session) -> web.StreamResponse:
    """What waits, the most urgent first, and what was decided lately."""
    parts = request.app[PARTS]
    texts, now = parts.texts, parts.clock.now()
    async with parts.pool.acquire() as conn:
        await access_log.note(conn, user_id=session.user_id, what="exceptions", now=now)
        waiting = await exceptions.waiting(conn, now, limit=_SHOWN)
        lately = await exceptions.lately(conn, now, limit=_SHOWN)
    return page(
        request,
        "finance_exceptions.html",
        session=session,
        waiting=waiting,
        lately=lately,
        now=now,
        left=lambda one: span(texts, (one.answer_until - now).total_seconds()),
        headline=lambda wanted: special_words.headline(wanted, texts),
        on=lambda at: dated(parts, at),
    )


@needs("finance")
async def show_one(request: web.Request, session: Session) -> web.StreamResponse:
    """One request: the debt, its history, the cost."""
    return await _page(request, session)


@needs("finance")
async def decide(request: web.Request, session: Session) -> web.StreamResponse:
    """Approve it as asked, or refuse it with a reason."""
    parts, form = request.app[PARTS], await read_form(request)
    approved = request.match_info["what"] == "approve"
    because = printable(form.get("because", "")).strip()[:_BECAUSE_CHARACTERS]
    if not approved and not because:
        return await _page(request, session, problem="Say why: the agent has to tell the person.", status=422)
    now, request_id = parts.clock.now(), int(request.match_info["id"])
    today = now.astimezone(parts.settings.timezone).date()
    async with parts.pool.acquire() as conn, conn.transaction():
        outcome, conversation_id = await exceptions.decide(
            conn,
            request_id,
            approved=approved,
            by_id=session.user_id,
            because=because,
            stands_until=today + STANDS,
            now=now,
        )
        if outcome == "done":
            news = ExceptionNews(
                what="approved" if approved else "refused", exception_id=request_id, by_name=session.name
            )
            key = f"a:exception.{request_id}.decided"
            await put_event(conn, source="desk", dedupe_key=key, conversation_id=conversation_id, event=news, now=now)
    if outcome == "gone":
        return _gone(request)
    if outcome != "done":
        return await _page(request, session, problem=_TOLD[outcome], status=409)
    parts.wake.turns()
    parts.wake.desk_changed(conversation_id)
    log.info("exception.decided", exception_id=request_id, user_id=session.user_id, approved=approved)
    return web.Response(status=303, headers={"Location": "/finance/exceptions"})


def routes() -> list[web.RouteDef]:
    """Finance's addresses for exceptions."""
    one = r"/finance/exceptions/{id:\d{1,18}}"
    return [
        web.get("/finance/exceptions", show_all),
        web.get(one, show_one),
        web.post(one + "/{what:approve|refuse}", decide),
    ]


async def _page(request: web.Request, session: Session, *, problem: str = "", status: int = 200) -> web.StreamResponse:
    parts = request.app[PARTS]
    texts, zone, now = parts.texts, parts.settings.timezone, parts.clock.now()
    today = now.astimezone(zone).date()
    async with parts.pool.acquire() as conn:
        found = await exceptions.one(conn, int(request.match_info["id"]))
        if found is None:
            return _gone(request)
        await access_log.note(
            conn, user_id=session.user_id, what="exception", now=now, customer_id=found.customer_id, object_id=found.id
        )
        debt = await policy_trials.one(conn, found.debt_id)
        policy = await parts.policies.in_force(conn, today)
        history = await debt_statement.of_external_id(conn, found.debt_no)
        earlier = [one for one in await exceptions.of_customer(conn, found.customer_id) if one.id != found.id]
    weighed: Any = None
    if debt is not None and policy is not None and debt[1].state == "open":
        try:
            weighed = special_words.weighed(policy, debt[1], found.wanted, today)
        except NotPossible:
            weighed = None
    return page(
        request,
        "finance_exception.html",
        status=status,
        session=session,
        one=found,
        is_waiting=found.is_waiting(now),
        is_own=found.asked_by == session.user_id or same_name(found.asked_by_name, session.name),
        weighed=weighed,
        lines=special_words.lines(weighed.offer, parts) if weighed is not None else [],
        has_changed=debt is None or debt[1].open_principal_cents != found.open_cents,
        debt=debt[1] if debt is not None else None,
        history=history,
        earlier=earlier,
        left=span(texts, (found.answer_until - now).total_seconds()),
        headline=special_words.headline(found.wanted, texts),
        problem=texts(problem) if problem else "",
        key=secrets.token_hex,
        on=lambda at: dated(parts, at),
        as_day=texts.day,
    )


def _gone(request: web.Request) -> web.Response:
    return notice(
        request,
        title="There is no such request",
        text="It may be an old link.",
        status=404,
        link=("/finance/exceptions", "To the exceptions"),
    )
