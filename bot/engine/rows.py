"""One decided turn on its way into the database, and what a batch of turns writes set-wise at its end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.store import payments, returns, timers
from bot.store.conversations import Conversation
from bot.store.journal import Entry
from bot.store.ladder import Contacted, StepOver
from bot.store.outbox import Decided
from flows.facts import Facts


@dataclass(slots=True, kw_only=True)
class Turn:
    """One decided turn on its way into the database."""

    conversation: Conversation
    facts: Facts
    inbox_id: int
    decision: str = "{}"  # JSON: the state and the event that it came from
    settlement: payments.Plan | None = None
    charges_taken_back: tuple[int, ...] = ()  # by its payment, which is booked before anything is said
    taken_back: returns.Plan | None = None
    count: int = 0

    def key(self) -> str:
        """The next decision key of this turn."""
        self.count += 1
        return f"t{self.inbox_id}.{self.count}"


@dataclass(slots=True, kw_only=True)
class Rows:
    """What a batch writes set-wise at its end."""

    outbox: list[Decided] = field(default_factory=list)
    journal: dict[int, list[Entry]] = field(default_factory=dict)
    timers_set: list[timers.Setting] = field(default_factory=list)
    timers_cleared: list[str] = field(default_factory=list)
    contacts: list[Contacted] = field(default_factory=list)
    steps: list[StepOver] = field(default_factory=list)
    bells: set[str] = field(default_factory=set)

    def note(self, turn: Turn, kind: str, body: Mapping[str, Any], *, key: str | None = None) -> None:
        """Add a line to the conversation's journal."""
        entry = Entry(at=turn.facts.now, kind=kind, body=body, inbox_id=turn.inbox_id, decision_key=key)
        self.journal.setdefault(turn.conversation.id, []).append(entry)


def queue(
    turn: Turn,
    rows: Rows,
    *,
    kind: str,
    purpose: str,
    body: Mapping[str, Any],
    guards: Mapping[str, Any] | None = None,
    decision: str | None = None,
) -> str:
    """Add an outbox row; return its decision key. `decision`: why, as JSON, where the turn's own says too little."""
    key = turn.key()
    rows.outbox.append(
        Decided(
            conversation_id=turn.conversation.id,
            decision_key=key,
            kind=kind,
            purpose=purpose,
            body=json.dumps(body, ensure_ascii=True, separators=(",", ":")),
            guards=json.dumps(guards or {}, separators=(",", ":")),
            decision=decision or turn.decision,
            epoch=turn.conversation.epoch,
        )
    )
    rows.bells.add("charges" if kind in ("charge", "cancel_charge") else "sends")
    return key
