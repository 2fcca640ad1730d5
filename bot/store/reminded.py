"""How things stand for people as a reminder goes out: what they owe, under lock, and what else forbids it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flows.template_health import STOPPED

# Locked, so that a payment that is being booked is waited for. Lock order: conversation, debt, charge, outbox.
DEBTS = """
SELECT id, state, open_principal_cents, promised_until FROM debt WHERE id = any($1::bigint[]) ORDER BY id FOR SHARE
"""
INSTALMENTS = """
SELECT a.debt_id, i.n FROM agreement a JOIN instalment i ON i.agreement_id = a.id
WHERE  a.debt_id = any($1::bigint[]) AND a.state = 'active' AND i.paid_cents + i.forgiven_cents < i.amount_cents
"""
SILENT = """
SELECT k.id FROM customer k
WHERE  k.id = any($1::bigint[])
AND   (k.opted_out_at IS NOT NULL OR EXISTS (SELECT FROM ticket t WHERE t.customer_id = k.id AND t.state <> 'closed'))
"""
# What a person or the bank said and nobody has looked at yet. The ladder's own timers are no news.
NEWS = """
SELECT DISTINCT i.conversation_id FROM inbox i
WHERE  i.conversation_id = any($1::bigint[]) AND i.state = 'open' AND i.kind IN ('message', 'event')
AND    i.source <> 'timer'
"""
WITH_PEOPLE = "SELECT conversation_id FROM ticket WHERE conversation_id = any($1::bigint[]) AND state <> 'closed'"
STOPPED_TEMPLATES = "SELECT name FROM template_status WHERE status = any($1::text[])"
NO_INSTALMENT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What is left of a debt's principal, and until when it is promised."""

    open_cents: int
    promised_until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """`owed` by debt and instalment; customers who are not to be spoken to; conversations with something undecided, and
    those that people have."""

    owed: Mapping[tuple[int, int], Owed]
    silent: frozenset[int]
    news: frozenset[int]
    with_people: frozenset[int] = frozenset()
    stopped_templates: frozenset[str] = frozenset()


async def now(conn: Any, debts: Sequence[int], customers: Sequence[int], conversations: Sequence[int]) -> Now:
    """Return how things stand. The debts stay locked until the transaction ends."""
    rows = await conn.fetch(DEBTS, debts) if debts else []
    agreed = {row["id"]: row for row in rows if row["state"] == "agreed"}
    owed = {
        (row["id"], NO_INSTALMENT): Owed(open_cents=row["open_principal_cents"], promised_until=row["promised_until"])
        for row in rows
        if row["state"] == "open"
    }
    if agreed:
        for row in await conn.fetch(INSTALMENTS, list(agreed)):
            open_cents = agreed[row["debt_id"]]["open_principal_cents"]
            owed[row["debt_id"], row["n"]] = Owed(open_cents=open_cents, promised_until=None)
    return Now(
        owed=owed,
        silent=frozenset(row["id"] for row in await conn.fetch(SILENT, customers)) if customers else frozenset(),
        news=frozenset(row["conversation_id"] for row in await conn.fetch(NEWS, conversations)),
        with_people=frozenset(row["conversation_id"] for row in await conn.fetch(WITH_PEOPLE, conversations)),
        stopped_templates=frozenset(row["name"] for row in await conn.fetch(STOPPED_TEMPLATES, list(STOPPED))),
    )
