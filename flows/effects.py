"""What can follow from an event: the closed list of effects, as plain data.

A decision appends effects; `bot.engine.effects` has one small writer for each and applies them in the turn's
transaction. Nothing here is done by the one who decides. Numbers (`*_no`) are the conversation's own serial numbers,
taken from `Facts.next_no` upwards, so that a decision can name what it creates and a replay names it alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from flows.events import Action
from flows.facts import CostOfDebt
from flows.offers import CashOffer, InstalmentOffer, PromiseOffer

Value: TypeAlias = int | str | date | Decimal | tuple[Mapping[str, "Value"], ...]

Purpose: TypeAlias = Literal[
    "reply",  # an answer in a dialogue: sent once more where its fate stays unknown
    "receipt",  # thanks for a payment: goes out whoever owns the conversation
    "agreement",  # terms that were agreed: never sent twice
    "reminder",  # the ladder's: never sent twice
    "first_contact",  # the neutral question who this is: never sent twice
    "agent",  # a person of ours wrote it
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that can be pressed. `label` and `detail` name texts of `flows.wording`, filled from `values`."""

    action: Action
    label: str
    object_id: int = 0
    version: int = 0
    detail: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Say something to the person. `wording` names a text of `flows.wording`; the end of a value's name tells how it is
    written (`_cents` as reais, `_percent`, `_on` a day, `_at` an instant). Up to three short choices become buttons,
    more become a list.

    `picture_charge_no`: head the message with the QR picture of that charge. `link_charge_no`: the message's payment
    page. `code_charge_no`: the message *is* that charge's copy-and-paste code, alone as text. `card_charge_no`: the
    native payment card. `boleto_charge_no`: the message *is* that charge's boleto line, alone as text.
    `provider_page_charge_no`: the message's button leads to the provider's own page of that charge.
    """

    wording: str
    values: Mapping[str, Value] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    purpose: Purpose = "reply"
    picture_charge_no: int | None = None
    link_charge_no: int | None = None
    code_charge_no: int | None = None
    card_charge_no: int | None = None
    boleto_charge_no: int | None = None
    provider_page_charge_no: int | None = None
    template: str | None = None  # the approved template that says it where the 24-hour window is closed
    list_button: str | None = None  # the text that opens the list


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """One thing owed that a reminder speaks of, and the ladder's step for it. `n` of `count`: which instalment of an
    agreement, `NO_INSTALMENT` for the debt itself. `open_cents` is the principal, by which a change is seen."""

    debt_id: int
    n: int
    count: int
    day: int
    due_on: date
    payable_on: date
    cents: int
    open_cents: int
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """Send a reminder by an approved template, or in the template's words where the window is open and `free_form`
    costs no more. It may go out until `until` and not after, and is never sent twice.

    The neutral first contact is one of these without things owed that it names: `items` are then only noted as done.
    """

    template: str
    customer_id: int
    items: tuple[Reminded, ...]
    choices: tuple[Choice, ...]
    until: datetime
    track: str
    purpose: Literal["reminder", "first_contact"] = "reminder"
    free_form: bool = False
    picture_charge_no: int | None = None
    link_charge_no: int | None = None
    media_kind: Literal["sticker", "video", "audio"] | None = None
    media_link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSteps:
    """Steps that are over though nothing is said, and why. With `tickets` they are the ladder's tickets, opened in the
    same turn."""

    items: tuple[Reminded, ...]
    because: str
    tickets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TellFinance:
    """A line for finance, once for each `kind` and debt: something that the ladder will not do by itself."""

    kind: str
    debt_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SayAsAgent:
    """Send what an agent wrote, word for word."""

    text: str
    agent_id: int
    agent_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """Mark the message as read and show that an answer is being written (only where one follows)."""

    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """This chat belongs to this customer, who confirmed it."""

    customer_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountWrongAnswer:
    """A wrong answer to the question who this is; `tries` counts those of today."""

    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetIdentity:
    """Whoever is behind this chat has to confirm anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseContact:
    """Somebody else answers here: never name a debt at this contact point again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """No more active messages to this person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptIn:
    """Active messages are welcome again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealOffer:
    """Keep an offer exactly as it is shown, honoured until its day whatever the policy says later.

    `made_of`: the number of the offer that this one is on other dates; then `facts` only add to the facts of that one.
    """

    offer_no: int
    debt_id: int
    policy_digest: str
    offer: CashOffer | InstalmentOffer | PromiseOffer
    honoured_until: date
    facts: Mapping[str, Value]  # what the policy was applied to, enough to recompute
    made_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseException:
    """Note which offer was made of what finance approved; it makes no other."""

    exception_id: int
    offer_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agree:
    """The person accepted a sealed instalment or cash offer: one agreement, with its payments as instalments.

    `renegotiated`: it takes the place of the one in force on the same debt.
    """

    offer_no: int
    debt_id: int
    message_id: str
    renegotiated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndAgreement:
    """The agreement in a debt's place is broken: the debt comes back less what was paid, without the discount."""

    debt_id: int
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveInstalment:
    """The day of an instalment of the agreement in a debt's place is moved; its charge is taken back."""

    debt_id: int
    n: int
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The person said when they will pay: the ladder pauses until then."""

    debt_id: int
    until: date
    offer_no: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Ask the provider for a Pix charge. `parts` say what it settles, debt by debt, in the amounts of the day it is
    for.

    With `offer_no` (cash) or `agreement_offer_no` + `instalment_n` it belongs to that offer or agreement.
    """

    charge_no: int
    amount_cents: int
    pay_until: date
    parts: tuple[CostOfDebt, ...]
    offer_no: int | None = None
    agreement_offer_no: int | None = None
    instalment_n: int | None = None
    replaces: tuple[int, ...] = ()  # charges that this one takes the place of; they are cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCharge:
    """Take a charge back at the provider; what is still paid on it is allocated all the same."""

    charge_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Book a confirmed payment: payment, ledger, allocation, the state of debts, instalments and agreement, in this
    turn."""

    end_to_end_id: str
    amount_cents: int
    paid_at: datetime
    charge_no: int | None
    txid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookReturn:
    """Book money that went back: payment, ledger, and what is owed again, in this turn."""

    end_to_end_id: str
    refund_id: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPaper:
    """Make a paper, keep it and send it.

    The terms or the calendar of an agreement; the quittance of an agreement's debt, or of what a payment settled; the
    receipt of a payment, without a name of the customer's newest one. `wording` is what the message says with it.
    Where the books give no ground for it (a debt that is not paid has no quittance) none is sent, and `otherwise` is
    said instead.
    """

    kind: Literal["terms", "quittance", "receipt", "calendar"]
    agreement_offer_no: int | None = None
    end_to_end_id: str | None = None
    wording: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    otherwise: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TellStatement:
    """Tell what happened to what the customer owes, line by line (`flows.statement`).

    It is read where it is written, for no other turn needs it: in the facts it would cost each of them five queries.
    """

    first_name: str
    creditor: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """Hand the conversation to people. From now on the bot is silent."""

    reason: str
    queue: str = "atendimento"
    debt_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line for the people at the desk (in the open ticket where there is one); the person does not see it."""

    wording: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Wake this conversation at an instant. The same name and subject again moves the timer."""

    name: Literal["nudge", "agreement", "promise", "ladder"]
    fire_at: datetime
    subject: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearTimer:
    """The timer is not wanted any more."""

    name: Literal["nudge", "agreement", "promise", "ladder"]
    subject: int = 0


Effect: TypeAlias = (
    Say
    | SayAsAgent
    | Typing
    | Identify
    | CountWrongAnswer
    | ForgetIdentity
    | CloseContact
    | OptOut
    | OptIn
    | SealOffer
    | UseException
    | Agree
    | EndAgreement
    | MoveInstalment
    | Promise
    | Charge
    | CancelCharge
    | Book
    | BookReturn
    | SendPaper
    | TellStatement
    | OpenTicket
    | Note
    | SetTimer
    | ClearTimer
    | Remind
    | PassSteps
    | TellFinance
)
