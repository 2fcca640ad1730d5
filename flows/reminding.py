"""The reminder: whether one may be sent now, which, about what, and when to look again.

Everything is looked at when the ladder's timer fires, on the facts of that moment: who owns the conversation, whether
the person asked for silence, what they promised, what they paid, the hours, the caps. Who has not said who they are is
asked just that, and no debt is named. What is due for several debts at once is one message.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from flows.agenda import Agenda, Item, Receivable, agenda, is_prescribed, receivables
from flows.calendar import payable_day
from flows.contact_hours import Hours, closes_at, hours_for, next_open, open_at
from flows.effects import Charge, Choice, ClearTimer, OpenTicket, PassSteps, Remind, Reminded, SetTimer, TellFinance
from flows.events import ChargeFailed
from flows.facts import ChargeFact, CostOfDebt
from flows.instalments import cost_of_instalment
from flows.ladder_facts import NO_INSTALMENT, LadderFacts
from flows.ladder_parts import Media
from flows.ladder_templates import BUTTONS, TemplateFact
from flows.moment import Moment
from flows.paying import ALL_TOGETHER

_A_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_FIRST_CONTACTS = 3  # in the time that contacts are remembered; then people try another way
_UNDELIVERED_DAYS = 2  # WhatsApp could not deliver on so many days: the number is not there
_LOOK_FOR_CODE_AGAIN = timedelta(minutes=30)
_LOOKS = 60  # for hours that are open here and there at once, about two a day; then there are none
_PAUSED, _PAUSE = "template_paused", timedelta(hours=3)
_LABELS = {
    "pay": "button_pay",
    "negotiate": "button_negotiate",
    "human": "button_human",
    "its_me": "button_its_me",
    "not_me": "button_not_me",
}


def remind(moment: Moment) -> None:
    """Do what the ladder has on its agenda for the person, and set the timer for the next time."""
    known = moment.facts.ladder
    if known is None:
        return
    moment.memory.pop("reminding", None)
    now = moment.facts.now.astimezone(known.ladder.timezone)
    owed = _askable(moment, known, now.date())
    plan = agenda(known, owed, now, moment.facts.heard_at)
    _open_tickets(moment, known, plan)
    again = _spoken(moment, known, plan, now) if plan.due else None
    _look_again(moment, known, min(filter(None, (again, plan.next_at, _promise_ends(known, now))), default=None))


def charge_is_ready(moment: Moment, charge_no: int) -> bool:
    """Whether the charge was made for a reminder, which goes out now if it still may."""
    if moment.memory.get("made_to_remind") != charge_no:
        return False
    if moment.memory.get("reminding") == charge_no:
        remind(moment)
    return True  # nobody waits for it, also where the reminder has gone out with it already


def charge_failed(moment: Moment, failed: ChargeFailed) -> bool:
    """Whether the charge was meant for a reminder. Without its code its template cannot go out: it is over."""
    known = moment.facts.ladder
    if moment.memory.get("reminding") != failed.charge_no or known is None:
        return False
    moment.memory.pop("reminding", None)
    now = moment.facts.now.astimezone(known.ladder.timezone)
    plan = agenda(known, _askable(moment, known, now.date()), now, moment.facts.heard_at)
    moment.effects.append(PassSteps(items=_reminded(plan.due), because="no_code"))
    _look_again(moment, known, plan.next_at)
    return True


def silence(moment: Moment, known: LadderFacts) -> str | None:
    """Return why this person is not spoken to at all now; None where they may be."""
    facts = moment.facts
    undelivered = {contact.on for contact in known.contacts if contact.failed}
    heard_since = facts.heard_at is not None and all(c.at < facts.heard_at for c in known.contacts if c.failed)
    reasons = {
        "ticket": moment.place == "person" or facts.ticket is not None or known.has_ticket,
        "contact_closed": facts.contact_closed,
        "opted_out": facts.opted_out or known.opted_out,
        "other_person": facts.customer is not None and facts.customer.customer_id != known.customer_id,
        "other_chat": known.is_elsewhere,
        "not_here": all(c.customer_id != known.customer_id for c in facts.candidates),
        "unreachable": len(undelivered) >= _UNDELIVERED_DAYS and not heard_since,
        "no_consent": known.ladder.only_opted_in and not known.opted_in,
        "rollout": not known.in_rollout,
        "ceiling": known.over_ceiling,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def may_speak_from(moment: Moment) -> datetime | None:
    """Return the first instant from now on at which one more message that nobody asked for may go to this person; None
    where none may. Without a ladder there is nothing that would forbid it.
    """
    known = moment.facts.ladder
    if known is None:
        return moment.facts.now
    if silence(moment, known) is not None:
        return None
    now = moment.facts.now.astimezone(known.ladder.timezone)
    return _allowed_from(known, hours_for(known.ladder.hours, known.state), now)


def _askable(moment: Moment, known: LadderFacts, today: date) -> list[Receivable]:
    """What may be asked for: nothing that is promised for a day to come, and nothing that is prescribed."""
    found: list[Receivable] = []
    for one in receivables(known, today):
        until = one.debt.promised_until
        if until is not None and today <= asked_about(until):
            continue
        if is_prescribed(one.due_on, known.ladder.prescription_years, today):
            moment.effects.append(TellFinance(kind="prescribed", debt_id=one.debt.id))
            continue
        found.append(one)
    return found


def asked_about(until: date) -> date:
    """Return the day on which a broken promise is asked about, by its own timer (`flows.agreement_watch`)."""
    return payable_day(until + _A_DAY)


def _promise_ends(known: LadderFacts, now: datetime) -> datetime | None:
    """When the first promise is over for the ladder: the day after it was asked about."""
    running = [
        asked_about(debt.promised_until)
        for debt in known.debts
        if debt.promised_until is not None and debt.state == "open" and now.date() <= asked_about(debt.promised_until)
    ]
    return datetime.combine(min(running) + _A_DAY, known.ladder.at, now.tzinfo) if running else None


def _open_tickets(moment: Moment, known: LadderFacts, plan: Agenda) -> None:
    """The steps that call people. One ticket is enough for all of them; one that is open already is enough too."""
    if not plan.tickets:
        return
    first = plan.tickets[0]
    if moment.facts.ticket is None and not known.has_ticket and first.planned.step.ticket is not None:
        moment.effects.append(OpenTicket(reason="ladder", queue=first.planned.step.ticket, debt_id=first.owed.debt.id))
    moment.effects.append(PassSteps(items=_reminded(plan.tickets), because="ticket", tickets=True))


def _spoken(moment: Moment, known: LadderFacts, plan: Agenda, now: datetime) -> datetime | None:
    """Say what is due, if that may be; return when to look again where it may not be now."""
    if plan.tickets or silence(moment, known) is not None:
        return None  # whom people are about to look after is left to them
    hours = hours_for(known.ladder.hours, known.state)
    allowed = _allowed_from(known, hours, now)
    if allowed is None or allowed > now:
        return allowed
    items, template = _chosen(known, plan)
    until = _until(known, hours, now)
    if template is not None and template.stopped == _PAUSED:
        return now + _PAUSE  # Meta pauses for three hours, then for six; the step waits as long as it has not lapsed
    if template is None or template.stopped is not None or _is_unwanted_marketing(known, template):
        moment.effects.append(PassSteps(items=_reminded(items), because=_why_not(known, template)))
        return None
    if moment.facts.customer is None:
        _ask_who(moment, known, items, until)
        return None
    attach = items[0].planned.step.attach
    if template.header_image or attach == "payment_link":
        return _with_charge(moment, known, items, template, until, now)
    moment.effects.append(_message(moment, known, items, template, until))
    return None


def _why_not(known: LadderFacts, template: TemplateFact | None) -> str:
    if template is None:
        return "no_template"
    return template.stopped or "no_marketing_consent"


def _is_unwanted_marketing(known: LadderFacts, template: TemplateFact) -> bool:
    return template.category == "MARKETING" and not known.agreed_to_marketing


def _chosen(known: LadderFacts, plan: Agenda) -> tuple[tuple[Item, ...], TemplateFact | None]:
    """What the message is about: all that is due today in one, where there is a template for several; else what is
    late longest, and the rest waits."""
    today = (*plan.due, *plan.later_today)
    group = known.templates.get(known.ladder.group)
    may_group = group is not None and group.stopped is None and not group.header_image
    if len(today) > 1 and group is not None and may_group and not _is_unwanted_marketing(known, group):
        return today, group
    first = max(plan.due, key=lambda item: (item.planned.day, item.owed.cents))
    return (first,), known.templates.get(first.planned.step.template or "")


def _allowed_from(known: LadderFacts, hours: Hours, now: datetime) -> datetime | None:
    """Return the first local instant from `now` on at which one more message is allowed: within hours and caps, and not
    on the day of a payment."""
    at = now
    for _ in range(60):
        opened = _open_for_both(known, hours, at)
        if opened is None:
            return None
        if not _above_caps(known, opened.date()) and known.paid_on != opened.date():
            return opened if opened == now else _at_the_ladders_hour(known, hours, opened)
        at = datetime.combine(opened.date() + _A_DAY, time(), now.tzinfo)
    return None


def _at_the_ladders_hour(known: LadderFacts, hours: Hours, opened: datetime) -> datetime:
    """A message that waited goes out at the ladder's hour, not at the stroke of opening, where that is open too."""
    usual = datetime.combine(opened.date(), known.ladder.at, opened.tzinfo)
    return usual if usual > opened and _open_for_both(known, hours, usual) == usual else opened


