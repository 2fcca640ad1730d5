"""Rounding and splitting conserve every centavo."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.money import half_up, percent_of, split

CENTS = st.integers(min_value=0, max_value=10**11)
PERCENT = st.decimals(min_value=0, max_value=100, places=2)


@pytest.mark.parametrize(
    ("cents", "percent", "expected"),
    [
        (34990, "2.00", 700),  # 699.8
        (12345, "10.00", 1235),  # 1234.5 goes up
        (25, "2.00", 1),  # 0.5 goes up
        (24, "2.00", 0),  # 0.48
        (100000, "33.33", 33330),
        (0, "99.99", 0),
    ],
)
def test_a_percentage_is_rounded_half_up_once(cents: int, percent: str, expected: int) -> None:
    """Half a centavo goes up, less goes down."""
    assert percent_of(cents, Decimal(percent)) == expected


@given(CENTS, PERCENT)
def test_a_percentage_is_never_more_than_half_a_centavo_off(cents: int, percent: Decimal) -> None:
    """Whatever the amount, the result is the nearest centavo."""
    assert abs(percent_of(cents, percent) * 100 - cents * percent) <= 50


@pytest.mark.parametrize(("cents", "percent"), [(-1, "2.00"), (1, "-2.00")])
def test_money_is_never_negative(cents: int, percent: str) -> None:
    """Half up says nothing of what is below zero, so that is refused."""
    with pytest.raises(AssertionError):
        percent_of(cents, Decimal(percent))
    with pytest.raises(AssertionError):
        half_up(Fraction(cents) * Fraction(percent))


@given(CENTS, st.integers(min_value=1, max_value=120))
def test_parts_sum_to_the_whole_and_only_the_last_differs(total: int, count: int) -> None:
    """Equal parts downwards; the last takes the remainder."""
    parts = split(total, count)
    assert sum(parts) == total
    assert len(set(parts[:-1])) <= 1
    assert 0 <= parts[-1] - parts[0] < count
