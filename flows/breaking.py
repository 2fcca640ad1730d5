"""When an agreement is broken, and what the debt is then: the original one, less what was paid, without the discount.

What was paid under the agreement, the charges of its lateness included, counts on the days on which it was paid, as if
there had been no agreement. Days are counted from the payable day of an instalment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, TypeAlias

from flows.calendar import payable_day
from flows.costs import cost_of
from flows.facts import AgreementFact, CostOfDebt, Debt
from flows.part_paid import after_part
from payments.late_charges import Terms
from payments.ledger import FINES, INTEREST, SUSPENSE, Posting, agreement_account, balanced, debt_account
from payments.settlement import Asked, DebtPaid, Order, Owed, settle

Reason: TypeAlias = Literal["late", "missed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidUnder:
    """What one payment brought under an agreement, in centavos, on the local day on which it was made."""

    payment_id: int
    paid_on: date
    amount_cents: int
    fine_cents: int = 0
    interest_cents: int = 0

    @property
    def money_cents(self) -> int:
        """All of it."""
        return self.amount_cents + self.fine_cents + self.interest_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The debt after its agreement: what each payment (by its id) settles of it now, and what is more than it cost."""

    debt: Debt
    settled: tuple[tuple[int, DebtPaid], ...]
    surplus: tuple[tuple[int, int], ...]

    @property
    def surplus_cents(self) -> int:
        """What was paid beyond the debt."""
        return sum(cents for _, cents in self.surplus)


def restored(debt: Debt, paid: Sequence[PaidUnder], terms: Terms, order: Order) -> Restored:
    """Return what `debt` would be if its agreement had never been made and the same money had come on the same days."""
    debt = replace(debt, state="open")
    settled: list[tuple[int, DebtPaid]] = []
    surplus: list[tuple[int, int]] = []
    for one in sorted(paid, key=lambda p: (p.paid_on, p.payment_id)):
        left_cents = one.money_cents
        if debt.open_principal_cents:
            cost = cost_of(debt, one.paid_on, terms)
            plan = settle(
                one.money_cents,
                paid_on=one.paid_on,
                asked=Asked(amount_cents=one.money_cents, pay_until=one.paid_on),
                debts=[_owed(debt, cost)],
                order=order,
            )
            [line], left_cents = plan.debts, plan.surplus_cents
            settled.append((one.payment_id, line))
            debt = after_part(debt, cost, _as_cost(line), on=one.paid_on, terms=terms)
        if left_cents:
            surplus.append((one.payment_id, left_cents))
    return Restored(debt=debt, settled=tuple(settled), surplus=tuple(surplus))


def postings_of(agreement_id: int, paid: Sequence[PaidUnder], after: Restored) -> tuple[Posting, ...]:
    """Return how the money moves from the agreement to the debt; nothing where nothing was paid."""
    sums: dict[str, int] = {}

    def post(account: str, cents: int) -> None:
        sums[account] = sums.get(account, 0) + cents

    for one in paid:
        post(agreement_account(agreement_id), one.amount_cents)
        post(FINES, one.fine_cents)
        post(INTEREST, one.interest_cents)
    for _, line in after.settled:
        post(debt_account(after.debt.id), -line.principal_cents)
        post(FINES, -line.fine_cents)
        post(INTEREST, -line.interest_cents)
    post(SUSPENSE, -after.surplus_cents)
    entries = [Posting(account=account, amount_cents=cents) for account, cents in sums.items() if cents]
    return balanced(entries) if entries else ()


def breaks_on(agreement: AgreementFact) -> tuple[date, Reason] | None:
    """Return the first day on which the agreement is broken if nothing more is paid, and by which rule; None: never by
    itself."""
    life, open_ones = agreement.life, agreement.open_instalments
    found: list[tuple[date, Reason]] = []
    if life.broken_days_late is not None and open_ones:
        payable = payable_day(open_ones[0].due_on, life.late.holidays)
        found.append((payable + timedelta(days=life.broken_days_late + 1), "late"))
    if life.broken_missed is not None and len(open_ones) >= life.broken_missed:
        missed = open_ones[life.broken_missed - 1]
        found.append((payable_day(missed.due_on, life.late.holidays) + timedelta(days=1), "missed"))
    return min(found, default=None)


def _owed(debt: Debt, cost: CostOfDebt) -> Owed:
    return Owed(
        debt_id=debt.id,
        due_on=debt.due_on,
        principal_cents=cost.principal_cents,
        fine_cents=cost.fine_cents,
        interest_cents=cost.interest_cents,
    )


def _as_cost(line: DebtPaid) -> CostOfDebt:
    return CostOfDebt(
        debt_id=line.debt_id,
        principal_cents=line.principal_cents,
        fine_cents=line.fine_cents,
        interest_cents=line.interest_cents,
    )
