"""The policy file is read to the letter, and what cannot be read is refused with all its mistakes and their lines."""

import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.policy import Policy, read_draft, read_policy
from flows.policy_parts import CashRule, InstalmentRule, PromiseRule, Tags
from flows.policy_warnings import warnings_of
from tests.tables import table

SAMPLE = (Path(__file__).parent.parent / "flows/policies/padrao.yaml").read_bytes()


def policy_with(*changes: tuple[str, str]) -> bytes:
    """The sample with some of its text replaced; each piece has to be there."""
    text = SAMPLE.decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


def read(*changes: tuple[str, str]) -> Policy:
    found = read_policy(policy_with(*changes), name="padrao.yaml")
    assert isinstance(found, Policy), [str(one) for one in found]
    return found


def mistakes(source: bytes) -> list[str]:
    found = read_policy(source, name="padrao.yaml")
    assert isinstance(found, tuple)
    return [str(one) for one in found]


def test_the_sample_reads_to_the_letter() -> None:
    policy = read()
    assert policy.digest == hashlib.sha256(SAMPLE).hexdigest()
    assert (policy.name, policy.valid.first, policy.valid.last) == ("padrao", date(2026, 1, 1), date(2027, 12, 31))
    assert str(policy.terms.fine_percent) == "2.00"
    assert (policy.never_beyond.discount_percent, policy.never_beyond.instalments) == (Decimal("30.00"), 12)
    assert [rule.name for rule in policy.rules][:2] == ["acima-da-alcada", "pagamento-antecipado"]
    cash, instalments, promise = policy.rules[3].offers or ()
    assert isinstance(cash, CashRule)
    assert isinstance(instalments, InstalmentRule)
    assert isinstance(promise, PromiseRule)
    assert (instalments.minimum_instalment, instalments.due_days) == (5000, (5, 10, 15, 20))
    assert warnings_of(policy, SAMPLE, name="padrao.yaml") == ()


@pytest.mark.parametrize(
    *table("""
    written  | read
    0.29     | 0.29   # no float is near
    2        | 2.00
    2.5      | 2.50
    100.00   | 100.00
    0        | 0.00
""")
)
def test_a_percentage_is_the_decimal_that_is_written(written: int | str, read: str) -> None:
    policy = read_policy(
        policy_with(("interest_percent_month: 0.99 ", f"interest_percent_month: {written} ")), name="p"
    )
    assert isinstance(policy, Policy)
    offer = (policy.rules[3].offers or ())[1]
    assert isinstance(offer, InstalmentRule)
    assert str(offer.interest_percent_month) == str(read)


@pytest.mark.parametrize(
    ("written", "cents"), [("1.15", 115), ("50", 5_000), ("0.29", 29), ("99999999.99", 9_999_999_999)]
)
def test_an_amount_is_exact_to_the_centavo(written: str, cents: int) -> None:
    policy = read(("minimum_instalment: 50.00", f"minimum_instalment: {written}"))
    offer = (policy.rules[2].offers or ())[1]
    assert isinstance(offer, InstalmentRule)
    assert offer.minimum_instalment == cents


