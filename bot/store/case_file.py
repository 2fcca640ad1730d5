"""A case read from the books, on one picture of the database: an offer with its policy, its acceptance, what was made
of it, what was paid, and the lines of the journal that concern it."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.papers.case_contents import (
    FORMAT,
    CaseAcceptance,
    CaseAgreement,
    CaseCharge,
    CaseClosing,
    CaseDebt,
    CaseFile,
    CaseInstalment,
    CaseLine,
    CaseOffer,
    CaseParty,
    CasePayment,
    CasePolicy,
    CasePolicyEvent,
    CasePosting,
    CaseTransaction,
    money_of,
)
from flows.canonical import seal_of
from flows.offers import PromiseOffer, offer_from
from payments.documents import Document, read_document

OFFER = """
SELECT o.no, o.customer_id, o.debt_id, o.policy_digest, o.terms, o.facts, o.shown_at, o.shown_on, o.honoured_until,
       o.accepted_at, k.name, k.document, k.external_id
FROM   offer o JOIN customer k ON k.id = o.customer_id WHERE o.conversation_id = $1 AND o.no = $2
"""
DEBT = """
SELECT id, external_id, description, due_on, principal_cents, open_principal_cents, state FROM debt WHERE id = $1
"""
POLICY = """
SELECT digest, name, title, source, submitted_by, submitted_at FROM policy WHERE digest = $1
"""
# Each line of the policy's journal that is about it, with the hash that it follows.
POLICY_EVENTS = """
SELECT e.n, e.at, e.kind, e.digest, e.by, e.user_id, e.body, e.hash, e.signature,
       coalesce((SELECT before.hash FROM policy_event before WHERE before.n = e.n - 1), '') AS after
FROM   policy_event e WHERE e.digest = $1 ORDER BY e.n
"""
AGREEMENT = """
SELECT id, total_cents, state, accepted_at, accepted_by_message AS message_id, ended_because, closed_at
FROM   agreement WHERE conversation_id = $1 AND offer_no = $2
"""
INSTALMENTS = """
SELECT n, coalesce(moved_from, due_on) AS agreed_on, due_on, amount_cents, paid_cents, forgiven_cents
FROM   instalment WHERE agreement_id = $1 ORDER BY n
"""
# A code for several debts together names no offer: it is known by what it asks for this debt.
CHARGES = """
SELECT id, no, txid, amount_cents, pay_until, state, paid_cents, instalment_n
FROM   charge
WHERE  conversation_id = $1
AND    (offer_no = $2 OR agreement_id = $3 OR (offer_no IS NULL AND agreement_id IS NULL AND parts @> $4::jsonb))
ORDER  BY no
"""
PAYMENTS = """
SELECT p.id, p.end_to_end_id, p.amount_cents, p.surplus_cents, p.credit_cents, p.returned_cents, p.paid_at,
       p.booked_at, p.allocation
FROM   payment p
WHERE  p.charge_id = any($1::bigint[])
OR     (p.customer_id = $3 AND EXISTS (SELECT FROM jsonb_array_elements(p.allocation) AS part
                                       WHERE (part->>'agreement_id')::bigint = $2))
ORDER  BY p.paid_at, p.id
"""
LEDGER = """
SELECT t.key, t.booked_at,
       json_agg(json_build_object('account', p.account, 'amount_cents', p.amount_cents) ORDER BY p.n) AS postings
FROM   ledger_transaction t JOIN ledger_posting p ON p.transaction_id = t.id
WHERE  t.id IN (SELECT transaction_id FROM ledger_posting WHERE account = any($1::text[])
                UNION SELECT id FROM ledger_transaction WHERE key = any($2::text[])
                UNION SELECT l.id FROM payment_return r
                      JOIN ledger_transaction l ON l.key = 'return:' || r.end_to_end_id || ':' || r.refund_id
                      WHERE r.end_to_end_id = any($3::text[])
                UNION SELECT l.id FROM payment_decision d JOIN ledger_transaction l ON l.key = 'decision:' || d.id
                      WHERE d.payment_id = any($4::bigint[]))
GROUP  BY t.id ORDER BY t.id
"""
# WhatsApp's id of the message that each line was written for: the inbox keeps it as its key.
JOURNAL = """
SELECT j.n, j.at, j.kind, j.body, j.hash, j.inbox_id,
       CASE WHEN i.source = 'whatsapp' AND i.dedupe_key LIKE 'm:%' THEN substr(i.dedupe_key, 3) END AS message_id
