"""What a debt costs on a day, partial payments included: the one place where facts and late charges meet.

After a partial payment interest runs from that day on what is left of the principal, what was not paid of the interest
is carried, and the fine (charged once, CDC art. 52 § 1) is reduced by what was paid of it.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from flows.calendar import payable_day
from flows.facts import CostOfDebt, Debt
from payments.late_charges import Terms, cost_on

NO_LATE_CHARGES = Terms(fine_percent=Decimal(0), interest_percent_month=Decimal(0))


def free_until(debt: Debt, terms: Terms) -> date:
    """Return the last day on which `debt` costs nothing more, the days of grace included."""
    return payable_day(debt.due_on, terms.holidays) + timedelta(days=terms.grace_days)


def cost_of(debt: Debt, on: date, terms: Terms) -> CostOfDebt:
    """Return what `debt` costs on `on`, in centavos, without any discount. `terms` are those of the policy in force."""
    assert debt.open_principal_cents > 0
    payable = payable_day(debt.due_on, terms.holidays)
    if debt.interest_from is None or debt.interest_from <= payable:
        # What was paid before the debt got late only made it smaller.
        cost = cost_on(on, principal_cents=debt.open_principal_cents, due=debt.due_on, free_until=payable, terms=terms)
        return CostOfDebt(
            debt_id=debt.id,
            principal_cents=debt.open_principal_cents,
            fine_cents=max(0, cost.fine_cents - debt.fine_paid_cents),
            interest_cents=cost.interest_cents + debt.interest_carried_cents,
        )
    whole = cost_on(on, principal_cents=debt.principal_cents, due=debt.due_on, free_until=payable, terms=terms)
    rest_cents = 0
    if on > debt.interest_from:
        since = debt.interest_from
        rest_terms = replace(terms, grace_days=0)  # the days of grace are over once a late part was paid
        rest = cost_on(on, principal_cents=debt.open_principal_cents, due=since, free_until=since, terms=rest_terms)
        rest_cents = rest.interest_cents
    return CostOfDebt(
        debt_id=debt.id,
        principal_cents=debt.open_principal_cents,
        fine_cents=max(0, whole.fine_cents - debt.fine_paid_cents),
        interest_cents=debt.interest_carried_cents + rest_cents,
    )
