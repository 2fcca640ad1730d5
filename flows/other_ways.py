"""Ways to pay other than Pix: the boleto and the card page of a charge that stands; and what is said to who types a
card's number here."""

from flows.effects import Choice, Say, Value
from flows.facts import ChargeFact
from flows.moment import HUMAN, Moment
from flows.paying import payee
from payments.boleto import BankSlip, NotASlip, read_line

_PAY_NOW = Choice(action="pay", label="button_pay")


def say_boleto(moment: Moment) -> None:
    """The boleto of the charge that stands, its line alone in a message, and the provider's page for a card; where
    there is none, here it is Pix, and a person can send one."""
    charge = _with_boleto(moment)
    if charge is None:
        moment.say("boleto", _PAY_NOW, HUMAN)
    else:
        moment.effects.append(_introduced(moment, charge))
        moment.effects.append(Say(wording="code", boleto_charge_no=charge.no))
        if charge.link is not None:
            moment.effects.append(Say(wording="card_page", provider_page_charge_no=charge.no))
    moment.wait_for_answer()


def say_never_cards(moment: Moment, *choices: Choice) -> None:
    """A card's number was typed: it was not kept, and here is no place for one."""
    moment.say("card_number", *choices)
    moment.wait_for_answer()


def _with_boleto(moment: Moment) -> ChargeFact | None:
    """The newest charge that can still be paid by a boleto whose line is right."""
    today = moment.facts.today
    for charge in reversed(moment.facts.charges):
        stands = charge.state == "active" and today <= charge.pay_until and not charge.paid_cents
        if stands and not isinstance(read_line(charge.boleto_line or "", today), NotASlip):
            return charge
    return None


def _introduced(moment: Moment, charge: ChargeFact) -> Say:
    """What the boleto is for, its amount, and the day that its own line tells."""
    slip = read_line(charge.boleto_line or "", moment.facts.today)
    told = slip.due_on if isinstance(slip, BankSlip) else None
    values: dict[str, Value] = {
        "total_cents": charge.amount_cents,
        "due_on": told or charge.pay_until,
        "payee": payee(moment.facts.rules),
    }
    if len(charge.parts) > 1:
        return Say(wording="boleto_of_several", values={**values, "count": len(charge.parts)})
    description = moment.description(charge.parts[0].debt_id) if charge.parts else ""
    return Say(wording="boleto_of_one", values={**values, "description": description})
