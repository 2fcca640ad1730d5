"""Paying an instalment early: what of its interest has not run and is taken off (CDC art. 52 § 2).

The amount is brought back to the day of the payment at the CET, compound, by calendar days over 365. The CET is the
rate that the agreement really has on its own dates: on its first day all of its interest is taken off and not a centavo
more, which the monthly rate would not say of periods that are longer or shorter than thirty days.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext

_DIGITS = 40  # far beyond the centavo: the same on every machine
_YEAR_DAYS = 365


def interest_off(amount_cents: int, *, due: date, on: date, cet_percent_year: Decimal) -> int:
    """Return what is taken off an instalment of `amount_cents` due on `due` that is paid on `on`, in centavos; 0 on its
    day, after it, and without interest."""
    days = (due - on).days
    if days <= 0 or not cet_percent_year:
        return 0
    with localcontext() as context:
        context.prec = _DIGITS
        worth = Decimal(amount_cents) * (-(1 + cet_percent_year / 100).ln() * days / _YEAR_DAYS).exp()
        return amount_cents - int(worth.to_integral_value(ROUND_HALF_UP))