def _open_for_both(known: LadderFacts, hours: Hours, at: datetime) -> datetime | None:
    """The hours hold where the creditor is and where the debtor's phone is from."""
    if known.zone is None:
        return next_open(hours, at)
    found = at
    for _ in range(_LOOKS):
        here = next_open(hours, found)
        there = next_open(hours, here.astimezone(known.zone)) if here is not None else None
        if here is None or there is None:
            return None
        found = there.astimezone(at.tzinfo)
        if found == here:
            return found
    return None


def _above_caps(known: LadderFacts, day: date) -> bool:
    """Whether one more message on `day` would pass the caps: of the day, and of any seven days in a row."""
    counted = [contact.on for contact in known.contacts]
    caps = known.ladder.caps
    this_day = sum(on == day for on in counted)
    # Those of days to come count too: the clock was put back, and they lie in some seven days with this one.
    this_week = sum(day - _WEEK < on for on in counted)
    return this_day >= caps.day or this_week >= caps.week


def _until(known: LadderFacts, hours: Hours, now: datetime) -> datetime:
    """The end of today's hours, here and where the phone is from."""
    here = closes_at(hours, now)
    if known.zone is None:
        return here
    there = now.astimezone(known.zone)
    return min(here, closes_at(hours, there)) if open_at(hours, there) else here


