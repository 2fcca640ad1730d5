"""What a line of a bank statement may be the payment of: certain, proposed to people, or nobody's. Never guessed
between two.

Source of the order: a static Pix code has a txid, but some payers' banks drop it (bacen/pix-api #236); then only an
exact amount in the days in which the code could be paid tells, and only where one charge and one line have it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

Why: TypeAlias = Literal["amount_several", "amount_other_day", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """A line of the statement: its key, identifiers, amount in centavos and local day."""

    key: str
    txids: tuple[str, ...]
    amount_cents: int
    booked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A charge that may have been paid: from the local day it was made until its last day (included)."""

    charge_id: int
    txid: str
    amount_cents: int
    made_on: date
    pay_until: date
    is_open: bool
    debt_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certain:
    """The line is the payment of this charge."""

    charge_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A person decides; the likeliest charges first."""

    charge_ids: tuple[int, ...]
    why: Why


Match: TypeAlias = Certain | Proposed


def match(credits: Sequence[Credit], candidates: Sequence[Candidate]) -> Mapping[str, Match]:
    """Return what each credit may be the payment of, by its key."""
    by_txid = {c.txid: c for c in candidates}
    by_amount: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_amount[candidate.amount_cents].append(candidate)
    named = {credit.key: next((by_txid[t] for t in credit.txids if t in by_txid), None) for credit in credits}
    taken = {c.charge_id for c in named.values() if c is not None}
    alike = Counter(
        charge.charge_id for credit in credits if named[credit.key] is None for charge in _fitting(credit, by_amount)
    )
    found: dict[str, Match] = {}
    for credit in credits:
        charge = named[credit.key]
        if charge is not None:
            found[credit.key] = Certain(charge_id=charge.charge_id)
            continue
        fitting = [c for c in _fitting(credit, by_amount) if c.charge_id not in taken]
        if len(fitting) == 1 and alike[fitting[0].charge_id] == 1:
            found[credit.key] = Certain(charge_id=fitting[0].charge_id)
        elif fitting:
            found[credit.key] = Proposed(charge_ids=tuple(c.charge_id for c in fitting), why="amount_several")
        else:
            found[credit.key] = _of_another_day(credit, by_amount)
    return found


def _fitting(credit: Credit, by_amount: Mapping[int, Sequence[Candidate]]) -> list[Candidate]:
    """Open charges of the very amount that could be paid on that day; a bank may book a night's Pix on the next day."""
    return [
        c
        for c in by_amount.get(credit.amount_cents, ())
        if c.is_open and c.made_on <= credit.booked_on and (credit.booked_on - c.pay_until).days <= 1
    ]


def _of_another_day(credit: Credit, by_amount: Mapping[int, Sequence[Candidate]]) -> Proposed:
    same = sorted(
        by_amount.get(credit.amount_cents, ()),
        key=lambda c: (not c.is_open, abs((credit.booked_on - c.pay_until).days), c.charge_id),
    )
    return Proposed(charge_ids=tuple(c.charge_id for c in same[:5]), why="amount_other_day" if same else "nothing")
