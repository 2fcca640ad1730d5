"""What a policy is made of: its validity, charges, ceilings, rules and offers, as finance writes them.

Percentages are percent, amounts centavos, spans whole days. Ranges include both ends; a missing end is open. What is
made of it for one debt stands in `flows.negotiation`.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from flows.calendar import STATES
from flows.yaml_values import Amount, Day, Days, MonthDay, Number, Part, Percent, Words, refusal
from payments.late_charges import Holidays, Terms
from payments.plans import Discount

ZERO = Decimal("0.00")
Count: TypeAlias = Annotated[Number, Field(ge=1, le=120)]
"""A number of instalments; beyond ten years of months it is a slip of the pen."""


def _in_order(first: int | date | None, last: int | date | None) -> None:
    if first is None and last is None:
        raise refusal("the range has neither end", "Give one end or both.")
    if first is not None and last is not None and first > last:  # type: ignore[operator]  # both ends are of one type
        raise refusal("the range is the wrong way round", "Put the smaller end first.")


class NumberRange(Part):
    """Days overdue (negative: days until the due date), or how many times."""

    from_: Number | None = Field(default=None, alias="from")
    to: Number | None = None

    @model_validator(mode="after")
    def _ends_in_order(self) -> Self:
        _in_order(self.from_, self.to)
        return self

    def __contains__(self, value: int) -> bool:
        return (self.from_ is None or self.from_ <= value) and (self.to is None or value <= self.to)


class AmountRange(Part):
    """Centavos."""

    from_: Amount | None = Field(default=None, alias="from")
    to: Amount | None = None

    @model_validator(mode="after")
    def _ends_in_order(self) -> Self:
        _in_order(self.from_, self.to)
        return self

    def __contains__(self, cents: int) -> bool:
        return (self.from_ is None or self.from_ <= cents) and (self.to is None or cents <= self.to)


class Validity(Part):
    """The days on which the policy may be in force."""

    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None

    @model_validator(mode="after")
    def _ends_in_order(self) -> Self:
        _in_order(self.from_, self.until)
        return self

    @property
    def first(self) -> date:
        """The first day; an open beginning is the calendar's own."""
        return self.from_ or date.min

    @property
    def last(self) -> date:
        """The last day; an open end is the calendar's own."""
        return self.until or date.max

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


class LateCharges(Part):
    """What being late adds to the principal, see `payments.late_charges`."""

    fine_percent: Percent
    interest_percent_month: Percent
    grace_days: Days = 0

    @property
    def terms(self) -> Terms:
        """As the arithmetic takes them."""
        return Terms(
            fine_percent=self.fine_percent,
            interest_percent_month=self.interest_percent_month,
            grace_days=self.grace_days,
        )


def _of_brazil(state: str) -> str:
    if state not in STATES:
        raise refusal(f'"{state}" is no state', "Write its two letters, like SP.")
    return state


class OtherHolidays(Part):
    """On which days nobody has to pay, beside weekends and the banks' holidays. Left out, there are none."""

    state: Annotated[Words, AfterValidator(_of_brazil)] | None = None
    own: tuple[Day, ...] = ()

    @property
    def days(self) -> Holidays:
        """As the calendar takes them."""
        return Holidays(state=self.state, own=frozenset(self.own))


class Ceilings(Part):
    """What no offer may pass. `discount_percent` is of the updated total; the entry is no instalment."""

    discount_percent: Percent
    instalments: Count


class Tags(Part):
    """A debt has any of these, all of these, none of these. Case does not matter: who writes "Jurídico" means it."""

    any: tuple[Words, ...] = ()
    all: tuple[Words, ...] = ()
    none: tuple[Words, ...] = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.any and not self.all and not self.none:
            raise refusal("the condition names no tag", "Give any, all or none a list of tags.")
        return self

    def hold(self, tags: frozenset[str]) -> bool:
        """Whether a debt with `tags` is meant."""
        has = {tag.casefold() for tag in tags}
        return (
            (not self.any or not has.isdisjoint(tag.casefold() for tag in self.any))
            and has.issuperset(tag.casefold() for tag in self.all)
            and has.isdisjoint(tag.casefold() for tag in self.none)
        )


