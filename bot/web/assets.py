"""The pages' own files: style, scripts, icon. Read once, addressed by content, kept by browsers for a year."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

from aiohttp import web

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_DIGEST_CHARACTERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file."""

    body: bytes
    content_type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """Return every file by name."""
    found = {}
    for path in sorted(_FOLDER.iterdir()):
        body = path.read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]
        found[path.name] = Asset(body=body, content_type=_TYPES[path.suffix], digest=digest)
    return found


def asset_url(name: str) -> str:
    """Return the address of a file; it changes when the file does."""
    return f"/static/{name}?v={assets()[name].digest}"


async def static(request: web.Request) -> web.Response:
    """A file by its name; for ever where the address says which version."""
    asset = assets().get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    exact = request.query.get("v") == asset.digest
    return web.Response(
        body=asset.body,
        content_type=asset.content_type,
        charset="utf-8",
        headers={
            "Cache-Control": "public, max-age=31536000, immutable" if exact else "no-cache",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def icon(_: web.Request) -> NoReturn:
    """What browsers ask for by themselves."""
    raise web.HTTPMovedPermanently(asset_url("icon.svg"))


def routes() -> list[web.RouteDef]:
    """The address of the files."""
    return [web.get("/static/{name}", static), web.get("/favicon.ico", icon)]
