"""The policy in force, read once per digest: the turn asks each time, the YAML is parsed only when another one was
approved."""

from datetime import date
from typing import Any

from bot.store import policies
from flows.facts import PolicyInForce
from flows.policy import read_policy


class PolicyWatch:
    """Remembers the policy that was parsed last."""

    def __init__(self) -> None:
        self._known: PolicyInForce | None = None

    async def in_force(self, conn: Any, on: date) -> PolicyInForce | None:
        """Return the policy that was approved last and covers `on`; None: nothing may be offered."""
        found = await policies.in_force(conn, on)
        if found is None:
            return None
        if self._known is None or self._known.digest != found.digest:
            policy = read_policy(found.source, name=found.name)
            assert not isinstance(policy, tuple)  # in_force skips what does not read
            self._known = PolicyInForce(digest=found.digest, policy=policy)
        return self._known
