"""Instalment plans, their days and their CET, against the vectors and the invariants."""

import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.late_charges import Cost
from payments.plans import Discount, Payment, cet_percent_year, discounted, due_dates, plan, schedule
from tests.tables import table

VECTORS = json.loads((Path(__file__).parent / "vectors/pix/money-vectors.json").read_text(encoding="utf-8"))["plans"]
DATED = [case for case in VECTORS if "payments" in case["expect"]]
PERCENT = st.decimals(min_value=0, max_value=100, places=2)
CENTS = st.integers(min_value=0, max_value=10**9)


def _plan(case: dict[str, Any]) -> Any:
    return plan(
        case["total_cents"],
        count=case["count"],
        entry_percent=Decimal(case["entry_percent"]),
        interest_percent_month=Decimal(case["interest_percent_month"]),
    )


def _half_up(amount: Fraction) -> int:
    return int(amount + Fraction(1, 2))


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_plans_are_those_of_the_vectors(case: dict[str, Any]) -> None:
    """Entry, every instalment and the total of each worked example, to the centavo."""
    made, expect = _plan(case), case["expect"]
    assert made.entry_cents == expect["entry_cents"]
    assert list(made.instalments_cents) == expect["instalments_cents"]
    assert made.total_cents == expect["total_paid_cents"]


@pytest.mark.parametrize("case", DATED, ids=lambda case: case["name"])
def test_days_and_yearly_cost_are_those_of_the_vectors(case: dict[str, Any]) -> None:
    """Every due day and the CET of each worked example."""
    accepted = date.fromisoformat(case["accepted"])
    payments = schedule(
        _plan(case), accepted=accepted, first_due_within_days=case["first_due_within_days"], due_day=case.get("due_day")
    )
    assert [(p.due.isoformat(), p.amount_cents) for p in payments] == [
        (p["due"], p["amount_cents"]) for p in case["expect"]["payments"]
    ]
    assert str(cet_percent_year(case["total_cents"], payments, accepted)) == case["expect"]["cet_percent_year"]


@given(CENTS, st.integers(1, 60), PERCENT)
def test_without_interest_the_payments_sum_to_the_total(total: int, count: int, entry: Decimal) -> None:
    """Entry and instalments are the whole, for any amount, count and entry."""
    assert plan(total, count=count, entry_percent=entry, interest_percent_month=Decimal(0)).total_cents == total


@given(st.integers(1, 10**9), st.integers(1, 120), PERCENT.filter(bool))
def test_the_last_instalment_closes_the_balance(total: int, count: int, rate: Decimal) -> None:
    """Whatever the amount, count and rate, nothing is left and nothing is paid beyond it.

    A remainder of some centavos is paid off before its instalments have all come: the others are nothing.
    """
    parts = plan(total, count=count, entry_percent=Decimal(0), interest_percent_month=rate).instalments_cents
    balance = total
    for amount in parts:
        balance += _half_up(balance * Fraction(rate) / 100)
        assert 0 <= amount <= balance
        balance -= amount
    assert balance == 0
    assert len(parts) == count
    assert len({amount for amount in parts[:-1] if amount}) <= 2  # the instalment, and once what was left


@pytest.mark.parametrize(
    *table("""
    repaid_cents  after_days  cet
    120000                30  "819.12"
    120000                15  "8347.80"                          # the same interest in half the time
    120000                 1  "7964431977149443076954945638385.34"
    200000                 5  "944473296573929042739100.00"      # two to the seventy-third, exactly
    100001               365  "0.00"                             # a thousandth of a percent
    100005               365  "0.01"                             # half a hundredth goes up
""")
)
def test_the_yearly_cost_of_one_payment_is_exact_at_any_rate(repaid_cents: int, after_days: int, cet: str) -> None:
    """(repaid / 100000) ^ (365 / days) - 1: no rate that a policy may state is too high to be told."""
    accepted = date(2026, 11, 23)
    payment = Payment(n=1, due=accepted + timedelta(days=after_days), amount_cents=repaid_cents)
    assert str(cet_percent_year(100_000, (payment,), accepted)) == cet