def _ask_who(moment: Moment, known: LadderFacts, items: Sequence[Item], until: datetime) -> None:
    """The neutral first contact: once a week and three times at most."""
    template = known.templates.get(known.ladder.first_contact)
    asked = [contact for contact in known.contacts if contact.purpose == "first_contact"]
    today = moment.facts.now.astimezone(known.ladder.timezone).date()
    too_soon = any(today - contact.on < _WEEK for contact in asked)
    reason = None
    if template is None or template.stopped is not None or not template.names_nothing:
        reason = "no_first_contact"
    elif too_soon or len(asked) >= _FIRST_CONTACTS:
        reason = "unconfirmed"
    if reason is not None or template is None:
        moment.effects.append(PassSteps(items=_reminded(items), because=reason or "no_first_contact"))
        return
    moment.effects.append(
        Remind(
            template=template.name,
            customer_id=known.customer_id,
            items=_reminded(items),
            choices=_choices(template, ()),
            until=until,
            track=items[0].track,
            purpose="first_contact",
            free_form=known.free_form and _window_is_open(moment),
        )
    )


def _message(
    moment: Moment,
    known: LadderFacts,
    items: Sequence[Item],
    template: TemplateFact,
    until: datetime,
    charge: ChargeFact | None = None,
) -> Remind:
    reminded = _reminded(items)
    if charge is not None and len(reminded) == 1 and charge.amount_cents != reminded[0].cents:
        # The code of an offer that still stands: what is said is what it asks for.
        reminded = (replace(reminded[0], cents=charge.amount_cents),)
    choices = _choices(template, reminded, is_all=len(reminded) == len(moment.open_debts))
    moment.memory["choices"] = ",".join(f"{c.action}.{c.object_id}.{c.version}" for c in choices)
    media = items[0].planned.step.attach
    linked = charge.no if charge is not None else None
    return Remind(
        template=template.name,
        customer_id=known.customer_id,
        items=reminded,
        choices=choices,
        until=until,
        track=items[0].track,
        free_form=known.free_form and _window_is_open(moment),
        picture_charge_no=linked if template.header_image else None,
        link_charge_no=linked if template.link else None,
        media_kind=media.kind if isinstance(media, Media) else None,
        media_link=media.link if isinstance(media, Media) else None,
    )


