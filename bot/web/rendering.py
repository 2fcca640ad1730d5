"""How a page comes to be: a template, words in Portuguese, and headers that let nothing foreign in.

Everything a template prints is escaped. What people typed is cleaned of what could break a page or turn its direction.
"""

import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bot.parts import PARTS, Parts
from bot.web.assets import asset_url
from flows.wording import Texts

_TEMPLATES = Path(__file__).parent / "templates"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
# Marks that turn the reading direction of what follows (Bidi_Control): a name must not rewrite its line.
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")

ENVIRONMENT: web.AppKey[Environment] = web.AppKey("pages", Environment)


def environment(parts: Parts) -> Environment:
    """Return the templates with the words and formats that they use."""
    zone, texts = parts.settings.timezone, parts.texts
    pages = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals.update(
        _=lambda msgid, **fields: say(texts, msgid, **fields),
        asset=asset_url,
        money=texts.money,
        clock_time=lambda at: clock_time(at, zone),
        demo=parts.demo,
        creditor=parts.settings.creditor_name,
        has_company_login=bool(parts.settings.oidc.issuer),
    )
    pages.filters.update(plain=plain, as_typed=as_typed)
    return pages


def page(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """Return a whole page."""
    html = request.app[ENVIRONMENT].get_template(template).render(**context)
    return web.Response(text=html, status=status, content_type="text/html", headers=_HEADERS)


def partial(html: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a part of a page that is rendered already."""
    return web.Response(text=html, status=status, content_type="text/html", headers={**_HEADERS, **(headers or {})})


def rendered(request: web.Request, template: str, **context: Any) -> Markup:
    """Return a template as safe text, to stand inside another."""
    return Markup(request.app[ENVIRONMENT].get_template(template).render(**context))  # noqa: S704  # autoescaped


def notice(
    request: web.Request, *, title: str, text: str, status: int, link: tuple[str, str] | None = None
) -> web.Response:
    """Return a page that says one thing, kindly. `title` and `text` are msgids, `link` an address and its msgid."""
    texts = request.app[PARTS].texts
    label = (link[0], texts(link[1])) if link is not None else None
    return page(request, "notice.html", status=status, title=texts(title), text=texts(text), link=label)


def unchanged() -> web.Response:
    """Return the answer to a look that finds what was there before."""
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


def say(texts: Texts, msgid: str, **fields: object) -> str:
    """Return the words for `msgid` with its fields filled."""
    words = texts(msgid)
    return words.format(**fields) if fields else words


def dated(parts: Parts, at: datetime) -> str:
    """Return 24/12/2026 14:05, where the creditor is."""
    zone = parts.settings.timezone
    return f"{parts.texts.day(at.astimezone(zone).date())} {clock_time(at, zone)}"


def clock_time(at: datetime, zone: ZoneInfo) -> str:
    """Return 14:05, where the creditor is."""
    return f"{at.astimezone(zone):%H:%M}"


def span(texts: Texts, seconds: float) -> str:
    """Return a length of time as people say it: "agora", "12 min", "3 h 05 min", "2 d"."""
    whole = max(0, int(seconds))
    if whole < _MINUTE_S:
        return texts("now")
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:02d} min"
    return say(texts, "{days} d", days=whole // _DAY_S)


def printable(text: str) -> str:
    """Return `text` as it can stand in a page: half surrogate pairs and control characters are replaced."""
    whole = text.replace("\r\n", "\n").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join("\ufffd" if unicodedata.category(c) == "Cc" and c not in "\n\t" else c for c in whole)


def plain(text: str) -> str:
    """Return a name or a label: one line that cannot turn the direction of what stands beside it."""
    return " ".join(_DIRECTION.sub("", printable(text)).split())


def as_typed(text: str) -> Markup:
    """Return a message as WhatsApp shows it (*bold*), escaped. It stands in an element of its own direction."""
    escaped = str(escape(printable(text)))
    return Markup(_BOLD.sub(r"<strong>\1</strong>", escaped))  # noqa: S704  # escaped the line before
