"""The last look at a message that nobody asked for: why it must not go out any more, at this very moment.

It is taken under the conversation's lock, and the debts are locked too: a payment that is being booked is waited for.
What is stopped here never left: its contact is taken back, its steps are open again, and the ladder decides anew.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.engine.parts import Parts
from bot.store import ladder, reminded
from bot.store.outbox import Head
from bot.store.reminded import Now

HELD = "held"
"""No reason to stop: something about this person waits to be decided, a message or a payment, and is waited for."""
_A_MOMENT = timedelta(minutes=1)


async def reasons(
    conn: Any, parts: Parts, heads: Sequence[Head], conversations: Mapping[int, Any], now: datetime
) -> dict[int, str]:
    """Return, by outbox id, why a reminder or campaign must be cancelled; one that is not named may go out.

    Called in the transaction that claims messages, under the locks of their `conversations` (rows of
    `outbox.CLAIM_CONVERSATIONS` by id), at the instant `now` (UTC) of sending.
    """
    guards = {head.id: json.loads(head.guards) for head in heads}
    customers = {guard["of"] for guard in guards.values() if "of" in guard}
    debts = {debt for guard in guards.values() for debt, _, _ in guard.get("debts", ())}
    here = await reminded.now(conn, sorted(debts), sorted(customers), [head.conversation_id for head in heads])
    today = now.astimezone(parts.settings.timezone).date()
    found = {head.id: _reason(guards[head.id], head.conversation_id, here, now, today) for head in heads}
    return {row_id: reason for row_id, reason in found.items() if reason is not None}


async def taken_back(conn: Any, heads: Sequence[Head], stopped: Mapping[int, str], now: datetime) -> None:
    """Take back the contacts of reminders that were stopped before they left."""
    gone = [(head.id, stopped[head.id]) for head in heads if head.id in stopped and "of" in json.loads(head.guards)]
    if gone:
        await ladder.undo(conn, gone, now + _A_MOMENT)


def _reason(guard: Mapping[str, Any], conversation_id: int, here: Now, now: datetime, today: Any) -> str | None:
    if "until" in guard and now > datetime.fromisoformat(guard["until"]):
        return "too_late"
    if guard.get("of") in here.silent or conversation_id in here.with_people:
        return "silent"
    if guard.get("template") in here.stopped_templates:
        return "template_stopped"
    for debt_id, n, open_cents in guard.get("debts", ()):
        owed = here.owed.get((debt_id, n))
        if owed is None:
            return "not_owed"
        if owed.open_cents != open_cents:
            return "amount_changed"
        if owed.promised_until is not None and owed.promised_until >= today:
            return "promised"
    return HELD if conversation_id in here.news else None
