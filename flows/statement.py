"""The statement of a debt: what happened to it, line by line with what was left, and how that is said in a message.

What is left is the principal, or, from the day of an agreement in force on, what its payments have left of it. An
agreement that was broken is told, and counts as if it had never been: what was paid under it was paid on the debt.
Amounts in centavos; days are the creditor's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Literal, TypeAlias

from flows.effects import Say, TellStatement, Value
from flows.facts import AgreementFact, CostOfDebt, Debt
from flows.instalments import cost_of_instalment

LINES = 8  # of one statement in a message; what was before is summed up
DEBTS = 6  # of several statements in a message

Kind: TypeAlias = Literal["opened", "changed", "agreed", "paid", "returned", "ended", "settled", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The debt came to be so many centavos more, or less; n = 0 is its opening."""

    at: datetime
    n: int
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidPart:
    """What one payment settled of the debt, or of an agreement in its place (`agreement_id`), part by part; the parts
    are gross, `discount_cents` is what of them was forgiven."""

    at: datetime
    end_to_end_id: str
    principal_cents: int
    fine_cents: int = 0
    interest_cents: int = 0
    discount_cents: int = 0
    agreement_id: int | None = None

    @property
    def money_cents(self) -> int:
        """What of the payment went here."""
        return self.principal_cents + self.fine_cents + self.interest_cents - self.discount_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Money that went back: what it had paid of the debt, or of its agreement, is owed again; `charges_cents` are the
    fine and the interest that it had paid, `discount_cents` what had been forgiven with it."""

    at: datetime
    end_to_end_id: str
    principal_cents: int
    charges_cents: int = 0
    discount_cents: int = 0
    agreement_id: int | None = None

    @property
    def money_cents(self) -> int:
        """What went back."""
        return self.principal_cents + self.charges_cents - self.discount_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """An agreement on the debt: `because` says why it ended; `closed_at` is empty while it is in force."""

    id: int
    at: datetime
    total_cents: int
    count: int
    state: Literal["active", "settled", "broken"]
    because: str = ""
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that happened to one debt."""

    debt: Debt
    brought: tuple[Brought, ...]
    paid: tuple[PaidPart, ...] = ()
    returned: tuple[Returned, ...] = ()
    agreements: tuple[Agreed, ...] = ()

    @property
    def paid_cents(self) -> int:
        """The money that came in for it and stayed."""
        return sum(p.money_cents for p in self.paid) - sum(r.money_cents for r in self.returned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: what happened on that day, its amount, and what was left. `cost` has the parts of a payment, `count`
    the payments of an agreement, `because` why it ended."""

    on: date
    kind: Kind
    amount_cents: int
    balance_cents: int
    cost: CostOfDebt | None = None
    end_to_end_id: str = ""
    count: int = 0
    because: str = ""


_Event: TypeAlias = Brought | PaidPart | Returned | tuple[Literal["agreed", "ended", "settled"], Agreed]
_ORDER = {"opened": 0, "changed": 1, "agreed": 2, "paid": 3, "returned": 4, "ended": 5, "settled": 5}


def lines_of(history: History, zone: tzinfo) -> tuple[Line, ...]:
    """Return the statement, oldest first. `zone` is the creditor's."""
    lines = [_line(history, at, kind, event, zone) for at, kind, event in _events(history)]
    if history.debt.state == "cancelled" and lines:
        lines.append(Line(on=lines[-1].on, kind="cancelled", amount_cents=lines[-1].balance_cents, balance_cents=0))
    return tuple(lines)


def _events(history: History) -> list[tuple[datetime, Kind, _Event]]:
    found: list[tuple[datetime, Kind, _Event]] = [(b.at, "changed" if b.n else "opened", b) for b in history.brought]
    found += [(p.at, "paid", p) for p in history.paid]
    found += [(r.at, "returned", r) for r in history.returned]
    for agreed in history.agreements:
        found.append((agreed.at, "agreed", ("agreed", agreed)))
        if agreed.closed_at is not None:
            end: Literal["ended", "settled"] = "settled" if agreed.state == "settled" else "ended"
            found.append((agreed.closed_at, end, (end, agreed)))
    opened = [event for event in found if event[1] == "opened"]
    return opened + sorted((e for e in found if e[1] != "opened"), key=lambda e: (e[0], _ORDER[e[1]]))


def _line(history: History, at: datetime, kind: Kind, event: _Event, zone: tzinfo) -> Line:
    on, left_cents = at.astimezone(zone).date(), _left(history, at, kind)
    match event:
        case Brought(cents=cents):
            return Line(on=on, kind=kind, amount_cents=cents, balance_cents=left_cents)
        case PaidPart():
            return Line(
                on=on,
                kind=kind,
                amount_cents=event.money_cents,
                balance_cents=left_cents,
                cost=CostOfDebt(
                    debt_id=history.debt.id,
                    principal_cents=event.principal_cents,
                    fine_cents=event.fine_cents,
                    interest_cents=event.interest_cents,
                    discount_cents=event.discount_cents,
                ),
                end_to_end_id=event.end_to_end_id,
            )
        case Returned(money_cents=cents, end_to_end_id=end_to_end_id):
            return Line(on=on, kind=kind, amount_cents=cents, balance_cents=left_cents, end_to_end_id=end_to_end_id)
        case (_, agreed):
            return Line(
                on=on,
                kind=kind,
                amount_cents=agreed.total_cents,
                balance_cents=left_cents,
                count=agreed.count,
                because=agreed.because if kind == "ended" else "",
            )


def _left(history: History, at: datetime, kind: Kind) -> int:
    """What was left when this had happened, and all before it."""
    now = (at, _ORDER[kind])
    held = [a for a in history.agreements if a.state != "broken" and (a.at, _ORDER["agreed"]) <= now]
    if held and history.debt.state == "open" and held[-1].closed_at is not None and held[-1].closed_at < at:
        return _owed_again(history, held[-1].closed_at, at)
    of = held[-1].id if held else None
    asked = held[-1].total_cents if held else sum(b.cents for b in history.brought if _by(b.at, b, now))
    paid = sum(p.principal_cents for p in history.paid if p.agreement_id == of and (p.at, _ORDER["paid"]) <= now)
    back = sum(
        r.principal_cents for r in history.returned if r.agreement_id == of and (r.at, _ORDER["returned"]) <= now
    )
    return asked - paid + back


def _owed_again(history: History, closed_at: datetime, at: datetime) -> int:
    """What is left of a debt that was closed by its agreement, of which some went back afterwards."""
    back = sum(r.principal_cents for r in history.returned if closed_at < r.at <= at)
    paid = sum(p.principal_cents for p in history.paid if p.agreement_id is None and closed_at < p.at <= at)
    return back - paid + sum(b.cents for b in history.brought if closed_at < b.at <= at)


def _by(at: datetime, brought: Brought, now: tuple[datetime, int]) -> bool:
    return not brought.n or (at, _ORDER["changed"]) <= now


def left_of(agreement: AgreementFact, today: date) -> CostOfDebt:
    """Return what the open payments of an agreement cost together today, those that are late with their charges."""
    costs = [cost_of_instalment(agreement, i, today) for i in agreement.open_instalments]
    return CostOfDebt(
        debt_id=agreement.debt_id,
        principal_cents=sum(cost.principal_cents for cost in costs),
        fine_cents=sum(cost.fine_cents for cost in costs),
        interest_cents=sum(cost.interest_cents for cost in costs),
        instalment_n=costs[0].instalment_n if costs else 0,
    )


def said(histories: Sequence[History], owed: Mapping[int, CostOfDebt], tell: TellStatement, *, zone: tzinfo) -> Say:
    """Return the message. `owed` is what each open debt costs today.

    What is open counts, or where nothing is open what was: one debt line by line, of several the sum of each.
    """
    told = [h for h in histories if h.debt.id in owed] or list(histories)
    values: dict[str, Value] = {"first_name": tell.first_name, "creditor": tell.creditor}
    if not told:
        return Say(wording="nothing_open", values={"first_name": tell.first_name}, choices=tell.choices)
    if len(told) > 1:
        values |= {"lines": _sums(told, owed), "total_cents": sum(cost.total_cents for cost in owed.values())}
        return Say(wording="statements", values=values, choices=tell.choices)
    [history] = told
    values |= {"description": history.debt.description, "lines": _said_lines(lines_of(history, zone))}
    cost = owed.get(history.debt.id)
    if cost is None:
        return Say(wording="statement_settled", values=values, choices=tell.choices)
    values |= {"lines": (*_said_lines(lines_of(history, zone)), *_parts(cost)), "total_cents": cost.total_cents}
    return Say(wording="statement", values=values, choices=tell.choices)


def _said_lines(lines: Sequence[Line]) -> tuple[Mapping[str, Value], ...]:
    """The newest lines; those before are one, with what had been paid."""
    hidden, shown = lines[:-LINES], lines[-LINES:]
    if not hidden:
        return tuple(_said_line(line) for line in shown)
    paid = sum(line.amount_cents for line in hidden if line.kind == "paid")
    returned = sum(line.amount_cents for line in hidden if line.kind == "returned")
    before: Mapping[str, Value] = {
        "wording": "line_statement_before",
        "until_on": hidden[-1].on,
        "paid_cents": paid - returned,
        "open_cents": hidden[-1].balance_cents,
    }
    return (before, *(_said_line(line) for line in shown))


def _said_line(line: Line) -> Mapping[str, Value]:
    on, cents, left = line.on, line.amount_cents, line.balance_cents
    match line.kind:
        case "opened":
            return {"wording": "line_statement_opened", "day_on": on, "amount_cents": cents}
        case "changed":
            return {"wording": "line_statement_changed", "day_on": on, "open_cents": left}
        case "agreed":
            return {"wording": "line_statement_agreed", "day_on": on, "amount_cents": cents, "count": line.count}
        case "paid":
            return {"wording": "line_statement_paid", "day_on": on, "amount_cents": cents, "open_cents": left}
        case "returned":
            return {"wording": "line_statement_returned", "day_on": on, "amount_cents": cents, "open_cents": left}
        case "ended" | "cancelled":  # nobody is told of a debt that was cancelled
            return {"wording": "line_statement_ended", "day_on": on, "open_cents": left}
        case "settled":
            return {"wording": "line_statement_settled", "day_on": on}


def _parts(cost: CostOfDebt) -> tuple[Mapping[str, Value], ...]:
    """What today's amount is made of, where it is more than what was left."""
    if not cost.fine_cents and not cost.interest_cents:
        return ()
    left = "line_principal" if cost.instalment_n is None else "line_payments"
    parts = ((left, cost.principal_cents), ("line_fine", cost.fine_cents), ("line_interest", cost.interest_cents))
    return tuple({"wording": wording, "amount_cents": cents} for wording, cents in parts if cents)


def _sums(histories: Sequence[History], owed: Mapping[int, CostOfDebt]) -> tuple[Mapping[str, Value], ...]:
    """What was paid and what is left of each; of more than can be said, how many more there are."""
    lines: list[Mapping[str, Value]] = []
    for history in histories[:DEBTS]:
        cost = owed.get(history.debt.id)
        lines.append(
            {
                "wording": "line_statement_sum",
                "description": history.debt.description,
                "paid_cents": history.paid_cents,
                "open_cents": cost.total_cents if cost is not None else 0,
            }
        )
    if len(histories) > DEBTS:
        lines.append({"wording": "line_more", "count": len(histories) - DEBTS})
    return tuple(lines)
