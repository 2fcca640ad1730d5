"""Which debts a policy takes and which it forgets: gaps, overlaps, rules and offers that never come to anything.

Rules speak of four things: days overdue, updated total, tags, debts paid late before. Their limits cut these into cells
in which every debt is treated alike, so that one debt of each tells all. Each finding has such a debt; whoever puts
it through `flows.negotiation.decide` sees what is claimed. A rule that hands debts to people before others offer them
something is meant so, and is no overlap; nor is a wider rule behind a narrower one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain, combinations, product
from typing import Literal, TypeAlias

from flows.calendar import days_overdue
from flows.negotiation import DebtFacts, decide
from flows.policy import Policy
from flows.policy_parts import OfferRule, PromiseRule, Rule, Tags
from payments.late_charges import Cost

Kind: TypeAlias = Literal["gap", "overlap", "unreachable", "never_appears"]

_TAGS_IN_ALL_SETS = 5  # beyond it only single tags and pairs are looked at, and what `all` asks for
_CELLS_MAX = 60_000
_FAR_CENTS, _FAR_DAYS = 100_000_000, 3650
_LIKELY_CENTS, _LIKELY_DAYS = 35_000, 10  # where a cell has room, its example is an ordinary debt
_EXAMPLES_TRIED = 400
_SEARCHED_DAYS = 40
_MONTH_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One debt as a rule sees it: calendar days overdue (negative: until the due date), updated total in centavos."""

    days_overdue: int
    total_cents: int
    tags: frozenset[str] = frozenset()
    late_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageFinding:
    """What is to be seen at an example. `rule` and `offer` are places in the file; `other` is the rule that takes the
    debt instead; of a gap `days` are the first and the last day overdue, None where it has no end."""

    kind: Kind
    example: Example
    days: tuple[int | None, int | None] = (None, None)
    rule: int | None = None
    other: int | None = None
    offer: int | None = None


def findings_of(policy: Policy) -> tuple[CoverageFinding, ...]:
    """Return the findings in the order of the rules, gaps last. Bounded: of very many cells a part is looked at."""
    taken: dict[int, list[Example]] = {}
    both: dict[tuple[int, int], Example] = {}
    holds: dict[int, set[int]] = {index: set() for index in range(len(policy.rules))}
    gaps: list[Example] = []
    for number, cell in enumerate(_cells(policy)):
        matching = [index for index, rule in enumerate(policy.rules) if _takes(rule, cell)]
        for index in matching:
            holds[index].add(number)
        if not matching:
            gaps.append(cell)
            continue
        taken.setdefault(matching[0], []).append(cell)
        for later in matching[1:]:
            both.setdefault((matching[0], later), cell)
    found: list[CoverageFinding] = []
    for index, rule in enumerate(policy.rules):
        if index not in taken:
            first = next((pair for pair in both if pair[1] == index), None)
            if first is not None:
                found.append(CoverageFinding(kind="unreachable", rule=index, other=first[0], example=both[first]))
            continue
        for (winner, loser), example in both.items():
            is_narrower = holds[winner] <= holds[loser]
            if winner == index and loser in taken and not is_narrower and rule.ticket is None:
                found.append(CoverageFinding(kind="overlap", rule=loser, other=winner, example=example))
        found += _never(policy, index, rule, taken[index])
    return (*found, *_apart(policy, gaps))


def debt_like(policy: Policy, example: Example) -> tuple[DebtFacts, date] | None:
    """Return a debt, and a day within the policy's validity, that a rule sees as the example; None where the calendar
    has none (a Sunday's debt is not one day late on the Monday)."""
    on = policy.valid.first if policy.valid.first != date.min else min(policy.valid.last, date(2027, 1, 4))
    for _ in range(_SEARCHED_DAYS):
        due = on - timedelta(days=example.days_overdue)
        if on in policy.valid and days_overdue(due, on, policy.holidays.days) == example.days_overdue:
            cost = _cost_of(policy, example)
            facts = DebtFacts(principal_cents=cost.principal_cents, due=due, tags=example.tags, cost=cost)
            return replace(facts, late_before=example.late_before), on
        if on == date.max:
            return None
        on += timedelta(days=1)
    return None


def _cost_of(policy: Policy, example: Example) -> Cost:
    """The parts of an updated total after so many days, as near as whole centavos come."""
    charges, days = policy.late_charges, example.days_overdue
    if days <= charges.grace_days or days <= 0:
        return Cost(principal_cents=example.total_cents)
    fine, interest = charges.fine_percent / 100, charges.interest_percent_month * days / (100 * _MONTH_DAYS)
    principal = max(1, int(example.total_cents / (1 + fine + interest)))
    late = example.total_cents - principal
    fine_cents = min(late, round(principal * fine))
    return Cost(principal_cents=principal, fine_cents=fine_cents, interest_cents=late - fine_cents)


