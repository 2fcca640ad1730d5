"""Watching over agreements and promises: told kindly before an agreement is broken, broken by its rule, and one
question after a promise that was not kept.

Everything happens on banking days in the forenoon. Nothing is broken behind anybody's back: who could not be told, or
asked for no more messages, is a case for people.
"""

from datetime import date, datetime, time, timedelta

from flows.breaking import breaks_on
from flows.calendar import is_banking_day
from flows.costs import NO_LATE_CHARGES, cost_of
from flows.effects import EndAgreement, OpenTicket, Say, SetTimer, Value
from flows.facts import AgreementFact
from flows.instalments import cost_of_instalment
from flows.moment import THREE, Moment

_AT = time(10)  # local
_A_DAY = timedelta(days=1)


def watch(moment: Moment, debt_id: int) -> None:
    """Look at an agreement when its day comes: warn, break, or look again later."""
    agreement = moment.agreement_on(debt_id)
    if agreement is None:
        if moment.facts.customer is None:  # nobody is known here for now; the agreement may stand all the same
            _again(moment, debt_id, moment.facts.today + timedelta(days=7))
        return
    found, today = breaks_on(agreement), moment.facts.today
    if found is None:
        return
    day, because = found
    key = f"warned.{debt_id}"
    if today < day - timedelta(days=agreement.life.warn_days_before):
        moment.memory.pop(key, None)
        set_watch(moment, agreement)
    elif moment.place == "person":
        _again(moment, debt_id, today + _A_DAY)  # people are at it: nothing is broken under their hands
    elif key not in moment.memory:
        _warn(moment, agreement, key, max(day, today + timedelta(days=agreement.life.warn_days_before)))
    elif today >= date.fromordinal(int(moment.memory[key])):
        _break(moment, agreement, because)
        moment.memory.pop(key, None)
    else:
        _again(moment, debt_id, date.fromordinal(int(moment.memory[key])))


def set_watch(moment: Moment, agreement: AgreementFact) -> None:
    """Set the day on which the agreement is looked at next."""
    found = breaks_on(agreement)
    if found is not None:
        first = found[0] - timedelta(days=agreement.life.warn_days_before)
        _again(moment, agreement.debt_id, max(first, moment.facts.today + _A_DAY))


def watch_soon(moment: Moment, debt_id: int) -> None:
    """Look at the agreement on a debt on the next banking day: something of it is owed again."""
    _again(moment, debt_id, moment.facts.today + _A_DAY)


def set_promise_watch(moment: Moment, debt_id: int, until: date) -> None:
    """Ask once, on the banking day after the promised one."""
    _set(moment, "promise", debt_id, until + _A_DAY)


def promise_over(moment: Moment, debt_id: int) -> None:
    """A promise was not kept: one kind question, once."""
    debt = moment.debt(debt_id)
    if debt is None or debt.promised_until is None or debt.promised_until >= moment.facts.today:
        return
    if moment.place == "person" or moment.facts.opted_out:
        return
    values: dict[str, Value] = {
        "first_name": moment.name,
        "description": debt.description,
        "until_on": debt.promised_until,
        "total_cents": moment.facts.costs[debt.id].total_cents,
    }
    _tell(moment, "promise_over", values, template="promessa_vencida", purpose="reminder")


def _warn(moment: Moment, agreement: AgreementFact, key: str, breaks: date) -> None:
    if moment.facts.opted_out:
        moment.effects.append(OpenTicket(reason="agreement_late", queue="financeiro", debt_id=agreement.debt_id))
        return
    coming = agreement.next_open
    assert coming is not None
    moment.memory[key] = breaks.toordinal()
    values: dict[str, Value] = {
        "first_name": moment.name,
        "description": moment.description(agreement.debt_id),
        "amount_cents": cost_of_instalment(agreement, coming, moment.facts.today).total_cents,
        "due_on": coming.due_on,
        "until_on": breaks - _A_DAY,
        "restored_cents": _restored_cents(moment, agreement),
    }
    _tell(moment, "agreement_at_risk", values, template="acordo_em_atraso", purpose="agreement")
    _again(moment, agreement.debt_id, breaks)


def _break(moment: Moment, agreement: AgreementFact, because: str) -> None:
    paid_cents = sum(i.paid_cents for i in agreement.instalments)
    moment.effects.append(EndAgreement(debt_id=agreement.debt_id, because=because))
    values: dict[str, Value] = {
        "first_name": moment.name,
        "description": moment.description(agreement.debt_id),
        "paid_cents": paid_cents,
        "total_cents": _restored_cents(moment, agreement),
    }
    wording = "agreement_broken" if paid_cents else "agreement_broken_unpaid"
    _tell(moment, wording, values, template="acordo_desfeito", purpose="agreement")


def _restored_cents(moment: Moment, agreement: AgreementFact) -> int:
    """What the debt costs today without its agreement."""
    debt = agreement.restored
    if debt is None or not debt.open_principal_cents:
        return 0
    terms = moment.facts.policy.policy.terms if moment.facts.policy is not None else NO_LATE_CHARGES
    return cost_of(debt, moment.facts.today, terms).total_cents


def _tell(moment: Moment, wording: str, values: dict[str, Value], *, template: str, purpose: str) -> None:
    """Say it in the conversation; where the person has not written for a day, by the approved template of that name."""
    moment.effects.append(
        Say(wording=wording, values=values, choices=THREE, purpose=purpose, template=template)  # type: ignore[arg-type]  # one of the purposes
    )
    moment.memory["choices"] = ",".join(f"{c.action}.{c.object_id}.{c.version}" for c in THREE)


def _again(moment: Moment, debt_id: int, day: date) -> None:
    _set(moment, "agreement", debt_id, day)


def _set(moment: Moment, name: str, debt_id: int, day: date) -> None:
    while not is_banking_day(day):
        day += _A_DAY
    fire_at = datetime.combine(day, _AT, moment.facts.rules.zone)
    moment.effects.append(SetTimer(name=name, fire_at=fire_at, subject=debt_id))  # type: ignore[arg-type]  # one of the names