def _with_charge(
    moment: Moment,
    known: LadderFacts,
    items: Sequence[Item],
    template: TemplateFact,
    until: datetime,
    now: datetime,
) -> datetime | None:
    """The message with its Pix code: the one that stands, or a new one first. Returns when to look again for it."""
    parts = tuple(_part(known, item.owed, now.date()) for item in items)
    wanted = {(part.debt_id, part.instalment_n) for part in parts}
    alive = [
        charge
        for charge in moment.facts.charges
        if charge.state in ("requested", "active")
        and not charge.paid_cents
        and now.date() <= charge.pay_until
        and {(part.debt_id, part.instalment_n) for part in charge.parts} == wanted
    ]
    if alive:
        charge = alive[-1]
        if charge.state == "active":
            moment.effects.append(_message(moment, known, items, template, until, charge))
            return None
        moment.memory["reminding"] = charge.no
        return moment.facts.now + _LOOK_FOR_CODE_AGAIN
    late = any(part.fine_cents or part.interest_cents for part in parts)
    number = moment.number()
    agreement = next((a for a in known.agreements if a.debt_id == parts[0].debt_id), None)
    instalment = parts[0].instalment_n
    moment.effects.append(
        Charge(
            charge_no=number,
            amount_cents=sum(part.total_cents for part in parts),
            pay_until=now.date() if late else max(now.date(), min(item.owed.payable_on for item in items)),
            parts=parts,
            agreement_offer_no=agreement.offer_no if agreement is not None and instalment is not None else None,
            instalment_n=instalment,
            replaces=tuple(
                c.no
                for c in moment.facts.charges
                if c.state in ("requested", "active") and {p.debt_id for p in c.parts} & {p.debt_id for p in parts}
            ),
        )
    )
    moment.memory["reminding"] = moment.memory["made_to_remind"] = number
    return moment.facts.now + _LOOK_FOR_CODE_AGAIN


def _part(known: LadderFacts, owed: Receivable, today: date) -> CostOfDebt:
    if owed.n == NO_INSTALMENT:
        return known.costs[owed.debt.id]
    agreement = next(a for a in known.agreements if a.debt_id == owed.debt.id and a.state == "active")
    return cost_of_instalment(agreement, next(i for i in agreement.instalments if i.n == owed.n), today)


def _choices(template: TemplateFact, items: Sequence[Reminded], *, is_all: bool = False) -> tuple[Choice, ...]:
    """The template's buttons as what they mean here: of one debt that debt, of all that is open all together."""
    meant = items[0].debt_id if len(items) == 1 else 0
    together = ALL_TOGETHER if len(items) > 1 and is_all else meant
    objects = {"pay": together, "negotiate": meant}
    return tuple(
        Choice(action=BUTTONS[name], label=_LABELS[name], object_id=objects.get(name, 0))
        for name in template.buttons
        if name in BUTTONS
    )


def _reminded(items: Sequence[Item]) -> tuple[Reminded, ...]:
    return tuple(
        Reminded(
            debt_id=item.owed.debt.id,
            n=item.owed.n,
            count=item.owed.count,
            day=item.planned.day,
            due_on=item.owed.due_on,
            payable_on=item.owed.payable_on,
            cents=item.owed.cents,
            open_cents=item.owed.debt.open_principal_cents,
            description=item.owed.debt.description,
        )
        for item in items
    )


def _window_is_open(moment: Moment) -> bool:
    closes = moment.facts.window_closes_at
    return closes is not None and moment.facts.now < closes


def _look_again(moment: Moment, known: LadderFacts, at: datetime | None) -> None:
    if at is None:
        moment.effects.append(ClearTimer(name="ladder", subject=known.customer_id))
        return
    moment.effects.append(SetTimer(name="ladder", fire_at=at, subject=known.customer_id))
