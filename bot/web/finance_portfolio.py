"""For finance: the portfolio. Debts by filters, which stand in the address; customers by name, number, phone or
document, which are sent in the form and never stand there; and the debts as a file."""

from datetime import date

from aiohttp import web

from bot import debts_csv_out
from bot.parts import PARTS, Parts
from bot.portfolio_search import ASKED_MAX, search_for
from bot.store import access_log, portfolio_export, portfolio_list, portfolio_search
from bot.store.sessions import Session
from bot.web.forms import read_form
from bot.web.masked import masked
from bot.web.portfolio_filters import ADDRESS, BANDS, Asked, asked_for
from bot.web.rendering import page, printable
from bot.web.sessions import needs
from flows.calendar import days_overdue

_SHOWN = 50
_ID_DIGITS = 18
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow"}


@needs("finance")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """The debts that fit the filters, longest due first."""
    parts = request.app[PARTS]
    asked = _asked(request)
    async with parts.pool.acquire() as conn:
        await access_log.note(conn, user_id=session.user_id, what="portfolio", now=parts.clock.now())
        found = await portfolio_list.page(conn, asked.filter, after=asked.after, limit=_SHOWN)
        counted = await portfolio_list.count(conn, asked.filter) if not found.is_partial else None
    return page(
        request,
        "finance_portfolio.html",
        session=session,
        asked=asked,
        debts=found.rows,
        following=asked.address(after=found.following) if found.following else "",
        is_partial=found.is_partial,
        counted=counted,
        limit=portfolio_list.COUNTED,
        states=portfolio_list.STATES,
        whose=portfolio_list.WHOSE,
        bands=tuple(BANDS),
        days_late=lambda due: days_overdue(due, _today(parts)),
        as_day=parts.texts.day,
        whole=_whole,
    )


@needs("finance")
async def search(request: web.Request, session: Session) -> web.StreamResponse:
    """Customers who are looked for."""
    parts, form = request.app[PARTS], await read_form(request)
    text = " ".join(printable(form.get("asked", ""))[:ASKED_MAX].split())
    after = form.get("after", "")
    place = int(after) if after.isascii() and after.isdigit() and len(after) <= _ID_DIGITS else None
    wanted = search_for(text)
    found = None
    if wanted is not None:
        async with parts.pool.acquire() as conn:
            await access_log.note(conn, user_id=session.user_id, what="portfolio_search", now=parts.clock.now())
            found = await portfolio_search.find(conn, wanted, after=place, limit=_SHOWN)
    return page(
        request,
        "finance_portfolio_search.html",
        session=session,
        text=text,
        found=found,
        limit=portfolio_search.MANY,
        masked=masked,
        as_day=parts.texts.day,
        whole=_whole,
    )


@needs("finance")
async def export(request: web.Request, session: Session) -> web.StreamResponse:
    """The debts that fit the filters, as a file that can be imported again."""
    parts = request.app[PARTS]
    asked = _asked(request)
    name = f"carteira-{_today(parts)}.csv"
    response = web.StreamResponse(headers={**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'})
    response.content_type, response.charset = "text/csv", "utf-8"
    async with parts.pool.acquire() as conn:
        await access_log.note(conn, user_id=session.user_id, what="portfolio_export", now=parts.clock.now())
        await response.prepare(request)
        await response.write(debts_csv_out.header())
        async for debts in portfolio_export.debts(conn, asked.filter):
            await response.write(debts_csv_out.lines(debts))
    await response.write_eof()
    return response


def routes() -> list[web.RouteDef]:
    """The portfolio's addresses."""
    return [
        web.get(ADDRESS, show),
        web.post(ADDRESS, search),
        web.get(ADDRESS + ".csv", export, allow_head=False),
    ]


def _asked(request: web.Request) -> Asked:
    return asked_for(request.query, _today(request.app[PARTS]))


def _today(parts: Parts) -> date:
    return parts.clock.now().astimezone(parts.settings.timezone).date()


def _whole(count: int) -> str:
    """A number as it is written in Brazil: 10.000."""
    return f"{count:,}".replace(",", ".")
