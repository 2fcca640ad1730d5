"""What the ledger takes: transactions that sum to zero, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.ledger import Posting, balanced

CENTS = st.integers(-(10**12), 10**12).filter(bool)


@given(st.lists(CENTS, min_size=1, max_size=6))
def test_a_transaction_that_sums_to_zero_is_taken_as_it_is(amounts: list[int]) -> None:
    """Whatever its postings are."""
    rest = -sum(amounts)
    entries = [Posting(account=f"a:{n}", amount_cents=cents) for n, cents in enumerate([*amounts, rest]) if cents]
    assert balanced(iter(entries)) == tuple(entries)


@given(st.lists(CENTS, min_size=1, max_size=6).filter(sum))
def test_a_transaction_that_does_not_is_our_own_mistake(amounts: list[int]) -> None:
    """Not a centavo appears or gets lost."""
    with pytest.raises(AssertionError):
        balanced(Posting(account="bank", amount_cents=cents) for cents in amounts)


def test_a_transaction_says_something() -> None:
    """Of nothing, to nobody, about nothing: none of the three is kept for ever."""
    with pytest.raises(AssertionError):
        balanced(())
    with pytest.raises(AssertionError):
        Posting(account="", amount_cents=1)
    with pytest.raises(AssertionError):
        Posting(account="bank", amount_cents=0)
