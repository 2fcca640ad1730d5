"""What is left of a debt after a part of it was paid.

Paid in time, days of grace among it, a part only makes the debt smaller. Paid late, interest runs on the rest from that
day, and the fine, charged once (CDC art. 52 § 1), is reduced by what was paid of it.
"""

from dataclasses import replace
from datetime import date

from flows.costs import free_until
from flows.facts import CostOfDebt, Debt
from payments.late_charges import Terms
from payments.money import percent_of


def after_part(debt: Debt, cost: CostOfDebt, paid: CostOfDebt, *, on: date, terms: Terms) -> Debt:
    """Return `debt`, which cost `cost` by `terms` on the day `on`, after `paid` was paid of it; the parts of `paid` are
    gross.

    A payment that is told late does not turn time back.
    """
    rest = replace(
        debt,
        open_principal_cents=debt.open_principal_cents - paid.principal_cents,
        interest_carried_cents=cost.interest_cents - paid.interest_cents,
        fine_paid_cents=debt.fine_paid_cents + paid.fine_cents,
    )
    if on <= free_until(debt, terms):
        return rest
    # Of the fine on the whole principal, what was paid in time never cost one: it counts as done.
    fine_done_cents = percent_of(debt.principal_cents, terms.fine_percent) - (cost.fine_cents - paid.fine_cents)
    return replace(
        rest,
        interest_from=max(on, debt.interest_from or on),
        fine_paid_cents=max(rest.fine_paid_cents, fine_done_cents),
    )
