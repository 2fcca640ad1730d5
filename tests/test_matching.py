"""What a line of a statement is the payment of: never guessed between two."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.matching import Candidate, Certain, Credit, Match, Proposed, match

DAY = date(2026, 11, 23)


def charge(no: int, cents: int = 10_000, *, until: date = DAY, made: date = DAY, is_open: bool = True) -> Candidate:
    return Candidate(charge_id=no, txid=f"txid{no}", amount_cents=cents, made_on=made, pay_until=until, is_open=is_open)


def credit(key: str, cents: int = 10_000, *, on: date = DAY, txid: str | None = None) -> Credit:
    return Credit(key=key, txids=(txid,) if txid else (), amount_cents=cents, booked_on=on)


@pytest.mark.parametrize(
    ("credits", "candidates", "found"),
    [
        ([credit("a", txid="txid1")], [charge(1), charge(2)], {"a": Certain(charge_id=1)}),
        ([credit("a", 5, txid="txid1")], [charge(1, is_open=False)], {"a": Certain(charge_id=1)}),  # of any amount
        ([credit("a")], [charge(1)], {"a": Certain(charge_id=1)}),
        ([credit("a", on=DAY + timedelta(days=1))], [charge(1)], {"a": Certain(charge_id=1)}),  # booked the day after
        ([credit("a")], [charge(1), charge(2)], {"a": Proposed(charge_ids=(1, 2), why="amount_several")}),
        (
            [credit("a"), credit("b")],
            [charge(1)],
            {k: Proposed(charge_ids=(1,), why="amount_several") for k in ("a", "b")},
        ),
        ([credit("a", txid="txid1"), credit("b")], [charge(1), charge(2)],
         {"a": Certain(charge_id=1), "b": Certain(charge_id=2)}),
        ([credit("a", on=DAY + timedelta(days=9))], [charge(1)],
         {"a": Proposed(charge_ids=(1,), why="amount_other_day")}),
        ([credit("a", on=DAY - timedelta(days=1))], [charge(1)],
         {"a": Proposed(charge_ids=(1,), why="amount_other_day")}),  # before the code was made
        ([credit("a")], [charge(1, is_open=False)], {"a": Proposed(charge_ids=(1,), why="amount_other_day")}),
        ([credit("a", 7)], [charge(1)], {"a": Proposed(charge_ids=(), why="nothing")}),
    ],
)  # fmt: skip
def test_certain_proposed_or_nobodys(
    credits: list[Credit], candidates: list[Candidate], found: dict[str, Match]
) -> None:
    assert dict(match(credits, candidates)) == found


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), max_size=8),
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.booleans()), max_size=6),
)
def test_no_open_charge_is_certain_for_two_lines_by_its_amount(
    credits: list[tuple[int, int]], charges: list[tuple[int, int, bool]]
) -> None:
    lines = [credit(str(n), cents, on=DAY + timedelta(days=day)) for n, (cents, day) in enumerate(credits)]
    known = [
        charge(n, cents, until=DAY + timedelta(days=day), is_open=is_open)
        for n, (cents, day, is_open) in enumerate(charges)
    ]
    certain = [m.charge_id for m in match(lines, known).values() if isinstance(m, Certain)]
    assert len(certain) == len(set(certain))
    assert match(lines, known) == match(lines, known)
