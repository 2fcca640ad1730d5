"""Events on their way through the inbox: written as JSON by whoever saw them, read back by the turn."""

from typing import Any, get_args

import msgspec

from flows.events import Event

_BY_NAME: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Event)}


class NoSuchEvent(Exception):
    """A stored event that this version cannot read; it was written by a newer one. Bring this process up to date."""


def to_raw(event: Event) -> bytes:
    """Return the event as the bytes that the inbox keeps."""
    return msgspec.json.encode({"type": type(event).__name__, **msgspec.to_builtins(event)})


def from_raw(raw: bytes) -> Event:
    """Return the event that `to_raw` wrote. Raises NoSuchEvent."""
    stored = msgspec.json.decode(raw)
    kind = _BY_NAME.get(stored.pop("type", ""))
    if kind is None:
        raise NoSuchEvent("unknown event type in the inbox")
    event: Event = msgspec.convert(stored, kind)
    return event
