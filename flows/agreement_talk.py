"""What a person can do with an agreement in force: see it, pay the next instalment, settle all of it, move a day,
have it reviewed.

Whoever pays ahead pays no interest that has not run (CDC art. 52 § 2); what else can be done is what the rules sealed
with the agreement say.
"""

from datetime import date, timedelta

from flows.calendar import is_banking_day
from flows.effects import Choice, MoveInstalment, OpenTicket, Value
from flows.facts import AgreementFact, Instalment
from flows.instalments import cost_of_all, cost_of_instalment
from flows.moment import HUMAN, Moment
from flows.paying import charge_agreement

_LINES = 14
_DAYS = 9  # rows of a list, beside the way back


def show_agreement(moment: Moment) -> None:
    """The agreement stands: what is open of it, and what can be done."""
    agreement = meant(moment)
    assert agreement is not None
    say_agreement(moment, agreement, "agreement_stands")


def say_agreement(moment: Moment, agreement: AgreementFact, wording: str) -> None:
    """Say where an agreement is, under the words `wording`."""
    today, open_ones = moment.facts.today, agreement.open_instalments
    lines = [_line(agreement, i, today) for i in open_ones[:_LINES]]
    if len(open_ones) > _LINES:
        lines.append({"wording": "line_more", "count": len(open_ones) - _LINES})
    moment.say(
        wording,
        *_choices(moment, agreement),
        list_button="button_see_options",
        description=moment.description(agreement.debt_id),
        lines=tuple(lines),
    )
    moment.wait_for_answer()


def settle_all(moment: Moment) -> None:
    """One charge for all that is open, with the interest that has not run taken off."""
    agreement = meant(moment)
    assert agreement is not None
    charge_agreement(moment, agreement)


def asks_for_date(moment: Moment) -> bool:
    """Whether a day may be moved and none of the permitted ones is named yet."""
    agreement = meant(moment)
    return agreement is not None and bool(days_to_move(moment, agreement)) and _day_named(moment, agreement) is None


def can_move_there(moment: Moment) -> bool:
    """Whether the day that was named is one of those that the agreement permits."""
    agreement = meant(moment)
    return agreement is not None and _day_named(moment, agreement) is not None


def choose_date(moment: Moment) -> None:
    """Ask for the new day of the next instalment."""
    agreement = meant(moment)
    assert agreement is not None
    assert agreement.next_open is not None
    rows = [
        Choice(
            action="move_date",
            object_id=agreement.debt_id,
            version=day.toordinal(),
            label="row_date",
            values={"due_on": day},
        )
        for day in _spread(days_to_move(moment, agreement))
    ]
    moment.say("which_date", *rows, list_button="button_choose", due_on=agreement.next_open.due_on)
    moment.wait_for_answer()


def move_date(moment: Moment) -> None:
    """Move the next instalment to the day that was named; its old charge is taken back."""
    agreement = meant(moment)
    assert agreement is not None
    day, coming = _day_named(moment, agreement), agreement.next_open
    assert day is not None
    assert coming is not None
    moment.effects.append(MoveInstalment(debt_id=agreement.debt_id, n=coming.n, due_on=day))
    moment.say(
        "date_moved",
        Choice(action="pay", object_id=agreement.debt_id, label="button_pay"),
        HUMAN,
        from_on=coming.due_on,
        due_on=day,
        amount_cents=coming.open_cents,
    )
    moment.stop_waiting()


def say_date_stays(moment: Moment) -> None:
    """No day can be moved by the rules: a person can help."""
    agreement = meant(moment)
    if agreement is None:
        moment.say("date_of_no_agreement", *_PAY_OR_NEGOTIATE)
    else:
        say_agreement(moment, agreement, "date_stays")


def may_renegotiate(moment: Moment) -> bool:
    """Whether a new agreement may take the place of the one in force."""
    agreement = meant(moment)
    return agreement is not None and _may_renegotiate(moment, agreement)


def call_for_review(moment: Moment) -> None:
    """The rules permit no other agreement: a person looks at it."""
    agreement = meant(moment)
    moment.effects.append(OpenTicket(reason="renegotiation", debt_id=agreement.debt_id if agreement else None))
    moment.say("people_decide")
    moment.stop_waiting()


