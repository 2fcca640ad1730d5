"""Conversations as the desk reads them: a look without a lock, so an agent who looks never makes a turn wait."""

from typing import Any

from bot.store.conversations import Conversation

READ = """
SELECT id, address, wa_id, user_id, customer_id, confirmed_at, state, owner, epoch, serial, wrong_answers, wrong_on,
       contact_closed_at, opted_out_at, heard_at, journal_n, journal_hash, profile_name
FROM   conversation WHERE id = $1
"""


async def read(conn: Any, conversation_id: int) -> Conversation:
    """Return a conversation as it is now."""
    return Conversation(**await conn.fetchrow(READ, conversation_id))
