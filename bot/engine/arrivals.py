"""From a stored row to the event that it is: what a message says to the machine, and what it tells about its sender."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from bot.engine.events import from_raw
from bot.whatsapp import inbound
from bot.whatsapp.presses import Forged, Press, decode
from flows.events import Action, ContactChanged, Event, Pressed, Sent, Typed

_ACTIONS = frozenset(get_args(Action))
_CAPTION_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class NothingToDecide:
    """The row is kept, and nothing follows from it (a group's message, a reaction, noise of the system)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One row, understood."""

    event: Event | NothingToDecide
    journal: Mapping[str, Any] | None = None
    wa_id: str | None = None
    user_id: str | None = None
    profile_name: str | None = None
    said_at: datetime | None = None
    opens_window: bool = False


def read_event(row: Mapping[str, Any], *, conversation_id: int, key: bytes) -> Heard:
    """Return what an inbox row of kind `message` or `event` means. Raises NoSuchEvent for an event of a newer
    version."""
    if row["kind"] == "event":
        return Heard(event=from_raw(bytes(row["raw"])))
    message = inbound.event_of(bytes(row["raw"]))
    if not isinstance(message, inbound.InboundMessage) or message.group:
        return Heard(event=NothingToDecide())
    event, journal = _meaning(message, conversation_id, key)
    return Heard(
        event=event,
        journal=journal,
        wa_id=message.wa_id,
        user_id=message.user_id,
        profile_name=message.profile_name,
        said_at=message.sent_at or row["received_at"],
        opens_window=not isinstance(event, (NothingToDecide, ContactChanged)),
    )


def _meaning(
    message: inbound.InboundMessage, conversation_id: int, key: bytes
) -> tuple[Event | NothingToDecide, Mapping[str, Any] | None]:
    match message.content:
        case inbound.Text(body=body):
            return Typed(text=body, message_id=message.wamid), {"text": body}
        case inbound.Press(payload=payload, title=title):
            return _press(payload, title, message.wamid, conversation_id, key), {"title": title, "pressed": True}
        case inbound.NumberChanged() | inbound.IdentityChanged():
            return ContactChanged(message_id=message.wamid), {"kind": "contact_changed"}
        case inbound.Reaction(emoji=emoji):
            return NothingToDecide(), {"kind": "reaction", "caption": emoji or ""}
        case inbound.Edited() | inbound.Revoked():
            return NothingToDecide(), {"kind": type(message.content).__name__.lower()}
        case inbound.Media(kind=kind, caption=caption):
            caption = (caption or "")[:_CAPTION_CHARACTERS]
            return Sent(kind=kind, caption=caption, message_id=message.wamid), {"kind": kind, "caption": caption}
        case other:
            name = type(other).__name__.lower()
            return Sent(kind=name, message_id=message.wamid), {"kind": name}


def _press(payload: str, title: str, wamid: str, conversation_id: int, key: bytes) -> Event:
    match decode(payload, conversation_id=conversation_id, key=key):
        case Press(action=action, object_id=object_id, version=version) if action in _ACTIONS:
            return Pressed(
                action=action,  # type: ignore[arg-type]  # it is one of Action's: the guard looked
                object_id=object_id,
                version=version,
                title=title,
                message_id=wamid,
            )
        case Press() | Forged():
            return Sent(kind="strange_press", caption=title, message_id=wamid)
        case _:
            # A template sent without payloads returns its label: as good as the person typing it.
            return Typed(text=title or payload, message_id=wamid)
