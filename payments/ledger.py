"""The ledger's accounts and its one rule: every transaction sums to zero. Nothing else makes postings."""

from collections.abc import Iterable
from dataclasses import dataclass

BANK = "bank"
SUSPENSE = "suspense"  # money that settled nothing: a liability until a person decides
OPENING = "opening"  # the counterpart of debts that were brought in: what the creditor's own books say of them
FINES, INTEREST, CHARGES, DISCOUNTS = "income:fines", "income:interest", "income:agreement_charges", "expense:discounts"


def debt_account(debt_id: int) -> str:
    """The principal that is owed on a debt (debit)."""
    return f"debt:{debt_id}"


def agreement_account(agreement_id: int) -> str:
    """What an agreement has received until it is complete (credit)."""
    return f"agreement:{agreement_id}"


def credit_account(customer_id: int) -> str:
    """Money that is kept for a customer (credit)."""
    return f"credit:{customer_id}"


def opened_key(debt_id: int) -> str:
    """The transaction that brought a debt in."""
    return f"debt:{debt_id}:opened"


def changed_key(debt_id: int, n: int) -> str:
    """The transaction of the n-th change (from 1) of what was asked for on a debt."""
    return f"debt:{debt_id}:changed:{n}"


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


def brought_in(debt_id: int, cents: int) -> tuple[Posting, ...]:
    """Return the postings by which a debt comes to be `cents` more (or less) than the ledger knew of it."""
    return balanced(
        (Posting(account=debt_account(debt_id), amount_cents=cents), Posting(account=OPENING, amount_cents=-cents))
    )
