"""Money that goes back: what it takes first, what it undoes, and that nobody owes more for it than before they paid."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.costs import cost_of
from flows.facts import CostOfDebt, Debt
from flows.given_back import after_return
from flows.part_paid import after_part
from payments.late_charges import Terms
from payments.ledger import Posting
from payments.returns import Closing, OwedAgain, Standing, TakenBack, take_back
from payments.settlement import (
    Asked,
    DebtPaid,
    InstalmentPaid,
    OpenInstalment,
    Owed,
    OwedAgreement,
    Part,
    Settlement,
    settle,
)

DAY = date(2026, 12, 1)
DEBT = DebtPaid(debt_id=1, principal_cents=10000, fine_cents=200, interest_cents=130, discount_cents=1030, settled=True)
SECOND = DebtPaid(debt_id=2, principal_cents=500, fine_cents=10, interest_cents=5, discount_cents=0, settled=False)
FIRST_OF_SIX = InstalmentPaid(agreement_id=7, n=1, amount_cents=5000, fine_cents=100, interest_cents=50)
CLOSED = Closing(agreement_id=7, debt_id=1, received_cents=11000, principal_cents=10000, discount_cents=0)
IN_CASH = Closing(
    agreement_id=7, debt_id=1, received_cents=9000, principal_cents=10000, discount_cents=1000, is_cash=True
)


def posted(back: TakenBack) -> dict[str, int]:
    return {p.account: p.amount_cents for p in back.postings}


@pytest.mark.parametrize(
    ("first", "cents", "left", "account"),
    [
        ("suspense", 300, (0, 500), "suspense"),
        ("credit", 500, (300, 0), "credit:4"),
        ("credit", 100, (300, 400), "credit:4"),
    ],
)
def test_what_settled_nothing_goes_first_from_where_it_was_taken(
    first: Literal["suspense", "credit"], cents: int, left: tuple[int, int], account: str
) -> None:
    payment = Standing(surplus_cents=300, credit_cents=500, lines=(DEBT,), customer_id=4)
    back = take_back(payment, cents, closed={}, first=first)
    assert (back.left.surplus_cents, back.left.credit_cents, back.undone) == (*left, ())
    assert posted(back) == {account: cents, "bank": -cents}


def test_what_was_settled_comes_back_from_the_last_line_principal_then_fine_then_interest() -> None:
    back = take_back(Standing(surplus_cents=1, lines=(DEBT, SECOND)), 512, closed={})
    [undone] = back.undone
    assert undone == DebtPaid(
        debt_id=2, principal_cents=500, fine_cents=10, interest_cents=1, discount_cents=0, settled=False
    )
    assert back.left.lines == (
        DEBT,
        DebtPaid(debt_id=2, principal_cents=0, fine_cents=0, interest_cents=4, discount_cents=0, settled=False),
    )
    assert posted(back) == {"suspense": 1, "bank": -512, "debt:2": 500, "income:fines": 10, "income:interest": 1}


@pytest.mark.parametrize(("cents", "off"), [(9299, 0), (9300, 1030)])
def test_a_discount_falls_only_with_the_whole_line(cents: int, off: int) -> None:
    back = take_back(Standing(surplus_cents=0, lines=(DEBT,)), cents, closed={})
    assert posted(back).get("expense:discounts", 0) == -off
    assert sum(line.discount_cents for line in back.undone) == off


def test_a_complete_agreement_is_in_force_again_with_what_it_still_has() -> None:
    back = take_back(Standing(surplus_cents=0, lines=(FIRST_OF_SIX,)), 2000, closed={7: CLOSED})
    assert back.reopened == (CLOSED,)
    assert posted(back) == {
        "bank": -2000,
        "agreement:7": -11000 + 2000,
        "debt:1": 10000,
        "income:agreement_charges": 1000,
    }


def test_an_agreement_in_cash_is_undone_by_the_whole_and_owed_on_its_debt_by_a_part() -> None:
    line = InstalmentPaid(agreement_id=7, n=1, amount_cents=9000)
    whole = take_back(Standing(surplus_cents=0, lines=(line,)), 9000, closed={7: IN_CASH})
    assert whole.owed_again == (
        OwedAgain(debt_id=1, agreement_id=7, principal_cents=10000, beyond_cents=0, whole=True),
    )
    assert posted(whole) == {"bank": -9000, "debt:1": 10000, "expense:discounts": -1000}
    part = take_back(Standing(surplus_cents=0, lines=(line,)), 8999, closed={7: IN_CASH})
    assert part.owed_again == (OwedAgain(debt_id=1, agreement_id=7, principal_cents=8999, beyond_cents=0, whole=False),)
    assert posted(part) == {"bank": -8999, "debt:1": 8999}


def test_on_a_debt_that_was_cancelled_nothing_is_owed_again() -> None:
    back = take_back(Standing(surplus_cents=0, lines=(SECOND,)), 515, closed={}, cancelled=frozenset({2}))
    assert posted(back) == {"opening": 500, "income:fines": 10, "income:interest": 5, "bank": -515}


# --- whatever was settled --------------------------------------------------------------------------------------------

owed = st.builds(
    Owed,
    debt_id=st.integers(1, 4),
    due_on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    principal_cents=st.integers(1, 10**6),
    fine_cents=st.integers(0, 10**4),
    interest_cents=st.integers(0, 10**4),
)


def _settled(
    debts: Sequence[Owed], instalments: Sequence[int], cents: int, discount: int, is_cash: bool
) -> tuple[Settlement, dict[int, Closing]]:
    agreed = [d for d in debts if d.debt_id == 1 and instalments]
    agreements = [
        OwedAgreement(
            agreement_id=7,
            debt_id=1,
            total_cents=sum(instalments[:1] if is_cash else instalments),
            principal_cents=d.principal_cents,
            discount_cents=0,
            is_cash=is_cash,
            instalments=tuple(
                OpenInstalment(n=n, due_on=DAY, open_cents=c, fine_cents=0 if is_cash else 3)
                for n, c in enumerate(instalments[:1] if is_cash else instalments, start=1)
            ),
        )
        for d in agreed
    ]
    parts = tuple(
        Part(
            debt_id=d.debt_id,
            principal_cents=d.principal_cents,
            fine_cents=d.fine_cents,
            interest_cents=d.interest_cents,
            discount_cents=min(discount, d.principal_cents),
        )
        for d in debts
    )
    asked = Asked(amount_cents=sum(p.total_cents for p in parts), pay_until=DAY, parts=parts)
    plan = settle(cents, paid_on=DAY, asked=asked, debts=debts, agreements=agreements)
    closings = {
        a.agreement_id: Closing(
            agreement_id=a.agreement_id,
            debt_id=1,
            received_cents=a.total_cents,
            principal_cents=a.principal_cents,
            discount_cents=max(0, a.principal_cents - a.total_cents),
            is_cash=is_cash,
        )
        for a in plan.settled_agreements
    }
    return plan, closings


@given(
    debts=st.lists(owed, min_size=1, max_size=4, unique_by=lambda d: d.debt_id),
    instalments=st.lists(st.integers(1, 10**6), max_size=4),
    cents=st.integers(1, 3 * 10**6),
    discount=st.integers(0, 500),
    is_cash=st.booleans(),
    shares=st.lists(st.integers(1, 100), min_size=1, max_size=4),
)
def test_in_however_many_pieces_it_goes_back_the_books_balance_and_no_account_is_beyond_where_it_was(
    debts: list[Owed], instalments: list[int], cents: int, discount: int, is_cash: bool, shares: list[int]
) -> None:
    plan, closed = _settled(debts, instalments, cents, discount, is_cash)
    books = Counter({p.account: p.amount_cents for p in plan.postings})
    standing = Standing(surplus_cents=plan.surplus_cents, lines=(*plan.debts, *plan.instalments))
    assert standing.kept_cents == cents
    for share in [*shares, 100]:
        back = min(standing.kept_cents, max(1, cents * share // 100))
        if back:
            taken = take_back(standing, back, closed=closed)
            _add(books, taken.postings)
            assert taken.left.kept_cents == standing.kept_cents - back
            # Then it is in force, and no more a complete one; of one in cash there is so much less to close.
            again = sum(o.principal_cents for o in taken.owed_again)
            closed = {k: _less(c, again) for k, c in closed.items() if c not in taken.reopened and not _is_whole(taken)}
            standing = taken.left
    assert standing.kept_cents == 0
    assert (books["bank"], books["suspense"]) == (0, 0)
    for account, left in books.items():
        if account.startswith("debt:"):
            assert left <= 0  # never more than before the payment
        if not closed:
            assert left == 0, account  # what an agreement in cash forgave falls only with all of it at once


def _is_whole(taken: TakenBack) -> bool:
    return any(o.whole for o in taken.owed_again)


def _less(closing: Closing, cents: int) -> Closing:
    return Closing(
        agreement_id=closing.agreement_id,
        debt_id=closing.debt_id,
        received_cents=closing.received_cents,
        principal_cents=closing.principal_cents,
        discount_cents=closing.discount_cents,
        open_cents=closing.open_cents + cents,
        is_cash=closing.is_cash,
    )


def _add(books: "Counter[str]", postings: Sequence[Posting]) -> None:
    for p in postings:
        books[p.account] += p.amount_cents


TERMS = Terms(fine_percent=Decimal("2.00"), interest_percent_month=Decimal("1.00"))


@given(
    principal=st.integers(100, 10**6),
    due=st.dates(date(2026, 9, 1), date(2026, 12, 20)),
    before=st.integers(0, 99),
    share=st.integers(1, 100),
    goes_back=st.integers(1, 100),
    paid=st.integers(0, 60),
    later=st.integers(0, 200),
)
def test_nobody_owes_more_after_a_return_than_had_they_never_paid(
    principal: int, due: date, before: int, share: int, goes_back: int, paid: int, later: int
) -> None:
    debt = Debt(
        id=1, external_id="", description="", principal_cents=principal, open_principal_cents=principal, due_on=due
    )
    first_on = due + timedelta(days=10)
    if before:
        debt, _ = _pay(debt, cost_of(debt, first_on, TERMS).total_cents * before // 100, first_on)
    paid_on = (first_on if before else due - timedelta(days=20)) + timedelta(days=paid)
    cost = cost_of(debt, paid_on, TERMS)
    money = max(1, cost.total_cents * share // 100)
    after, lines = _pay(debt, money, paid_on)
    returned_on = paid_on + timedelta(days=later)
    taken = take_back(Standing(surplus_cents=0, lines=lines), max(1, money * goes_back // 100), closed={})
    left = after
    for line in taken.undone:
        assert isinstance(line, DebtPaid)
        left = after_return(left, _as_cost(line), on=returned_on, terms=TERMS)
    now = cost_of(left, returned_on, TERMS)
    never = cost_of(debt, returned_on, TERMS)
    held = cost_of(after, returned_on, TERMS).total_cents if after.open_principal_cents else 0
    assert now.total_cents == held + taken.amount_cents  # exactly what went back is open again, from this day on
    assert now.total_cents <= never.total_cents + 1  # interest in two spans is rounded twice
    assert now.principal_cents <= debt.open_principal_cents


def _pay(debt: Debt, cents: int, on: date) -> tuple[Debt, tuple[DebtPaid, ...]]:
    cost = cost_of(debt, on, TERMS)
    owed = Owed(
        debt_id=1,
        due_on=debt.due_on,
        principal_cents=cost.principal_cents,
        fine_cents=cost.fine_cents,
        interest_cents=cost.interest_cents,
    )
    if not cents:
        return debt, ()
    plan = settle(cents, paid_on=on, asked=Asked(amount_cents=cents, pay_until=on), debts=[owed])
    after = after_part(debt, cost, _as_cost(plan.debts[0]), on=on, terms=TERMS)
    return after, plan.debts


def _as_cost(line: DebtPaid) -> CostOfDebt:
    return CostOfDebt(
        debt_id=1,
        principal_cents=line.principal_cents,
        fine_cents=line.fine_cents,
        interest_cents=line.interest_cents,
    )
