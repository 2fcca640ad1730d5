"""Requests for offers outside the policy: asked by an agent, decided in time by another person, offered once."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from flows.approvals import same_name
from flows.facts import ApprovedException

Outcome: TypeAlias = Literal["done", "gone", "own", "late", "decided"]

IS_ASKED = "SELECT id FROM exception_request WHERE form_key = $1"
IS_WAITING = (
    "SELECT EXISTS (SELECT FROM exception_request WHERE debt_id = $1 AND state = 'waiting' AND answer_until > $2)"
)
# One that nobody answered in time is over and stays in the books: it makes room for another.
GIVE_UP = """
UPDATE exception_request SET state = 'expired' WHERE debt_id = $1 AND state = 'waiting' AND answer_until <= $2
"""
# Who asks for the same debt at the same instant, from another conversation, waits for the first here.
ASK = """
INSERT INTO exception_request (form_key, ticket_id, conversation_id, customer_id, debt_id, asked_by, asked_at,
                               answer_until, reason, wanted, open_cents)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING id
"""
_FIELDS = """
SELECT e.id, e.ticket_id, e.conversation_id, e.customer_id, e.debt_id, e.asked_by, a.name AS asked_by_name, e.asked_at,
       e.answer_until, e.reason, e.wanted, e.open_cents, e.state, d.name AS decided_by_name, e.decided_at, e.because,
       e.stands_until, e.offer_no, k.name AS customer, k.external_id AS customer_no, t.description,
       t.external_id AS debt_no
FROM   exception_request e JOIN app_user a ON a.id = e.asked_by LEFT JOIN app_user d ON d.id = e.decided_by
JOIN   customer k ON k.id = e.customer_id JOIN debt t ON t.id = e.debt_id
"""
WAITING = _FIELDS + "WHERE e.state = 'waiting' AND e.answer_until > $1 ORDER BY e.answer_until, e.id LIMIT $2"
LATELY = _FIELDS + "WHERE e.state <> 'waiting' OR e.answer_until <= $1 ORDER BY e.id DESC LIMIT $2"
ONE = _FIELDS + "WHERE e.id = $1"
OF_CONVERSATION = _FIELDS + "WHERE e.conversation_id = $1 AND e.customer_id = $2 ORDER BY e.id DESC LIMIT 20"
OF_CUSTOMER = _FIELDS + "WHERE e.customer_id = $1 ORDER BY e.id DESC LIMIT 20"
HOLD = """
SELECT e.asked_by, a.name AS asked_by_name, d.name AS decides, e.state, e.answer_until, e.conversation_id
FROM   exception_request e JOIN app_user a ON a.id = e.asked_by JOIN app_user d ON d.id = $2
WHERE  e.id = $1 FOR UPDATE OF e
"""
DECIDE = """
UPDATE exception_request SET state = $2, decided_by = $3, decided_at = $4, because = $5, stands_until = $6 WHERE id = $1
"""
APPROVED = """
SELECT e.id, e.conversation_id, e.debt_id, e.wanted, e.open_cents, e.stands_until, a.name AS asked_by,
       d.name AS decided_by
FROM   exception_request e JOIN app_user a ON a.id = e.asked_by JOIN app_user d ON d.id = e.decided_by
WHERE  e.conversation_id = any($1::bigint[]) AND e.state = 'approved' AND e.offer_no IS NULL
"""
USE = "UPDATE exception_request SET offer_no = $2 WHERE id = $1 AND state = 'approved' AND offer_no IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, for people to look at; `wanted` as `flows.special_offer.Wanted` writes it."""

    id: int
    ticket_id: int
    conversation_id: int
    customer_id: int
    debt_id: int
    asked_by: int
    asked_by_name: str
    asked_at: datetime
    answer_until: datetime
    reason: str
    wanted: Mapping[str, Any]
    open_cents: int
    state: Literal["waiting", "approved", "refused", "expired"]
    decided_by_name: str | None
    decided_at: datetime | None
    because: str | None
    stands_until: date | None
    offer_no: int | None
    customer: str
    customer_no: str
    description: str
    debt_no: str

    def is_waiting(self, now: datetime) -> bool:
        """Whether somebody may still decide."""
        return self.state == "waiting" and now < self.answer_until

    def may_be_offered(self, today: date) -> bool:
        """Whether the agent may make the offer of it."""
        return (
            self.state == "approved"
            and self.offer_no is None
            and self.stands_until is not None
            and today <= self.stands_until
        )


