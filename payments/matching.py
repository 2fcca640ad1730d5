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

Why: TypeAlias = Literal["amount_several", "amount_other_day", "comes_back"]
_PROPOSED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """A line of the statement: its key, identifiers, amount in centavos and local day. `comes_back`: its words say that
    it is the creditor's own money, which is nobody's payment however well its amount fits.
    """

    key: str
    txids: tuple[str, ...]
    amount_cents: int
    booked_on: date
    comes_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A charge that may have been paid: from the local day it was made until its last day (included).

    One that is neither open nor paid was cancelled or replaced; its code can still be paid.
    """

    charge_id: int
    customer_id: int
    txid: str
    amount_cents: int
    made_on: date
    pay_until: date
    is_open: bool
    is_paid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Certain:
    """The line is the payment of this charge."""

    charge_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A person decides; the likeliest charges first."""

    charge_ids: tuple[int, ...]
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """No charge asks for this amount."""


Match: TypeAlias = Certain | Proposed | Nobody


def match(credits: Sequence[Credit], candidates: Sequence[Candidate]) -> Mapping[str, Match]:
    """Return what each credit may be the payment of, by its key. The order of neither matters."""
    by_txid = {c.txid: c for c in candidates}
    by_amount: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_amount[candidate.amount_cents].append(candidate)
    named = {credit.key: next((by_txid[t] for t in credit.txids if t in by_txid), None) for credit in credits}
    taken = {charge.charge_id for charge in named.values() if charge is not None}
    fitting = {
        credit.key: [c for c in by_amount[credit.amount_cents] if _could_be_paid(c, credit)]
        for credit in credits
        if named[credit.key] is None
    }
    rivals = [credit.key for credit in credits if credit.key in fitting and not credit.comes_back]
    lines_of = Counter(charge.charge_id for key in rivals for charge in fitting[key])
    found: dict[str, Match] = {}
    for credit in credits:
        charge = named[credit.key]
        if charge is not None:
            found[credit.key] = Certain(charge_id=charge.charge_id)
        else:
            free = [c for c in fitting[credit.key] if c.charge_id not in taken]
            found[credit.key] = _by_amount(credit, free, lines_of, by_amount[credit.amount_cents])
    return found


def _could_be_paid(charge: Candidate, credit: Credit) -> bool:
    """Whether it could be paid on that day; a bank may book a night's Pix on the next one."""
    return not charge.is_paid and charge.made_on <= credit.booked_on and (credit.booked_on - charge.pay_until).days <= 1


def _by_amount(
    credit: Credit, fitting: Sequence[Candidate], lines_of: Mapping[int, int], same_amount: Sequence[Candidate]
) -> Match:
    """Certain only where one open charge fits, of all that fit none is another customer's, and no other line fits."""
    is_open = [c for c in fitting if c.is_open]
    of_one = len({c.customer_id for c in fitting}) == 1
    if len(is_open) == 1 and of_one and lines_of[is_open[0].charge_id] == 1 and not credit.comes_back:
        return Certain(charge_id=is_open[0].charge_id)
    likeliest = _likeliest(credit, fitting or same_amount)
    if not likeliest:
        return Nobody()
    if credit.comes_back:
        return Proposed(charge_ids=likeliest, why="comes_back")
    return Proposed(charge_ids=likeliest, why="amount_several" if fitting else "amount_other_day")


def _likeliest(credit: Credit, charges: Sequence[Candidate]) -> tuple[int, ...]:
    """What is open first, then by how far the day is from those in which it could be paid, then the newest."""

    def distance(charge: Candidate) -> int:
        early, late = (charge.made_on - credit.booked_on).days, (credit.booked_on - charge.pay_until).days
        return max(0, early, late)

    ordered = sorted(charges, key=lambda c: (c.is_paid, not c.is_open, distance(c), -c.charge_id))
    return tuple(c.charge_id for c in ordered[:_PROPOSED])
