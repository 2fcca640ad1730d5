"""Asaas (version 3 of its API), as conversations: one payment of theirs for each charge, by Pix, boleto or card.

There is no idempotency key, so our txid is the payment's `externalReference` and is looked for before anything is made.
Neither fine nor interest nor discount is left to Asaas; its payments outlive their due date, so they are deleted when
the day is over. Asaas would write to the debtor by itself: its customers are made with that turned off.

Source: docs.asaas.com, the guides on cobranças, clientes, estornos and webhooks.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn

from payments.boleto import BankSlip, read_line
from payments.brcode import NotACode, read_code
from payments.providers.asaas_values import (
    IDENTIFIER,
    TXID,
    body,
    cents,
    id_of,
    identity_of,
    payment_id_of,
    received_from,
    refund_text,
)
from payments.providers.protocol import (
    Answer,
    ChargeOrder,
    Conversation,
    Created,
    NotFound,
    Page,
    Provider,
    Received,
    Refund,
    Refused,
    Request,
    WrongAnswer,
)
from payments.providers.reading import document, lenient, refuse

WEBHOOK = "/webhook/asaas"  # the address that it calls
PAGE_SIZE = 100
_BRASILIA = timezone(timedelta(hours=-3))
_DESCRIPTION_CHARACTERS, _NAME_CHARACTERS = 500, 200
_LINK = re.compile(r"https://[!-~]{1,300}")
_PAYABLE = ("PENDING", "OVERDUE")


def create(order: ChargeOrder) -> Conversation[Created]:
    """Make the payment of `order`, or find it: looked for whether or not there is a doubt, because making it twice
    would be two.

    Raises Refused, TryLater, WrongAnswer.
    """
    if order.now >= order.expires_at:
        raise Refused("expired", "the charge's last day is over")
    found = yield from _payments_of(order.txid)
    if found:
        payment = found[0]
    else:
        customer = yield from _customer(order)
        answer = yield Request(method="POST", path="/payments", body=_body_of(order, customer))
        payment = _expect(answer)
    payment_id = _ours(order, payment)
    code = yield from _code(order, payment_id)
    line = yield from _boleto_line(order, payment_id)
    return Created(code=code, boleto_line=line, link=_link(payment))


def cancel(txid: str, form: str = "cob") -> Conversation[tuple[Received, ...]]:
    """Delete what is not paid of a charge, and return what is. Unknown or deleted already is as good."""
    paid = []
    for payment in (yield from _payments_of(txid)):
        received = received_from(payment)
        if received is None:
            received = yield from _delete(id_of(payment))
        if received is not None:
            paid.append(received)
    return tuple(paid)


def confirm(identity: str) -> Conversation[Received]:
    """Return the payment booked under `identity` as Asaas knows it. Raises NotFound where nothing is paid."""
    received = yield from _look(payment_id_of(identity))
    if received is None:
        raise NotFound("not_paid", "Asaas has no payment of it")
    return received


def received(since: datetime, until: datetime, page: int = 0) -> Conversation[Page]:
    """Return one page of what was paid from the day of `since` to that of `until` on charges of ours, and of the cards
    that are confirmed and whose money is yet to come.
    """
    first, last = (at.astimezone(_BRASILIA).date().isoformat() for at in (since, until))
    by_day = {"paymentDate[ge]": first, "paymentDate[le]": last}
    by_card = {"status": "CONFIRMED", "billingType": "CREDIT_CARD"}
    items: list[Received] = []
    unreadable, more = 0, False
    for wanted in (by_day, by_card):
        answer = yield Request(method="GET", path="/payments", query={**wanted, **_page(page)})
        told, goes_on = _list(_expect(answer))
        more = more or goes_on
        for payment in told:
            if not _is_ours(payment):
                continue
            try:
                found = received_from(payment)
            except WrongAnswer:  # one odd payment does not hide the others; it is counted
                unreadable += 1
                continue
            items += [found] if found is not None else []
    return Page(items=tuple(items), more=more, unreadable=unreadable)


def refund(identity: str, refund_id: str, amount_cents: int, in_doubt: bool = False) -> Conversation[Refund]:
    """Send `amount_cents` of a payment back; in doubt, look for an earlier attempt first.

    Asaas does so for Pix and cards; a boleto's refund needs the payer's bank account and is refused.
    """
    payment_id = payment_id_of(identity)
    if in_doubt:
        made = _find_refund((yield from _look(payment_id)), refund_id, amount_cents)
        if made is not None:
            return made
    sent = body(amount_cents, description=refund_text(refund_id))
    payment = _expect((yield Request(method="POST", path=f"/payments/{payment_id}/refund", body=sent)))
    if id_of(payment) != payment_id:
        raise WrongAnswer("id", "another payment than the one asked for")
    made = _find_refund(received_from(payment), refund_id, amount_cents)
    # It is accepted; where the answer does not list it yet, it is on its way.
    return made or Refund(id=refund_id, amount_cents=amount_cents, status="EM_PROCESSAMENTO")


def triggered(raw: bytes) -> tuple[list[str], str | None]:
    """Return the payment that a webhook's event is about, if money moved and the charge is ours; and why the body
    cannot be read.
    """
    try:
        event = json.loads(raw)
        name, payment = event["event"], event.get("payment")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return [], "asaas.unreadable"
    if not isinstance(payment, dict) or not _moves_money(str(name)) or not _is_ours(payment):
        return [], None
    payment_id = payment.get("id")
    if not isinstance(payment_id, str) or not IDENTIFIER.fullmatch(payment_id):
        return [], "asaas.bad_payment_id"
    return [identity_of(payment_id)], None


def probe() -> Conversation[str | None]:
    """Ask for a payment that nobody made, and how the webhook is: `webhook_missing`, or `webhook_interrupted` after 15
    failures in a row, when Asaas calls no more until a person turns it on again.
    """
    yield from _payments_of("2" * 32)
    answer = yield Request(method="GET", path="/webhooks", query=_page(0))
    told, _ = _list(_expect(answer))
    ours = [w for w in told if str(w.get("url")).endswith(WEBHOOK) and w.get("enabled") is True]
    if not ours:
        return "webhook_missing"
    return "webhook_interrupted" if all(w.get("interrupted") is True for w in ours) else None


def _moves_money(name: str) -> bool:
    return name.startswith(
        ("PAYMENT_RECEIVED", "PAYMENT_CONFIRMED", "PAYMENT_REFUND", "PAYMENT_PARTIALLY_REFUNDED")
    ) or ("CHARGEBACK" in name)


def _payments_of(txid: str) -> Conversation[Sequence[Mapping[str, Any]]]:
    """All that bears our txid and is not deleted, the oldest first; a card's instalments are several."""
    answer = yield Request(method="GET", path="/payments", query={"externalReference": txid, **_page(0)})
    told, _ = _list(_expect(answer))
    alive = [p for p in told if p.get("externalReference") == txid and not p.get("deleted")]
    return sorted(alive, key=lambda p: (str(p.get("dateCreated")), str(p.get("id"))))


