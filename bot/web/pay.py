"""The debtor's payment page and its picture: what to pay, until when, and how. No login; the address is the key.

Whoever has the address sees the creditor's name, document and address (CDC art. 42-A), a first name and an amount;
nothing else of a person. Looking changes nothing but that somebody's browser was here, which a ladder may ask about.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web
from babel.dates import format_date

from bot.parts import PARTS, Parts
from bot.store import charge_page, desk_view, facts
from bot.store.charge_page import ChargePage
from bot.web.rendering import notice, page, plain
from flows.quoting import amounts_by_day
from flows.wording import Texts
from payments.boleto import checked_line
from payments.documents import Document, read_document
from payments.qr import qr_png

_PICTURES_KEPT = 256
_PICTURE_S = 3600
_PARTS = (
    ("principal_cents", "Principal"),
    ("fine_cents", "Fine"),
    ("interest_cents", "Interest"),
    ("discount_cents", "Discount"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Creditor:
    """Who collects, as the law wants it on every paper."""

    name: str
    document: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDay:
    """What paying on a day costs, in words; `own` is the day of this very charge."""

    day: str
    amount: str
    own: bool


async def show(request: web.Request) -> web.StreamResponse:
    """The page of one charge."""
    parts, token = request.app[PARTS], request.match_info["token"]
    charge = await _find(parts, token)
    if charge is None:
        return notice(
            request,
            title="We did not find this payment",
            text="The link may be incomplete. Go back to the conversation and open it from there.",
            status=404,
        )
    stands = state_of(charge, parts.clock.now())
    return page(
        request,
        "pay.html",
        token=token,
        state=stands,
        by_day=await _by_day(parts, charge) if stands == "active" else (),
        phone=parts.settings.whatsapp.phone,
        first_name=plain(charge.name).split(" ")[0],
        amount=parts.texts.money(charge.amount_cents),
        lines=_lines(charge, parts.texts),
        of_plan=_of_plan(charge, parts.texts),
        until=parts.texts.day(charge.pay_until),
        code=charge.code,
        boleto_line=checked_line(charge.boleto_line) if charge.boleto_line else None,
        link=charge.link,
        provider=urlsplit(charge.link or "").hostname,
        received=parts.texts.money(charge.paid_cents),
        missing=parts.texts.money(charge.amount_cents - charge.paid_cents)
        if charge.paid_cents < charge.amount_cents
        else None,
        creditor=_creditor(parts),
    )


async def state(request: web.Request) -> web.StreamResponse:
    """Only how it stands, for a page that is left open while its reader is at the bank."""
    parts = request.app[PARTS]
    charge = await _find(parts, request.match_info["token"])
    if charge is None:
        raise web.HTTPNotFound
    return web.json_response({"state": state_of(charge, parts.clock.now())}, headers={"Cache-Control": "no-store"})


async def opened(request: web.Request) -> web.StreamResponse:
    """A browser showed the page; a robot that only fetches it does not say so."""
    parts = request.app[PARTS]
    token = request.match_info["token"]
    if token.isascii() and token.isalnum():
        async with parts.pool.acquire() as conn:
            await charge_page.opened(conn, token, parts.clock.now())
    return web.Response(status=204)


async def picture(request: web.Request) -> web.StreamResponse:
    """The QR of a charge that can be paid."""
    parts = request.app[PARTS]
    charge = await _find(parts, request.match_info["token"])
    if charge is None or charge.code is None:
        raise web.HTTPNotFound
    if state_of(charge, parts.clock.now()) not in ("active", "requested"):
        raise web.HTTPGone
    png = await asyncio.get_running_loop().run_in_executor(None, _png, charge.code)
    headers = {
        "Cache-Control": f"public, max-age={_PICTURE_S}",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=png, content_type="image/png", headers=headers)


async def robots(_: web.Request) -> web.StreamResponse:
    """Nothing here is for a search engine."""
    return web.Response(text="User-agent: *\nDisallow: /\n")


def state_of(charge: ChargePage, now: datetime) -> str:
    """Return requested, active, paid, failed, cancelled, or expired: no longer payable though nobody took it back."""
    if charge.state in ("requested", "active") and now >= charge.expires_at:
        return "expired"
    return charge.state


def routes() -> list[web.RouteDef]:
    """The debtor's addresses."""
    return [
        web.get("/pay/{token}", show),
        web.get("/pay/{token}/state", state),
        web.post("/pay/{token}/opened", opened),
        web.get(r"/qr/{token}.png", picture),
        web.get("/robots.txt", robots),
    ]


async def _find(parts: Parts, token: str) -> ChargePage | None:
    if not token.isascii() or not token.isalnum():
        return None
    async with parts.pool.acquire() as conn:
        return await charge_page.find(conn, token)


async def _by_day(parts: Parts, charge: ChargePage) -> tuple[OnDay, ...]:
    """What the debts of a charge cost on the coming days, by the policy in force; an agreement has its own dates."""
    if charge.agreed:
        return ()
    now, zone = parts.clock.now(), parts.settings.timezone
    async with parts.pool.acquire() as conn:
        conversation = await desk_view.read(conn, charge.conversation_id)
        policy = await parts.policies.in_force(conn, now.astimezone(zone).date())
        rules = parts.settings.rules
        known = await facts.load(conn, [conversation], now=now, zone=zone, rules=rules, policy=policy)
    debts = frozenset(int(cost["debt_id"]) for cost in json.loads(charge.parts))
    amounts = amounts_by_day(known[conversation.id], debts, charge.pay_until)
    return tuple(_on_day(day, cents, charge, parts.texts) for day, cents in amounts)


def _on_day(day: date, cents: int, charge: ChargePage, texts: Texts) -> OnDay:
    """On its own day the charge costs what its code says, whatever has been paid meanwhile."""
    own = day == charge.pay_until
    written = format_date(day, "EEE dd/MM/yyyy", locale=texts.locale).replace(".", ",", 1)
    return OnDay(day=written, amount=texts.money(charge.amount_cents if own else cents), own=own)


def _lines(charge: ChargePage, texts: Texts) -> tuple[tuple[str, str], ...]:
    """The parts that the amount is made of, where there is more than one and they add up."""
    costs = json.loads(charge.parts)
    sums = {name: sum(cost.get(name, 0) for cost in costs) for name, _ in _PARTS}
    sums["discount_cents"] = -sums["discount_cents"]
    if sum(sums.values()) != charge.amount_cents or sums["principal_cents"] == charge.amount_cents:
        return ()
    return tuple((texts(label), texts.money(sums[name])) for name, label in _PARTS if sums[name])


def _of_plan(charge: ChargePage, texts: Texts) -> str | None:
    if charge.instalment_n is None or not charge.instalments:
        return None
    if charge.instalment_n == 0:
        return texts("Entry of your agreement")
    return texts("Instalment {n} of {count}").format(n=charge.instalment_n, count=charge.instalments)


def _creditor(parts: Parts) -> Creditor:
    settings = parts.settings
    document = read_document(settings.creditor_document)
    return Creditor(
        name=settings.creditor_name,
        document=document.formatted if isinstance(document, Document) else "",
        address=settings.creditor_address,
    )


@lru_cache(_PICTURES_KEPT)
def _png(code: str) -> bytes:
    return qr_png(code)
