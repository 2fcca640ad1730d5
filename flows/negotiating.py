"""Negotiating: the offers of the approved policy, one in full, and the agreement.

What is shown is sealed; what is sealed is honoured until its day, whatever the policy says by then. Before anybody
agrees they have read every date and amount, the total, what is saved, the rate and the CET (CDC arts. 52 and 54-B).
"""

from datetime import date

from flows.effects import Agree, Choice, OpenTicket, Promise, Say, SealOffer, Value
from flows.facts import AgreementFact, Debt
from flows.moment import HUMAN, THREE, Moment
from flows.negotiation import CashOffer, Decision, InstalmentOffer, PromiseOffer, accepted_on, with_due_day
from flows.offers import Offer
from flows.paying import charge_debts, charge_payment
from flows.sealing import sealed_or_new

_ROWS = 10
_ABOUT_AN_OFFER = ("offer", "accept", "due_day", "promise")
_LINES = 14  # more payments than that do not fit beside buttons
_LINES_OF_A_TEXT = 80
_PAY = Choice(action="pay", label="button_pay")
_OTHERS = Choice(action="offers", label="button_other_offers")


def must_choose_what_to_negotiate(moment: Moment) -> bool:
    """Whether several debts are open and none is in question."""
    return len(moment.open_debts) > 1 and _debt(moment) is None


def is_agreed(moment: Moment) -> bool:
    """Whether what is meant stands under an agreement already."""
    return _agreement(moment) is not None


def decided_by_people(moment: Moment) -> bool:
    """Whether the policy leaves this debt to people."""
    decision = _decision(moment)
    return decision is not None and decision.ticket is not None


def nothing_to_offer(moment: Moment) -> bool:
    """Whether no policy is in force, or it has no offer for this debt."""
    decision = _decision(moment)
    return decision is None or not decision.offers


def choose_what_to_negotiate(moment: Moment) -> None:
    """Ask which."""
    rows = [
        Choice(
            action="negotiate",
            object_id=debt.id,
            label="row_debt",
            detail="row_debt_late" if moment.facts.today > debt.due_on else "row_debt_due",
            values={
                "description": debt.description,
                "total_cents": moment.facts.costs[debt.id].total_cents,
                "due_on": debt.due_on,
            },
        )
        for debt in moment.open_debts
    ]
    moment.memory.pop("debt", None)
    again = moment.wish.want in _ABOUT_AN_OFFER
    moment.say(
        "which_to_negotiate_again" if again else "which_to_negotiate", *rows[:_ROWS], list_button="button_choose"
    )
    moment.wait_for_answer()


def call_people(moment: Moment) -> None:
    """The policy says that a person decides."""
    decision, debt = _decision(moment), _debt(moment)
    assert decision is not None
    assert decision.ticket is not None
    moment.effects.append(OpenTicket(reason="policy", queue=decision.ticket, debt_id=debt.id if debt else None))
    moment.say("people_decide")
    moment.stop_waiting()


def say_nothing_to_offer(moment: Moment) -> None:
    """No offer: pay, or a person."""
    moment.say("nothing_to_offer", _PAY, HUMAN)
    moment.wait_for_answer()


def show_agreement(moment: Moment) -> None:
    """The agreement stands: say where it is, and what comes next."""
    agreement = _agreement(moment)
    assert agreement is not None
    assert agreement.next_open is not None
    coming = agreement.next_open
    moment.say(
        "agreement_stands",
        Choice(action="pay", object_id=agreement.debt_id, label="button_pay"),
        HUMAN,
        amount_cents=coming.amount_cents - coming.paid_cents,
        due_on=coming.due_on,
        description=moment.description(agreement.debt_id),
    )
    moment.wait_for_answer()


