"""What stands in a case file: one offer with all that proves it, as plain values that JSON keeps to the byte.

Amounts are centavos, instants aware and UTC, days local. The debtor's document is masked, as on every paper; the
creditor finds them by the external ids. Format 1.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

FORMAT: Literal["acerto-case/1"] = "acerto-case/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseParty:
    """The creditor or the debtor. `external_id` is the creditor's own name for the debtor."""

    name: str
    document: str = ""
    address: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDebt:
    """The debt as the books have it on the day of the file."""

    id: int
    external_id: str
    description: str
    due_on: date
    principal_cents: int
    open_principal_cents: int
    state: Literal["open", "agreed", "paid", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePolicyEvent:
    """One line of the journal of policies, as it is kept, and the hash `after` which it stands."""

    n: int
    at: datetime
    kind: str
    digest: str
    by: str
    user_id: int | None
    body: str
    after: str
    hash: str
    signature: str

    def said(self) -> dict[str, Any]:
        """Return what the line says; nothing where it is no JSON of ours."""
        try:
            body = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePolicy:
    """The policy's bytes (base64), who approved them before the offer was shown, who had submitted or proposed what
    was approved, and its lines in the journal of policies, in their order."""

    digest: str
    name: str
    title: str
    source: str
    submitted_by: str
    submitted_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    events: tuple[CasePolicyEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOffer:
    """The offer as it was sealed; `terms` and `facts` as they are kept. `seal` is their digest."""

    no: int
    policy_digest: str
    terms: dict[str, Any]
    facts: dict[str, Any]
    shown_at: datetime
    shown_on: date
    honoured_until: date
    seal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAcceptance:
    """How it was accepted: the message of the person, WhatsApp's id of it, and the line of the journal that says so.

    `agreed`: by agreeing to the terms. `charged`: a cash offer, by asking for its code. `promised`: a promised day.
    """

    kind: Literal["agreed", "charged", "promised"]
    at: datetime
    message_id: str
    journal_n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInstalment:
    """One payment of the agreement; `agreed_on` is its day in the agreement, `due_on` the one it was moved to."""

    n: int
    agreed_on: date
    due_on: date
    amount_cents: int
    paid_cents: int
    forgiven_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAgreement:
    """What was made of the offer."""

    id: int
    total_cents: int
    state: Literal["active", "settled", "broken"]
    accepted_at: datetime
    message_id: str
    ended_because: str | None
    closed_at: datetime | None
    instalments: tuple[CaseInstalment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCharge:
    """A code that asked for money of the offer or its agreement."""

    no: int
    txid: str
    amount_cents: int
    pay_until: date
    state: str
    paid_cents: int
    instalment_n: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePayment:
    """A payment that came in for it; `allocation` is what of it settled what, as it stands today."""

    id: int
    end_to_end_id: str
    amount_cents: int
    surplus_cents: int
    credit_cents: int
    returned_cents: int
    paid_at: datetime
    booked_at: datetime
    allocation: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePosting:
    """Centavos on an account; positive is debit."""

    account: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTransaction:
    """A transaction of the ledger, whole."""

    key: str
    booked_at: datetime
    postings: tuple[CasePosting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A line of the conversation's journal. Of a line that is about something else there is only its hash."""

    n: int
    hash: str
    at: datetime | None = None
    kind: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosing:
    """What it came to: what the offer asks for, what of that was paid, what was taken off for paying ahead, what is
    open."""

    offered_cents: int
    paid_cents: int
    forgiven_cents: int
    open_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """The whole case. `conversation` is its number with the creditor, `as_of` the instant of the newest thing in it:
    read again before anything happens it is the very same case."""

    format: Literal["acerto-case/1"]
    as_of: datetime
    conversation: int
    creditor: CaseParty
    debtor: CaseParty
    debt: CaseDebt
    policy: CasePolicy
    offer: CaseOffer
    acceptance: CaseAcceptance | None
    agreement: CaseAgreement | None
    charges: tuple[CaseCharge, ...]
    payments: tuple[CasePayment, ...]
    ledger: tuple[CaseTransaction, ...]
    journal: tuple[CaseLine, ...]
    closing: CaseClosing


Allocated: TypeAlias = dict[str, Any]
"""One line of an allocation: of a debt (`debt_id`) or of an instalment (`agreement_id`, `n`)."""


def money_of(line: Allocated) -> int:
    """Return what of a payment a line of its allocation took: a debt's parts are gross, an instalment's amount net."""
    if "agreement_id" in line:
        return int(line["amount_cents"] + line.get("fine_cents", 0) + line.get("interest_cents", 0))
    return int(line["principal_cents"] + line["fine_cents"] + line["interest_cents"] - line["discount_cents"])
