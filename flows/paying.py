"""Paying now: which debt, how much today, one charge, and the code in the chat.

The amount is that of the day it is for, part by part, with the best cash offer that the policy or a sealed offer still
gives. One decision makes one charge; a charge that still asks for the same is shown again instead of making another.
"""

from dataclasses import dataclass
from datetime import date

from flows.calendar import payable_day
from flows.effects import Charge, Choice, Note, OpenTicket, Say, SealOffer, SendPaper, Typing, Value
from flows.events import PaymentConfirmed
from flows.facts import AgreementFact, ChargeFact, CostOfDebt, Debt, Rules, Settlement
from flows.instalments import cost_of_all, cost_of_instalment
from flows.moment import HUMAN, Moment, agreed_lines, cost_lines
from flows.negotiation import CashOffer, best_cash
from flows.sealing import sealed_or_new
from payments.documents import NotADocument, read_document

ALL_TOGETHER = -1
ROWS = 9
_TRY_AGAIN = Choice(action="pay", label="button_try_again")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostUntil:
    """What one debt costs, less the cash offer that applies, and the last day on which that stands."""

    parts: CostOfDebt
    until: date
    cash: CashOffer | None = None


def owes_nothing(moment: Moment) -> bool:
    """Whether nothing at all is open."""
    return not moment.open_debts and not moment.agreements


def must_choose_what_to_pay(moment: Moment) -> bool:
    """Whether several things are open and none was named."""
    named = moment.wish.object_id
    if named == ALL_TOGETHER and len(moment.open_debts) > 1:
        return False
    if named > 0 and (moment.debt(named) or moment.agreement_on(named)):
        return False
    return len(moment.open_debts) + len(moment.agreements) > 1


def say_all_settled(moment: Moment) -> None:
    """Nothing is open: say so, kindly."""
    moment.say("nothing_open", HUMAN, first_name=moment.name)
    moment.stop_waiting()


def choose_what_to_pay(moment: Moment) -> None:
    """Ask which, or all together."""
    costs = costs_until(moment, moment.open_debts)
    rows = [_row(moment, debt, cost.parts) for debt, cost in zip(moment.open_debts, costs, strict=True)]
    rows += instalment_rows(moment)
    together: list[Choice] = []
    if len(moment.open_debts) > 1:
        total = sum(cost.parts.total_cents for cost in costs)
        together = [
            Choice(
                action="pay",
                object_id=ALL_TOGETHER,
                label="row_all",
                detail="row_all_detail",
                values={"count": len(moment.open_debts), "total_cents": total},
            )
        ]
    moment.say("which_to_pay", *together, *rows[:ROWS], list_button="button_choose")
    moment.wait_for_answer()


def instalment_rows(moment: Moment) -> list[Choice]:
    """The next instalment of each agreement, to be paid with its amount of today."""
    return [
        Choice(
            action="pay",
            object_id=a.debt_id,
            label="row_debt",
            detail="row_instalment_detail",
            values={
                "description": moment.description(a.debt_id),
                "amount_cents": cost_of_instalment(a, i, moment.facts.today).total_cents,
                "due_on": i.due_on,
            },
        )
        for a in moment.agreements
        if (i := a.next_open) is not None
    ]


def is_instalment(moment: Moment) -> bool:
    """Whether what was named, or the only thing there is, stands under an agreement."""
    return _agreement(moment) is not None


def _agreement(moment: Moment) -> AgreementFact | None:
    named = moment.wish.object_id
    agreement = moment.agreement_on(named) if named > 0 else None
    if agreement is None and not moment.open_debts and moment.agreements:
        return moment.agreements[0]
    return agreement


def meant_debts(moment: Moment) -> tuple[Debt, ...]:
    """The open debts that are meant: the one that was named, all together, or the only one."""
    named = moment.wish.object_id
    debt = moment.debt(named) if named > 0 else None
    return moment.open_debts if named == ALL_TOGETHER else (debt or moment.open_debts[0],)


def charge(moment: Moment) -> None:
    """Charge what was named, or the only thing that is open."""
    agreement = _agreement(moment)
    if agreement is not None and (instalment := agreement.next_open) is not None:
        cost = cost_of_instalment(agreement, instalment, moment.facts.today)
        payable = payable_day(instalment.due_on, agreement.life.late.holidays)
        charge_payment(moment, agreement.offer_no, cost, payable=payable)
        return
    charge_debts(moment, meant_debts(moment))


