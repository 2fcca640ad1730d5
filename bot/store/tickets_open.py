"""Opening a ticket, from a turn: at most one open ticket per conversation."""

from datetime import datetime
from typing import Any

OPEN = """
INSERT INTO ticket (conversation_id, customer_id, debt_id, reason, queue, opened_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (conversation_id) WHERE state <> 'closed' DO NOTHING
"""


async def open_ticket(
    conn: Any,
    *,
    conversation_id: int,
    customer_id: int | None,
    debt_id: int | None,
    reason: str,
    queue: str,
    now: datetime,
) -> None:
    """Open a ticket; one that is open already stays as it is."""
    await conn.execute(OPEN, conversation_id, customer_id, debt_id, reason, queue, now)