FROM   journal j LEFT JOIN inbox i ON i.id = j.inbox_id WHERE j.conversation_id = $1 ORDER BY j.n
"""


async def case_file(conn: Any, *, conversation_id: int, no: int, creditor: CaseParty) -> CaseFile | None:
    """Return the case of an offer, None where none of this number was shown. Begins a transaction of its own."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        row = await conn.fetchrow(OFFER, conversation_id, no)
        return await _case(conn, conversation_id, row, creditor) if row is not None else None


async def _case(conn: Any, conversation_id: int, row: Any, creditor: CaseParty) -> CaseFile:
    terms, facts = json.loads(row["terms"]), json.loads(row["facts"])
    debt = await conn.fetchrow(DEBT, row["debt_id"])
    agreement = await _agreement(conn, conversation_id, row["no"])
    asked = _asked(terms, row["debt_id"])
    charges = await conn.fetch(CHARGES, conversation_id, row["no"], agreement.id if agreement is not None else 0, asked)
    payments = await _payments(conn, row["customer_id"], agreement, [c["id"] for c in charges])
    lines = await conn.fetch(JOURNAL, conversation_id)
    subject = _Subject(row, agreement, [c["no"] for c in charges], [p.end_to_end_id for p in payments])
    document = read_document(row["document"])
    ledger = await _ledger(conn, debt["id"], agreement, payments)
    return CaseFile(
        format=FORMAT,
        as_of=max([row["shown_at"], *(line["at"] for line in lines), *(entry.booked_at for entry in ledger)]),
        conversation=conversation_id,
        creditor=creditor,
        debtor=CaseParty(
            name=row["name"],
            document=document.masked if isinstance(document, Document) else "",
            external_id=row["external_id"],
        ),
        debt=CaseDebt(**debt),
        policy=await _policy(conn, row["policy_digest"], row["shown_at"]),
        offer=CaseOffer(
            no=row["no"],
            policy_digest=row["policy_digest"],
            terms=terms,
            facts=facts,
            shown_at=row["shown_at"],
            shown_on=row["shown_on"],
            honoured_until=row["honoured_until"],
            seal=seal_of(terms, facts),
        ),
        acceptance=_acceptance(lines, subject),
        agreement=agreement,
        charges=tuple(CaseCharge(**{k: v for k, v in c.items() if k != "id"}) for c in charges),
        payments=payments,
        ledger=ledger,
        journal=tuple(_shown(lines, subject)),
        closing=closing(terms, debt["id"], agreement, payments),
    )


async def _policy(conn: Any, digest: str, shown_at: datetime) -> CasePolicy:
    """The policy, and the approval under which the offer was shown: the last before that."""
    row = await conn.fetchrow(POLICY, digest)
    events = tuple(CasePolicyEvent(**event) for event in await conn.fetch(POLICY_EVENTS, digest))
    approval = next((e for e in reversed(events) if e.kind == "approved" and e.at <= shown_at), None)
    on = approval.said().get("proposal") if approval is not None else None
    proposal = next((event for event in events if event.n == on), None)
    return CasePolicy(
        digest=row["digest"],
        name=row["name"],
        title=row["title"],
        source=base64.b64encode(row["source"]).decode(),
        submitted_by=proposal.by if proposal is not None else row["submitted_by"],
        submitted_at=proposal.at if proposal is not None else row["submitted_at"],
        approved_by=approval.by if approval is not None else None,
        approved_at=approval.at if approval is not None else None,
        events=events,
    )


async def _agreement(conn: Any, conversation_id: int, no: int) -> CaseAgreement | None:
    row = await conn.fetchrow(AGREEMENT, conversation_id, no)
    if row is None:
        return None
    instalments = tuple(CaseInstalment(**i) for i in await conn.fetch(INSTALMENTS, row["id"]))
    return CaseAgreement(**row, instalments=instalments)


def _asked(terms: Mapping[str, Any], debt_id: int) -> str | None:
    """What a code asks for the debt by a cash offer, as JSON; None for other offers."""
    if terms["kind"] != "cash":
        return None
    part = {"debt_id": debt_id, **{f"{name}_cents": cents for name, cents in terms["parts"].items()}}
    return json.dumps([{**part, "discount_cents": sum(terms["forgiven"].values())}])


async def _payments(
    conn: Any, customer_id: int, agreement: CaseAgreement | None, charges: Sequence[int]
) -> tuple[CasePayment, ...]:
    rows = await conn.fetch(PAYMENTS, charges, agreement.id if agreement is not None else 0, customer_id)
    return tuple(CasePayment(**{**row, "allocation": tuple(json.loads(row["allocation"]))}) for row in rows)


