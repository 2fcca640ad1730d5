"""Rolling a new ladder out in steps: to few people first, and to nobody more where too many of them turn away.

Who is among the first is chance, but the same chance for ever: it is worked out from the version and the customer.
"""

import hashlib
from datetime import datetime
from decimal import Decimal

from flows.ladder import Ladder
from flows.ladder_parts import Rollout

_BASIS = 10_000
_TOO_FEW = 20  # people who were written to; of fewer a single one who leaves would be a fifth and tell nothing


def percent_at(ladder: Ladder, first_used_at: datetime, now: datetime) -> Decimal:
    """Return which part of the customers a version that is used since then reaches now. Without a roll-out all."""
    rollout = ladder.rollout
    if rollout is None:
        return Decimal(100)
    stage = (now - first_used_at).days // rollout.days_each
    return rollout.percent[min(max(stage, 0), len(rollout.percent) - 1)]


def is_among(digest: str, customer_id: int, percent: Decimal) -> bool:
    """Return whether a customer is among the first `percent` of a version; who is stays so as it grows."""
    drawn = int.from_bytes(hashlib.sha256(f"{digest}:{customer_id}".encode()).digest()[:8], "big") % _BASIS
    return drawn < percent * _BASIS / 100


def must_stop(rollout: Rollout, *, contacted: int, turned_away: int) -> bool:
    """Return whether too many of those who were written to asked for silence or cannot be reached any more."""
    return contacted >= _TOO_FEW and Decimal(turned_away * 100) > rollout.stop_percent * contacted
