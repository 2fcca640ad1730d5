"""One customer as finance sees them: who it is, where they are reached, what waits for people, what was handed out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.store import debt_statement
from flows.statement import History

_DEBTS, _OFFERS, _PAPERS = 100, 20, 20
CUSTOMER = """
SELECT id, external_id, name, document, phone, email, opt_in, opted_out_at, created_at FROM customer WHERE id = $1
"""
# Chats that are theirs, were theirs, or in which they were written to.
CHATS = """
SELECT c.id, c.address, c.customer_id = $1 AS is_confirmed, c.heard_at, c.opted_out_at, c.contact_closed_at, c.owner
FROM   conversation c
WHERE  c.id IN (SELECT id FROM conversation WHERE customer_id = $1
                UNION SELECT conversation_id FROM ladder_contact WHERE customer_id = $1
                UNION SELECT conversation_id FROM charge WHERE customer_id = $1
                UNION SELECT o.conversation_id FROM debt d JOIN offer o ON o.debt_id = d.id WHERE d.customer_id = $1)
ORDER  BY c.id
"""
TICKETS = """
SELECT t.id, t.reason, t.opened_at, u.name AS agent FROM ticket t LEFT JOIN app_user u ON u.id = t.agent_id
WHERE  t.state <> 'closed' AND (t.customer_id = $1 OR t.conversation_id = any($2::bigint[])) ORDER BY t.opened_at
"""
DEBTS = "SELECT id FROM debt WHERE customer_id = $1 ORDER BY (state IN ('open', 'agreed')) DESC, due_on, id LIMIT $2"
OFFERS = """
SELECT o.conversation_id, o.no, o.debt_id, o.terms, o.shown_at, o.honoured_until, o.accepted_at IS NOT NULL AS accepted
FROM   debt d JOIN offer o ON o.debt_id = d.id
WHERE  d.customer_id = $1 AND o.customer_id = $1 ORDER BY o.shown_at DESC, o.no LIMIT $2
"""
PAPERS = "SELECT token, kind, made_at FROM paper WHERE customer_id = $1 ORDER BY id DESC LIMIT $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who it is. `phone` as canonical digits, `document` as it is kept."""

    id: int
    external_id: str
    name: str
    document: str
    phone: str | None
    email: str | None
    opt_in: str | None
    opted_out_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A conversation with them; `is_confirmed`: who answers there has shown to be this customer."""

    id: int
    address: str
    is_confirmed: bool | None
    heard_at: datetime | None
    opted_out_at: datetime | None
    contact_closed_at: datetime | None
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """A ticket that waits, or is held."""

    id: int
    reason: str
    opened_at: datetime
    agent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOffer:
    """An offer that was shown to them."""

    conversation_id: int
    no: int
    debt_id: int
    terms: Mapping[str, Any]
    shown_at: datetime
    honoured_until: date
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """A paper that was made for them."""

    token: str
    kind: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPage:
    """All but the timeline. `has_more_debts`: only the first of them are here."""

    customer: Customer
    chats: Sequence[Chat]
    tickets: Sequence[OpenTicket]
    histories: Sequence[History]
    has_more_debts: bool
    offers: Sequence[ShownOffer]
    papers: Sequence[HandedOut]


async def find(conn: Any, customer_id: int) -> Customer | None:
    """Return a customer."""
    row = await conn.fetchrow(CUSTOMER, customer_id)
    return Customer(**row) if row is not None else None


async def read(conn: Any, customer: Customer) -> CustomerPage:
    """Return what the page of a customer shows."""
    chats = [Chat(**row) for row in await conn.fetch(CHATS, customer.id)]
    debts = [row["id"] for row in await conn.fetch(DEBTS, customer.id, _DEBTS + 1)]
    offers = await conn.fetch(OFFERS, customer.id, _OFFERS)
    return CustomerPage(
        customer=customer,
        chats=chats,
        tickets=[
            OpenTicket(**row) for row in await conn.fetch(TICKETS, customer.id, [c.id for c in chats if c.is_confirmed])
        ],
        histories=await debt_statement.histories(conn, debts[:_DEBTS]),
        has_more_debts=len(debts) > _DEBTS,
        offers=[ShownOffer(**{**row, "terms": json.loads(row["terms"])}) for row in offers],
        papers=[HandedOut(**row) for row in await conn.fetch(PAPERS, customer.id, _PAPERS)],
    )
