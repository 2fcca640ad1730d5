"""At the desk: asking finance for an offer outside the policy, and making the one that was approved.

Only who holds the ticket asks or offers; a form that is sent twice does it once.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import structlog
from aiohttp import web

from bot.engine.inbox import put_event
from bot.parts import PARTS, Parts
from bot.store import access_log, desk_view, exceptions, facts, tickets
from bot.store.sessions import Session
from bot.store.tickets import Ticket
from bot.web import special_words
from bot.web.desk import ticket_id_of
from bot.web.forms import read_form
from bot.web.rendering import dated, notice, page, printable, say
from bot.web.sessions import needs
from bot.web.special_words import Weighed
from flows.events import ExceptionNews, ExceptionOffered
from flows.facts import Debt, Facts, PolicyInForce
from flows.special_offer import NotPossible, wanted_from

ANSWERED_WITHIN = timedelta(hours=24)
_KEY = re.compile(r"[0-9a-f]{32}")
_FIELDS = (
    "kind", "principal_percent", "fine_percent", "interest_percent", "count", "entry_percent", "interest_percent_month",
    "within_days",
)  # fmt: skip
_REASON_CHARACTERS = 500
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the form led to: a request with its number, or the page again."""

    problem: str = ""
    status: int = 200
    weighed: Weighed | None = None
    asked: int | None = None
    conversation_id: int = 0


@needs("agent")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """What was asked before in this conversation, and the form."""
    return await _page(request, session)


@needs("agent")
async def ask(request: web.Request, session: Session) -> web.StreamResponse:
    """Show what the offer comes to; with the button for it, ask finance."""
    parts, form = request.app[PARTS], await read_form(request)
    ticket_id = ticket_id_of(request)
    if not _KEY.fullmatch(form.get("key", "")):
        raise web.HTTPBadRequest
    async with parts.pool.acquire() as conn, conn.transaction():
        answer = await _answer(conn, parts, session, ticket_id, form)
    if answer.asked is None:  # the page is made with another connection: this one was given back
        return await _page(
            request, session, problem=answer.problem, form=form, weighed=answer.weighed, status=answer.status
        )
    _ring(parts, answer.conversation_id)
    log.info("exception.asked", exception_id=answer.asked, user_id=session.user_id)
    return web.Response(status=303, headers={"Location": f"/desk/{ticket_id}/exception"})


@needs("agent")
async def offer(request: web.Request, session: Session) -> web.StreamResponse:
    """Make the offer that finance approved: the bot goes on with it."""
    parts, ticket_id = request.app[PARTS], ticket_id_of(request)
    now = parts.clock.now()
    today = now.astimezone(parts.settings.timezone).date()
    async with parts.pool.acquire() as conn, conn.transaction():
        conversation_id = await tickets.hold(conn, ticket_id, agent_id=session.user_id)
        found = await exceptions.one(conn, int(request.match_info["exception"]))
        known = await _known(conn, parts, conversation_id) if conversation_id is not None else None
        problem = _cannot(found, known, conversation_id, today)
        if not problem and conversation_id is not None and found is not None:
            await tickets.close(conn, ticket_id, agent_id=session.user_id, outcome="handed_back", now=now)
            event = ExceptionOffered(ticket_id=ticket_id, agent_id=session.user_id, exception_id=found.id)
            await _put(conn, parts, conversation_id, event, key=f"end.{ticket_id}")
    if problem or conversation_id is None:
        return await _page(request, session, problem=problem, status=409)
    _ring(parts, conversation_id)
    log.info("exception.offered", exception_id=int(request.match_info["exception"]), user_id=session.user_id)
    return web.Response(status=303, headers={"Location": f"/desk/{ticket_id}"})


async def _answer(conn: Any, parts: Parts, session: Session, ticket_id: int, form: Mapping[str, str]) -> _Answer:
    """What follows from the form, with the ticket held."""
    conversation_id = await tickets.hold(conn, ticket_id, agent_id=session.user_id)
    if conversation_id is None:
        return _Answer(problem="This conversation is not with you any more.", status=409)
    known = await _known(conn, parts, conversation_id)
    debt = _debt(known, form.get("debt", ""))
    if debt is None or known.customer is None or known.policy is None:
        return _Answer(problem="Choose what it is for first.", status=422)
    try:
        wanted = wanted_from({name: form.get(name) for name in _FIELDS})
        weighed = special_words.weighed(known.policy, debt, wanted.to_json(), known.today)
    except NotPossible as wrong:
        return _Answer(problem=str(wrong), status=422)
    if "ask" not in form:
        return _Answer(weighed=weighed)
    reason = printable(form.get("reason", "")).strip()[:_REASON_CHARACTERS]
    if not reason:
        return _Answer(problem="Say why.", weighed=weighed, status=422)
    asked = await exceptions.ask(
        conn,
        form_key=form["key"],
        ticket_id=ticket_id,
        conversation_id=conversation_id,
        customer_id=known.customer.customer_id,
        debt_id=debt.id,
        open_cents=debt.open_principal_cents,
        asked_by=session.user_id,
        reason=reason,
        wanted=wanted.to_json(),
        now=known.now,
        answer_until=known.now + ANSWERED_WITHIN,
    )
    if asked is None:
        return _Answer(problem="One request for it waits for finance already.", status=409)
    event = ExceptionNews(what="asked", exception_id=asked, by_name=session.name)
    await _put(conn, parts, conversation_id, event, key=f"exception.{asked}.asked")
    return _Answer(asked=asked, conversation_id=conversation_id)


