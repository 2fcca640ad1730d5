"""Instalment plans: discount, entry, equal parts or the Price table, the days they fall due, and what the credit costs
a year.

The rules are the contract's ("What `--json` prints"); amounts are integer centavos, percentages Decimal.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, getcontext, localcontext
from functools import lru_cache

from payments.late_charges import Cost
from payments.money import percent_of, quotient, split

_NONE = Decimal(0)
_DIGITS = 24  # beyond those of the yearly factor itself
_BETWEEN_DAYS = 20  # the second payment comes at least so long after the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What is forgiven of each part, in percent of that part: 0 to 100."""

    principal_percent: Decimal = _NONE
    fine_percent: Decimal = _NONE
    interest_percent: Decimal = _NONE

    def __post_init__(self) -> None:
        assert min(self.principal_percent, self.fine_percent, self.interest_percent) >= 0
        assert max(self.principal_percent, self.fine_percent, self.interest_percent) <= 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Discounted:
    """A cost after its discount; `discount_cents` is what is forgiven."""

    cost: Cost
    discount_cents: int

    @property
    def total_cents(self) -> int:
        """What remains to be paid."""
        return self.cost.total_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An entry (0: none) and the instalments after it."""

    entry_cents: int
    instalments_cents: tuple[int, ...]

    @property
    def total_cents(self) -> int:
        """Everything the person would pay."""
        return self.entry_cents + sum(self.instalments_cents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One payment of a schedule; n = 0 is the entry."""

    n: int
    due: date
    amount_cents: int


def discounted(cost: Cost, discount: Discount) -> Discounted:
    """Return the cost less the discount: each part loses its own percentage, each rounded half up."""
    principal = percent_of(cost.principal_cents, discount.principal_percent)
    fine = percent_of(cost.fine_cents, discount.fine_percent)
    interest = percent_of(cost.interest_cents, discount.interest_percent)
    left = Cost(
        principal_cents=cost.principal_cents - principal,
        fine_cents=cost.fine_cents - fine,
        interest_cents=cost.interest_cents - interest,
    )
    return Discounted(cost=left, discount_cents=principal + fine + interest)


def plan(total_cents: int, *, count: int, entry_percent: Decimal, interest_percent_month: Decimal) -> Plan:
    """Return the plan for `total_cents`: the entry on top of `count` instalments, equal or by the Price table."""
    entry = percent_of(total_cents, entry_percent)
    rest = total_cents - entry
    if interest_percent_month == 0:
        return Plan(entry_cents=entry, instalments_cents=split(rest, count))
    return Plan(entry_cents=entry, instalments_cents=_price(rest, count, interest_percent_month))


def _price(rest_cents: int, count: int, interest_percent_month: Decimal) -> tuple[int, ...]:
    """Price table: the instalment and each period's interest rounded half up, the last one closing the balance.

    Of some centavos the rounded instalment may pay everything before its turn: then the rest of them are 0, never less.
    """
    numerator, denominator = interest_percent_month.as_integer_ratio()
    denominator *= 100  # of the rate itself
    share, whole = _annuity(numerator, denominator, count)
    instalment = quotient(rest_cents * share, whole)
    balance, parts = rest_cents, []
    for n in range(1, count + 1):
        balance += quotient(balance * numerator, denominator)
        parts.append(min(instalment, balance) if n < count else balance)
        balance -= parts[-1]
    assert balance == 0
    return tuple(parts)


@lru_cache(maxsize=1024)
def _annuity(numerator: int, denominator: int, count: int) -> tuple[int, int]:
    """What part of a debt one of `count` instalments is at a rate of n/d a period: i / (1 - (1 + i)^-count), as a
    fraction of whole numbers, exact."""
    grown, plain = (numerator + denominator) ** count, denominator**count
    return numerator * grown, denominator * (grown - plain)


def due_dates(
    accepted: date, *, count_after_first: int, first_due_within_days: int, due_day: int | None
) -> tuple[date, ...]:
    """Return the days of the first payment and of those after it.

    The others fall on `due_day`, from the first such date at least 20 days after the first payment; without it monthly
    on the first payment's day (the month's last day where it has no such day).
    """
    first = accepted + timedelta(days=first_due_within_days)
    if due_day is None:
        return (first, *(_in_month(first, k, first.day) for k in range(1, count_after_first + 1)))
    earliest = first + timedelta(days=_BETWEEN_DAYS)
    start = 0 if _in_month(earliest, 0, due_day) >= earliest else 1
    return (first, *(_in_month(earliest, start + k, due_day) for k in range(count_after_first)))


def schedule(plan: Plan, *, accepted: date, first_due_within_days: int, due_day: int | None) -> tuple[Payment, ...]:
    """Return every payment of a plan with its day. The first is the entry (n = 0), or else the first instalment (n =
    1)."""
    amounts = ([(0, plan.entry_cents)] if plan.entry_cents else []) + list(enumerate(plan.instalments_cents, start=1))
    days = due_dates(
        accepted, count_after_first=len(amounts) - 1, first_due_within_days=first_due_within_days, due_day=due_day
    )
    return tuple(Payment(n=n, due=day, amount_cents=amount) for (n, amount), day in zip(amounts, days, strict=True))


def cet_percent_year(total_cents: int, payments: tuple[Payment, ...], accepted: date) -> Decimal:
    """Return the CET: the yearly internal rate of `payments` against `total_cents`, by days over 365, in percent, two
    decimals half up.

    Res. CMN 4.881/2020. 0.00 where nothing is paid on top. Found in decimals, so it is the same on every machine.
    """
    if sum(p.amount_cents for p in payments) <= total_cents:
        return Decimal("0.00")
    lent_cents = total_cents - sum(p.amount_cents for p in payments if p.due == accepted)
    assert lent_cents > 0, "interest needs time"
    with localcontext() as context:
        context.prec = _DIGITS
        flows = [((p.due - accepted).days, Decimal(p.amount_cents)) for p in payments if p.due > accepted]
        repaid = sum((amount for _, amount in flows), _NONE)
        # The yearly factor would be highest if all were repaid on the earliest day: so many digits before its point.
        context.prec += int((repaid / lent_cents).log10() * 365 / min(days for days, _ in flows))
        log_factor = _log_of_yearly_factor([(Decimal(days) / 365, amount) for days, amount in flows], lent_cents)
        return ((log_factor.exp() - 1) * 100).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _log_of_yearly_factor(flows: list[tuple[Decimal, Decimal]], lent_cents: int) -> Decimal:
    """Newton: the present value of what is paid after so many years falls and is convex, so from 0 the steps near the
    root from one side, and each has twice the digits of the one before."""
    close = Decimal(10) ** (-getcontext().prec // 2)
    log_factor, step = _NONE, Decimal(1)
    while abs(step) > close:
        values = [(years, amount * (-log_factor * years).exp()) for years, amount in flows]
        step = (sum((v for _, v in values), _NONE) - lent_cents) / sum((years * v for years, v in values), _NONE)
        log_factor += step
    return log_factor


def _in_month(day: date, months_later: int, day_of_month: int) -> date:
    month = day.month - 1 + months_later
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day_of_month, monthrange(year, month)[1]))
