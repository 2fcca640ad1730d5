"""Instalment plans, their days and their CET, against the vectors and the invariants."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.late_charges import Cost
from payments.plans import Discount, cet_percent_year, discounted, plan, schedule

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
        return sum(p.amount_cents / (1 + float(percent) / 100) ** ((p.due - accepted).days / 365) for p in payments)

    assert value(cet + Decimal("0.01")) <= total <= value(cet - Decimal("0.01"))
    assert all(a.due < b.due for a, b in zip(payments, payments[1:], strict=False))


@given(CENTS, CENTS, CENTS, PERCENT, PERCENT, PERCENT)
def test_a_discount_forgives_what_it_says_and_no_more(
    p: int, f: int, i: int, dp: Decimal, df: Decimal, di: Decimal
) -> None:
    """What is left and what is forgiven sum to what was owed, and no part goes below zero."""
    cost = Cost(principal_cents=p, fine_cents=f, interest_cents=i)
    left = discounted(cost, Discount(principal_percent=dp, fine_percent=df, interest_percent=di))
    assert left.total_cents + left.discount_cents == cost.total_cents
    assert min(left.cost.principal_cents, left.cost.fine_cents, left.cost.interest_cents) >= 0
