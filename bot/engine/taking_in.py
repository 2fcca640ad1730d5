"""From Meta's body to inbox rows: one arrival per thing that happened, parked where nobody here may decide it."""

import hashlib
from datetime import datetime

from bot.engine import channel_state, template_status
from bot.engine.inbox import TOO_OLD
from bot.engine.parts import Parts
from bot.store.inbox import Arrival
from bot.whatsapp import inbound
from bot.whatsapp.card_numbers import without_cards_in_bytes

# The fields whose news somebody applies; those of others are kept and shown.
AWAITED = channel_state.FIELDS | template_status.FIELDS


def arrivals_of(parts: Parts, raw: bytes) -> list[Arrival]:
    """Return one arrival per item of a body; a body that cannot be read is one arrival, parked."""
    now = parts.clock.now()
    items = inbound.items(raw)
    if isinstance(items, inbound.Unreadable):
        raw = without_cards_in_bytes(raw)
        key = f"u:{hashlib.sha256(raw).hexdigest()}"
        return [
            Arrival(
                source="whatsapp",
                dedupe_key=key,
                kind="unreadable",
                raw=raw,
                received_at=now,
                parked_because=items.reason,
            )
        ]
    return [_arrival(parts, item, now) for item in items]


def _arrival(parts: Parts, item: inbound.Item, now: datetime) -> Arrival:
    ours = item.phone_number_id in (None, parts.settings.whatsapp.phone_number_id)
    late = item.occurred_at is not None and now - item.occurred_at > TOO_OLD
    talks = item.kind == "message" and item.address is not None
    parked = "another_number" if not ours else "too_old" if late else None
    if item.kind == "message" and not talks:
        parked = parked or "no_sender"
    return Arrival(
        source="whatsapp",
        dedupe_key=item.dedupe_key,
        kind=item.kind if item.kind in ("message", "status") else "other",
        raw=item.raw,
        received_at=now,
        occurred_at=item.occurred_at,
        names=(item.address, *item.aliases) if talks and ours and item.address else (),
        parked_because=parked,
        awaited=item.kind in ("message", "status") or item.field in AWAITED,
    )
