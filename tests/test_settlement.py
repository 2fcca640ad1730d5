"""What a payment settles: whole and in time, short, late, too much, twice, and money that waits in agreements."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.settlement import Asked, OpenInstalment, Owed, OwedAgreement, Part, Settlement, settle

DAY = date(2026, 12, 1)
# 100.00 and its charges: what it costs on DAY is 103.30.
OLD = Owed(debt_id=1, due_on=date(2026, 10, 1), principal_cents=10000, fine_cents=200, interest_cents=130)
NEW = Owed(debt_id=2, due_on=date(2026, 11, 1), principal_cents=5000, fine_cents=100, interest_cents=50)


def part_of(debt: Owed, *, discount: int = 0) -> Part:
    return Part(
        debt_id=debt.debt_id,
        principal_cents=debt.principal_cents,
        fine_cents=debt.fine_cents,
        interest_cents=debt.interest_cents,
        discount_cents=discount,
    )


def asking(*parts: Part, until: date = DAY) -> Asked:
    return Asked(amount_cents=sum(p.total_cents for p in parts), pay_until=until, parts=parts)


def agreement(*open_cents: int, total: int = 30000, is_cash: bool = False) -> OwedAgreement:
    first = 4 - len(open_cents)
    return OwedAgreement(
        agreement_id=7,
        debt_id=1,
        total_cents=total,
        principal_cents=31000,
        discount_cents=2500,
        is_cash=is_cash,
        instalments=tuple(
            OpenInstalment(n=first + k, due_on=DAY + timedelta(days=30 * k), open_cents=c)
            for k, c in enumerate(open_cents)
        ),
    )


def posted(plan: Settlement) -> dict[str, int]:
    return {p.account: p.amount_cents for p in plan.postings}


def test_a_charge_paid_whole_and_in_time_settles_its_debts_with_the_discount_as_an_expense() -> None:
    plan = settle(9300, paid_on=DAY, asked=asking(part_of(OLD, discount=1030)), debts=[OLD])
    assert [(d.debt_id, d.settled, d.discount_cents) for d in plan.debts] == [(1, True, 1030)]
    assert plan.surplus_cents == 0
    assert posted(plan) == {
        "bank": 9300,
        "debt:1": -10000,
        "income:fines": -200,
        "income:interest": -130,
        "expense:discounts": 1030,
    }


def test_the_charge_says_what_it_settles_though_the_day_costs_another_amount() -> None:
    dearer = replace(OLD, interest_cents=133)
    assert settle(10330, paid_on=DAY, asked=asking(part_of(OLD)), debts=[dearer]).debts[0].settled
    cheaper = replace(OLD, interest_cents=127)
    plan = settle(10330, paid_on=DAY, asked=asking(part_of(OLD)), debts=[cheaper])
    assert (plan.debts[0].interest_cents, plan.surplus_cents) == (130, 0)


@pytest.mark.parametrize(
    ("cents", "on", "interest", "fine", "principal", "settled"),
    [
        (9299, DAY, 130, 200, 8969, False),  # a centavo short: no discount
        (9300, DAY + timedelta(days=1), 130, 200, 8970, False),  # a day late: no discount
        (129, DAY, 129, 0, 0, False),  # interest first
        (131, DAY, 130, 1, 0, False),  # then the fine
        (331, DAY, 130, 200, 1, False),  # then the principal
        (10330, DAY + timedelta(days=1), 130, 200, 10000, True),  # late, and yet enough for the day's cost
    ],
)
def test_paid_short_or_late_pays_interest_then_fine_then_principal_of_the_days_cost(
    cents: int, on: date, interest: int, fine: int, principal: int, settled: bool
) -> None:
    (paid,) = settle(cents, paid_on=on, asked=asking(part_of(OLD, discount=1030)), debts=[OLD]).debts
    assert (paid.interest_cents, paid.fine_cents, paid.principal_cents) == (interest, fine, principal)
    assert (paid.settled, paid.discount_cents) == (settled, 0)


def test_of_several_debts_the_oldest_is_paid_first_and_wholly() -> None:
    plan = settle(10400, paid_on=DAY, asked=asking(part_of(NEW), part_of(OLD)), debts=[NEW, OLD])
    assert [(d.debt_id, d.money_cents, d.settled) for d in plan.debts] == [(1, 10330, True), (2, 70, False)]


def test_too_much_is_kept_in_suspense() -> None:
    plan = settle(10000, paid_on=DAY, asked=asking(part_of(OLD, discount=1030)), debts=[OLD])
    assert (plan.surplus_cents, posted(plan)["suspense"]) == (700, -700)


def test_a_second_payment_settles_nothing_twice() -> None:
    asked = replace(asking(part_of(OLD, discount=1030)), paid_before_cents=9300)
    assert settle(9300, paid_on=DAY, asked=asked, debts=[]).surplus_cents == 9300


def test_a_charge_that_was_paid_short_before_gives_no_discount_any_more() -> None:
    asked = replace(asking(part_of(OLD, discount=1030)), paid_before_cents=1)
    (paid,) = settle(9300, paid_on=DAY, asked=asked, debts=[OLD]).debts
    assert (paid.settled, paid.discount_cents) == (False, 0)


def test_a_charge_of_an_agreement_that_fell_pays_the_debt_without_the_agreements_discount() -> None:
    asked = replace(asking(part_of(OLD, discount=1030)), agreement_id=7, instalment_n=1)
    (paid,) = settle(9300, paid_on=DAY, asked=asked, debts=[OLD]).debts
    assert (paid.settled, paid.discount_cents) == (False, 0)


def test_money_without_a_charge_is_surplus_whole() -> None:
    plan = settle(500, paid_on=DAY, asked=None)
    assert posted(plan) == {"bank": 500, "suspense": -500}


@pytest.mark.parametrize(
    ("left", "surplus"),
    [
        (replace(OLD, principal_cents=9900), 100),  # 1.00 of principal was paid meanwhile
        (replace(OLD, interest_cents=0, moved=True), 130),  # the interest was paid meanwhile: nobody pays it again
        (replace(OLD, principal_cents=10100), 0),  # the import made it dearer: what was asked for settles it
    ],
)
def test_a_debt_that_moved_since_it_was_charged_takes_what_is_left_and_never_more_than_was_asked(
    left: Owed, surplus: int
) -> None:
    plan = settle(10330, paid_on=DAY, asked=asking(part_of(OLD)), debts=[left])
    assert plan.debts[0].settled
    assert plan.surplus_cents == surplus


def test_an_instalments_charge_pays_its_own_instalment_and_no_other() -> None:
    asked = Asked(amount_cents=10000, pay_until=DAY, agreement_id=7, instalment_n=2)
    plan = settle(10100, paid_on=DAY, asked=asked, debts=[OLD], agreements=[agreement(10000, 10000, 10000)])
    assert [(i.n, i.amount_cents) for i in plan.instalments] == [(2, 10000)]
    assert plan.surplus_cents == 100
    assert plan.debts == ()
    assert posted(plan) == {"bank": 10100, "agreement:7": -10000, "suspense": -100}


def test_with_the_last_centavo_of_an_agreement_the_debt_behind_it_is_closed() -> None:
    asked = Asked(amount_cents=10000, pay_until=DAY, agreement_id=7, instalment_n=3)
    plan = settle(10000, paid_on=DAY, asked=asked, agreements=[agreement(10000)])
    assert [a.agreement_id for a in plan.settled_agreements] == [7]
    # 300.00 were received for 310.00 of principal and 15.00 of charges, less a discount of 25.00.
    assert posted(plan) == {
        "bank": 10000,
        "agreement:7": 20000,
        "debt:1": -31000,
        "expense:discounts": 2500,
        "income:agreement_charges": -1500,
    }


def test_an_old_charge_of_a_debt_that_is_agreed_by_now_pays_the_oldest_instalments() -> None:
    plan = settle(
        10330, paid_on=DAY, asked=asking(part_of(OLD)), debts=[OLD], agreements=[agreement(10000, 10000, 10000)]
    )
    assert [(i.n, i.amount_cents) for i in plan.instalments] == [(1, 10000), (2, 330)]
    assert plan.debts == ()


@pytest.mark.parametrize(("cents", "on"), [(9299, DAY), (9300, DAY + timedelta(days=1))])
def test_an_agreement_in_cash_falls_when_it_is_paid_short_or_late(cents: int, on: date) -> None:
    in_cash = agreement(9300, total=9300, is_cash=True)
    asked = Asked(
        amount_cents=9300, pay_until=DAY, agreement_id=7, instalment_n=3, parts=(part_of(OLD, discount=1030),)
    )
    plan = settle(cents, paid_on=on, asked=asked, debts=[OLD], agreements=[in_cash])
    assert plan.broken_agreements == (7,)
    assert [(d.money_cents, d.settled) for d in plan.debts] == [(cents, False)]
    held = settle(9300, paid_on=DAY, asked=asked, debts=[OLD], agreements=[in_cash])
    assert (held.broken_agreements, len(held.settled_agreements), held.debts) == ((), 1, ())


owed = st.builds(
    Owed,
    debt_id=st.integers(1, 4),
    due_on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    principal_cents=st.integers(1, 10**6),
    fine_cents=st.integers(0, 10**4),
    interest_cents=st.integers(0, 10**4),
    moved=st.booleans(),
)
parts = st.builds(
    Part,
    debt_id=st.integers(1, 4),
    principal_cents=st.integers(1, 10**6),
    fine_cents=st.integers(0, 10**4),
    interest_cents=st.integers(0, 10**4),
    discount_cents=st.just(0),
)


@given(
    debts=st.lists(owed, max_size=4, unique_by=lambda d: d.debt_id),
    asked_parts=st.lists(parts, max_size=4, unique_by=lambda p: p.debt_id),
    keeps=st.booleans(),
    share=st.integers(1, 200),
    discount=st.integers(0, 100),
    days=st.integers(-2, 2),
    instalments=st.lists(st.integers(1, 10**6), max_size=4),
    is_cash=st.booleans(),
)
def test_every_centavo_goes_somewhere_and_no_debt_falls_below_nothing(
    debts: list[Owed], asked_parts: list[Part], keeps: bool, share: int, discount: int, days: int,
    instalments: list[int], is_cash: bool,
) -> None:  # fmt: skip
    if keeps:
        asked_parts = [part_of(d) for d in debts]
    asked_parts = [replace(p, discount_cents=p.total_cents * discount // 101) for p in asked_parts]
    total = sum(p.total_cents for p in asked_parts) or 500
    asked = Asked(amount_cents=total, pay_until=DAY, parts=tuple(asked_parts))
    agreed = [agreement(*instalments, total=sum(instalments), is_cash=is_cash)] if instalments else []
    cents = max(1, total * share // 100)
    plan = settle(cents, paid_on=DAY + timedelta(days=days), asked=asked, debts=debts, agreements=agreed)
    money = sum(d.money_cents for d in plan.debts) + sum(i.amount_cents for i in plan.instalments)
    assert money + plan.surplus_cents == cents
    assert min(plan.surplus_cents, *(d.money_cents for d in plan.debts), 0) == 0
    assert sum(p.amount_cents for p in plan.postings) == 0
    left = {d.debt_id: d for d in debts}
    for paid in plan.debts:
        assert 0 <= paid.principal_cents <= left[paid.debt_id].principal_cents
        assert paid.settled == (paid.principal_cents == left[paid.debt_id].principal_cents)
        assert paid.settled or paid.interest_cents <= left[paid.debt_id].interest_cents
    for paid_instalment in plan.instalments:
        assert paid_instalment.amount_cents <= next(
            i.open_cents for i in agreed[0].instalments if i.n == paid_instalment.n
        )
