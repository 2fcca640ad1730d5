"""What can happen to a customer: the closed list of events that a conversation understands.

An event is past tense and may not be refused. Whatever its origin (the person, the bank, a timer, an agent), it arrives
through the inbox of one conversation and is decided by `flows.step.step`. Instants are aware and UTC, amounts integer
centavos.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

Action: TypeAlias = Literal[
    "menu",  # the three buttons again
    "pay",  # object: a debt, 0 = whichever is meant, -1 = all of them together
    "quote",  # object: as in pay, version: the ordinal of the day for which the amount is asked
    "negotiate",  # object: a debt, 0 = whichever is meant
    "human",
    "its_me",
    "not_me",
    "group",  # object: ordinal of a group of offers in a list that is longer than ten rows
    "offer",  # object: the offer's number, shows its full terms
    "due_day",  # object: the offer's number, version: the day of the month chosen
    "accept",  # object: the offer's number
    "offers",  # back to the list of offers
    "code",  # object: a charge's number, sends its code again
    "promise",  # object: the offer's number
    "settle_all",  # object: the debt that an agreement stands for
    "move_date",  # object: that debt, version: the ordinal of the day chosen, 0 = which ones there are
    "renegotiate",  # object: that debt
    "opt_out",
    "opt_in",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The person wrote a text."""

    text: str
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """The person pressed a button or a row that was made for this very conversation (its MAC was right)."""

    action: Action
    object_id: int = 0
    version: int = 0
    title: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The person sent something that is no text: `kind` as WhatsApp names it (image, audio, location, order,
    unsupported, …).

    A press whose identifier we cannot vouch for arrives here too, as kind `strange_press`.
    """

    kind: str
    caption: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """The same turn goes on: who is there is known now, and with it what they owe and what they wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged:
    """WhatsApp says that the number or the device behind this chat changed: whoever it is has to confirm anew."""

    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeReady:
    """The provider made the charge; its code is among the facts."""

    charge_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeFailed:
    """The provider would not make the charge, finally or for too long."""

    charge_no: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentConfirmed:
    """The bank confirmed money of this customer (by GET, never by its webhook alone); it is booked in the same turn."""

    end_to_end_id: str
    amount_cents: int
    paid_at: datetime
    charge_no: int | None = None
    txid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReturned:
    """The bank confirmed that money of a payment went back to whoever paid it; it is booked in the same turn.

    `nature` in API Pix's words: ORIGINAL and RETIRADA were our own wish, MED_… was the bank's.
    """

    end_to_end_id: str
    refund_id: str
    amount_cents: int
    nature: str = "ORIGINAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFound:
    """Finance found out what a payment was for, and it is booked: so much of it for this debt."""

    end_to_end_id: str
    amount_cents: int
    paid_at: datetime
    debt_id: int
    description: str
    is_settled: bool
    open_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer of this conversation came due. `subject` of those about an agreement or a promise is the debt, of the
    ladder's the customer."""

    name: Literal["nudge", "agreement", "promise", "ladder"]
    subject: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketClaimed:
    """An agent took the ticket."""

    ticket_id: int
    agent_id: int
    agent_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReplied:
    """The agent who holds the ticket wrote to the person."""

    ticket_id: int
    agent_id: int
    agent_name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedBack:
    """The agent gave the conversation back to the bot."""

    ticket_id: int
    agent_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionNews:
    """An offer outside the policy was asked for, approved or refused: a line for whoever reads the conversation."""

    what: Literal["asked", "approved", "refused"]
    exception_id: int
    by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionOffered:
    """The agent makes the offer that finance approved, and gives the conversation back to the bot with it."""

    ticket_id: int
    agent_id: int
    exception_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketClosed:
    """The agent closed the ticket; the bot answers again when the person writes."""

    ticket_id: int
    agent_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFailed:
    """WhatsApp refused or lost a message of ours for good. `code` is Meta's, 0 where the fate is unknown."""

    outbox_id: int
    code: int
    purpose: str


Event: TypeAlias = (
    Typed
    | Pressed
    | Sent
    | Identified
    | ContactChanged
    | ChargeReady
    | ChargeFailed
    | PaymentConfirmed
    | PaymentReturned
    | PaymentFound
    | TimerFired
    | TicketClaimed
    | AgentReplied
    | HandedBack
    | ExceptionNews
    | ExceptionOffered
    | TicketClosed
    | DeliveryFailed
)
