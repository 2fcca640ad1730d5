"""Conversations with Asaas, read like scripts: what we ask, and what we make of every kind of answer."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.boleto import BankSlip
from payments.brcode import Merchant, dynamic_code
from payments.providers import asaas
from payments.providers.asaas_values import body, cents
from payments.providers.protocol import (
    Answer,
    ChargeOrder,
    NotAuthorized,
    NotFound,
    Payee,
    Refund,
    Refused,
    TryLater,
    WrongAnswer,
)
from tests.test_providers import hold

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TXID = "a2b3c4d5e6f7a2b3c4d5e6f7a2b3c4d5"
LINE = "00190.00009 12345.678903 12345.678903 5 16460000034990"  # R$ 349,90
DIGITS = "00190000091234567890312345678903516460000034990"
ANOTHER_DAY = "00191164700000349900000012345678901234567890"
CODE = dynamic_code("pix.example.com/qr/1", merchant=Merchant(name="Escola", city="Joinville"), amount_cents=34990)
NONE: dict[str, Any] = {"data": [], "hasMore": False}
CUSTOMER = {
    "id": "cus_7",
    "externalReference": "acerto-7",
    "cpfCnpj": "52998224725",
    "notificationDisabled": True,
    "deleted": False,
}


def order(**changed: Any) -> ChargeOrder:
    given: dict[str, Any] = {
        "txid": TXID,
        "amount_cents": 34990,
        "now": NOW,
        "pay_until": date(2026, 11, 30),
        "expires_at": datetime(2026, 12, 1, 3, tzinfo=UTC),
        "debtor_name": "Maria da Silva",
        "debtor_document": "52998224725",
        "debtor_id": 7,
        "payee": Payee(key="", name="Escola Exemplo", city=""),
        "text": "Escola Exemplo",
    }
    return ChargeOrder(**{**given, **changed})


def payment(**changed: Any) -> dict[str, Any]:
    return {
        "object": "payment",
        "id": "pay_1",
        "dateCreated": "2026-11-20",
        "customer": "cus_7",
        "billingType": "UNDEFINED",
        "value": 349.9,
        "status": "PENDING",
        "dueDate": "2026-11-30",
        "externalReference": TXID,
        "invoiceUrl": "https://www.asaas.example/i/1",
        "deleted": False,
        "fine": {"value": 0},
        "interest": {"value": 0},
        "discount": {"value": 0},
        **changed,
    }


def paid(**changed: Any) -> dict[str, Any]:
    return payment(**{"billingType": "PIX", "status": "RECEIVED", "clientPaymentDate": "2026-11-21", **changed})


def says(status: int, document: Any) -> Answer:
    return Answer(status=status, body=document if isinstance(document, bytes) else json.dumps(document).encode())


def lists(*items: Any, more: bool = False) -> Answer:
    return says(200, {"data": list(items), "hasMore": more})


PIX, BOLETO = says(200, {"payload": CODE}), says(200, {"identificationField": LINE})


def test_a_charge_is_one_payment_of_a_customer_to_whom_asaas_does_not_write() -> None:
    made = says(200, {**CUSTOMER, "new_field": [1]})
    requests, created = hold(asaas.create(order()), lists(), lists(), made, says(200, payment()), PIX, BOLETO)
    assert [(r.method, r.path) for r in requests] == [
        ("GET", "/payments"),
        ("GET", "/customers"),
        ("POST", "/customers"),
        ("POST", "/payments"),
        ("GET", "/payments/pay_1/pixQrCode"),
        ("GET", "/payments/pay_1/identificationField"),
    ]
    assert (requests[0].query["externalReference"], requests[1].query["externalReference"]) == (TXID, "acerto-7")
    assert json.loads(requests[2].body or b"") == {
        "name": "Maria da Silva",
        "cpfCnpj": "52998224725",
        "externalReference": "acerto-7",
        "notificationDisabled": True,
    }
    assert json.loads(requests[3].body or b"", parse_float=Decimal) == {
        "customer": "cus_7",
        "billingType": "UNDEFINED",
        "dueDate": "2026-11-30",
        "description": "Escola Exemplo",
        "externalReference": TXID,
        "value": Decimal("349.90"),
    }
    assert (created.code, created.boleto_line, created.link) == (CODE, DIGITS, "https://www.asaas.example/i/1")


def test_nobodys_document_stands_in_an_address() -> None:
    requests, _ = hold(asaas.create(order()), lists(), lists(CUSTOMER), says(200, payment()), PIX, BOLETO)
    assert not any("52998224725" in str(r.query) + r.path for r in requests)


def test_a_payment_that_is_there_is_not_made_again_whether_or_not_there_is_a_doubt() -> None:
    for in_doubt in (True, False):
        requests, _ = hold(asaas.create(order(in_doubt=in_doubt)), lists(payment()), PIX, BOLETO)
        assert {r.method for r in requests} == {"GET"}


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        ([CUSTOMER], []),
        ([{**CUSTOMER, "deleted": True}], ["POST"]),
        ([{**CUSTOMER, "cpfCnpj": "11144477735"}], ["POST"]),  # the number was another person's before
        ([{**CUSTOMER, "notificationDisabled": False}], ["PUT"]),
    ],
)
def test_a_customer_is_found_again_only_as_the_same_person_and_made_silent(found: list[Any], asked: list[str]) -> None:
    answers = [says(200, CUSTOMER)] * len(asked)
    requests, _ = hold(asaas.create(order()), lists(), lists(*found), *answers, says(200, payment()), PIX, BOLETO)
    assert [r.method for r in requests if r.path.startswith("/customers") and r.method != "GET"] == asked


def test_a_customer_to_whom_asaas_would_write_stops_the_charge() -> None:
    with pytest.raises(WrongAnswer, match="notificationDisabled"):
        hold(asaas.create(order()), lists(), lists(), says(200, {**CUSTOMER, "notificationDisabled": False}))


@pytest.mark.parametrize(
    ("odd", "error"),
    [
        ({"externalReference": "x"}, WrongAnswer),
        ({"value": 349.91}, WrongAnswer),
        ({"value": "349.90"}, WrongAnswer),
        ({"value": 349.901}, WrongAnswer),
        ({"dueDate": "2026-12-01"}, WrongAnswer),
        ({"fine": {"value": 2}}, WrongAnswer),
        ({"interest": {"value": 0.01}}, WrongAnswer),
        ({"discount": {"value": 1}}, WrongAnswer),
        ({"id": "../../x"}, WrongAnswer),
        ({"deleted": True}, Refused),
        ({"status": "AWAITING_RISK_ANALYSIS"}, Refused),
    ],
)
def test_nothing_is_built_on_another_payment_than_the_one_asked_for(
    odd: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        hold(asaas.create(order()), lists(), lists(CUSTOMER), says(200, payment(**odd)))


@pytest.mark.parametrize(
    "code",
    [None, "", "no code", CODE[:-4] + "0000", CODE.replace("349.90", "349.91"), CODE.replace("349.90", "999.90")],
)
def test_a_pix_code_that_is_none_or_of_another_amount_is_a_wrong_answer(code: Any) -> None:
    with pytest.raises(WrongAnswer):
        hold(asaas.create(order()), lists(payment()), says(200, {"payload": code}))


@pytest.mark.parametrize(
    "answer",
    [
        says(400, {"errors": [{"code": "invalid_action"}]}),
        says(404, {}),
        says(200, {}),
        says(200, {"identificationField": LINE.replace("349", "350")}),
        says(200, {"identificationField": DIGITS[:-1] + "1"}),
        says(200, {"identificationField": BankSlip(bar_code=ANOTHER_DAY, bank="", due_on=None, amount_cents=0).digits}),
    ],
)
def test_a_boleto_line_that_is_not_right_is_shown_to_nobody_and_pix_is_still_there(answer: Answer) -> None:
    _, created = hold(asaas.create(order()), lists(payment()), PIX, answer)
    assert (created.code, created.boleto_line) == (CODE, None)


@pytest.mark.parametrize(
    "url", [None, 7, "http://www.asaas.example/i/1", "javascript:alert(1)", "https://a b", "https://é"]
)
def test_a_link_is_an_https_address_or_none(url: Any) -> None:
    _, created = hold(asaas.create(order()), lists(payment(invoiceUrl=url)), PIX, BOLETO)
    assert created.link is None


def test_a_day_that_is_over_asks_nobody() -> None:
    with pytest.raises(Refused, match="expired"):
        hold(asaas.create(order(now=order().expires_at)))


@pytest.mark.parametrize(
    ("status", "document", "error", "text"),
    [
        (
            401,
            {"errors": [{"code": "invalid_access_token", "description": "x"}]},
            NotAuthorized,
            "invalid_access_token",
        ),
        (429, {}, TryLater, "status_429"),
        (500, b"<html>", TryLater, "status_500"),
        (503, {"errors": 7}, TryLater, "status_503"),
        (404, {"errors": [{"code": "not_found"}]}, NotFound, "not_found"),
        (
            400,
            {"errors": [{"code": "invalid_value"}, {"code": "invalid_dueDate"}]},
            Refused,
            "invalid_value: invalid_dueDate",
        ),
        (302, {}, WrongAnswer, "status_302"),
        (200, b"{", WrongAnswer, "body"),
        (200, {"data": [7]}, WrongAnswer, "data"),
    ],
)
def test_errors_are_told_by_their_codes(status: int, document: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        hold(asaas.create(order()), says(status, document))
    assert type(caught.value) is error
    assert str(caught.value).startswith(text)


def test_an_errors_description_stays_out_for_it_may_name_somebody() -> None:
    wrong = {"errors": [{"code": "invalid_cpfCnpj", "description": "O CPF 529.982.247-25 de Maria é inválido"}]}
    with pytest.raises(Refused) as caught:
        hold(asaas.create(order()), lists(), lists(), says(400, wrong))
    assert str(caught.value) == "invalid_cpfCnpj"


@pytest.mark.parametrize(
    ("changed", "is_paid"),
    [
        ({"status": "PENDING"}, False),
        ({"status": "OVERDUE"}, False),
        ({"status": "RECEIVED_IN_CASH"}, False),
        ({"status": "DUNNING_RECEIVED"}, False),
        ({"status": "AWAITING_RISK_ANALYSIS"}, False),
        ({"status": "CONFIRMED", "billingType": "PIX"}, False),
        ({"status": "CONFIRMED", "billingType": "BOLETO"}, False),
        ({"status": "CONFIRMED", "billingType": "CREDIT_CARD"}, True),
        ({"status": "RECEIVED", "billingType": "BOLETO"}, True),
        ({"status": "RECEIVED", "billingType": "CREDIT_CARD"}, True),
    ],
)
def test_pix_and_boleto_are_paid_when_received_and_a_card_when_confirmed(changed: Any, is_paid: bool) -> None:
    if not is_paid:
        with pytest.raises(NotFound, match="not_paid"):
            hold(asaas.confirm("asaas:pay_1"), says(200, paid(**changed)))
        return
    (request,), received = hold(asaas.confirm("asaas:pay_1"), says(200, paid(**changed)))
    assert (request.method, request.path) == ("GET", "/payments/pay_1")
    assert (received.end_to_end_id, received.amount_cents, received.txid) == ("asaas:pay_1", 34990, TXID)
    assert received.paid_at == datetime(2026, 11, 21, 15, tzinfo=UTC)  # noon in Brasília
    assert received.refunds == ()


@pytest.mark.parametrize(
    "odd",
    [{"id": "pay_2"}, {"value": None}, {"value": 0}, {"clientPaymentDate": "soon"}, {"refunds": 7}, {"value": 1e400}],
)
def test_a_payment_that_is_another_or_lacks_what_it_must_have_is_a_wrong_answer(odd: dict[str, Any]) -> None:
    with pytest.raises(WrongAnswer):
        hold(asaas.confirm("asaas:pay_1"), says(200, paid(**odd)))


def test_what_went_back_and_what_is_disputed_is_told_with_the_payment() -> None:
    refunds = [
        {"dateCreated": "2026-11-22 10:00:00", "status": "DONE", "value": 49.9, "description": "Devolução r1"},
        {"dateCreated": "2026-11-22 11:00:00", "status": "PENDING", "value": 100, "description": None},
        {"dateCreated": "2026-11-22 12:00:00", "status": "CANCELLED", "value": 1, "description": "à mão"},
    ]
    _, some = hold(asaas.confirm("asaas:pay_1"), says(200, paid(refunds=refunds)))
    assert [(r.id, r.amount_cents, r.status) for r in some.refunds] == [
        ("r1", 4990, "DEVOLVIDO"),
        ("20261122110000x10000", 10000, "EM_PROCESSAMENTO"),
        ("20261122120000x100", 100, "NAO_REALIZADO"),
    ]
    assert some.kept_cents == 30000
    _, whole = hold(asaas.confirm("asaas:pay_1"), says(200, paid(status="REFUNDED")))
    assert (whole.kept_cents, whole.amount_cents) == (0, 34990)
    _, card = hold(asaas.confirm("asaas:pay_1"), says(200, paid(status="CHARGEBACK_REQUESTED")))
    assert [(r.id, r.natureza, r.is_final) for r in card.refunds] == [("chargeback", "MED_FRAUDE", False)]


def test_cancelling_deletes_what_is_not_paid_and_returns_what_is() -> None:
    both = lists(payment(), paid(id="pay_2"), payment(id="pay_3", externalReference="x"))
    requests, found = hold(asaas.cancel(TXID), both, says(200, {"deleted": True}))
    assert [(r.method, r.path) for r in requests[1:]] == [("DELETE", "/payments/pay_1")]
    assert [r.end_to_end_id for r in found] == ["asaas:pay_2"]
    assert hold(asaas.cancel(TXID), lists())[1] == ()
    assert hold(asaas.cancel(TXID), lists(payment()), says(404, {}))[1] == ()


def test_a_payment_that_came_while_it_was_cancelled_is_found() -> None:
    no = says(400, {"errors": [{"code": "invalid_action"}]})
    _, found = hold(asaas.cancel(TXID), lists(payment()), no, says(200, paid()))
    assert [r.amount_cents for r in found] == [34990]
    with pytest.raises(Refused, match="invalid_action"):
        hold(asaas.cancel(TXID), lists(payment()), no, says(200, payment()))
    with pytest.raises(WrongAnswer):
        hold(asaas.cancel(TXID), lists(payment()), says(200, {"deleted": False}))


def test_what_came_in_is_asked_for_by_day_and_by_card_and_only_ours_is_told() -> None:
    odd = paid(id="pay_3", value=None)
    others = paid(id="pay_4", externalReference="pedido 7")
    by_day = lists(paid(), payment(id="pay_2"), odd, others, more=True)
    by_card = lists(paid(id="pay_5", status="CONFIRMED", billingType="CREDIT_CARD"))
    requests, page = hold(asaas.received(NOW - timedelta(hours=48), NOW, 2), by_day, by_card)
    assert [dict(r.query) for r in requests] == [
        {"paymentDate[ge]": "2026-11-18", "paymentDate[le]": "2026-11-20", "offset": "200", "limit": "100"},
        {"status": "CONFIRMED", "billingType": "CREDIT_CARD", "offset": "200", "limit": "100"},
    ]
    assert [r.end_to_end_id for r in page.items] == ["asaas:pay_1", "asaas:pay_5"]
    assert (page.more, page.unreadable) == (True, 1)


def given_back(**changed: Any) -> dict[str, Any]:
    made = {"dateCreated": "2026-11-22 10:00:00", "status": "PENDING", "value": 7.89, "description": "Devolução r1"}
    return paid(refunds=[{**made, **changed}])


def test_a_refund_is_made_once_and_found_by_its_description() -> None:
    (request,), made = hold(asaas.refund("asaas:pay_1", "r1", 789), says(200, given_back()))
    assert (request.method, request.path) == ("POST", "/payments/pay_1/refund")
    assert json.loads(request.body or b"", parse_float=Decimal) == {
        "description": "Devolução r1",
        "value": Decimal("7.89"),
    }
    assert made == Refund(id="r1", amount_cents=789, status="EM_PROCESSAMENTO")
    requests, found = hold(asaas.refund("asaas:pay_1", "r1", 789, True), says(200, given_back(status="DONE")))
    assert ([r.method for r in requests], found.status) == (["GET"], "DEVOLVIDO")
    requests, late = hold(asaas.refund("asaas:pay_1", "r1", 789, True), says(200, paid()), says(200, paid()))
    assert ([r.method for r in requests], late.status) == (["GET", "POST"], "EM_PROCESSAMENTO")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says(400, {"errors": [{"code": "invalid_action"}]}), Refused),  # a boleto, or more than is left
        (says(200, {**given_back(), "id": "pay_2"}), WrongAnswer),
        (says(200, given_back(value=7.88)), WrongAnswer),
        (says(502, b""), TryLater),
    ],
)
def test_nothing_is_built_on_a_refund_that_is_not_the_one_asked_for(answer: Answer, error: type[Exception]) -> None:
    with pytest.raises(error):
        hold(asaas.refund("asaas:pay_1", "r1", 789), answer)


@pytest.mark.parametrize(
    ("event", "named", "reason"),
    [
        ({"event": "PAYMENT_RECEIVED", "payment": payment()}, ["asaas:pay_1"], None),
        ({"event": "PAYMENT_CONFIRMED", "payment": payment()}, ["asaas:pay_1"], None),
        ({"event": "PAYMENT_PARTIALLY_REFUNDED", "payment": payment()}, ["asaas:pay_1"], None),
        ({"event": "PAYMENT_CHARGEBACK_REQUESTED", "payment": payment()}, ["asaas:pay_1"], None),
        ({"event": "PAYMENT_CREATED", "payment": payment()}, [], None),
        ({"event": "PAYMENT_RECEIVED", "payment": payment(externalReference="pedido 7")}, [], None),
        ({"event": "PAYMENT_RECEIVED", "payment": payment(id="../x")}, [], "asaas.bad_payment_id"),
        ({"event": "TRANSFER_DONE", "transfer": {}}, [], None),
        ([], [], "asaas.unreadable"),
        ({}, [], "asaas.unreadable"),
    ],
)
def test_a_webhook_names_a_payment_of_ours_where_money_moved(event: Any, named: list[str], reason: str | None) -> None:
    assert asaas.triggered(json.dumps(event).encode()) == (named, reason)


def test_a_webhook_that_is_no_json_is_unreadable() -> None:
    for raw in (b"", b"{", b"\xff", b"[" * 100_000):
        assert asaas.triggered(raw) == ([], "asaas.unreadable")


@given(amount_cents=st.integers(1, 10**12 - 1))
def test_an_amount_is_the_same_after_it_was_written_and_read(amount_cents: int) -> None:
    assert cents(json.loads(body(amount_cents, x=1), parse_float=Decimal)["value"]) == amount_cents
    assert cents(Decimal(amount_cents) / 100) == amount_cents  # 349.9, as Asaas writes it
