"""A message from an approved template: the only thing that goes out when the person has not written for 24 hours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.whatsapp import limits
from bot.whatsapp.limits import BadMessage

_NAME = re.compile(r"[a-z0-9_]{1,512}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?", re.ASCII)
_BROKEN = re.compile(r"[\n\t\r]| {5,}")
_VALUE, _PAYLOAD, _QUICK_REPLIES, _LINK = 1024, 128, 10, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template and what fills it: its values by name or in order, its picture, the payloads of its quick replies."""

    name: str
    language: str
    named: Mapping[str, str] = field(default_factory=dict)
    positional: tuple[str, ...] = ()
    header_image: str | None = None  # an address; needed on every send of a template with a picture
    quick_replies: tuple[str, ...] = ()
    link_suffix: str | None = (
        None  # the end of the address of its button to a page, which comes after the quick replies
    )


def template(message: Template) -> dict[str, Any]:
    """Return the value of the JSON's `template`. Raises BadMessage."""
    if not _NAME.fullmatch(message.name):
        raise BadMessage("template.name", "has to be small letters, digits and underscores")
    if not _LANGUAGE.fullmatch(message.language):
        raise BadMessage("template.language.code", "has to be like pt_BR")
    components: list[dict[str, Any]] = []
    if message.header_image is not None:
        link = limits.address("template.components.header.image.link", message.header_image)
        components.append({"type": "header", "parameters": [{"type": "image", "image": {"link": link}}]})
    if values := _values(message):
        components.append({"type": "body", "parameters": values})
    limits.count("template.components.button", len(message.quick_replies), lowest=0, highest=_QUICK_REPLIES)
    for n, payload in enumerate(message.quick_replies):
        limits.text(f"template.components.button[{n}].payload", payload, _PAYLOAD)
        parameters = [{"type": "payload", "payload": payload}]
        components.append({"type": "button", "sub_type": "quick_reply", "index": str(n), "parameters": parameters})
    if message.link_suffix is not None:
        suffix = limits.text("template.components.button.url", message.link_suffix, _LINK)
        index, parameters = str(len(message.quick_replies)), [{"type": "text", "text": suffix}]
        components.append({"type": "button", "sub_type": "url", "index": index, "parameters": parameters})
    made: dict[str, Any] = {"name": message.name, "language": {"code": message.language}}
    if components:
        made["components"] = components
    return made


def _values(message: Template) -> list[dict[str, str]]:
    if message.named and message.positional:
        raise BadMessage("template.components.body", "has values by name and in order; a template knows one of the two")
    if message.named:
        values = message.named.items()
        return [{"type": "text", "parameter_name": name, "text": _value(name, text)} for name, text in values]
    return [{"type": "text", "text": _value(str(n), text)} for n, text in enumerate(message.positional, start=1)]


def _value(name: str, text: str) -> str:
    place = f"template.components.body.{name}"
    if _BROKEN.search(text):  # 132018
        raise BadMessage(place, "holds a line break, a tab or five spaces")
    return limits.text(place, text, _VALUE)