def show_offers(moment: Moment) -> None:
    """The offers of today, each sealed as it is shown; more than ten rows are grouped."""
    debt, decision = _debt(moment), _decision(moment)
    assert debt is not None
    assert decision is not None
    moment.memory["debt"] = debt.id
    page = moment.wish.object_id if moment.wish.want == "group" else 0
    shown, more = _page(decision.offers, page)
    rows: list[Choice] = []
    for offer in shown:
        number, seals = sealed_or_new(moment, debt.id, offer)
        moment.effects += seals
        rows.append(_row(offer, number))
    if more is not None:
        rows.append(Choice(action="group", object_id=more, label="row_more", detail="row_more_detail"))
    moment.say(
        "offers_again" if moment.wish.want in _ABOUT_AN_OFFER else "offers",
        *rows,
        list_button="button_see_offers",
        description=debt.description,
        total_cents=moment.facts.costs[debt.id].total_cents,
    )
    moment.wait_for_answer()


def offer_stands(moment: Moment) -> bool:
    """Whether the very offer that was pressed is still honoured, whatever the policy says by now."""
    return moment.offer(moment.wish.object_id) is not None


def is_promise(moment: Moment) -> bool:
    """Whether what was pressed is an offer to promise a day."""
    sealed = moment.offer(moment.wish.object_id)
    return sealed is not None and isinstance(sealed.offer, PromiseOffer)


def asks_for_days(moment: Moment) -> bool:
    """Whether another due day is wanted, there are some, and none is named yet."""
    sealed = moment.offer(moment.wish.object_id)
    has_days = sealed is not None and isinstance(sealed.offer, InstalmentOffer) and bool(sealed.offer.due_days)
    return has_days and moment.wish.want == "due_day" and moment.wish.version == 0


def dates_are_over(moment: Moment) -> bool:
    """Whether the first payment of an offer that is still honoured should have been made by now."""
    sealed = moment.offer(moment.wish.object_id)
    return (
        sealed is not None
        and isinstance(sealed.offer, InstalmentOffer)
        and sealed.offer.payments[0].due < moment.facts.today
    )


def show_terms(moment: Moment) -> None:
    """One offer in full, and the question."""
    sealed = moment.offer(moment.wish.object_id)
    assert sealed is not None  # the guard saw it
    offer, number = _with_dates_wanted(moment, sealed.offer), sealed.no
    if offer != sealed.offer:
        number, seals = sealed_or_new(moment, sealed.debt_id, offer)
        moment.effects += seals
    moment.memory["debt"] = sealed.debt_id
    confirm = Choice(action="accept", object_id=number, label="button_confirm")
    values: dict[str, Value] = {
        "description": moment.description(sealed.debt_id),
        "creditor": moment.facts.rules.creditor_name,
    }
    match offer:
        case CashOffer():
            values |= {
                "total_cents": offer.total_cents,
                "saved_cents": offer.discount_cents,
                "until_on": max(offer.pay_until, moment.facts.today),
            }
            moment.ask("terms_cash" if offer.discount_cents else "terms_cash_plain", values, confirm, _OTHERS)
        case InstalmentOffer():
            _say_instalments(moment, offer, confirm, number, values)
        case PromiseOffer():
            raise AssertionError("a promise has no terms")
    moment.wait_for_answer()


def choose_due_day(moment: Moment) -> None:
    """Ask for the day of the month."""
    sealed = moment.offer(moment.wish.object_id)
    assert sealed is not None
    assert isinstance(sealed.offer, InstalmentOffer)
    days = [
        Choice(action="due_day", object_id=sealed.no, version=day, label="row_day", values={"day": day})
        for day in sealed.offer.due_days[:_ROWS]
    ]
    moment.say("which_day", *days, list_button="button_choose")
    moment.wait_for_answer()


