"""What a message can hold: the closed union of contents. What has no form of its own here is `Unsupported`.

Texts are as people wrote them, but for U+FFFD in the place of NUL and half characters (see `bot.whatsapp.lenient`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words."""

    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button or a row was pressed: a template's quick reply, a reply button or a row of a list alike."""

    payload: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file. `media_id` lives 7 days, `url` 5 minutes."""

    kind: Literal["image", "video", "document", "audio", "sticker", "voice"]
    media_id: str
    mime_type: str | None = None
    caption: str | None = None
    filename: str | None = None
    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place on the map, in degrees; 0 is a coordinate."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """Address cards. `own_number`: the person answered our request for their number, so the card is their own."""

    names: tuple[str, ...]
    phones: tuple[str, ...]
    own_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """An emoji on a message; None takes it back."""

    message_id: str | None
    emoji: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A shopping basket from a catalogue."""

    catalog_id: str | None
    items: int
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowReply:
    """A form was sent. `response` is the text of JSON that came, which is not always an object."""

    name: str | None
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """The person agreed to pay with a stored card. An order to charge it, not a payment."""

    method: str
    reference_id: str | None
    credential_id: str | None = None
    last_four_digits: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberChanged:
    """The person has a new number or user id (whichever is told). No proof that it is still the same person."""

    wa_id: str | None
    user_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChanged:
    """The keys behind the number changed: perhaps a new device, perhaps somebody else."""

    key_hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """An earlier message was changed to this."""

    message_id: str | None
    content: "Content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """An earlier message was deleted."""

    message_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """Something that WhatsApp or we cannot show: its type as far as it is told, and Meta's error code."""

    type: str
    code: int | None = None


Content: TypeAlias = (
    Text
    | Press
    | Media
    | Location
    | Contacts
    | Reaction
    | Order
    | FlowReply
    | PaymentMethod
    | NumberChanged
    | IdentityChanged
    | Edited
    | Revoked
    | Unsupported
)
