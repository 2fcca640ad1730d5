"""Who the agent is speaking with: identity, what is owed today, agreements, and until when we may answer freely."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.parts import Parts
from bot.store import desk_view, facts
from bot.store.conversations import Conversation
from bot.web.rendering import plain, span
from flows.calendar import days_overdue, payable_day
from flows.facts import AgreementFact, Candidate, Debt, Facts
from flows.instalments import cost_of_instalment
from payments.documents import Document, read_document
from payments.late_charges import NO_OTHERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A name and a document of which only the middle is shown."""

    name: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One debt with its cost of today, part by part; amounts in centavos. `days_late` is negative before the due day.

    `free_until` is told where the due day has passed and no bank has been open since: it still costs nothing more.
    """

    description: str
    due: str
    days_late: int
    free_until: str | None
    total_cents: int
    parts: tuple[tuple[str, int], ...]
    promised_until: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """One agreement in force and its next payment."""

    total_cents: int
    paid: int
    count: int
    next_due: str | None
    next_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """All that stands beside the conversation. `person` confirmed; `candidates` are whom the number may belong to."""

    title: str
    person: Person | None
    candidates: tuple[Person, ...]
    owed: tuple[Owed, ...]
    owed_cents: int
    agreed: tuple[Agreed, ...]
    opted_out: bool
    contact_closed: bool
    window_open: bool
    window_left: str | None  # in words, while it is open


async def card_of(conn: Any, parts: Parts, conversation_id: int) -> Card:
    """Read the card of a conversation as it is now."""
    conversation = await desk_view.read(conn, conversation_id)
    now, settings = parts.clock.now(), parts.settings
    policy = await parts.policies.in_force(conn, now.astimezone(settings.timezone).date())
    known = await facts.load(conn, [conversation], now=now, zone=settings.timezone, rules=settings.rules, policy=policy)
    return _card(conversation, known[conversation_id], parts)


def is_window_open(known_until: datetime | None, now: datetime) -> bool:
    """Return whether an answer may go out that is no template: 24 hours from the person's last message."""
    return known_until is not None and now < known_until


def _card(conversation: Conversation, known: Facts, parts: Parts) -> Card:
    until = known.window_closes_at
    is_open = is_window_open(until, known.now)
    owed = tuple(_owed(debt, known, parts) for debt in known.debts if debt.id in known.costs)
    return Card(
        title=title_of(conversation, known.customer),
        person=_person(known.customer) if known.customer else None,
        candidates=tuple(_person(c) for c in known.candidates) if known.customer is None else (),
        owed=owed,
        owed_cents=sum(debt.total_cents for debt in owed),
        agreed=tuple(_agreed(a, parts, known.today) for a in known.agreements if a.state == "active"),
        opted_out=known.opted_out,
        contact_closed=known.contact_closed,
        window_open=is_open,
        window_left=span(parts.texts, (until - known.now).total_seconds()) if is_open and until else None,
    )


def title_of(conversation: Conversation, customer: Candidate | None) -> str:
    """Return what the agent calls this conversation: the confirmed name, else WhatsApp's, else the number's end."""
    return plain(customer.name if customer else conversation.profile_name or "") or short_address(conversation.address)


def short_address(address: str) -> str:
    """Return the last four characters of a contact address."""
    return f"•••• {plain(address)[-4:]}"


def _person(candidate: Candidate) -> Person:
    document = read_document(candidate.document)
    return Person(name=plain(candidate.name), document=document.masked if isinstance(document, Document) else "")


def _owed(debt: Debt, known: Facts, parts: Parts) -> Owed:
    cost, texts = known.costs[debt.id], parts.texts
    days = known.policy.policy.holidays.days if known.policy is not None else NO_OTHERS
    free_until = payable_day(debt.due_on, days)
    named = (
        (texts("Principal"), cost.principal_cents),
        (texts("Fine"), cost.fine_cents),
        (texts("Interest"), cost.interest_cents),
    )
    return Owed(
        description=plain(debt.description),
        due=texts.day(debt.due_on),
        days_late=days_overdue(debt.due_on, known.today, days),
        free_until=texts.day(free_until) if debt.due_on < known.today <= free_until else None,
        total_cents=cost.total_cents,
        parts=tuple((name, cents) for name, cents in named if cents) if cost.fine_cents or cost.interest_cents else (),
        promised_until=texts.day(debt.promised_until)
        if debt.promised_until and debt.promised_until >= known.today
        else None,
    )


def _agreed(agreement: AgreementFact, parts: Parts, today: date) -> Agreed:
    following = agreement.next_open
    return Agreed(
        total_cents=agreement.total_cents,
        paid=sum(1 for i in agreement.instalments if not i.open_cents),
        count=len(agreement.instalments),
        next_due=parts.texts.day(following.due_on) if following else None,
        next_cents=cost_of_instalment(agreement, following, today).total_cents if following else 0,
    )
