"""What a debt is after money for it went back: as it was, but that no time counts against whoever had paid.

Interest runs from the day of the return on what is open again; what the payment had found of fine and interest is owed
again as it was then, and no fine is added for the time in which it was paid.
"""

from dataclasses import replace
from datetime import date

from flows.costs import cost_of, free_until
from flows.facts import AgreementFact, CostOfDebt, Debt, Instalment
from flows.instalments import as_debt
from payments.late_charges import Terms
from payments.money import percent_of
from payments.settlement import InstalmentPaid


def after_return(debt: Debt, back: CostOfDebt, *, on: date, terms: Terms, principal_cents: int | None = None) -> Debt:
    """Return `debt`, of which nothing or a part is open, after the parts of `back` are owed again on the day `on`.

    `principal_cents`: the whole principal after it, where that changes too.
    """
    whole_cents = principal_cents if principal_cents is not None else debt.principal_cents
    rest = replace(
        debt,
        principal_cents=whole_cents,
        open_principal_cents=debt.open_principal_cents + back.principal_cents,
        interest_carried_cents=debt.interest_carried_cents + back.interest_cents,
        fine_paid_cents=max(0, debt.fine_paid_cents - back.fine_cents),
        state="open" if debt.state == "paid" else debt.state,
    )
    if on <= free_until(debt, terms):
        return rest
    cost = cost_of(debt, on, terms) if debt.open_principal_cents else CostOfDebt(debt_id=debt.id, principal_cents=0)
    fine_owed_cents = cost.fine_cents + back.fine_cents
    return replace(
        rest,
        interest_from=max(on, debt.interest_from or on),
        interest_carried_cents=cost.interest_cents + back.interest_cents,
        fine_paid_cents=max(0, percent_of(whole_cents, terms.fine_percent) - fine_owed_cents),
    )


def instalment_after_return(
    agreement: AgreementFact, before: Instalment, undone: InstalmentPaid, on: date
) -> Instalment:
    """Return an instalment after what was paid on it went back, on the day `on`."""
    covered = replace(
        before,
        paid_cents=before.paid_cents - undone.amount_cents,
        forgiven_cents=before.forgiven_cents - undone.discount_cents,
    )
    back = CostOfDebt(
        debt_id=0,
        principal_cents=undone.amount_cents + undone.discount_cents,
        fine_cents=undone.fine_cents,
        interest_cents=undone.interest_cents,
    )
    whole_cents = covered.amount_cents - covered.forgiven_cents
    rest = after_return(as_debt(before), back, on=on, terms=agreement.life.late, principal_cents=whole_cents)
    return replace(
        covered,
        interest_from=rest.interest_from,
        interest_carried_cents=rest.interest_carried_cents,
        fine_paid_cents=rest.fine_paid_cents,
    )
