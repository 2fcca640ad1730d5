"""What is left of a debt after a part of it was paid: interest runs on the rest from that day, and the fine, charged
once (CDC art. 52 § 1), is reduced by what was paid of it."""

from dataclasses import replace
from datetime import date

from flows.facts import CostOfDebt, Debt


def after_part(debt: Debt, cost: CostOfDebt, paid: CostOfDebt, *, on: date) -> Debt:
    """Return `debt`, which cost `cost` on the day `on`, after `paid` was paid of it; the parts of `paid` are gross.

    A payment that is told late does not turn time back.
    """
    return replace(
        debt,
        open_principal_cents=debt.open_principal_cents - paid.principal_cents,
        interest_from=max(on, debt.interest_from or on),
        interest_carried_cents=cost.interest_cents - paid.interest_cents,
        fine_paid_cents=debt.fine_paid_cents + paid.fine_cents,
    )
