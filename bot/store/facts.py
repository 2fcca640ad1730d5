"""Reading the facts: everything that decisions of a batch may know, in a handful of set-wise queries under the
conversations' locks."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from bot.store import exceptions
from bot.store.agreement_end import paid_under
from bot.store.conversations import Conversation
from bot.store.lateness import late_before
from flows.agreement_life import UNWRITTEN
from flows.breaking import PaidUnder, restored
from flows.costs import NO_LATE_CHARGES, cost_of
from flows.facts import (
    AgreementFact,
    Candidate,
    ChargeFact,
    CostOfDebt,
    Debt,
    Facts,
    Instalment,
    PolicyInForce,
    Rules,
    SealedOffer,
    TicketFact,
)
from flows.negotiation import CashOffer, InstalmentOffer, PromiseOffer, offer_from
from payments.late_charges import Holidays
from payments.settlement import BY_LAW

WINDOW = timedelta(hours=24) - timedelta(minutes=5)  # closed five minutes early: Meta's clock decides, not ours
_CHARGES_REMEMBERED = timedelta(days=60)

# Who may be behind a contact point: who confirmed it, else everybody who is imported with it or with one of its other
# names.
CANDIDATES = """
WITH asked AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS a(conversation_id, address, customer_id))
SELECT a.conversation_id, k.id, k.name, k.document, k.opted_out_at FROM asked a JOIN customer k ON k.id = a.customer_id
UNION
SELECT a.conversation_id, k.id, k.name, k.document, k.opted_out_at FROM asked a JOIN customer k ON k.phone = a.address
WHERE  a.customer_id IS NULL
UNION
SELECT a.conversation_id, k.id, k.name, k.document, k.opted_out_at
FROM   asked a JOIN conversation_alias n ON n.conversation_id = a.conversation_id JOIN customer k ON k.phone = n.alias
WHERE  a.customer_id IS NULL
ORDER  BY 1, 2
"""
DEBTS = """
SELECT d.customer_id, d.id, d.external_id, d.description, d.principal_cents, d.open_principal_cents, d.due_on, d.tags,
       d.state, d.interest_from, d.interest_carried_cents, d.fine_paid_cents, d.promised_until, d.promises,
       (SELECT count(*) FROM agreement a
        WHERE a.debt_id = d.id AND a.ended_because IN ('late', 'missed', 'renegotiated'))::int AS agreements_ended
FROM   debt d
WHERE  d.customer_id = any($1::bigint[]) AND d.state IN ('open', 'agreed')
ORDER  BY d.due_on, d.id
"""
# Of offers and charges only those of the customer who is there now: a chat may have been somebody else's before.
OFFERS = """
SELECT o.conversation_id, o.no, o.debt_id, o.terms, o.policy_digest, o.shown_on, o.honoured_until,
       o.accepted_at IS NOT NULL AS accepted
FROM   unnest($1::bigint[], $2::bigint[]) AS here(conversation_id, customer_id)
JOIN   offer o ON o.conversation_id = here.conversation_id AND o.customer_id = here.customer_id
WHERE  o.honoured_until >= $3 OR o.accepted_at IS NOT NULL
ORDER  BY o.conversation_id, o.no
"""
CHARGES = """
SELECT c.conversation_id, c.no, c.amount_cents, c.pay_until, c.state, c.parts, c.code, c.paid_cents, c.offer_no,
       a.offer_no AS agreement_offer_no, c.instalment_n, c.boleto_line, c.link
FROM   unnest($1::bigint[], $2::bigint[]) AS here(conversation_id, customer_id)
JOIN   charge c ON c.conversation_id = here.conversation_id AND c.customer_id = here.customer_id
LEFT   JOIN agreement a ON a.id = c.agreement_id
WHERE  c.state IN ('requested', 'active') OR c.created_at > $3
ORDER  BY c.conversation_id, c.no
"""
AGREEMENTS = """
SELECT a.id, a.customer_id, a.offer_no, a.debt_id, a.total_cents, a.state, o.terms,
       (SELECT json_agg(json_build_object(
            'n', i.n, 'due_on', i.due_on, 'amount_cents', i.amount_cents, 'paid_cents', i.paid_cents,
            'forgiven_cents', i.forgiven_cents, 'interest_from', i.interest_from, 'moved_from', i.moved_from,
            'interest_carried_cents', i.interest_carried_cents, 'fine_paid_cents', i.fine_paid_cents) ORDER BY i.n)
        FROM instalment i WHERE i.agreement_id = a.id) AS instalments