class When(Part):
    """The conditions of a rule: all that are given have to hold. `total` is the updated total before any discount.

    `late_before`: how many earlier debts of the person were paid late.
    """

    days_overdue: NumberRange | None = None
    total: AmountRange | None = None
    tags: Tags | None = None
    late_before: NumberRange | None = None

    def holds(self, *, days_overdue: int, total_cents: int, tags: frozenset[str], late_before: int) -> bool:
        """Whether a debt like this is meant."""
        return (
            (self.days_overdue is None or days_overdue in self.days_overdue)
            and (self.total is None or total_cents in self.total)
            and (self.tags is None or self.tags.hold(tags))
            and (self.late_before is None or late_before in self.late_before)
        )


class DiscountPercent(Part):
    """What each part of the debt loses, in percent of that part."""

    principal: Percent = ZERO
    fine: Percent = ZERO
    interest: Percent = ZERO

    @property
    def discount(self) -> Discount:
        """As the arithmetic takes it."""
        return Discount(principal_percent=self.principal, fine_percent=self.fine, interest_percent=self.interest)


class CashRule(Part):
    """Everything in one payment, within some days."""

    kind: Literal["cash"]
    name: Words
    discount_percent: DiscountPercent = DiscountPercent()
    pay_within_days: Days


class CountRange(Part):
    """How many instalments may be chosen; without `to` as many as the ceiling permits."""

    from_: Count = Field(default=1, alias="from")
    to: Count | None = None

    @model_validator(mode="after")
    def _ends_in_order(self) -> Self:
        _in_order(self.from_, self.to)
        return self


def _once_each(days: tuple[int, ...]) -> tuple[int, ...]:
    if not days or len(set(days)) < len(days):
        raise refusal("the list is empty or has a day twice", "Give each day of the month once, or leave the key out.")
    return days


def _less_than_all(percent: Decimal) -> Decimal:
    if percent == 100:
        raise refusal("an entry of everything leaves nothing for instalments", "Use less than 100.00.")
    return percent


class InstalmentRule(Part):
    """An entry (perhaps none) and monthly payments: one offer for each permitted count."""

    kind: Literal["instalments"]
    name: Words
    discount_percent: DiscountPercent = DiscountPercent()
    count: CountRange
    entry_percent: Annotated[Percent, AfterValidator(_less_than_all)] = ZERO
    interest_percent_month: Percent = ZERO
    minimum_instalment: Amount = 1
    first_due_within_days: Days
    due_days: Annotated[tuple[MonthDay, ...], AfterValidator(_once_each)] | None = None

    @model_validator(mode="after")
    def _interest_needs_time(self) -> Self:
        if self.interest_percent_month and not self.first_due_within_days and not self.entry_percent:
            raise refusal(
                "the first instalment has interest but no time to pass", "Raise first_due_within_days, or ask an entry."
            )
        return self


class PromiseRule(Part):
    """The person says until when they pay; the ladder pauses till then."""

    kind: Literal["promise"]
    name: Words
    within_days: Annotated[Days, Field(ge=1)]


OfferRule: TypeAlias = Annotated[CashRule | InstalmentRule | PromiseRule, Field(discriminator="kind")]


class Rule(Part):
    """Takes the debts of which its conditions hold; makes them offers, or gives them to people (`ticket` names the
    queue).
    """

    name: Words
    when: When = When()
    ticket: Words | None = None
    offers: tuple[OfferRule, ...] | None = None

    @model_validator(mode="after")
    def _offers_or_ticket(self) -> Self:
        if (self.ticket is None) == (self.offers is None) or self.offers == ():
            raise refusal("a rule has either offers or a ticket", "Give one of the two.")
        return self
