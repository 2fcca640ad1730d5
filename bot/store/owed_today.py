"""What debts cost on a day: the debt itself, or the open payments of the agreement in its place, added up."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from bot.store.facts import agreement_fact
from bot.store.payments import AGREEMENTS
from flows.costs import NO_LATE_CHARGES, cost_of
from flows.facts import CostOfDebt, Debt, PolicyInForce
from flows.statement import left_of


async def owed_today(
    conn: Any, debts: Sequence[Debt], policy: PolicyInForce | None, today: date
) -> dict[int, CostOfDebt]:
    """Return what each debt costs on the local day `today`, by its id; one of which nothing is owed is missing."""
    terms = policy.policy.terms if policy is not None else NO_LATE_CHARGES
    owed = {d.id: cost_of(d, today, terms) for d in debts if d.state == "open"}
    agreed = [d.id for d in debts if d.state == "agreed"]
    found: Iterable[Any] = await conn.fetch(AGREEMENTS, agreed) if agreed else ()
    return owed | {row["debt_id"]: left_of(agreement_fact(row), today) for row in found}
