"""What a debt costs on a day, against a second calculation from the contract alone: fractions, day after day."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.breaking import PaidUnder, restored
from flows.costs import cost_of
from flows.facts import Debt
from flows.negotiation import DebtFacts, decide
from payments.late_charges import Holidays, Terms
from payments.settlement import BY_LAW
from tests.tables import table
from tests.talking import policy

A_DAY = timedelta(days=1)
FIXED = ((1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25))


def easter(year: int) -> date:
    """By the anonymous Gregorian computation."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


def nobody_pays(day: date, days: Holidays) -> bool:
    """Weekends, holidays of the nation and of the banks, and what the policy names. São Paulo has the 9th of July."""
    moving = {easter(day.year) + timedelta(days=n) for n in (-48, -47, -2, 60)}
    state = days.state == "SP" and (day.month, day.day) == (7, 9)
    return day.weekday() > 4 or (day.month, day.day) in FIXED or day in moving or state or day in days.own


def rounded(amount: Fraction) -> int:
    """The nearest centavo, half upwards."""
    return int(amount + Fraction(1, 2))


@dataclass
class Naive:
    """One debt, lived through in order."""

    principal: int
    due: date
    terms: Terms
    fine: int | None = None  # what is left of it, once it was charged
    carried: int = 0
    since: date | None = None  # interest runs from here once a late part was paid
    parts: list[tuple[int, int, int]] = field(default_factory=list)

    def costs(self, day: date) -> tuple[int, int, int]:
        """Principal, fine and interest on a day."""
        free = self.due
        while nobody_pays(free, self.terms.holidays):
            free += A_DAY
        if day <= free + self.terms.grace_days * A_DAY and self.since is None:
            return self.principal, 0, 0
        fine = self.fine
        if fine is None:
            fine = rounded(Fraction(self.principal) * Fraction(self.terms.fine_percent) / 100)
        interest, on = Fraction(0), self.since or self.due
        while on < day:
            on += A_DAY
            interest += Fraction(self.principal) * Fraction(self.terms.interest_percent_month) / 100 / 30
        return self.principal, fine, self.carried + rounded(interest)

    def pays(self, day: date, cents: int) -> None:
        """Interest first, then the fine, then the principal (CC art. 354)."""
        principal, fine, interest = self.costs(day)
        to_interest = min(cents, interest)
        to_fine = min(cents - to_interest, fine)
        self.principal = principal - (cents - to_interest - to_fine)
        if fine or interest or self.since is not None or self._is_late(day):
            self.fine, self.carried, self.since = fine - to_fine, interest - to_interest, day

    def _is_late(self, day: date) -> bool:
        free = self.due
        while nobody_pays(free, self.terms.holidays):
            free += A_DAY
        return day > free + self.terms.grace_days * A_DAY


PERCENT = st.decimals(min_value=0, max_value=10, places=2)
DUE = st.dates(date(2024, 1, 1), date(2034, 12, 31))


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Any policy's charges and holidays."""
    own = draw(st.frozensets(st.dates(date(2024, 1, 1), date(2026, 12, 31)), max_size=20))
    return Terms(
        fine_percent=draw(PERCENT),
        interest_percent_month=draw(PERCENT),
        grace_days=draw(st.integers(0, 10)),
        holidays=Holidays(state=draw(st.sampled_from([None, "SP"])), own=own),
    )


def owed(principal: int, due: date) -> Debt:
    return Debt(
        id=1,
        external_id="NF-1",
        description="Mensalidade",
        principal_cents=principal,
        open_principal_cents=principal,
        due_on=due,
    )


@given(st.integers(1, 10**10), DUE, terms(), st.integers(-40, 400))
def test_a_debt_costs_what_the_contract_says_on_any_day(
    principal: int, due: date, policy_terms: Terms, ahead: int
) -> None:
    day = due + ahead * A_DAY
    cost = cost_of(owed(principal, due), day, policy_terms)
    assert (cost.principal_cents, cost.fine_cents, cost.interest_cents) == Naive(principal, due, policy_terms).costs(
        day
    )


