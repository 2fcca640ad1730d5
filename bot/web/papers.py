"""Papers by their address: made at the first reading, kept, and from then on the same bytes for ever.

No login; the address is the key, and it stands only in messages to the person whose paper it is. WhatsApp itself reads
it too, to bring the document.
"""

import asyncio

from aiohttp import web

from bot.engine.papers import FILES
from bot.papers.making import content_type, make
from bot.parts import PARTS, Parts
from bot.store import papers
from bot.store.papers import Found
from bot.web.rendering import notice
from flows.words import WORDS

_KEPT_S = 3600
_ENDINGS = {"pdf": "application/pdf", "ics": "text/calendar"}


async def show(request: web.Request) -> web.StreamResponse:
    """The file of one paper."""
    parts = request.app[PARTS]
    found = await _find(parts, request.match_info["token"], request.match_info["ending"])
    if found is None:
        return notice(
            request,
            title="We did not find this document",
            text="The link may be incomplete. Go back to the conversation and open it from there.",
            status=404,
        )
    body = found.body if found.body is not None else await _made(parts, found)
    name = parts.texts(WORDS[FILES[found.kind]])
    headers = {
        "Cache-Control": f"private, max-age={_KEPT_S}",
        "Content-Disposition": f'inline; filename="{name}"',
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
    }
    charset = "utf-8" if found.kind == "calendar" else None
    return web.Response(body=body, content_type=content_type(found.kind), charset=charset, headers=headers)


def routes() -> list[web.RouteDef]:
    """The papers' addresses."""
    return [web.get(r"/paper/{token}.{ending:pdf|ics}", show)]


async def _find(parts: Parts, token: str, ending: str) -> Found | None:
    if not token.isascii() or not token.isalnum():
        return None
    async with parts.pool.acquire() as conn:
        found = await papers.find(conn, token)
    return found if found is not None and content_type(found.kind) == _ENDINGS[ending] else None


async def _made(parts: Parts, found: Found) -> bytes:
    """Make the file beside the loop, and keep it."""
    body = await asyncio.get_running_loop().run_in_executor(None, make, found.paper, parts.texts)
    async with parts.pool.acquire() as conn:
        return await papers.keep_body(conn, found.id, body)
