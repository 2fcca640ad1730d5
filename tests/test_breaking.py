"""When an agreement is broken, and what the debt is then."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.agreement_life import AgreementLife
from flows.breaking import PaidUnder, breaks_on, postings_of, restored
from flows.costs import cost_of
from flows.facts import AgreementFact, Debt, Instalment
from payments.late_charges import Terms
from payments.settlement import BY_LAW, Order

TERMS = Terms(fine_percent=Decimal("2.00"), interest_percent_month=Decimal("1.00"))
LATE = Debt(
    id=7,
    external_id="NF-7",
    description="Mensalidade",
    principal_cents=100_000,
    open_principal_cents=100_000,
    due_on=date(2026, 10, 1),
    state="agreed",
)
DAY = date(2026, 12, 1)


def paid(cents: int, on: date = DAY, no: int = 1, **charges: int) -> PaidUnder:
    return PaidUnder(payment_id=no, paid_on=on, amount_cents=cents, **charges)


def agreement(*due: date, days_late: int | None = None, missed: int | None = None) -> AgreementFact:
    return AgreementFact(
        offer_no=1,
        debt_id=7,
        total_cents=100 * len(due),
        state="active",
        instalments=tuple(Instalment(n=n, due_on=day, amount_cents=100) for n, day in enumerate(due, start=1)),
        life=AgreementLife(late=TERMS, broken_days_late=days_late, broken_missed=missed),
    )


FRIDAY, SATURDAY = date(2026, 12, 4), date(2026, 12, 5)
NEXT = date(2027, 1, 4)


@pytest.mark.parametrize(
    ("fact", "day"),
    [
        (agreement(FRIDAY, NEXT), None),  # no rule
        (agreement(FRIDAY, NEXT, days_late=10), (date(2026, 12, 15), "late")),  # ten days late is not yet more than ten
        (agreement(SATURDAY, NEXT, days_late=10), (date(2026, 12, 18), "late")),  # counted from the Monday
        (agreement(FRIDAY, NEXT, missed=2), (date(2027, 1, 5), "missed")),
        (agreement(FRIDAY, NEXT, days_late=60, missed=2), (date(2027, 1, 5), "missed")),
        (agreement(FRIDAY, NEXT, days_late=5, missed=2), (date(2026, 12, 10), "late")),
        (agreement(FRIDAY, missed=2), None),  # only one is open
    ],
)
def test_the_day_on_which_an_agreement_is_broken(fact: AgreementFact, day: tuple[date, str] | None) -> None:
    assert breaks_on(fact) == day


def test_what_was_paid_counts_on_its_day_interest_first_and_the_discount_is_gone() -> None:
    # On 1 December 1 000.00 are 61 days late: 20.00 of fine, 20.33 of interest.
    after = restored(LATE, [paid(30_000)], TERMS, BY_LAW)
    assert (after.debt.state, after.debt.open_principal_cents) == ("open", 100_000 - (30_000 - 2_000 - 2_033))
    assert (after.debt.interest_from, after.debt.fine_paid_cents, after.debt.interest_carried_cents) == (DAY, 2_000, 0)
    assert after.surplus_cents == 0


def test_the_charges_of_lateness_that_were_paid_count_too() -> None:
    with_charges = restored(LATE, [paid(29_000, fine_cents=600, interest_cents=400)], TERMS, BY_LAW)
    assert with_charges.debt == restored(LATE, [paid(30_000)], TERMS, BY_LAW).debt


def test_nothing_paid_leaves_the_debt_as_it_was() -> None:
    after = restored(LATE, [], TERMS, BY_LAW)
    assert after.debt == replace(LATE, state="open")
    assert postings_of(3, [], after) == ()


def test_who_had_paid_all_of_the_original_debt_owes_nothing_and_what_is_more_waits_for_people() -> None:
    after = restored(LATE, [paid(104_033), paid(500, DAY + timedelta(days=30), no=2)], TERMS, BY_LAW)
    assert after.debt.open_principal_cents == 0
    assert after.surplus == ((2, 500),)
    assert sum(p.amount_cents for p in postings_of(3, [paid(104_033), paid(500, no=2)], after)) == 0


def test_the_order_of_the_policy_holds_here_too() -> None:
    principal_first = Order(parts=("principal", "fine", "interest"))
    assert restored(LATE, [paid(30_000)], TERMS, principal_first).debt.open_principal_cents == 70_000


@given(
    money=st.lists(
        st.tuples(st.integers(1, 60_000), st.integers(0, 900), st.integers(0, 900), st.integers(0, 200)), max_size=8
    ),
    fine=st.decimals("0.00", "2.00", places=2),
    month=st.decimals("0.00", "3.00", places=2),
)
def test_every_centavo_that_was_paid_is_on_the_debt_or_in_suspense(
    money: list[tuple[int, int, int, int]], fine: Decimal, month: Decimal
) -> None:
    terms = Terms(fine_percent=fine, interest_percent_month=month)
    lines = [
        paid(cents, DAY + timedelta(days=day), no, fine_cents=f, interest_cents=i)
        for no, (cents, f, i, day) in enumerate(money)
    ]
    after = restored(LATE, lines, terms, BY_LAW)
    on_the_debt = sum(line.money_cents for _, line in after.settled)
    assert on_the_debt + after.surplus_cents == sum(p.money_cents for p in lines)
    assert sum(p.amount_cents for p in postings_of(3, lines, after)) == 0
    assert after.debt.open_principal_cents == 100_000 - sum(line.principal_cents for _, line in after.settled)
    if after.debt.open_principal_cents:
        assert after.surplus_cents == 0
        day = DAY + timedelta(days=200)
        assert (
            cost_of(after.debt, day, terms).total_cents <= cost_of(replace(LATE, state="open"), day, terms).total_cents
        )
