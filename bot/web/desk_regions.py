"""The regions of the desk: queue, head, card, transcript, composer; each with its address and its picture's digest.

A live page asks for a region again with the digest that it has; the same digest is answered with 204, so nothing
flickers and nothing that is being typed is lost.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from markupsafe import Markup

from bot.engine.events import NoSuchEvent, from_raw
from bot.parts import PARTS, Parts
from bot.store import tickets
from bot.store.sessions import Session
from bot.store.tickets import Ticket, Waiting
from bot.web.customer_card import Card, short_address
from bot.web.desk_words import reason_words
from bot.web.rendering import plain, rendered, span
from bot.web.transcript import Item, days, on_its_way, preview
from flows.events import AgentReplied

TEXT_CHARACTERS = 4096  # WhatsApp's limit of a text
_DIGEST_CHARACTERS = 16
_TICKET_CHANGED, _QUEUE_CHANGED = "conversation-changed from:body", "queue-changed from:body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of the page that keeps itself up to date."""

    html: Markup
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One ticket in the queue, in words. `is_open`: it is the one on this page."""

    id: int
    name: str
    reason: str
    queue: str
    waited: str
    holder: str | None
    preview: str
    is_open: bool


async def queue(request: web.Request, conn: Any, session: Session, *, opened: int) -> Region:
    """Mine, then who waits, longest first, then what colleagues hold."""
    parts = request.app[PARTS]
    now, waiting = parts.clock.now(), await tickets.queue(conn)
    groups = (
        ("With you", [_row(w, parts, now, opened, is_mine=True) for w in waiting if w.agent_id == session.user_id]),
        ("Waiting", [_row(w, parts, now, opened) for w in waiting if w.agent_id is None]),
        (
            "With colleagues",
            [_row(w, parts, now, opened) for w in waiting if w.agent_id not in (None, session.user_id)],
        ),
    )
    shown = tuple((parts.texts(title), rows) for title, rows in groups if rows)
    unheld = sum(1 for w in waiting if w.agent_id is None)
    inner = rendered(request, "_queue.html", groups=shown, waiting=unheld)
    return _region(request, "queue", f"/desk/queue?open={opened}&", _QUEUE_CHANGED, inner)


def head(request: web.Request, session: Session, ticket: Ticket, card: Card) -> Region:
    """Who it is, where the ticket stands, and what can be done."""
    parts = request.app[PARTS]
    waited = span(parts.texts, (parts.clock.now() - ticket.opened_at).total_seconds())
    inner = rendered(
        request,
        "_head.html",
        ticket=ticket,
        card=card,
        csrf=session.csrf_token,
        reason=reason_words(ticket.reason, parts.texts),
        waited=waited,
        standing=standing(ticket, session, card),
        action=secrets.token_hex(16),
        agent=plain(ticket.agent or ""),
    )
    # The picture is the same though the token of a click is another one.
    seen = (ticket, card, waited)
    return _ticket_region(request, ticket, "head", inner, seen=repr(seen))


def card(request: web.Request, session: Session, ticket: Ticket, card: Card) -> Region:
    """What is owed, agreed and known."""
    can_ask = bool(card.owed) and card.person is not None and standing(ticket, session, card) in ("mine", "window")
    inner = rendered(request, "_card.html", card=card, can_ask=can_ask, ticket_id=ticket.id)
    return _ticket_region(request, ticket, "card", inner)


async def transcript(request: web.Request, conn: Any, ticket: Ticket) -> Region:
    """What was said and what happened, with what is still on its way."""
    parts = request.app[PARTS]
    zone, now = parts.settings.timezone, parts.clock.now()
    lines = await tickets.transcript(conn, ticket.conversation_id)
    told = days(lines, texts=parts.texts, zone=zone, today=now.astimezone(zone).date())
    coming = _coming(await tickets.on_their_way(conn, ticket.conversation_id), parts, now)
    inner = rendered(request, "_transcript.html", days=told, coming=coming)
    return _ticket_region(request, ticket, "transcript", inner)


def composer(request: web.Request, session: Session, ticket: Ticket, card: Card, *, draft: str = "") -> Region:
    """Where the holder writes, or why nobody can write here. Its form carries its own key: sent twice is once."""
    stands = standing(ticket, session, card)
    inner = rendered(
        request,
        "_composer.html",
        ticket=ticket,
        standing=stands,
        csrf=session.csrf_token,
        key=secrets.token_hex(16),
        draft=draft,
        limit=TEXT_CHARACTERS,
        agent=plain(ticket.agent or ""),
    )
    return _ticket_region(request, ticket, "composer", inner, seen=f"{stands} {ticket.agent}")


def standing(ticket: Ticket, session: Session, card: Card) -> str:
    """Return how the ticket stands for who looks: waiting, mine, window (mine, too late), theirs, or its outcome."""
    if ticket.outcome is not None:
        return ticket.outcome
    if ticket.agent_id is None:
        return "waiting"
    if ticket.agent_id != session.user_id:
        return "theirs"
    return "mine" if card.window_open else "window"


def _row(waiting: Waiting, parts: Parts, now: datetime, opened: int, *, is_mine: bool = False) -> Row:
    return Row(
        id=waiting.id,
        name=plain(waiting.customer or waiting.profile_name or "") or short_address(waiting.address),
        reason=reason_words(waiting.reason, parts.texts),
        queue=plain(waiting.queue),
        waited=span(parts.texts, (now - waiting.opened_at).total_seconds()),
        holder=plain(waiting.agent) if waiting.agent and not is_mine else None,
        preview=preview(waiting.heard, parts.texts),
        is_open=waiting.id == opened,
    )


def _coming(raws: list[bytes], parts: Parts, now: datetime) -> list[Item]:
    items = []
    for raw in raws:
        try:
            event = from_raw(raw)
        except NoSuchEvent:
            continue  # a newer version wrote it and will read it
        if isinstance(event, AgentReplied):
            items.append(on_its_way(event.text, event.agent_name, now, texts=parts.texts, zone=parts.settings.timezone))
    return items


def _ticket_region(
    request: web.Request, ticket: Ticket, name: str, inner: Markup, *, seen: str | None = None
) -> Region:
    return _region(request, name, f"/desk/{ticket.id}/{name}?", _TICKET_CHANGED, inner, seen=seen)


def _region(
    request: web.Request, name: str, address: str, changes: str, inner: Markup, *, seen: str | None = None
) -> Region:
    digest = hashlib.sha256((seen or inner).encode("utf-8", "replace")).hexdigest()[:_DIGEST_CHARACTERS]
    html = rendered(request, "_region.html", name=name, address=f"{address}seen={digest}", changes=changes, inner=inner)
    return Region(html=html, digest=digest)
