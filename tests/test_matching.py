"""What a line of a statement is the payment of: never guessed between two."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.matching import Candidate, Certain, Credit, Match, Nobody, Proposed, match

DAY = date(2026, 11, 23)


def charge(
    no: int,
    cents: int = 10_000,
    *,
    of: int | None = None,
    until: date = DAY,
    made: date = DAY,
    is_open: bool = True,
    is_paid: bool = False,
) -> Candidate:
    """A charge of a customer of its own, payable on one day."""
    return Candidate(
        charge_id=no, customer_id=of or no, txid=f"txid{no}", amount_cents=cents, made_on=made, pay_until=until,
        is_open=is_open and not is_paid, is_paid=is_paid,
    )  # fmt: skip


def credit(key: str, cents: int = 10_000, *, on: int = 0, txid: str | None = None, back: bool = False) -> Credit:
    return Credit(
        key=key,
        txids=(txid,) if txid else (),
        amount_cents=cents,
        booked_on=DAY + timedelta(days=on),
        comes_back=back,
    )


def several(*charge_ids: int) -> Proposed:
    return Proposed(charge_ids=charge_ids, why="amount_several")


def other_day(*charge_ids: int) -> Proposed:
    return Proposed(charge_ids=charge_ids, why="amount_other_day")


FOUND: list[tuple[str, list[Credit], list[Candidate], dict[str, Match]]] = [
    ("its txid", [credit("a", txid="txid1")], [charge(1), charge(2)], {"a": Certain(charge_id=1)}),
    ("its txid, any amount and state", [credit("a", 5, txid="txid1")], [charge(1, is_open=False)],
     {"a": Certain(charge_id=1)}),
    ("its txid, paid before", [credit("a", txid="txid1")], [charge(1, is_paid=True)], {"a": Certain(charge_id=1)}),
    ("its txid, twice", [credit("a", txid="txid1"), credit("b", txid="txid1")], [charge(1)],
     {"a": Certain(charge_id=1), "b": Certain(charge_id=1)}),
    ("a txid of somebody else's", [credit("a", 7, txid="other")], [charge(1)], {"a": Nobody()}),
    ("the amount", [credit("a")], [charge(1)], {"a": Certain(charge_id=1)}),
    ("booked the day after", [credit("a", on=1)], [charge(1)], {"a": Certain(charge_id=1)}),
    ("booked two days after", [credit("a", on=2)], [charge(1)], {"a": other_day(1)}),
    ("before the code was made", [credit("a", on=-1)], [charge(1)], {"a": other_day(1)}),
    ("one charge, two lines", [credit("a"), credit("b")], [charge(1)], {"a": several(1), "b": several(1)}),
    ("one line, two people", [credit("a")], [charge(1), charge(2)], {"a": several(2, 1)}),
    ("one line, two codes of one person", [credit("a")], [charge(1, of=9), charge(2, of=9)], {"a": several(2, 1)}),
    ("a code that replaced another of the same person", [credit("a")],
     [charge(1, of=9, is_open=False), charge(2, of=9)], {"a": Certain(charge_id=2)}),
    ("another's cancelled code, which can still be paid", [credit("a")], [charge(1, is_open=False), charge(2)],
     {"a": several(2, 1)}),
    ("another's cancelled code of another day", [credit("a")],
     [charge(1, is_open=False, until=DAY - timedelta(days=9), made=DAY - timedelta(days=9)), charge(2)],
     {"a": Certain(charge_id=2)}),
    ("a cancelled code alone", [credit("a")], [charge(1, is_open=False)], {"a": several(1)}),
    ("another's, who has paid", [credit("a")], [charge(1, is_paid=True), charge(2)], {"a": Certain(charge_id=2)}),
    ("only one that is paid", [credit("a")], [charge(1, is_paid=True)], {"a": other_day(1)}),
    ("one is named by a txid, one is left", [credit("a", txid="txid1"), credit("b")], [charge(1), charge(2)],
     {"a": Certain(charge_id=1), "b": Certain(charge_id=2)}),
    ("the only one is named by another's txid", [credit("a", txid="txid1"), credit("b")], [charge(1)],
     {"a": Certain(charge_id=1), "b": other_day(1)}),
    ("the creditor's own money", [credit("a", back=True)], [charge(1)],
     {"a": Proposed(charge_ids=(1,), why="comes_back")}),
    ("the creditor's own money competes with nobody", [credit("a", back=True), credit("b")], [charge(1)],
     {"a": Proposed(charge_ids=(1,), why="comes_back"), "b": Certain(charge_id=1)}),
    ("the likeliest first", [credit("a", on=9)],
     [charge(1, is_paid=True), charge(2, is_open=False), charge(3), charge(4, until=DAY + timedelta(days=5))],
     {"a": other_day(4, 3, 2, 1)}),
    ("one centavo less", [credit("a", 9_999)], [charge(1)], {"a": Nobody()}),
]  # fmt: skip


@pytest.mark.parametrize(("credits", "candidates", "found"), [f[1:] for f in FOUND], ids=[f[0] for f in FOUND])
def test_certain_proposed_or_nobodys(
    credits: list[Credit], candidates: list[Candidate], found: dict[str, Match]
) -> None:
    assert dict(match(credits, candidates)) == found


CREDITS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(-1, 3), st.sampled_from([None, None, "txid0", "txid1"]), st.booleans()),
    max_size=8,
).map(lambda rows: [credit(str(n), c, on=on, txid=t, back=b) for n, (c, on, t, b) in enumerate(rows)])
CHARGES = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 3), st.sampled_from(["open", "dead", "paid"]), st.integers(1, 2)),
    max_size=6,
).map(
    lambda rows: [
        charge(n, c, of=of, until=DAY + timedelta(days=d), is_open=state == "open", is_paid=state == "paid")
        for n, (c, d, state, of) in enumerate(rows)
    ]
)


@given(CREDITS, CHARGES)
def test_one_charge_is_certain_for_one_line_unless_by_its_txid(
    credits: Sequence[Credit], charges: Sequence[Candidate]
) -> None:
    found = match(credits, charges)
    by_id = {c.charge_id: c for c in charges}
    certain = [(c, by_id[m.charge_id]) for c in credits if isinstance(m := found[c.key], Certain)]
    by_amount = [(c, charge) for c, charge in certain if charge.txid not in c.txids]
    for line, paid in by_amount:
        assert [other for _, other in certain].count(paid) == 1
        assert (line.amount_cents, paid.is_open, line.comes_back) == (paid.amount_cents, True, False)
        assert paid.made_on <= line.booked_on <= paid.pay_until + timedelta(days=1)


@given(CREDITS, CHARGES, st.randoms(use_true_random=False))
def test_the_same_file_matches_the_same_in_whatever_order(
    credits: Sequence[Credit], charges: Sequence[Candidate], random: object
) -> None:
    shuffled, others = list(credits), list(charges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives it no type
    random.shuffle(others)  # type: ignore[attr-defined]  # as above
    assert dict(match(shuffled, others)) == dict(match(credits, charges))


@given(CREDITS, CHARGES, CREDITS)
def test_one_more_line_makes_nothing_certain_that_was_not(
    credits: Sequence[Credit], charges: Sequence[Candidate], more: Sequence[Credit]
) -> None:
    """None of them with a txid: that takes its charge out of the choice of the others."""
    others = [credit(f"more{c.key}", c.amount_cents, on=(c.booked_on - DAY).days, back=c.comes_back) for c in more]
    before, after = match(credits, charges), match([*credits, *others], charges)
    assert {c.key for c in credits if isinstance(after[c.key], Certain)} <= {
        c.key for c in credits if isinstance(before[c.key], Certain)
    }
