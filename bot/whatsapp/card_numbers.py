"""Card numbers do not come through the door: masked in what people wrote before a byte of it is stored.

Only texts are looked at. Identifiers (of messages, media, people, buttons) stay as they came, since an item could not
be handled without them and nobody types them.
"""

from typing import Any

from payments.cards import SHORTEST, holds_masked_card, mask_cards

# What WhatsApp or we made; whatever ends in `_id` besides.
_IDENTIFIERS = frozenset(
    ("id", "from", "to", "url", "link", "hash", "sha256", "timestamp", "payload", "mime_type", "display_phone_number")
)
_LEAST, _MOST = 10 ** (SHORTEST - 1), 10**23  # a number with its validity and code


def without_cards(value: Any) -> Any:
    """Return a part of an item with every card number in its texts masked; the very same object where there is none.

    Raises RecursionError if it is too deep.
    """
    if type(value) is dict:
        # Of what most messages are made of, short texts and identifiers, none costs more than a look.
        changed = {}
        for key, held in value.items():
            kind = type(held)
            if kind is str:
                if len(held) < SHORTEST or key in _IDENTIFIERS or key[-3:] == "_id":
                    continue
            elif kind is not dict and kind is not list and (kind is not int or key[-3:] == "_id"):
                continue
            if (new := _masked(held)) is not held:
                changed[key] = new
        return {**value, **changed} if changed else value
    return _masked(value)


def without_cards_in_bytes(raw: bytes) -> bytes:
    """The same for a body that cannot be read: whatever the bytes are, only the digits of a card change."""
    text = raw.decode("utf-8", "surrogateescape")
    masked = mask_cards(text)
    return raw if masked is text else masked.encode("utf-8", "surrogateescape")


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_cards(value)
    if isinstance(value, dict):
        return without_cards(value)
    if isinstance(value, list):
        elements = [_masked(held) for held in value]
        return elements if any(new is not held for new, held in zip(elements, value, strict=True)) else value
    if type(value) is int and _LEAST <= value < _MOST:
        masked = mask_cards(str(value))
        return masked if holds_masked_card(masked) else value
    return value
