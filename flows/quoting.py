"""The amount of another day: what paying on a day to come would cost, beside what it costs today, and a charge that can
be paid until then at that amount."""

from datetime import date, timedelta

from flows.effects import Choice, Say, Value
from flows.facts import Debt, Facts
from flows.moment import THREE, Moment, cost_lines
from flows.paying import (
    ALL_TOGETHER,
    ROWS,
    charge_debts,
    costs_until,
    instalment_rows,
    meant_debts,
    must_choose_what_to_pay,
)
from flows.wishes import NOTHING

AHEAD = timedelta(days=30)
"""How far an amount is told: from today, or from the due date of what is not due yet."""
_WEEK = 7


def must_choose_what_to_quote(moment: Moment) -> bool:
    """Whether several things are open, none was named, and the day is one for which there are amounts."""
    return must_choose_what_to_pay(moment) and _is_near(moment, moment.open_debts)


def choose_what_to_quote(moment: Moment) -> None:
    """Ask which, or all together, with the amounts of the day that was said; every answer names the day again."""
    day, debts = day_of(moment), moment.open_debts
    costs = costs_until(moment, debts, day)
    rows = [
        _row(day, debt.id, "row_debt", cost.parts.total_cents, description=debt.description)
        for debt, cost in zip(debts, costs, strict=True)
    ]
    if len(debts) > 1:
        rows.insert(0, _row(day, ALL_TOGETHER, "row_all", sum(cost.parts.total_cents for cost in costs)))
    rows += instalment_rows(moment)
    moment.say("which_to_quote", *rows[: ROWS + 1], list_button="button_choose", until_on=day)
    moment.wait_for_answer()


def day_can_be_quoted(moment: Moment) -> bool:
    """Whether it is clear what is meant, and the day is still to come and near enough."""
    return not must_choose_what_to_pay(moment) and _is_near(moment, meant_debts(moment))


def charge_for_that_day(moment: Moment) -> None:
    """Say the amount of that day, beside today's where it is another, and charge it until then."""
    day, debts = day_of(moment), meant_debts(moment)
    then_cents, today_cents = (
        sum(cost.parts.total_cents for cost in costs_until(moment, debts, on)) for on in (day, None)
    )
    values: dict[str, Value] = {"until_on": day, "total_cents": then_cents}
    if then_cents == today_cents:
        moment.effects.append(Say(wording="quoted_same", values=values))
    else:
        moment.effects.append(Say(wording="quoted", values={**values, "today_cents": today_cents}))
    charge_debts(moment, debts, day)


def say_amount_of_today(moment: Moment) -> None:
    """The day has come, or is too far: the amount of today, part by part, and what can be done."""
    debts = moment.open_debts if must_choose_what_to_pay(moment) else meant_debts(moment)
    costs = [cost.parts for cost in costs_until(moment, debts)]
    lines = cost_lines(costs[0]) if len(costs) == 1 else ()
    values: dict[str, Value] = {"total_cents": sum(cost.total_cents for cost in costs), "lines": lines}
    if day_of(moment) > moment.facts.today:
        values["until_on"] = _last(moment, debts)
        wording = "quote_far" if len(lines) > 1 else "quote_far_plain"
    else:
        wording = "quote_today" if len(lines) > 1 else "quote_today_plain"
    moment.ask(wording, values, *THREE)
    moment.wait_for_answer()


def amounts_by_day(facts: Facts, debt_ids: frozenset[int], also: date) -> tuple[tuple[date, int], ...]:
    """What these debts cost together on each day of the coming week, on the payable day of what is not due yet, and on
    the day `also`: days and centavos, just as the chat would tell them.

    Nothing where one of them is not open any more.
    """
    moment, today = Moment(facts=facts, wish=NOTHING, memory={}), facts.today
    debts = tuple(debt for debt in moment.open_debts if debt.id in debt_ids)
    if not debts or len(debts) < len(debt_ids):
        return ()
    days = {today + timedelta(days=n) for n in range(_WEEK + 1)} | {also}
    days |= {moment.payable_day(debt) for debt in debts if debt.due_on > today}
    return tuple(
        (day, sum(cost.parts.total_cents for cost in costs_until(moment, debts, day if day > today else None)))
        for day in sorted(days)
        if today <= day <= _last(moment, debts)
    )


def day_of(moment: Moment) -> date:
    """The day that the wish names; none is today."""
    return date.fromordinal(moment.wish.version) if moment.wish.version > 0 else moment.facts.today


def _last(moment: Moment, debts: tuple[Debt, ...]) -> date:
    """The last day for which all of them are told."""
    return min(max(moment.facts.today, debt.due_on) for debt in debts) + AHEAD


def _is_near(moment: Moment, debts: tuple[Debt, ...]) -> bool:
    return bool(debts) and moment.facts.today < day_of(moment) <= _last(moment, debts)


def _row(day: date, object_id: int, label: str, total_cents: int, **values: Value) -> Choice:
    return Choice(
        action="quote",
        object_id=object_id,
        version=day.toordinal(),
        label=label,
        detail="row_quote_detail",
        values={**values, "total_cents": total_cents, "until_on": day},
    )