def accept(moment: Moment) -> None:
    """Make the agreement and its first charge, and say both in words; a cash offer is simply charged."""
    sealed = moment.offer(moment.wish.object_id)
    assert sealed is not None  # the guard saw it
    moment.memory.pop("debt", None)
    if not isinstance(sealed.offer, InstalmentOffer):
        debt = moment.debt(sealed.debt_id)
        assert debt is not None
        charge_debts(moment, (debt,))
        return
    count, first = len(sealed.offer.payments), sealed.offer.payments[0]
    moment.effects += [
        Agree(offer_no=sealed.no, debt_id=sealed.debt_id, message_id=moment.wish.message_id),
        Say(
            wording="agreed" if count > 1 else "agreed_one",
            values={"count": count, "total_cents": sealed.offer.total_cents, "due_on": first.due},
            purpose="agreement",
        ),
    ]
    charge_payment(
        moment,
        debt_id=sealed.debt_id,
        agreement_offer_no=sealed.no,
        n=first.n,
        amount_cents=first.amount_cents,
        due=first.due,
    )


def promise(moment: Moment) -> None:
    """A day was promised by pressing the offer: thank, and let it rest until then."""
    sealed = moment.offer(moment.wish.object_id)
    assert sealed is not None
    assert isinstance(sealed.offer, PromiseOffer)
    moment.effects.append(Promise(debt_id=sealed.debt_id, until=sealed.offer.until, offer_no=sealed.no))
    moment.say("promised", _PAY, until_on=sealed.offer.until)
    moment.stop_waiting()


def day_can_be_promised(moment: Moment) -> bool:
    """Whether the policy takes a promise for the day that was said, for the one debt that can be meant."""
    day, debt = moment.wish.day, _debt(moment)
    return day is not None and debt is not None and _promise_covering(moment, debt) is not None


def promise_day(moment: Moment) -> None:
    """A day was promised in words."""
    day, debt = moment.wish.day, _debt(moment)
    assert day is not None
    assert debt is not None
    offer = _promise_covering(moment, debt)
    assert offer is not None
    number, seals = sealed_or_new(moment, debt.id, offer)
    moment.effects += [*seals, Promise(debt_id=debt.id, until=day, offer_no=number)]
    moment.say("promised", _PAY, until_on=day)
    moment.stop_waiting()


def no_promise(moment: Moment) -> None:
    """No day can be promised by the rules: what can be done instead."""
    moment.say("no_promise", *THREE)
    moment.wait_for_answer()


def _with_dates_wanted(moment: Moment, offer: Offer) -> Offer:
    """The offer on the due day that was chosen; dates that are over are counted anew from today."""
    if not isinstance(offer, InstalmentOffer):
        return offer
    if moment.wish.want == "due_day" and moment.wish.version in offer.due_days:
        offer = with_due_day(offer, moment.wish.version)
    return accepted_on(offer, moment.facts.today) if offer.payments[0].due < moment.facts.today else offer


def _agreement(moment: Moment) -> AgreementFact | None:
    """The agreement in force that is meant: on the debt that was named, or the only thing there is."""
    shown = moment.shown(moment.wish.object_id) if moment.wish.want in _ABOUT_AN_OFFER else None
    named = shown.debt_id if shown is not None else moment.wish.object_id if moment.wish.want == "negotiate" else 0
    if (meant := moment.agreement_on(named)) is not None:
        return meant
    return moment.agreements[0] if moment.agreements and not moment.open_debts else None


def _promise_covering(moment: Moment, debt: Debt) -> PromiseOffer | None:
    decision, day = moment.decision(debt), moment.wish.day
    if decision is None or day is None or day < moment.facts.today:
        return None
    return next((o for o in decision.offers if isinstance(o, PromiseOffer) and day <= o.until), None)


def _remembered(moment: Moment) -> Debt | None:
    """The debt that is being negotiated, unless the wish is to begin anew."""
    known = moment.memory.get("debt")
    return moment.debt(known) if isinstance(known, int) and moment.wish.want != "negotiate" else None


def _debt(moment: Moment) -> Debt | None:
    """The debt in question: the one named, the one that is being negotiated, or the only one."""
    shown = moment.shown(moment.wish.object_id) if moment.wish.want in _ABOUT_AN_OFFER else None
    if shown is not None and (debt := moment.debt(shown.debt_id)) is not None:
        return debt
    named = moment.debt(moment.wish.object_id) if moment.wish.want == "negotiate" else None
    only = moment.open_debts[0] if len(moment.open_debts) == 1 else None
    return named or _remembered(moment) or only


