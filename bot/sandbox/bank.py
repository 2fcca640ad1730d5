"""The stand-in bank: charges, the Pix paid on them, and what a real bank would refuse. No HTTP here.

It is made to find our mistakes, so it is as strict as the API's description and the banks' habits: every violation is
told with its property. With a file it goes on where it stopped.
"""

import json
import re
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.clock import Clock
from payments.documents import NotADocument, read_document

ISPB = "99999004"  # of no bank
_TXID = re.compile(r"[a-zA-Z0-9]{26,35}")
_MONEY = re.compile(r"\d{1,10}\.\d{2}", re.ASCII)
_REFUNDABLE = timedelta(days=90)
_REMOVED = "REMOVIDA_PELO_USUARIO_RECEBEDOR"


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


class NotPayable(Exception):
    """The payer's app says no; `reason` is one word: unknown, expired, removed, paid."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Bank:
    """One account at the bank, with one Pix key. `host` is where the codes' content lies, without a scheme."""

    def __init__(self, clock: Clock, *, key: str, host: str, file: Path | None = None) -> None:
        self.clock, self.key, self.host, self._file = clock, key, host, file
        self.charges: dict[str, dict[str, Any]] = {}
        self.received: list[dict[str, Any]] = []
        self.webhooks: dict[str, dict[str, Any]] = {}
        if file is not None and file.exists():
            kept = json.loads(file.read_text(encoding="utf-8"))
            self.charges, self.received, self.webhooks = kept["charges"], kept["received"], kept["webhooks"]

    def put_charge(self, txid: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create a charge, or revise it while it is active."""
        violations = _violations(txid, body, self.key)
        if violations:
            raise Problem(400, "RequisicaoInvalida", "A requisição não respeita o schema.", violations)
        before = self.charges.get(txid)
        if before is not None and before["status"] != "ATIVA":
            raise Problem(400, "CobOperacaoInvalida", "A cobrança não está ATIVA.")
        made_at = before["calendario"]["criacao"] if before else _instant(self.clock.now())
        location = before["location"] if before else f"{self.host}/{secrets.token_hex(16)}"
        number = before["loc"]["id"] if before else len(self.charges) + 1
        self.charges[txid] = {
            **{
                k: v
                for k, v in body.items()
                if k in ("devedor", "valor", "chave", "solicitacaoPagador", "infoAdicionais")
            },
            "txid": txid,
            "revisao": before["revisao"] + 1 if before else 0,
            "status": "ATIVA",
            "calendario": {"criacao": made_at, "expiracao": body["calendario"].get("expiracao", 86400)},
            "location": location,
            "loc": {
                "id": number,
                "location": location,
                "tipoCob": "cob",
                "criacao": made_at,
                "txid": txid,
            },
        }
        self._keep()
        return self.charges[txid]

    def remove_charge(self, txid: str, body: dict[str, Any]) -> dict[str, Any]:
        """Take a charge back."""
        charge = self.charge(txid)
        if body != {"status": _REMOVED}:
            raise Problem(
                400, "RequisicaoInvalida", "A remoção não vem com outras mudanças.", [_violation("status", "inválido")]
            )
        if charge["status"] != "ATIVA":
            raise Problem(400, "CobOperacaoInvalida", "A cobrança não está ATIVA.")
        charge["status"] = _REMOVED
        charge["revisao"] += 1
        self._keep()
        return charge

    def charge(self, txid: str) -> dict[str, Any]:
        """Return a charge as the API shows it, with its payments."""
        if txid not in self.charges:
            raise Problem(404, "CobNaoEncontrado", "Cobrança não encontrada para o txid informado.")
        return self.charges[txid]

    def pix(self, end_to_end_id: str) -> dict[str, Any]:
        """Return one payment."""
        for pix in self.received:
            if pix["endToEndId"] == end_to_end_id:
                return pix
        raise Problem(404, "PixNaoEncontrado", "Pix não encontrado para o e2eid informado.")

    def list_pix(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return one page of the payments of a span of time."""
        since, until = _span(query)
        page, size = _number(query, "paginacao.paginaAtual", 0, 0), _number(query, "paginacao.itensPorPagina", 100, 1)
        if size > 1000:
            raise Problem(
                400, "PixConsultaInvalida", "itensPorPagina", [_violation("paginacao.itensPorPagina", "acima de 1000")]
            )
        found = [p for p in self.received if since <= datetime.fromisoformat(p["horario"]) <= until]
        if query.get("txIdPresente") == "true":
            found = [p for p in found if "txid" in p]
        paging = {
            "paginaAtual": page,
            "itensPorPagina": size,
            "quantidadeDePaginas": -(-len(found) // size),
            "quantidadeTotalDeItens": len(found),
        }
        return {
            "parametros": {"inicio": query["inicio"], "fim": query["fim"], "paginacao": paging},
            "pix": found[page * size : (page + 1) * size],
        }

    def pay(self, txid: str, amount_cents: int | None = None) -> dict[str, Any]:
        """Pay a charge, wholly or in another amount. Raises NotPayable as a payer's bank would."""
        charge = self.charges.get(txid)
        if charge is None:
            raise NotPayable("unknown")
        if charge["status"] != "ATIVA":
            raise NotPayable("paid" if charge["status"] == "CONCLUIDA" else "removed")
        made_at = datetime.fromisoformat(charge["calendario"]["criacao"])
        if self.clock.now() >= made_at + timedelta(seconds=charge["calendario"]["expiracao"]):
            raise NotPayable("expired")
        pix = self._settle(txid, amount_cents if amount_cents is not None else cents_of(charge["valor"]["original"]))
        charge["status"] = "CONCLUIDA"  # with any amount, as the real ones do
        charge["pix"] = [*charge.get("pix", ()), pix]
        self._keep()
        return pix

    def pay_key(self, amount_cents: int, *, txid: str | None) -> dict[str, Any]:
        """Pay a static code: any number of times, in any amount."""
        pix = self._settle(txid, amount_cents)
        self._keep()
        return pix

    def refund(
        self,
        end_to_end_id: str,
        amount_cents: int,
        *,
        id: str = "1",
        status: str = "DEVOLVIDO",
        natureza: str = "ORIGINAL",
    ) -> dict[str, Any]:
        """Send money back, as the account's owner does in the bank's own program, or the bank itself (`MED_…`)."""
        now = _instant(self.clock.now())
        return self._give_back(
            end_to_end_id,
            {
                "id": id,
                "rtrId": f"D{end_to_end_id[1:]}",
                "valor": reais_of(amount_cents),
                "natureza": natureza,
                "horario": {"solicitacao": now, **({"liquidacao": now} if status == "DEVOLVIDO" else {})},
                "status": status,
            },
        )

    def put_refund(self, end_to_end_id: str, id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Begin to send money back as the API asks for it; the refund is not final yet."""
        pix = self.pix(end_to_end_id)
        amount = body.get("valor")
        wrong = []
        if not re.fullmatch(r"[a-zA-Z0-9]{1,35}", id):
            wrong.append(_violation("id", "não respeita [a-zA-Z0-9]{1,35}"))
        if not isinstance(amount, str) or not _MONEY.fullmatch(amount) or cents_of(amount) == 0:
            wrong.append(_violation("devolucao.valor", "não respeita \\d{1,10}\\.\\d{2} ou é zero"))
        if body.get("natureza", "ORIGINAL") not in ("ORIGINAL", "RETIRADA"):
            wrong.append(_violation("devolucao.natureza", "ORIGINAL ou RETIRADA"))
        before = pix.get("devolucoes", ())
        if id in {d["id"] for d in before}:
            wrong.append(_violation("id", "já utilizado por outra devolução"))
        gone = sum(cents_of(d["valor"]) for d in before if d["status"] != "NAO_REALIZADO")
        if not wrong and gone + cents_of(str(amount)) > cents_of(pix["valor"]):
            wrong.append(_violation("devolucao.valor", "excede o valor do Pix"))
        if self.clock.now() - datetime.fromisoformat(pix["horario"]) > _REFUNDABLE:
            wrong.append(_violation("devolucao", "fora da janela de 90 dias"))
        if wrong:
            raise Problem(400, "PixDevolucaoInvalida", "A devolução não respeita o schema.", wrong)
        self.refund(
            end_to_end_id,
            cents_of(str(amount)),
            id=id,
            status="EM_PROCESSAMENTO",
            natureza=body.get("natureza", "ORIGINAL"),
        )
        return self.refund_of(end_to_end_id, id)

    def refund_of(self, end_to_end_id: str, id: str) -> dict[str, Any]:
        """Return one refund of a payment."""
        for given_back in self.pix(end_to_end_id).get("devolucoes", ()):
            if given_back["id"] == id:
                return dict(given_back)
        raise Problem(404, "PixDevolucaoNaoEncontrada", "Devolução não encontrada para o id informado.")

    def finish_refund(self, end_to_end_id: str, id: str, *, status: str = "DEVOLVIDO") -> dict[str, Any]:
        """Bring a refund to its final state; return the payment."""
        given_back = {**self.refund_of(end_to_end_id, id), "status": status}
        if status == "DEVOLVIDO":
            given_back["horario"] = {**given_back["horario"], "liquidacao": _instant(self.clock.now())}
        return self._give_back(end_to_end_id, given_back)

    def _give_back(self, end_to_end_id: str, given_back: dict[str, Any]) -> dict[str, Any]:
        pix = self.pix(end_to_end_id)
        pix["devolucoes"] = [*[d for d in pix.get("devolucoes", ()) if d["id"] != given_back["id"]], given_back]
        for charge in self.charges.values():
            charge["pix"] = [pix if p["endToEndId"] == end_to_end_id else p for p in charge.get("pix", ())]
        self._keep()
        return pix

    def _settle(self, txid: str | None, amount_cents: int) -> dict[str, Any]:
        now = self.clock.now()
        tail = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(11))
        pix: dict[str, Any] = {
            "endToEndId": f"E{ISPB}{now.astimezone(UTC):%Y%m%d%H%M}{tail}",
            **({"txid": txid} if txid else {}),
            "valor": reais_of(amount_cents),
            "chave": self.key,
            "horario": _instant(now),
        }
        self.received.append(pix)
        return pix

    def _keep(self) -> None:
        if self._file is None:
            return
        draft = self._file.with_suffix(".new")
        draft.parent.mkdir(parents=True, exist_ok=True)
        kept = {"charges": self.charges, "received": self.received, "webhooks": self.webhooks}
        draft.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        draft.replace(self._file)

    def set_webhook(self, key: str, url: str | None) -> None:
        """Keep (or forget) where payments to `key` are told."""
        if url is None:
            if self.webhooks.pop(key, None) is None:
                raise Problem(404, "WebhookNaoEncontrado", "Webhook não encontrado para a chave informada.")
        else:
            self.webhooks[key] = {"webhookUrl": url, "chave": key, "criacao": _instant(self.clock.now())}
        self._keep()


def reais_of(cents: int) -> str:
    """Return centavos as the API writes money."""
    return f"{cents // 100}.{cents % 100:02d}"


def cents_of(reais: str) -> int:
    """Return the centavos of the API's money."""
    whole, _, part = reais.partition(".")
    return int(whole) * 100 + int(part)


def _violations(txid: str, body: dict[str, Any], key: str) -> list[dict[str, str]]:
    """Everything that is wrong with the body of a charge."""
    wrong: list[dict[str, str]] = []
    if not _TXID.fullmatch(txid):
        wrong.append(_violation("txid", "o txid tem de 26 a 35 letras e algarismos"))
    objects = ("calendario", "valor")
    wrong += [_violation(f"cob.{name}", "ausente") for name in objects if not isinstance(body.get(name), dict)]
    if body.get("chave") != key:
        wrong.append(_violation("cob.chave", "a chave não pertence ao usuário recebedor"))
    if wrong:
        return wrong
    seconds = body["calendario"].get("expiracao", 86400)
    if type(seconds) is not int or not 1 <= seconds < 2**31:
        wrong.append(_violation("cob.calendario.expiracao", "não é um número de segundos"))
    amount = body["valor"].get("original")
    if not isinstance(amount, str) or not _MONEY.fullmatch(amount) or cents_of(amount) == 0:
        wrong.append(_violation("cob.valor.original", "não respeita \\d{1,10}\\.\\d{2} ou é zero"))
    if body["valor"].get("modalidadeAlteracao", 0) not in (0, 1):
        wrong.append(_violation("cob.valor.modalidadeAlteracao", "0 ou 1"))
    text = body.get("solicitacaoPagador", "")
    if not isinstance(text, str) or len(text) > 140:
        wrong.append(_violation("cob.solicitacaoPagador", "mais de 140 caracteres"))
    return wrong + _debtor_violations(body.get("devedor"))


def _debtor_violations(debtor: Any) -> list[dict[str, str]]:
    if debtor is None:
        return []
    if not isinstance(debtor, dict) or ("cpf" in debtor) == ("cnpj" in debtor):
        return [_violation("cob.devedor", "um de cpf e cnpj")]
    name, length = ("cpf", 11) if "cpf" in debtor else ("cnpj", 14)
    document = debtor[name]
    if not isinstance(document, str) or len(document) != length or isinstance(read_document(document), NotADocument):
        return [_violation(f"cob.devedor.{name}", "dígitos inválidos")]
    if not isinstance(debtor.get("nome"), str) or not 1 <= len(debtor["nome"]) <= 200:
        return [_violation("cob.devedor.nome", "ausente ou longo demais")]
    return []


def _violation(property_: str, reason: str) -> dict[str, str]:
    return {"razao": reason, "propriedade": property_}


def _span(query: Mapping[str, str]) -> tuple[datetime, datetime]:
    try:
        since, until = (datetime.fromisoformat(query[name]) for name in ("inicio", "fim"))
    except (KeyError, ValueError):
        raise Problem(
            400, "PixConsultaInvalida", "inicio e fim respeitam RFC 3339.", [_violation("inicio", "inválido")]
        ) from None
    if since.tzinfo is None or until.tzinfo is None or since > until:
        raise Problem(400, "PixConsultaInvalida", "fim é anterior a inicio.", [_violation("fim", "anterior a inicio")])
    return since, until


def _number(query: Mapping[str, str], name: str, default: int, lowest: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < lowest:
        raise Problem(400, "PixConsultaInvalida", f"{name} é inválido.", [_violation(name, "inválido")])
    return int(text)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
