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
    "journal_changed", "journal_shortened", "policy_changed", "policy_unreadable", "policy_over"
]

# One question for each turn: has anything been decided since, and are the bytes that were read last still there?
NOW = """
SELECT e.n, e.hash, p.source FROM (SELECT 1) AS once
LEFT   JOIN (SELECT n, hash FROM policy_event ORDER BY n DESC LIMIT 1) e ON true
LEFT   JOIN policy p ON p.digest = $1
"""
log = structlog.get_logger(__name__)


class PolicyWatch:
    """Remembers the journal as it was last verified, and the policy that was parsed last. `secret`: the
    installation's, whose signatures count."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._journal = PolicyJournal()
        self._approvals: tuple[Approval, ...] = ()
        self._known: PolicyInForce | None = None
        self._shortened = False

    async def in_force(self, conn: Any, on: date) -> PolicyInForce | None:
        """Return the policy that was approved last and covers the local day `on`; None: nothing may be offered."""
        last = self._known.digest if self._known is not None else ""
        row = await conn.fetchrow(NOW, last)
        if (row["hash"] or "") != self._journal.head:
            await self._read_again(conn)
        for approval in self._covering(on):
            source = row["source"] if approval.digest == last else await policies.source_of(conn, approval.digest)
            found = self._read(source, approval.digest)
            if isinstance(found, PolicyInForce) and on in found.policy.valid:
                self._known = found
                return found
        return None

    async def troubles(self, conn: Any, on: date) -> tuple[Trouble, ...]:
        """Return what keeps a policy from counting that somebody may think is in force; at best nothing."""
        found: list[Trouble] = []
        current = await self.in_force(conn, on)
        if self._journal.broken:
            found.append("journal_changed")
        if self._shortened:
            found.append("journal_shortened")
        for approval in self._covering(on):
            if current is not None and approval.digest == current.digest:
                break
            source = await policies.source_of(conn, approval.digest)
            read = self._read(source, approval.digest)
            found += [read] if not isinstance(read, PolicyInForce) else []
        if current is None and self._approvals and not found:
            found.append("policy_over")
        return tuple(dict.fromkeys(found))

    async def _read_again(self, conn: Any) -> None:
        journal = await policy_journal.read(conn, self._secret)
        self._shortened = journal.last < self._journal.last
        if journal.broken or self._shortened:
            log.error("policy.journal_changed", lines=journal.broken, shortened=self._shortened)
        if self._shortened:  # what was seen to be decided stays decided, as long as this process lives
            return
        self._journal, self._approvals = journal, approvals(journal.events)

    def _covering(self, on: date) -> Iterator[Approval]:
        return (approval for approval in self._approvals if approval.covers(on))

    def _read(self, source: bytes | None, digest: str) -> PolicyInForce | Trouble:
        """The bytes as a policy. The one read last is not parsed again, but its bytes are held to their digest each
        time: ten microseconds."""
        if source is None or not policies.has_digest(source, digest):
            return "policy_changed"
        if self._known is not None and self._known.digest == digest:
            return self._known
        policy = read_policy(source, name="")
        return PolicyInForce(digest=digest, policy=policy) if isinstance(policy, Policy) else "policy_unreadable"
