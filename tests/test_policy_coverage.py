"""Gaps, overlaps, rules and offers that never come to anything: each finding has a debt that shows it."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.coverage_words import told
from flows.negotiation import decide
from flows.policy import Policy, read_policy
from flows.policy_coverage import CoverageFinding, Example, debt_like, findings_of
from tests.test_policy import SAMPLE, policy_with

CASES = [
    # what is changed in the sample | what is found besides
    ((), {("gap", None, None)}),
    ((("from: 1, to: 30", "from: 1"),), {("unreachable", 3, 2)}),
    ((("from: 1, to: 30", "from: 5, to: 30"),), {("gap", None, None)}),
    ((("to: -2", "to: 0"),), set()),
    ((("minimum_instalment: 50.00\n        first_due_within_days: 5\n        due_days: [5, 10, 15, 20]  #",
       "minimum_instalment: 15000.00\n        first_due_within_days: 5\n        due_days: [5, 10, 15, 20]  #"),),
     {("never_appears", 2, None)}),
]  # fmt: skip


def of(source: bytes) -> Policy:
    policy = read_policy(source, name="p")
    assert isinstance(policy, Policy), policy
    return policy


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=["sample", "unreachable", "gap", "no gap", "never"])
def test_what_the_sample_forgets_is_found(
    changes: tuple[tuple[str, str], ...], expected: set[tuple[str, int | None, int | None]]
) -> None:
    found = findings_of(of(policy_with(*changes)))
    rest = {(f.kind, f.rule, f.other) for f in found if f.kind != "overlap"}
    assert expected <= rest
    assert ("gap", None, None) in rest or changes[0][1] == "to: 0"


def test_a_rule_for_lawyers_behind_one_for_everybody_is_an_overlap_with_its_debt() -> None:
    policy = of(SAMPLE)
    overlaps = [f for f in findings_of(policy) if f.kind == "overlap"]
    assert [(f.rule, f.other) for f in overlaps] == [(4, 1), (4, 2)]
    text, remedy = (said.replace("\u00a0", " ") for said in told(overlaps[1], policy, str))
    assert "“atraso-recente” comes first" in text
    assert "10 days of delay, updated total of R$ 350,00, tags juridico" in text
    assert remedy


def test_stretches_of_days_are_one_gap() -> None:
    gaps = [f for f in findings_of(of(SAMPLE)) if f.kind == "gap"]
    assert [f.days for f in gaps] == [(-1, 0)]


RANGES = st.tuples(st.integers(-6, 12), st.integers(0, 8)).map(lambda p: f"{{from: {p[0]}, to: {p[0] + p[1]}}}")
TOTALS = st.tuples(st.integers(1, 40), st.integers(0, 40)).map(lambda p: f"{{from: {p[0]}.00, to: {p[0] + p[1]}.00}}")
TAGS = st.sampled_from(["{any: [a]}", "{none: [a]}", "{all: [a, b]}", "{any: [b], none: [a]}"])
WHENS = st.lists(
    st.one_of(
        RANGES.map(lambda r: f"days_overdue: {r}"),
        TOTALS.map(lambda r: f"total: {r}"),
        TAGS.map(lambda t: f"tags: {t}"),
        st.integers(0, 2).map(lambda n: f"late_before: {{to: {n}}}"),
    ),
    max_size=3, unique_by=lambda text: text.split(":")[0],
)  # fmt: skip


def written(whens: list[list[str]], ceiling: int) -> bytes:
    rules = "".join(
        f"  - name: r{n}\n    when: {{{', '.join(when)}}}\n    offers:\n"
        f"      - {{name: a, kind: cash, discount_percent: {{principal: {n}.00}}, pay_within_days: 3}}\n"
        f"      - {{name: b, kind: instalments, count: {{from: 2, to: 3}}, minimum_instalment: {5 * n + 1}.00,"
        f" first_due_within_days: 5}}\n"
        for n, when in enumerate(whens)
    ).replace("    when: {}\n", "")
    return (
        "policy: p\ntitle: P\ncurrency: BRL\nvalid: {from: 2026-01-01, until: 2027-12-31}\n"
        "late_charges: {fine_percent: 2.00, interest_percent_month: 1.00}\n"
        f"never_beyond: {{discount_percent: {ceiling}.00, instalments: 12}}\nrules:\n{rules}"
    ).encode()


@settings(max_examples=60)
@given(st.lists(WHENS, min_size=1, max_size=4), st.integers(4, 30))
def test_every_finding_is_shown_by_its_debt_and_nothing_is_missed(whens: list[list[str]], ceiling: int) -> None:
    policy = of(written(whens, ceiling))
    found = findings_of(policy)
    for finding in found:
        shown = debt_like(policy, finding.example)
        if shown is None:
            continue
        rule = decide(policy, *shown).rule
        assert (
            rule
            == {
                "gap": None,
                "overlap": name_of(policy, finding.other),
                "unreachable": name_of(policy, finding.other),
                "never_appears": name_of(policy, finding.rule),
            }[finding.kind]
        )
    assert_nothing_missed(policy, found)


def name_of(policy: Policy, place: int | None) -> str | None:
    return policy.rules[place].name if place is not None else None


def assert_nothing_missed(policy: Policy, found: tuple[CoverageFinding, ...]) -> None:
    """A plain walk over a grid: which rules take something, which days are forgotten."""
    taking: set[int] = set()
    forgotten: set[int] = set()
    tags = [frozenset[str](), frozenset("a"), frozenset("b"), frozenset("ab")]
    for days, total, late, tagged in product(range(-8, 22), (50, 100, 1000, 2550, 4100, 6000, 8100), (0, 3), tags):
        example = Example(days_overdue=days, total_cents=total, tags=tagged, late_before=late)
        first = next((n for n, rule in enumerate(policy.rules) if takes(policy, n, example)), None)
        if first is None:
            forgotten.add(days)
        else:
            taking.add(first)
    gaps = [f.days for f in found if f.kind == "gap"]
    for day in forgotten:
        assert any((a is None or a <= day) and (b is None or day <= b) for a, b in gaps), day
    assert not {f.rule for f in found if f.kind == "unreachable"} & taking


def takes(policy: Policy, place: int, one: Example) -> bool:
    return policy.rules[place].when.holds(
        days_overdue=one.days_overdue, total_cents=one.total_cents, tags=one.tags, late_before=one.late_before
    )
