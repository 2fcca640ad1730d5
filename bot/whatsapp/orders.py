"""The native payment card of Brazil, and what becomes of it: `order_details` with a Pix code, `order_status`.

WhatsApp compares nothing and reconciles nothing: the code's amount has to be the total, and "paid" is for our bank to
say. Source: Meta, "Payments API, Brazil". Amounts are integer centavos.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, assert_never

from bot.whatsapp import limits
from bot.whatsapp.interactive import frame
from bot.whatsapp.limits import BadMessage

KeyType: TypeAlias = Literal["CPF", "CNPJ", "EMAIL", "PHONE", "EVP"]
OrderState: TypeAlias = Literal["pending", "processing", "partially_shipped", "shipped", "completed", "canceled"]
PaymentState: TypeAlias = Literal["pending", "captured", "failed"]

_REFERENCE = re.compile(r"[A-Za-z0-9_.-]{1,60}", re.ASCII)
_NAME, _DESCRIPTION, _CODE, _KEY = 60, 120, 1024, 77
_PARAMETERS = "interactive.action.parameters"
_ORDER = f"{_PARAMETERS}.order"
_KEY_FORMS: tuple[tuple[KeyType, re.Pattern[str]], ...] = (
    ("PHONE", re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)),
    ("EVP", re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)),
    ("CPF", re.compile(r"[0-9]{11}", re.ASCII)),
    ("CNPJ", re.compile(r"[0-9A-Z]{12}[0-9]{2}", re.ASCII)),  # with letters since July 2026
    ("EMAIL", re.compile(r"[^@\s]+@[^@\s]+")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem:
    """One line of a card: what, how often, and at what price each; `sale_cents` where it costs less than that."""

    id: str
    name: str
    amount_cents: int
    quantity: int = 1
    sale_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetails:
    """A card to pay by Pix. `reference_id` is unique for every card that the company ever sends.

    Without `items` the total stands large at the top: then no picture, and no expiry (an old card goes on offering a
    dead code). With them: total = items + tax + shipping − discount, to the centavo.
    """

    reference_id: str
    body: str
    total_cents: int
    code: str
    merchant_name: str
    key: str  # only shown
    key_type: KeyType
    items: tuple[OrderItem, ...] = ()
    tax_cents: int = 0
    tax_description: str | None = None
    shipping_cents: int = 0
    discount_cents: int = 0
    discount_description: str | None = None
    expires_at: datetime | None = None  # at least 300 s after it is sent
    expires_description: str | None = None
    header_image: str | None = None  # an address
    footer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatus:
    """What became of a card: `payment="captured"` puts the green label on it."""

    reference_id: str
    body: str
    status: OrderState | None = None
    description: str | None = None
    payment: PaymentState | None = None
    paid_at: datetime | None = None
    footer: str | None = None


def key_type_of(key: str) -> KeyType:
    """Return which kind of Pix key this is, by the central bank's forms. Raises BadMessage."""
    for kind, form in _KEY_FORMS:
        if form.fullmatch(key):
            return kind
    raise BadMessage(f"{_PARAMETERS}.payment_settings[0].pix_dynamic_code.key", "is no Pix key")


def order(message: OrderDetails | OrderStatus) -> dict[str, Any]:
    """Return the value of the JSON's `interactive`. Raises BadMessage."""
    match message:
        case OrderDetails():
            made = frame("order_details", message.body, message.footer, image=message.header_image)
            return {**made, "action": {"name": "review_and_pay", "parameters": _details(message)}}
        case OrderStatus():
            made = frame("order_status", message.body, message.footer)
            return {**made, "action": {"name": "review_order", "parameters": _status(message)}}
        case _:
            assert_never(message)


def _details(card: OrderDetails) -> dict[str, Any]:
    field = f"{_PARAMETERS}.payment_settings[0].pix_dynamic_code"
    code = {
        "code": limits.text(f"{field}.code", card.code, _CODE),
        "merchant_name": limits.text(f"{field}.merchant_name", card.merchant_name, _NAME),
        "key": limits.text(f"{field}.key", card.key, _KEY),
        "key_type": card.key_type,
    }
    made: dict[str, Any] = {
        "reference_id": _reference(card.reference_id),
        "type": "digital-goods",
        "payment_type": "br",
        "payment_settings": [{"type": "pix_dynamic_code", "pix_dynamic_code": code}],
        "currency": "BRL",
        "total_amount": _amount(f"{_PARAMETERS}.total_amount", card.total_cents, lowest=1),
    }
    if card.items:
        made["order"] = _order(card)
        return made
    if card.header_image is not None:
        raise BadMessage("interactive.header", "is not shown on a card without items")
    if card.expires_at is not None or card.tax_cents or card.shipping_cents or card.discount_cents:
        raise BadMessage(_ORDER, "is missing: expiry, tax, shipping and discount need items")
    return made