# Each line changes the sample in one place; the mistake has to stand on that line and say why.
WRONG = [
    # what is replaced, by what, line, beginning of path, a word of the reason
    ("fine_percent: 2.00", "fine_percent: 2,00", 9, "late_charges.fine_percent", "no percentage"),
    ("fine_percent: 2.00", "fine_percent: 2.005", 9, "late_charges.fine_percent", "no percentage"),
    ("fine_percent: 2.00", "fine_percent: -2.00", 9, "late_charges.fine_percent", "no percentage"),
    ("fine_percent: 2.00", "fine_percent: 1e1", 9, "late_charges.fine_percent", "no percentage"),
    ("fine_percent: 2.00", "fine_percent: .inf", 9, "late_charges.fine_percent", "no percentage"),
    ("fine_percent: 2.00", "fine_percent: 100.01", 9, "late_charges.fine_percent", "more than 100"),
    ("fine_percent: 2.00", "fine_percent:", 9, "late_charges.fine_percent", "no percentage"),
    ("fine_percent: 2.00", "fine_procent: 2.00", 9, "late_charges.fine_procent", "unknown"),
    ("fine_percent: 2.00", "fine_percent: [2.00]", 9, "late_charges.fine_percent", "a list"),
    ("grace_days: 0", "grace_days: 0x10", 11, "late_charges.grace_days", "no whole number"),
    ("grace_days: 0", "grace_days: -1", 11, "late_charges.grace_days", "too small"),
    ("currency: BRL", "currency: USD", 5, "currency", "not possible"),
    ("from: 2026-01-01", "from: 2026-02-30", 6, "valid.from", "not in the calendar"),
    ("from: 2026-01-01", "from: 01/01/2026", 6, "valid.from", "no date"),
    ("from: 2026-01-01", "from: 2028-01-01", 6, "valid", "wrong way round"),
    ("valid: {from: 2026-01-01, until: 2027-12-31}", "valid: {}", 6, "valid", "neither end"),
    ("policy: padrao", 'policy: ""', 3, "policy", "no name"),
    ("from: 20000.00", "from: -1.00", 19, "rules[0].when.total.from", "no amount"),
    ("from: 20000.00", "from: 20.000,00", 19, "rules[0].when.total", ""),
    ("    ticket: financeiro", "    tickets: financeiro", 20, "rules[0].tickets", "unknown"),
    ("{to: -2}", "{to: -2, to: -3}", 23, "rules[1].when.days_overdue.to", "stands here again"),
    ("from: 1, to: 30", "from: 30, to: 1", 31, "rules[2].when.days_overdue", "wrong way round"),
    ("from: 1, to: 30", "from: 1, tp: 30", 31, "rules[2].when.days_overdue.tp", "unknown"),
    ("name: a-vista", "name: em-ate-3x-sem-juros", 37, "rules[2].offers[1].name", "another offer"),
    ("count: {from: 2, to: 3}", "count: {from: 3, to: 2}", 39, "rules[2].offers[1].count", "wrong way round"),
    ("count: {from: 2, to: 3}", "count: 3", 39, "rules[2].offers[1].count", "a mapping belongs"),
    ("count: {from: 2, to: 3}", "count: {from: 0, to: 3}", 39, "rules[2].offers[1].count.from", "too small"),
    ("due_days: [5, 10, 15, 20]", "due_days: [5, 5]", 44, "rules[2].offers[1].due_days", "twice"),
    ("due_days: [5, 10, 15, 20]", "due_days: [32]", 44, "rules[2].offers[1].due_days[0]", "too large"),
    ("none: [juridico]", "no: [juridico]", 47, "rules[3].when.tags.no", "unknown"),
    ("to: 12}", "to: 13}", 55, "rules[3].offers[1].count.to", "beyond never_beyond"),
    ("entry_percent: 20.00", "entry_percent: 100.00", 56, "rules[3].offers[1].entry_percent", "leaves nothing"),
    ("kind: promise", "kind: promisse", 62, "rules[3].offers[2].kind", "unknown"),
    ("within_days: 7", "within_days: 0", 63, "rules[3].offers[2].within_days", "too small"),
    ("name: juridico", "name: atraso-longo", 65, "rules[4].name", "another rule"),
    ("    ticket: juridico", "    ticket: juridico\n    offers: []", 65, "rules[4]", ""),
    ("principal: 5.00", "principal: 30.01", 27, "rules[1].offers[0].discount_percent", "beyond never_beyond"),
    ("discount_percent: 30.00", "discount_percent: 10.00", 51, "rules[3].offers[0].discount_percent", "12.65 %"),
    ("title: Política", "title: &t Política", 4, "title", "anchor"),
    ("title: Política", "title: !!python/name:os.system Política", 4, "title", "tag"),
    ("title: Política padrão de negociação", "title: *t", 4, "title", "alias"),
    ("title: Política padrão de negociação", "title: {<<: *t}", 4, "title", "alias"),
    ("title: Política padrão de negociação", "title: ~", 4, "title", "no name"),
    ("currency: BRL", "on: BRL", 5, "on", "unknown"),
    ("currency: BRL", "currency: BRL\ncurrency: BRL", 6, "currency", "stands here again"),
    ("fine_percent: 2.00", "fine_percent: 2%", 9, "late_charges.fine_percent", "no percentage"),
    ("fine_percent: 2.00", "fine_percent: .nan", 9, "late_charges.fine_percent", "no percentage"),
    ("fine_percent: 2.00", "fine_percent: 1:30", 9, "late_charges.fine_percent", "no percentage"),
    ("fine_percent: 2.00", "fine_percent: dois", 9, "late_charges.fine_percent", "no percentage"),
    ("grace_days: 0", "grace_days: 010", 11, "late_charges.grace_days", "no whole number"),
    ("grace_days: 0", "grace_days: 1.5", 11, "late_charges.grace_days", "no whole number"),
    ("grace_days: 0", "grace_days: 99999999999999999999", 11, "late_charges.grace_days", "no whole number"),
    ("grace_days: 0", "grace_days: no", 11, "late_charges.grace_days", "no whole number"),
    ("until: 2027-12-31", "until: 2027-13-01", 6, "valid.until", "not in the calendar"),
    ("until: 2027-12-31", "until: amanhã", 6, "valid.until", "no date"),
    ("from: 20000.00", "from: R$ 20000", 19, "rules[0].when.total.from", "no amount"),
    ("from: 20000.00", "from: 1e400", 19, "rules[0].when.total.from", "no amount"),
    ("none: [juridico]", "none: juridico", 47, "rules[3].when.tags.none", "a list"),
    ("none: [juridico]", "none: [{a: 1}]", 47, "rules[3].when.tags.none[0]", ""),
    ("principal: 5.00", "principal: 100.01", 27, "rules[1].offers[0].discount_percent.principal", "more than 100"),
    ("principal: 5.00", "principal: -5.00", 27, "rules[1].offers[0].discount_percent.principal", "no percentage"),
    ("principal: 5.00", "juros: 5.00", 27, "rules[1].offers[0].discount_percent.juros", "unknown"),
    ("to: 12}", "to: 121}", 55, "rules[3].offers[1].count.to", "too large"),
    ("kind: promise", "kind: [promise]", 62, "rules[3].offers[2].kind", ""),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "reason"), WRONG, ids=[f"{new} {why}" for _, new, _, _, why in WRONG]
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, line: int, path: str, reason: str) -> None:
    found = mistakes(policy_with((old, new)))
    assert [one for one in found if one.startswith(f"padrao.yaml:{line}: {path}") and reason in one], found
    told = read_policy(policy_with((old, new)), name="padrao.yaml")
    assert isinstance(told, tuple)
    assert [one for one in told if not (one.line and one.column and one.remedy)] == []


