"""Policies as they were submitted and approved: exact bytes under their digest, by one person and by another.

The one in force is the newest approval whose validity covers the day. A file that this version cannot read any more is
passed over: the last good one stays.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import count
from typing import Any

from flows.policy import Policy, read_policy
from flows.yaml_lines import Mistake

_ROLES = ("finance", "admin")

ROLE_OF = "SELECT role, disabled_at IS NOT NULL AS disabled FROM app_user WHERE lower(name) = lower($1)"
# The same bytes again are the same submission: who came first stays its author.
SUBMIT = """
INSERT INTO policy (digest, name, title, source, valid_from, valid_until, submitted_by, submitted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (digest) DO NOTHING
"""
FIND_FOR_APPROVAL = "SELECT valid_until, submitted_by, approved_by FROM policy WHERE digest = $1 FOR UPDATE"
APPROVE = "UPDATE policy SET approved_by = $2, approved_at = $3 WHERE digest = $1 AND approved_by IS NULL"
NEWEST_APPROVED = """
SELECT digest, name, source FROM policy
WHERE  approved_at IS NOT NULL AND $1 BETWEEN valid_from AND valid_until
ORDER  BY approved_at DESC, submitted_at DESC, digest
LIMIT  1 OFFSET $2
"""
LIST = """
SELECT digest, name, title, valid_from, valid_until, submitted_by, submitted_at, approved_by, approved_at
FROM   policy ORDER BY submitted_at DESC, digest
"""


class PolicyRefused(Exception):
    """A submission or approval that may not be; the text says why, and what to do."""


class PolicyUnreadable(PolicyRefused):
    """The file has mistakes; `mistakes` has all of them."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPolicy:
    """The bytes of an approved policy; `name` is the policy's own."""

    digest: str
    name: str
    source: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One submission, for people to look at."""

    digest: str
    name: str
    title: str
    valid_from: date
    valid_until: date
    submitted_by: str
    submitted_at: datetime
    approved_by: str | None
    approved_at: datetime | None


async def submit(conn: Any, source: bytes, *, file: str, by: str, now: datetime) -> str:
    """Keep a policy for approval and return its digest; the same bytes again change nothing. Raises PolicyRefused."""
    author = await _person(conn, by)
    policy = read_policy(source, name=file)
    if not isinstance(policy, Policy):
        raise PolicyUnreadable(policy)
    valid = policy.valid
    await conn.execute(SUBMIT, policy.digest, policy.name, policy.title, source, valid.first, valid.last, author, now)
    return policy.digest


async def approve(conn: Any, digest: str, *, by: str, now: datetime, today: date) -> None:
    """Put a submitted policy in force; who approved it before stays. Raises PolicyRefused. Inside a transaction."""
    approver = await _person(conn, by)
    found = await conn.fetchrow(FIND_FOR_APPROVAL, digest.strip().lower())
    if found is None:
        raise PolicyRefused("No policy of this digest was submitted. `acerto policy list` shows them.")
    if _same_person(approver, found["submitted_by"]):
        raise PolicyRefused(f"{approver} submitted this policy; somebody else has to approve it.")
    if found["approved_by"] is not None:
        raise PolicyRefused(f"This policy is approved already, by {found['approved_by']}.")
    if found["valid_until"] < today:
        raise PolicyRefused(
            f"This policy was valid until {found['valid_until']}. Submit one whose days are still to come."
        )
    await conn.execute(APPROVE, digest.strip().lower(), approver, now)


async def in_force(conn: Any, on: date) -> StoredPolicy | None:
    """Return the newest approved policy that covers the local day `on` and reads; None: nothing may be offered."""
    for passed_over in count():
        row = await conn.fetchrow(NEWEST_APPROVED, on, passed_over)
        if row is None:
            return None
        if _reads(row["source"]):
            return StoredPolicy(digest=row["digest"], name=row["name"], source=row["source"])
    raise AssertionError("counting ended")


async def every(conn: Any) -> tuple[PolicyRow, ...]:
    """Return all submissions, newest first."""
    return tuple(PolicyRow(**row) for row in await conn.fetch(LIST))


async def _person(conn: Any, by: str) -> str:
    """The name, tidied. Whoever has a login must be of finance; who has none is known to the machine's owner."""
    name = " ".join(by.split())
    if not name:
        raise PolicyRefused("Say who you are: the name is empty.")
    user = await conn.fetchrow(ROLE_OF, name)
    if user is not None and user["disabled"]:
        raise PolicyRefused(f"{name} may not log in any more; somebody else has to do it.")
    if user is not None and user["role"] not in _ROLES:
        raise PolicyRefused(f"{name} has the role {user['role']}; policies belong to finance and admin.")
    return name


@lru_cache(maxsize=64)
def _reads(source: bytes) -> bool:
    """Whether this version still reads the file. Asked in every turn, so it is remembered."""
    return isinstance(read_policy(source, name=""), Policy)


def _same_person(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