def charge_debts(moment: Moment, debts: tuple[Debt, ...], day: date | None = None) -> None:
    """Charge debts in the amounts of today, or of another day, less what a cash offer forgives."""
    costs = costs_until(moment, debts, day)
    parts = tuple(cost.parts for cost in costs)
    pay_until = min(cost.until for cost in costs)
    known = next((c for c in reversed(moment.facts.charges) if _asks_for(c, parts, pay_until)), None)
    if known is not None:
        show_again(moment, known)
        return
    seals: list[SealOffer] = []
    numbers: list[int] = []
    for cost in costs:
        if cost.cash is not None:
            number, new = sealed_or_new(moment, cost.parts.debt_id, cost.cash)
            numbers.append(number)
            seals += new
    moment.effects += seals
    _new_charge(
        moment,
        Charge(
            charge_no=moment.number(),
            amount_cents=sum(part.total_cents for part in parts),
            pay_until=pay_until,
            parts=parts,
            offer_no=numbers[0] if len(debts) == 1 and numbers else None,
            replaces=_charges_on(moment, {part.debt_id for part in parts}),
        ),
    )


def charge_payment(moment: Moment, agreement_offer_no: int, cost: CostOfDebt, *, payable: date) -> None:
    """Charge one payment of an agreement: until its payable day as it is, each day anew once it is late."""
    late, today = cost.fine_cents or cost.interest_cents, moment.facts.today
    _charge_parts(moment, agreement_offer_no, (cost,), until=today if late else max(payable, today))


def charge_agreement(moment: Moment, agreement: AgreementFact) -> None:
    """Charge all that is open of an agreement, today: the late payments with their charges, the coming ones less the
    interest that has not run."""
    parts = cost_of_all(agreement, moment.facts.today)
    _charge_parts(moment, agreement.offer_no, parts, until=moment.facts.today)


def _charge_parts(moment: Moment, agreement_offer_no: int, parts: tuple[CostOfDebt, ...], *, until: date) -> None:
    for known in reversed(moment.facts.charges):
        same = (known.agreement_offer_no, known.parts, known.pay_until) == (agreement_offer_no, parts, until)
        if same and _alive(known, moment.facts.today):
            show_again(moment, known)
            return
    debt_id = parts[0].debt_id
    _new_charge(
        moment,
        Charge(
            charge_no=moment.number(),
            amount_cents=sum(part.total_cents for part in parts),
            pay_until=until,
            parts=parts,
            agreement_offer_no=agreement_offer_no,
            instalment_n=parts[0].instalment_n if len(parts) == 1 else None,
            replaces=_charges_on(moment, {debt_id}),
        ),
    )


def stands(moment: Moment, charge_no: int) -> bool:
    """Whether a charge can still be paid as it is."""
    known = moment.charge(charge_no)
    return known is not None and _alive(known, moment.facts.today)


def show_code_again(moment: Moment) -> None:
    """A press on a charge that stands."""
    known = moment.charge(moment.wish.object_id)
    assert known is not None  # the wish was held to the present
    show_again(moment, known)


def show_again(moment: Moment, known: ChargeFact) -> None:
    """The charge is there already: show it, or ask for a moment while the provider still makes it."""
    if known.state == "active":
        show_charge(moment, known)
    else:
        moment.say("charge_coming")
    moment.wait_for_answer()


def show_ready_charge(moment: Moment, charge_no: int) -> None:
    """The provider made it: the amount with its picture and page, then the code alone."""
    known = moment.charge(charge_no)
    if known is not None and known.state == "active":
        show_charge(moment, known)


def show_charge(moment: Moment, charge: ChargeFact) -> None:
    """Say a charge in one full message and its code in another; with the native card in one message in all."""
    wording, values = _words_of(moment, charge)
    if moment.facts.rules.native_card:
        moment.effects.append(Say(wording=wording, values=values, card_charge_no=charge.no))
        return
    moment.effects.append(Say(wording=wording, values=values, picture_charge_no=charge.no, link_charge_no=charge.no))
    moment.effects.append(Say(wording="code", code_charge_no=charge.no))


