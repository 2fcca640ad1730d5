"""What the stand-in bank lets pass: every violation of the API's description is told with its property."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from payments.documents import NotADocument, read_document

MONEY = re.compile(r"\d{1,10}\.\d{2}", re.ASCII)
REFUNDABLE = timedelta(days=90)
_TXID = re.compile(r"[a-zA-Z0-9]{26,35}")


class Problem(Exception):
    """A refusal of the API: RFC 7807 with the API's own type."""

    def __init__(self, status: int, kind: str, detail: str, violations: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.violations = status, kind, detail, violations or []

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "type": f"https://pix.bcb.gov.br/api/v2/error/{self.kind}",
            "title": self.kind,
            "status": self.status,
            "detail": self.detail,
            **({"violacoes": self.violations} if self.violations else {}),
        }


def reais_of(cents: int) -> str:
    """Return centavos as the API writes money."""
    return f"{cents // 100}.{cents % 100:02d}"


def cents_of(reais: str) -> int:
    """Return the centavos of the API's money."""
    whole, _, part = reais.partition(".")
    return int(whole) * 100 + int(part)


def charge_violations(form: str, txid: str, body: dict[str, Any], key: str, today: date) -> list[dict[str, str]]:
    """Return everything that is wrong with the body of a `cob` or `cobv`."""
    wrong: list[dict[str, str]] = []
    if not _TXID.fullmatch(txid):
        wrong.append(violation("txid", "o txid tem de 26 a 35 letras e algarismos"))
    objects = ("calendario", "valor")
    wrong += [violation(f"{form}.{name}", "ausente") for name in objects if not isinstance(body.get(name), dict)]
    if body.get("chave") != key:
        wrong.append(violation(f"{form}.chave", "a chave não pertence ao usuário recebedor"))
    if wrong:
        return wrong
    wrong += _due_violations(body, today) if form == "cobv" else _immediate_violations(body)
    amount = body["valor"].get("original")
    if not isinstance(amount, str) or not MONEY.fullmatch(amount) or cents_of(amount) == 0:
        wrong.append(violation(f"{form}.valor.original", "não respeita \\d{1,10}\\.\\d{2} ou é zero"))
    text = body.get("solicitacaoPagador", "")
    if not isinstance(text, str) or len(text) > 140:
        wrong.append(violation(f"{form}.solicitacaoPagador", "mais de 140 caracteres"))
    return wrong + _debtor_violations(form, body.get("devedor"))


def _immediate_violations(body: dict[str, Any]) -> list[dict[str, str]]:
    wrong = []
    seconds = body["calendario"].get("expiracao", 86400)
    if type(seconds) is not int or not 1 <= seconds < 2**31:
        wrong.append(violation("cob.calendario.expiracao", "não é um número de segundos"))
    if body["valor"].get("modalidadeAlteracao", 0) not in (0, 1):
        wrong.append(violation("cob.valor.modalidadeAlteracao", "0 ou 1"))
    return wrong


def _due_violations(body: dict[str, Any], today: date) -> list[dict[str, str]]:
    wrong = []
    try:
        late = date.fromisoformat(body["calendario"].get("dataDeVencimento")) < today
    except (TypeError, ValueError):
        late = True
    if late:
        wrong.append(violation("cobv.calendario.dataDeVencimento", "ausente ou anterior à criação"))
    days = body["calendario"].get("validadeAposVencimento", 30)
    if type(days) is not int or days < 0:
        wrong.append(violation("cobv.calendario.validadeAposVencimento", "menor do que zero"))
    if body.get("devedor") is None:
        wrong.append(violation("cobv.devedor", "ausente"))
    return wrong


def refund_violations(pix: Mapping[str, Any], id: str, body: dict[str, Any], now: datetime) -> list[dict[str, str]]:
    """Return everything that is wrong with the request of a refund."""
    amount = body.get("valor")
    wrong = []
    if not re.fullmatch(r"[a-zA-Z0-9]{1,35}", id):
        wrong.append(violation("id", "não respeita [a-zA-Z0-9]{1,35}"))
    if not isinstance(amount, str) or not MONEY.fullmatch(amount) or cents_of(amount) == 0:
        wrong.append(violation("devolucao.valor", "não respeita \\d{1,10}\\.\\d{2} ou é zero"))
    if body.get("natureza", "ORIGINAL") not in ("ORIGINAL", "RETIRADA"):
        wrong.append(violation("devolucao.natureza", "ORIGINAL ou RETIRADA"))
    before = pix.get("devolucoes", ())
    if id in {d["id"] for d in before}:
        wrong.append(violation("id", "já utilizado por outra devolução"))
    gone = sum(cents_of(d["valor"]) for d in before if d["status"] != "NAO_REALIZADO")
    if not wrong and gone + cents_of(str(amount)) > cents_of(pix["valor"]):
        wrong.append(violation("devolucao.valor", "excede o valor do Pix"))
    if now - datetime.fromisoformat(pix["horario"]) > REFUNDABLE:
        wrong.append(violation("devolucao", "fora da janela de 90 dias"))
    return wrong


def _debtor_violations(form: str, debtor: Any) -> list[dict[str, str]]:
    if debtor is None:
        return []
    if not isinstance(debtor, dict) or ("cpf" in debtor) == ("cnpj" in debtor):
        return [violation(f"{form}.devedor", "um de cpf e cnpj")]
    name, length = ("cpf", 11) if "cpf" in debtor else ("cnpj", 14)
    document = debtor[name]
    if not isinstance(document, str) or len(document) != length or isinstance(read_document(document), NotADocument):
        return [violation(f"{form}.devedor.{name}", "dígitos inválidos")]
    if not isinstance(debtor.get("nome"), str) or not 1 <= len(debtor["nome"]) <= 200:
        return [violation(f"{form}.devedor.nome", "ausente ou longo demais")]
    return []


def violation(property_: str, reason: str) -> dict[str, str]:
    """Return one violation, as the API tells it."""
    return {"razao": reason, "propriedade": property_}


def span(query: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Return the instants that a list is asked for. Raises Problem."""
    try:
        since, until = (datetime.fromisoformat(query[name]) for name in ("inicio", "fim"))
    except (KeyError, ValueError):
        raise Problem(
            400, "PixConsultaInvalida", "inicio e fim respeitam RFC 3339.", [violation("inicio", "inválido")]
        ) from None
    if since.tzinfo is None or until.tzinfo is None or since > until:
        raise Problem(400, "PixConsultaInvalida", "fim é anterior a inicio.", [violation("fim", "anterior a inicio")])
    return since, until


def number(query: Mapping[str, str], name: str, default: int, lowest: int) -> int:
    """Return a whole number of the query. Raises Problem."""
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < lowest:
        raise Problem(400, "PixConsultaInvalida", f"{name} é inválido.", [violation(name, "inválido")])
    return int(text)
