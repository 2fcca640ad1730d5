"""The policy in force: each turn asks whether another was approved, and only then the YAML is parsed.

Nothing counts but what the signed journal says and bytes that have their digest. What does not is passed over, the last
good policy stays, and `troubles` says it.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal, TypeAlias

import structlog

from bot.store import policies, policy_journal
from bot.store.policy_journal import PolicyJournal
from flows.approvals import Approval, approvals
from flows.facts import PolicyInForce
from flows.policy import Policy, read_policy

Trouble: TypeAlias = Literal[
    "journal_changed", "journal_shortened", "policy_changed", "policy_unreadable", "policy_over", "earlier_again"
]

# One question for each turn: has anything been decided since, and are the bytes that were read last still there?
NOW = """
SELECT e.n, e.hash, p.source FROM (SELECT 1) AS once
LEFT   JOIN (SELECT n, hash FROM policy_event ORDER BY n DESC LIMIT 1) e ON true
LEFT   JOIN policy p ON p.digest = $1
"""
VALID_UNTIL = "SELECT valid_until FROM policy WHERE digest = $1"
log = structlog.get_logger(__name__)


class PolicyWatch:
    """Remembers the journal as it was last verified, and what was parsed. `secret`: the installation's, whose
    signatures count."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._journal = PolicyJournal()
        self._approvals: tuple[Approval, ...] = ()
        self._last = ""  # the digest that was in force when somebody last asked
        self._parsed: dict[str, PolicyInForce | Trouble] = {}  # a digest stands for bytes: it is parsed once
        self._seen = ""  # the hash of the last line, when the journal was read
        self._troubles: tuple[Trouble, ...] = ()

    async def in_force(self, conn: Any, on: date) -> PolicyInForce | None:
        """Return the policy that was approved last and covers the local day `on`; None: nothing may be offered."""
        last = self._last
        row = await conn.fetchrow(NOW, last)
        if (row["hash"] or "") != self._seen:
            await self._read_again(conn)
        for approval in self._covering(on):
            source = row["source"] if approval.digest == last else await policies.source_of(conn, approval.digest)
            found = self._read(source, approval.digest)
            if isinstance(found, PolicyInForce) and on in found.policy.valid:
                self._last = found.digest
                return found
        return None

    async def troubles(self, conn: Any, on: date) -> tuple[Trouble, ...]:
        """Return what keeps a policy from counting that somebody may think is in force; at best nothing. The whole
        journal is read for it, so that a line changed in its middle is seen too."""
        await self._read_again(conn)
        current = await self.in_force(conn, on)
        found: list[Trouble] = [*self._troubles]
        for approval in self._covering(on):
            if current is not None and approval.digest == current.digest:
                break
            source = await policies.source_of(conn, approval.digest)
            read = self._read(source, approval.digest)
            found += [read] if not isinstance(read, PolicyInForce) else []
        if self._approvals and not found:
            newest = self._approvals[0]
            if current is None:
                found.append("policy_over")
            elif newest.digest != current.digest and await self._is_over(conn, newest, on):
                found.append("earlier_again")
        return tuple(dict.fromkeys(found))

    async def _read_again(self, conn: Any) -> None:
        journal = await policy_journal.read(conn, self._secret)
        shortened = journal.last < self._journal.last
        troubles: list[Trouble] = ["journal_changed"] if journal.broken else []
        troubles += ["journal_shortened"] if shortened else []
        if troubles and self._troubles != tuple(troubles):
            log.error("policy.journal_changed", lines=journal.broken, shortened=shortened)
        self._seen, self._troubles = journal.head, tuple(troubles)
        if troubles and self._journal.events and not self._journal.broken:
            return  # what was seen to be decided stays decided, as long as this process lives
        self._journal, self._approvals = journal, approvals(journal.events)

    async def _is_over(self, conn: Any, approval: Approval, on: date) -> bool:
        last = approval.decision.valid_until
        until: date | None = await conn.fetchval(VALID_UNTIL, approval.digest)
        return (last is not None and last < on) or (until is not None and until < on)

    def _covering(self, on: date) -> Iterator[Approval]:
        """The approvals that may count on a day, newest first; those whose file is known not to are left out, so that a
        policy for next month costs no turn anything."""
        for approval in self._approvals:
            known = self._parsed.get(approval.digest)
            if approval.covers(on) and not (isinstance(known, PolicyInForce) and on not in known.policy.valid):
                yield approval

    def _read(self, source: bytes | None, digest: str) -> PolicyInForce | Trouble:
        """The bytes as a policy. Nothing is parsed twice, but bytes are held to their digest each time: ten
        microseconds."""
        if source is None or not policies.has_digest(source, digest):
            return "policy_changed"
        if digest not in self._parsed:
            policy = read_policy(source, name="")
            self._parsed[digest] = (
                PolicyInForce(digest=digest, policy=policy) if isinstance(policy, Policy) else "policy_unreadable"
            )
        return self._parsed[digest]