@pytest.mark.parametrize("word", ["no", "yes", "on", "2026-01-01", "0x10", "1:30", "off"])
def test_a_word_is_the_word_that_is_written_whatever_yaml_makes_of_it(word: str) -> None:
    policy = read_policy(policy_with(("policy: padrao", f"policy: {word}")), name="p")
    assert isinstance(policy, Policy)
    assert policy.name == word


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    chosen = [
        (old, new, line)
        for old, new, line, _, why in WRONG
        if why in ("unknown", "another rule", "beyond never_beyond")
    ]
    once = {old: (new, line) for old, new, line in chosen}
    found = mistakes(policy_with(*((old, new) for old, (new, _) in once.items())))
    lines = [int(one.split(":")[1]) for one in found]
    assert lines == sorted(lines)
    assert {line for _, line in once.values()} <= set(lines)
    assert len(once) >= 7


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"", "nothing stands where a mapping belongs"),
        (b"- 1", "a list stands"),
        (b"policy: x\npolicy: y\n", "stands here again"),
        (b"a: 1\n---\nb: 2\n", "second document"),
        (b"%YAML 1.1\n---\na: 1\n", "directives"),
        (b"[" * 100_000, "deeply nested"),
        (b"{a: " * 1_000, "deeply nested"),
        (b"- 1\n" * 30_000, "too long"),
        (b"a" * 300_000, "larger than"),
        (b"a: 1\n" * 2_000_000, "larger than"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "alias"),
        (b"\ta: 1\n", "cannot start any token"),
        (b"!!map {a: 1}", "tag"),
        ("a: 1".encode("utf-16"), "not UTF-8"),
        (b"a: \xff\n", "not UTF-8"),
        (b"a: \x00\n", "does not allow"),
        (b'a: "\\ud800"\n', "half a character"),
        (b'a: "\\Uffffffff"\n', "does not allow"),
        (b"a: 'x\n", "unexpected end of stream"),
        (b"? [x]\n: y\n", "a key has to be a word"),
    ],
)
def test_what_is_no_policy_at_all_is_a_mistake_and_no_exception(source: bytes, reason: str) -> None:
    assert any(reason in one for one in mistakes(source))


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_raise(source: bytes) -> None:
    assert isinstance(read_policy(source, name="p"), tuple)


