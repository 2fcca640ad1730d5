"""For finance: payments that settled nothing, what they may be for, and what is decided on them.

A name or a CPF that is searched for is sent in the form, never in an address.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.engine import reconciling
from bot.engine.reconciling import Outcome, Wish
from bot.parts import PARTS
from bot.store import access_log, reconcile_queue
from bot.store.decisions import By
from bot.store.reconcile_queue import Found, FoundCustomer
from bot.store.sessions import Session
from bot.web.forms import read_form
from bot.web.rendering import dated, notice, page, printable
from bot.web.sessions import needs
from payments.returns import Place

_SHOWN = 200
_FOUND = 10
_NOTE_CHARACTERS = 300
_KEY = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_REAIS = re.compile(r"(\d{1,3}(?:\.\d{3})+|\d{1,10})(?:,(\d{2}))?", re.ASCII)
_RETURN_ID = re.compile(r"[A-Za-z0-9]{1,35}")
_TOLD: dict[Outcome, str] = {
    "again": "This was decided already; nothing was done twice.",
    "too_much": "So much of it is not free any more. Look at what was decided.",
    "nothing_open": "Nothing is open on that bill.",
    "another_customer": "A part of this payment is another customer's; send this part back instead.",
    "nobody": "Choose the customer first.",
    "by_hand": "No provider can send this payment back: do it at your bank, then note its identifier here.",
    "known_return": "A return with this identifier is counted already.",
}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the page has to say, and what was searched for."""

    problem: str = ""
    asked: str = ""
    debts: tuple[Found, ...] = ()
    customers: tuple[FoundCustomer, ...] = ()


@needs("finance")
async def show_all(request: web.Request, session: Session) -> web.StreamResponse:
    """What waits, oldest first, and what is kept as credit."""
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        await access_log.note(conn, user_id=session.user_id, what="payments", now=parts.clock.now())
        waiting = await reconcile_queue.waiting(conn, "suspense", limit=_SHOWN)
        credits = await reconcile_queue.waiting(conn, "credit", limit=_SHOWN)
        sums = await reconcile_queue.sums(conn)
    return page(
        request,
        "finance_payments.html",
        session=session,
        lists=(("suspense", waiting), ("credit", credits)),
        sums=sums,
        key=secrets.token_hex,
        on=lambda at: dated(parts, at),
    )


@needs("finance")
async def show_one(request: web.Request, session: Session) -> web.StreamResponse:
    """One payment, what was decided on it, and what can be."""
    return await _one(request, session, _Told())


@needs("finance")
async def find(request: web.Request, session: Session) -> web.StreamResponse:
    """Look for the debt or the customer that it may be for."""
    asked = printable((await read_form(request)).get("asked", ""))[:100].strip()
    if not asked:
        return await _one(request, session, _Told())
    async with request.app[PARTS].pool.acquire() as conn:
        await access_log.note(
            conn,
            user_id=session.user_id,
            what="payment_search",
            now=request.app[PARTS].clock.now(),
            object_id=_payment_id(request),
        )
        debts, customers = await reconcile_queue.find(conn, asked, limit=_FOUND)
    return await _one(request, session, _Told(asked=asked, debts=tuple(debts), customers=tuple(customers)))


@needs("finance")
async def allocate(request: web.Request, session: Session) -> web.StreamResponse:
    """Use it for a debt."""
    form = await read_form(request)
    wish, problem = _wish(request, session, form)
    if wish is None:
        return await _one(request, session, _Told(problem=problem), status=422)
    outcome = await reconciling.allocate(request.app[PARTS], wish, debt_id=_id(form.get("debt_id")))
    return await _answer(request, session, "payment.allocated", outcome)


@needs("finance")
async def credit(request: web.Request, session: Session) -> web.StreamResponse:
    """Keep it for the customer."""
    form = await read_form(request)
    wish, problem = _wish(request, session, form)
    if wish is None:
        return await _one(request, session, _Told(problem=problem), status=422)
    outcome = await reconciling.keep_as_credit(request.app[PARTS], wish, customer_id=_id(form.get("customer_id")))
    return await _answer(request, session, "payment.kept_as_credit", outcome)


