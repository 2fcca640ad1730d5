"""Reading what the ladder has to know of people, in a handful of set-wise queries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from bot.store.facts import WINDOW, agreements_of, debts_of
from flows.contact_hours import state_of_phone, zone_of_phone
from flows.costs import NO_LATE_CHARGES, cost_of
from flows.facts import AgreementFact, Debt, PolicyInForce
from flows.ladder import Ladder
from flows.ladder_facts import NO_INSTALMENT, Contact, LadderFacts, LastReminder
from flows.ladder_templates import TemplateFact

REMEMBERED = timedelta(days=31)
_NOT_REACHED = 131026

CUSTOMERS = """
SELECT k.id, k.phone, k.opt_in, k.created_at,
       EXISTS (SELECT FROM ticket t WHERE t.customer_id = k.id AND t.state <> 'closed') AS has_ticket,
       k.opted_out_at IS NOT NULL AS opted_out,
       (SELECT max(p.paid_at) FROM payment p WHERE p.customer_id = k.id) AS paid_at,
       ARRAY(SELECT v.id FROM conversation v
             WHERE v.customer_id = k.id AND v.contact_closed_at IS NULL) AS confirmed_in,
       -- WhatsApp said that the window was closed, whatever we think: a template then.
       EXISTS (SELECT FROM ladder_contact c WHERE c.customer_id = k.id AND c.undone_because = 'refused_131047'
               AND c.decided_at > $2) AS window_refused
FROM   customer k WHERE k.id = any($1::bigint[])
"""
SINCE = """
SELECT d.id, d.created_at, a.accepted_at
FROM   debt d LEFT JOIN agreement a ON a.debt_id = d.id AND a.state = 'active'
WHERE  d.customer_id = any($1::bigint[]) AND d.state IN ('open', 'agreed')
"""
DONE = """
SELECT d.customer_id, s.debt_id, s.instalment_n, s.due_on, s.day, s.is_ticket
FROM   debt d JOIN ladder_step s ON s.debt_id = d.id
WHERE  d.customer_id = any($1::bigint[]) AND d.state IN ('open', 'agreed') AND s.ladder = $2
"""
# Contacts of the person, of whoever else may be behind this chat, and what else was said unasked (the question about a
# promise): all of them count for the caps.
CONTACTS = """
WITH asked AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS a(conversation_id, customer_id)
), made AS (
    SELECT a.conversation_id AS asked_in, c.* FROM asked a JOIN ladder_contact c ON c.customer_id = a.customer_id
    UNION
    SELECT a.conversation_id, c.* FROM asked a JOIN ladder_contact c ON c.conversation_id = a.conversation_id
)
SELECT c.asked_in, c.decided_at, c.local_on, c.purpose, c.template, o.status, o.state, o.error_code,
       ARRAY(SELECT DISTINCT s.debt_id FROM ladder_step s WHERE s.contact_id = c.id) AS debts,
       EXISTS (SELECT FROM charge h WHERE h.customer_id = c.customer_id AND h.opened_at > c.decided_at) AS clicked
FROM   made c LEFT JOIN outbox o ON o.decision_key = c.decision_key
WHERE  c.decided_at > $3 AND c.undone_because IS NULL
UNION  ALL
SELECT a.conversation_id, o.created_at, NULL, o.purpose, '', o.status, o.state, o.error_code, ARRAY[]::bigint[], false
FROM   asked a JOIN conversation v ON v.customer_id = a.customer_id JOIN outbox o ON o.conversation_id = v.id
WHERE  o.created_at > $3 AND o.guards ? 'active' AND o.state <> 'cancelled'
ORDER  BY 2
"""
# The newest active message that went to whoever confirmed to be there, for who asks why it came.
LAST = """
SELECT v.conversation_id, c.local_on, c.purpose, l.title, k.opt_in,
       (SELECT max(s.day) FROM ladder_step s WHERE s.contact_id = c.id) AS day,
       ARRAY(SELECT d.description FROM ladder_step s JOIN debt d ON d.id = s.debt_id
             WHERE s.contact_id = c.id ORDER BY s.due_on, d.id) AS descriptions
FROM   unnest($1::bigint[], $2::bigint[]) AS v(conversation_id, customer_id)
JOIN   LATERAL (SELECT * FROM ladder_contact c
                WHERE c.customer_id = v.customer_id AND c.undone_because IS NULL
                ORDER BY c.decided_at DESC LIMIT 1) c ON c.conversation_id = v.conversation_id
JOIN   ladder_version l ON l.digest = c.ladder_digest
JOIN   customer k ON k.id = c.customer_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """A conversation, the customer that its ladder speaks to, and what the shell knows of the moment."""

    conversation_id: int
    customer_id: int
    free_form: bool = True
    in_rollout: bool = True
    over_ceiling: bool = False