def _never(policy: Policy, index: int, rule: Rule, cells: Sequence[Example]) -> Iterator[CoverageFinding]:
    """The offers of a rule that no debt of its cells gets. How much is forgiven and how large an instalment is go one
    way with days and total, so that the corners of the cells tell."""
    missing: dict[int, OfferRule] = {
        place: offer for place, offer in enumerate(rule.offers or ()) if not isinstance(offer, PromiseRule)
    }
    example = cells[0]
    for corner in _corners(policy, cells):
        if not missing:
            return
        found = debt_like(policy, corner)
        if found is None:
            continue
        example = corner
        decision = decide(policy, *found)
        made = {offer.name for offer in decision.offers} if decision.rule == rule.name else set()
        missing = {place: offer for place, offer in missing.items() if offer.name not in made}
    for place in missing:
        yield CoverageFinding(kind="never_appears", rule=index, offer=place, example=example)


def _corners(policy: Policy, cells: Sequence[Example]) -> Iterator[Example]:
    """The far ends of the cells, the largest totals first, since most is offered there."""
    days, totals, _ = _edges(policy)
    for cell in sorted(cells, key=lambda one: -one.total_cents)[:_EXAMPLES_TRIED]:
        for day in _ends(cell.days_overdue, days, _FAR_DAYS):
            for total in reversed(_ends(cell.total_cents, totals, _FAR_CENTS)):
                yield Example(days_overdue=day, total_cents=total, tags=cell.tags, late_before=cell.late_before)


def _ends(inside: int, edges: Sequence[int], far: int) -> tuple[int, int]:
    """The first and the last value of the cell that a value is in."""
    first = max(edge for edge in edges if edge <= inside)
    following = [edge for edge in edges if edge > inside]
    return first, following[0] - 1 if following else max(first, far)


def _ordinary(start: int, edges: Sequence[int], far: int, likely: int) -> int:
    """A value of the cell that begins at `start`, an ordinary one where there is room for it."""
    first, last = _ends(start, edges, far)
    return min(max(likely, first), last)


def _cells(policy: Policy) -> Iterable[Example]:
    """One debt of each cell."""
    days, totals, late = _edges(policy)
    ordinary_days = [_ordinary(day, days, _FAR_DAYS, _LIKELY_DAYS) for day in days]
    ordinary_totals = [_ordinary(total, totals, _FAR_CENTS, _LIKELY_CENTS) for total in totals]
    found = product(ordinary_days, ordinary_totals, late, _tag_sets(policy))
    for number, (day, total, before, tags) in enumerate(found):
        if number >= _CELLS_MAX:
            return
        yield Example(days_overdue=day, total_cents=total, late_before=before, tags=tags)


def _edges(policy: Policy) -> tuple[list[int], list[int], list[int]]:
    """Where something begins: in days overdue, centavos, and debts paid late before."""
    whens = [rule.when for rule in policy.rules]
    days = {-_FAR_DAYS, 0, 1, *_begins(when.days_overdue for when in whens)}
    totals = {1, *_begins(when.total for when in whens)}
    late = {0, *_begins(when.late_before for when in whens)}
    return sorted(days), sorted(t for t in totals if t >= 1), sorted(n for n in late if n >= 0)


def _begins(ranges: Iterable[object]) -> Iterator[int]:
    for one in ranges:
        first, last = getattr(one, "from_", None), getattr(one, "to", None)
        if first is not None:
            yield first
        if last is not None:
            yield last + 1


def _tag_sets(policy: Policy) -> list[frozenset[str]]:
    asked = [rule.when.tags for rule in policy.rules if rule.when.tags is not None]
    named = sorted({tag for tags in asked for tag in _named(tags)}, key=str.casefold)
    sizes = range(len(named) + 1) if len(named) <= _TAGS_IN_ALL_SETS else range(3)
    sets = {frozenset(some) for some in chain.from_iterable(combinations(named, size) for size in sizes)}
    sets |= {frozenset(tags.all) for tags in asked} | {frozenset((*tags.all, *tags.any[:1])) for tags in asked}
    return sorted(sets, key=lambda some: (len(some), sorted(some)))


def _named(tags: Tags) -> Iterator[str]:
    seen: set[str] = set()
    for tag in (*tags.any, *tags.all, *tags.none):
        if tag.casefold() not in seen:
            seen.add(tag.casefold())
            yield tag


def _takes(rule: Rule, example: Example) -> bool:
    return rule.when.holds(
        days_overdue=example.days_overdue,
        total_cents=example.total_cents,
        tags=example.tags,
        late_before=example.late_before,
    )


def _apart(policy: Policy, gaps: Sequence[Example]) -> Iterator[CoverageFinding]:
    """Of the gaps one for each stretch of days, at the plainest debt: no tags and little history come first."""
    days, _, _ = _edges(policy)
    plainest: dict[int, Example] = {}
    for example in sorted(gaps, key=lambda one: (len(one.tags), one.late_before, one.total_cents)):
        plainest.setdefault(example.days_overdue, example)
    stretches: list[tuple[Example, int, int]] = []
    for day, example in sorted(plainest.items()):
        first, last = _ends(day, days, _FAR_DAYS)
        before = stretches[-1] if stretches else None
        if before is not None and before[2] == first - 1 and _beside(before[0]) == _beside(example):
            stretches[-1] = (before[0], before[1], last)
        else:
            stretches.append((example, first, last))
    for example, first, last in stretches:
        ends = (first if first > -_FAR_DAYS else None, last if last < _FAR_DAYS else None)
        yield CoverageFinding(kind="gap", example=example, days=ends)


def _beside(example: Example) -> tuple[int, frozenset[str], int]:
    return example.total_cents, example.tags, example.late_before
