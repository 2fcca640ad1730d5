"""Sealing: an offer that is shown is kept exactly as shown, once, however often it is shown again."""

from flows.effects import SealOffer
from flows.facts import Debt
from flows.moment import Moment
from flows.negotiation import CashOffer, DebtFacts, InstalmentOffer, PromiseOffer, facts_json
from payments.late_charges import Cost


def debt_facts(moment: Moment, debt: Debt) -> DebtFacts:
    """Return what a policy may know of a debt, today."""
    cost = moment.facts.costs[debt.id]
    return DebtFacts(
        principal_cents=debt.principal_cents,
        due=debt.due_on,
        tags=debt.tags,
        late_before=debt.late_before,
        external_id=debt.external_id,
        cost=Cost(principal_cents=cost.principal_cents, fine_cents=cost.fine_cents, interest_cents=cost.interest_cents),
    )


def sealed_or_new(
    moment: Moment, debt_id: int, offer: CashOffer | InstalmentOffer | PromiseOffer
) -> tuple[int, list[SealOffer]]:
    """Return the number of the offer, and the effect that seals it where it was not shown before."""
    assert moment.facts.policy is not None  # offers come from a policy in force
    known = next((o for o in moment.facts.offers if o.debt_id == debt_id and o.offer == offer and not o.accepted), None)
    if known is not None:
        return known.no, []
    debt = moment.debt(debt_id)
    assert debt is not None
    number = moment.number()
    return number, [
        SealOffer(
            offer_no=number,
            debt_id=debt_id,
            policy_digest=moment.facts.policy.digest,
            offer=offer,
            honoured_until=offer.honoured_until,
            facts=facts_json(debt_facts(moment, debt), moment.facts.today),
        )
    ]
