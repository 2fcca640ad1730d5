"""For finance: one customer with everything: who it is and what is owed first, then debts with their ledgers, what is
scheduled and why, offers, papers, and all that happened."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiohttp import web

from bot.engine.ladder_outlook import outlook
from bot.parts import PARTS, Parts
from bot.store import access_log, customer_page, customer_timeline, facts
from bot.store.customer_page import CustomerPage
from bot.store.customer_timeline import At
from bot.store.owed_today import owed_today
from bot.store.sessions import Session
from bot.web import customer_words, offer_words
from bot.web.desk_words import reason_words
from bot.web.masked import masked
from bot.web.portfolio_filters import ADDRESS
from bot.web.rendering import dated, notice, page
from bot.web.sessions import needs
from bot.web.transcript import PAPERS
from flows.calendar import days_overdue
from flows.facts import Debt
from flows.statement import lines_of
from payments.late_charges import NO_OTHERS

_SHOWN = 50
_AT = re.compile(r"(\d{1,17})-([0-3])-(\d{1,18})-(\d{1,10})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@needs("finance")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """The page of a customer."""
    parts = request.app[PARTS]
    customer_id = int(request.match_info["id"])
    after = _after(request.query.get("after", ""))
    today = _today(parts)
    async with parts.pool.acquire() as conn:
        customer = await customer_page.find(conn, customer_id)
        if customer is None:
            return _gone(request)
        await access_log.note(
            conn, user_id=session.user_id, what="customer", now=parts.clock.now(), customer_id=customer_id
        )
        found = await customer_page.read(conn, customer)
        chats = [chat.id for chat in found.chats]
        happened = await customer_timeline.read(conn, customer_id, chats, after=after, limit=_SHOWN + 1)
        policy = await parts.policies.in_force(conn, today)
        owed = await owed_today(conn, [history.debt for history in found.histories], policy, today)
        agreed = await _agreed(conn, parts, found)
        ahead = await outlook(conn, parts, customer_id, has_phone=customer.phone is not None)
    texts, zone = parts.texts, parts.settings.timezone
    days = policy.policy.holidays.days if policy is not None else NO_OTHERS
    items = ahead.schedule.items if ahead.schedule is not None else ()
    return page(
        request,
        "finance_customer.html",
        session=session,
        today=today,
        found=found,
        document=masked(customer.document),
        owed=owed,
        owed_cents=sum(cost.total_cents for cost in owed.values()),
        agreed=agreed,
        is_opted_out=customer.opted_out_at is not None or any(c.opted_out_at for c in found.chats if c.is_confirmed),
        promised=[h.debt for h in found.histories if _is_promised(h.debt, today)],
        days_late=lambda due: days_overdue(due, today, days),
        lines=lambda history: lines_of(history, zone),
        ledger_words=lambda line: customer_words.ledger_words(line, texts),
        reason=lambda code: reason_words(code, texts),
        ahead=customer_words.outlook_words(ahead, texts),
        scheduled={item.owed.debt.id: customer_words.scheduled_words(item, texts, zone) for item in items},
        looks_at=ahead.looks_at,
        headline=lambda terms: offer_words.headline(terms, texts),
        papers=PAPERS,
        happened=[customer_words.told(one, texts, zone) for one in customer_words.tellable(happened[:_SHOWN])],
        following=_cursor(happened[_SHOWN - 1].place) if len(happened) > _SHOWN else "",
        is_first=after is None,
        on=lambda at: dated(parts, at),
        as_day=texts.day,
        here_at=request.path,
    )


def routes() -> list[web.RouteDef]:
    """The customer's address."""
    return [web.get(ADDRESS + r"/customers/{id:\d{1,18}}", show)]


async def _agreed(conn: Any, parts: Parts, found: CustomerPage) -> Sequence[Any]:
    """The agreements in force."""
    debts = {found.customer.id: [h.debt for h in found.histories if h.debt.state == "agreed"]}
    if not debts[found.customer.id]:
        return ()
    today = _today(parts)
    policy = await parts.policies.in_force(conn, today)
    agreements = await facts.agreements_of(conn, debts, policy, parts.settings.timezone)
    return [one for one in agreements[found.customer.id] if one.state == "active"]


def _is_promised(debt: Debt, today: date) -> bool:
    return debt.state == "open" and debt.promised_until is not None and debt.promised_until >= today


def _today(parts: Parts) -> date:
    return parts.clock.now().astimezone(parts.settings.timezone).date()


def _cursor(place: At) -> str:
    return f"{(place.at - _EPOCH) // _MICROSECOND}-{place.source}-{place.a}-{place.b}"


def _after(text: str) -> At | None:
    match = _AT.fullmatch(text)
    if match is None:
        return None
    at, source, a, b = map(int, match.groups())
    return At(at=_EPOCH + at * _MICROSECOND, source=source, a=a, b=b)


def _gone(request: web.Request) -> web.Response:
    return notice(
        request,
        title="There is no such customer",
        text="It may be an old link.",
        status=404,
        link=(ADDRESS, "To the portfolio"),
    )
