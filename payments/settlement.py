"""What a payment settles: the plan of one booking, worked out before anything is written.

Read it as six sentences.
1. A charge that is paid whole and in time settles what it asked for, discount and all, exactly as it said.
2. Otherwise the debts cost what they cost on the day of the payment, without discount, and the money pays the oldest
   first (or the dearest, CC art. 355): in each debt interest, then fine, then principal, or in the order
   that the policy says (CC art. 354 has interest before principal; the place of the fine is the contract's).
3. For an agreement the money pays instalments: the charge's own, or where it has none the oldest first, each with what
   its lateness costs, or less the interest that has not run where it is paid ahead.
4. What an agreement has received waits in an account of its own; with the last centavo the debt behind it is closed.
5. What settles nothing is surplus: kept in suspense for a person to decide on, never absorbed.
6. Every centavo is posted: bank on one side, what it settled and the surplus on the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias

from payments.ledger import (
    BANK,
    CHARGES,
    DISCOUNTS,
    FINES,
    INTEREST,
    SUSPENSE,
    Posting,
    agreement_account,
    balanced,
    debt_account,
)

PartOfDebt: TypeAlias = Literal["interest", "fine", "principal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """In which order money that is not enough pays the parts of a debt, and which debt comes first."""

    parts: tuple[PartOfDebt, ...] = ("interest", "fine", "principal")
    dearest_first: bool = False


BY_LAW = Order()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What an open debt costs on the day of the payment, without discount, in centavos.

    `moved`: something was paid on it since the charge was made, so that the charge's parts are not its parts any more.
    """

    debt_id: int
    due_on: date
    principal_cents: int
    fine_cents: int = 0
    interest_cents: int = 0
    moved: bool = False

    def __post_init__(self) -> None:
        assert self.principal_cents > 0
        assert min(self.fine_cents, self.interest_cents) >= 0

    @property
    def total_cents(self) -> int:
        """What would settle it."""
        return self.principal_cents + self.fine_cents + self.interest_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInstalment:
    """One payment of an agreement that is not wholly made: what is left of it, what its lateness costs on the day of
    the payment, and what is taken off it on that day because its time has not come (`early_cents`)."""

    n: int
    due_on: date
    open_cents: int
    fine_cents: int = 0
    interest_cents: int = 0
    early_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedAgreement:
    """An agreement in force in the place of a debt: its open instalments in the order of their days, and what the debt
    was.

    `discount_cents` is what the agreement forgives, `total_cents` all that it asks for, `forgiven_cents` the interest
    that was taken off instalments paid ahead. One in cash (`is_cash`) stands or falls with its one payment in time.
    """

    agreement_id: int
    debt_id: int
    total_cents: int
    principal_cents: int
    discount_cents: int
    instalments: tuple[OpenInstalment, ...]
    forgiven_cents: int = 0
    is_cash: bool = False

    @property
    def open_cents(self) -> int:
        """What is left of it."""
        return sum(i.open_cents for i in self.instalments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a charge asked for one debt, or for one instalment in its place, part by part, and what of the three it
    forgives."""

    debt_id: int
    principal_cents: int
    fine_cents: int
    interest_cents: int
    discount_cents: int
    instalment_n: int | None = None

    @property
    def total_cents(self) -> int:
        """What it asked for."""
        return self.principal_cents + self.fine_cents + self.interest_cents - self.discount_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The charge that was paid: what it asked for until which day (included), and what had been paid on it before."""

    amount_cents: int
    pay_until: date
    parts: tuple[Part, ...] = ()
    paid_before_cents: int = 0
    agreement_id: int | None = None
    instalment_n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtPaid:
    """What a payment does to one debt. The three parts are gross; what was forgiven of them is `discount_cents`."""

    debt_id: int
    principal_cents: int
    fine_cents: int
    interest_cents: int
    discount_cents: int
    settled: bool

    @property
    def money_cents(self) -> int:
        """What of the payment went here."""
        return self.principal_cents + self.fine_cents + self.interest_cents - self.discount_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentPaid:
    """What a payment does to one instalment: money on its amount, on the fine and the interest of its lateness, and
    what was taken off because it was paid ahead."""

    agreement_id: int
    n: int
    amount_cents: int
    fine_cents: int = 0
    interest_cents: int = 0
    discount_cents: int = 0

    @property
    def money_cents(self) -> int:
        """What of the payment went here."""
        return self.amount_cents + self.fine_cents + self.interest_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The plan: what the money does to debts, instalments and agreements, and how all of it is posted."""

    amount_cents: int
    debts: tuple[DebtPaid, ...]
    instalments: tuple[InstalmentPaid, ...]
    settled_agreements: tuple[OwedAgreement, ...]
    broken_agreements: tuple[int, ...]  # in cash, and not paid whole and in time: the debt is open again
    surplus_cents: int
    postings: tuple[Posting, ...]


def settle(
    amount_cents: int,
    *,
    paid_on: date,
    asked: Asked | None,
    debts: Sequence[Owed] = (),
    agreements: Sequence[OwedAgreement] = (),
    order: Order = BY_LAW,
) -> Settlement:
    """Return what a payment of `amount_cents` on the local day `paid_on` settles.

    `debts` are those that the charge names and that are not settled, at their cost of that day; also the ones behind
    `agreements`. Without a charge (`asked` is None) all of it is surplus.
    """
    assert amount_cents > 0
    if asked is None:
        return _written(amount_cents, _Purse(amount_cents, order), (), ())
    broken = tuple(a.agreement_id for a in agreements if a.is_cash and not _cash_holds(a, amount_cents, paid_on))
    live = [a for a in agreements if a.agreement_id not in broken]
    agreed = {a.debt_id for a in live}
    purse = _Purse(amount_cents, order)
    in_time = _is_honoured(asked, amount_cents, paid_on)
    for debt in _in_order(debts, order):
        part = next((p for p in asked.parts if p.debt_id == debt.debt_id), None)
        if debt.debt_id not in agreed:
            purse.pay_debt(debt, _price(debt, part if in_time and asked.agreement_id is None else None))
    for agreement in live:
        own = _own_parts(asked, agreement)
        for instalment in agreement.instalments:
            if own is None or instalment.n in own:
                named = own.get(instalment.n) if own is not None and in_time else None
                ahead = own is None or len(own) > 1  # a charge for one instalment asks for its amount until its day
                price = _price_of_instalment(agreement.debt_id, instalment, named, ahead=ahead)
                purse.pay_instalment(agreement, instalment, price)
    settled = tuple(a for a in live if purse.covered_of(a) == a.open_cents > 0)
    return _written(amount_cents, purse, settled, broken)


def _in_order(debts: Sequence[Owed], order: Order) -> list[Owed]:
    if order.dearest_first:  # at the same rates the largest principal costs the most (CC art. 355)
        return sorted(debts, key=lambda d: (-d.principal_cents, d.due_on, d.debt_id))
    return sorted(debts, key=lambda d: (d.due_on, d.debt_id))


def _own_parts(asked: Asked, agreement: OwedAgreement) -> dict[int, Part | None] | None:
    """The instalments that the charge is for, with what it asked for each; None: it was not made for this agreement."""
    if asked.agreement_id != agreement.agreement_id:
        return None
    named: dict[int, Part | None] = {p.instalment_n: p for p in asked.parts if p.instalment_n is not None}
    if not named and asked.instalment_n is not None:  # charges of before their parts named instalments
        named[asked.instalment_n] = None
    return named or None


def _is_honoured(asked: Asked, amount_cents: int, paid_on: date) -> bool:
    """Whether the charge is paid as it asked: whole, by its day, and for the first time."""
    whole = amount_cents >= asked.amount_cents == sum(p.total_cents for p in asked.parts)
    return whole and paid_on <= asked.pay_until and asked.paid_before_cents == 0


def _cash_holds(agreement: OwedAgreement, amount_cents: int, paid_on: date) -> bool:
    return amount_cents >= agreement.open_cents and all(paid_on <= i.due_on for i in agreement.instalments)


def _price_of_instalment(debt_id: int, instalment: OpenInstalment, part: Part | None, *, ahead: bool) -> Part:
    """What settles an instalment: what a charge that is paid in time asked for it, else the day's cost."""
    if part is not None and part.principal_cents == instalment.open_cents:
        return part
    return Part(
        debt_id=debt_id,
        principal_cents=instalment.open_cents,
        fine_cents=instalment.fine_cents,
        interest_cents=instalment.interest_cents,
        discount_cents=instalment.early_cents if ahead else 0,
        instalment_n=instalment.n,
    )


def _price(debt: Owed, part: Part | None) -> Part:
    """What settles a debt.

    `part` is what a charge that is paid in time asked for it; without one the day's cost does.
    """
    if part is not None and part.principal_cents == debt.principal_cents and not debt.moved:
        return part
    # Without a charge that holds, the day's cost. Where the debt moved since it was charged: never more than was asked
    # for, never more than is left.
    forgiven = max(0, debt.total_cents - part.total_cents) if part is not None else 0
    return Part(
        debt_id=debt.debt_id,
        principal_cents=debt.principal_cents,
        fine_cents=debt.fine_cents,
        interest_cents=debt.interest_cents,
        discount_cents=forgiven,
    )


class _Purse:
    """The money of one payment, on its way out of the hand."""

    def __init__(self, cents: int, order: Order) -> None:
        self.left_cents = cents
        self.debts: list[DebtPaid] = []
        self.instalments: list[InstalmentPaid] = []
        self._order = order

    def pay_debt(self, debt: Owed, price: Part) -> None:
        """Settle a debt at its price, or pay its parts in their order as far as the money goes."""
        if not self.left_cents:
            return
        whole = self.left_cents >= price.total_cents
        paid = self._pay(
            price if whole else replace(price, fine_cents=debt.fine_cents, interest_cents=debt.interest_cents),
            whole=whole,
        )
        self.debts.append(
            DebtPaid(
                debt_id=debt.debt_id,
                principal_cents=paid["principal"],
                fine_cents=paid["fine"],
                interest_cents=paid["interest"],
                discount_cents=price.discount_cents if whole else 0,
                settled=paid["principal"] == debt.principal_cents,
            )
        )

    def pay_instalment(self, agreement: OwedAgreement, instalment: OpenInstalment, price: Part) -> None:
        """Settle an instalment at its price, or pay its parts in their order as far as the money goes."""
        if not self.left_cents:
            return
        whole = self.left_cents >= price.total_cents
        paid = self._pay(price, whole=whole)
        discount = price.discount_cents if whole else 0
        self.instalments.append(
            InstalmentPaid(
                agreement_id=agreement.agreement_id,
                n=instalment.n,
                amount_cents=paid["principal"] - discount,
                fine_cents=paid["fine"],
                interest_cents=paid["interest"],
                discount_cents=discount,
            )
        )

    def covered_of(self, agreement: OwedAgreement) -> int:
        """What of an agreement's instalments is covered: by money, or taken off."""
        return sum(
            i.amount_cents + i.discount_cents for i in self.instalments if i.agreement_id == agreement.agreement_id
        )

    def _pay(self, price: Part, *, whole: bool) -> dict[PartOfDebt, int]:
        """What the money covers of each part, gross where it covers the `whole` price."""
        wanted: dict[PartOfDebt, int] = {
            "interest": price.interest_cents,
            "fine": price.fine_cents,
            "principal": price.principal_cents,
        }
        if whole:
            self._take(price.total_cents)
            return wanted
        return {part: self._take(wanted[part]) for part in self._order.parts}

    def _take(self, cents: int) -> int:
        taken = min(cents, self.left_cents)
        self.left_cents -= taken
        return taken


def _written(
    amount_cents: int, purse: _Purse, settled: tuple[OwedAgreement, ...], broken: tuple[int, ...]
) -> Settlement:
    plan = Settlement(
        amount_cents=amount_cents,
        debts=tuple(purse.debts),
        instalments=tuple(purse.instalments),
        settled_agreements=settled,
        broken_agreements=broken,
        surplus_cents=purse.left_cents,
        postings=_postings(amount_cents, purse, settled),
    )
    money = sum(d.money_cents for d in plan.debts) + sum(i.money_cents for i in plan.instalments)
    assert money + plan.surplus_cents == amount_cents
    assert plan.surplus_cents >= 0
    return plan


def _postings(amount_cents: int, purse: _Purse, settled: tuple[OwedAgreement, ...]) -> tuple[Posting, ...]:
    """Both sides of everything: what the bank has more, and why."""
    sums: dict[str, int] = {BANK: amount_cents, SUSPENSE: -purse.left_cents}

    def post(account: str, cents: int) -> None:
        sums[account] = sums.get(account, 0) + cents

    for debt in purse.debts:
        post(debt_account(debt.debt_id), -debt.principal_cents)
        post(FINES, -debt.fine_cents)
        post(INTEREST, -debt.interest_cents)
        post(DISCOUNTS, debt.discount_cents)
    off: dict[int, int] = {}
    for instalment in purse.instalments:
        post(agreement_account(instalment.agreement_id), -instalment.amount_cents)
        post(FINES, -instalment.fine_cents)
        post(INTEREST, -instalment.interest_cents)
        off[instalment.agreement_id] = off.get(instalment.agreement_id, 0) + instalment.discount_cents
    for agreement in settled:
        # Its own account is emptied into what the debt was; what it received beyond the principal is charges.
        received = agreement.total_cents - agreement.forgiven_cents - off.get(agreement.agreement_id, 0)
        discount = max(agreement.discount_cents, agreement.principal_cents - received)
        post(agreement_account(agreement.agreement_id), received)
        post(debt_account(agreement.debt_id), -agreement.principal_cents)
        post(DISCOUNTS, discount)
        post(CHARGES, -(received + discount - agreement.principal_cents))
    return balanced(Posting(account=account, amount_cents=cents) for account, cents in sums.items() if cents)
