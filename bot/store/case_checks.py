"""A case file held to what it says of itself: every statement worked out again from its parts, without the database.

A check that holds proves what its words say and no more; what a stranger cannot prove is in docs/case-files.md.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, TypeAlias

from bot.papers import signing
from bot.papers.case_contents import CaseAgreement, CaseFile, CasePolicy, money_of
from bot.papers.case_envelope import Envelope
from bot.store.case_file import closing
from bot.store.case_journal import breaks, told
from bot.store.policy_journal import hash_of
from flows.approvals import PROPOSING, same_name
from flows.canonical import seal_of
from flows.negotiation import facts_from
from flows.offers import CashOffer, InstalmentOffer, PromiseOffer, offer_from
from flows.recompute import CannotBe, Shown, policy_of, worked_out_again
from payments.ledger import BANK, agreement_account, debt_account

_BECAUSE: Final = {
    "policy_changed": "the policy's bytes are not those of its digest",
    "policy_unreadable": "this version cannot read the policy",
    "facts_older": "it was sealed before all facts were kept",
    "facts_unknown": "its facts are none that this version writes",
}
_NOT_THERE = (KeyError, TypeError, ValueError, AttributeError, AssertionError, ArithmeticError)
_Wrong: TypeAlias = Iterator[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One statement; `wrong` has what contradicts it."""

    name: str
    says: str
    wrong: tuple[str, ...]


def checks(envelope: Envelope, key: str | None = None) -> tuple[Check, ...]:
    """Return every check of a file. `key`: the public key that it must be signed with. Never raises."""
    case = envelope.case
    signed = f"signed with the key {envelope.key}" + (", the one that was given" if key is not None else "")
    return (
        Check(name="digest", says="the file is as it was written", wrong=tuple(_digest(envelope))),
        Check(name="signature", says=signed, wrong=tuple(_signature(envelope, key))),
        Check(name="approval_signed", says="the approval is in the signed journal", wrong=_signed_events(envelope)),
        *(Check(name=name, says=says, wrong=_found(check, case)) for name, says, check in _OF_CASES),
    )


def _found(check: Callable[[CaseFile], _Wrong], case: CaseFile) -> tuple[str, ...]:
    """What a check finds; values that none of ours can be are a finding too."""
    try:
        return tuple(check(case))
    except _NOT_THERE as error:
        return (f"something is missing or has another shape ({type(error).__name__})",)


def _digest(envelope: Envelope) -> _Wrong:
    if not envelope.has_digest:
        yield "its digest is another"
    if not envelope.is_canonical:
        yield "its bytes are not in the form in which they are written"


def _signature(envelope: Envelope, key: str | None) -> _Wrong:
    if not envelope.is_signed:
        yield "the signature is not of this digest and key"
    if key is not None and key != envelope.key:
        yield "the key is another than the one that was given"


def _signed_events(envelope: Envelope) -> tuple[str, ...]:
    """Each line of the policy's journal: its hash, and the signature of the same key as the file's."""
    found = []
    for event in envelope.case.policy.events:
        if hash_of(event.after, asdict(event)) != event.hash:
            found.append(f"line {event.n} says something else than its hash")
        if not signing.is_signed(event.hash, event.signature, envelope.key):
            found.append(f"line {event.n} is not signed with the key of the file")
    for one, following in pairwise(envelope.case.policy.events):
        if following.n <= one.n or (following.n == one.n + 1 and following.after != one.hash):
            found.append(f"line {following.n} does not follow line {one.n}")
    return tuple(found)


def _policy(case: CaseFile) -> _Wrong:
    source = _source(case)
    if hashlib.sha256(source).hexdigest() != case.policy.digest:
        yield "the policy's bytes have another digest"
    if case.offer.policy_digest != case.policy.digest:
        yield "the offer names another policy"
    policy = policy_of(source)
    if policy is None:
        yield "this version cannot read the policy"
    elif (policy.name, policy.title) != (case.policy.name, case.policy.title):
        yield "its name is another in the file"