def _order(card: OrderDetails) -> dict[str, Any]:
    items = [_item(f"{_ORDER}.items[{n}]", item) for n, item in enumerate(card.items)]
    subtotal = sum(_price(item) * item.quantity for item in card.items)
    total = subtotal + card.tax_cents + card.shipping_cents - card.discount_cents
    if total != card.total_cents:
        raise BadMessage(f"{_PARAMETERS}.total_amount", f"is not the sum of the parts, which is {total} centavos")
    made: dict[str, Any] = {
        "status": "pending",
        "tax": _amount(f"{_ORDER}.tax", card.tax_cents, description=card.tax_description, longest=_NAME),
        "items": items,
        "subtotal": _amount(f"{_ORDER}.subtotal", subtotal),
    }
    if card.shipping_cents:
        made["shipping"] = _amount(f"{_ORDER}.shipping", card.shipping_cents)
    if card.discount_cents:
        made["discount"] = _amount(
            f"{_ORDER}.discount", card.discount_cents, description=card.discount_description, longest=_NAME
        )
    if card.expires_at is not None:
        made["expiration"] = {"timestamp": str(_seconds(f"{_ORDER}.expiration.timestamp", card.expires_at))}
        if card.expires_description is not None:
            described = limits.text(f"{_ORDER}.expiration.description", card.expires_description, _DESCRIPTION)
            made["expiration"]["description"] = described
    return made


def _price(item: OrderItem) -> int:
    return item.amount_cents if item.sale_cents is None else item.sale_cents


def _item(field: str, item: OrderItem) -> dict[str, Any]:
    if item.quantity < 1:
        raise BadMessage(f"{field}.quantity", "is less than one", got=item.quantity)
    made: dict[str, Any] = {
        "retailer_id": limits.text(f"{field}.retailer_id", item.id, _NAME),
        "name": limits.text(f"{field}.name", item.name, _NAME),
        "amount": _amount(f"{field}.amount", item.amount_cents),
        "quantity": item.quantity,
    }
    if item.sale_cents is not None:
        made["sale_amount"] = _amount(f"{field}.sale_amount", item.sale_cents)
    return made


def _amount(
    field: str, cents: int, *, lowest: int = 0, description: str | None = None, longest: int = _DESCRIPTION
) -> dict[str, Any]:
    if cents < lowest:
        raise BadMessage(field, f"is {cents} centavos, {lowest} at least", limit=lowest, got=cents)
    made: dict[str, Any] = {"value": cents, "offset": 100}
    if description is not None:
        made["description"] = limits.text(f"{field}.description", description, longest)
    return made


def _status(message: OrderStatus) -> dict[str, Any]:
    made: dict[str, Any] = {"reference_id": _reference(message.reference_id)}
    if message.status is None and message.payment is None:
        raise BadMessage(_PARAMETERS, "says neither an order's status nor a payment's")
    if message.status == "canceled" and message.payment in ("captured", "pending"):
        raise BadMessage(f"{_ORDER}.status", "cannot be canceled with a payment captured or pending")
    if message.status is not None:
        made["order"] = {"status": message.status}
        if message.description is not None:
            described = limits.text(f"{_ORDER}.description", message.description, _DESCRIPTION)
            made["order"]["description"] = described
    if message.payment is not None:
        made["payment"] = {"status": message.payment}
        if message.paid_at is not None:
            made["payment"]["timestamp"] = _seconds(f"{_PARAMETERS}.payment.timestamp", message.paid_at)
    return made


def _reference(reference_id: str) -> str:
    if not _REFERENCE.fullmatch(reference_id):
        raise BadMessage(f"{_PARAMETERS}.reference_id", "has to be 1 to 60 letters, digits, - _ or .")
    return reference_id


def _seconds(field: str, at: datetime) -> int:
    if at.tzinfo is None:
        raise BadMessage(field, "is a time without a zone")
    return int(at.timestamp())
