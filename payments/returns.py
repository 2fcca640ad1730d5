"""What money that goes back takes with it: the plan of one return, worked out before anything is written.

Read it as four sentences.
1. Taken first is what settled nothing: what finance took it from, then what waits in suspense, then the credit.
2. Then what the payment settled is undone, from its last line to its first: in each the principal comes back first,
   then the fine, then the interest. A discount that was given is undone only where the whole line is.
3. An agreement that had been complete is in force again; one in cash stays as it is, and what went back is owed on
   its debt, unless all of it went back: then it is as if it had never been.
4. Every centavo is posted: what the bank has less, and where it is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from payments.ledger import (
    BANK,
    CHARGES,
    DISCOUNTS,
    FINES,
    INTEREST,
    OPENING,
    SUSPENSE,
    Posting,
    agreement_account,
    balanced,
    credit_account,
    debt_account,
)
from payments.settlement import DebtPaid, InstalmentPaid

Line: TypeAlias = DebtPaid | InstalmentPaid
Place: TypeAlias = Literal["suspense", "credit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A payment as it stands: what of it settled nothing, is kept as credit, and what it settled, in order; centavos.

    `customer_id` is whose credit it is.
    """

    surplus_cents: int
    credit_cents: int = 0
    lines: tuple[Line, ...] = ()
    customer_id: int | None = None

    @property
    def kept_cents(self) -> int:
        """What has not gone back of it."""
        return self.surplus_cents + self.credit_cents + sum(line.money_cents for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How a complete agreement closed its debt: what it had received, the principal, what it had forgiven; centavos."""

    agreement_id: int
    debt_id: int
    received_cents: int
    principal_cents: int
    discount_cents: int
    open_cents: int = 0  # of that principal, what is owed again already
    is_cash: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedAgain:
    """What is owed again on the debt of an agreement in cash. `whole`: the agreement is as if it had never been."""

    debt_id: int
    agreement_id: int
    principal_cents: int
    beyond_cents: int  # charges of the agreement, which are owed like interest
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """The plan: what is left of the payment, what of its lines is undone, and how all of it is posted."""

    amount_cents: int
    left: Standing
    undone: tuple[Line, ...]
    reopened: tuple[Closing, ...]  # agreements that are in force again
    owed_again: tuple[OwedAgain, ...]
    postings: tuple[Posting, ...]


def take_back(
    payment: Standing,
    amount_cents: int,
    *,
    closed: Mapping[int, Closing],
    cancelled: frozenset[int] = frozenset(),
    first: Place = "suspense",
) -> TakenBack:
    """Return what it means that `amount_cents` of `payment` went back.

    `closed` are the complete agreements among its lines, by their ids, `cancelled` the debts on which nothing is asked
    for any more. `amount_cents` is at most what is left of the payment.
    """
    assert 0 < amount_cents <= payment.kept_cents
    waiting = {"suspense": payment.surplus_cents, "credit": payment.credit_cents}
    taken = {"suspense": 0, "credit": 0}
    open_cents = amount_cents
    for place in (first, "credit" if first == "suspense" else "suspense"):
        taken[place] = min(open_cents, waiting[place])
        open_cents -= taken[place]
    undone: list[Line] = []
    left: list[Line] = []
    for line in reversed(payment.lines):
        back, rest = _undone(line, min(open_cents, line.money_cents))
        open_cents -= back.money_cents if back is not None else 0
        undone += [back] if back is not None else []
        left += [rest] if rest is not None else []
    books = _Books(closed, cancelled)
    for line in undone:
        books.undo(line)
    sums = {SUSPENSE: taken["suspense"], BANK: -amount_cents, **books.sums}
    if taken["credit"]:
        assert payment.customer_id is not None
        sums[credit_account(payment.customer_id)] = taken["credit"]
    return TakenBack(
        amount_cents=amount_cents,
        left=replace(
            payment,
            surplus_cents=payment.surplus_cents - taken["suspense"],
            credit_cents=payment.credit_cents - taken["credit"],
            lines=tuple(reversed(left)),
        ),
        undone=tuple(undone),
        reopened=tuple(books.reopened.values()),
        owed_again=tuple(books.owed_again),
        postings=balanced(Posting(account=account, amount_cents=cents) for account, cents in sums.items() if cents),
    )


def _undone(line: Line, cents: int) -> tuple[Line | None, Line | None]:
    """What `cents` undo of a line, and what is left of it."""
    if not cents:
        return None, line
    if cents == line.money_cents:
        return line, None
    gross = line.principal_cents if isinstance(line, DebtPaid) else line.amount_cents
    principal = min(cents, gross)
    fine = min(cents - principal, line.fine_cents)
    interest = cents - principal - fine
    rest_fine, rest_interest = line.fine_cents - fine, line.interest_cents - interest
    if isinstance(line, DebtPaid):
        back: Line = replace(
            line, principal_cents=principal, fine_cents=fine, interest_cents=interest, discount_cents=0
        )
        return back, replace(
            line, principal_cents=gross - principal, fine_cents=rest_fine, interest_cents=rest_interest, settled=False
        )
    back = replace(line, amount_cents=principal, fine_cents=fine, interest_cents=interest, discount_cents=0)
    return back, replace(line, amount_cents=gross - principal, fine_cents=rest_fine, interest_cents=rest_interest)


class _Books:
    """The other side of the bank: what is undone, account by account."""

    def __init__(self, closed: Mapping[int, Closing], cancelled: frozenset[int]) -> None:
        self.sums: dict[str, int] = {}
        self.reopened: dict[int, Closing] = {}
        self.owed_again: list[OwedAgain] = []
        self._closed, self._cancelled = closed, cancelled

    def undo(self, line: Line) -> None:
        if isinstance(line, DebtPaid):
            self._debt(line.debt_id, line.principal_cents)
            self._post(FINES, line.fine_cents)
            self._post(INTEREST, line.interest_cents)
            self._post(DISCOUNTS, -line.discount_cents)
            return
        closing = self._closed.get(line.agreement_id)
        if closing is not None and closing.is_cash:
            self._undo_cash(closing, line)
            return
        if closing is not None and closing.agreement_id not in self.reopened:
            self.reopened[closing.agreement_id] = closing
            self._reverse(closing)
        self._post(agreement_account(line.agreement_id), line.amount_cents)
        self._post(FINES, line.fine_cents)
        self._post(INTEREST, line.interest_cents)

    def _undo_cash(self, closing: Closing, line: InstalmentPaid) -> None:
        if line.money_cents == closing.received_cents:
            self._reverse(closing)
            self._post(agreement_account(line.agreement_id), line.amount_cents)
            principal, beyond, whole = closing.principal_cents, 0, True
        else:
            principal = min(line.money_cents, closing.principal_cents - closing.open_cents)
            beyond, whole = line.money_cents - principal, False
            self._debt(closing.debt_id, principal)
            self._post(CHARGES, beyond)
        self.owed_again.append(
            OwedAgain(
                debt_id=closing.debt_id,
                agreement_id=closing.agreement_id,
                principal_cents=principal,
                beyond_cents=beyond,
                whole=whole,
            )
        )

    def _reverse(self, closing: Closing) -> None:
        """The closing of an agreement, the other way round."""
        self._post(agreement_account(closing.agreement_id), -closing.received_cents)
        self._debt(closing.debt_id, closing.principal_cents)
        self._post(DISCOUNTS, -closing.discount_cents)
        self._post(CHARGES, closing.received_cents + closing.discount_cents - closing.principal_cents)

    def _debt(self, debt_id: int, cents: int) -> None:
        self._post(OPENING if debt_id in self._cancelled else debt_account(debt_id), cents)

    def _post(self, account: str, cents: int) -> None:
        self.sums[account] = self.sums.get(account, 0) + cents


def money_of(lines: Sequence[Line]) -> int:
    """Return the money in lines, in centavos."""
    return sum(line.money_cents for line in lines)
