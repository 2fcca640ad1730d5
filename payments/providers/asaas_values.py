"""Asaas's documents as values: what a payment of theirs says about money, and what it does not.

Money is a JSON number of reais, read as Decimal and written digit by digit. Fields that we do not know are left alone.
Source: docs.asaas.com (cobranças, estornos, chargeback) and the models of Asaas's own SDKs.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from payments.providers.protocol import Received, Refund, WrongAnswer

TXID = re.compile(r"[a-z2-7]{32}")  # ours: an account may collect for other programs too
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,56}")
_IDENTITY = "asaas:"  # no endToEndId begins so; these have 32 letters and digits
_BRASILIA = timezone(timedelta(hours=-3))
_CARDS = ("CREDIT_CARD", "DEBIT_CARD")
_WENT_BACK = ("REFUNDED", "REFUND_REQUESTED", "REFUND_IN_PROGRESS")
_DISPUTED = ("CHARGEBACK_REQUESTED", "CHARGEBACK_DISPUTE", "AWAITING_CHARGEBACK_REVERSAL")
_REFUND_STATES = {"DONE": "DEVOLVIDO", "CANCELLED": "NAO_REALIZADO"}  # any other: on its way
_OUR_REFUND = re.compile(r"Devolução ([A-Za-z0-9]{1,35})")


def identity_of(payment_id: str) -> str:
    """Return what a payment is booked under.

    Asaas tells an endToEndId only in another document, and only of a Pix: it would be there or not from one reading to
    the next, and one payment booked under two names is two payments.
    """
    return _IDENTITY + payment_id


def payment_id_of(identity: str) -> str:
    """Return Asaas's id of a payment that is booked under `identity`."""
    payment_id = identity.removeprefix(_IDENTITY)
    assert payment_id != identity
    assert IDENTIFIER.fullmatch(payment_id)
    return payment_id


def id_of(found: Mapping[str, Any]) -> str:
    """Return a document's id as it can stand in a path. Raises WrongAnswer."""
    value = found.get("id")
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise WrongAnswer("id", "none that could stand in an address")
    return value


def cents(value: object) -> int:
    """Return the centavos of an amount in reais. Raises WrongAnswer for what is no amount or has half a centavo."""
    if type(value) is int:
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 <= value < 10**10:
        raise WrongAnswer("value", "no amount")
    whole = value * 100
    if whole != whole.to_integral_value():
        raise WrongAnswer("value", "an amount with half a centavo")
    return int(whole)


def body(amount_cents: int | None = None, **fields: object) -> bytes:
    """Return a request's body; `amount_cents` becomes its `value`."""
    written = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    if amount_cents is not None:
        assert 0 < amount_cents < 10**12
        written = f'{written[:-1]},"value":{amount_cents // 100}.{amount_cents % 100:02d}}}'
    return written.encode()


def received_from(payment: Mapping[str, Any]) -> Received | None:
    """Return what was paid, None where nothing was. Raises WrongAnswer where a paid one lacks what it must have.

    Pix and boleto are paid when `RECEIVED`, a card when `CONFIRMED` (the money comes about 32 days later). Marked by
    hand as received in cash is no money that Asaas saw.
    """
    status = payment.get("status")
    by_card = status == "CONFIRMED" and payment.get("billingType") in _CARDS
    if not (status == "RECEIVED" or by_card or status in _WENT_BACK or status in _DISPUTED):
        return None
    amount_cents, txid = cents(payment.get("value")), payment.get("externalReference")
    if amount_cents == 0:
        raise WrongAnswer("value", "a payment of nothing")
    return Received(
        end_to_end_id=identity_of(id_of(payment)),
        amount_cents=amount_cents,
        paid_at=_paid_at(payment),
        txid=txid if isinstance(txid, str) and TXID.fullmatch(txid) else None,
        refunds=_refunds(payment, amount_cents),
    )


def refund_text(refund_id: str) -> str:
    """Return the description by which a refund of ours is found again: Asaas gives it no id."""
    return f"Devolução {refund_id}"


def _paid_at(payment: Mapping[str, Any]) -> datetime:
    """Noon in Brasília of the day of payment: Asaas tells no hour."""
    for name in ("clientPaymentDate", "paymentDate", "confirmedDate", "dateCreated"):
        told = payment.get(name)
        if isinstance(told, str):
            try:
                return datetime.combine(date.fromisoformat(told[:10]), time(12), _BRASILIA).astimezone(UTC)
            except ValueError:
                raise WrongAnswer(name, "no date") from None
    raise WrongAnswer("paymentDate", "no date of payment")


def _refunds(payment: Mapping[str, Any], amount_cents: int) -> tuple[Refund, ...]:
    told = payment.get("refunds") or []
    if not isinstance(told, list) or not all(isinstance(item, Mapping) for item in told):
        raise WrongAnswer("refunds", "no list of refunds")
    refunds = [_refund(item) for item in told]
    gone = sum(r.amount_cents for r in refunds if r.is_final)
    if payment.get("status") == "REFUNDED" and gone < amount_cents:  # an older form, without a list
        refunds.append(Refund(id="whole", amount_cents=amount_cents - gone, status="DEVOLVIDO"))
    if payment.get("status") in _DISPUTED:  # the holder of the card asks for it back: not of our asking
        refunds.append(
            Refund(id="chargeback", amount_cents=amount_cents, status="EM_PROCESSAMENTO", natureza="MED_FRAUDE")
        )
    return tuple(refunds)


def _refund(told: Mapping[str, Any]) -> Refund:
    ours = _OUR_REFUND.fullmatch(str(told.get("description")))
    amount_cents = cents(told.get("value"))
    made_at = re.sub(r"\D", "", str(told.get("dateCreated")))
    return Refund(
        id=ours[1] if ours else f"{made_at[:20]}x{amount_cents}",
        amount_cents=amount_cents,
        status=_REFUND_STATES.get(str(told.get("status")), "EM_PROCESSAMENTO"),
    )
