"""A form with a file larger than requests may be: read part by part, for those alone who may hand one in.

The form's token comes before the file: a page that is too old, or a foreign one, is refused before its bytes are read.
"""

from functools import wraps

from aiohttp import BodyPartReader, web

from bot.web.forms import TAKEN_IN
from bot.web.sessions import Handler, current

_FIELD_BYTES = 4 * 1024
_FIELDS = 8
_FILE: web.RequestKey[tuple[str, bytes]] = web.RequestKey("file_taken_in", tuple)


def with_file(handler: Handler, *, role: str, most: int) -> Handler:
    """Read the file (at most `most` bytes, beyond that 413) before `handler`, which guards itself, is asked."""

    @wraps(handler)
    async def taken(request: web.Request) -> web.StreamResponse:
        session = await current(request)
        if session is not None and session.role in (role, "admin"):
            await _take(request, session.csrf_token, most)
        return await handler(request)

    return taken


def file_of(request: web.Request) -> tuple[str, bytes] | None:
    """Return the name and the bytes of the file that came; None: none was chosen."""
    return request.get(_FILE)


async def _take(request: web.Request, csrf_token: str, most: int) -> None:
    if request.content_type != "multipart/form-data":
        raise web.HTTPUnsupportedMediaType
    form: dict[str, str] = {}
    request[TAKEN_IN] = form
    try:
        reader = await request.multipart()
        for _ in range(_FIELDS):
            part = await reader.next()
            if part is None:
                return
            if not isinstance(part, BodyPartReader):
                raise web.HTTPBadRequest
            if part.filename is None:
                form.setdefault(part.name or "", (await _bytes(part, _FIELD_BYTES)).decode("utf-8", "replace"))
            elif form.get("csrf") != csrf_token:
                return  # the handler's guard says so
            elif part.filename:
                request[_FILE] = (part.filename, await _bytes(part, most))
    except ValueError:  # no multipart, though it says so
        raise web.HTTPBadRequest from None


async def _bytes(part: BodyPartReader, most: int) -> bytes:
    found = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        found += chunk
        if len(found) > most:
            raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(found))
    return bytes(found)
