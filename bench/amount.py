"""The amount of one debt on one day: late, due, part paid, with grace and holidays, against bare arithmetic."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from flows.costs import cost_of
from flows.facts import CostOfDebt, Debt
from payments.late_charges import Holidays, Terms

_DEBTS = 5_000
_ROUNDS = 9
_FIRST_DUE = date(2026, 1, 1)
_TERMS = (
    Terms(fine_percent=Decimal("2.00"), interest_percent_month=Decimal("1.00")),
    Terms(
        fine_percent=Decimal("2.00"),
        interest_percent_month=Decimal("0.99"),
        grace_days=3,
        holidays=Holidays(state="SP", own=frozenset([date(2026, 1, 25)])),
    ),
)


def measure() -> tuple[float, float]:
    """Return microseconds a call: ours, and what the multiplications and the answer's value alone take. By turns;
    medians."""
    cases = [(_debt(n), _FIRST_DUE + timedelta(days=n % 500), _TERMS[n % 2]) for n in range(_DEBTS)]
    ours, floors = [], []
    for _ in range(_ROUNDS + 1):
        floors.append(_rate(_bare, cases))
        ours.append(_rate(cost_of, cases))
    return median(ours[1:]), median(floors[1:])  # the first warms up


def _rate(work: Callable[[Debt, date, Terms], CostOfDebt], cases: list[tuple[Debt, date, Terms]]) -> float:
    started = time.perf_counter()
    for debt, day, terms in cases:
        work(debt, day, terms)
    return (time.perf_counter() - started) / len(cases) * 1e6


def _bare(debt: Debt, on: date, _: Terms) -> CostOfDebt:
    days, cents = (on - debt.due_on).days, debt.open_principal_cents
    return CostOfDebt(
        debt_id=debt.id,
        principal_cents=cents,
        fine_cents=(cents * 200 + 5_000) // 10_000,
        interest_cents=(2 * cents * 99 * days + 300_000) // 600_000,
    )


def _debt(n: int) -> Debt:
    """Due on each day of a year by turns; of every third a part was paid ten days late."""
    cents, due = 34_990 + n, _FIRST_DUE + timedelta(days=n % 365)
    plain = Debt(id=n, external_id="", description="", principal_cents=cents, open_principal_cents=cents, due_on=due)
    if n % 3:
        return plain
    return Debt(
        id=n,
        external_id="",
        description="",
        principal_cents=cents,
        open_principal_cents=cents // 2,
        due_on=due,
        interest_from=due + timedelta(days=10),
        interest_carried_cents=33,
        fine_paid_cents=100,
    )
