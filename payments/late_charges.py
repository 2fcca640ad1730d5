"""Late charges: what a debt costs on a given day. Integer centavos in and out; no clock, no I/O.

A fine once (CDC art. 52 § 1: at most 2 %) and simple interest by calendar day, both on the principal alone.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from payments.money import percent_of, quotient

_MONTH_DAYS = 30  # the month of the contracts, in February too


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """On which days nobody has to pay, beside weekends and the banks' holidays: those of a state (`SP`), and days of
    the creditor's own."""

    state: str | None = None
    own: frozenset[date] = frozenset()


NO_OTHERS = Holidays()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What lateness adds, in percent; `grace_days` are calendar days after the payable day that still cost nothing."""

    fine_percent: Decimal
    interest_percent_month: Decimal
    grace_days: int = 0
    holidays: Holidays = NO_OTHERS

    def __post_init__(self) -> None:
        assert self.fine_percent >= 0
        assert self.interest_percent_month >= 0
        assert self.grace_days >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The parts of what is owed, in centavos."""

    principal_cents: int
    fine_cents: int = 0
    interest_cents: int = 0

    @property
    def total_cents(self) -> int:
        """All parts together."""
        return self.principal_cents + self.fine_cents + self.interest_cents


def cost_on(day: date, *, principal_cents: int, due: date, free_until: date, terms: Terms) -> Cost:
    """Return the cost of a debt that is paid on `day`.

    `free_until`, itself included, is the last day without charges: the payable day, see `flows.calendar`; the days of
    grace come after it. Once they have passed, interest counts from `due`: whoever misses the Monday pays for the
    weekend too.
    """
    assert principal_cents > 0
    assert due <= free_until
    if day <= free_until + timedelta(days=terms.grace_days):
        return Cost(principal_cents=principal_cents)
    # Exact until the one rounding: a third of a month has no exact Decimal, and half a centavo would round down.
    numerator, denominator = terms.interest_percent_month.as_integer_ratio()
    interest_cents = quotient(principal_cents * numerator * (day - due).days, denominator * 100 * _MONTH_DAYS)
    return Cost(
        principal_cents=principal_cents,
        fine_cents=percent_of(principal_cents, terms.fine_percent),
        interest_cents=interest_cents,
    )