def routes() -> list[web.RouteDef]:
    """The desk's addresses for offers outside the policy."""
    return [
        web.get(r"/desk/{id:\d{1,18}}/exception", show),
        web.post(r"/desk/{id:\d{1,18}}/exception", ask),
        web.post(r"/desk/{id:\d{1,18}}/exception/{exception:\d{1,18}}/offer", offer),
    ]


def _cannot(found: exceptions.Request | None, known: Facts | None, conversation_id: int | None, today: date) -> str:
    """Why the offer cannot be made now; nothing where it can."""
    if conversation_id is None or known is None:
        return "This conversation is not with you any more."
    if found is None or found.conversation_id != conversation_id or not found.may_be_offered(today):
        return "This offer cannot be made any more."
    debt = _debt(known, str(found.debt_id))
    if debt is None or debt.open_principal_cents != found.open_cents:
        return "The debt has changed since: ask again."
    if known.policy is None or not _is_possible(known.policy, debt, found.wanted, today):
        return "This offer cannot be made any more."
    if known.window_closes_at is None or known.window_closes_at <= known.now:
        return "The 24 hours are over; the message was not sent."
    return ""


def _is_possible(policy: PolicyInForce, debt: Debt, wanted: Mapping[str, Any], today: date) -> bool:
    try:
        special_words.weighed(policy, debt, wanted, today)
    except NotPossible:
        return False
    return True


async def _page(
    request: web.Request,
    session: Session,
    *,
    problem: str = "",
    form: Any = None,
    weighed: Weighed | None = None,
    status: int = 200,
) -> web.StreamResponse:
    parts, ticket_id = request.app[PARTS], ticket_id_of(request)
    texts, zone, now = parts.texts, parts.settings.timezone, parts.clock.now()
    today = now.astimezone(zone).date()
    async with parts.pool.acquire() as conn:
        ticket = await tickets.find(conn, ticket_id)
        if ticket is None:
            return _gone(request)
        await access_log.note(
            conn,
            user_id=session.user_id,
            what="desk_conversation",
            now=now,
            customer_id=ticket.customer_id,
            object_id=ticket.conversation_id,
        )
        known = await _known(conn, parts, ticket.conversation_id)
        customer_id = known.customer.customer_id if known.customer is not None else 0
        asked = await exceptions.of_conversation(conn, ticket.conversation_id, customer_id=customer_id)
    return page(
        request,
        "desk_exception.html",
        status=status,
        session=session,
        ticket=ticket,
        is_mine=_is_mine(ticket, session),
        debts=[debt for debt in known.debts if debt.id in known.costs],
        costs=known.costs,
        has_policy=known.policy is not None,
        asked=asked,
        form={**dict.fromkeys((*_FIELDS, "key", "debt", "reason"), ""), **(form or {})},
        weighed=weighed,
        lines=special_words.lines(weighed.offer, parts) if weighed is not None else [],
        headline=lambda wanted: special_words.headline(wanted, texts),
        today=today,
        now=now,
        key=secrets.token_hex,
        problem=say(texts, problem) if problem else "",
        on=lambda at: dated(parts, at),
        as_day=texts.day,
    )


def _gone(request: web.Request) -> web.Response:
    return notice(
        request,
        title="There is no such conversation",
        text="It may be an old link.",
        status=404,
        link=("/desk", "To the desk"),
    )


def _is_mine(ticket: Ticket, session: Session) -> bool:
    return ticket.state == "claimed" and ticket.agent_id == session.user_id


async def _known(conn: Any, parts: Parts, conversation_id: int) -> Facts:
    conversation = await desk_view.read(conn, conversation_id)
    settings, now = parts.settings, parts.clock.now()
    policy = await parts.policies.in_force(conn, now.astimezone(settings.timezone).date())
    known = await facts.load(conn, [conversation], now=now, zone=settings.timezone, rules=settings.rules, policy=policy)
    return known[conversation_id]


def _debt(known: Facts | None, text: str) -> Debt | None:
    """The open debt that a form names."""
    if known is None:
        return None
    return next((debt for debt in known.debts if debt.id in known.costs and str(debt.id) == text), None)


async def _put(conn: Any, parts: Parts, conversation_id: int, event: Any, *, key: str) -> None:
    await put_event(
        conn, source="desk", dedupe_key=f"a:{key}", conversation_id=conversation_id, event=event, now=parts.clock.now()
    )


def _ring(parts: Parts, conversation_id: int) -> None:
    parts.wake.turns()
    parts.wake.desk_changed(conversation_id)