async def load(
    conn: Any,
    climbs: Sequence[Climb],
    *,
    ladder: Ladder,
    templates: Mapping[str, TemplateFact],
    policy: PolicyInForce | None,
    now: datetime,
) -> dict[int, LadderFacts]:
    """Return the ladder's facts by conversation."""
    ids = sorted({climb.customer_id for climb in climbs})
    zone = ladder.timezone
    terms = policy.policy.terms if policy is not None else NO_LATE_CHARGES
    today = now.astimezone(zone).date()
    people = {row["id"]: row for row in await conn.fetch(CUSTOMERS, ids, now - WINDOW)}
    debts = await debts_of(conn, ids, zone, terms.holidays)
    agreements = await agreements_of(conn, debts, policy, zone)
    since = {row["id"]: _since(row, zone, now) for row in await conn.fetch(SINCE, ids)}
    done: dict[int, list[Any]] = defaultdict(list)
    for row in await conn.fetch(DONE, ids, ladder.name):
        done[row["customer_id"]].append(row)
    contacts: dict[int, list[Contact]] = defaultdict(list)
    chats = [climb.conversation_id for climb in climbs], [climb.customer_id for climb in climbs]
    for row in await conn.fetch(CONTACTS, *chats, now - REMEMBERED):
        contacts[row["asked_in"]].append(_contact(row, zone))
    found: dict[int, LadderFacts] = {}
    for climb in climbs:
        person = people.get(climb.customer_id)
        if person is None:
            continue
        owed = tuple(debts.get(climb.customer_id, ()))
        agreed = tuple(agreements.get(climb.customer_id, ()))
        consent = (person["opt_in"] or "").strip()
        elsewhere = bool(person["confirmed_in"]) and climb.conversation_id not in person["confirmed_in"]
        found[climb.conversation_id] = LadderFacts(
            ladder=ladder,
            customer_id=climb.customer_id,
            templates=templates,
            debts=owed,
            costs={d.id: cost_of(d, today, terms) for d in owed if d.state == "open"},
            agreements=agreed,
            holidays=terms.holidays,
            done=_of_today(done.get(climb.customer_id, ()), owed, agreed),
            since=since,
            contacts=tuple(contacts.get(climb.conversation_id, ())),
            tenure_days=(today - person["created_at"].astimezone(zone).date()).days,
            opted_in=bool(consent),
            agreed_to_marketing="marketing" in consent.lower(),
            state=state_of_phone(person["phone"] or ""),
            zone=zone_of_phone(person["phone"] or ""),
            has_ticket=person["has_ticket"],
            opted_out=person["opted_out"],
            paid_on=person["paid_at"].astimezone(zone).date() if person["paid_at"] else None,
            is_elsewhere=elsewhere,
            free_form=climb.free_form and not person["window_refused"],
            in_rollout=climb.in_rollout,
            over_ceiling=climb.over_ceiling,
        )
    return found


async def last_reminders(conn: Any, customers: Mapping[int, int]) -> dict[int, LastReminder]:
    """Return the newest active message in each conversation of a confirmed customer."""
    rows = await conn.fetch(LAST, list(customers), list(customers.values())) if customers else []
    return {
        row["conversation_id"]: LastReminder(
            on=row["local_on"],
            ladder_title=row["title"],
            day=row["day"] if row["purpose"] == "reminder" else None,
            descriptions=tuple(row["descriptions"]),
            opted_in=bool((row["opt_in"] or "").strip()),
        )
        for row in rows
    }


def _since(row: Any, zone: tzinfo, now: datetime) -> date:
    """No step of before the debt was on record; and who has just agreed to something was told the dates that day."""
    if row["accepted_at"] is not None:
        accepted: date = row["accepted_at"].astimezone(zone).date()
        return accepted + timedelta(days=1)
    first: date = min(row["created_at"], now).astimezone(zone).date()  # a drill may be of a time before the import
    return first


def _of_today(
    rows: Sequence[Any], debts: Sequence[Debt], agreements: Sequence[AgreementFact]
) -> frozenset[tuple[int, int, int, bool]]:
    """The steps that are over for the due dates as they are: another due date begins anew."""
    due = {(debt.id, NO_INSTALMENT): debt.due_on for debt in debts}
    due |= {(a.debt_id, i.n): i.due_on for a in agreements if a.state == "active" for i in a.instalments}
    return frozenset(
        (row["debt_id"], row["instalment_n"], row["day"], row["is_ticket"])
        for row in rows
        if due.get((row["debt_id"], row["instalment_n"])) == row["due_on"]
    )


def _contact(row: Any, zone: tzinfo) -> Contact:
    return Contact(
        at=row["decided_at"],
        on=row["local_on"] or row["decided_at"].astimezone(zone).date(),
        purpose=row["purpose"],
        template=row["template"],
        debts=frozenset(row["debts"]),
        read=row["status"] == "read",
        clicked=row["clicked"],
        failed=row["state"] == "failed" and row["error_code"] == _NOT_REACHED,
    )
