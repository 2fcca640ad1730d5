"""Sealing: an offer that is shown is kept exactly as shown, once, however often it is shown again."""

from datetime import timedelta

from flows.effects import SealOffer
from flows.moment import Moment
from flows.negotiation import CashOffer, InstalmentOffer, PromiseOffer, facts_json

_HONOURED_AT_LEAST = timedelta(days=2)  # CDC art. 54-B, IV: an offer of credit stands for two days or longer


def sealed_or_new(
    moment: Moment, debt_id: int, offer: CashOffer | InstalmentOffer | PromiseOffer
) -> tuple[int, list[SealOffer]]:
    """Return the number of the offer, and the effect that seals it where it was not shown before."""
    assert moment.facts.policy is not None  # offers come from a policy in force
    known = next(
        (o for o in moment.facts.offers if o.debt_id == debt_id and o.offer == offer and moment.stands(o)), None
    )
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
            honoured_until=max(offer.honoured_until, moment.facts.today + _HONOURED_AT_LEAST),
            facts=facts_json(moment.debt_facts(debt), moment.facts.today),
        )
    ]
