"""A file that came with a form: its bytes, bounded by the size of any request, or nothing."""

from aiohttp import web
from aiohttp.web_request import FileField


async def uploaded(request: web.Request, name: str) -> tuple[str, bytes] | None:
    """Return the name and the bytes of the file in a field; None where none was chosen. The form was read before
    (`bot.web.forms`), which holds it to its size."""
    if request.content_type != "multipart/form-data":
        return None
    field = (await request.post()).get(name)
    if not isinstance(field, FileField) or not field.filename:
        return None
    return field.filename, field.file.read()