async def _ledger(
    conn: Any, debt_id: int, agreement: CaseAgreement | None, payments: Sequence[CasePayment]
) -> tuple[CaseTransaction, ...]:
    accounts = [f"debt:{debt_id}", *([f"agreement:{agreement.id}"] if agreement is not None else [])]
    ids = [p.end_to_end_id for p in payments]
    rows = await conn.fetch(LEDGER, accounts, [f"pix:{one}" for one in ids], ids, [p.id for p in payments])
    return tuple(
        CaseTransaction(
            key=row["key"],
            booked_at=row["booked_at"],
            postings=tuple(CasePosting(**posting) for posting in json.loads(row["postings"])),
        )
        for row in rows
    )


def closing(
    terms: Mapping[str, Any], debt_id: int, agreement: CaseAgreement | None, payments: Sequence[CasePayment]
) -> CaseClosing:
    """Return what an offer came to. Without an agreement, what was paid is what its codes brought to this debt."""
    offer = offer_from(terms)
    offered = offer.total_cents if not isinstance(offer, PromiseOffer) else 0
    if agreement is not None:
        paid = sum(i.paid_cents for i in agreement.instalments)
        forgiven = sum(i.forgiven_cents for i in agreement.instalments)
        open_cents = 0 if agreement.state == "broken" else agreement.total_cents - paid - forgiven
        return CaseClosing(offered_cents=offered, paid_cents=paid, forgiven_cents=forgiven, open_cents=open_cents)
    lines = [line for payment in payments for line in payment.allocation if line.get("debt_id") == debt_id]
    paid = sum(money_of(line) for line in lines)
    return CaseClosing(offered_cents=offered, paid_cents=paid, forgiven_cents=0, open_cents=max(0, offered - paid))


class _Subject:
    """What a line of the journal must be about to stand in the case whole."""

    def __init__(
        self, offer: Any, agreement: CaseAgreement | None, charges: Sequence[int], payments: Sequence[str]
    ) -> None:
        self.no, self.debt_id = offer["no"], offer["debt_id"]
        self.made_of = json.loads(offer["facts"]).get("made_of")
        self.exception = json.loads(offer["facts"]).get("exception")
        self.until = None if json.loads(offer["terms"])["kind"] != "promise" else json.loads(offer["terms"])["until"]
        self.agreed, self.charges, self.payments = agreement is not None, set(charges), set(payments)

    def is_of(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Whether a line tells of this very offer."""
        match kind:
            case "offered":
                return body.get("offer_no") in (self.no, self.made_of)
            case "agreed":
                return bool(body.get("offer_no") == self.no)
            case "charged" | "charge_cancelled":
                return body.get("charge_no") in self.charges
            case "paid" | "returned":
                return body.get("end_to_end_id") in self.payments
            case "date_moved" | "agreement_ended":
                return bool(self.agreed and body.get("debt_id") == self.debt_id)
            case "exception":
                return bool(self.exception and body.get("exception_id") == self.exception["id"])
            case "promised":
                return self.is_promise(body)
            case _:
                return False

    def is_promise(self, body: Mapping[str, Any]) -> bool:
        """Whether a day was promised that this offer takes."""
        return bool(self.until and body.get("debt_id") == self.debt_id and str(body.get("until")) <= self.until)

    def begins(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Whether a line is the offer itself, or its acceptance: then what was heard and said with it belongs to it."""
        return kind in ("offered", "agreed", "promised") and self.is_of(kind, body)


def _shown(lines: Iterable[Any], subject: _Subject) -> Iterable[CaseLine]:
    """Every line; those about the offer, and what was heard and said in the same turns, whole."""
    read = [(line, json.loads(line["body"])) for line in lines]
    turns = {line["inbox_id"] for line, body in read if subject.begins(line["kind"], body)} - {None}
    for line, body in read:
        said = line["kind"] in ("heard", "said") and line["inbox_id"] in turns
        if said or subject.is_of(line["kind"], body):
            yield CaseLine(n=line["n"], hash=line["hash"].hex(), at=line["at"], kind=line["kind"], body=line["body"])
        else:
            yield CaseLine(n=line["n"], hash=line["hash"].hex())


def _acceptance(lines: Sequence[Any], subject: _Subject) -> CaseAcceptance | None:
    """The first line that says that it was accepted, and the message that it was written for."""
    kinds = ("agreed",) if subject.agreed else ("promised",) if subject.until is not None else ("charged",)
    for line in lines:
        body = json.loads(line["body"])
        if line["kind"] in kinds and subject.is_of(line["kind"], body):
            message_id = body.get("message_id") or line["message_id"] or ""
            return CaseAcceptance(kind=line["kind"], at=line["at"], message_id=message_id, journal_n=line["n"])
    return None