def test_an_entry_on_the_day_of_acceptance_bears_no_interest() -> None:
    """20,000 at once leave 80,000, which cost a tenth more in a year."""
    accepted = date(2026, 11, 23)
    entry = Payment(n=0, due=accepted, amount_cents=20_000)
    rest = Payment(n=1, due=accepted + timedelta(days=365), amount_cents=88_000)
    assert str(cet_percent_year(100_000, (entry, rest), accepted)) == "10.00"


@pytest.mark.parametrize(
    *table("""
    accepted    after  due_day  days
    2026-11-23      1        5  2026-11-24,2027-01-05,2027-02-05  # 5 December is only eleven days later
    2026-11-23      5       18  2026-11-28,2026-12-18,2027-01-18  # the twentieth day after counts
    2026-11-23      5       17  2026-11-28,2027-01-17,2027-02-17  # the nineteenth does not
    2027-01-10      0       31  2027-01-10,2027-01-31,2027-02-28  # the month's last day where it has no such day
    2027-01-26      5        -  2027-01-31,2027-02-28,2027-03-31  # without a day to choose: the first payment's own
""")
)
def test_later_payments_come_monthly_on_their_day(accepted: str, after: int, due_day: int | None, days: str) -> None:
    """From the first such day at least twenty days after the first payment."""
    made = due_dates(date.fromisoformat(accepted), count_after_first=2, first_due_within_days=after, due_day=due_day)
    assert ",".join(day.isoformat() for day in made) == days


@given(
    st.integers(10_000, 10**9), st.integers(2, 48), st.decimals(min_value="0.01", max_value="5", places=2),
    st.dates(date(2024, 1, 1), date(2034, 12, 31)), st.sampled_from([None, 5, 10, 20, 28, 31]),
)  # fmt: skip
def test_the_yearly_cost_brings_the_payments_back_to_the_total(
    total: int, count: int, rate: Decimal, accepted: date, due_day: int | None
) -> None:
    """At the CET told, today's value of the payments is the total; a hundredth of a percent to either side misses it
    the right way."""
    payments = schedule(
        plan(total, count=count, entry_percent=Decimal(0), interest_percent_month=rate),
        accepted=accepted, first_due_within_days=5, due_day=due_day,
    )  # fmt: skip
    cet = cet_percent_year(total, payments, accepted)
    assert cet > 0

    def value(percent: Decimal) -> float:
        yearly = 1 + float(percent) / 100
        return float(sum(p.amount_cents / yearly ** ((p.due - accepted).days / 365) for p in payments))

    assert value(cet + Decimal("0.01")) <= total <= value(cet - Decimal("0.01"))
    assert all(a.due < b.due for a, b in pairwise(payments))


@given(CENTS, CENTS, CENTS, PERCENT, PERCENT, PERCENT)
def test_a_discount_forgives_what_it_says_and_no_more(
    p: int, f: int, i: int, dp: Decimal, df: Decimal, di: Decimal
) -> None:
    """What is left and what is forgiven sum to what was owed, and no part goes below zero."""
    cost = Cost(principal_cents=p, fine_cents=f, interest_cents=i)
    left = discounted(cost, Discount(principal_percent=dp, fine_percent=df, interest_percent=di))
    assert left.total_cents + left.discount_cents == cost.total_cents
    assert min(left.cost.principal_cents, left.cost.fine_cents, left.cost.interest_cents) >= 0


@pytest.mark.parametrize("percent", ["-0.01", "100.01"])
def test_no_more_is_forgiven_than_there_is_and_no_less_than_nothing(percent: str) -> None:
    """A discount is of 0 to 100 percent of each part."""
    for part in ("principal_percent", "fine_percent", "interest_percent"):
        with pytest.raises(AssertionError):
            Discount(**{part: Decimal(percent)})
