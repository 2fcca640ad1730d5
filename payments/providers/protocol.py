"""How we speak with whoever collects for the creditor: what a provider can do, and the values of its conversations.

A conversation is a generator: it yields a `Request`, is sent the `Answer`, and returns what it was held for. It knows
no network, no clock and no credentials, so a test reads it like a script; `bot.engine.talk` drives it over HTTP.

Two kinds of trouble, by what may be done about it: `TryLater` (the same conversation again, from the start) and
`Refused` (never again). A conversation that is repeated after an answer was lost says so (`in_doubt`) and looks before
it acts.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    `path` is relative to the provider's base address, `body` is JSON; who drives it adds the credentials.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever it is."""

    status: int
    body: bytes = b""


Conversation: TypeAlias = Generator[Request, Answer, T]


class ProviderError(Exception):
    """A conversation that did not end well.

    `kind` names what happened in one word, fit for a log: never a person's data.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


class TryLater(ProviderError):
    """The provider cannot just now (429, 5xx); hold the same conversation again after a while."""


class NotAuthorized(TryLater):
    """The provider does not know us, even with a fresh token.

    Check client id, secret, scopes and certificate (`acerto doctor`).
    """


class Refused(ProviderError):
    """The provider's final word.

    The same request will be refused again. `detail` names the properties that it objects to.
    """


class Forbidden(Refused):
    """The creditor's contract with the provider does not include this (403)."""


class NotFound(Refused):
    """The provider knows no such charge or payment."""


class WrongAnswer(ProviderError):
    """The provider answered with something that is not what we asked for: nothing may be built on it.

    A person has to look.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """Who is paid, as the bank knows them.

    The Pix key in its DICT form, name and city as they are to stand in the code.
    """

    key: str
    name: str
    city: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeOrder:
    """What a provider is asked to collect, for once and in one amount (centavos), until the end of the day `pay_until`
    where the creditor is, which is `expires_at` (excluded).

    `form`: one of the provider's, as its `form_of` chose it. `in_doubt`: an earlier attempt may have got through.
    `text` is shown to whoever pays (at most 140 characters are used).
    """

    txid: str
    amount_cents: int
    now: datetime
    pay_until: date
    expires_at: datetime
    payee: Payee
    debtor_name: str
    debtor_document: str  # canonical CPF or CNPJ
    debtor_id: int  # ours
    form: str = "cob"
    text: str = ""
    in_doubt: bool = False

    def __post_init__(self) -> None:
        assert self.amount_cents > 0
        assert self.now.tzinfo is not None
        assert self.expires_at.tzinfo is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A charge that can be paid.

    `code` is the copy-and-paste text, `location` where its content lies (nowhere for a static code), `form` what was
    made. Some providers offer other ways to pay the same charge: a boleto's typed line (47 digits), and the `link` of a
    page of theirs that takes cards.
    """

    code: str
    location: str | None = None
    form: str = "cob"
    boleto_line: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that went back, or is on its way: centavos, how far it is, and who wanted it, in API Pix's words.

    `status`: EM_PROCESSAMENTO, DEVOLVIDO or NAO_REALIZADO. `natureza`: ORIGINAL and RETIRADA are ours; MED_OPERACIONAL,
    MED_FRAUDE and MED_PIX_AUTOMATICO the bank's, without our asking (special return mechanism).
    """

    id: str
    amount_cents: int
    status: str
    natureza: str = "ORIGINAL"

    @property
    def is_final(self) -> bool:
        """Whether the money did go back."""
        return self.status == "DEVOLVIDO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A payment that the provider confirms: centavos, and the instant (UTC) at which the bank settled it."""

    end_to_end_id: str
    amount_cents: int
    paid_at: datetime
    txid: str | None = None
    refunds: tuple[Refund, ...] = ()

    @property
    def kept_cents(self) -> int:
        """What is left after refunds."""
        return self.amount_cents - sum(r.amount_cents for r in self.refunds if r.is_final)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of what came in; `more`: there is a page after it, `unreadable`: so many lack what every payment has."""

    items: tuple[Received, ...]
    more: bool
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeState:
    """A charge as the provider sees it. The status says nothing about the amount: a charge closes with any payment."""

    status: str
    amount_cents: int
    payments: tuple[Received, ...] = ()

    @property
    def kept_cents(self) -> int:
        """What was paid, less what went back."""
        return sum(p.kept_cents for p in self.payments)


def one_form(_today: date, _pay_until: date, _late_cents: int) -> str:
    """The form of providers whose charges are all made alike."""
    return "cob"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What one provider can do: a conversation for each thing, None for what it cannot.

    `name` stands in the settings and with each charge, a txid has `txid_characters`. Charges are named by their txid
    and form, payments by the identity that `Received.end_to_end_id` holds.
    """

    name: str
    txid_characters: int
    create: Callable[[ChargeOrder], Conversation[Created]]
    """Make a charge; twice is once."""
    form_of: Callable[[date, date, int], str] = one_form
    """Return the form of a charge from today, its last day, and the centavos of late charges in it."""
    cancel: Callable[[str, str], Conversation[tuple[Received, ...]]] | None = None
    """Take a charge (txid, form) back; return what was paid on it before."""
    close: Callable[[str, str], Conversation[tuple[Received, ...]]] | None = None
    """See to it that a charge (txid, form) whose day is over cannot be paid any more; return what was paid on it."""
    probe: Callable[[], Conversation[str | None]] | None = None
    """Ask something harmless; return what is wrong although it answers, in a word. Raises what stands in the way."""
    triggered: Callable[[bytes], tuple[list[str], str | None]] | None = None
    """Return the payments that a webhook's body names, and why it cannot be read whole."""
    confirm: Callable[[str], Conversation[Received]] | None = None
    """Return one payment. Raises NotFound where nothing was paid."""
    received: Callable[[datetime, datetime, int], Conversation[Page]] | None = None
    """Return one page (from 0) of what came in from an instant to another."""
    refund: Callable[[str, str, int, bool], Conversation[Refund]] | None = None
    """Send centavos of a payment back under an id of ours; the last says that an earlier attempt is in doubt."""
