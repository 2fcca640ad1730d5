"""What a debt costs on a day, against the vectors and an independent calculation."""

import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.calendar import days_overdue, payable_day
from payments.late_charges import Terms, cost_on

VECTORS = json.loads((Path(__file__).parent / "vectors/pix/money-vectors.json").read_text(encoding="utf-8"))
DUE = st.dates(min_value=date(2024, 1, 1), max_value=date(2035, 12, 31))


@pytest.mark.parametrize("case", VECTORS["late_charges"], ids=lambda case: case["name"])
def test_late_charges_are_those_of_the_vectors(case: dict[str, Any]) -> None:
    """Payable day, days overdue, fine, interest and total of every worked example."""
    due, paid_on, expect = date.fromisoformat(case["due"]), date.fromisoformat(case["paid_on"]), case["expect"]
    terms = Terms(
        fine_percent=Decimal(case["fine_percent"]),
        interest_percent_month=Decimal(case["interest_percent_month"]),
        grace_days=case["grace_days"],
    )
    cost = cost_on(paid_on, principal_cents=case["principal_cents"], due=due, free_until=payable_day(due), terms=terms)
    assert {
        "payable_day": payable_day(due).isoformat(),
        "days_overdue": days_overdue(due, paid_on),
        "fine_cents": cost.fine_cents,
        "interest_cents": cost.interest_cents,
        "total_cents": cost.total_cents,
    } == expect


@given(DUE, st.integers(min_value=-60, max_value=2000), st.integers(min_value=1, max_value=10**10), st.integers(0, 30))
def test_late_charges_agree_with_an_independent_calculation(due: date, offset: int, principal: int, grace: int) -> None:
    """Nothing until the payable day and its grace; then a fine once and interest by the day, each the nearest
    centavo."""
    day = due + timedelta(days=offset)
    terms = Terms(fine_percent=Decimal("2.00"), interest_percent_month=Decimal("0.99"), grace_days=grace)
    cost = cost_on(day, principal_cents=principal, due=due, free_until=payable_day(due), terms=terms)
    if day <= payable_day(due) + timedelta(days=grace):
        assert (cost.fine_cents, cost.interest_cents) == (0, 0)
    else:
        assert cost.fine_cents == (principal * 2 + 50) // 100
        exact = Fraction(principal) * Fraction(99, 10000) * offset / 30
        assert cost.interest_cents == int(exact + Fraction(1, 2))
