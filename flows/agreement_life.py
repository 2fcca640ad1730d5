"""The rules that an agreement lives by, sealed with the offer it was made of: what the person read is what holds,
though the policy changes later."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from payments.late_charges import NO_OTHERS, Holidays, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementLife:
    """`late` is what a late instalment costs. Broken: a payment so many days late, or so many missed (None: never by
    that). A date may be moved so often by so many days; a new agreement may take its place so often."""

    late: Terms
    broken_days_late: int | None = None
    broken_missed: int | None = None
    warn_days_before: int = 3
    date_changes: int = 0
    date_change_days: int = 0
    renegotiations: int = 0

    @property
    def can_break(self) -> bool:
        """Whether it is ever broken by itself."""
        return self.broken_days_late is not None or self.broken_missed is not None


UNWRITTEN = AgreementLife(late=Terms(fine_percent=Decimal("0.00"), interest_percent_month=Decimal("0.00")))
"""Of agreements whose offer said nothing of all this: lateness costs nothing, nothing is moved or broken."""


def life_json(life: AgreementLife) -> dict[str, Any]:
    """The rules as plain JSON; `life_from` gives the very same back."""
    return {
        "fine_percent": str(life.late.fine_percent),
        "interest_percent_month": str(life.late.interest_percent_month),
        "grace_days": life.late.grace_days,
        "broken_days_late": life.broken_days_late,
        "broken_missed": life.broken_missed,
        "warn_days_before": life.warn_days_before,
        "date_changes": life.date_changes,
        "date_change_days": life.date_change_days,
        "renegotiations": life.renegotiations,
        **_holidays_json(life.late.holidays),
    }


def life_from(sealed: Mapping[str, Any] | None) -> AgreementLife:
    """The rules that `life_json` wrote; offers sealed before there were any have none."""
    if sealed is None:
        return UNWRITTEN
    numbers = {name: sealed[name] for name in sealed if name not in _OF_LATENESS}
    days = sealed.get("holidays", {})
    late = Terms(
        fine_percent=Decimal(sealed["fine_percent"]),
        interest_percent_month=Decimal(sealed["interest_percent_month"]),
        grace_days=sealed["grace_days"],
        holidays=Holidays(state=days.get("state"), own=frozenset(map(date.fromisoformat, days.get("own", ())))),
    )
    return AgreementLife(late=late, **numbers)


def _holidays_json(days: Holidays) -> dict[str, Any]:
    """Nothing where there are none: what was sealed before there could be any reads the same."""
    if days == NO_OTHERS:
        return {}
    return {"holidays": {"state": days.state, "own": sorted(day.isoformat() for day in days.own)}}


_OF_LATENESS = ("fine_percent", "interest_percent_month", "grace_days", "holidays")