@needs("finance")
async def refund(request: web.Request, session: Session) -> web.StreamResponse:
    """Send it back, or note that it was sent back at the bank."""
    form = await read_form(request)
    wish, problem = _wish(request, session, form)
    done_as = form.get("return_id", "").strip() if form.get("by_hand") else None
    if wish is not None and done_as is not None and not _RETURN_ID.fullmatch(done_as):
        wish, problem = None, "The bank's identifier of a return has up to 35 letters and digits."
    if wish is None:
        return await _one(request, session, _Told(problem=problem), status=422)
    outcome = await reconciling.refund(request.app[PARTS], wish, done_as=done_as)
    return await _answer(request, session, "payment.refunded", outcome)


def routes() -> list[web.RouteDef]:
    """Finance's addresses for payments."""
    one = r"/finance/payments/{id:\d{1,18}}"
    return [
        web.get("/finance/payments", show_all),
        web.get(one, show_one),
        web.post(one + "/find", find),
        web.post(one + "/allocate", allocate),
        web.post(one + "/credit", credit),
        web.post(one + "/refund", refund),
    ]


async def _one(request: web.Request, session: Session, told: _Told, *, status: int = 200) -> web.StreamResponse:
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        payment = await reconcile_queue.one(conn, _payment_id(request))
        if payment is not None:
            await access_log.note(
                conn,
                user_id=session.user_id,
                what="payment",
                now=parts.clock.now(),
                customer_id=payment.customer_id,
                object_id=_payment_id(request),
            )
    if payment is None:
        return _gone(request)
    return page(
        request,
        "finance_payment.html",
        status=status,
        session=session,
        payment=payment,
        told=told,
        problem=parts.texts(told.problem) if told.problem else "",
        key=secrets.token_hex,
        on=lambda at: dated(parts, at),
        refundable=reconciling.can_refund(parts, payment.source, payment.end_to_end_id),
    )


async def _answer(request: web.Request, session: Session, what: str, outcome: Outcome) -> web.StreamResponse:
    payment_id = _payment_id(request)
    if outcome == "gone":
        return _gone(request)
    if outcome != "done":
        return await _one(request, session, _Told(problem=_TOLD[outcome]), status=409)
    log.info(what, payment_id=payment_id, user_id=session.user_id)
    async with request.app[PARTS].pool.acquire() as conn:
        payment = await reconcile_queue.one(conn, payment_id)
    is_over = payment is None or not (payment.suspense_cents or payment.credit_cents)
    location = "/finance/payments" if is_over else f"/finance/payments/{payment_id}"
    return web.Response(status=303, headers={"Location": location})


def _wish(request: web.Request, session: Session, form: Mapping[str, str]) -> tuple[Wish | None, str]:
    """What the form asks for, or a msgid of what is wrong with it."""
    key = form.get("key", "")
    if not _KEY.fullmatch(key):
        raise web.HTTPBadRequest
    cents = cents_of(form.get("amount", ""))
    if not cents:
        return None, "Write the amount like 1.234,56."
    note = printable(form.get("note", "")).strip()
    if len(note) > _NOTE_CHARACTERS:
        return None, "The note is too long."
    place: Place = "credit" if form.get("place") == "credit" else "suspense"
    by = By(user_id=session.user_id, note=note, form_key=key, now=request.app[PARTS].clock.now())
    return Wish(payment_id=_payment_id(request), cents=cents, place=place, by=by), ""


def cents_of(text: str) -> int:
    """Return the centavos of an amount as it is typed in Brazil (1.234,56), 0 for anything else."""
    match = _REAIS.fullmatch(text.replace("R$", "").strip())
    return int(match[1].replace(".", "")) * 100 + int(match[2] or 0) if match else 0


def _payment_id(request: web.Request) -> int:
    return int(request.match_info["id"])


def _id(text: str | None) -> int:
    return int(text) if text is not None and _ID.fullmatch(text) else 0


def _gone(request: web.Request) -> web.Response:
    return notice(
        request,
        title="There is no such payment",
        text="It may be an old link.",
        status=404,
        link=("/finance/payments", "To the payments"),
    )