def charge_failed(moment: Moment) -> None:
    """No code to be had: say so, try again or a person. Nobody is left standing."""
    moment.effects.append(Note(wording="note_charge_failed"))
    moment.say("charge_failed", _TRY_AGAIN, HUMAN)


def thank(moment: Moment, payment: PaymentConfirmed) -> None:
    """Thank for a confirmed payment and say what is still open."""
    done = moment.facts.settlement
    if done is None or moment.facts.customer is None or _is_old_news(done):
        return
    values: dict[str, Value] = {
        "first_name": moment.name,
        "amount_cents": done.amount_cents,
        "surplus_cents": done.surplus_cents,
        "open_cents": done.still_open_cents,
    }
    others_cents = _open_elsewhere_cents(moment, payment, done)
    if needs_a_look(moment):
        whole = done.surplus_cents >= done.amount_cents
        wording = "paid_twice" if whole and done.again else "paid_unknown" if whole else "paid_too_much"
    elif done.agreement_settled:
        wording = "paid_agreement_settled"
    elif done.instalment_n is not None and done.next_due_on is not None and done.next_due_on >= moment.facts.today:
        wording, values = "paid_instalment", {**values, "due_on": done.next_due_on}
    elif done.still_open_cents or others_cents:
        wording, values = "paid_some", {**values, "open_cents": done.still_open_cents + others_cents}
    else:
        wording = "paid_all"
    # Paid from a link of days ago, thanks go out by a template.
    moment.effects.append(Say(wording=wording, values=values, purpose="receipt", template="pagamento_confirmado"))
    if wording == "paid_agreement_settled":
        moment.effects.append(SendPaper(kind="quittance", end_to_end_id=payment.end_to_end_id))
    moment.stop_waiting()


def needs_a_look(moment: Moment) -> bool:
    """Whether money came that settled nothing: twice, too much, or for nothing that is open."""
    done = moment.facts.settlement
    return done is not None and done.surplus_cents > 0


def call_for_payment(moment: Moment) -> None:
    """People decide what becomes of money that settled nothing."""
    moment.effects.append(OpenTicket(reason="payment", queue="financeiro"))


def _open_elsewhere_cents(moment: Moment, payment: PaymentConfirmed, done: Settlement) -> int:
    """What is open today that this payment was not for."""
    charge = moment.charge(payment.charge_no) if payment.charge_no is not None else None
    meant = {part.debt_id for part in charge.parts} if charge is not None else set()
    return sum(
        moment.facts.costs[debt.id].total_cents
        for debt in moment.open_debts
        if debt.id not in meant and debt.id not in done.settled_debts
    )


def _is_old_news(done: Settlement) -> bool:
    """Whether this very payment was booked before: who paid once is not told that they paid twice."""
    nothing = not (done.surplus_cents or done.settled_debts or done.still_open_cents or done.agreement_settled)
    return done.again and nothing and done.instalment_n is None


def _words_of(moment: Moment, charge: ChargeFact) -> tuple[str, dict[str, Value]]:
    rules = moment.facts.rules
    values: dict[str, Value] = {
        "total_cents": charge.amount_cents,
        "until_on": charge.pay_until,
        "payee": payee(rules),
        "description": moment.description(charge.parts[0].debt_id) if charge.parts else "",
    }
    whole = CostOfDebt(
        debt_id=0,
        principal_cents=sum(p.principal_cents for p in charge.parts),
        fine_cents=sum(p.fine_cents for p in charge.parts),
        interest_cents=sum(p.interest_cents for p in charge.parts),
        discount_cents=sum(p.discount_cents for p in charge.parts),
    )
    if charge.agreement_offer_no is not None:
        return _words_of_agreed(moment, charge, whole, values)
    lines = cost_lines(whole)
    if len(charge.parts) > 1:
        return "pay_several", {**values, "count": len(charge.parts), "lines": lines}
    return ("pay_one" if len(lines) > 1 else "pay_plain"), {**values, "lines": lines}


