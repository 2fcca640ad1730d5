"""Money that went back, and payments that were found: one kind word about each, and what people have to look at."""

from flows.agreement_watch import watch_soon
from flows.effects import BookReturn, OpenTicket, Say, Value
from flows.events import PaymentFound, PaymentReturned
from flows.moment import THREE, Moment

_BY_THE_BANK = "MED_"  # special return mechanism: the payer said that it was fraud, or the bank made a mistake


def take_back(moment: Moment, event: PaymentReturned) -> None:
    """Book it, say what went back and what is open again, and call people where the bank took it back by itself."""
    moment.effects.append(
        BookReturn(end_to_end_id=event.end_to_end_id, refund_id=event.refund_id, amount_cents=event.amount_cents)
    )
    done = moment.facts.returned
    if done is None:
        return
    if done.nature.startswith(_BY_THE_BANK) or done.is_uncovered or (done.open_cents and _is_mute(moment)):
        moment.effects.append(OpenTicket(reason="money_back", queue="financeiro"))
    if _is_mute(moment):
        return
    for debt_id in done.agreements:
        watch_soon(moment, debt_id)
    values: dict[str, Value] = {
        "first_name": moment.name,
        "amount_cents": done.amount_cents,
        "paid_on": done.paid_on,
        "open_cents": done.open_cents,
    }
    if done.open_cents:
        wording = "money_back_ours_open" if done.ours else "money_back_open"
    else:
        wording = "money_back_ours" if done.ours else "money_back"
    _tell(moment, wording, values, template="pagamento_devolvido", may_pay=done.open_cents > 0)


def say_found(moment: Moment, event: PaymentFound) -> None:
    """Thank for a payment that people of ours found."""
    if _is_mute(moment):
        return
    values: dict[str, Value] = {
        "first_name": moment.name,
        "amount_cents": event.amount_cents,
        "paid_on": event.paid_at.astimezone(moment.facts.rules.zone).date(),
        "description": event.description,
        "open_cents": event.open_cents,
    }
    wording = "payment_found" if event.is_settled else "payment_found_open"
    _tell(moment, wording, values, template="pagamento_confirmado", may_pay=False)


def _is_mute(moment: Moment) -> bool:
    """Whether nobody is known here, so that no word of money is said."""
    return moment.facts.customer is None


def _tell(moment: Moment, wording: str, values: dict[str, Value], *, template: str, may_pay: bool) -> None:
    choices = THREE if may_pay and moment.place != "person" else ()
    moment.effects.append(Say(wording=wording, values=values, choices=choices, purpose="receipt", template=template))
    if choices:
        moment.memory["choices"] = ",".join(f"{c.action}.{c.object_id}.{c.version}" for c in choices)