@given(
    st.integers(100, 10**7),
    DUE,
    terms(),
    st.lists(st.tuples(st.integers(-20, 90), st.integers(1, 60)), max_size=4),
    st.integers(0, 60),
)
def test_parts_that_were_paid_leave_what_the_contract_says(
    principal: int, due: date, policy_terms: Terms, parts: list[tuple[int, int]], later: int
) -> None:
    """Before the due date, in the days of grace, late; each a share of what it costs then, and never all of it."""
    naive, paid, last = Naive(principal, due, policy_terms), [], due - 30 * A_DAY
    for n, (ahead, percent) in enumerate(sorted(parts)):
        last = due + ahead * A_DAY
        cents = sum(naive.costs(last)) * percent // 100
        if cents:
            naive.pays(last, cents)
            paid.append(PaidUnder(payment_id=n, paid_on=last, amount_cents=cents))
    debt = restored(owed(principal, due), paid, policy_terms, BY_LAW).debt
    day = last + later * A_DAY
    cost = cost_of(debt, day, policy_terms)
    assert (cost.principal_cents, cost.fine_cents, cost.interest_cents) == naive.costs(day)


@pytest.mark.parametrize(
    *table("""
    due        | day        | grace | state | own        | days
    2026-02-14 | 2026-02-18 | 0     | -     | -          | 0   # the Saturday before Carnival: Ash Wednesday is in time
    2026-02-14 | 2026-02-19 | 0     | -     | -          | 5
    2026-11-20 | 2026-11-23 | 0     | -     | -          | 0   # a Friday, Consciência Negra
    2026-11-20 | 2026-11-24 | 0     | -     | -          | 4
    2023-11-20 | 2023-11-21 | 0     | -     | -          | 1   # before it was a holiday
    2026-12-24 | 2026-12-25 | 0     | -     | -          | 1   # Christmas Eve is a banking day
    2026-12-25 | 2026-12-28 | 0     | -     | -          | 0
    2026-12-31 | 2027-01-01 | 0     | -     | -          | 1
    2026-12-31 | 2027-01-04 | 0     | -     | 2026-12-31 | 0
    2028-02-29 | 2028-03-01 | 0     | -     | -          | 0   # a leap day that is Carnival
    2024-02-29 | 2024-03-01 | 0     | -     | -          | 1   # a leap day that is none
    2026-04-01 | 2026-04-04 | 3     | -     | -          | 0   # grace over Good Friday: calendar days
    2026-04-01 | 2026-04-05 | 3     | -     | -          | 4
    2026-07-09 | 2026-07-13 | 3     | SP    | -          | 0   # grace counts from the moved day
    2026-07-09 | 2026-07-14 | 3     | SP    | -          | 5
    2026-07-09 | 2026-07-10 | 0     | RJ    | -          | 1
    2026-11-30 | 2026-11-10 | 0     | -     | -          | 0   # not due yet
""")
)
def test_the_days_that_interest_counts_at_the_edges(
    due: str, day: str, grace: int, state: str | None, own: str | None, days: int
) -> None:
    """R$ 300,00 at 1 % a month: ten centavos a day, and R$ 6,00 of fine once it runs."""
    own_days = frozenset([date.fromisoformat(own)]) if own else frozenset()
    found = cost_of(
        owed(30000, date.fromisoformat(due)),
        date.fromisoformat(day),
        Terms(
            fine_percent=Decimal("2.00"),
            interest_percent_month=Decimal("1.00"),
            grace_days=grace,
            holidays=Holidays(state=state, own=own_days),
        ),
    )
    assert (found.fine_cents, found.interest_cents) == (600 if days else 0, 10 * days)


def test_who_paid_half_in_time_pays_the_fine_of_the_other_half() -> None:
    late = Terms(fine_percent=Decimal("2.00"), interest_percent_month=Decimal("1.00"))
    due = date(2026, 11, 30)
    paid = [
        PaidUnder(payment_id=1, paid_on=due, amount_cents=50000),
        PaidUnder(payment_id=2, paid_on=due + 30 * A_DAY, amount_cents=21500),
    ]
    debt = restored(owed(100000, due), paid, late, BY_LAW).debt
    cost = cost_of(debt, due + 60 * A_DAY, late)
    assert (cost.principal_cents, cost.fine_cents, cost.interest_cents) == (30000, 0, 300)


@given(st.integers(1, 5_000_000), st.integers(-40, 400))
def test_a_cash_offer_of_the_sample_policy_never_asks_more_than_the_day_costs(principal: int, late: int) -> None:
    rules, day = policy().policy, date(2026, 11, 23)
    debt = owed(principal, day - late * A_DAY)
    cost = cost_of(debt, day, rules.terms)
    decision = decide(rules, DebtFacts(principal_cents=principal, due=debt.due_on), day)
    assert decision.cost.total_cents == cost.total_cents
    for offer in decision.offers:
        if offer.name == "a-vista":
            assert 0 < offer.total_cents <= cost.total_cents  # type: ignore[union-attr]  # it is one in cash
