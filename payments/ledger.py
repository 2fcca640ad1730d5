"""The ledger's one rule: every transaction sums to zero. Nothing else makes postings."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Centavos on an account; positive is debit, negative credit. An account is a name made of our own ids."""

    account: str
    amount_cents: int

    def __post_init__(self) -> None:
        assert self.account
        assert self.amount_cents != 0


def balanced(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """Return the postings of one transaction; they sum to zero, or it is our own mistake."""
    entries = tuple(postings)
    assert entries
    assert sum(p.amount_cents for p in entries) == 0
    return entries
