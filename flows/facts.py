"""All that a decision may know: one frozen picture of a conversation and its customer, read under the conversation's
lock.

Amounts are integer centavos, `today` is the creditor's local day, instants are aware and UTC. What is not here cannot
decide anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from flows.agreement_life import UNWRITTEN, AgreementLife
from flows.offers import CashOffer, InstalmentOffer, PromiseOffer
from flows.policy import Policy

if TYPE_CHECKING:
    from flows.ladder_facts import LadderFacts, LastReminder

_CPF_DIGITS = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOfDebt:
    """What one debt costs on a day, part by part. `discount_cents` is what is forgiven of the three; the total is what
    is to pay."""

    debt_id: int
    principal_cents: int
    fine_cents: int = 0
    interest_cents: int = 0
    discount_cents: int = 0
    instalment_n: int | None = None  # of an agreement that stands in the debt's place

    @property
    def total_cents(self) -> int:
        """What is to pay, in centavos."""
        return self.principal_cents + self.fine_cents + self.interest_cents - self.discount_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A customer whom this contact point may belong to. Nothing of it may be said before they confirm."""

    customer_id: int
    name: str
    document: str  # canonical CPF or CNPJ

    @property
    def first_name(self) -> str:
        """How a person is addressed; a company by its whole name."""
        is_person = len(self.document) == _CPF_DIGITS
        return self.name.split()[0] if is_person and self.name.split() else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """Something owed. `agreed`: an agreement stands in its place. `open_principal_cents` is what is left of the
    principal."""

    id: int
    external_id: str
    description: str
    principal_cents: int
    open_principal_cents: int
    due_on: date
    tags: frozenset[str] = frozenset()
    state: Literal["open", "agreed", "paid", "cancelled"] = "open"
    # What remains of an earlier partial payment: interest runs on the rest from that day, a fine is charged once.
    interest_from: date | None = None
    interest_carried_cents: int = 0
    fine_paid_cents: int = 0
    promised_until: date | None = None
    promises: int = 0  # days promised since something was last paid
    agreements_ended: int = 0  # agreements on it that were broken or renegotiated
    late_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedOffer:
    """An offer that was shown, exactly as shown."""

    no: int
    debt_id: int
    offer: CashOffer | InstalmentOffer | PromiseOffer
    policy_digest: str
    shown_on: date
    honoured_until: date
    accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedException:
    """An offer outside the policy that finance approved and nobody made yet. `wanted`: `flows.special_offer.Wanted` as
    plain JSON; `open_cents`: the principal that it was approved for."""

    id: int
    debt_id: int
    wanted: Mapping[str, Any]
    open_cents: int
    stands_until: date
    asked_by: str
    decided_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeFact:
    """A charge at the provider. `code` is the Pix copy-and-paste text once the provider has made it; `boleto_line` its
    boleto's line and `link` its page for a card, where the provider has them."""

    no: int
    amount_cents: int
    pay_until: date
    state: Literal["requested", "active", "paid", "cancelled", "failed"]
    parts: tuple[CostOfDebt, ...]
    code: str | None = None
    paid_cents: int = 0
    offer_no: int | None = None
    agreement_offer_no: int | None = None
    instalment_n: int | None = None
    boleto_line: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """One payment of an agreement; n = 0 is the entry. `forgiven_cents` was taken off because it was paid ahead;
    `moved_from` is its day in the agreement where the person moved it."""

    n: int
    due_on: date
    amount_cents: int
    paid_cents: int = 0
    forgiven_cents: int = 0
    interest_from: date | None = None
    interest_carried_cents: int = 0
    fine_paid_cents: int = 0
    moved_from: date | None = None

    @property
    def open_cents(self) -> int:
        """What is left of its amount."""
        return self.amount_cents - self.paid_cents - self.forgiven_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementFact:
    """An agreement in force (or settled), with the rules it was sealed with. `restored` is the debt as it would be if
    the agreement were broken today."""

    offer_no: int
    debt_id: int
    total_cents: int
    state: Literal["active", "settled", "broken"]
    instalments: tuple[Instalment, ...]
    life: AgreementLife = UNWRITTEN
    interest_percent_month: Decimal = Decimal(0)
    cet_percent_year: Decimal = Decimal(0)
    discount_cents: int = 0
    is_cash: bool = False
    restored: Debt | None = None

    @property
    def open_instalments(self) -> tuple[Instalment, ...]:
        """Those that are not wholly paid, in the order of their days."""
        return tuple(sorted((i for i in self.instalments if i.open_cents), key=lambda i: (i.due_on, i.n)))

    @property
    def next_open(self) -> Instalment | None:
        """The first instalment that is not wholly paid."""
        return next(iter(self.open_instalments), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFact:
    """The open ticket of this conversation."""

    id: int
    reason: str
    claimed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """The policy that was approved last and covers today."""

    digest: str
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the company set once for all."""

    creditor_name: str
    payee_name: str = ""  # as the bank's app will show it, where that is another name
    creditor_document: str = ""  # CPF or CNPJ; CDC art. 42-A wants it wherever payment is asked for
    identity: Literal["document", "none"] = "document"
    native_card: bool = False
    nudge_after_minutes: int = 60  # 0: never
    tries: int = 3
    zone: tzinfo = UTC  # the creditor's: what is done at an hour is done at its hour there


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The whole picture. `next_no` is the first unused serial number of the conversation."""

    now: datetime
    today: date
    rules: Rules
    next_no: int = 1
    # Who is there
    candidates: tuple[Candidate, ...] = ()
    customer: Candidate | None = None  # confirmed
    contact_closed: bool = False
    wrong_answers_today: int = 0
    opted_out: bool = False
    heard_at: datetime | None = None  # when the person last wrote or pressed
    window_closes_at: datetime | None = None  # the 24-hour window, already shortened by its safety margin
    # What is owed
    debts: tuple[Debt, ...] = ()  # open and agreed ones of the confirmed customer, oldest due first
    costs: Mapping[int, CostOfDebt] = field(default_factory=dict)  # of every open debt, today, without discount
    policy: PolicyInForce | None = None
    offers: tuple[SealedOffer, ...] = ()  # of open debts, newest last
    exceptions: tuple[ApprovedException, ...] = ()  # while a person has the conversation: what they may offer
    charges: tuple[ChargeFact, ...] = ()  # of this conversation, newest last
    agreements: tuple[AgreementFact, ...] = ()
    ticket: TicketFact | None = None
    # What a PaymentConfirmed of this turn settles, worked out by the shell from the same rules as the booking
    settlement: "Settlement | None" = None
    # What the ladder has to know, where this turn is about it; and the newest active message, for who asks why it came
    ladder: "LadderFacts | None" = None
    last_reminder: "LastReminder | None" = None
    # What a PaymentReturned of this turn takes back; None where it was booked before, or is another's
    returned: "Returned | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a confirmed payment did: the amount, what it settled whole, what stays open, what was too much."""

    amount_cents: int
    settled_debts: tuple[int, ...] = ()
    still_open_cents: int = 0
    surplus_cents: int = 0
    instalment_n: int | None = None
    instalments_left: int = 0
    next_due_on: date | None = None
    agreement_settled: bool = False
    known_charge: bool = True
    again: bool = False  # the same charge was paid before


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What went back of a payment: the amount, whose wish it was (`nature` in API Pix's words; `ours`: finance decided
    it), what is owed today that was not before, and the debts under whose agreements that is.

    `is_uncovered`: some of it is owed on a debt that is under an agreement now, which does not ask for it.
    """

    amount_cents: int
    paid_on: date
    nature: str = "ORIGINAL"
    ours: bool = False
    open_cents: int = 0
    agreements: tuple[int, ...] = ()
    is_uncovered: bool = False