async def ask(
    conn: Any,
    *,
    form_key: str,
    ticket_id: int,
    conversation_id: int,
    customer_id: int,
    debt_id: int,
    open_cents: int,
    asked_by: int,
    reason: str,
    wanted: Mapping[str, Any],
    now: datetime,
    answer_until: datetime,
) -> int | None:
    """Keep a request and return its number; None: one for this debt waits already, or this form was sent before. Inside
    a transaction that holds the ticket."""
    if await conn.fetchval(IS_ASKED, form_key) is not None or await conn.fetchval(IS_WAITING, debt_id, now):
        return None
    await conn.execute(GIVE_UP, debt_id, now)
    request_id: int | None = await conn.fetchval(
        ASK, form_key, ticket_id, conversation_id, customer_id, debt_id, asked_by, now, answer_until, reason,
        json.dumps(wanted), open_cents,
    )  # fmt: skip
    return request_id


async def decide(
    conn: Any, request_id: int, *, approved: bool, by_id: int, because: str, stands_until: date | None, now: datetime
) -> tuple[Outcome, int]:
    """Approve or refuse a request in time, by another person than who asked (a second login of the same name is the
    same person); return what became of it and its conversation. Inside a transaction."""
    row = await conn.fetchrow(HOLD, request_id, by_id)
    if row is None:
        return "gone", 0
    if row["state"] in ("approved", "refused"):
        return "decided", row["conversation_id"]
    if row["asked_by"] == by_id or same_name(row["asked_by_name"], row["decides"]):
        return "own", row["conversation_id"]
    if row["state"] == "expired" or now >= row["answer_until"]:
        return "late", row["conversation_id"]
    state = "approved" if approved else "refused"
    await conn.execute(DECIDE, request_id, state, by_id, now, because, stands_until if approved else None)
    return "done", row["conversation_id"]


async def waiting(conn: Any, now: datetime, *, limit: int) -> list[Request]:
    """Return what waits for an answer, the most urgent first."""
    return [_request(row) for row in await conn.fetch(WAITING, now, limit)]


async def lately(conn: Any, now: datetime, *, limit: int) -> list[Request]:
    """Return what was decided, or not in time, newest first."""
    return [_request(row) for row in await conn.fetch(LATELY, now, limit)]


async def one(conn: Any, request_id: int) -> Request | None:
    """Return a request."""
    row = await conn.fetchrow(ONE, request_id)
    return _request(row) if row is not None else None


async def of_conversation(conn: Any, conversation_id: int, *, customer_id: int) -> list[Request]:
    """Return the newest requests of a conversation for this customer: somebody else may have been there before."""
    return [_request(row) for row in await conn.fetch(OF_CONVERSATION, conversation_id, customer_id)]


async def of_customer(conn: Any, customer_id: int) -> list[Request]:
    """Return the newest requests for a customer, in whatever conversation."""
    return [_request(row) for row in await conn.fetch(OF_CUSTOMER, customer_id)]


async def approved(conn: Any, conversations: Sequence[int]) -> dict[int, list[ApprovedException]]:
    """Return what may be offered in each of these conversations."""
    found: dict[int, list[ApprovedException]] = defaultdict(list)
    for row in await conn.fetch(APPROVED, conversations):
        fields = dict(row)
        conversation_id = fields.pop("conversation_id")
        found[conversation_id].append(ApprovedException(**{**fields, "wanted": json.loads(fields["wanted"])}))
    return found


async def use(conn: Any, request_id: int, *, offer_no: int) -> None:
    """Note which offer was made of it."""
    await conn.execute(USE, request_id, offer_no)


def _request(row: Any) -> Request:
    return Request(**{**row, "wanted": json.loads(row["wanted"])})