def _approval(case: CaseFile) -> _Wrong:
    policy = case.policy
    if policy.approved_by is None or policy.approved_at is None:
        yield "nobody approved the policy"
        return
    if same_name(policy.approved_by, policy.submitted_by) or not policy.submitted_by.strip():
        yield "submitted and approved by one person"
    _, on = facts_from(case.offer.facts)
    yield from _in_journal(policy, on)
    if policy.approved_at < policy.submitted_at:
        yield "approved before it was submitted"
    if policy.approved_at > case.offer.shown_at:
        yield "approved after the offer was shown"
    read = policy_of(_source(case))
    if read is not None and on not in read.valid:
        yield f"the policy was not valid on {on}"


def _exception(case: CaseFile) -> _Wrong:
    """Of an offer outside the policy: two people, and the journal has both before it was shown."""
    special = case.offer.facts.get("exception")
    if special is None:
        return
    asked, decided = special["asked_by"], special["decided_by"]
    if not asked.strip() or same_name(asked, decided):
        yield "asked for and decided by one person"
    for what, by, done in (("asked", asked, "asked for"), ("approved", decided, "approved")):
        of_it = [t for t in told(case.journal, "exception") if t.body.get("exception_id") == special["id"]]
        lines = [t for t in of_it if t.body.get("what") == what]
        if [t.body.get("by") for t in lines] != [by]:
            yield f"the journal does not say once that {by} {done} it"
        if any(t.at > case.offer.shown_at for t in lines):
            yield f"it was {done} after it was shown"


def _in_journal(policy: CasePolicy, on: date) -> _Wrong:
    """Whether the journal's lines say what the file says of who approved, and for the day of the offer."""
    events = [e for e in policy.events if e.digest == policy.digest]
    decided = next(
        (e for e in events if (e.kind, e.by, e.at) == ("approved", policy.approved_by, policy.approved_at)), None
    )
    if decided is None:
        yield "the journal has no such approval"
        return
    said = decided.said()
    proposal = next((e for e in events if e.n == said.get("proposal") and e.kind in PROPOSING), None)
    if proposal is None or proposal.n >= decided.n:
        yield "the journal has no proposal that was approved"
        return
    if same_name(proposal.by, decided.by) or (proposal.user_id is not None and proposal.user_id == decided.user_id):
        yield "the journal says that one person proposed and approved it"
    if (proposal.by, proposal.at) != (policy.submitted_by, policy.submitted_at):
        yield "the journal names another who submitted it"
    if not said.get("valid_from", "") <= on.isoformat() <= said.get("valid_until", "9999"):
        yield f"the approval is for other days than {on}"


def _recomputed(case: CaseFile) -> _Wrong:
    offer = case.offer
    shown = Shown(
        policy_digest=offer.policy_digest,
        terms=offer.terms,
        facts=offer.facts,
        shown_on=offer.shown_on,
        honoured_until=offer.honoured_until,
    )
    again = worked_out_again(_source(case), shown)
    if isinstance(again, CannotBe):
        yield f"it cannot be worked out again: {_BECAUSE[again.because]}"
        return
    for figure in again.differing:
        yield f"{figure.name}: sealed {figure.sealed}, worked out {figure.recomputed}"


def _chain(case: CaseFile) -> _Wrong:
    yield from breaks(case.journal)


def _offered(case: CaseFile) -> _Wrong:
    offer = case.offer
    if seal_of(offer.terms, offer.facts) != offer.seal:
        yield "the seal is not that of its terms and facts"
    lines = [line for line in told(case.journal, "offered") if line.body.get("offer_no") == offer.no]
    if len(lines) != 1:
        yield "the journal does not say once that it was shown"
    for line in lines:
        if line.body.get("seal") != offer.seal:
            yield "the journal has another seal"
        if (line.body.get("digest"), line.body.get("debt_id")) != (offer.policy_digest, case.debt.id):
            yield "the journal has another policy or debt"
        if line.at != offer.shown_at:
            yield "the journal has another instant"
    if offer.facts.get("external_id") != case.debt.external_id:
        yield "it was made for another debt"


