"""An offer that was shown comes out again from its policy's bytes and its facts: equal, or each figure that differs."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.canonical import canonical, digest_of, seal_of
from flows.costs import cost_of
from flows.effects import SealOffer
from flows.facts import Debt, Facts, PolicyInForce, Rules, SealedOffer
from flows.moment import Moment
from flows.negotiation import accepted_on, with_due_day
from flows.offers import InstalmentOffer, terms_of
from flows.policy import Policy
from flows.recompute import Again, CannotBe, Shown, worked_out_again
from flows.sealing import sealed_or_new
from flows.wishes import NOTHING
from tests.test_negotiation import POLICIES, TODAY, readable
from tests.test_policy import SAMPLE, policy_with

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
DEBT = Debt(
    id=7,
    external_id="NF-7",
    description="Mensalidade",
    principal_cents=123_456,
    open_principal_cents=123_456,
    due_on=date(2026, 9, 20),
)


@st.composite
def debts(draw: st.DrawFn) -> Debt:
    """Debts of every age, some of them paid in part, early or late."""
    principal = draw(st.integers(1, 1_900_000))
    due = draw(st.dates(TODAY - timedelta(days=900), TODAY + timedelta(days=30)))
    debt = replace(
        DEBT,
        principal_cents=principal,
        open_principal_cents=principal,
        due_on=due,
        tags=draw(st.frozensets(st.sampled_from(["juridico", "vip"]))),
        late_before=draw(st.integers(0, 3)),
    )
    if not draw(st.booleans()):
        return debt
    return replace(
        debt,
        open_principal_cents=draw(st.integers(1, principal)),
        interest_from=draw(st.none() | st.dates(due - timedelta(days=20), TODAY)) if due <= TODAY else None,
        interest_carried_cents=draw(st.integers(0, 500)),
        fine_paid_cents=draw(st.integers(0, 3000)),
    )


def at(source: bytes, debt: Debt, on: date = TODAY, **more: Any) -> Moment:
    policy = readable(source)
    assert policy is not None
    facts = Facts(
        now=datetime(on.year, on.month, on.day, 15, tzinfo=UTC),
        today=on,
        rules=Rules(creditor_name="Escola Aurora"),
        debts=(debt,),
        costs={debt.id: cost_of(debt, on, policy.terms)},
        policy=PolicyInForce(digest=policy.digest, policy=policy),
        **more,
    )
    return Moment(facts=facts, wish=NOTHING, memory={})


def shown(seal: SealOffer, on: date = TODAY, base: Mapping[str, Any] | None = None) -> Shown:
    """As the database gives it back."""
    return Shown(
        policy_digest=seal.policy_digest,
        terms=json.loads(json.dumps(terms_of(seal.offer))),
        facts=json.loads(json.dumps({**(base or {}), **seal.facts})),
        shown_on=on,
        honoured_until=seal.honoured_until,
    )


def every(source: bytes, debt: Debt) -> list[Shown]:
    moment = at(source, debt)
    decision = moment.decision(debt)
    assert decision is not None
    return [shown(seal) for offer in decision.offers for seal in sealed_or_new(moment, debt.id, offer)[1]]


@settings(max_examples=25, deadline=None)
@given(POLICIES.filter(lambda source: readable(source) is not None), debts())
def test_whatever_was_shown_comes_out_equal(source: bytes, debt: Debt) -> None:
    for one in every(source, debt):
        again = worked_out_again(source, one)
        assert isinstance(again, Again)
        assert again.differing == ()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every single value of plain JSON."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, one in pairs for leaf in leaves(one, (*path, key))]
    return [path]


def tampered(value: Any, path: tuple[Any, ...]) -> Any:
    """The same with one value changed a little."""
    copy = json.loads(json.dumps(value))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = otherwise(inside[path[-1]])
    return copy


def otherwise(value: Any) -> Any:
    if value is None:
        return 1
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str) and _DAY.fullmatch(value):
        return (date.fromisoformat(value) + timedelta(days=1)).isoformat()
    if isinstance(value, str) and value.replace(".", "").isdigit():
        return f"1{value}"
    return f"{value}x"


@pytest.mark.parametrize("kind", ["cash", "instalments", "promise"])
def test_each_single_value_of_the_terms_that_was_changed_is_found(kind: str) -> None:
    one = next(one for one in every(SAMPLE, DEBT) if one.terms["kind"] == kind)
    paths = leaves(one.terms)
    assert len(paths) == {"cash": 10, "instalments": 38, "promise": 4}[kind]
    for path in paths:
        again = worked_out_again(SAMPLE, replace(one, terms=tampered(one.terms, path)))
        assert isinstance(again, CannotBe) or again.differing, path


@pytest.mark.parametrize(
    "path",
    [("on",), ("principal",), ("due",), ("open_principal",), ("interest_carried",), ("fine_paid",), ("interest_from",)]
    + [("cost", n) for n in range(3)]
    + [("payable",), ("version",)],
)
def test_each_fact_that_money_depends_on_is_found(path: tuple[Any, ...]) -> None:
    debt = replace(DEBT, open_principal_cents=100_000, interest_from=date(2026, 10, 20), interest_carried_cents=11)
    one = next(one for one in every(SAMPLE, debt) if one.terms["kind"] == "cash")
    changed = tampered(one.facts, path)
    if path == ("principal",):  # a centavo of it moves nothing: the fine is rounded
        changed["principal"] += 10_000
    if path == ("due",):  # one day later is the day on which it could be paid
        changed["due"] = "2026-09-25"
    again = worked_out_again(SAMPLE, replace(one, facts=changed))
    assert isinstance(again, CannotBe) or again.differing


@pytest.mark.parametrize("field", ["shown_on", "honoured_until"])
def test_another_day_is_found(field: str) -> None:
    for one in every(SAMPLE, DEBT):
        again = worked_out_again(SAMPLE, replace(one, **{field: getattr(one, field) + timedelta(days=1)}))
        assert isinstance(again, Again)
        assert again.differing


def test_a_changed_byte_of_the_policy_is_told_apart_from_other_figures() -> None:
    one = every(SAMPLE, DEBT)[0]
    changed = policy_with(("discount_percent: 30.00", "discount_percent: 31.00"))
    assert worked_out_again(changed, one) == CannotBe(because="policy_changed")
    other = replace(one, policy_digest=readable_digest(changed))
    assert worked_out_again(SAMPLE, other) == CannotBe(because="policy_changed")


def test_under_another_policy_every_other_figure_is_named() -> None:
    one = next(one for one in every(SAMPLE, DEBT) if one.terms["kind"] == "cash")
    changed = policy_with(("fine_percent: 2.00", "fine_percent: 1.00"))
    again = worked_out_again(changed, replace(one, policy_digest=readable_digest(changed)))
    assert isinstance(again, Again)
    assert {f.name: (f.sealed, f.recomputed) for f in again.differing} == {
        "parts.fine": (2469, 1235),
        "forgiven.fine": (2469, 1235),
        "facts.cost.1": (2469, 1235),
    }


@pytest.mark.parametrize(
    ("facts", "because"),
    [
        ({}, "facts_older"),
        ({"version": 1}, "facts_older"),
        ({"version": 3}, "facts_unknown"),
        ({"version": "2"}, "facts_unknown"),
        ({"version": 2}, "facts_unknown"),
    ],
)
def test_facts_that_are_not_enough_say_why(facts: dict[str, Any], because: str) -> None:
    assert worked_out_again(SAMPLE, replace(every(SAMPLE, DEBT)[0], facts=facts)) == CannotBe(because=because)  # type: ignore[arg-type]  # one of them


def test_a_file_that_cannot_be_read_any_more_says_so() -> None:
    one = every(SAMPLE, DEBT)[0]
    broken = b"policy: [\n"
    assert worked_out_again(broken, replace(one, policy_digest=hash_of(broken))) == CannotBe(
        because="policy_unreadable"
    )


def test_other_dates_of_an_offer_keep_its_policy_and_its_facts() -> None:
    """Days later, under another policy, the person chooses another day of the month: the amounts are still the old."""
    moment = at(SAMPLE, DEBT)
    decision = moment.decision(DEBT)
    assert decision is not None
    three = next(o for o in decision.offers if isinstance(o, InstalmentOffer) and o.count == 3)
    [first] = sealed_or_new(moment, DEBT.id, three)[1]
    known = SealedOffer(
        no=1,
        debt_id=DEBT.id,
        offer=three,
        policy_digest=first.policy_digest,
        shown_on=TODAY,
        honoured_until=first.honoured_until,
    )
    later, other = TODAY + timedelta(days=2), policy_with(("fine_percent: 2.00", "fine_percent: 1.00"))
    moved = accepted_on(with_due_day(three, 20), later)
    [second] = sealed_or_new(at(other, DEBT, later, offers=(known,)), DEBT.id, moved, made_of=known)[1]
    assert (second.policy_digest, second.made_of) == (first.policy_digest, 1)
    one = shown(second, later, base=first.facts)
    again = worked_out_again(SAMPLE, one)
    assert isinstance(again, Again)
    assert again.differing == ()
    for path in leaves(one.terms):
        again = worked_out_again(SAMPLE, replace(one, terms=tampered(one.terms, path)))
        assert isinstance(again, CannotBe) or again.differing, path


def test_the_same_values_are_the_same_bytes_in_whatever_order() -> None:
    assert canonical({"b": [1, None, True], "a": "é\u2028"}) == b'{"a":"\\u00e9\\u2028","b":[1,null,true]}'
    assert digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})
    assert seal_of({"a": 1}, {"b": 2}) != seal_of({"b": 2}, {"a": 1})
    with pytest.raises(ValueError, match="Out of range"):
        canonical(float("nan"))


def hash_of(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()


def readable_digest(source: bytes) -> str:
    policy = readable(source)
    assert isinstance(policy, Policy)
    return policy.digest
