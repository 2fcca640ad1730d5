"""What a paper says, read from the books inside the turn that decided on it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from bot.papers.contents import (
    CalendarPaper,
    Due,
    Kind,
    PaidOn,
    Paper,
    PaperDebt,
    Party,
    QuittancePaper,
    ReceiptPaper,
    Rules,
    Settled,
    TermsPaper,
)
from flows.agreement_life import UNWRITTEN
from flows.offers import InstalmentOffer, PromiseOffer, offer_from
from payments.documents import Document, read_document

AGREEMENT = """
SELECT a.id, a.customer_id, a.debt_id, a.total_cents, a.state, a.accepted_at, a.accepted_by_message, o.terms,
       o.shown_on, o.policy_digest, p.name AS policy_name, p.title AS policy_title
FROM   agreement a
JOIN   offer o ON o.conversation_id = a.conversation_id AND o.no = a.offer_no
JOIN   policy p ON p.digest = o.policy_digest
WHERE  a.conversation_id = $1 AND a.offer_no = $2 AND a.customer_id = $3
"""
INSTALMENTS = """
SELECT n, due_on, coalesce(moved_from, due_on) AS agreed_on, amount_cents, paid_cents, forgiven_cents
FROM   instalment WHERE agreement_id = $1 ORDER BY coalesce(moved_from, due_on), n
"""
CUSTOMER = "SELECT name, document FROM customer WHERE id = $1"
DEBTS = """
SELECT id, external_id, description, due_on, principal_cents, open_principal_cents, state, settled_at
FROM   debt WHERE id = any($1::bigint[]) ORDER BY due_on, id
"""
PAYMENT = """
SELECT id, end_to_end_id, amount_cents, surplus_cents, allocation, paid_at
FROM   payment WHERE customer_id = $2 AND ($1::text IS NULL OR end_to_end_id = $1)
ORDER  BY paid_at DESC, id DESC LIMIT 1
"""
AGREEMENTS_OF = """
SELECT a.id, a.debt_id, a.state,
       (SELECT count(*)::int FROM instalment i WHERE i.agreement_id = a.id AND i.n > 0) AS instalments
FROM   agreement a WHERE a.id = any($1::bigint[]) OR a.debt_id = any($2::bigint[])
"""
PAYMENTS_ON = """
SELECT p.end_to_end_id, p.amount_cents, p.allocation, p.paid_at
FROM   payment p
WHERE  p.customer_id = $1
AND    EXISTS (SELECT FROM jsonb_array_elements(p.allocation) AS part
               WHERE (part->>'debt_id')::bigint = any($2::bigint[])
               OR    (part->>'agreement_id')::bigint = any($3::bigint[]))
ORDER  BY p.paid_at, p.id
"""
OPEN_INSTALMENTS = """
SELECT i.due_on, i.amount_cents - i.paid_cents - i.forgiven_cents AS open_cents
FROM   instalment i JOIN agreement a ON a.id = i.agreement_id
WHERE  a.debt_id = any($1::bigint[]) AND a.state = 'active' AND i.paid_cents + i.forgiven_cents < i.amount_cents
ORDER  BY i.due_on
"""


class NotMade(Exception):
    """There is nothing to write a paper about: the agreement or payment is not this customer's, or a debt is not paid
    yet. The message is a code: not_found, not_paid, nothing_open, no_agreement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which paper, for whom. `creditor` and `host` are the company's, `zone` its time zone."""

    kind: Kind
    conversation_id: int
    customer_id: int
    agreement_offer_no: int | None
    end_to_end_id: str | None
    creditor: Party
    host: str
    zone: tzinfo
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A paper's words, and what it is about."""

    paper: Paper
    agreement_id: int | None = None
    payment_id: int | None = None


async def draft(conn: Any, wanted: Wanted) -> Drafted:
    """Read from the books what the paper says. Raises NotMade."""
    match wanted.kind:
        case "terms":
            return await _terms(conn, wanted)
        case "calendar":
            return await _calendar(conn, wanted)
        case "quittance":
            return await _quittance(conn, wanted)
        case "receipt":
            return await _receipt(conn, wanted)


