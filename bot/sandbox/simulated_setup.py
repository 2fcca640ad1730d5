"""What a simulation goes by: the ladder, its templates, the policy, the company's rules, the days; plain bytes that any
process can read for itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.ladder_check import fact_of
from bot.whatsapp.templates import MessageTemplate, read_templates
from flows.costs import NO_LATE_CHARGES
from flows.facts import PolicyInForce, Rules
from flows.ladder import Ladder, read_ladder
from flows.ladder_templates import TemplateFact, misfits
from flows.policy import Policy, read_policy
from flows.prices import PriceList, cheaper_in_window, read_prices
from flows.yaml_lines import Mistake
from payments.late_charges import Terms
from payments.settlement import BY_LAW, Order

T = TypeVar("T")
_OPENS = time(6)  # local: the hour at which the simulation begins and ends, before anybody is written to


class SetupError(Exception):
    """A file of the simulation cannot be used; `mistakes` has every one with its line."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Everything that the result depends on. `zone` is the creditor's; files by name and bytes. `within`: a ladder to
    whose hours and caps all is held, where that is not the ladder itself."""

    seed: int
    customers: int
    days: int
    start: date
    zone: str
    rules: Rules
    ladder_file: tuple[str, bytes]
    templates_file: tuple[str, bytes]
    policy_file: tuple[str, bytes]
    prices_file: tuple[str, bytes]
    within_file: tuple[str, bytes] | None = None

    @cached_property
    def ladder(self) -> Ladder:
        """The ladder. Raises SetupError."""
        return _or_raise(read_ladder(self.ladder_file[1], name=self.ladder_file[0]))

    @cached_property
    def within(self) -> Ladder:
        """The ladder to whose hours and caps all is held. Raises SetupError."""
        file = self.within_file or self.ladder_file
        return _or_raise(read_ladder(file[1], name=file[0]))

    @cached_property
    def wordings(self) -> Mapping[str, MessageTemplate]:
        """The templates as the company wrote them. Raises SetupError."""
        return _or_raise(read_templates(self.templates_file[1], name=self.templates_file[0]))

    @cached_property
    def templates(self) -> Mapping[str, TemplateFact]:
        """What a decision has to know of each template: all of them approved."""
        return {name: fact_of(template) for name, template in self.wordings.items()}

    @cached_property
    def policy(self) -> PolicyInForce:
        """The policy. Raises SetupError."""
        policy: Policy = _or_raise(read_policy(self.policy_file[1], name=self.policy_file[0]))
        return PolicyInForce(digest=policy.digest, policy=policy)

    @cached_property
    def prices(self) -> PriceList:
        """What WhatsApp charges. Raises SetupError."""
        return _or_raise(read_prices(self.prices_file[1], name=self.prices_file[0]))

    def is_free_form(self, day: date) -> bool:
        """Return whether a reminder inside an open window goes out as free form on a day: on the whole, with the
        month's free messages used up."""
        if day not in self._free_form:
            free, home = self.prices.free_messages_on(day), self.prices.home
            cheaper = cheaper_in_window(self.prices, day=day, country=home, service_used_this_month=free)
            self._free_form[day] = cheaper == "free_form"
        return self._free_form[day]

    @cached_property
    def _free_form(self) -> dict[date, bool]:
        return {}

    def policy_on(self, day: date) -> PolicyInForce | None:
        """Return the policy where it covers a local day."""
        return self.policy if day in self.policy.policy.valid else None

    def terms_on(self, day: date) -> Terms:
        """Return what lateness adds on a local day."""
        covers = day in self.policy.policy.valid
        return self.policy.policy.terms if covers else NO_LATE_CHARGES

    def order_on(self, day: date) -> Order:
        """Return in which order money pays what is owed."""
        covers = day in self.policy.policy.valid
        return self.policy.policy.allocation.order if covers else BY_LAW

    @cached_property
    def here(self) -> ZoneInfo:
        """The creditor's time zone."""
        return ZoneInfo(self.zone)

    @cached_property
    def begins_at(self) -> datetime:
        """The first instant, UTC."""
        return self.opens(self.start)

    @cached_property
    def ends_at(self) -> datetime:
        """The instant that is past the last day, UTC."""
        return datetime.combine(self.start + timedelta(days=self.days), time(), self.here).astimezone(UTC)

    def opens(self, day: date) -> datetime:
        """Return when a local day begins for the simulation, UTC."""
        return datetime.combine(day, _OPENS, self.here).astimezone(UTC)

    def check(self) -> None:
        """Read every file. Raises SetupError with all mistakes of the first that has some."""
        name, source = self.ladder_file
        wrong, _ = misfits(source, self.ladder, self.templates, name=name)
        if wrong:
            raise SetupError(wrong)
        assert self.policy is not None  # read, or raised
        assert self.within is not None
        assert self.prices is not None


def _or_raise(read: T | tuple[Mistake, ...]) -> T:
    if isinstance(read, tuple):
        raise SetupError(read)
    return read
