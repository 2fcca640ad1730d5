"""What Meta refuses of order cards in Brazil, and what becomes of them: `order_details` and `order_status`.

Source: Meta, "Orders" and "Off-site Pix payments" (Brazil). The card's reference belongs to one message for ever; its
total is the sum of its parts, exactly; it says "paid" only when the business says so.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.graph_errors import refuse
from bot.sandbox.graph_values import at_most, link_of, money, one_text, table, text_of

_REFERENCE = re.compile(r"[A-Za-z0-9_.\-]{1,60}", re.ASCII)
_FIXED = {"type": ("digital-goods", "physical-goods"), "payment_type": ("br",), "currency": ("BRL",)}
_KEY_TYPES = ("CPF", "CNPJ", "EMAIL", "PHONE", "EVP")
_ORDER_STATUS = ("pending", "processing", "partially_shipped", "shipped", "completed", "canceled")
_PAYMENT_STATUS = ("pending", "captured", "failed")
_EXPIRY_MIN = timedelta(seconds=300)


def parameters_of(body: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """Return the parameters of an order message of this kind, None for other messages."""
    if body.get("type") == "interactive" and body["interactive"].get("type") == kind:
        return dict(body["interactive"]["action"]["parameters"])
    return None


def check_order_details(action: dict[str, Any], *, has_header: bool) -> None:
    """Raise Refused for a card that Meta would not take."""
    if action.get("name") != "review_and_pay":
        raise refuse(131009, "interactive['action']['name'] must be review_and_pay.")
    given = table(action.get("parameters"), "parameters")
    _check_reference(given)
    for key, allowed in _FIXED.items():
        if given.get(key) not in allowed:
            raise refuse(131009, f"parameters['{key}'] must be one of {', '.join(allowed)}.")
    _check_payment_settings(given.get("payment_settings"))
    total = money(given.get("total_amount"), "total_amount")
    if "order" in given:
        _check_order(table(given["order"], "order"), total)
    elif has_header:
        raise refuse(131009, "A header is not allowed without an order.")


def _check_reference(given: dict[str, Any]) -> None:
    reference = given.get("reference_id")
    if type(reference) is not str or not _REFERENCE.fullmatch(reference):
        raise refuse(131009, "reference_id must have 1 to 60 letters, digits, underscores, dashes or dots.")


def _check_payment_settings(settings: Any) -> None:
    if type(settings) is not list or not settings:
        raise refuse(131008, "payment_settings is required.")
    kinds = [table(setting, "payment_settings").get("type") for setting in settings]
    if len(set(map(str, kinds))) != len(kinds):
        raise refuse(131009, "payment_settings has a type twice.")
    for setting, kind in zip(settings, kinds, strict=True):
        inner = table(setting.get(str(kind)), f"payment_settings['{kind}']")
        match kind:
            case "pix_dynamic_code":
                for key in ("code", "merchant_name", "key"):
                    one_text(1024, inner.get(key), key)
                if inner.get("key_type") not in _KEY_TYPES:
                    raise refuse(131009, f"key_type must be one of {', '.join(_KEY_TYPES)}.")
            case "payment_link":
                link_of(inner.get("uri"), "payment_link['uri']")
            case "boleto":
                if not re.fullmatch(r"\d{47,48}", str(inner.get("digitable_line")), re.ASCII):
                    raise refuse(131009, "digitable_line is not valid.")
            case "offsite_card_pay":
                text_of(inner, "credential_id", "offsite_card_pay")
            case _:
                raise refuse(131009, f"payment_settings type {kind!r} is not supported.")


def _check_order(order: dict[str, Any], total: int) -> None:
    if order.get("status") != "pending":
        raise refuse(131009, "order['status'] must be pending.")
    items = order.get("items")
    if type(items) is not list or not items:
        raise refuse(131008, "order['items'] is required.")
    subtotal = sum(_item_cents(table(item, "items")) for item in items)
    if money(order.get("subtotal"), "subtotal") != subtotal:
        raise refuse(131009, f"subtotal must be the sum of the items: {subtotal}.")
    tax = money(order.get("tax"), "tax")
    shipping = money(order["shipping"], "shipping") if "shipping" in order else 0
    discount = money(order["discount"], "discount") if "discount" in order else 0
    if total != subtotal + tax + shipping - discount:
        raise refuse(131009, "total_amount must be subtotal + tax + shipping - discount.")
    if "discount" in order and "description" in order["discount"]:
        at_most(60, order["discount"]["description"], "discount['description']")
    if "expiration" in order:
        expiration = table(order["expiration"], "expiration")
        if type(expiration.get("timestamp")) is not str or not expiration["timestamp"].isdigit():
            raise refuse(131009, "expiration['timestamp'] must be a string of seconds.")
        one_text(120, expiration.get("description"), "expiration['description']")


def _item_cents(item: dict[str, Any]) -> int:
    text_of(item, "retailer_id", "items")
    one_text(60, item.get("name"), "items['name']")
    quantity = item.get("quantity")
    if type(quantity) is not int or quantity < 1:
        raise refuse(131009, "items['quantity'] must be a whole number of at least 1.")
    amount = money(item.get("amount"), "items['amount']")
    return quantity * (money(item["sale_amount"], "sale_amount") if "sale_amount" in item else amount)


def check_order_status(action: dict[str, Any]) -> None:
    """Raise Refused for a status message that Meta would not take."""
    if action.get("name") != "review_order":
        raise refuse(131009, "interactive['action']['name'] must be review_order.")
    given = table(action.get("parameters"), "parameters")
    _check_reference(given)
    if not {"order", "payment"} & given.keys():
        raise refuse(131008, "One of order and payment is required.")
    if "order" in given:
        order = table(given["order"], "order")
        if order.get("status") not in _ORDER_STATUS:
            raise refuse(131009, f"order['status'] must be one of {', '.join(_ORDER_STATUS)}.")
        if "description" in order:
            at_most(120, order["description"], "order['description']")
    if "payment" in given and table(given["payment"], "payment").get("status") not in _PAYMENT_STATUS:
        raise refuse(131009, f"payment['status'] must be one of {', '.join(_PAYMENT_STATUS)}.")


class Orders:
    """The cards of the business: which reference was used, and what became of it."""

    def __init__(self, cards: dict[str, dict[str, str]]) -> None:
        self.cards = cards  # reference → order status, payment status

    def accept(self, body: dict[str, Any], now: datetime) -> None:
        """Take note of an order message. Raises Refused where the cards do not allow it."""
        details, status = parameters_of(body, "order_details"), parameters_of(body, "order_status")
        if details is not None:
            self._open(details, now)
        if status is not None:
            self._change(status)

    def _open(self, details: dict[str, Any], now: datetime) -> None:
        reference = details["reference_id"]
        if reference in self.cards:
            raise refuse(131009, f"reference_id {reference} was used before.")
        expiry = details.get("order", {}).get("expiration")
        if expiry is not None and int(expiry["timestamp"]) < (now + _EXPIRY_MIN).timestamp():
            raise refuse(131009, "expiration['timestamp'] must be at least 300 seconds in the future.")
        self.cards[reference] = {"order": "pending", "payment": "none"}

    def _change(self, status: dict[str, Any]) -> None:
        card = self.cards.get(status["reference_id"])
        if card is None:
            raise refuse(131009, "reference_id does not belong to an order_details message.")
        wanted = status.get("order", {}).get("status")
        if card["order"] in ("completed", "canceled") and wanted not in (None, card["order"]):
            raise refuse(2046, f"An order that is {card['order']} cannot become {wanted}.")
        if wanted == "canceled" and card["payment"] in ("captured", "pending"):
            raise refuse(2047, "The order has a payment that is captured or pending.")
        if wanted is not None:
            card["order"] = wanted
        card["payment"] = status.get("payment", {}).get("status", card["payment"])
