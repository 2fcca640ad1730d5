"""Policies as they are handed in and decided: exact bytes under their digest, by one person and by another.

What is in force follows from the signed journal alone (`bot.store.policy_journal`); the bytes count only while they
have the digest that was approved.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.store import policy_journal
from bot.store.policy_journal import PolicyJournal
from flows.approvals import PROPOSING, Approval, PolicyEvent, approvals, last_decision, same_name, waiting
from flows.policy import Policy, read_policy
from flows.yaml_lines import Mistake

_ROLES = ("finance", "admin")
_TEXT_CHARACTERS = 2000
_REFUSED_ALREADY = "This policy is refused already, by {name}."

PERSON = "SELECT id, role, disabled_at IS NOT NULL AS disabled FROM app_user WHERE lower(name) = lower($1)"
KEEP = """
INSERT INTO policy AS p (digest, name, title, source, valid_from, valid_until, submitted_by, submitted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
-- Bytes that somebody changed come back with the file: its digest says that they are the right ones.
ON CONFLICT (digest) DO UPDATE
SET    source = EXCLUDED.source, title = EXCLUDED.title, valid_from = EXCLUDED.valid_from,
       valid_until = EXCLUDED.valid_until
WHERE  (p.source, p.title, p.valid_from, p.valid_until)
       IS DISTINCT FROM (EXCLUDED.source, EXCLUDED.title, EXCLUDED.valid_from, EXCLUDED.valid_until)
"""
SOURCE = "SELECT source FROM policy WHERE digest = $1"
LIST = """
SELECT digest, name, title, valid_from, valid_until, submitted_by, submitted_at
FROM   policy ORDER BY submitted_at DESC, digest
"""


class PolicyRefused(Exception):
    """A submission or decision that may not be; the text says why, and what to do. `says` has `fields` to fill in."""

    def __init__(self, says: str, **fields: object) -> None:
        super().__init__(says.format(**fields) if fields else says)
        self.says, self.fields = says, fields


class PolicyUnreadable(PolicyRefused):
    """The file has mistakes; `mistakes` has all of them."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who does it and when; `form_key` is of the form it was done with: the same form again is the same deed."""

    name: str
    at: datetime
    secret: bytes
    user_id: int | None = None
    form_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One policy that was handed in, for people to look at: who handed it in last, and who approved it, where nobody
    refused it since. Of an approval for fewer days than the file's those count."""

    digest: str
    name: str
    title: str
    valid_from: date
    valid_until: date
    submitted_by: str
    submitted_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    is_waiting: bool


async def submit(conn: Any, source: bytes, *, file: str, by: By, text: str = "") -> str:
    """Keep a policy for approval and return its digest. What waits or is approved already stays as it is; bytes of it
    that were changed behind our back are put right. Raises PolicyRefused."""
    person = await _person(conn, by)
    policy = read_policy(source, name=file)
    if not isinstance(policy, Policy):
        raise PolicyUnreadable(policy)
    digest, valid = policy.digest, policy.valid
    async with conn.transaction():
        journal = await _held(conn, by)
        await conn.execute(KEEP, digest, policy.name, policy.title, source, valid.first, valid.last, person.name, by.at)
        decided = last_decision(journal.events, digest)
        if waiting(journal.events, digest) or (decided is not None and decided.kind == "approved"):
            return digest
        await _write(conn, journal, person, kind="submitted", digest=digest, text=text)
    return digest


async def propose_again(conn: Any, digest: str, *, by: By, today: date, text: str = "") -> None:
    """Propose that bytes of before be in force again; somebody else decides, as on any file. Raises PolicyRefused."""
    person, digest = await _person(conn, by), digest.strip().lower()
    async with conn.transaction():
        journal = await _held(conn, by)
        await _still_valid(conn, digest, today)
        if waiting(journal.events, digest):
            raise PolicyRefused("This policy waits for a decision already.")
        newest = next(iter(approvals(journal.events)), None)
        if newest is not None and newest.digest == digest:
            raise PolicyRefused("This policy is the newest that was approved; there is nothing to go back to.")
        await _write(conn, journal, person, kind="proposed_again", digest=digest, text=text)


async def approve(
    conn: Any,
    digest: str,
    *,
    by: By,
    today: date,
    text: str = "",
    valid_from: date | None = None,
    valid_until: date | None = None,
    against: int | None = None,
) -> None:
    """Put what waits in force, on the file's days or fewer; who approved it before stays. `against`: the line of the
    newest approval when whoever decides looked. Raises PolicyRefused."""
    person, digest = await _person(conn, by), digest.strip().lower()
    async with conn.transaction():
        journal = await _held(conn, by)
        until = await _still_valid(conn, digest, today)
        proposal = _to_decide(journal, digest, person)
        if against not in (None, newest_approval(journal)):
            raise PolicyRefused("Another policy was approved since you looked. See what changes now, then decide.")
        if valid_from is not None and valid_until is not None and valid_from > valid_until:
            raise PolicyRefused("The first day is after the last one.")
        if min(until, valid_until or until) < max(today, valid_from or today):
            raise PolicyRefused("On these days the policy would never be in force.")
        await _write(
            conn, journal, person, kind="approved", digest=digest, text=text, proposal=proposal.n,
            valid_from=valid_from, valid_until=valid_until,
        )  # fmt: skip


async def refuse(conn: Any, digest: str, *, by: By, text: str) -> None:
    """Say no to what waits, and why. Raises PolicyRefused."""
    person, digest = await _person(conn, by), digest.strip().lower()
    if not text.strip():
        raise PolicyRefused("Say why: whoever submitted it has to know what to change.")
    async with conn.transaction():
        journal = await _held(conn, by)
        proposal = _to_decide(journal, digest, person)
        await _write(conn, journal, person, kind="refused", digest=digest, text=text, proposal=proposal.n)


async def comment(conn: Any, digest: str, *, by: By, text: str) -> None:
    """Say something about a policy, for whoever decides. Raises PolicyRefused."""
    person, digest = await _person(conn, by), digest.strip().lower()
    if not text.strip():
        raise PolicyRefused("Write something first.")
    async with conn.transaction():
        journal = await _held(conn, by)
        about = next((e for e in reversed(journal.events) if e.digest == digest and e.kind in PROPOSING), None)
        if about is None:
            raise PolicyRefused("No policy of this digest was submitted. `acerto policy list` shows them.")
        await _write(conn, journal, person, kind="commented", digest=digest, text=text, proposal=about.n)


def newest_approval(journal: PolicyJournal) -> int:
    """Return the line of the newest approval, 0 where there is none."""
    return next((approval.decision.n for approval in approvals(journal.events)), 0)


async def source_of(conn: Any, digest: str) -> bytes | None:
    """Return the bytes that are kept under a digest, whether or not they still have it."""
    found: bytes | None = await conn.fetchval(SOURCE, digest)
    return found


def has_digest(source: bytes, digest: str) -> bool:
    """Return whether these are the bytes of the digest."""
    return hashlib.sha256(source).hexdigest() == digest


async def every(conn: Any, secret: bytes) -> tuple[PolicyRow, ...]:
    """Return all policies that were handed in, newest first, as the journal has them."""
    journal = await policy_journal.read(conn, secret)
    newest: dict[str, Approval] = {}
    for approval in approvals(journal.events):
        newest.setdefault(approval.digest, approval)
    open_ = {event.digest for event in waiting(journal.events)}
    rows = []
    for row in await conn.fetch(LIST):
        approved = newest.get(row["digest"])
        decided = last_decision(journal.events, row["digest"])
        stands = approved.decision if approved is not None and approved.decision == decided else None
        first = stands.valid_from if stands is not None else None
        last = stands.valid_until if stands is not None else None
        proposed = next(
            (e for e in reversed(journal.events) if e.digest == row["digest"] and e.kind in PROPOSING), None
        )
        rows.append(
            PolicyRow(
                digest=row["digest"],
                name=row["name"],
                title=row["title"],
                valid_from=max(row["valid_from"], first or date.min),
                valid_until=min(row["valid_until"], last or date.max),
                submitted_by=proposed.by if proposed is not None else row["submitted_by"],
                submitted_at=proposed.at if proposed is not None else row["submitted_at"],
                approved_by=stands.by if stands is not None else None,
                approved_at=stands.at if stands is not None else None,
                is_waiting=row["digest"] in open_,
            )
        )
    return tuple(rows)


async def _held(conn: Any, by: By) -> PolicyJournal:
    """The journal, held for one more line; what this form did before stands."""
    journal = await policy_journal.hold(conn, by.secret)
    if by.form_key is not None and await policy_journal.is_known_form(conn, by.form_key):
        raise PolicyRefused("This was done already; nothing was done twice.")
    return journal


async def _write(conn: Any, journal: PolicyJournal, person: By, **said: Any) -> None:
    said["text"] = said["text"].strip()[:_TEXT_CHARACTERS]
    event = PolicyEvent(n=journal.last + 1, at=person.at, by=person.name, user_id=person.user_id, **said)
    await policy_journal.append(conn, journal, person.secret, event, form_key=person.form_key)


async def _still_valid(conn: Any, digest: str, today: date) -> date:
    """The last day of a policy that is there and not over, by its very bytes: who decides must have seen those."""
    source = await source_of(conn, digest)
    if source is None:
        raise PolicyRefused("No policy of this digest was submitted. `acerto policy list` shows them.")
    if not has_digest(source, digest):
        raise PolicyRefused(
            "The bytes that are kept are not those of this digest any more: somebody changed them. Hand in the file"
            " again before anybody decides."
        )
    policy = read_policy(source, name="")
    if not isinstance(policy, Policy):
        raise PolicyRefused(
            "This version of Acerto cannot read the file. Hand in one that `acerto policy check` accepts."
        )
    until = policy.valid.last
    if until < today:
        raise PolicyRefused(
            "This policy was valid until {until}. Submit one whose days are still to come.", until=until
        )
    return until


def _to_decide(journal: PolicyJournal, digest: str, person: By) -> PolicyEvent:
    """The proposal that a decision is on."""
    for proposal in waiting(journal.events, digest):
        if (proposal.user_id is not None and proposal.user_id == person.user_id) or same_name(proposal.by, person.name):
            raise PolicyRefused("{name} submitted this policy; somebody else has to decide on it.", name=person.name)
        return proposal
    decided = last_decision(journal.events, digest)
    if decided is None:
        raise PolicyRefused("This policy has to be submitted once more: its submission is not in the journal.")
    said = "This policy is approved already, by {name}." if decided.kind == "approved" else _REFUSED_ALREADY
    raise PolicyRefused(said, name=decided.by)


async def _person(conn: Any, by: By) -> By:
    """Who it is, the name tidied. Whoever has a login must be of finance; who has none is known to the machine's
    owner."""
    name = " ".join(by.name.split())
    if not name:
        raise PolicyRefused("Say who you are: the name is empty.")
    user = await conn.fetchrow(PERSON, name)
    if user is not None and user["disabled"]:
        raise PolicyRefused("{name} may not log in any more; somebody else has to do it.", name=name)
    if user is not None and user["role"] not in _ROLES:
        raise PolicyRefused(
            "{name} has the role {role}; policies belong to finance and admin.", name=name, role=user["role"]
        )
    user_id = by.user_id if by.user_id is not None or user is None else user["id"]
    return By(name=name, at=by.at, secret=by.secret, user_id=user_id, form_key=by.form_key)