def _decision(moment: Moment) -> Decision | None:
    debt = _debt(moment)
    return moment.decision(debt) if debt is not None else None


def _page(offers: tuple[Offer, ...], page: int) -> tuple[list[Offer], int | None]:
    """Return the offers of a page and the number of the next. The first page of a long list has cash, promise, fewest,
    middle, most."""
    if len(offers) <= _ROWS:
        return list(offers), None
    plans = sorted((o for o in offers if isinstance(o, InstalmentOffer)), key=lambda o: (o.count, o.name))
    first: list[Offer] = []
    first += [o for o in offers if not isinstance(o, InstalmentOffer)][: _ROWS - 4]
    if plans:
        for plan in (plans[0], plans[len(plans) // 2], plans[-1]):
            if plan not in first:
                first.append(plan)
    if page <= 0:
        return first, 1
    others = [o for o in offers if o not in first]
    each = _ROWS - 1
    start = (page - 1) * each
    if start >= len(others):
        return first, 1
    rest = others[start : start + each]
    return rest, page + 1 if start + each < len(others) else None


def _row(offer: Offer, number: int) -> Choice:
    match offer:
        case CashOffer():
            detail = "row_cash_detail" if offer.discount_cents else "row_cash_plain"
            values: dict[str, Value] = {
                "total_cents": offer.total_cents,
                "saved_cents": offer.discount_cents,
                "until_on": offer.pay_until,
            }
            return Choice(action="offer", object_id=number, label="row_cash", detail=detail, values=values)
        case InstalmentOffer():
            entry = "row_plan_entry" if offer.entry_cents else "row_plan"
            detail = f"{entry}_interest" if offer.interest_percent_month else f"{entry}_free"
            values = {
                "count": offer.count,
                "amount_cents": offer.instalments[0].amount_cents,
                "entry_cents": offer.entry_cents,
                "total_cents": offer.total_cents,
                "rate_percent": offer.interest_percent_month,
            }
            return Choice(action="offer", object_id=number, label="row_plan_label", detail=detail, values=values)
        case PromiseOffer():
            return Choice(
                action="promise",
                object_id=number,
                label="row_promise",
                detail="row_promise_detail",
                values={"until_on": offer.until},
            )


def _honoured_until(moment: Moment, number: int) -> date:
    """The last day on which an offer may be taken, sealed before or just now."""
    new = (e.honoured_until for e in moment.effects if isinstance(e, SealOffer) and e.offer_no == number)
    known = moment.shown(number)
    return known.honoured_until if known is not None else next(new)


def _say_instalments(
    moment: Moment, offer: InstalmentOffer, confirm: Choice, number: int, values: dict[str, Value]
) -> None:
    lines = tuple(
        {
            "wording": "line_entry" if p.n == 0 else "line_instalment",
            "n": p.n,
            "amount_cents": p.amount_cents,
            "due_on": p.due,
        }
        for p in offer.payments
    )
    other_day = Choice(action="due_day", object_id=number, label="button_other_day")
    choices = (confirm, other_day, _OTHERS) if len(offer.due_days) > 1 else (confirm, _OTHERS)
    saved_cents = offer.parts.total_cents - offer.total_cents  # what interest eats of a discount is not saved
    values |= {
        "total_cents": offer.total_cents,
        "saved_cents": saved_cents,
        "rate_percent": offer.interest_percent_month,
        "cet_percent": offer.cet_percent_year,
        "lines": lines,
        "valid_on": _honoured_until(moment, number),
    }
    if len(lines) > _LINES:
        for start in range(0, len(lines), _LINES_OF_A_TEXT):
            moment.effects.append(
                Say(wording="terms_dates", values={**values, "lines": lines[start : start + _LINES_OF_A_TEXT]})
            )
        values = {**values, "lines": ()}
    saved = "_saved" if saved_cents > 0 else ""
    rate = "interest" if offer.interest_percent_month else "free"
    moment.ask(f"terms_{rate}{saved}", values, *choices)