def days_to_move(moment: Moment, agreement: AgreementFact) -> tuple[date, ...]:
    """The banking days to which the next instalment may be moved: not late, not beyond the one after it, as often and
    as far as the rules say."""
    life, open_ones, today = agreement.life, agreement.open_instalments, moment.facts.today
    moved = sum(1 for i in agreement.instalments if i.moved_from is not None)
    if not open_ones or moved >= life.date_changes or open_ones[0].due_on < today:
        return ()
    due = open_ones[0].due_on
    last = due + timedelta(days=life.date_change_days)
    if len(open_ones) > 1:
        last = min(last, open_ones[1].due_on - timedelta(days=1))
    days = (due + timedelta(days=k) for k in range(1, (last - due).days + 1))
    return tuple(day for day in days if is_banking_day(day, life.late.holidays))


def meant(moment: Moment) -> AgreementFact | None:
    """The agreement that is meant: on the debt that was named, or the only one."""
    named = moment.agreement_on(moment.wish.object_id)
    return named or (moment.agreements[0] if moment.agreements else None)


def _day_named(moment: Moment, agreement: AgreementFact) -> date | None:
    days, wish = days_to_move(moment, agreement), moment.wish
    named = wish.day or (date.fromordinal(wish.version) if wish.version > 0 else None)
    return named if named in days else None


def _spread(days: tuple[date, ...]) -> tuple[date, ...]:
    """At most as many days as a list has rows: the first, the last, and evenly between."""
    if len(days) <= _DAYS:
        return days
    return tuple(days[k * (len(days) - 1) // (_DAYS - 1)] for k in range(_DAYS))


def _may_renegotiate(moment: Moment, agreement: AgreementFact) -> bool:
    debt = next((d for d in moment.facts.debts if d.id == agreement.debt_id), None)
    ended = debt.agreements_ended if debt is not None else 0
    restored = agreement.restored
    return ended < agreement.life.renegotiations and restored is not None and restored.open_principal_cents > 0


def _choices(moment: Moment, agreement: AgreementFact) -> tuple[Choice, ...]:
    """What can be done with it today."""
    coming = agreement.next_open
    assert coming is not None
    debt_id, today = agreement.debt_id, moment.facts.today
    all_of_it = cost_of_all(agreement, today)
    choices = [
        Choice(
            action="pay",
            object_id=debt_id,
            label="row_pay_next",
            detail="row_pay_next_detail",
            values={
                "amount_cents": cost_of_instalment(agreement, coming, today).total_cents,
                "due_on": coming.due_on,
            },
        )
    ]
    if len(agreement.open_instalments) > 1:
        off_cents = sum(cost.discount_cents for cost in all_of_it)
        values: dict[str, Value] = {
            "total_cents": sum(cost.total_cents for cost in all_of_it),
            "saved_cents": off_cents,
        }
        detail = "row_settle_all_off_detail" if off_cents else "row_settle_all_detail"
        choices.append(
            Choice(action="settle_all", object_id=debt_id, label="row_settle_all", detail=detail, values=values)
        )
    if days_to_move(moment, agreement):
        choices.append(
            Choice(
                action="move_date",
                object_id=debt_id,
                label="row_move_date",
                detail="row_move_date_detail",
                values={"due_on": coming.due_on},
            )
        )
    if _may_renegotiate(moment, agreement):
        choices.append(
            Choice(action="renegotiate", object_id=debt_id, label="row_renegotiate", detail="row_renegotiate_detail")
        )
    return (*choices, HUMAN)


def _line(agreement: AgreementFact, instalment: Instalment, today: date) -> dict[str, Value]:
    cost = cost_of_instalment(agreement, instalment, today)
    late = cost.fine_cents or cost.interest_cents
    if instalment.n == 0:
        wording = "line_entry_late" if late else "line_entry"
    else:
        wording = "line_instalment_late" if late else "line_instalment"
    return {
        "wording": wording,
        "n": instalment.n,
        "amount_cents": cost.total_cents,
        "due_on": instalment.due_on,
    }


_PAY_OR_NEGOTIATE = (
    Choice(action="pay", label="button_pay"),
    Choice(action="negotiate", label="button_negotiate"),
    HUMAN,
)