def _customer(order: ChargeOrder) -> Conversation[str]:
    """Asaas's id of the debtor, to whom Asaas itself is not to write."""
    ours = f"acerto-{order.debtor_id}"
    answer = yield Request(method="GET", path="/customers", query={"externalReference": ours, **_page(0)})
    for customer in _list(_expect(answer))[0]:
        same = customer.get("externalReference") == ours and customer.get("cpfCnpj") == order.debtor_document
        if same and not customer.get("deleted"):
            customer_id = id_of(customer)
            if customer.get("notificationDisabled") is not True:
                silent = body(notificationDisabled=True)
                _expect((yield Request(method="PUT", path=f"/customers/{customer_id}", body=silent)))
            return customer_id
    sent = body(
        name=order.debtor_name[:_NAME_CHARACTERS],
        cpfCnpj=order.debtor_document,
        externalReference=ours,
        notificationDisabled=True,
    )
    made = _expect((yield Request(method="POST", path="/customers", body=sent)))
    if made.get("notificationDisabled") is not True:
        raise WrongAnswer("notificationDisabled", "Asaas would write to the debtor by itself")
    return id_of(made)


def _body_of(order: ChargeOrder, customer: str) -> bytes:
    return body(
        order.amount_cents,
        customer=customer,
        billingType="UNDEFINED",  # the payer chooses on Asaas's page
        dueDate=order.pay_until.isoformat(),
        description=order.text[:_DESCRIPTION_CHARACTERS],
        externalReference=order.txid,
    )


