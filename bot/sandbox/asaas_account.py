"""The stand-in Asaas: customers, payments, what a payer does, and what the real one would refuse. No HTTP here.

It is made to find our mistakes: a field that its documentation does not name is refused, and so is an amount with half
a centavo, a day that is over, a document that is none. Amounts are centavos inside and reais where they are shown.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.sandbox.bank import NotPayable
from payments.boleto import BankSlip
from payments.brcode import Merchant, dynamic_code
from payments.documents import NotADocument, read_document

_ZONE = ZoneInfo("America/Sao_Paulo")
_LEAST_CENTS = 500
_PAYMENT_FIELDS = {"customer", "billingType", "value", "dueDate", "description", "externalReference"}
_CUSTOMER_FIELDS = {"name", "cpfCnpj", "externalReference", "notificationDisabled"}
_PAYMENT_FILTERS = {"externalReference", "status", "billingType", "paymentDate[ge]", "paymentDate[le]"}
_PAYABLE = ("PENDING", "OVERDUE")
_FACTORS_FROM = date(2022, 5, 29)  # of the due factor, since 22 Feb 2025


class Problem(Exception):
    """A refusal: `{"errors": [{"code", "description"}]}`."""

    def __init__(self, status: int, code: str, description: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.description = status, code, description or code


class AsaasAccount:
    """One creditor's account. `page` is where its invoices lie, with https."""

    def __init__(self, clock: Clock, *, page: str = "https://www.asaas.example") -> None:
        self._clock, self._page = clock, page
        self.customers: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}

    def make_customer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create a customer; nothing stops a second one of the same document."""
        _only(body, _CUSTOMER_FIELDS)
        if not isinstance(body.get("name"), str) or not body["name"]:
            raise Problem(400, "invalid_name")
        if isinstance(read_document(str(body.get("cpfCnpj"))), NotADocument):
            raise Problem(400, "invalid_cpfCnpj")
        made = {
            "object": "customer",
            "id": f"cus_{len(self.customers) + 1:012d}",
            "dateCreated": self._today().isoformat(),
            "notificationDisabled": False,
            "deleted": False,
            **body,
        }
        self.customers[made["id"]] = made
        return made

    def change_customer(self, customer_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change what is given of a customer."""
        _only(body, _CUSTOMER_FIELDS)
        if customer_id not in self.customers:
            raise Problem(404, "not_found")
        self.customers[customer_id].update(body)
        return self.customers[customer_id]

    def list_customers(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return one page of the customers of an externalReference."""
        wanted = _filters(query, {"externalReference"})
        return _page_of([c for c in self.customers.values() if _matches(c, wanted)], query)

    def make_payment(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create a payment; nothing stops a second one of the same externalReference."""
        _only(body, _PAYMENT_FIELDS)
        if body.get("customer") not in self.customers:
            raise Problem(400, "invalid_customer")
        if body.get("billingType") not in ("UNDEFINED", "PIX", "BOLETO", "CREDIT_CARD"):
            raise Problem(400, "invalid_billingType")
        amount_cents = _cents(body.get("value"))
        if amount_cents < _LEAST_CENTS:
            raise Problem(400, "invalid_value")
        due = _date(body.get("dueDate"))
        if due is None or due < self._today():
            raise Problem(400, "invalid_dueDate")
        if len(str(body.get("description", ""))) > 500:
            raise Problem(400, "invalid_description")
        number = len(self.payments) + 1
        made = {
            "object": "payment",
            "id": f"pay_{number:012d}",
            "dateCreated": self._today().isoformat(),
            **body,
            "value": amount_cents,
            "originalValue": None,
            "status": "PENDING",
            "paymentDate": None,
            "clientPaymentDate": None,
            "pixTransaction": None,
            "invoiceUrl": f"{self._page}/i/{number:012d}",
            "deleted": False,
            "fine": {"value": 0},
            "interest": {"value": 0},
            "discount": {"value": 0, "dueDateLimitDays": 0},
            "refunds": None,
        }
        self.payments[made["id"]] = made
        return self.payment(made["id"])

    def payment(self, payment_id: str) -> dict[str, Any]:
        """Return a payment as it stands today; a deleted one too."""
        found = self.payments.get(payment_id)
        if found is None:
            raise Problem(404, "not_found")
        if found["status"] == "PENDING" and date.fromisoformat(found["dueDate"]) < self._today():
            found["status"] = "OVERDUE"  # and payable all the same
        return found

    def list_payments(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return one page of the payments that are not deleted."""
        wanted = _filters(query, _PAYMENT_FILTERS)
        first, last = wanted.pop("paymentDate[ge]", ""), wanted.pop("paymentDate[le]", "9999")
        alive = [self.payment(i) for i, p in self.payments.items() if not p["deleted"]]
        if first:
            alive = [p for p in alive if p["paymentDate"] and first <= p["paymentDate"] <= last]
        return _page_of([p for p in alive if _matches(p, wanted)], query)

    def delete_payment(self, payment_id: str) -> dict[str, Any]:
        """Delete a payment that is not paid."""
        found = self.payment(payment_id)
        if found["deleted"]:
            raise Problem(404, "not_found")
        if found["status"] not in _PAYABLE:
            raise Problem(400, "invalid_action", "Esta cobrança não pode ser removida.")
        found["deleted"] = True
        return {"deleted": True, "id": payment_id}

    def pix_code(self, payment_id: str) -> dict[str, Any]:
        """Return the Pix code of a payment."""
        found = self.payment(payment_id)
        location = f"{self._page.removeprefix('https://')}/qr/{payment_id}"
        merchant = Merchant(name="Escola Aurora", city="Joinville")
        payload = dynamic_code(location, merchant=merchant, amount_cents=found["value"])
        return {"encodedImage": "", "payload": payload, "expirationDate": f"{found['dueDate']} 23:59:59"}

    def boleto(self, payment_id: str) -> dict[str, Any]:
        """Return the typed line of a payment's boleto."""
        found = self.payment(payment_id)
        factor = (date.fromisoformat(found["dueDate"]) - _FACTORS_FROM).days
        rest = f"{factor:04d}{found['value']:010d}{int(payment_id[4:]):025d}"
        line = BankSlip(
            bar_code=f"4619{_check_digit('4619' + rest)}{rest}", bank="461", due_on=None, amount_cents=found["value"]
        )
        return {"identificationField": line.digits, "nossoNumero": payment_id[4:], "barCode": line.bar_code}

    def pay(self, txid: str, how: str = "PIX", amount_cents: int | None = None) -> dict[str, Any]:
        """Pay the payment of an externalReference by PIX, BOLETO or CREDIT_CARD. Raises NotPayable."""
        for payment_id, found in self.payments.items():
            if found.get("externalReference") == txid:
                if found["deleted"]:
                    raise NotPayable("removed")
                if self.payment(payment_id)["status"] not in _PAYABLE:
                    raise NotPayable("paid")
                break
        else:
            raise NotPayable("unknown")
        today = self._today().isoformat()
        found["billingType"], found["clientPaymentDate"] = how, today
        if how == "CREDIT_CARD":
            found.update(status="CONFIRMED", confirmedDate=today)
        else:
            found.update(status="RECEIVED", paymentDate=today, pixTransaction=f"tx_{found['id']}")
        if amount_cents is not None:
            found["originalValue"], found["value"] = found["value"], amount_cents
        return found

    def credit(self, payment_id: str) -> dict[str, Any]:
        """The money of a confirmed card comes in, some 32 days later."""
        found = self.payment(payment_id)
        found.update(status="RECEIVED", paymentDate=self._today().isoformat())
        return found

    def dispute(self, payment_id: str) -> dict[str, Any]:
        """The holder of the card asks for the money back."""
        found = self.payment(payment_id)
        found["status"] = "CHARGEBACK_REQUESTED"
        return found

    def refund(self, payment_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send money back; all of it where no value is given."""
        _only(body, {"value", "description"})
        found = self.payment(payment_id)
        if found["status"] not in ("RECEIVED", "CONFIRMED") or found["billingType"] == "BOLETO":
            raise Problem(400, "invalid_action", "Esta cobrança não pode ser estornada.")
        before = list(found["refunds"] or ())
        left = found["value"] - sum(r["value"] for r in before if r["status"] != "CANCELLED")
        amount_cents = _cents(body["value"]) if "value" in body else left
        if not 0 < amount_cents <= left:
            raise Problem(400, "invalid_value")
        made = {
            "dateCreated": f"{self._clock.now().astimezone(_ZONE):%Y-%m-%d %H:%M:%S}",
            "status": "DONE",
            "value": amount_cents,
            "description": body.get("description"),
            "endToEndIdentifier": None,
        }
        found["refunds"] = [*before, made]
        if amount_cents == left:
            found["status"] = "REFUNDED"
        return found

    def _today(self) -> date:
        return self._clock.now().astimezone(_ZONE).date()


def shown(document: Any) -> Any:
    """Return a document with its centavos as the reais of `written`."""
    if isinstance(document, list):
        return [shown(item) for item in document]
    if not isinstance(document, dict):
        return document
    reais = {k: f"@{Decimal(v) / 100:f}@" for k, v in document.items() if k in ("value", "originalValue") and v}
    return {k: reais.get(k, shown(v)) for k, v in document.items()}


def written(text: str) -> str:
    """Return JSON with the amounts of `shown` as numbers: 349.9, as Asaas writes them."""
    return re.sub(r'"@([0-9.]+)@"', r"\1", text)


def _only(body: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(body) - known)
    if unknown:
        raise Problem(400, "invalid_object", f"Campos desconhecidos: {', '.join(unknown)}.")


def _filters(query: Mapping[str, str], known: set[str]) -> dict[str, str]:
    _only(dict(query), known | {"offset", "limit"})
    return {name: value for name, value in query.items() if name in known}


def _matches(found: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(found.get(name) == value for name, value in wanted.items())


def _page_of(found: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    offset, limit = int(query.get("offset", "0")), int(query.get("limit", "10"))
    if not 1 <= limit <= 100:
        raise Problem(400, "invalid_limit")
    return {
        "object": "list",
        "hasMore": offset + limit < len(found),
        "totalCount": len(found),
        "limit": limit,
        "offset": offset,
        "data": found[offset : offset + limit],
    }


def _cents(value: Any) -> int:
    if type(value) not in (int, Decimal) or value * 100 % 1:
        raise Problem(400, "invalid_value")
    return int(value * 100)


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _check_digit(digits: str) -> int:
    """Modulo 11 over the other 43 digits of a bar code, weights 2 to 9 from the right; 0, 10 and 11 become 1."""
    total = sum(int(d) * (2 + n % 8) for n, d in enumerate(reversed(digits)))
    return 11 - total % 11 if 1 < total % 11 < 11 else 1
