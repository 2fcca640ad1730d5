"""Paying an instalment early: what of its interest has not run and is taken off (CDC art. 52 § 2).

The amount is brought back to the day of the payment at the rate of the contract, compound, by calendar days. An
agreement has two rates that say the same with other words, the monthly one (30 days) and the CET (365 days); their
calendars differ by some days, so the one that takes more off is used: never less than either reading of the contract.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext

_DIGITS = 40  # far beyond the centavo: the same on every machine
_MONTH_DAYS, _YEAR_DAYS = 30, 365


def interest_off(
    amount_cents: int, *, due: date, on: date, interest_percent_month: Decimal, cet_percent_year: Decimal
) -> int:
    """Return what is taken off an instalment of `amount_cents` due on `due` that is paid on `on`, in centavos; 0 on its
    day, after it, and without interest."""
    days = (due - on).days
    if days <= 0 or not (interest_percent_month or cet_percent_year):
        return 0
    with localcontext() as context:
        context.prec = _DIGITS
        by_month = (1 + interest_percent_month / 100).ln() / _MONTH_DAYS
        by_year = (1 + cet_percent_year / 100).ln() / _YEAR_DAYS
        worth = Decimal(amount_cents) * (-max(by_month, by_year) * days).exp()
        return amount_cents - int(worth.to_integral_value(ROUND_HALF_UP))
