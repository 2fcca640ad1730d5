"""Who somebody is to WhatsApp: a phone number, or a user id (BSUID) where the number is hidden.

A user id that is run through "keep the digits" becomes a plausible phone number of somebody else, so the two are told
apart before anything else. Source: Meta, "Business-scoped user IDs"; for the ninth digit, Anatel's resolution 553/2010.
"""

import re
from dataclasses import dataclass

from bot.whatsapp.lenient import Table

_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}", re.ASCII)
_DIGITS_MIN, _DIGITS_MAX = 5, 20
_OLD_MOBILE = re.compile(r"(55[1-9][1-9])([6-9][0-9]{7})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is known of who is at the other end. `wa_id`: the digits as they came, country code first, no plus."""

    wa_id: str | None = None
    user_id: str | None = None

    @property
    def address(self) -> str | None:
        """The one name under which this person's conversation is kept: the canonical phone, else the user id."""
        return canonical_phone(self.wa_id) if self.wa_id is not None else self.user_id

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names of the same person."""
        return (self.user_id,) if self.user_id is not None and self.wa_id is not None else ()


def user_id_of(value: object) -> str | None:
    """Return `value` if it has the form of a user id (`BR.13491208655302741918`)."""
    return value if type(value) is str and _USER_ID.fullmatch(value) else None


def phone_of(value: object) -> str | None:
    """Return the digits of a phone number with country code; None for a user id and whatever else is no number."""
    if type(value) is not str:
        return None
    digits = value.removeprefix("+")
    return digits if _DIGITS_MIN <= len(digits) <= _DIGITS_MAX and digits.isascii() and digits.isdigit() else None


def canonical_phone(digits: str) -> str:
    """Return the number in the one form we compare by: a Brazilian mobile of the old eight digits gets its ninth.

    Local parts that begin with 6 to 9 were mobiles; landlines (2 to 5) and every other number stay as they are.
    """
    old = _OLD_MOBILE.fullmatch(digits)
    return f"{old[1]}9{old[2]}" if old else digits


def person_of(phone: object, user_id: object, contact: Table) -> Person:
    """Return who is meant by an item's two fields and the contact that belongs to it.

    Some relays repeat the user id in the place of the phone.
    """
    return Person(
        wa_id=phone_of(phone) or phone_of(contact.get("wa_id")),
        user_id=user_id_of(user_id) or user_id_of(phone) or user_id_of(contact.get("user_id")),
    )


def recipient_of(status: Table, contact: Table) -> Person:
    """Return whom a status speaks of; nobody where it was sent to a group, whose id is not a person's."""
    if status.get("recipient_type") == "group":
        return Person()
    return person_of(status.get("recipient_id"), status.get("recipient_user_id"), contact)


def contact_for(contacts: object, phone: object, user_id: object) -> Table:
    """Return the contact that belongs to an item, found by its ids, never by its position; empty if none does."""
    if type(contacts) is list:
        for contact in contacts:
            if type(contact) is dict:
                named = contact.get("wa_id")
                if type(named) is str and named == phone:
                    return contact
                named = contact.get("user_id")
                if type(named) is str and named == user_id:
                    return contact
    return {}
