"""The last look at a message that nobody asked for: why it must not go out any more, at this very moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.engine.parts import Parts
from bot.store.outbox import Head


async def reasons(
    conn: Any, parts: Parts, heads: Sequence[Head], conversations: Mapping[int, Any], now: datetime
) -> dict[int, str]:
    """Return, by outbox id, why a reminder or campaign must be cancelled; one that is not named may go out.

    Called in the transaction that claims messages, under the locks of their `conversations` (rows of
    `outbox.CLAIM_CONVERSATIONS` by id), at the instant `now` (UTC) of sending.
    """
    return {}
