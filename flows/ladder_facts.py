"""All that the ladder may know of a person beside the conversation's own facts.

Read for the person whom a ladder's timer is about, confirmed or not: whether something is due has to be known before
anybody is asked who they are. Nothing of it is said to somebody unconfirmed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from flows.facts import AgreementFact, CostOfDebt, Debt
from flows.ladder import Ladder
from flows.ladder_templates import TemplateFact
from payments.late_charges import NO_OTHERS, Holidays

NO_INSTALMENT = -1
"""Stands for the debt itself where an instalment's number could stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """An active message to the person, whatever it was about. `on` is its local day; `failed`: it surely did not
    arrive."""

    at: datetime
    on: date
    purpose: str  # reminder | first_contact
    template: str
    debts: frozenset[int]
    read: bool = False
    clicked: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderFacts:
    """The ladder in force, what the person owes, and what was done so far.

    `done`: (debt, instalment or NO_INSTALMENT, day, is it a ticket) of steps that are over, for today's due dates.
    `since`: of each debt the local day from which its steps count, for no step of before it was on record is made up
    for. `zone`: where the debtor's phone is from, if that is known.
    """

    ladder: Ladder
    customer_id: int
    templates: Mapping[str, TemplateFact]
    debts: tuple[Debt, ...] = ()
    costs: Mapping[int, CostOfDebt] = field(default_factory=dict)
    agreements: tuple[AgreementFact, ...] = ()
    holidays: Holidays = NO_OTHERS
    done: frozenset[tuple[int, int, int, bool]] = frozenset()
    since: Mapping[int, date] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()  # of the last weeks, oldest first
    tenure_days: int = 0
    opted_in: bool = False
    agreed_to_marketing: bool = False
    state: str | None = None
    zone: tzinfo | None = None
    has_ticket: bool = False  # in whatever conversation
    opted_out: bool = False  # said in whatever chat, by whoever was confirmed to be this person there
    paid_on: date | None = None  # the local day of the newest payment
    is_elsewhere: bool = False  # another chat is confirmed as this person's
    free_form: bool = True  # inside the window, free form costs no more than a template
    in_rollout: bool = True
    over_ceiling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LastReminder:
    """The newest active message to the person, for who asks why it came."""

    on: date
    ladder_title: str
    day: int | None  # of its step, counted from the payable day; None for a first contact
    descriptions: tuple[str, ...] = ()
    opted_in: bool = False