FROM   agreement a JOIN offer o ON o.conversation_id = a.conversation_id AND o.no = a.offer_no
WHERE  a.customer_id = any($1::bigint[]) AND a.state IN ('active', 'settled')
ORDER  BY a.id
"""
TICKETS = """
SELECT t.conversation_id, t.id, t.reason, u.name AS claimed_by
FROM   ticket t LEFT JOIN app_user u ON u.id = t.agent_id
WHERE  t.conversation_id = any($1::bigint[]) AND t.state <> 'closed'
"""


async def load(
    conn: Any,
    conversations: Sequence[Conversation],
    *,
    now: datetime,
    zone: tzinfo,
    rules: Rules,
    policy: PolicyInForce | None,
) -> dict[int, Facts]:
    """Return the facts of every conversation. `zone` is the creditor's: it makes the day of `now`."""
    today = now.astimezone(zone).date()
    ids = [c.id for c in conversations]
    candidates, opted_out = await _candidates(conn, conversations)
    customers = {c.id: c.customer_id for c in conversations if c.customer_id is not None}
    tickets = {row["conversation_id"]: row for row in await conn.fetch(TICKETS, ids)}
    debts: Mapping[int, list[Debt]] = {}
    agreements: Mapping[int, list[AgreementFact]] = {}
    offers: Mapping[int, list[SealedOffer]] = {}
    charges: Mapping[int, list[ChargeFact]] = {}
    terms = policy.policy.terms if policy is not None else NO_LATE_CHARGES
    if customers:
        debts = await debts_of(conn, list(customers.values()), zone, terms.holidays)
        agreements = await agreements_of(conn, debts, policy, zone)
        offers = await _offers(conn, customers, today)
        charges = await _charges(conn, customers, now)
    held = [c.id for c in conversations if c.owner == "person"]
    special = await exceptions.approved(conn, held) if held else {}
    result: dict[int, Facts] = {}
    for c in conversations:
        owed = tuple(debts.get(c.customer_id, ())) if c.customer_id is not None else ()
        ticket = tickets.get(c.id)
        result[c.id] = Facts(
            now=now,
            today=today,
            rules=rules,
            next_no=c.serial + 1,
            candidates=tuple(candidates.get(c.id, ())),
            customer=next((k for k in candidates.get(c.id, ()) if k.customer_id == c.customer_id), None),
            contact_closed=c.contact_closed_at is not None,
            wrong_answers_today=c.wrong_answers if c.wrong_on == today else 0,
            opted_out=c.opted_out_at is not None or (c.customer_id is not None and c.customer_id in opted_out),
            heard_at=c.heard_at,
            window_closes_at=c.heard_at + WINDOW if c.heard_at is not None else None,
            debts=owed,
            costs={d.id: cost_of(d, today, terms) for d in owed if d.state == "open"},
            policy=policy,
            offers=tuple(offers.get(c.id, ())),
            exceptions=tuple(special.get(c.id, ())),
            charges=tuple(charges.get(c.id, ())),
            agreements=tuple(agreements.get(c.customer_id, ())) if c.customer_id is not None else (),
            ticket=TicketFact(id=ticket["id"], reason=ticket["reason"], claimed_by=ticket["claimed_by"])
            if ticket
            else None,
        )
    return result


async def _candidates(conn: Any, conversations: Sequence[Conversation]) -> tuple[dict[int, list[Candidate]], set[int]]:
    rows = await conn.fetch(
        CANDIDATES,
        [c.id for c in conversations],
        [c.address for c in conversations],
        [c.customer_id for c in conversations],
    )
    found: dict[int, list[Candidate]] = defaultdict(list)
    for row in rows:
        found[row["conversation_id"]].append(
            Candidate(customer_id=row["id"], name=row["name"], document=row["document"])
        )
    return found, {row["id"] for row in rows if row["opted_out_at"] is not None}


