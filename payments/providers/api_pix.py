"""The central bank's API Pix (version 2), as conversations: charges, what came in, and what goes back.

Nothing is left to the provider's arithmetic. A charge with late charges in it is a `cob` that expires at the end of its
day; one without, whose last day is yet to come, is a `cobv` with that day as its due date, no validity after it, and
neither fine nor interest nor discount. Money is a string of reais with two places, exactly; fields that we do not know
are left alone. The API's own words are used on the wire only.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from payments.brcode import Merchant, dynamic_code
from payments.providers.protocol import (
    Answer,
    ChargeOrder,
    ChargeState,
    Conversation,
    Created,
    Forbidden,
    NotFound,
    Page,
    Provider,
    Received,
    Refund,
    Refused,
    Request,
    WrongAnswer,
)
from payments.providers.reading import document, lenient, refuse, word

ACTIVE, CONCLUDED, REMOVED = "ATIVA", "CONCLUIDA", "REMOVIDA_PELO_USUARIO_RECEBEDOR"
COB, COBV = "cob", "cobv"
PAGE_SIZE = 100
END_TO_END_ID = re.compile(r"[A-Za-z0-9]{32}")
REFUND_ID = re.compile(r"[A-Za-z0-9]{1,35}")
_TXID = re.compile(r"[A-Za-z0-9]{1,35}")
_LOCATION = re.compile(r"[!-~]{1,77}")  # what field 26-25 of a code holds
# EMV: 512 characters at most, none of them a control character or half of one.
_CODE = re.compile(r"[!-~\u00a0-\ud7ff\ue000-\uffff][^\x00-\x1f\x7f\ud800-\udfff]{0,511}")
_MONEY = re.compile(r"\d{1,10}\.\d{2}", re.ASCII)
_TEXT_CHARACTERS, _NAME_CHARACTERS = 140, 200
_INVALID_OPERATION = ("CobOperacaoInvalida", "CobVOperacaoInvalida")


def form_of(today: date, pay_until: date, late_cents: int) -> str:
    """Return `cobv` for a charge without late charges whose last day is after today, else `cob`.

    The bank moves a due date on a weekend or holiday of the payer's to the next working day (`CobDataDeVencimento`):
    such a `cobv` may be paid until then, in the same amount.
    """
    return COBV if pay_until > today and late_cents == 0 else COB


def create(order: ChargeOrder) -> Conversation[Created]:
    """Make the charge of `order`; in doubt, look first whether an earlier attempt made it. Making it twice is making
    it once. Where the bank or the contract with it knows no `cobv`, it is a `cob`.

    Raises Refused, TryLater, WrongAnswer.
    """
    try:
        return (yield from _create(order))
    except (Forbidden, NotFound):
        if order.form != COBV:
            raise
    return (yield from _create(replace(order, form=COB)))


def _create(order: ChargeOrder) -> Conversation[Created]:
    path = f"/{order.form}/{order.txid}"
    if order.in_doubt:
        answer = yield Request(method="GET", path=path)
        if answer.status == 200:
            return _created(order, document(answer))
        if answer.status != 404:
            _raise(answer)
    answer = yield Request(method="PUT", path=path, body=_json(body_of(order)))
    if answer.status not in (200, 201):
        _raise(answer)
    return _created(order, document(answer))


def cancel(txid: str, form: str = COB) -> Conversation[tuple[Received, ...]]:
    """Take a charge back and return what was paid on it before that. One that is paid, removed or unknown already is as
    good as taken back.
    """
    answer = yield Request(method="PATCH", path=f"/{form}/{txid}", body=_json({"status": REMOVED}))
    if answer.status in (403, 404) and form == COBV:  # then it can only have been made as the other
        return (yield from cancel(txid))
    if answer.status in (200, 404):
        return ()
    if answer.status == 400 and _problem(answer)[0] in _INVALID_OPERATION:  # not active any more: was it paid?
        return (yield from close(txid, form))
    _raise(answer)


def confirm(end_to_end_id: str) -> Conversation[Received]:
    """Return the payment as the bank knows it. Raises NotFound if it does not: then somebody else said so."""
    assert END_TO_END_ID.fullmatch(end_to_end_id)
    answer = yield Request(method="GET", path=f"/pix/{end_to_end_id}")
    if answer.status != 200:
        _raise(answer)
    received = received_from(document(answer))
    if received.end_to_end_id != end_to_end_id:
        raise WrongAnswer("endToEndId", "another payment than the one asked for")
    return received


def received(since: datetime, until: datetime, page: int = 0) -> Conversation[Page]:
    """Return one page of the payments settled from `since` to `until` that carry a txid.

    Without one it is nobody's charge.
    """
    query = {
        "inicio": _instant(since),
        "fim": _instant(until),
        "txIdPresente": "true",
        "paginacao.paginaAtual": str(page),
        "paginacao.itensPorPagina": str(PAGE_SIZE),
    }
    answer = yield Request(method="GET", path="/pix", query=query)
    if answer.status != 200:
        _raise(answer)
    listed = document(answer)
    try:
        pages = int(listed["parametros"]["paginacao"]["quantidadeDePaginas"])
        told = list(listed.get("pix", ()))
    except (KeyError, TypeError, ValueError) as error:
        raise WrongAnswer("page", "no pages are told") from error
    items: list[Received] = []
    for pix in told:
        with suppress(WrongAnswer):  # one odd payment does not hide the others; it is counted
            items.append(received_from(pix))
    return Page(items=tuple(items), more=page + 1 < pages, unreadable=len(told) - len(items))


def state(txid: str, form: str = COB) -> Conversation[ChargeState]:
    """Return what the provider knows of a charge, with everything that was paid on it."""
    answer = yield Request(method="GET", path=f"/{form}/{txid}")
    if answer.status != 200:
        _raise(answer)
    cob = document(answer)
    if cob.get("txid") != txid:
        raise WrongAnswer("txid", "another charge than the one asked for")
    payments = tuple(received_from({"txid": txid, **pix}) for pix in cob.get("pix", ()))
    return ChargeState(status=str(cob.get("status", "")), amount_cents=_amount_of(cob), payments=payments)


def refund(end_to_end_id: str, refund_id: str, amount_cents: int, in_doubt: bool = False) -> Conversation[Refund]:
    """Send `amount_cents` of a payment back to whoever paid it; in doubt, look first. Twice under one id is once.

    Raises Refused (more than is left, older than 90 days), NotFound, TryLater, WrongAnswer.
    """
    assert END_TO_END_ID.fullmatch(end_to_end_id)
    assert REFUND_ID.fullmatch(refund_id)
    path = f"/pix/{end_to_end_id}/devolucao/{refund_id}"
    if in_doubt:
        answer = yield Request(method="GET", path=path)
        if answer.status == 200:
            return _ours(answer, refund_id, amount_cents)
        if answer.status != 404:
            _raise(answer)
    answer = yield Request(method="PUT", path=path, body=_json({"valor": reais(amount_cents)}))
    if answer.status == 400:  # also for an id that was used before: by us, in a request whose answer was lost
        looked = yield Request(method="GET", path=path)
        answer = looked if looked.status == 200 else answer
    if answer.status not in (200, 201):
        _raise(answer)
    return _ours(answer, refund_id, amount_cents)


def triggered(raw: bytes) -> tuple[list[str], str | None]:
    """Return the payments that a webhook's body names, and why it cannot be read whole.

    A bank's test call names none.
    """
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        return [], "pix.unreadable"
    items = body.get("pix", []) if isinstance(body, dict) else []
    if not isinstance(items, list):
        return [], "pix.unreadable"
    ids = [item.get("endToEndId") if isinstance(item, dict) else None for item in items]
    good = [i for i in ids if isinstance(i, str) and END_TO_END_ID.fullmatch(i)]
    return list(dict.fromkeys(good)), None if len(good) == len(ids) else "pix.bad_end_to_end_id"


def close(txid: str, form: str = COB) -> Conversation[tuple[Received, ...]]:
    """Return what was paid on a charge; it dies by itself with its day."""
    return (yield from state(txid, form)).payments


def probe() -> Conversation[str | None]:
    """Ask for a charge that nobody made: that the bank says so shows that it knows us."""
    with suppress(NotFound):
        yield from state("acertodoctor00000000000000000000")
    return None


def body_of(order: ChargeOrder) -> dict[str, Any]:
    """Return the body of the charge's PUT. Raises Refused where the bank would refuse: before it is sent."""
    seconds = int((order.expires_at - order.now).total_seconds())
    if seconds < 1:
        raise Refused("expired", "the charge's last day is over")
    number = order.debtor_document
    debtor = {("cpf" if len(number) == 11 else "cnpj"): number, "nome": order.debtor_name[:_NAME_CHARACTERS]}
    body: dict[str, Any] = {
        "calendario": {"expiracao": seconds},
        "devedor": debtor,
        # The payer may not change the amount.
        "valor": {"original": reais(order.amount_cents), "modalidadeAlteracao": 0},
        "chave": order.payee.key,
    }
    if order.form == COBV:  # its amount cannot be changed anyway
        body["calendario"] = {"dataDeVencimento": order.pay_until.isoformat(), "validadeAposVencimento": 0}
        body["valor"] = {"original": reais(order.amount_cents)}
    if order.text:
        body["solicitacaoPagador"] = order.text[:_TEXT_CHARACTERS]
    return body


