"""The watchman of a simulation: what must never happen to anybody, looked at from outside.

He keeps books of his own from what he sees, reads the ladder's file as it is written and the calendar of the holidays,
and uses nothing of what decides about reminders: a mistake there is not made twice.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

from bot.sandbox.simulated_portfolio import Customer
from flows.effects import Remind
from flows.ladder import Ladder
from flows.ladder_templates import TemplateFact

_SATURDAY, _SUNDAY = 5, 6
_A_WEEK = timedelta(days=7)
_FIRST_CONTACT_NAMES = {"nome", "empresa"}  # who is asked for, and by whom
# What the states' laws leave for collecting: Monday to Friday, Saturday; never on Sundays and holidays.
_LAWS: dict[str, tuple[tuple[int, int], tuple[int, int] | None]] = {
    "SP": ((8, 20), (8, 14)),  # Lei 15.426/2014
    "RJ": ((9, 19), None),  # Lei 7.868/2018
    "ES": ((8, 19), None),  # Lei 10.626/2017
    "AM": ((8, 19), None),  # Lei 306/2016
    "AL": ((8, 20), (8, 14)),  # Lei 7.782/2016
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Breach:
    """Something that must not happen happened: to which simulated customer, when (UTC), which rule, and why."""

    customer: int
    at: datetime
    rule: str
    why: str

    def __str__(self) -> str:
        return f"customer {self.customer}, {self.at:%Y-%m-%d %H:%M} UTC: {self.rule}: {self.why}"


class Watch:
    """Watches over one customer."""

    def __init__(self, ladder: Ladder, customer: Customer) -> None:
        self._ladder, self._customer = ladder, customer
        self._zone = ladder.timezone
        self.breaches: list[Breach] = []
        self._gone: set[tuple[int, int]] = set()  # (debt, instalment or -1) that are paid, agreed or over
        self._promised: dict[int, date] = {}
        self._active_on: list[date] = []
        self._steps: set[tuple[int, int, date, int]] = set()  # (debt, instalment, due, day) that were said
        self._opted_out = self._stranger = self._ticket = False
        self._confirmed = customer.is_known

    def paid(self, debt_id: int, instalment: int = -1) -> None:
        """The bank confirmed the payment of a debt, or of an instalment."""
        self._gone.add((debt_id, instalment))
        self._promised.pop(debt_id, None)

    def agreed(self, debt_id: int) -> None:
        """An agreement stands in a debt's place."""
        self._gone = {(debt, n) for debt, n in self._gone if debt != debt_id} | {(debt_id, -1)}

    def agreement_ended(self, debt_id: int, instalments: int) -> None:
        """The debt is back, and none of the agreement's instalments is owed."""
        self._gone = {(debt, n) for debt, n in self._gone if debt != debt_id}
        self._gone |= {(debt_id, n) for n in range(instalments + 1)}

    def promised(self, debt_id: int, until: date) -> None:
        """The customer named a day."""
        self._promised[debt_id] = until

    def opted(self, *, out: bool) -> None:
        """The customer wants no more messages, or wants them again."""
        self._opted_out = out

    def ticket(self, *, is_open: bool) -> None:
        """People have the conversation, or have closed it."""
        self._ticket = is_open

    def confirmed(self) -> None:
        """The customer has said who they are."""
        self._confirmed = True

    def is_somebody_else(self) -> None:
        """Whoever answers there is not the customer."""
        self._confirmed, self._stranger = False, True

    def reminded(self, reminder: Remind, template: TemplateFact | None, at: datetime) -> None:
        """A reminder goes out at this instant."""
        self._unasked(at)
        if reminder.purpose == "first_contact":
            named = set(template.parameters) - _FIRST_CONTACT_NAMES if template is not None else {"?"}
            if named or reminder.picture_charge_no is not None or reminder.link_charge_no is not None:
                self._told(at, "identity", f"the first contact by {reminder.template} speaks of a debt")
            return
        if not self._confirmed:
            self._told(at, "identity", f"{reminder.template} names a debt to somebody unconfirmed")
        today = at.astimezone(self._zone).date()
        for item in reminder.items:
            if (item.debt_id, item.n) in self._gone:
                self._told(
                    at, "paid", f"{reminder.template} asks for debt {item.debt_id} ({item.n}), which is not owed"
                )
            until = self._promised.get(item.debt_id)
            if until is not None and today <= until:
                self._told(at, "promise", f"debt {item.debt_id} is promised until {until}")
            step = (item.debt_id, item.n, item.due_on, item.day)
            if step in self._steps:
                self._told(at, "once", f"day {item.day:+d} of debt {item.debt_id} ({item.n}) was said before")
            self._steps.add(step)

    def asked(self, at: datetime) -> None:
        """Another message that nobody asked for goes out and counts among the caps."""
        self._unasked(at)

    def told(self, at: datetime) -> None:
        """News of an agreement goes out, which nobody asked for and which is no reminder."""
        self._look_at_hours(at)

    def runs_away(self, at: datetime, events: int) -> None:
        """The conversation does not come to rest."""
        self._told(at, "rest", f"{events} events, and no end")

    def _unasked(self, at: datetime) -> None:
        if self._opted_out:
            self._told(at, "opt-out", "no more messages were wanted")
        if self._stranger:
            self._told(at, "identity", "somebody else answers there")
        if self._ticket:
            self._told(at, "ticket", "people have the conversation")
        self._look_at_hours(at)
        day = at.astimezone(self._zone).date()
        caps = self._ladder.caps
        self._active_on.append(day)
        if (count := self._active_on.count(day)) > caps.day:
            self._told(at, "cap of the day", f"{count} on {day}, and {caps.day} at most")
        recent = sum(day - other < _A_WEEK for other in self._active_on)
        if recent > caps.week:
            self._told(at, "cap of the week", f"{recent} in the seven days to {day}, and {caps.week} at most")

    def _look_at_hours(self, at: datetime) -> None:
        creditor, debtor = at.astimezone(self._zone), at.astimezone(ZoneInfo(self._customer.zone))
        for whose, local in (("the creditor's", creditor), ("the debtor's", debtor)):
            span = self._span(local.date())
            now = local.time().replace(microsecond=0)
            if span is None or not span[0] <= now <= span[1]:
                self._told(at, "hours", f"{local:%a %Y-%m-%d %H:%M} on {whose} clock")

    def _span(self, day: date) -> tuple[time, time] | None:
        """The hours of a day, by the file and by the law of the state where the debtor lives."""
        written = self._ladder.contact_hours
        own = {_SATURDAY: written.saturday, _SUNDAY: written.sunday}.get(day.weekday(), written.monday_to_friday)
        spans = [own]
        states = {written.state, self._customer.state if self._customer.state in _LAWS else None} - {None}
        if _is_holiday(day, None) or any(_is_holiday(day, state) for state in states):
            spans.append(written.holidays)
        law = _LAWS.get(self._customer.state)
        if law is not None:
            hours = {_SATURDAY: law[1], _SUNDAY: None}.get(day.weekday(), law[0])
            if hours is None or _is_holiday(day, None) or _is_holiday(day, self._customer.state):
                return None
            spans.append((time(hours[0]), time(hours[1])))
        if any(span is None for span in spans):
            return None
        there = [span for span in spans if span is not None]
        return max(span[0] for span in there), min(span[1] for span in there)

    def _told(self, at: datetime, rule: str, why: str) -> None:
        self.breaches.append(Breach(customer=self._customer.id, at=at, rule=rule, why=why))


@lru_cache(maxsize=4096)
def _is_holiday(day: date, state: str | None) -> bool:
    return day in _calendar(state, day.year)


@lru_cache(maxsize=64)
def _calendar(state: str | None, year: int) -> frozenset[date]:
    return frozenset(country_holidays("BR", subdiv=state, years=year))
