"""For administrators: who looked at whose data, and when (LGPD art. 37). Looking here is written down too."""

from aiohttp import web

from bot.parts import PARTS
from bot.store import access_log, users
from bot.store.sessions import Session
from bot.web.asked import day_of, instants_of, number_of
from bot.web.rendering import dated, page
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
_NEWEST = 2**62


@needs("admin")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """The newest lines, or those of a person, a day, a customer."""
    parts, query = request.app[PARTS], request.query
    texts, now = parts.texts, parts.clock.now()
    person, customer, day = (
        number_of(query.get("person")),
        number_of(query.get("customer")),
        day_of(query.get("day", "")),
    )
    async with parts.pool.acquire() as conn:
        await access_log.note(conn, user_id=session.user_id, what="access_log", now=now, customer_id=None)
        rows = await access_log.page(
            conn,
            user_id=person,
            customer_id=customer,
            between=instants_of(parts, day) if day is not None else None,
            before=number_of(query.get("before")) or _NEWEST,
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
        on=lambda at: dated(parts, at),
    )


def routes() -> list[web.RouteDef]:
    """The address of the record."""
    return [web.get("/people/access", show)]
