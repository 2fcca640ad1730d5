"""What WhatsApp brings, split into items: every message, status and notice of a body by itself, each with its own key.

Nothing here raises and nothing is dropped: what has no form we know is kept as an item of kind `other`, and one bad
item does not lose its neighbours. An item keeps its own bytes, from which `event_of` reads it again, alone and later;
only the number of a card is never kept.
Source: Meta, "Webhooks".
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.whatsapp.card_numbers import without_cards
from bot.whatsapp.contact_points import contact_for, person_of, recipient_of
from bot.whatsapp.contents import (
    Contacts,
    Content,
    Edited,
    FlowReply,
    IdentityChanged,
    Location,
    Media,
    NumberChanged,
    Order,
    PaymentMethod,
    Press,
    Reaction,
    Revoked,
    Text,
    Unsupported,
)
from bot.whatsapp.lenient import NotJson, canonical, decode, encode, instant_of, name_of, table_of, text_of
from bot.whatsapp.reading import InboundMessage, InboundOther, InboundStatus, event_of

# Who handles what came needs this one door: the items, what they say, and the contents to match on.
__all__ = [
    "Contacts",
    "Content",
    "Edited",
    "FlowReply",
    "IdentityChanged",
    "InboundMessage",
    "InboundOther",
    "InboundStatus",
    "Item",
    "Location",
    "Media",
    "NumberChanged",
    "Order",
    "PaymentMethod",
    "Press",
    "Reaction",
    "Revoked",
    "Text",
    "Unreadable",
    "Unsupported",
    "event_of",
    "items",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that happened. `dedupe_key` is the same whenever it is sent again; `raw` is ASCII JSON, read alone."""

    dedupe_key: str
    kind: Literal["message", "status", "other", "error"]
    phone_number_id: str | None
    address: str | None  # the person: canonical phone, else user id; see `bot.whatsapp.contact_points`
    aliases: tuple[str, ...]
    occurred_at: datetime | None  # UTC, by WhatsApp's clock
    raw: bytes
    field: str = "messages"  # of the webhook: what it is news of


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A body without a single item. `reason`: not_json, too_deep or no_items."""

    reason: str


def items(raw: bytes) -> list[Item] | Unreadable:
    """Return the items of a webhook's body, in its order, repeated ones too. Never raises."""
    try:
        body = table_of(decode(raw))
        found = [item for entry in _each(body.get("entry")) for item in _of_entry(entry)]
    except NotJson as broken:
        return Unreadable(reason=broken.reason)
    except RecursionError:  # readable, but too deep to be written again
        return Unreadable(reason="too_deep")
    return found or Unreadable(reason="no_items")


def _each(value: object) -> list[Any]:
    """The elements of a list; what stands where a list belongs is taken as its only element."""
    if type(value) is list:
        return value
    return [] if value is None else [value]


def _of_entry(entry: Any) -> Iterator[Item]:
    changes = entry.get("changes") if type(entry) is dict else None
    if not changes or type(changes) is not list:
        yield _other("entry", {}, entry, at=None)
        return
    for change in changes:
        yield from _of_change(change, entry.get("time"))


def _of_change(change: Any, at: object) -> Iterator[Item]:
    if type(change) is not dict:
        yield _other("changes", {}, change, at=at)
        return
    field, value = change.get("field"), change.get("value")
    if field == "messages" and type(value) is dict:
        yield from _of_messages(value, at)
    else:
        yield _other(field, value.get("metadata") if type(value) is dict else None, value, at=at)


def _of_messages(value: dict[str, Any], at: object) -> Iterator[Item]:
    metadata, contacts = value.get("metadata"), value.get("contacts")
    number = name_of(table_of(metadata).get("phone_number_id"))
    seen = False
    for message in _each(value.get("messages")):
        seen = True
        known = _message(message, metadata, contacts, number)
        yield known or _other("messages", metadata, {"messages": [message]}, at=at)
    for status in _each(value.get("statuses")):
        seen = True
        known = _status(status, metadata, contacts, number)
        yield known or _other("messages", metadata, {"statuses": [status]}, at=at)
    for error in _each(value.get("errors")):
        seen = True
        yield _other("messages", metadata, {"errors": [error]}, at=at, kind="error")
    if not seen:
        yield _other("messages", metadata, value, at=at)


def _message(message: Any, metadata: Any, contacts: Any, number: str | None) -> Item | None:
    if type(message) is not dict or (wamid := name_of(message.get("id"))) is None:
        return None
    phone, user_id = message.get("from"), message.get("from_user_id")
    contact = contact_for(contacts, phone, user_id)
    person = person_of(phone, user_id, contact)
    return Item(
        dedupe_key=f"m:{wamid}",
        kind="message",
        phone_number_id=number,
        address=person.address,
        aliases=person.aliases,
        occurred_at=instant_of(message.get("timestamp")),
        raw=encode(
            {
                "field": "messages",
                "metadata": metadata,
                "contact": without_cards(contact),
                "message": without_cards(message),
            }
        ),
    )


def _status(status: Any, metadata: Any, contacts: Any, number: str | None) -> Item | None:
    if type(status) is not dict:
        return None
    wamid, word = name_of(status.get("id")), name_of(status.get("status"), longest=64)
    if wamid is None or word is None:
        return None
    key = f"s:{wamid}:{word}"
    if status.get("type") == "payment":
        key += ":payment"
    contact = contact_for(contacts, status.get("recipient_id"), status.get("recipient_user_id"))
    person = recipient_of(status, contact)
    return Item(
        dedupe_key=key,
        kind="status",
        phone_number_id=number,
        address=person.address,
        aliases=person.aliases,
        occurred_at=instant_of(status.get("timestamp")),
        raw=encode({"field": "messages", "metadata": metadata, "contact": contact, "status": status}),
    )


def _other(
    field: object, metadata: object, value: object, *, at: object, kind: Literal["other", "error"] = "other"
) -> Item:
    """What is neither a message nor a status: other fields, errors, and whatever has an unknown form."""
    value = without_cards(value)  # before the digest, from which twelve missing digits could be found again
    digest = hashlib.sha256(canonical([field, value, at])).hexdigest()
    return Item(
        dedupe_key=f"o:{digest}",
        kind=kind,
        phone_number_id=name_of(table_of(metadata).get("phone_number_id")),
        address=None,
        aliases=(),
        occurred_at=instant_of(at),
        raw=encode({"field": field, "metadata": metadata, "contact": {}, "value": value}),
        field=text_of(field) or "",
    )