def reais(cents: int) -> str:
    """Return centavos as the API writes money: `349.90`."""
    assert 0 < cents < 10**12
    return f"{cents // 100}.{cents % 100:02d}"


def cents(text: object) -> int:
    """Return the centavos of the API's money. Raises WrongAnswer for anything but `\\d{1,10}\\.\\d{2}`."""
    if not isinstance(text, str) or not _MONEY.fullmatch(text):
        raise WrongAnswer("valor", "no amount with two places")
    return int(Decimal(text) * 100)


def received_from(pix: Mapping[str, Any]) -> Received:
    """Return a payment from the API's `Pix`. Raises WrongAnswer where it lacks what every Pix has."""
    try:
        refunds = tuple(_refund(r) for r in pix.get("devolucoes", ()))
        paid_at = datetime.fromisoformat(pix["horario"])
        end_to_end_id, txid = pix["endToEndId"], pix.get("txid")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WrongAnswer("pix", f"not a payment ({type(error).__name__})") from error
    if not isinstance(end_to_end_id, str) or not END_TO_END_ID.fullmatch(end_to_end_id):
        raise WrongAnswer("endToEndId", "not 32 letters and digits")
    return Received(
        end_to_end_id=end_to_end_id,
        amount_cents=cents(pix.get("valor")),
        # RFC 3339 wants an offset; a bank that leaves it out means UTC, as everywhere in this API.
        paid_at=(paid_at if paid_at.tzinfo else paid_at.replace(tzinfo=UTC)).astimezone(UTC),
        txid=txid if isinstance(txid, str) and _TXID.fullmatch(txid) else None,
        refunds=refunds,
    )


