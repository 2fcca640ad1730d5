"""What a form brought: text only, bounded, or a clean refusal."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

_BYTES = 64 * 1024
UPLOAD_BYTES = 4 * 1024 * 1024  # of a form with a file: as much as any request may have

TAKEN_IN: web.RequestKey[Mapping[str, str]] = web.RequestKey("form_taken_in", Mapping)  # by `bot.web.large_upload`


async def read_form(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a form, of a repeated one the first; files are left to `bot.web.uploads`. Raises 413 for too
    much, 415 or 400 for no form."""
    if TAKEN_IN in request:
        return request[TAKEN_IN]
    is_upload = request.content_type == "multipart/form-data"
    most = UPLOAD_BYTES if is_upload else _BYTES
    if request.content_length is None or request.content_length > most:
        raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=request.content_length or 0)
    if not is_upload and request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType
    try:
        fields = await request.post()
    # No UTF-8, too many fields, a character set of nobody's; a part cut off, in an unknown encoding, of broken headers.
    except (ValueError, LookupError, RuntimeError, HttpProcessingError):
        raise web.HTTPBadRequest from None
    form: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            form.setdefault(name, value)
    return form
