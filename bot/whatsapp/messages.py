"""Messages as values, and the JSON that WhatsApp gets for each; what it would refuse is refused here, with the field.

`content` makes a message's own part, once; `address` adds the addressee and what is echoed; `build` does both.
Source of the forms and limits: Meta, "Messages API", a page for each type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, assert_never

from bot.whatsapp import limits
from bot.whatsapp.contact_points import phone_of, user_id_of
from bot.whatsapp.interactive import Button, Buttons, LinkButton, List, Row, Section, interactive
from bot.whatsapp.limits import BadMessage
from bot.whatsapp.markup import plain
from bot.whatsapp.orders import OrderDetails, OrderItem, OrderStatus, key_type_of, order
from bot.whatsapp.template_messages import Template, template

__all__ = [
    "BadMessage",
    "Button",
    "Buttons",
    "Document",
    "Image",
    "LinkButton",
    "List",
    "MarkRead",
    "Media",
    "Message",
    "OrderDetails",
    "OrderItem",
    "OrderStatus",
    "Recipient",
    "Row",
    "Section",
    "Template",
    "Text",
    "address",
    "build",
    "content",
    "key_type_of",
    "mark_read",
    "plain",
]

_TEXT, _CAPTION, _OPAQUE, _ID = 4096, 1024, 512, 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words. `preview_url` lets WhatsApp fetch the first link in them, like any robot."""

    body: str
    preview_url: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A JPEG or PNG, by address (WhatsApp caches it for 10 minutes) or by uploaded id: one of the two."""

    link: str | None = None
    media_id: str | None = None
    caption: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file, by address or by uploaded id: one of the two. `filename` with its extension."""

    filename: str
    link: str | None = None
    media_id: str | None = None
    caption: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A sticker, a short video or a recording, by its address; it has no words."""

    kind: Literal["sticker", "video", "audio"]
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRead:
    """Tell a person that their message (and all before it) was read; `typing`: and that an answer is being written."""

    message_id: str
    typing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Where a message goes: to the phone as WhatsApp gave it, else to the user id."""

    phone: str | None = None
    user_id: str | None = None


Message: TypeAlias = (
    Text | Image | Media | Document | Buttons | List | LinkButton | Template | OrderDetails | OrderStatus
)


def content(message: Message) -> dict[str, Any]:
    """Return a message's own part of the JSON: `type` and what belongs to it. Raises BadMessage."""
    match message:
        case Text():
            body = limits.text("text.body", message.body, _TEXT)
            return {"type": "text", "text": {"body": body, "preview_url": message.preview_url}}
        case Image():
            return {"type": "image", "image": _file("image", message)}
        case Media(kind=kind, link=link):
            return {"type": kind, kind: {"link": limits.address(f"{kind}.link", link)}}
        case Document():
            name = limits.text("document.filename", message.filename, 240)
            if not name.rpartition(".")[0] or name.endswith("."):
                raise BadMessage("document.filename", "has no extension, and phones open files by it")
            return {"type": "document", "document": {**_file("document", message), "filename": name}}
        case Buttons() | List() | LinkButton():
            return {"type": "interactive", "interactive": interactive(message)}
        case OrderDetails() | OrderStatus():
            return {"type": "interactive", "interactive": order(message)}
        case Template():
            return {"type": "template", "template": template(message)}
        case _:
            assert_never(message)


def _file(field: str, message: Image | Document) -> dict[str, str]:
    if (message.link is None) == (message.media_id is None):
        raise BadMessage(field, "needs either link or id")
    file = (
        {"link": limits.address(f"{field}.link", message.link)}
        if message.link is not None
        else {"id": limits.text(f"{field}.id", message.media_id or "", _ID)}
    )
    if message.caption is not None:
        file["caption"] = limits.text(f"{field}.caption", message.caption, _CAPTION)
    return file


def address(
    body: Mapping[str, Any], *, to: Recipient, opaque: str | None = None, reply_to: str | None = None
) -> dict[str, Any]:
    """Return the whole JSON of a message: `body` of `content`, to whom, and what its statuses echo. Raises BadMessage.

    The number is written with plus and country code: without the plus Meta may put the business's own code in front.
    """
    whole: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", **_recipient(to), **body}
    if reply_to is not None:
        whole["context"] = {"message_id": limits.text("context.message_id", reply_to, _ID)}
    if opaque is not None:
        whole["biz_opaque_callback_data"] = limits.text("biz_opaque_callback_data", opaque, _OPAQUE)
    return whole


def build(message: Message, *, to: Recipient, opaque: str | None, reply_to: str | None = None) -> dict[str, Any]:
    """Return the whole JSON of a message. Raises BadMessage."""
    return address(content(message), to=to, opaque=opaque, reply_to=reply_to)


def _recipient(to: Recipient) -> dict[str, str]:
    if to.phone is not None:
        digits = phone_of(to.phone)
        if digits is None:
            raise BadMessage("to", "is no phone number with country code")
        return {"to": f"+{digits}"}
    if user_id_of(to.user_id) is None:
        raise BadMessage("recipient", "is no user id, and there is no phone number")
    return {"recipient": str(to.user_id)}


def mark_read(message: MarkRead) -> dict[str, Any]:
    """Return the JSON that marks a message as read. Raises BadMessage."""
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": limits.text("message_id", message.message_id, _ID),
    }
    if message.typing:
        body["typing_indicator"] = {"type": "text"}
    return body
