"""What is wrong in a policy across its parts: names used twice, offers that can be seen to pass the ceilings.

Looked for in whatever parts of the file can be read by themselves, so that one bad line hides nothing else. An offer
is seen to pass the ceiling when it does so for the first debts that its rule takes: later ones are weighed one by one,
in `flows.negotiation`.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from flows.policy_parts import Ceilings, CountRange, DiscountPercent, LateCharges, NumberRange
from flows.yaml_lines import Mistake, Node, Path
from flows.yaml_values import Part, mistake_at, validated

P = TypeVar("P", bound=Part)
_MONTH_DAYS = 30  # as payments.late_charges counts


def mistakes_across(node: Node, *, file: str) -> tuple[Mistake, ...]:
    """Names that stand twice, and offers that can be seen to pass `never_beyond`."""
    rules = [("rules", index) for index in range(_length(node.get("rules")))]
    found = [*_repeated(node, rules, "rule", file), *_repeated_days(node, file)]
    for rule in rules:
        offers = [(*rule, "offers", index) for index in range(_length(node.get(*rule, "offers")))]
        found += _repeated(node, offers, "offer of this rule", file)
        for offer in offers:
            found += _beyond(node, rule, offer, file)
    return tuple(found)


def discount_share(discount: DiscountPercent, charges: LateCharges | None, days_overdue: int) -> Fraction:
    """How much of the updated total is forgiven after so many days, from 0 to 1. Without `charges`: of a debt that is
    not late.
    """
    fine = interest = Fraction(0)
    if charges is not None and days_overdue > charges.grace_days:
        fine = of_hundred(charges.fine_percent)
        interest = of_hundred(charges.interest_percent_month) * days_overdue / _MONTH_DAYS
    forgiven = (
        of_hundred(discount.principal) + of_hundred(discount.fine) * fine + of_hundred(discount.interest) * interest
    )
    return forgiven / (1 + fine + interest)


def percent_text(share: Fraction) -> str:
    """A share of the whole as percent, for a person."""
    return str((Decimal(share.numerator) * 100 / share.denominator).quantize(Decimal("0.01")))


def of_hundred(percent: Decimal) -> Fraction:
    """A percentage as a share of the whole."""
    return Fraction(percent) / 100


def _length(node: Node | None) -> int:
    return len(node.value) if node is not None and isinstance(node.value, list) else 0


def _part(node: Node, path: Path, model: type[P]) -> P | None:
    """A part of the file by itself, where it stands and reads."""
    there = node.get(*path)
    return validated(model, there, file="")[0] if there is not None else None


def _repeated(node: Node, paths: Sequence[Path], what: str, file: str) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for path in paths:
        name = node.get(*path, "name")
        if name is None or not isinstance(name.value, str):
            continue
        words = " ".join(name.value.split())
        if words in seen:
            reason = f'another {what} is called "{words}" (line {seen[words]})'
            yield mistake_at(node, (*path, "name"), reason, "Give it a name of its own.", file=file)
        seen.setdefault(words, name.line)


def _repeated_days(node: Node, file: str) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for index in range(_length(node.get("holidays", "own"))):
        day = node.get("holidays", "own", index)
        if day is None or not isinstance(day.value, str):
            continue
        if day.value in seen:
            reason = f'"{day.value}" stands here twice (line {seen[day.value]})'
            yield mistake_at(node, ("holidays", "own", index), reason, "Delete one of them.", file=file)
        seen.setdefault(day.value, day.line)


def _beyond(node: Node, rule: Path, offer: Path, file: str) -> Iterator[Mistake]:
    """An offer that passes the ceilings already for the debts that the rule takes first, or by its count."""
    ceilings, charges = _part(node, ("never_beyond",), Ceilings), _part(node, ("late_charges",), LateCharges)
    count, discount = (
        _part(node, (*offer, "count"), CountRange),
        _part(node, (*offer, "discount_percent"), DiscountPercent),
    )
    if ceilings is not None and count is not None:
        for end, value in (("from", count.from_), ("to", count.to)):
            if value is not None and value > ceilings.instalments:
                reason = f"{value} instalments are beyond never_beyond.instalments, {ceilings.instalments}"
                yield mistake_at(
                    node, (*offer, "count", end), reason, "Lower the count, or raise the ceiling.", file=file
                )
                break
    unread_days = node.get(*rule, "when", "days_overdue") is not None
    days = _part(node, (*rule, "when", "days_overdue"), NumberRange)
    first_day = days.from_ or 0 if days is not None else 0
    uncertain = (unread_days and days is None) or (charges is None and first_day > 0)
    if ceilings is None or discount is None or uncertain:
        return
    share = discount_share(discount, charges, first_day)
    if share > of_hundred(ceilings.discount_percent):
        part = ("principal",) if discount.principal > ceilings.discount_percent else ()
        reason = (
            f"{percent_text(share)} % of the updated total would be forgiven,"
            f" beyond never_beyond.discount_percent, {ceilings.discount_percent}"
        )
        yield mistake_at(
            node, (*offer, "discount_percent", *part), reason, "Lower the discount, or raise the ceiling.", file=file
        )
