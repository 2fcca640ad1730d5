"""What is taken off an instalment that is paid ahead of its day."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.early import interest_off
from payments.plans import Payment, cet_percent_year, plan, schedule

DUE = date(2027, 3, 5)


def off(cents: int, days: int, year: str) -> int:
    return interest_off(cents, due=DUE, on=DUE - timedelta(days=days), cet_percent_year=Decimal(year))


@pytest.mark.parametrize(
    ("cents", "days", "year", "taken_off"),
    [
        (10000, 0, "12.68", 0),  # on its day
        (10000, -3, "12.68", 0),  # after it
        (10000, 30, "0.00", 0),  # there is no interest in it
        (11268, 365, "12.68", 1268),  # a year: exactly the 100.00 it was made of
        (12100, 730, "10.00", 2100),  # two years, compound
        (10500, 365, "5.00", 500),
        (10000, 73, "20.00", 358),  # a fifth of a year: 100.00 / 1.2 to the power of 0.2
        (1, 300, "12.68", 0),
    ],
)
def test_the_amount_is_brought_back_at_the_rate_of_the_contract(
    cents: int, days: int, year: str, taken_off: int
) -> None:
    assert off(cents, days, year) == taken_off


@given(
    cents=st.integers(1, 10**9),
    days=st.integers(-400, 4000),
    year=st.decimals("0.00", "300.00", places=2),
)
def test_never_less_than_nothing_never_more_than_the_amount_and_the_earlier_the_more(
    cents: int, days: int, year: Decimal
) -> None:
    taken_off = off(cents, days, str(year))
    assert 0 <= taken_off <= cents
    assert taken_off <= off(cents, days + 1, str(year))


@given(
    total=st.integers(10_000, 10**8),
    count=st.integers(2, 24),
    entry=st.decimals("0.00", "50.00", places=2),
    month=st.decimals("0.10", "5.00", places=2),
    within=st.integers(1, 30),
    accepted=st.dates(date(2026, 1, 1), date(2028, 12, 31)),
)
def test_who_settles_everything_on_the_day_of_the_agreement_pays_no_interest(
    total: int, count: int, entry: Decimal, month: Decimal, within: int, accepted: date
) -> None:
    """The instalments together are worth what was divided, by the very meaning of the CET; its two decimals and the
    centavos of each instalment are all that may differ."""
    payments = schedule(
        plan(total, count=count, entry_percent=entry, interest_percent_month=month),
        accepted=accepted,
        first_due_within_days=within,
        due_day=None,
    )
    cet = cet_percent_year(total, payments, accepted)
    to_pay = sum(p.amount_cents - _off(p, accepted, cet) for p in payments)
    years = max((p.due - accepted).days for p in payments) / Fraction(365)
    rounding = count + 1 + int(total * Fraction("0.00005") * years) + 1
    assert abs(to_pay - total) <= rounding


def _off(payment: Payment, on: date, cet: Decimal) -> int:
    return interest_off(payment.amount_cents, due=payment.due, on=on, cet_percent_year=cet)