def _accepted(case: CaseFile) -> _Wrong:
    acceptance, agreement = case.acceptance, case.agreement
    agreed = [line for line in told(case.journal, "agreed") if line.body.get("offer_no") == case.offer.no]
    if len(agreed) != (1 if agreement is not None else 0):
        yield "agreement and journal do not say the same"
    if acceptance is None:
        if agreement is not None:
            yield "there is an agreement and no acceptance"
        return
    kind = {InstalmentOffer: "agreed", CashOffer: "charged", PromiseOffer: "promised"}[type(_offer(case))]
    line = next((t for t in told(case.journal, acceptance.kind) if t.n == acceptance.journal_n), None)
    if line is None or acceptance.kind != ("agreed" if agreement is not None else kind):
        yield "the journal has no such line"
        return
    if line.at != acceptance.at:
        yield "the journal has another instant"
    if not acceptance.message_id:
        yield "no message of the person is named"
    if acceptance.at < case.offer.shown_at or acceptance.at.date() > case.offer.honoured_until + timedelta(days=1):
        yield "it was accepted before it was shown, or after its last day"
    if agreement is not None:
        sealed = (acceptance.message_id, agreement.total_cents, acceptance.at)
        if sealed != (line.body["message_id"], line.body["total_cents"], agreement.accepted_at):
            yield "the journal has another message or total"
        if agreement.message_id != acceptance.message_id:
            yield "the agreement names another message"


def _agreed(case: CaseFile) -> _Wrong:
    if (agreement := case.agreement) is None:
        return
    offer = _offer(case)
    if isinstance(offer, PromiseOffer):
        yield "a promise is no agreement"
        return
    payments = (
        [(p.n, p.due, p.amount_cents) for p in offer.payments]
        if isinstance(offer, InstalmentOffer)
        else [(1, offer.pay_until, offer.total_cents)]
    )
    if sorted(payments) != sorted((i.n, i.agreed_on, i.amount_cents) for i in agreement.instalments):
        yield "the payments are not those of the offer"
    if not sum(i.amount_cents for i in agreement.instalments) == agreement.total_cents == offer.total_cents:
        yield "the payments do not sum to the total"
    yield from _lived(case, agreement)


def _lived(case: CaseFile, agreement: CaseAgreement) -> _Wrong:
    """What the journal says of the agreement, from its line on to that of its end."""
    begun = case.acceptance.journal_n if case.acceptance is not None else 0
    ended = [line.n for line in told(case.journal, "agreement_ended") if line.n > begun]
    moves = [m.body for m in told(case.journal, "date_moved") if begun < m.n < min(ended, default=m.n + 1)]
    for one in agreement.instalments:
        moved = [body["due_on"] for body in moves if body["n"] == one.n]
        if one.due_on != (date.fromisoformat(moved[-1]) if moved else one.agreed_on):
            yield f"payment {one.n} is due on another day than the journal says"
    if (agreement.state == "broken") != bool(ended) and not isinstance(_offer(case), CashOffer):
        yield "whether it was broken is otherwise in the journal"


def _paid(case: CaseFile) -> _Wrong:
    for payment in case.payments:
        used = sum(money_of(line) for line in payment.allocation)
        if used + payment.surplus_cents + payment.credit_cents + payment.returned_cents != payment.amount_cents:
            yield f"payment {payment.end_to_end_id}: its parts do not sum to it"
    for line in told(case.journal, "paid"):
        known = [p.amount_cents for p in case.payments if p.end_to_end_id == line.body["end_to_end_id"]]
        if known != [line.body["amount_cents"]]:
            yield f"payment {line.body['end_to_end_id']}: the journal has another amount"
    for charge in case.charges:
        asked = [t.body for t in told(case.journal, "charged") if t.body["charge_no"] == charge.no]
        if [(a["amount_cents"], a["pay_until"]) for a in asked] != [
            (charge.amount_cents, charge.pay_until.isoformat())
        ]:
            yield f"code {charge.no}: the journal has another amount or day"
    if case.agreement is not None and case.agreement.state != "broken":
        yield from _of_agreement(case, case.agreement)


