"""What a policy says of money that comes in and of agreements once they are made: the order in which a payment is
shared out, and how an agreement may be moved, renegotiated and broken.

Both keys may be left out: then the law's order holds, nothing is broken by itself, and no date can be changed.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from flows.agreement_life import AgreementLife
from flows.yaml_values import Days, Number, Part, refusal
from payments.late_charges import Terms
from payments.settlement import BY_LAW, Order, PartOfDebt


def _each_once(parts: tuple[PartOfDebt, ...]) -> tuple[PartOfDebt, ...]:
    if sorted(parts) != sorted(BY_LAW.parts):
        raise refusal("the order needs each of interest, fine and principal once", "Write [interest, fine, principal].")
    return parts


class Allocation(Part):
    """How a payment that does not settle everything is shared out (CC arts. 352 to 355, unless agreed otherwise)."""

    parts: Annotated[tuple[PartOfDebt, ...], AfterValidator(_each_once)] = BY_LAW.parts
    debts: Literal["oldest_first", "dearest_first"] = "oldest_first"

    @property
    def order(self) -> Order:
        """As the arithmetic takes it."""
        return Order(parts=self.parts, dearest_first=self.debts == "dearest_first")


class Broken(Part):
    """When an agreement is broken: one payment so many days late, or so many payments missed. Days count from the
    payable day."""

    days_late: Annotated[Days, Field(ge=1)] | None = None
    missed: Annotated[Number, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.days_late is None and self.missed is None:
            raise refusal("the rule names neither days late nor missed payments", "Give one or both.")
        return self


class DateChange(Part):
    """How often the date of a payment may be moved, and how many days at most."""

    times: Annotated[Number, Field(ge=1)]
    within_days: Annotated[Days, Field(ge=1, le=60)]


class Agreements(Part):
    """How an agreement lives. `warn_days_before`: how long before it is broken the person is told, kindly."""

    broken: Broken | None = None
    warn_days_before: Annotated[Days, Field(ge=1)] = 3
    date_change: DateChange | None = None
    renegotiations: Annotated[Number, Field(ge=0)] = 0

    def life(self, late: Terms) -> AgreementLife:
        """As it is sealed with an offer; `late` are the policy's late charges."""
        return AgreementLife(
            late=late,
            broken_days_late=self.broken.days_late if self.broken else None,
            broken_missed=self.broken.missed if self.broken else None,
            warn_days_before=self.warn_days_before,
            date_changes=self.date_change.times if self.date_change else 0,
            date_change_days=self.date_change.within_days if self.date_change else 0,
            renegotiations=self.renegotiations,
        )
