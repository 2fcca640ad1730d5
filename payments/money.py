"""Rounding and splitting of centavos so that every sum is conserved."""

from decimal import Decimal
from fractions import Fraction


def half_up(amount: Fraction) -> int:
    """Return `amount` (centavos, not negative) as whole centavos, half a centavo upwards. A fraction, since it is
    exact."""
    assert amount >= 0
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def percent_of(cents: int, percent: Decimal) -> int:
    """Return `percent` per cent of `cents`, half up. Multiplies first and divides once, so nothing is rounded on the
    way."""
    assert cents >= 0
    assert percent >= 0
    return half_up(Fraction(cents) * Fraction(percent) / 100)


def split(total_cents: int, count: int) -> tuple[int, ...]:
    """Return `count` equal parts, rounded downwards; the last one takes the remainder. They sum to `total_cents`."""
    assert total_cents >= 0
    assert count > 0
    part = total_cents // count
    parts = (part,) * (count - 1) + (total_cents - part * (count - 1),)
    assert sum(parts) == total_cents
    return parts
