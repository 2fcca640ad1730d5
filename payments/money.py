"""Rounding and splitting of centavos so that every sum is conserved."""

from decimal import Decimal
from fractions import Fraction


def half_up(amount: Fraction) -> int:
    """Return `amount` (centavos, not negative) as whole centavos, half a centavo upwards. A fraction, since it is
    exact."""
    assert amount >= 0
    return quotient(amount.numerator, amount.denominator)


def quotient(numerator: int, denominator: int) -> int:
    """Return `numerator / denominator` (centavos, not negative) as whole centavos, half a centavo upwards: as exact as
    a fraction, and an order of magnitude faster."""
    assert numerator >= 0
    return (2 * numerator + denominator) // (2 * denominator)


def percent_of(cents: int, percent: Decimal) -> int:
    """Return `percent` per cent of `cents`, half up. Multiplies first and divides once, so nothing is rounded on the
    way."""
    assert cents >= 0
    assert percent >= 0
    numerator, denominator = percent.as_integer_ratio()
    return quotient(cents * numerator, denominator * 100)


def split(total_cents: int, count: int) -> tuple[int, ...]:
    """Return `count` equal parts, rounded downwards; the last one takes the remainder. They sum to `total_cents`."""
    assert total_cents >= 0
    assert count > 0
    part = total_cents // count
    parts = (part,) * (count - 1) + (total_cents - part * (count - 1),)
    assert sum(parts) == total_cents
    return parts