def _words_of_agreed(
    moment: Moment, charge: ChargeFact, whole: CostOfDebt, values: dict[str, Value]
) -> tuple[str, dict[str, Value]]:
    """A payment of an agreement, or all that is open of it."""
    if charge.instalment_n is None:
        return "pay_agreement", {**values, "lines": agreed_lines(whole)}
    agreement = next((a for a in moment.facts.agreements if a.offer_no == charge.agreement_offer_no), None)
    last = max((i.n for i in agreement.instalments), default=0) if agreement is not None else 0
    late = bool(whole.fine_cents or whole.interest_cents)
    values["lines"] = agreed_lines(whole)
    if charge.instalment_n == 0:
        return "pay_entry_late" if late else "pay_entry", values
    wording = "pay_instalment_late" if late else "pay_instalment"
    return wording, {**values, "n": charge.instalment_n, "count": last}


def payee(rules: Rules) -> str:
    """Who the bank's app will show, with the creditor's document: fraud is what people fear most."""
    document = read_document(rules.creditor_document)
    name = rules.payee_name or rules.creditor_name
    return name if isinstance(document, NotADocument) else f"{name}, {document.kind.upper()} {document.formatted}"


def costs_until(moment: Moment, debts: tuple[Debt, ...], day: date | None = None) -> list[CostUntil]:
    """What each debt costs today and until when that stands, or what it costs if it is paid on another day or before.

    A cash offer costs what it says until its last day: with it the parts are those that it was made of, so that no more
    is forgiven than it says.
    """
    found: list[CostUntil] = []
    for debt in debts:
        cost = moment.cost(debt) if day is None else moment.cost_on(debt, day)
        cash = _best_cash(moment, debt, day)
        if cash is None or cash.total_cents >= cost.total_cents:
            found.append(CostUntil(parts=cost, until=day or moment.facts.today))
        else:
            parts = CostOfDebt(
                debt_id=debt.id,
                principal_cents=cash.parts.principal_cents,
                fine_cents=cash.parts.fine_cents,
                interest_cents=cash.parts.interest_cents,
                discount_cents=cash.discount_cents,
            )
            # An offer is honoured for two days at least, though it was made to be paid sooner.
            found.append(CostUntil(parts=parts, until=day or max(cash.pay_until, moment.facts.today), cash=cash))
    return found


def _best_cash(moment: Moment, debt: Debt, day: date | None) -> CashOffer | None:
    """The cheapest of today's cash offers and those that were shown and are still honoured; of those only that can be
    paid on `day`, where one is named."""
    decision = moment.decision(debt)
    today = best_cash(decision, day) if decision is not None else None
    shown = [
        sealed.offer
        for sealed in moment.facts.offers
        if sealed.debt_id == debt.id
        and isinstance(sealed.offer, CashOffer)
        and moment.stands(sealed)
        and (day is None or day <= sealed.offer.pay_until)
    ]
    return min([*([today] if today is not None else []), *shown], key=lambda offer: offer.total_cents, default=None)


def _asks_for(charge: ChargeFact, parts: tuple[CostOfDebt, ...], pay_until: date) -> bool:
    alive = charge.state in ("requested", "active") and charge.agreement_offer_no is None
    return alive and charge.pay_until == pay_until and charge.parts == parts and not charge.paid_cents


def _alive(charge: ChargeFact, today: date) -> bool:
    return charge.state in ("requested", "active") and today <= charge.pay_until and not charge.paid_cents


def _charges_on(moment: Moment, debt_ids: set[int]) -> tuple[int, ...]:
    """Charges that ask for any of these debts: the new one takes their place."""
    return tuple(
        c.no
        for c in moment.facts.charges
        if c.state in ("requested", "active") and debt_ids & {part.debt_id for part in c.parts}
    )


def _new_charge(moment: Moment, charge: Charge) -> None:
    if moment.wish.message_id:
        moment.effects.append(Typing(message_id=moment.wish.message_id))
    moment.effects.append(charge)
    moment.wait_for_answer()


def _row(moment: Moment, debt: Debt, cost: CostOfDebt) -> Choice:
    """One debt of the list, with what paying it today would cost."""
    late = moment.facts.today > debt.due_on
    return Choice(
        action="pay",
        object_id=debt.id,
        label="row_debt",
        detail="row_debt_late" if late else "row_debt_due",
        values={"description": debt.description, "total_cents": cost.total_cents, "due_on": debt.due_on},
    )
