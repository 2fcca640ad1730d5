"""What became of each policy that was handed in: waiting, approved, refused; by whom, and for which days.

Made from the events of the journal alone, in their order. A proposal (a file submitted, or an earlier one proposed
again) waits until somebody else than who made it approves or refuses it; a roll-back is a proposal like any other.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["submitted", "proposed_again", "commented", "approved", "refused"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PROPOSING: tuple[Kind, ...] = ("submitted", "proposed_again")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEvent:
    """One line of the journal. `proposal` is the line of the proposal that a decision or comment is about.

    `valid_from` and `valid_until` narrow the days of an approved file, both included; None leaves the file's own.
    """

    n: int
    at: datetime
    kind: Kind
    digest: str
    by: str
    user_id: int | None = None
    proposal: int | None = None
    text: str = ""
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Bytes that two people stand for."""

    digest: str
    proposal: PolicyEvent
    decision: PolicyEvent

    def covers(self, day: date) -> bool:
        """Whether the approval counts on a local day, whatever days the file itself says."""
        decided = self.decision
        return (decided.valid_from is None or decided.valid_from <= day) and (
            decided.valid_until is None or day <= decided.valid_until
        )


def approvals(events: Iterable[PolicyEvent]) -> tuple[Approval, ...]:
    """Return the approvals that count, newest first: each of a proposal that stands before it, of the same bytes, that
    nobody had decided, by another person than who made it."""
    proposals: dict[int, PolicyEvent] = {}
    found: list[Approval] = []
    for event in events:
        if event.kind in PROPOSING:
            proposals[event.n] = event
        elif event.kind in ("approved", "refused"):
            proposal = proposals.pop(event.proposal or 0, None)
            if proposal is None or proposal.digest != event.digest or is_one_person(proposal, event):
                continue
            if event.kind == "approved":
                found.append(Approval(digest=event.digest, proposal=proposal, decision=event))
    return tuple(reversed(found))


def waiting(events: Sequence[PolicyEvent], digest: str | None = None) -> tuple[PolicyEvent, ...]:
    """Return the proposals that nobody decided yet, oldest first; of one digest, or of all."""
    decided = {event.proposal for event in events if event.kind in ("approved", "refused")}
    return tuple(
        event
        for event in events
        if event.kind in PROPOSING and event.n not in decided and digest in (None, event.digest)
    )


def last_decision(events: Sequence[PolicyEvent], digest: str) -> PolicyEvent | None:
    """Return the newest approval or refusal of a digest."""
    return next((e for e in reversed(events) if e.digest == digest and e.kind in ("approved", "refused")), None)


def is_one_person(one: PolicyEvent, other: PolicyEvent) -> bool:
    """Return whether two lines are of one person: one login, or one name however it is written."""
    if one.user_id is not None and one.user_id == other.user_id:
        return True
    return same_name(one.by, other.by)


def same_name(one: str, other: str) -> bool:
    """Return whether two names are one, whatever their blanks, letter case, accents, dots and characters that nobody
    sees. In doubt they are: somebody else can still decide."""
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    whole = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", whole) if unicodedata.category(c)[0] in "LN")
