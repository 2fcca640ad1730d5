"""From the stored bytes of one item to what it says: a message, a status, or something else. Never raises.

The second of two readings: the first (`bot.whatsapp.inbound.items`) only keeps what came.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from bot.whatsapp.contact_points import Person, person_of, recipient_of
from bot.whatsapp.content_reading import content_of
from bot.whatsapp.contents import Content
from bot.whatsapp.lenient import NotJson, Table, decode, instant_of, name_of, rows_of, table_of, text_of, whole_of


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """A person wrote, pressed or sent something. `wa_id` are the digits as they came: the number to answer to."""

    wamid: str
    wa_id: str | None
    user_id: str | None
    profile_name: str | None
    sent_at: datetime | None  # UTC, by WhatsApp's clock
    content: Content
    context_id: str | None  # the message that this one answers
    group: bool  # written in a group: never answered, where others read
    forwarded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusError:
    """Why a message failed. `code` decides; titles change."""

    code: int
    title: str
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStatus:
    """What a payment status tells (WhatsApp's own gateways; none comes for Pix)."""

    reference_id: str | None
    amount_cents: int | None
    transaction_id: str | None
    transaction_status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundStatus:
    """What became of a message of ours. `status` may be a word that nobody has seen yet."""

    wamid: str
    status: str
    at: datetime | None  # UTC, by WhatsApp's clock
    opaque: str | None  # what we asked to be echoed
    errors: tuple[StatusError, ...]
    category: str | None  # of the price: service, utility, marketing, …
    pricing_type: str | None  # regular, free_customer_service, free_entry_point
    billable: bool | None
    recipient: Person
    kind: Literal["message", "payment"]
    payment: PaymentStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundOther:
    """A notice of another field, an error, or what nobody knows: kept and shown. `value` is as it came."""

    field: str
    value: Any


InboundEvent: TypeAlias = InboundMessage | InboundStatus | InboundOther


def event_of(raw: bytes) -> InboundEvent:
    """Return what a stored item says. What cannot be read is an InboundOther of the field `unreadable`."""
    try:
        item = table_of(decode(raw))
        contact = table_of(item.get("contact"))
        if type(message := item.get("message")) is dict:
            return _message(message, contact)
        if type(status := item.get("status")) is dict:
            return _status(status, contact)
        return InboundOther(field=text_of(item.get("field")) or "unreadable", value=item.get("value"))
    except (NotJson, RecursionError):
        return InboundOther(field="unreadable", value=None)


def _message(message: Table, contact: Table) -> InboundEvent:
    wamid = name_of(message.get("id"))
    if wamid is None:
        return InboundOther(field="messages", value=message)
    person = person_of(message.get("from"), message.get("from_user_id"), contact)
    context = table_of(message.get("context"))
    return InboundMessage(
        wamid=wamid,
        wa_id=person.wa_id,
        user_id=person.user_id,
        profile_name=text_of(table_of(contact.get("profile")).get("name")),
        sent_at=instant_of(message.get("timestamp")),
        content=content_of(message),
        context_id=name_of(context.get("id")),
        group=message.get("group_id") is not None,
        forwarded=context.get("forwarded") is True or context.get("frequently_forwarded") is True,
    )


def _status(status: Table, contact: Table) -> InboundEvent:
    wamid, word = name_of(status.get("id")), name_of(status.get("status"), longest=64)
    if wamid is None or word is None:
        return InboundOther(field="statuses", value=status)
    pricing = table_of(status.get("pricing"))
    is_payment = status.get("type") == "payment"
    billable = pricing.get("billable")
    return InboundStatus(
        wamid=wamid,
        status=word,
        at=instant_of(status.get("timestamp")),
        opaque=text_of(status.get("biz_opaque_callback_data")),
        errors=tuple(_error(error) for error in rows_of(status.get("errors"))),
        category=name_of(pricing.get("category"), longest=64),
        pricing_type=name_of(pricing.get("type"), longest=64),
        billable=billable if type(billable) is bool else None,
        recipient=recipient_of(status, contact),
        kind="payment" if is_payment else "message",
        payment=_payment(table_of(status.get("payment"))) if is_payment else None,
    )


def _error(error: Table) -> StatusError:
    return StatusError(
        code=whole_of(error.get("code")) or 0,
        title=text_of(error.get("title")) or "",
        details=text_of(table_of(error.get("error_data")).get("details")) or "",
    )


def _payment(payment: Table) -> PaymentStatus:
    amount, transaction = table_of(payment.get("amount")), table_of(payment.get("transaction"))
    in_cents = amount.get("offset") == 100
    return PaymentStatus(
        reference_id=name_of(payment.get("reference_id")),
        amount_cents=whole_of(amount.get("value"), highest=2**53) if in_cents else None,
        transaction_id=name_of(transaction.get("id")),
        transaction_status=name_of(transaction.get("status"), longest=64),
    )
