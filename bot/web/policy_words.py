"""What became of a policy, in words: in force, waiting, approved, refused; and what keeps one from counting."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.engine.policy_in_force import Trouble
from flows.approvals import PolicyEvent, approvals, last_decision, waiting
from flows.facts import PolicyInForce
from flows.wording import Texts

TROUBLES: dict[Trouble, str] = {
    "journal_changed": "Lines of the journal of approvals were changed outside Acerto. They do not count.",
    "journal_shortened": "Lines of the journal of approvals have vanished while Acerto was running.",
    "policy_changed": (
        "The file of an approved policy was changed after its approval. It is not used until the very same file is"
        " handed in again."
    ),
    "policy_unreadable": "An approved policy cannot be read by this version. It is not used.",
    "earlier_again": "The days of the policy that was approved last are over: an earlier one is in force again.",
    "policy_over": "The days of the approved policy are over. Nothing is offered until another is approved.",
}
EVENTS = {
    "submitted": "submitted it",
    "proposed_again": "proposed to go back to it",
    "commented": "commented",
    "approved": "approved it",
    "refused": "refused it",
}


def as_written(source: bytes) -> list[str]:
    """Return the lines of a file in which nothing hides: characters that have no shape, or turn the direction of what
    stands beside them, stand as their number. Who approves must see what the machine reads."""
    text = source.decode("utf-8-sig", "replace")
    return "".join(f"[U+{ord(c):04X}]" if _hides(c) else c for c in text).splitlines()


def _hides(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf") and character not in "\n\r\t\x85"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One word for a policy, and the name of its colour."""

    word: str
    look: str


def standing(
    events: Sequence[PolicyEvent],
    digest: str,
    current: PolicyInForce | None,
    texts: Texts,
    *,
    today: date,
    days: tuple[date, date] | None,
) -> Standing:
    """Return what a policy is today. `days`: the file's own, both included; None where they cannot be read."""
    if waiting(events, digest):
        return Standing(word=texts("waits for a decision"), look="waiting")
    if current is not None and current.digest == digest:
        return Standing(word=texts("in force"), look="in-force")
    decided = last_decision(events, digest)
    if decided is None:
        return Standing(word=texts("handed in before the journal"), look="over")
    if decided.kind == "refused":
        return Standing(word=texts("refused"), look="refused")
    counting = approvals(events)
    if not any(approval.decision == decided for approval in counting):
        return Standing(word=texts("its approval does not count: the journal was changed"), look="refused")
    first, last = days or (today, today)
    first, last = max(first, decided.valid_from or first), min(last, decided.valid_until or last)
    if first > today:
        return Standing(word=texts("approved, in force from {day}").format(day=texts.day(first)), look="waiting")
    if last < today:
        return Standing(word=texts("approved, its days ended on {day}").format(day=texts.day(last)), look="over")
    if days is not None and any(other.digest != digest and other.decision.n > decided.n for other in counting):
        return Standing(word=texts("replaced by a later one"), look="over")
    return Standing(word=texts("approved, not in force"), look="over")
