"""What a policy says of money that comes in and of agreements, in sentences that its signer can read aloud."""

from collections.abc import Callable, Iterator

from flows.policy import Policy
from flows.policy_agreements import Agreements, Broken


def explain_agreements(policy: Policy, say: Callable[[str], str]) -> Iterator[str]:
    """Return the sentences, in the order of the file's keys. `say` gives the text of the reader's language."""
    names = {"interest": say("interest"), "fine": say("fine"), "principal": say("principal")}
    parts = ", ".join(names[part] for part in policy.allocation.parts)
    if policy.allocation.debts == "dearest_first":
        yield say("A payment that does not settle everything pays the dearest debt first: {parts}.").format(parts=parts)
    else:
        yield say("A payment that does not settle everything pays the oldest debt first: {parts}.").format(parts=parts)
    agreements = policy.agreements
    yield _ending(agreements.broken, say)
    if agreements.broken is not None:
        yield say("The person is told {days} days before that.").format(days=agreements.warn_days_before)
    yield from _changes(agreements, say)


def _ending(broken: Broken | None, say: Callable[[str], str]) -> str:
    if broken is None:
        return say("An agreement never ends by itself when payments are late.")
    after = say("the original debt comes back less what was paid, without the discount.")
    if broken.days_late is not None and broken.missed is not None:
        text = say(
            "An agreement ends with a payment more than {days} days late, or with {count} late payments: {after}"
        )
        return text.format(days=broken.days_late, count=broken.missed, after=after)
    if broken.days_late is not None:
        return say("An agreement ends with a payment more than {days} days late: {after}").format(
            days=broken.days_late, after=after
        )
    return say("An agreement ends with {count} late payments: {after}").format(count=broken.missed, after=after)


def _changes(agreements: Agreements, say: Callable[[str], str]) -> Iterator[str]:
    if agreements.date_change is None:
        yield say("The dates of an agreement cannot be moved without a person.")
    else:
        yield say("In each agreement {times} dates can be moved, by at most {days} days.").format(
            times=agreements.date_change.times, days=agreements.date_change.within_days
        )
    if agreements.renegotiations:
        yield say("A debt may be negotiated anew {times} times; after that people decide.").format(
            times=agreements.renegotiations
        )
    else:
        yield say("An agreement is not negotiated anew without a person.")
