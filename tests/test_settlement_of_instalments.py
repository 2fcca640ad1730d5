"""What a payment settles of an agreement: late instalments, those paid ahead, all of them at once, and a part."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.settlement import Asked, OpenInstalment, Order, Owed, OwedAgreement, Part, Settlement, settle

DAY = date(2026, 12, 1)
LATE = OpenInstalment(n=1, due_on=date(2026, 11, 1), open_cents=10_000, fine_cents=200, interest_cents=100)
AHEAD = OpenInstalment(n=2, due_on=date(2027, 1, 1), open_cents=10_000, early_cents=90)
LAST = OpenInstalment(n=3, due_on=date(2027, 2, 1), open_cents=10_000, early_cents=180)


def owed(*instalments: OpenInstalment, forgiven: int = 0) -> OwedAgreement:
    return OwedAgreement(
        agreement_id=7,
        debt_id=1,
        total_cents=30_000,
        principal_cents=28_000,
        discount_cents=0,
        forgiven_cents=forgiven,
        instalments=instalments,
    )


def asking(*parts: Part, until: date = DAY) -> Asked:
    return Asked(amount_cents=sum(p.total_cents for p in parts), pay_until=until, parts=parts, agreement_id=7)


def part(i: OpenInstalment, *, off: bool = True) -> Part:
    return Part(
        debt_id=1,
        principal_cents=i.open_cents,
        fine_cents=i.fine_cents,
        interest_cents=i.interest_cents,
        discount_cents=i.early_cents if off else 0,
        instalment_n=i.n,
    )


def lines(plan: Settlement) -> list[tuple[int, int, int, int, int]]:
    return [(i.n, i.amount_cents, i.fine_cents, i.interest_cents, i.discount_cents) for i in plan.instalments]


def posted(plan: Settlement) -> dict[str, int]:
    return {p.account: p.amount_cents for p in plan.postings}


ALL = (LATE, AHEAD, LAST)


def test_a_late_instalment_is_paid_with_its_fine_and_interest() -> None:
    plan = settle(10_300, paid_on=DAY, asked=asking(part(LATE)), agreements=[owed(*ALL)])
    assert lines(plan) == [(1, 10_000, 200, 100, 0)]
    assert posted(plan) == {"bank": 10_300, "agreement:7": -10_000, "income:fines": -200, "income:interest": -100}


def test_paid_the_day_after_the_charge_said_a_late_instalment_keeps_its_rest_open() -> None:
    dearer = OpenInstalment(n=1, due_on=LATE.due_on, open_cents=10_000, fine_cents=200, interest_cents=103)
    plan = settle(10_300, paid_on=DAY + timedelta(days=1), asked=asking(part(LATE)), agreements=[owed(dearer, AHEAD)])
    assert lines(plan) == [(1, 9_997, 200, 103, 0)]


def test_all_at_once_takes_the_interest_off_that_has_not_run_and_closes_the_debt() -> None:
    plan = settle(30_030, paid_on=DAY, asked=asking(*map(part, ALL)), agreements=[owed(*ALL)])
    assert lines(plan) == [(1, 10_000, 200, 100, 0), (2, 9_910, 0, 0, 90), (3, 9_820, 0, 0, 180)]
    assert [a.agreement_id for a in plan.settled_agreements] == [7]
    assert posted(plan) == {
        "bank": 30_030,
        "income:fines": -200,
        "income:interest": -100,
        "debt:1": -28_000,
        "income:agreement_charges": -1_730,  # of the 2 000 of interest 270 had not run
    }


def test_all_at_once_but_paid_short_pays_the_oldest_first() -> None:
    plan = settle(20_000, paid_on=DAY, asked=asking(*map(part, ALL)), agreements=[owed(*ALL)])
    assert lines(plan) == [(1, 10_000, 200, 100, 0), (2, 9_700, 0, 0, 0)]
    assert plan.surplus_cents == 0


def test_what_was_taken_off_before_is_not_expected_any_more_when_the_last_one_is_paid() -> None:
    plan = settle(10_000, paid_on=DAY, asked=asking(part(LAST, off=False)), agreements=[owed(LAST, forgiven=90)])
    assert posted(plan)["debt:1"] == -28_000
    assert posted(plan)["income:agreement_charges"] == -(30_000 - 90 - 28_000)


def test_an_instalment_paid_in_advance_as_it_was_asked_for_costs_its_amount() -> None:
    plan = settle(10_000, paid_on=DAY, asked=asking(part(AHEAD, off=False)), agreements=[owed(*ALL)])
    assert lines(plan) == [(2, 10_000, 0, 0, 0)]


@pytest.mark.parametrize(
    ("order", "line"),
    [
        (Order(), (1, 0, 50, 100, 0)),
        (Order(parts=("principal", "interest", "fine")), (1, 150, 0, 0, 0)),
        (Order(parts=("fine", "interest", "principal")), (1, 0, 150, 0, 0)),
    ],
)
def test_a_small_part_pays_in_the_order_of_the_policy(order: Order, line: tuple[int, ...]) -> None:
    plan = settle(150, paid_on=DAY, asked=asking(part(LATE)), agreements=[owed(LATE)], order=order)
    assert lines(plan) == [line]


def test_the_dearest_debt_first_where_the_policy_says_so() -> None:
    old = Owed(debt_id=1, due_on=date(2026, 10, 1), principal_cents=5_000)
    dear = Owed(debt_id=2, due_on=date(2026, 11, 1), principal_cents=9_000)
    parts = tuple(
        Part(debt_id=d.debt_id, principal_cents=d.principal_cents, fine_cents=0, interest_cents=0, discount_cents=0)
        for d in (old, dear)
    )
    asked = Asked(amount_cents=14_000, pay_until=DAY, parts=parts)
    plan = settle(9_000, paid_on=DAY, asked=asked, debts=[old, dear], order=Order(dearest_first=True))
    assert [(d.debt_id, d.settled) for d in plan.debts] == [(2, True)]


@given(
    cents=st.integers(1, 60_000),
    instalments=st.lists(
        st.tuples(st.integers(1, 9_000), st.integers(0, 200), st.integers(0, 300), st.integers(0, 400)),
        min_size=1,
        max_size=6,
    ),
    on=st.integers(-3, 3),
    asked_for=st.integers(0, 6),
)
def test_every_centavo_goes_somewhere_and_never_more_than_is_open(
    cents: int, instalments: list[tuple[int, int, int, int]], on: int, asked_for: int
) -> None:
    open_ones = tuple(
        OpenInstalment(
            n=n, due_on=DAY + timedelta(days=n), open_cents=c, fine_cents=f, interest_cents=i, early_cents=min(e, c - 1)
        )
        for n, (c, f, i, e) in enumerate(instalments, start=1)
    )
    agreement = OwedAgreement(
        agreement_id=7,
        debt_id=1,
        total_cents=sum(i.open_cents for i in open_ones),
        principal_cents=sum(i.open_cents for i in open_ones),
        discount_cents=0,
        instalments=open_ones,
    )
    asked = asking(*map(part, open_ones[: max(1, asked_for)]))
    plan = settle(cents, paid_on=DAY + timedelta(days=on), asked=asked, agreements=[agreement])
    assert sum(i.money_cents for i in plan.instalments) + plan.surplus_cents == cents
    assert sum(p.amount_cents for p in plan.postings) == 0
    for line in plan.instalments:
        i = open_ones[line.n - 1]
        assert line.amount_cents + line.discount_cents <= i.open_cents
        assert line.fine_cents <= i.fine_cents
        assert line.interest_cents <= i.interest_cents
