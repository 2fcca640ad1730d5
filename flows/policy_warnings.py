"""What may be approved but should be meant: customary limits of the law, gaps and overlaps, offers that fall away.

A warning refuses nothing: a regulated lender has other limits than a shop. The sources stand beside the words; none of
it is legal advice.
"""

from collections.abc import Iterator
from decimal import Decimal

from flows.coverage_words import told
from flows.policy import Policy
from flows.policy_checks import discount_share, of_hundred
from flows.policy_coverage import findings_of
from flows.policy_parts import CashRule, InstalmentRule, OfferRule, PromiseRule, Rule
from flows.yaml_lines import Mistake, Path, read_lines
from flows.yaml_values import mistake_at

_FINE = (
    "the fine is more than 2 %, the most that consumer contracts allow (CDC art. 52 § 1)",
    "Use 2.00 for consumers.",
)
_LATE_INTEREST = (
    "late interest is more than 1 % a month, the customary most in consumer contracts"
    " (CTN art. 161 § 1; Decreto 22.626/1933 art. 5)",
    "Use 1.00, or ask your lawyer.",
)
_INSTALMENT_INTEREST = (
    "instalment interest is more than 1 % a month, doubtful for who is no lender (STJ REsp 1.720.656/MG)",
    "Use 1.00 or less, or ask your lawyer.",
)
_TWO_DAYS = ("the offer stands for less than two days, the least for consumers (CDC art. 54-B)", "Use 2 or more.")
_FALLS_AWAY = (
    "towards the last of these days the discount passes never_beyond.discount_percent; the offer is then not made",
    "Lower the discount, or split the rule.",
)

Warning = tuple[Path, str, str]


def warnings_of(policy: Policy, source: bytes, *, name: str) -> tuple[Mistake, ...]:
    """Return the warnings about a policy that was read from `source`, in the order of its lines."""
    node, _ = read_lines(source, file=name)
    assert node is not None  # a policy was read from it
    found = [*_late_charges(policy), *_own_days(policy)]
    for index, rule in enumerate(policy.rules):
        for place, offer in enumerate(rule.offers or ()):
            found += _offer(("rules", index, "offers", place), rule, offer, policy)
    warnings = (mistake_at(node, path, reason, remedy, file=name) for path, reason, remedy in found)
    return tuple(sorted(warnings, key=lambda warning: (warning.line, warning.column)))


def doubts_of(*, interest_percent_month: Decimal, within_days: int) -> tuple[str, ...]:
    """Return where the law may object to terms that stand in no policy."""
    found = [(_INSTALMENT_INTEREST[0], interest_percent_month > 1), (_TWO_DAYS[0], within_days < 2)]
    return tuple(reason for reason, is_so in found if is_so)


def _late_charges(policy: Policy) -> Iterator[Warning]:
    if policy.late_charges.fine_percent > 2:
        yield ("late_charges", "fine_percent"), *_FINE
    if policy.late_charges.interest_percent_month > 1:
        yield ("late_charges", "interest_percent_month"), *_LATE_INTEREST


def _own_days(policy: Policy) -> Iterator[Warning]:
    for index, day in enumerate(policy.holidays.own):
        if day not in policy.valid:
            yield (
                ("holidays", "own", index),
                "this day is outside the policy's validity",
                "Correct the year, or delete it.",
            )


def _offer(path: Path, rule: Rule, offer: OfferRule, policy: Policy) -> Iterator[Warning]:
    match offer:
        case PromiseRule():
            return
        case CashRule():
            if offer.pay_within_days < 2:
                yield (*path, "pay_within_days"), *_TWO_DAYS
        case InstalmentRule():
            if offer.first_due_within_days < 2:
                yield (*path, "first_due_within_days"), *_TWO_DAYS
            if offer.interest_percent_month > 1:
                yield (*path, "interest_percent_month"), *_INSTALMENT_INTEREST
    days = rule.when.days_overdue
    if days is not None and days.to is not None:
        share = discount_share(offer.discount_percent, policy.late_charges, days.to)
        if share > of_hundred(policy.never_beyond.discount_percent):
            yield (*path, "discount_percent"), *_FALLS_AWAY


def coverage_of(policy: Policy, source: bytes, *, name: str) -> tuple[Mistake, ...]:
    """Return what was found in the policy's coverage, each with its line and an example, in the order of its lines."""
    node, _ = read_lines(source, file=name)
    assert node is not None  # a policy was read from it
    found = []
    for finding in findings_of(policy):
        path: Path = ("rules",) if finding.rule is None else ("rules", finding.rule, "name")
        if finding.rule is not None and finding.offer is not None:
            path = ("rules", finding.rule, "offers", finding.offer, "name")
        reason, remedy = told(finding, policy, str)
        found.append(mistake_at(node, path, reason.rstrip("."), remedy, file=name))
    return tuple(sorted(found, key=lambda warning: (warning.line, warning.column)))
