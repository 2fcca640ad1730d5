"""What turns about the ladder know besides: read only for them, in a few queries for the whole batch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.engine import rollout
from bot.engine.parts import Parts
from bot.store import ladder, ladder_facts, notices
from bot.store.conversations import Conversation
from bot.store.ladder_facts import Climb
from flows.events import ChargeFailed, ChargeReady, DeliveryFailed, Event, Pressed, TimerFired, Typed
from flows.facts import Facts
from flows.ladder import Ladder
from flows.rollout import is_among

_CATEGORY = "utility"
_ACTIVE = ("reminder", "first_contact")
# After what refusal the ladder looks again, and when: the window had closed; the template is paused for some hours; so
# many messages reached this person from anybody today.
_AGAIN = {131047: timedelta(minutes=1), 132015: timedelta(hours=3), 131049: timedelta(hours=24)}


async def with_ladder(
    conn: Any,
    parts: Parts,
    held: Sequence[Conversation],
    events: Mapping[int, Event],
    known: Mapping[int, Facts],
) -> dict[int, Facts]:
    """Return the facts; of turns about the ladder with what it has to know, of those in which somebody writes with the
    last reminder."""
    found = dict(known)
    climbs = [climb for c in held if (climb := _climb(c, events.get(c.id))) is not None]
    if climbs:
        now = next(iter(known.values())).now
        policy = next(iter(known.values())).policy
        in_force = await parts.ladders.in_force(now)
        if in_force is not None:
            percent = await rollout.reach(conn, in_force, now)
            wa_ids = {c.id: c.wa_id or c.address for c in held}
            climbs = [
                replace(
                    c,
                    in_rollout=is_among(in_force.digest, c.customer_id, percent),
                    free_form=await _free_form(conn, parts, now, wa_ids[c.conversation_id]),
                    over_ceiling=await _over_ceiling(conn, parts, in_force, now, wa_ids[c.conversation_id]),
                )
                for c in climbs
            ]
            loaded = await ladder_facts.load(
                conn, climbs, ladder=in_force, templates=await parts.ladders.templates(conn), policy=policy, now=now
            )
            found |= {number: replace(found[number], ladder=facts) for number, facts in loaded.items()}
    writing = {
        c.id: c.customer_id for c in held if c.customer_id is not None and isinstance(events.get(c.id), Typed | Pressed)
    }
    last = await ladder_facts.last_reminders(conn, writing)
    return found | {number: replace(found[number], last_reminder=one) for number, one in last.items()}


async def take_back_undelivered(conn: Any, failed: DeliveryFailed, now: datetime) -> None:
    """A reminder that WhatsApp refused for a reason that passes is taken back, and the ladder decides anew."""
    wait = _AGAIN.get(failed.code)
    if failed.purpose in _ACTIVE and wait is not None:
        await ladder.undo(conn, [(failed.outbox_id, f"refused_{failed.code}")], now + wait)


async def _free_form(conn: Any, parts: Parts, now: datetime, wa_id: str) -> bool:
    """Whether an ordinary message costs no more than a template inside an open window."""
    cheaper = await parts.costs.cheaper_in_window(conn, now, wa_id=wa_id, template_category=_CATEGORY)
    return cheaper == "free_form"


async def _over_ceiling(conn: Any, parts: Parts, in_force: Ladder, now: datetime, wa_id: str) -> bool:
    """Whether one more reminder would pass what the ladder may cost in a month."""
    if in_force.monthly is None:
        return False
    ceiling = in_force.monthly.ceiling
    is_over = await parts.costs.over_ceiling(conn, now, wa_id=wa_id, category=_CATEGORY, ceiling_cents=ceiling)
    if is_over:
        month = f"{parts.costs.today(now):%m/%Y}"
        key = f"ceiling:{in_force.name}:{month}:{ceiling}"
        await notices.tell(conn, key=key, kind="ceiling", subject=month, queue="financeiro", now=now)
    return is_over


def _climb(conversation: Conversation, event: Event | None) -> Climb | None:
    match event:
        case TimerFired(name="ladder", subject=customer_id):
            return Climb(conversation_id=conversation.id, customer_id=customer_id)
        case TimerFired(name="promise") if conversation.customer_id is not None:
            return Climb(conversation_id=conversation.id, customer_id=conversation.customer_id)
        case ChargeReady() | ChargeFailed() if conversation.customer_id is not None:
            is_ours = "reminding" in json.loads(conversation.state).get("memory", {})
            return Climb(conversation_id=conversation.id, customer_id=conversation.customer_id) if is_ours else None
        case _:
            return None