def _refund(told: Mapping[str, Any]) -> Refund:
    return Refund(
        id=word(told["id"]),
        amount_cents=cents(told["valor"]),
        status=word(told["status"]),
        natureza=word(told.get("natureza", "ORIGINAL")),
    )


def _ours(answer: Answer, refund_id: str, amount_cents: int) -> Refund:
    """The refund, once it is certain that it is the one asked for."""
    try:
        made = _refund(document(answer))
    except (KeyError, TypeError) as error:
        raise WrongAnswer("devolucao", f"not a refund ({type(error).__name__})") from error
    if (made.id, made.amount_cents) != (refund_id, amount_cents):
        raise WrongAnswer("devolucao", "another refund than the one asked for")
    return made


def _created(order: ChargeOrder, cob: Mapping[str, Any]) -> Created:
    """The code of a charge, once it is certain that it is ours: our txid, our amount, and that it can still be paid."""
    if cob.get("txid") != order.txid:
        raise WrongAnswer("txid", "another charge than ours")
    if _amount_of(cob) != order.amount_cents:
        raise WrongAnswer("valor", "another amount than ours")
    if order.form == COBV and _arithmetic_of(cob) != (order.pay_until.isoformat(), 0, []):
        raise WrongAnswer("calendario", "another due date than ours, or something on top")
    if cob.get("status") not in (ACTIVE, CONCLUDED):
        raise Refused("removed", "the charge was removed at the provider")
    location, code = _location(cob), cob.get("pixCopiaECola")
    if code and not (isinstance(code, str) and _CODE.fullmatch(code)):
        raise WrongAnswer("pixCopiaECola", "no Pix code")
    if not code:
        if location is None:
            raise WrongAnswer("location", "neither a code nor a location that fits into one")
        merchant = Merchant(name=order.payee.name, city=order.payee.city)
        code = dynamic_code(location, merchant=merchant)
    return Created(code=code, location=location, form=order.form)


def _arithmetic_of(cobv: Mapping[str, Any]) -> tuple[object, object, list[str]]:
    """What the payer's bank would reckon with: due date, days of validity after it, and what changes the amount."""
    calendar, value = cobv.get("calendario"), cobv.get("valor")
    if not isinstance(calendar, Mapping) or not isinstance(value, Mapping):
        return None, None, []
    on_top = [name for name in ("multa", "juros", "abatimento", "desconto") if value.get(name)]
    return calendar.get("dataDeVencimento"), calendar.get("validadeAposVencimento"), on_top


def _location(cob: Mapping[str, Any]) -> str | None:
    loc = cob.get("loc")
    location = cob.get("location") or (loc.get("location") if isinstance(loc, Mapping) else None)
    location = location.removeprefix("https://") if isinstance(location, str) else ""
    return location if _LOCATION.fullmatch(location) else None


def _amount_of(cob: Mapping[str, Any]) -> int:
    value = cob.get("valor")
    return cents(value.get("original") if isinstance(value, Mapping) else None)


def _problem(answer: Answer) -> tuple[str, str]:
    """The error's type and the properties that it objects to.

    RFC 7807, OAuth's form, or anything at all.
    """
    problem = lenient(answer)
    kind = str(problem.get("type") or problem.get("error") or "").rstrip("/").rpartition("/")[2]
    violations = problem.get("violacoes")
    told = violations if isinstance(violations, list) else []
    # The violations' values are what we sent (a name, a CPF): they stay out.
    return kind, ", ".join(str(v.get("propriedade", "")) for v in told if isinstance(v, dict))


def _raise(answer: Answer) -> NoReturn:
    refuse(answer, *_problem(answer))


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


API_PIX = Provider(
    name="api",
    txid_characters=32,  # 26 to 35 are allowed
    create=create,
    form_of=form_of,
    cancel=cancel,
    close=close,
    probe=probe,
    triggered=triggered,
    confirm=confirm,
    received=received,
    refund=refund,
)
