"""What one instalment of an agreement costs on a day: its amount on its day, more when it is late, less when it is paid
ahead."""

from datetime import date

from flows.costs import cost_of
from flows.facts import AgreementFact, CostOfDebt, Debt, Instalment
from payments.early import interest_off


def as_debt(instalment: Instalment) -> Debt:
    """An instalment as the debt that it is: what is open of it, since when it is late, what was paid of its charges."""
    return Debt(
        id=0,
        external_id="",
        description="",
        principal_cents=instalment.amount_cents - instalment.forgiven_cents,
        open_principal_cents=instalment.open_cents,
        due_on=instalment.due_on,
        interest_from=instalment.interest_from,
        interest_carried_cents=instalment.interest_carried_cents,
        fine_paid_cents=instalment.fine_paid_cents,
    )


def cost_of_instalment(agreement: AgreementFact, instalment: Instalment, on: date) -> CostOfDebt:
    """Return what `instalment` costs on `on`, without anything taken off, in centavos: with the late charges that the
    agreement was sealed with."""
    cost = cost_of(as_debt(instalment), on, agreement.life.late)
    return CostOfDebt(
        debt_id=agreement.debt_id,
        principal_cents=cost.principal_cents,
        fine_cents=cost.fine_cents,
        interest_cents=cost.interest_cents,
        instalment_n=instalment.n,
    )


def early_cents(agreement: AgreementFact, instalment: Instalment, on: date) -> int:
    """Return what is taken off `instalment` where it is paid on `on`, before its day (CDC art. 52 § 2)."""
    return interest_off(
        instalment.open_cents,
        due=instalment.due_on,
        on=on,
        cet_percent_year=agreement.cet_percent_year,
    )


def cost_of_all(agreement: AgreementFact, on: date) -> tuple[CostOfDebt, ...]:
    """Return what settling the whole agreement on `on` costs, instalment by instalment: the late ones with their
    charges, the coming ones less the interest that has not run."""
    return tuple(
        CostOfDebt(
            debt_id=cost.debt_id,
            principal_cents=cost.principal_cents,
            fine_cents=cost.fine_cents,
            interest_cents=cost.interest_cents,
            discount_cents=early_cents(agreement, instalment, on),
            instalment_n=instalment.n,
        )
        for instalment in agreement.open_instalments
        for cost in (cost_of_instalment(agreement, instalment, on),)
    )