async def debts_of(conn: Any, customers: list[int], zone: tzinfo, days: Holidays) -> dict[int, list[Debt]]:
    """Return the open and agreed debts of customers, oldest due first."""
    late = await late_before(conn, customers, zone, days)
    debts: dict[int, list[Debt]] = defaultdict(list)
    for row in await conn.fetch(DEBTS, customers):
        fields = dict(row)
        customer_id = fields.pop("customer_id")
        fields |= {"tags": frozenset(fields["tags"]), "late_before": late[customer_id]}
        debts[customer_id].append(Debt(**fields))
    return debts


async def agreements_of(
    conn: Any, debts: Mapping[int, list[Debt]], policy: PolicyInForce | None, zone: tzinfo
) -> dict[int, list[AgreementFact]]:
    """The agreements of the customers whose debts these are; a customer without an agreed or open debt has none that
    could matter."""
    agreements: dict[int, list[AgreementFact]] = defaultdict(list)
    rows = await conn.fetch(AGREEMENTS, list(debts)) if debts else []
    agreed = {d.id: d for owed in debts.values() for d in owed if d.state == "agreed"}
    live = sorted({row["customer_id"] for row in rows if row["debt_id"] in agreed})
    paid: dict[int, list[PaidUnder]] = defaultdict(list)
    for agreement_id, one in await paid_under(conn, live, zone) if live else ():
        paid[agreement_id].append(one)
    terms = policy.policy.terms if policy is not None else NO_LATE_CHARGES
    order = policy.policy.allocation.order if policy is not None else BY_LAW
    for row in rows:
        debt = agreed.get(row["debt_id"]) if row["state"] == "active" else None
        agreements[row["customer_id"]].append(
            agreement_fact(row, restored(debt, paid[row["id"]], terms, order).debt if debt is not None else None)
        )
    return agreements


def agreement_fact(row: Mapping[str, Any], before: Debt | None = None) -> AgreementFact:
    """An agreement as it is kept, with the terms of its offer; `before` is the debt without it."""
    offer = offer_from(json.loads(row["terms"]))
    plan = offer if isinstance(offer, InstalmentOffer) else None
    return AgreementFact(
        offer_no=row["offer_no"],
        debt_id=row["debt_id"],
        total_cents=row["total_cents"],
        state=row["state"],
        instalments=tuple(instalment_from(one) for one in json.loads(row["instalments"] or "[]")),
        life=plan.life if plan is not None else UNWRITTEN,
        interest_percent_month=plan.interest_percent_month if plan is not None else Decimal(0),
        cet_percent_year=plan.cet_percent_year if plan is not None else Decimal(0),
        discount_cents=offer.discount_cents if not isinstance(offer, PromiseOffer) else 0,
        is_cash=isinstance(offer, CashOffer),
        restored=before,
    )


def instalment_from(kept: Mapping[str, Any]) -> Instalment:
    """An instalment as the database gives it in JSON."""
    days = {name: kept[name] and date.fromisoformat(kept[name]) for name in ("due_on", "interest_from", "moved_from")}
    return Instalment(**{**kept, **days})


async def _offers(conn: Any, customers: Mapping[int, int], today: date) -> dict[int, list[SealedOffer]]:
    offers: dict[int, list[SealedOffer]] = defaultdict(list)
    for row in await conn.fetch(OFFERS, list(customers), list(customers.values()), today):
        offers[row["conversation_id"]].append(
            SealedOffer(
                no=row["no"],
                debt_id=row["debt_id"],
                offer=offer_from(json.loads(row["terms"])),
                policy_digest=row["policy_digest"],
                shown_on=row["shown_on"],
                honoured_until=row["honoured_until"],
                accepted=row["accepted"],
            )
        )
    return offers


async def _charges(conn: Any, customers: Mapping[int, int], now: datetime) -> dict[int, list[ChargeFact]]:
    charges: dict[int, list[ChargeFact]] = defaultdict(list)
    since = now - _CHARGES_REMEMBERED
    for row in await conn.fetch(CHARGES, list(customers), list(customers.values()), since):
        fields = dict(row)
        conversation_id = fields.pop("conversation_id")
        parts = tuple(CostOfDebt(**part) for part in json.loads(fields.pop("parts")))
        charges[conversation_id].append(ChargeFact(parts=parts, **fields))
    return charges