async def _terms(conn: Any, wanted: Wanted) -> Drafted:
    row = await _agreement(conn, wanted)
    offer = offer_from(json.loads(row["terms"]))
    if isinstance(offer, PromiseOffer):
        raise NotMade("no_agreement")
    plan = offer if isinstance(offer, InstalmentOffer) else None
    life = plan.life if plan is not None else UNWRITTEN
    (debt,) = await conn.fetch(DEBTS, [row["debt_id"]])
    paper = TermsPaper(
        number=row["id"],
        creditor=wanted.creditor,
        debtor=await _debtor(conn, wanted.customer_id),
        debt=_debt(debt),
        cost_on=row["shown_on"],
        principal_cents=offer.parts.principal_cents,
        fine_cents=offer.parts.fine_cents,
        interest_cents=offer.parts.interest_cents,
        discount_cents=offer.discount_cents,
        payments=tuple(
            Due(n=i["n"], due_on=i["agreed_on"], amount_cents=i["amount_cents"])
            for i in await conn.fetch(INSTALMENTS, row["id"])
        ),
        total_cents=row["total_cents"],
        interest_percent_month=plan.interest_percent_month if plan is not None else Decimal(0),
        cet_percent_year=plan.cet_percent_year if plan is not None else Decimal(0),
        in_cash=plan is None,
        rules=Rules(
            fine_percent=life.late.fine_percent,
            interest_percent_month=life.late.interest_percent_month,
            broken_days_late=life.broken_days_late,
            broken_missed=life.broken_missed,
            date_changes=life.date_changes,
            date_change_days=life.date_change_days,
        ),
        policy_title=row["policy_title"],
        policy_name=row["policy_name"],
        policy_digest=row["policy_digest"],
        accepted_at=row["accepted_at"].astimezone(wanted.zone),
        message_id=row["accepted_by_message"],
    )
    return Drafted(paper=paper, agreement_id=row["id"])


async def _calendar(conn: Any, wanted: Wanted) -> Drafted:
    row = await _agreement(conn, wanted)
    instalments = await conn.fetch(INSTALMENTS, row["id"])
    payments = [
        Due(n=i["n"], due_on=i["due_on"], amount_cents=i["amount_cents"] - i["paid_cents"] - i["forgiven_cents"])
        for i in instalments
        if i["paid_cents"] + i["forgiven_cents"] < i["amount_cents"]
    ]
    if row["state"] != "active" or not payments:
        raise NotMade("nothing_open")
    paper = CalendarPaper(
        number=row["id"],
        creditor=wanted.creditor.name,
        host=wanted.host,
        made_at=wanted.now.astimezone(wanted.zone),
        instalments=sum(i["n"] > 0 for i in instalments),
        payments=tuple(sorted(payments, key=lambda due: (due.due_on, due.n))),
    )
    return Drafted(paper=paper, agreement_id=row["id"])


async def _quittance(conn: Any, wanted: Wanted) -> Drafted:
    """Of the agreement's debt, or of every debt that the payment settled; a debt that is not paid gets none."""
    agreement, payment = None, None
    if wanted.agreement_offer_no is not None:
        agreement = await _agreement(conn, wanted)
        debt_ids = [agreement["debt_id"]]
    else:
        payment = await _payment(conn, wanted)
        debt_ids = await _debts_of(conn, json.loads(payment["allocation"]))
    debts = [debt for debt in await conn.fetch(DEBTS, debt_ids) if debt["state"] == "paid"]
    if not debts:
        raise NotMade("not_paid")
    ids = [debt["id"] for debt in debts]
    agreements = [a["id"] for a in await conn.fetch(AGREEMENTS_OF, [], ids)]
    paper = QuittancePaper(
        number=agreement["id"] if agreement is not None else None,
        creditor=wanted.creditor,
        debtor=await _debtor(conn, wanted.customer_id),
        debts=tuple(_debt(debt) for debt in debts),
        payments=tuple(
            PaidOn(
                end_to_end_id=paid["end_to_end_id"],
                paid_at=paid["paid_at"].astimezone(wanted.zone),
                amount_cents=sum(_money(part) for part in _on(json.loads(paid["allocation"]), ids, agreements)),
                whole_cents=paid["amount_cents"],
            )
            for paid in await conn.fetch(PAYMENTS_ON, wanted.customer_id, ids, agreements)
        ),
        settled_at=max(debt["settled_at"] for debt in debts).astimezone(wanted.zone),
    )
    return Drafted(
        paper=paper,
        agreement_id=agreement["id"] if agreement is not None else None,
        payment_id=payment["id"] if payment is not None else None,
    )