@given(st.integers(0, len(SAMPLE)), st.integers(0, 12), st.binary(max_size=6))
def test_no_slip_in_the_sample_makes_the_reader_raise(at: int, cut: int, put: bytes) -> None:
    found = read_policy(SAMPLE[:at] + put + SAMPLE[at + cut :], name="p")
    assert isinstance(found, Policy) or all(one.line >= 1 and one.reason and one.remedy for one in found)


def test_a_missing_end_is_open() -> None:
    policy = read(("valid: {from: 2026-01-01, until: 2027-12-31}", "valid: {from: 2026-01-01}"))
    assert date(2099, 1, 1) in policy.valid
    assert date(2025, 12, 31) not in policy.valid
    early = read().rules[1].when.days_overdue
    assert early is not None
    assert (-400 in early, -2 in early, -1 in early) == (True, True, False)


@pytest.mark.parametrize(
    *table("""
    any   | all   | none  | tags  | holds
    a b   |       |       | b     | yes
    a b   |       |       | c     | no
          | a b   |       | a b c | yes
          | a b   |       | a     | no
          |       | a     | b     | yes
          |       | a     | A     | no    # case does not matter
          |       | A     | a     | no    # on neither side
    a     |       | b     | a b   | no
          |       | a     |       | yes   # a debt without tags
""")
)
def test_tags_decide(any: str, all: str, none: str, tags: str, holds: bool) -> None:
    condition = Tags(any=tuple(any.split()), all=tuple(all.split()), none=tuple(none.split()))
    assert condition.hold(frozenset(tags.split())) is holds


WARNED = [
    ("fine_percent: 2.00", "fine_percent: 2.01", 9, "CDC art. 52"),
    ("interest_percent_month: 1.00", "interest_percent_month: 1.01", 10, "CTN art. 161"),
    ("interest_percent_month: 0.99", "interest_percent_month: 1.50", 57, "1.720.656"),
    ("pay_within_days: 2", "pay_within_days: 1", 28, "CDC art. 54-B"),
    ("principal: 10.00, fine", "principal: 27.00, fine", 51, None),
    ("from: 31}, tags", "from: 31, to: 900}, tags", 51, "towards the last of these days"),
]


@pytest.mark.parametrize(("old", "new", "line", "reason"), WARNED, ids=[new for _, new, _, _ in WARNED])
def test_what_is_doubtful_is_warned_of_and_refused_not(old: str, new: str, line: int, reason: str | None) -> None:
    source = policy_with((old, new))
    policy = read_policy(source, name="p")
    assert isinstance(policy, Policy), policy
    found = [(one.line, one.reason) for one in warnings_of(policy, source, name="p")]
    assert [at for at, why in found if reason is not None and reason in why] == ([line] if reason else [])


def test_a_draft_that_only_passes_its_ceilings_can_still_be_looked_at() -> None:
    draft, found = read_draft(policy_with(("to: 12}", "to: 24}")), name="p")
    assert draft is not None
    assert len(found) == 1
    assert read_draft(policy_with(("currency: BRL", "currency: EUR")), name="p")[0] is None
