"""Conversations with a provider, read like scripts: what we ask, and what we make of every kind of answer."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.brcode import NotACode, read_code
from payments.providers import api_pix, static
from payments.providers.protocol import (
    Answer,
    ChargeOrder,
    Conversation,
    NotAuthorized,
    NotFound,
    Payee,
    Refund,
    Refused,
    Request,
    TryLater,
    WrongAnswer,
)
from tests.openapi import mistakes

NOW = datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
T = TypeVar("T")
TXID = "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4"
E2E = "E99999004202612011300abcDEF12345"
KEY = "7d9f0335-8dcc-4054-9bf9-0dbd61d36906"


def order(**changed: Any) -> ChargeOrder:
    given: dict[str, Any] = {
        "txid": TXID,
        "amount_cents": 35725,
        "now": NOW,
        "pay_until": date(2026, 12, 1),
        "expires_at": NOW + timedelta(hours=14),
        "debtor_name": "Maria da Silva",
        "debtor_document": "52998224725",
        "debtor_id": 7,
        "payee": Payee(key=KEY, name="Escola Exemplo", city="São Paulo"),
        "text": "Escola Exemplo",
    }
    return ChargeOrder(**{**given, **changed})


def cob(**changed: Any) -> dict[str, Any]:
    return {
        "txid": TXID,
        "revisao": 0,
        "status": "ATIVA",
        "chave": KEY,
        "valor": {"original": "357.25", "modalidadeAlteracao": 0},
        "calendario": {"criacao": "2026-12-01T13:00:00Z", "expiracao": 50400},
        "location": "pix.example.com/qr/v2/2353c790eefb11eaadc10242ac120002",
        **changed,
    }


def pix(**changed: Any) -> dict[str, Any]:
    return {"endToEndId": E2E, "txid": TXID, "valor": "357.25", "horario": "2026-12-01T13:07:30.5Z", **changed}


def says(status: int, document: Any) -> Answer:
    return Answer(status=status, body=document if isinstance(document, bytes) else json.dumps(document).encode())


def hold(conversation: Conversation[T], *answers: Answer) -> tuple[list[Request], T]:
    """Hold a conversation in which the provider gives these answers, all of them."""
    requests: list[Request] = []
    waiting = list(answers)
    try:
        request = next(conversation)
        while True:
            requests.append(request)
            request = conversation.send(waiting.pop(0))
    except StopIteration as end:
        assert not waiting
        return requests, end.value


def test_a_charge_is_put_under_our_txid_with_its_amount_fixed_and_its_day_as_its_end() -> None:
    (request,), created = hold(api_pix.create(order()), says(201, cob(pixCopiaECola="000201CODE")))
    assert (request.method, request.path) == ("PUT", f"/cob/{TXID}")
    assert json.loads(request.body or b"") == {
        "calendario": {"expiracao": 14 * 3600},
        "devedor": {"cpf": "52998224725", "nome": "Maria da Silva"},
        "valor": {"original": "357.25", "modalidadeAlteracao": 0},
        "chave": KEY,
        "solicitacaoPagador": "Escola Exemplo",
    }
    assert created.code == "000201CODE"


@given(
    amount_cents=st.integers(1, 10**12 - 1),
    seconds=st.integers(1, 10**7),
    name=st.text(min_size=1, max_size=300),
    text=st.text(max_size=300),
    document=st.sampled_from(["52998224725", "11222333000181", "12ABC34501DE35"]),
)
def test_every_body_keeps_to_the_central_banks_description(
    amount_cents: int, seconds: int, name: str, text: str, document: str
) -> None:
    made = order(
        amount_cents=amount_cents,
        expires_at=NOW + timedelta(seconds=seconds),
        debtor_name=name,
        text=text,
        debtor_document=document,
    )
    assert mistakes(api_pix.body_of(made), "CobSolicitada") == []
    assert api_pix.cents(api_pix.reais(amount_cents)) == amount_cents


def test_the_description_is_not_satisfied_by_just_anything() -> None:
    assert mistakes({"valor": {"original": "1.5"}, "calendario": {}, "devedor": {"nome": "x"}}, "CobSolicitada") == [
        "CobSolicitada.devedor: not exactly one of the forms",
        "CobSolicitada.valor.original: not like \\d{1,10}\\.\\d{2}",
        "CobSolicitada.chave: missing",
    ]


def test_in_doubt_it_looks_first_and_puts_only_what_is_not_there() -> None:
    requests, _ = hold(api_pix.create(order(in_doubt=True)), says(200, cob()))
    assert [r.method for r in requests] == ["GET"]
    requests, _ = hold(api_pix.create(order(in_doubt=True)), says(404, {"type": "CobNaoEncontrado"}), says(201, cob()))
    assert [r.method for r in requests] == ["GET", "PUT"]


def test_a_code_that_the_bank_leaves_out_is_made_from_its_location() -> None:
    _, created = hold(api_pix.create(order()), says(201, cob(location="https://pix.example.com/qr/v2/1f2e3d")))
    read = read_code(created.code)
    assert not isinstance(read, NotACode)
    assert (read.location, created.location) == ("pix.example.com/qr/v2/1f2e3d", "pix.example.com/qr/v2/1f2e3d")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (cob(txid="b" * 32), "txid"),
        (cob(valor={"original": "357.26"}), "valor"),
        (cob(valor={"original": 357.25}), "valor"),
        (cob(valor={"original": "0357,25"}), "valor"),
        (cob(valor="357.25"), "valor"),
        ({k: v for k, v in cob().items() if k != "location"}, "location"),
        (["cob"], "body"),
        (b"<html>ok</html>", "body"),
        (b"[" * 100_000, "body"),
    ],
)
@pytest.mark.parametrize("in_doubt", [False, True])
def test_nothing_is_built_on_an_answer_that_is_not_about_our_charge(answer: Any, kind: str, in_doubt: bool) -> None:
    with pytest.raises(WrongAnswer) as caught:
        hold(api_pix.create(order(in_doubt=in_doubt)), says(200 if in_doubt else 201, answer))
    assert caught.value.kind == kind


INVALID = {
    "type": "https://pix.bcb.gov.br/api/v2/error/RequisicaoInvalida",
    "title": "Requisição inválida",
    "status": 400,
    "violacoes": [{"razao": "CPF inválido", "propriedade": "cob.devedor.cpf", "valor": "52998224725"}],
}


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (says(400, INVALID), Refused, "RequisicaoInvalida: cob.devedor.cpf"),
        (says(403, {"type": ".../AcessoNegado"}), Refused, "AcessoNegado"),
        (says(422, b"<html>nope</html>"), Refused, "status_422"),
        (says(401, {"error": "invalid_token", "error_description": "expired"}), NotAuthorized, "invalid_token"),
        (says(429, b""), TryLater, "status_429"),
        (says(500, b"<h1>Internal</h1>"), TryLater, "status_500"),
        (says(503, {"type": ".../ServicoIndisponivel", "title": "x", "status": 503}), TryLater, "ServicoIndisponivel"),
        (says(504, b"null"), TryLater, "status_504"),
        (says(302, b""), WrongAnswer, "status_302: neither an answer nor an error"),
        (says(400, {"type": 7, "violacoes": "no list"}), Refused, "7"),
    ],
)
def test_an_error_says_whether_to_repeat_and_never_repeats_what_we_sent(
    answer: Answer, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        hold(api_pix.create(order()), answer)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "odd",
    [
        {"location": "pix.example.com/" + "a" * 62},  # 78 characters: one more than a code holds
        {"location": "pix.example.com/é"},
        {"location": "\ud800"},
        {"location": ""},
        {"pixCopiaECola": "\x00"},
        {"pixCopiaECola": "\ud800"},
        {"pixCopiaECola": " "},
        {"pixCopiaECola": "x" * 513},
        {"pixCopiaECola": 7},
    ],
)
def test_what_no_code_can_be_made_of_is_a_wrong_answer(odd: dict[str, Any]) -> None:
    with pytest.raises(WrongAnswer):
        hold(api_pix.create(order()), says(201, cob(**odd)))


def test_identifiers_of_a_payment_are_plain_whatever_the_bank_says() -> None:
    odd = pix(txid="a\x00b", devolucoes=[{"id": "D\ud8001", "valor": "1.00", "status": "DEVOLVIDO\x00"}])
    _, received = hold(api_pix.confirm(E2E), says(200, odd))
    assert received.txid is None
    assert [(refund.id, refund.status) for refund in received.refunds] == [("D?1", "DEVOLVIDO?")]


def test_a_removed_charge_and_one_whose_day_is_over_are_refused_before_anything_is_said() -> None:
    with pytest.raises(Refused, match="removed"):
        hold(api_pix.create(order(in_doubt=True)), says(200, cob(status="REMOVIDA_PELO_PSP")))
    with pytest.raises(Refused, match="expired"):
        hold(api_pix.create(order(expires_at=NOW)))


@pytest.mark.parametrize("answer", [says(200, cob()), says(404, {})])
def test_taking_back_is_done_when_the_charge_is_removed_or_unknown(answer: Answer) -> None:
    (request,), paid = hold(api_pix.cancel(TXID), answer)
    assert (request.method, json.loads(request.body or b"")) == ("PATCH", {"status": "REMOVIDA_PELO_USUARIO_RECEBEDOR"})
    assert mistakes(json.loads(request.body or b""), "CobRevisada") == []
    assert paid == ()


def test_what_cannot_be_taken_back_any_more_tells_what_was_paid_on_it() -> None:
    too_late = says(400, {"type": "https://pix.bcb.gov.br/api/v2/error/CobOperacaoInvalida"})
    requests, paid = hold(api_pix.cancel(TXID), too_late, says(200, cob(status="CONCLUIDA", pix=[pix()])))
    assert [request.method for request in requests] == ["PATCH", "GET"]
    assert [payment.end_to_end_id for payment in paid] == [E2E]


def test_taking_back_that_is_refused_for_another_reason_says_so() -> None:
    with pytest.raises(Refused):
        hold(api_pix.cancel(TXID), says(400, INVALID))


def test_a_payment_is_confirmed_to_the_centavo_and_the_instant() -> None:
    (request,), received = hold(
        api_pix.confirm(E2E), says(200, pix(horario="2026-12-01T10:07:30.5-03:00", new_field=[1]))
    )
    assert (request.method, request.path) == ("GET", f"/pix/{E2E}")
    assert (received.amount_cents, received.txid) == (35725, TXID)
    assert received.paid_at == datetime(2026, 12, 1, 13, 7, 30, 500_000, tzinfo=UTC)


def test_what_the_bank_does_not_know_is_not_confirmed() -> None:
    with pytest.raises(NotFound):
        hold(api_pix.confirm(E2E), says(404, {"type": "PixNaoEncontrado"}))
    with pytest.raises(WrongAnswer):
        hold(api_pix.confirm(E2E), says(200, pix(endToEndId="E" + "9" * 31)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"valor": "357.2"},
        {"valor": "357.250"},
        {"valor": 357.25},
        {"valor": None},
        {"valor": "٣57.25"},
        {"horario": "ontem"},
        {"horario": None},
        {"endToEndId": "../../cob"},
        {"endToEndId": None},
        {"devolucoes": [{"id": "1"}]},
        {"devolucoes": 7},
    ],
)
def test_a_payment_that_lacks_what_every_payment_has_is_no_answer(wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongAnswer):
        hold(api_pix.confirm(E2E), says(200, pix(**wrong)))


def test_what_came_in_is_asked_for_page_by_page() -> None:
    paging = {"paginaAtual": 0, "itensPorPagina": 100, "quantidadeDePaginas": 2, "quantidadeTotalDeItens": 101}
    answer = {"parametros": {"paginacao": paging}, "pix": [pix(), pix(txid=None), pix(valor="1"), 7]}
    (request,), page = hold(api_pix.received(NOW - timedelta(hours=48), NOW), says(200, answer))
    assert request.query["inicio"] == "2026-11-29T13:00:00Z"
    assert request.query["paginacao.paginaAtual"] == "0"
    assert [p.txid for p in page.items] == [TXID, None]
    assert (page.more, page.unreadable) == (True, 2)
    _, last = hold(api_pix.received(NOW - timedelta(hours=48), NOW, page=1), says(200, answer))
    assert not last.more
    with pytest.raises(WrongAnswer):
        hold(api_pix.received(NOW, NOW), says(200, {"pix": []}))


def test_a_charge_counts_what_was_kept_and_not_what_its_status_says() -> None:
    back = [
        {"id": "1", "rtrId": "D1", "valor": "100.00", "status": "DEVOLVIDO"},
        {"id": "2", "rtrId": "D2", "valor": "50.00", "status": "NAO_REALIZADO"},
    ]
    answer = cob(status="CONCLUIDA", pix=[pix(devolucoes=back), pix(valor="0.01")])
    _, state = hold(api_pix.state(TXID), says(200, answer))
    assert state.kept_cents == 35725 - 10000 + 1
    with pytest.raises(WrongAnswer):
        hold(api_pix.state("x" * 32), says(200, answer))


def test_a_static_charge_asks_nobody_and_carries_key_amount_and_txid() -> None:
    requests, created = hold(static.create(order(txid="a" * 25)))
    read = read_code(created.code)
    assert not isinstance(read, NotACode)
    assert requests == []
    assert (read.key, read.amount_cents, read.txid) == (KEY, 35725, "a" * 25)


DUE = date(2026, 12, 20)


def cobv(**changed: Any) -> dict[str, Any]:
    calendar = {"criacao": "2026-12-01T13:00:00Z", "dataDeVencimento": "2026-12-20", "validadeAposVencimento": 0}
    return cob(**{"calendario": calendar, "valor": {"original": "357.25"}, **changed})


def due_order(**changed: Any) -> ChargeOrder:
    return order(form="cobv", pay_until=DUE, expires_at=datetime(2026, 12, 21, 3, tzinfo=UTC), **changed)


@pytest.mark.parametrize(
    ("pay_until", "late_cents", "form"),
    [(DUE, 0, "cobv"), (DUE, 1, "cob"), (NOW.date(), 0, "cob"), (NOW.date() - timedelta(days=1), 0, "cob")],
)
def test_only_what_is_not_late_and_not_for_today_is_a_charge_with_due_date(
    pay_until: date, late_cents: int, form: str
) -> None:
    assert api_pix.form_of(NOW.date(), pay_until, late_cents) == form


def test_a_charge_with_due_date_leaves_no_arithmetic_to_the_bank() -> None:
    (request,), created = hold(api_pix.create(due_order()), says(201, cobv()))
    assert (request.method, request.path) == ("PUT", f"/cobv/{TXID}")
    body = json.loads(request.body or b"")
    assert body == {
        "calendario": {"dataDeVencimento": "2026-12-20", "validadeAposVencimento": 0},
        "devedor": {"cpf": "52998224725", "nome": "Maria da Silva"},
        "valor": {"original": "357.25"},
        "chave": KEY,
        "solicitacaoPagador": "Escola Exemplo",
    }
    assert mistakes(body, "CobVSolicitada") == []
    assert created.form == "cobv"


@pytest.mark.parametrize(
    "odd",
    [
        {"calendario": {"dataDeVencimento": "2026-12-21", "validadeAposVencimento": 0}},
        {"calendario": {"dataDeVencimento": "2026-12-20", "validadeAposVencimento": 30}},
        {"calendario": {"expiracao": 3600}},
        {"calendario": None},
        {"valor": {"original": "357.25", "juros": {"modalidade": 2, "valorPerc": "1.00"}}},
        {"valor": {"original": "357.25", "desconto": {"modalidade": 1}}},
        {"valor": {"original": "357.24"}},
    ],
)
def test_a_charge_that_the_bank_would_reckon_with_is_a_wrong_answer(odd: dict[str, Any]) -> None:
    with pytest.raises(WrongAnswer):
        hold(api_pix.create(due_order(in_doubt=True)), says(200, cobv(**odd)))


@pytest.mark.parametrize("no", [says(403, {"type": "AcessoNegado"}), says(404, b"<html>")])
def test_where_the_contract_has_no_charges_with_due_date_an_immediate_one_does(no: Answer) -> None:
    requests, created = hold(api_pix.create(due_order()), no, says(201, cob()))
    assert [r.path for r in requests] == [f"/cobv/{TXID}", f"/cob/{TXID}"]
    assert json.loads(requests[1].body or b"")["calendario"] == {"expiracao": 19 * 86400 + 14 * 3600}
    assert created.form == "cob"
    requests, paid = hold(api_pix.cancel(TXID, "cobv"), no, says(200, cob()))
    assert ([r.path for r in requests], paid) == ([f"/cobv/{TXID}", f"/cob/{TXID}"], ())


def test_in_doubt_a_charge_is_found_in_whichever_form_it_was_made() -> None:
    no = says(403, {})
    requests, created = hold(api_pix.create(due_order(in_doubt=True)), no, says(200, cob()))
    assert [(r.method, r.path) for r in requests] == [("GET", f"/cobv/{TXID}"), ("GET", f"/cob/{TXID}")]
    assert created.form == "cob"


def test_a_charge_with_due_date_is_read_and_taken_back_as_one() -> None:
    (request,), found = hold(api_pix.state(TXID, "cobv"), says(200, cobv(pix=[pix()])))
    assert (request.path, found.kept_cents) == (f"/cobv/{TXID}", 35725)
    too_late = says(400, {"type": "https://pix.bcb.gov.br/api/v2/error/CobVOperacaoInvalida"})
    requests, paid = hold(api_pix.cancel(TXID, "cobv"), too_late, says(200, cobv(pix=[pix()])))
    assert [(r.method, r.path) for r in requests] == [("PATCH", f"/cobv/{TXID}"), ("GET", f"/cobv/{TXID}")]
    assert [p.amount_cents for p in paid] == [35725]


REFUND = {
    "id": "r1",
    "rtrId": "D" + E2E[1:],
    "valor": "7.89",
    "horario": {"solicitacao": "2026-12-01T13:00:00Z"},
    "status": "EM_PROCESSAMENTO",
}
GIVEN_BACK = Refund(id="r1", amount_cents=789, status="EM_PROCESSAMENTO")
PATH = f"/pix/{E2E}/devolucao/r1"
TAKEN = says(400, {"type": "https://pix.bcb.gov.br/api/v2/error/PixDevolucaoInvalida"})


def test_a_refund_is_put_under_our_id() -> None:
    (request,), made = hold(api_pix.refund(E2E, "r1", 789), says(201, REFUND))
    assert (request.method, request.path, json.loads(request.body or b"")) == ("PUT", PATH, {"valor": "7.89"})
    assert mistakes(json.loads(request.body or b""), "DevolucaoSolicitada") == []
    assert made == GIVEN_BACK
    assert not made.is_final


@pytest.mark.parametrize(
    ("in_doubt", "answers", "methods"),
    [
        (True, [says(200, REFUND)], ["GET"]),
        (True, [says(404, {}), says(201, REFUND)], ["GET", "PUT"]),
        (False, [TAKEN, says(200, REFUND)], ["PUT", "GET"]),  # the request got through twice
    ],
)
def test_a_refund_in_doubt_is_looked_for_and_not_made_twice(
    in_doubt: bool, answers: list[Answer], methods: list[str]
) -> None:
    requests, made = hold(api_pix.refund(E2E, "r1", 789, in_doubt), *answers)
    assert ([r.method for r in requests], made) == (methods, GIVEN_BACK)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([TAKEN, says(404, {})], Refused),  # more than is left, or after 90 days
        ([TAKEN, says(200, {**REFUND, "valor": "7.88"})], WrongAnswer),  # the id is another refund's
        ([says(201, {**REFUND, "id": "r2"})], WrongAnswer),
        ([says(201, {"id": "r1"})], WrongAnswer),
        ([says(503, {})], TryLater),
        ([says(404, {})], NotFound),
    ],
)
def test_nothing_is_built_on_another_refund_or_on_none(answers: list[Answer], error: type[Exception]) -> None:
    with pytest.raises(error):
        hold(api_pix.refund(E2E, "r1", 789), *answers)


def test_a_return_says_who_wanted_it() -> None:
    told = [{**REFUND, "id": "m", "natureza": "MED_FRAUDE", "status": "DEVOLVIDO"}, REFUND]
    _, received = hold(api_pix.confirm(E2E), says(200, pix(devolucoes=told)))
    assert [(r.id, r.natureza, r.is_final) for r in received.refunds] == [
        ("m", "MED_FRAUDE", True),
        ("r1", "ORIGINAL", False),
    ]
