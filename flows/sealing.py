"""Sealing: an offer that is shown is kept exactly as shown, once, however often it is shown again, with all that it was
made from."""

from datetime import date, timedelta
from typing import Any

from flows.effects import SealOffer
from flows.facts import ApprovedException, Debt, SealedOffer
from flows.moment import Moment
from flows.negotiation import CashOffer, InstalmentOffer, PromiseOffer, facts_json

FACTS_VERSION = 2
"""What is sealed beside the terms; 2: with the history that the cost is reckoned from (`flows.recompute`)."""
_HONOURED_AT_LEAST = timedelta(days=2)  # CDC art. 54-B, IV: an offer of credit stands for two days or longer


def sealed_or_new(
    moment: Moment,
    debt_id: int,
    offer: CashOffer | InstalmentOffer | PromiseOffer,
    *,
    made_of: SealedOffer | None = None,
    exception: ApprovedException | None = None,
) -> tuple[int, list[SealOffer]]:
    """Return the number of the offer, and the effect that seals it where it was not shown before.

    `made_of`: the offer that it is, on other dates; its policy and its facts are those that the amounts come from.
    `exception`: what finance approved outside the policy; its terms and who decided stand among the facts.
    """
    assert moment.facts.policy is not None  # offers come from a policy in force
    known = next(
        (o for o in moment.facts.offers if o.debt_id == debt_id and o.offer == offer and moment.stands(o)), None
    )
    if known is not None and exception is None:
        return known.no, []
    debt = moment.debt(debt_id)
    assert debt is not None
    number = moment.number()
    return number, [
        SealOffer(
            offer_no=number,
            debt_id=debt_id,
            policy_digest=made_of.policy_digest if made_of is not None else moment.facts.policy.digest,
            offer=offer,
            honoured_until=honoured_until(offer, moment.facts.today),
            facts={**_facts(moment, debt), **_provenance(exception)} if made_of is None else _dates(made_of, offer),
            made_of=made_of.no if made_of is not None else None,
        )
    ]


def honoured_until(offer: CashOffer | InstalmentOffer | PromiseOffer, shown_on: date) -> date:
    """Return the last day on which an offer that is shown on a day may be accepted."""
    return max(offer.honoured_until, shown_on + _HONOURED_AT_LEAST)


def _facts(moment: Moment, debt: Debt) -> dict[str, Any]:
    """All that the offers of today are made from: the debt with what was paid of it, what it costs, and the last day on
    which it could be paid without charges."""
    return {
        **facts_json(moment.debt_facts(debt), moment.facts.today),
        "version": FACTS_VERSION,
        "open_principal": debt.open_principal_cents,
        "interest_from": debt.interest_from.isoformat() if debt.interest_from is not None else None,
        "interest_carried": debt.interest_carried_cents,
        "fine_paid": debt.fine_paid_cents,
        "payable": moment.payable_day(debt).isoformat(),
    }


def _provenance(exception: ApprovedException | None) -> dict[str, Any]:
    """What an offer outside the policy stands on."""
    if exception is None:
        return {}
    return {
        "exception": {
            "id": exception.id,
            "wanted": dict(exception.wanted),
            "asked_by": exception.asked_by,
            "decided_by": exception.decided_by,
        }
    }


def _dates(made_of: SealedOffer, offer: CashOffer | InstalmentOffer | PromiseOffer) -> dict[str, Any]:
    """What is added to the facts of the offer it was made of: which, and the dates that were chosen."""
    assert isinstance(offer, InstalmentOffer)
    return {"made_of": made_of.no, "accepted": offer.accepted.isoformat(), "due_day": offer.due_day}
