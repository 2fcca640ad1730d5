"""What stands on each paper, as plain values: decided once, kept as JSON, and enough to make the paper again.

Amounts are centavos, percentages Decimals, instants are in the creditor's local time with its offset. Documents are as
they may be shown: the creditor's whole, the debtor's masked, since whoever has a paper's address can read it and the
first digits of a CPF are the answer to the question who somebody is.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["terms", "quittance", "receipt", "calendar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A creditor or a debtor."""

    name: str
    document: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperDebt:
    """A debt as the creditor's books name it. `principal_cents` is what it was when it fell due."""

    external_id: str
    description: str
    due_on: date
    principal_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One payment of an agreement; `n` 0 is the entry."""

    n: int
    due_on: date
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an agreement lives by, as it was sealed with its offer."""

    fine_percent: Decimal
    interest_percent_month: Decimal
    broken_days_late: int | None
    broken_missed: int | None
    date_changes: int
    date_change_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsPaper:
    """An agreement: the debt and what it cost on `cost_on`, part by part, what was forgiven, every payment, the rate
    and the CET, the rules, and the proof of its acceptance. CDC arts. 52 and 54-B."""

    number: int
    creditor: Party
    debtor: Party
    debt: PaperDebt
    cost_on: date
    principal_cents: int
    fine_cents: int
    interest_cents: int
    discount_cents: int
    payments: tuple[Due, ...]
    total_cents: int
    interest_percent_month: Decimal
    cet_percent_year: Decimal
    in_cash: bool
    rules: Rules
    policy_title: str
    policy_name: str
    policy_digest: str
    accepted_at: datetime
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOn:
    """A payment: `amount_cents` is what of it went to the debts of the paper, `whole_cents` all of it."""

    end_to_end_id: str
    paid_at: datetime
    amount_cents: int
    whole_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuittancePaper:
    """Debts that are paid, and how. CC arts. 319 and 320: value and kind of the debt, the debtor's name, time and place
    of the payment."""

    number: int | None  # of the agreement that was kept
    creditor: Party
    debtor: Party
    debts: tuple[PaperDebt, ...]
    payments: tuple[PaidOn, ...]
    settled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a payment settled of one debt or instalment, part by part; the money is the parts less the discount."""

    external_id: str
    description: str
    principal_cents: int
    fine_cents: int
    interest_cents: int
    discount_cents: int
    instalment: int | None = None  # of the agreement; 0 is the entry
    instalments: int = 0

    @property
    def money_cents(self) -> int:
        """What of the payment went here."""
        return self.principal_cents + self.fine_cents + self.interest_cents - self.discount_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPaper:
    """One payment. `left_cents` is what was still open on `left_on` of what it was for: principal, and instalments that
    are not paid; `surplus_cents` what settled nothing."""

    creditor: Party
    debtor: Party
    end_to_end_id: str
    paid_at: datetime
    amount_cents: int
    settled: tuple[Settled, ...]
    surplus_cents: int
    left_cents: int
    left_on: date
    next_due_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPaper:
    """The open payments of an agreement. `host` makes the events' names unique in the world; `revision` rises when
    dates moved, so that a phone that has the events moves them."""

    number: int
    creditor: str
    host: str
    made_at: datetime
    instalments: int
    payments: tuple[Due, ...]
    revision: int = 0


Paper: TypeAlias = TermsPaper | QuittancePaper | ReceiptPaper | CalendarPaper
_TYPES: dict[Kind, type[Paper]] = {
    "terms": TermsPaper,
    "quittance": QuittancePaper,
    "receipt": ReceiptPaper,
    "calendar": CalendarPaper,
}


def to_json(paper: Paper) -> str:
    """Return the paper as JSON, the same text for the same paper."""
    return msgspec.json.encode(paper, order="sorted").decode()


def from_json(kind: Kind, content: str) -> Paper:
    """Return the paper that `to_json` wrote. Raises msgspec.ValidationError for what it did not write."""
    return msgspec.json.decode(content, type=_TYPES[kind])


def digest(paper: Paper) -> str:
    """Return the SHA-256 of the paper's JSON, hexadecimal: what the journal keeps and the paper itself shows."""
    return hashlib.sha256(to_json(paper).encode()).hexdigest()