def _of_agreement(case: CaseFile, agreement: CaseAgreement) -> _Wrong:
    lines = [part for p in case.payments for part in p.allocation if part.get("agreement_id") == agreement.id]
    for one in agreement.instalments:
        own = [line for line in lines if line["n"] == one.n]
        paid, off = sum(line["amount_cents"] for line in own), sum(line.get("discount_cents", 0) for line in own)
        if (paid, off) != (one.paid_cents, one.forgiven_cents) or paid + off > one.amount_cents:
            yield f"payment {one.n}: what was paid of it is not what came in for it"
    is_whole = all(i.paid_cents + i.forgiven_cents == i.amount_cents for i in agreement.instalments)
    if is_whole != (agreement.state == "settled"):
        yield "whether it is paid whole is otherwise in its payments"


def _booked(case: CaseFile) -> _Wrong:
    entries = {entry.key: entry for entry in case.ledger}
    if len(entries) != len(case.ledger):
        yield "a transaction stands there twice"
    for entry in case.ledger:
        if sum(p.amount_cents for p in entry.postings) != 0:
            yield f"{entry.key} does not sum to zero"
    for payment in case.payments:
        booked = entries.get(f"pix:{payment.end_to_end_id}")
        if booked is None or booked.booked_at != payment.booked_at:
            yield f"payment {payment.end_to_end_id} is not in the ledger"
        elif sum(p.amount_cents for p in booked.postings if p.account == BANK) != payment.amount_cents:
            yield f"payment {payment.end_to_end_id}: the ledger has another amount"
        back = [e for key, e in entries.items() if key.startswith(f"return:{payment.end_to_end_id}:")]
        if -sum(p.amount_cents for e in back for p in e.postings if p.account == BANK) != payment.returned_cents:
            yield f"payment {payment.end_to_end_id}: the ledger has another amount that went back"
    open_cents = 0 if case.debt.state == "cancelled" else case.debt.open_principal_cents
    if _balance(case, debt_account(case.debt.id)) != open_cents:
        yield "the ledger leaves another principal on the debt"
    if (agreement := case.agreement) is not None:
        held = sum(i.paid_cents for i in agreement.instalments) if agreement.state == "active" else 0
        if _balance(case, agreement_account(agreement.id)) != -held:
            yield "the ledger has received another amount for the agreement"


def _closed(case: CaseFile) -> _Wrong:
    if closing(case.offer.terms, case.debt.id, case.agreement, case.payments) != case.closing:
        yield "the closing figures are not those of the payments"


def _balance(case: CaseFile, account: str) -> int:
    return sum(p.amount_cents for entry in case.ledger for p in entry.postings if p.account == account)


def _offer(case: CaseFile) -> CashOffer | InstalmentOffer | PromiseOffer:
    return offer_from(case.offer.terms)


def _source(case: CaseFile) -> bytes:
    try:
        return base64.b64decode(case.policy.source, validate=True)
    except binascii.Error:
        return b""


_OF_CASES: tuple[tuple[str, str, Callable[[CaseFile], _Wrong]], ...] = (
    ("policy", "the policy's bytes have the digest that the offer names", _policy),
    ("approval", "two different people submitted and approved it, before the offer was shown", _approval),
    (
        "exception",
        "an offer outside the policy was asked for and approved by two people before it was shown",
        _exception,
    ),
    ("recomputed", "the offer is equal to the centavo when it is worked out again from its facts", _recomputed),
    ("journal", "each line of the journal that is shown follows from the hash before it", _chain),
    ("offered", "the journal says when it was shown, with the digest of its terms and facts", _offered),
    ("accepted", "the acceptance is the message that the journal names, within the offer's days", _accepted),
    ("agreed", "the agreement's payments are the offer's, day by day, and sum to its total", _agreed),
    ("paid", "every payment is shared out whole, as the journal has it", _paid),
    ("booked", "the ledger has every payment, balances, and leaves what is open", _booked),
    ("closed", "the closing figures follow from the payments", _closed),
)
