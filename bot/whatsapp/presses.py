"""The identifier of a button: what pressing it means, and for whose conversation it was made.

`p1.<action>.<object>.<version>.<mac>`. People press buttons that are months old, so the form is a public schema: it
only grows, under a new prefix. The MAC binds the press to one conversation: a copied identifier is nobody else's.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

_PREFIX = "p1"
_ACTION = re.compile(r"[a-z][a-z_]{0,31}", re.ASCII)
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_MAC_BYTES = 10  # 80 bits: 16 letters of base32


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a button does: `action` to the thing `object_id`, in the version of it that the person saw."""

    action: str
    object_id: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Forged:
    """An identifier in our form that we did not make for this conversation."""


@dataclass(frozen=True, slots=True)
class NotOurs:
    """Something else: a template's label, or an identifier of another program."""


def encode(press: Press, *, conversation_id: int, key: bytes) -> str:
    """Return the button's identifier, 102 characters at most."""
    assert _ACTION.fullmatch(press.action), press.action
    assert abs(press.object_id) < 10**19, press.object_id
    assert abs(press.version) < 10**19, press.version
    named = f"{_PREFIX}.{press.action}.{press.object_id}.{press.version}"
    mac = hmac.digest(key, f"press:{conversation_id}:{named}".encode(), hashlib.sha256)[:_MAC_BYTES]
    return f"{named}.{base64.b32encode(mac).decode().lower()}"


def decode(text: str, *, conversation_id: int, key: bytes) -> Press | Forged | NotOurs:
    """Return what an identifier means, if it was made for this very conversation."""
    prefix, *fields = text.split(".")
    if prefix != _PREFIX or not fields:
        return NotOurs()
    match fields:
        case [action, number, version, _] if _ACTION.fullmatch(action) and _are_numbers(number, version):
            press = Press(action=action, object_id=int(number), version=int(version))
            right = encode(press, conversation_id=conversation_id, key=key)
            same = hmac.compare_digest(right.encode(), text.encode("utf-8", "replace"))
            return press if same else Forged()
        case _:
            return Forged()


def _are_numbers(*texts: str) -> bool:
    return all(_NUMBER.fullmatch(text) for text in texts)
