"""Lines that belong to no customer, as the ladder's page shows them, and marking one as seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.parts import PARTS, Parts
from bot.store import notices
from bot.store.sessions import Session
from bot.web.rendering import dated, plain
from bot.web.sessions import needs

# What happened, by its code; msgids. `{subject}` is a template, a debt's number or a month.
_WORDS: Mapping[str, str] = {
    "template_paused": "WhatsApp paused the template {subject}; its steps wait.",
    "template_disabled": "WhatsApp disabled the template {subject} for good; its steps are passed over.",
    "template_rejected": "WhatsApp refused the template {subject}; its steps are passed over.",
    "template_pending": "The template {subject} is being reviewed; its steps are passed over until then.",
    "template_gone": "The template {subject} is no longer there; its steps are passed over.",
    "template_marketing": "WhatsApp takes the template {subject} for marketing: only who agreed to that gets it.",
    "template_red": "People complain of the template {subject}; WhatsApp may pause it.",
    "channel_restricted": "WhatsApp restricted the number ({subject}): no reminder goes out until somebody resumes.",
    "channel_red": "People complain of the number ({subject}): reminders go out at half the pace.",
    "ladder_stopped": "The ladder {subject} has stopped by its own rule: too many people turned away.",
    "ceiling": "The ceiling of {subject} is reached: reminders wait for the next month.",
    "prescribed": "The debt {subject} is prescribed: nobody is reminded of it. People decide.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line, in words."""

    id: int
    text: str
    at: str


async def lines(parts: Parts, conn: Any) -> tuple[Line, ...]:
    """Return what nobody has seen yet, newest first."""
    return tuple(
        Line(id=one.id, text=_said(parts, one.kind, one.subject), at=dated(parts, one.created_at))
        for one in await notices.open_notices(conn)
    )


def _said(parts: Parts, kind: str, subject: str) -> str:
    words = _WORDS.get(kind)
    return parts.texts(words).format(subject=plain(subject)) if words is not None else f"{plain(kind)} {plain(subject)}"


@needs("finance")
async def seen(request: web.Request, session: Session) -> web.StreamResponse:
    """Somebody has seen it."""
    parts = request.app[PARTS]
    async with parts.pool.acquire() as conn:
        await notices.seen(conn, int(request.match_info["id"]), by=session.name, now=parts.clock.now())
    return web.Response(status=303, headers={"Location": "/finance/ladders"})


def routes() -> list[web.RouteDef]:
    """Where a line is marked as seen."""
    return [web.post(r"/finance/notices/{id:\d{1,18}}/seen", seen)]
