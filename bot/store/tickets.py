"""Tickets at the desk: the queue, and who holds what. open → claimed → closed; only the one holder acts.

Opening is the turn's (`tickets_open`). Here the row's state changes in the same transaction that puts the agent's
action into the inbox; the conversation itself follows in its turn.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

Outcome: TypeAlias = Literal["handed_back", "closed"]
_LINES = 300

QUEUE = """
SELECT t.id, t.conversation_id, t.reason, t.queue, t.state, t.agent_id, u.name AS agent, t.opened_at,
       k.name AS customer, c.profile_name, c.address, c.journal_n,
       (SELECT j.body FROM journal j WHERE j.conversation_id = c.id AND j.kind = 'heard'
        ORDER BY j.n DESC LIMIT 1) AS heard
FROM   ticket t
JOIN   conversation c ON c.id = t.conversation_id
LEFT   JOIN customer k ON k.id = coalesce(c.customer_id, t.customer_id)
LEFT   JOIN app_user u ON u.id = t.agent_id
WHERE  t.state <> 'closed'
ORDER  BY t.opened_at, t.id
LIMIT  $1
"""
FIND = """
SELECT t.id, t.conversation_id, t.reason, t.queue, t.state, t.agent_id, u.name AS agent, t.opened_at, t.claimed_at,
       t.closed_at, t.outcome, coalesce(c.customer_id, t.customer_id) AS customer_id
FROM   ticket t JOIN conversation c ON c.id = t.conversation_id LEFT JOIN app_user u ON u.id = t.agent_id
WHERE  t.id = $1
"""
OLDEST_WAITING = "SELECT id FROM ticket WHERE state = 'open' AND id <> $1 ORDER BY opened_at, id LIMIT 1"
# Of two agents one updates the row, the other finds it claimed: nobody waits, nobody is asked twice.
CLAIM = """
UPDATE ticket SET state = 'claimed', agent_id = $2, claimed_at = $3 WHERE id = $1 AND state = 'open'
RETURNING conversation_id
"""
HOLD = "SELECT conversation_id FROM ticket WHERE id = $1 AND agent_id = $2 AND state = 'claimed' FOR UPDATE"
CLOSE = """
UPDATE ticket SET state = 'closed', outcome = $3, closed_at = $4 WHERE id = $1 AND agent_id = $2 AND state = 'claimed'
RETURNING conversation_id
"""
# What the desk shows of every open ticket, as one number each: the look that needs no hint.
FINGERPRINTS = """
SELECT t.conversation_id,
       hashtextextended(concat_ws(':', t.id, t.state, t.agent_id, c.journal_n, c.owner,
           (SELECT concat_ws(':', max(o.id), max(o.posted_at), max(o.accepted_at), max(o.sent_at), max(o.delivered_at),
                             max(o.read_at), max(o.failed_at), count(*) FILTER (WHERE o.state = 'unknown'))
            FROM outbox o WHERE o.conversation_id = t.conversation_id)), 0) AS fingerprint
FROM   ticket t JOIN conversation c ON c.id = t.conversation_id
WHERE  t.state <> 'closed'
"""
# The last lines of a conversation, in order, each with what became of the message it tells of.
TRANSCRIPT = """
SELECT * FROM (
    SELECT j.n, j.at, j.kind, j.body, o.state, o.status, o.reason, o.error_code
    FROM   journal j LEFT JOIN outbox o ON o.id = j.outbox_id
    WHERE  j.conversation_id = $1 ORDER BY j.n DESC LIMIT $2
) AS newest ORDER BY n
"""
# What agents wrote and the turn has not read yet.
ON_THEIR_WAY = """
SELECT raw FROM inbox
WHERE  conversation_id = $1 AND source = 'desk' AND kind = 'event' AND state = 'open' ORDER BY id LIMIT 20
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One row of the queue. `heard` is the journal's body of the last thing the person sent."""

    id: int
    conversation_id: int
    reason: str
    queue: str
    state: str
    agent_id: int | None
    agent: str | None
    opened_at: datetime
    customer: str | None
    profile_name: str | None
    address: str
    journal_n: int
    heard: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One ticket, whatever its state."""

    id: int
    conversation_id: int
    reason: str
    queue: str
    state: str
    agent_id: int | None
    agent: str | None
    opened_at: datetime
    claimed_at: datetime | None
    closed_at: datetime | None
    outcome: Outcome | None
    customer_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the transcript; the last four tell of delivery and are None where the line is no message."""

    n: int
    at: datetime
    kind: str
    body: str
    state: str | None
    status: str | None
    reason: str | None
    error_code: int | None


async def queue(conn: Any, *, limit: int = 200) -> list[Waiting]:
    """Return the tickets that are not closed, the longest waiting first."""
    return [Waiting(**row) for row in await conn.fetch(QUEUE, limit)]


async def find(conn: Any, ticket_id: int) -> Ticket | None:
    """Return a ticket."""
    row = await conn.fetchrow(FIND, ticket_id)
    return Ticket(**row) if row is not None else None


async def oldest_waiting(conn: Any, *, but: int) -> int | None:
    """Return the ticket that waits longest for somebody, other than `but`."""
    ticket_id: int | None = await conn.fetchval(OLDEST_WAITING, but)
    return ticket_id


async def claim(conn: Any, ticket_id: int, *, agent_id: int, now: datetime) -> int | None:
    """Take a ticket and return its conversation; None: somebody else was faster, or it is closed."""
    conversation_id: int | None = await conn.fetchval(CLAIM, ticket_id, agent_id, now)
    return conversation_id


async def hold(conn: Any, ticket_id: int, *, agent_id: int) -> int | None:
    """Keep the ticket with this agent until the transaction ends. Return its conversation; None: it is not theirs."""
    conversation_id: int | None = await conn.fetchval(HOLD, ticket_id, agent_id)
    return conversation_id


async def close(conn: Any, ticket_id: int, *, agent_id: int, outcome: Outcome, now: datetime) -> int | None:
    """Close a ticket that this agent holds and return its conversation; None: it is not theirs."""
    conversation_id: int | None = await conn.fetchval(CLOSE, ticket_id, agent_id, outcome, now)
    return conversation_id


async def fingerprints(conn: Any) -> dict[int, int]:
    """Return, for each conversation with an open ticket, a number that changes when its picture does."""
    return {row["conversation_id"]: row["fingerprint"] for row in await conn.fetch(FINGERPRINTS)}


async def transcript(conn: Any, conversation_id: int, *, limit: int = _LINES) -> list[Line]:
    """Return the last lines of a conversation, oldest first."""
    return [Line(**row) for row in await conn.fetch(TRANSCRIPT, conversation_id, limit)]


async def on_their_way(conn: Any, conversation_id: int) -> list[bytes]:
    """Return the agents' actions that wait for their turn, as the inbox keeps them."""
    return [bytes(row["raw"]) for row in await conn.fetch(ON_THEIR_WAY, conversation_id)]
