"""For administrators: who looked at whose data, and when (LGPD art. 37). Looking here is written down too."""

from datetime import date, datetime, time, timedelta

from aiohttp import web

from bot.parts import PARTS, Parts
from bot.store import access_log, users
from bot.store.sessions import Session
from bot.web.rendering import page
from bot.web.sessions import needs

SEEN = {
    "access_log": "this list",
    "customer": "customer",
    "desk_conversation": "conversation",
    "desk_queue": "the desk's queue",
    "exception": "offer outside the policy, request",
    "exceptions": "list of exceptions",
    "offer": "offer of conversation",
    "offer_case": "case file of conversation",
    "offers": "list of offers",
    "parked": "parked event",
    "payment": "payment",
    "payment_search": "search for a payment's owner",
    "payments": "list of payments",
    "policy_trial": "trial of a policy",
    "policy_trial_debt": "debt in a policy's trial",
}
_SHOWN = 100
_ID_DIGITS = 18
_NEWEST = 2**62


@needs("admin")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """The newest lines, or those of a person, a day, a customer."""
    parts, query = request.app[PARTS], request.query
    texts, zone, now = parts.texts, parts.settings.timezone, parts.clock.now()
    person, customer, day = _number(query.get("person")), _number(query.get("customer")), _day(query.get("day", ""))
    async with parts.pool.acquire() as conn:
        await access_log.note(conn, user_id=session.user_id, what="access_log", now=now, customer_id=None)
        rows = await access_log.page(
            conn,
            user_id=person,
            customer_id=customer,
            between=_instants(parts, day) if day is not None else None,
            before=_number(query.get("before")) or _NEWEST,
            limit=_SHOWN + 1,
        )
        people = await users.everybody(conn, now)
    return page(
        request,
        "people_access.html",
        session=session,
        rows=rows[:_SHOWN],
        more=rows[_SHOWN - 1].id if len(rows) > _SHOWN else 0,
        people=people,
        asked_person=person,
        customer=customer,
        day=day,
        seen={what: texts(word) for what, word in SEEN.items()},
        on=lambda at: f"{texts.day(at.astimezone(zone).date())} {at.astimezone(zone):%H:%M}",
    )


def routes() -> list[web.RouteDef]:
    """The address of the record."""
    return [web.get("/people/access", show)]


def _instants(parts: Parts, day: date) -> tuple[datetime, datetime]:
    zone = parts.settings.timezone
    following = day + timedelta(days=1) if day < date.max else day
    return datetime.combine(day, time(), zone), datetime.combine(following, time(), zone)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= _ID_DIGITS else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