def _ours(order: ChargeOrder, payment: Mapping[str, Any]) -> str:
    """The payment's id, once it is certain that it is ours: our txid, amount and day, and nothing that changes them."""
    if payment.get("externalReference") != order.txid:
        raise WrongAnswer("externalReference", "another charge than ours")
    if cents(payment.get("value")) != order.amount_cents:
        raise WrongAnswer("value", "another amount than ours")
    if payment.get("dueDate") != order.pay_until.isoformat():
        raise WrongAnswer("dueDate", "another day than ours")
    for name in ("fine", "interest", "discount"):
        on_top = payment.get(name)
        if isinstance(on_top, Mapping) and on_top.get("value"):
            raise WrongAnswer(name, "Asaas would change the amount; turn it off in the account's settings")
    if payment.get("deleted"):
        raise Refused("removed", "the charge was removed at the provider")
    if payment.get("status") not in _PAYABLE and received_from(payment) is None:
        raise Refused("removed", "the charge cannot be paid at the provider")
    return id_of(payment)


def _code(order: ChargeOrder, payment_id: str) -> Conversation[str]:
    """The Pix code. A charge without one is refused: an account without a Pix key has none."""
    found = _expect((yield Request(method="GET", path=f"/payments/{payment_id}/pixQrCode")))
    code = found.get("payload")
    read = read_code(code) if isinstance(code, str) else NotACode("missing")
    if not isinstance(code, str) or isinstance(read, NotACode):
        raise WrongAnswer("payload", "no Pix code")
    if read.amount_cents not in (None, order.amount_cents):
        raise WrongAnswer("payload", "a code of another amount")
    return code


def _boleto_line(order: ChargeOrder, payment_id: str) -> Conversation[str | None]:
    """The boleto's line, 47 digits; None where there is none (an amount below the boleto's least) or it is not right.

    One wrong digit pays somebody else: a line that does not check is shown to nobody, and Pix is still there.
    """
    answer = yield Request(method="GET", path=f"/payments/{payment_id}/identificationField")
    if answer.status in (400, 404):
        return None
    slip = read_line(str(_expect(answer).get("identificationField")), order.pay_until)
    if not isinstance(slip, BankSlip) or (slip.amount_cents, slip.due_on) != (order.amount_cents, order.pay_until):
        return None
    return slip.digits


def _link(payment: Mapping[str, Any]) -> str | None:
    url = payment.get("invoiceUrl")
    return url if isinstance(url, str) and _LINK.fullmatch(url) else None


def _delete(payment_id: str) -> Conversation[Received | None]:
    """Delete a payment; return what was paid on it if it was too late for that."""
    answer = yield Request(method="DELETE", path=f"/payments/{payment_id}")
    if answer.status == 404:
        return None
    if answer.status == 400:
        with suppress(NotFound):
            received = yield from _look(payment_id)
            if received is not None:
                return received
    if _expect(answer).get("deleted") is not True:
        raise WrongAnswer("deleted", "the charge was not taken back")
    return None


def _look(payment_id: str) -> Conversation[Received | None]:
    payment = _expect((yield Request(method="GET", path=f"/payments/{payment_id}")))
    if payment.get("id") != payment_id:
        raise WrongAnswer("id", "another payment than the one asked for")
    return received_from(payment)


def _find_refund(received: Received | None, refund_id: str, amount_cents: int) -> Refund | None:
    for made in received.refunds if received is not None else ():
        if made.id == refund_id:
            if made.amount_cents != amount_cents:
                raise WrongAnswer("refunds", "another refund than the one asked for")
            return made
    return None


def _is_ours(payment: Mapping[str, Any]) -> bool:
    """Whether a payment bears a txid of ours; the account may collect for other programs too."""
    txid = payment.get("externalReference")
    return isinstance(txid, str) and TXID.fullmatch(txid) is not None


def _page(number: int) -> dict[str, str]:
    return {"offset": str(number * PAGE_SIZE), "limit": str(PAGE_SIZE)}


def _list(told: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], bool]:
    data = told.get("data")
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise WrongAnswer("data", "no list")
    return data, told.get("hasMore") is True


def _expect(answer: Answer) -> Mapping[str, Any]:
    if answer.status not in (200, 201):
        _raise(answer)
    return document(answer)


def _raise(answer: Answer) -> NoReturn:
    """The error's codes; its descriptions may hold what we sent (a name, a CPF) and stay out."""
    errors = lenient(answer).get("errors")
    told = errors if isinstance(errors, list) else []
    codes = [str(e.get("code", "")) for e in told if isinstance(e, dict)]
    refuse(answer, codes[0] if codes else "", ", ".join(codes[1:]))


ASAAS = Provider(
    name="asaas",
    txid_characters=32,
    create=create,
    cancel=cancel,
    close=cancel,
    probe=probe,
    triggered=triggered,
    confirm=confirm,
    received=received,
    refund=refund,
)
