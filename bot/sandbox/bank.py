"""The stand-in bank: charges, the Pix paid on them, and what a real bank would refuse. No HTTP here.

It is made to find our mistakes, so it is as strict as the API's description and the banks' habits (see
`bot.sandbox.bank_rules`). With a file it goes on where it stopped.
"""

import json
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.sandbox.bank_rules import (
    Problem,
    cents_of,
    charge_violations,
    number,
    reais_of,
    refund_violations,
    span,
    violation,
)

ISPB = "99999004"  # of no bank
_PAYEE = {
    "cnpj": "11444777000161",
    "nome": "Recebedor",
    "logradouro": "Rua das Acácias, 100",
    "cidade": "São Paulo",
    "uf": "SP",
    "cep": "01001000",
}
_ZONE = ZoneInfo("America/Sao_Paulo")
_REMOVED = "REMOVIDA_PELO_USUARIO_RECEBEDOR"


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

    def put_charge(self, txid: str, body: dict[str, Any], form: str = "cob") -> dict[str, Any]:
        """Create a charge (`cob` or `cobv`), or revise it while it is active."""
        violations = charge_violations(form, txid, body, self.key, self._today())
        if violations:
            raise Problem(400, "RequisicaoInvalida", "A requisição não respeita o schema.", violations)
        before = self.charges.get(txid)
        if before is not None and (before["status"] != "ATIVA" or before["loc"]["tipoCob"] != form):
            raise Problem(400, _invalid(form), "A cobrança não está ATIVA ou é de outro tipo.")
        made_at = before["calendario"]["criacao"] if before else _instant(self.clock.now())
        location = before["location"] if before else f"{self.host}/{secrets.token_hex(16)}"
        number = before["loc"]["id"] if before else len(self.charges) + 1
        defaults = {"validadeAposVencimento": 30} if form == "cobv" else {"expiracao": 86400}
        kept = ("devedor", "valor", "chave", "solicitacaoPagador", "infoAdicionais")
        self.charges[txid] = {
            **{k: v for k, v in body.items() if k in kept},
            **({"recebedor": _PAYEE} if form == "cobv" else {}),
            "txid": txid,
            "revisao": before["revisao"] + 1 if before else 0,
            "status": "ATIVA",
            "calendario": {**defaults, **body["calendario"], "criacao": made_at},
            "location": location,
            "loc": {"id": number, "location": location, "tipoCob": form, "criacao": made_at, "txid": txid},
        }
        self._keep()
        return self.charges[txid]

    def remove_charge(self, txid: str, body: dict[str, Any], form: str = "cob") -> dict[str, Any]:
        """Take a charge back."""
        charge = self.charge(txid, form)
        if body != {"status": _REMOVED}:
            raise Problem(
                400, "RequisicaoInvalida", "A remoção não vem com outras mudanças.", [violation("status", "inválido")]
            )
        if charge["status"] != "ATIVA":
            raise Problem(400, _invalid(form), "A cobrança não está ATIVA.")
        charge["status"] = _REMOVED
        charge["revisao"] += 1
        self._keep()
        return charge

    def charge(self, txid: str, form: str | None = None) -> dict[str, Any]:
        """Return a charge as the API shows it, with its payments; of either form, or of this one only."""
        charge = self.charges.get(txid)
        if charge is None or form not in (None, charge["loc"]["tipoCob"]):
            kind = "CobVNaoEncontrada" if form == "cobv" else "CobNaoEncontrado"
            raise Problem(404, kind, "Cobrança não encontrada para o txid informado.")
        return charge

    def pix(self, end_to_end_id: str) -> dict[str, Any]:
        """Return one payment."""
        for pix in self.received:
            if pix["endToEndId"] == end_to_end_id:
                return pix
        raise Problem(404, "PixNaoEncontrado", "Pix não encontrado para o e2eid informado.")

    def list_pix(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return one page of the payments of a span of time."""
        since, until = span(query)
        page, size = number(query, "paginacao.paginaAtual", 0, 0), number(query, "paginacao.itensPorPagina", 100, 1)
        if size > 1000:
            raise Problem(
                400, "PixConsultaInvalida", "itensPorPagina", [violation("paginacao.itensPorPagina", "acima de 1000")]
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
        if self._is_over(charge["calendario"]):
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
        wrong = refund_violations(self.pix(end_to_end_id), id, body, self.clock.now())
        if wrong:
            raise Problem(400, "PixDevolucaoInvalida", "A devolução não respeita o schema.", wrong)
        self.refund(
            end_to_end_id,
            cents_of(body["valor"]),
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

    def _today(self) -> date:
        return self.clock.now().astimezone(_ZONE).date()

    def _is_over(self, calendar: dict[str, Any]) -> bool:
        """Whether a charge cannot be paid any more. A due date on a weekend waits for Monday, and validity for a day of
        work; this bank knows no other holidays."""
        if "expiracao" in calendar:
            made_at = datetime.fromisoformat(calendar["criacao"])
            return self.clock.now() >= made_at + timedelta(seconds=calendar["expiracao"])
        due = _working_day(date.fromisoformat(calendar["dataDeVencimento"]))
        return self._today() > _working_day(due + timedelta(days=calendar["validadeAposVencimento"]))

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


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _working_day(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def _invalid(form: str) -> str:
    return "CobVOperacaoInvalida" if form == "cobv" else "CobOperacaoInvalida"
