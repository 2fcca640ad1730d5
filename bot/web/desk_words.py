"""Codes of the program in the words of the desk. A code that is new here is shown as it is."""

from bot.web.rendering import plain
from flows.wording import Texts

_REASONS = {
    "asked": "asked for a person",
    "identity": "could not confirm who they are",
    "hardship": "is in hardship",
    "dispute": "disputes the debt",
    "payment": "the payment needs a look",
    "money_back": "money of a payment went back",
    "policy": "the policy asks for a person",
    "delivery": "a message could not be delivered",
    "agreement_late": "is late with an agreement",
    "ladder": "the ladder asks for a person",
    "renegotiation": "wants to renegotiate an agreement",
    "event_failed": "the robot failed on a message",
}
_MEDIA = {
    "image": "Photo",
    "audio": "Voice message",
    "voice": "Voice message",
    "video": "Video",
    "document": "Document",
    "sticker": "Sticker",
    "location": "Location",
    "contacts": "Contact",
    "order": "Order",
    "reaction": "Reaction",
    "edited": "Edited a message",
    "revoked": "Deleted a message",
    "contact_changed": "The number or device behind this chat changed",
}


def reason_words(code: str, texts: Texts) -> str:
    """Return why a person is asked for."""
    return texts(_REASONS[code]) if code in _REASONS else plain(code).replace("_", " ")


def media_words(kind: str, texts: Texts) -> str:
    """Return what was sent instead of text."""
    return texts(_MEDIA.get(kind, "Something that the robot cannot show"))