async def _receipt(conn: Any, wanted: Wanted) -> Drafted:
    payment = await _payment(conn, wanted)
    allocation = json.loads(payment["allocation"])
    debt_ids = await _debts_of(conn, allocation)
    debts = {debt["id"]: debt for debt in await conn.fetch(DEBTS, debt_ids)}
    agreements = {a["id"]: a for a in await conn.fetch(AGREEMENTS_OF, _ids(allocation, "agreement_id"), [])}
    to_pay = await conn.fetch(OPEN_INSTALMENTS, debt_ids)
    open_cents = sum(debt["open_principal_cents"] for debt in debts.values() if debt["state"] == "open")
    paper = ReceiptPaper(
        creditor=wanted.creditor,
        debtor=await _debtor(conn, wanted.customer_id),
        end_to_end_id=payment["end_to_end_id"],
        paid_at=payment["paid_at"].astimezone(wanted.zone),
        amount_cents=payment["amount_cents"],
        settled=tuple(_settled(part, debts, agreements) for part in allocation),
        surplus_cents=payment["surplus_cents"],
        left_cents=open_cents + sum(one["open_cents"] for one in to_pay),
        left_on=wanted.now.astimezone(wanted.zone).date(),
        next_due_on=to_pay[0]["due_on"] if to_pay else None,
    )
    return Drafted(paper=paper, payment_id=payment["id"])


async def _agreement(conn: Any, wanted: Wanted) -> Mapping[str, Any]:
    row: Mapping[str, Any] | None = await conn.fetchrow(
        AGREEMENT, wanted.conversation_id, wanted.agreement_offer_no, wanted.customer_id
    )
    if row is None:
        raise NotMade("not_found")
    return row


async def _payment(conn: Any, wanted: Wanted) -> Mapping[str, Any]:
    row: Mapping[str, Any] | None = await conn.fetchrow(PAYMENT, wanted.end_to_end_id, wanted.customer_id)
    if row is None:
        raise NotMade("not_found")
    return row


async def _debtor(conn: Any, customer_id: int) -> Party:
    row = await conn.fetchrow(CUSTOMER, customer_id)
    document = read_document(row["document"])
    return Party(name=row["name"], document=document.masked if isinstance(document, Document) else "")


async def _debts_of(conn: Any, allocation: Sequence[Mapping[str, Any]]) -> list[int]:
    """The debts that a payment went to, by themselves or through their agreements."""
    through = await conn.fetch(AGREEMENTS_OF, _ids(allocation, "agreement_id"), [])
    return sorted({*_ids(allocation, "debt_id"), *(a["debt_id"] for a in through)})


def _ids(allocation: Sequence[Mapping[str, Any]], name: str) -> list[int]:
    return sorted({part[name] for part in allocation if name in part})


def _on(
    allocation: Sequence[Mapping[str, Any]], debts: Sequence[int], agreements: Sequence[int]
) -> Iterator[Mapping[str, Any]]:
    """The parts of a payment that went to these debts or agreements."""
    return (p for p in allocation if p.get("debt_id") in debts or p.get("agreement_id") in agreements)


def _money(part: Mapping[str, Any]) -> int:
    """What of a payment a part took, in centavos: a debt's parts are gross, an instalment's amount is net."""
    if "agreement_id" in part:
        return int(part["amount_cents"] + part.get("fine_cents", 0) + part.get("interest_cents", 0))
    return int(part["principal_cents"] + part["fine_cents"] + part["interest_cents"] - part["discount_cents"])


def _debt(row: Mapping[str, Any]) -> PaperDebt:
    names = ("external_id", "description", "due_on", "principal_cents")
    return PaperDebt(**{name: row[name] for name in names})


def _settled(
    part: Mapping[str, Any], debts: Mapping[int, Mapping[str, Any]], agreements: Mapping[int, Mapping[str, Any]]
) -> Settled:
    agreement = agreements[part["agreement_id"]] if "agreement_id" in part else None
    debt = debts[agreement["debt_id"] if agreement is not None else part["debt_id"]]
    discount_cents = part.get("discount_cents", 0)
    return Settled(
        external_id=debt["external_id"],
        description=debt["description"],
        principal_cents=part["principal_cents"] if agreement is None else part["amount_cents"] + discount_cents,
        fine_cents=part.get("fine_cents", 0),
        interest_cents=part.get("interest_cents", 0),
        discount_cents=discount_cents,
        instalment=part["n"] if agreement is not None else None,
        instalments=agreement["instalments"] if agreement is not None else 0,
    )
