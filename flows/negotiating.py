"""Negotiating: the offers of the approved policy, one in full, and the agreement.

What is shown is sealed; what is sealed is honoured until its day, whatever the policy says by then. Before anybody
agrees they have read every date and amount, the total, what is saved, the rate and the CET (CDC arts. 52 and 54-B).
"""

from flows.agreement_watch import set_promise_watch, set_watch
from flows.calendar import payable_day
from flows.effects import Agree, Choice, OpenTicket, Promise, SendPaper
from flows.facts import AgreementFact, CostOfDebt, Debt, Instalment
from flows.moment import HUMAN, THREE, Moment
from flows.negotiation import CashOffer, Decision, InstalmentOffer, Offer, PromiseOffer, accepted_on, with_due_day
from flows.offer_list import ROWS, page_of, row_of
from flows.paying import charge_debts, charge_payment
from flows.sealing import sealed_or_new
from flows.terms import say_terms

_PROMISES = 2  # one, and one more after it was not kept
_ABOUT_AN_OFFER = ("offer", "accept", "due_day", "promise")
_PAY = Choice(action="pay", label="button_pay")


def must_choose_what_to_negotiate(moment: Moment) -> bool:
    """Whether several debts are open and none is in question."""
    return len(moment.open_debts) > 1 and _debt(moment) is None


def is_agreed(moment: Moment) -> bool:
    """Whether what is meant stands under an agreement already."""
    return _agreement(moment) is not None


def decided_by_people(moment: Moment) -> bool:
    """Whether the policy leaves this debt to people."""
    decision = _decision(moment)
    return decision is not None and (decision.ticket is not None or _too_often(moment))


def nothing_to_offer(moment: Moment) -> bool:
    """Whether no policy is in force, or it has no offer for this debt."""
    decision = _decision(moment)
    return decision is None or not _offers(moment, decision)


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
                "total_cents": moment.cost(debt).total_cents,
                "due_on": debt.due_on,
            },
        )
        for debt in moment.open_debts
    ]
    moment.memory.pop("debt", None)
    again = moment.wish.want in _ABOUT_AN_OFFER
    moment.say("which_to_negotiate_again" if again else "which_to_negotiate", *rows[:ROWS], list_button="button_choose")
    moment.wait_for_answer()


def call_people(moment: Moment) -> None:
    """The policy says that a person decides."""
    decision, debt = _decision(moment), _debt(moment)
    assert decision is not None
    queue = decision.ticket or "atendimento"
    moment.effects.append(OpenTicket(reason="policy", queue=queue, debt_id=debt.id if debt else None))
    moment.say("people_decide")
    moment.stop_waiting()


def say_nothing_to_offer(moment: Moment) -> None:
    """No offer: pay, or a person."""
    moment.say("nothing_to_offer", _PAY, HUMAN)
    moment.wait_for_answer()


def show_offers(moment: Moment) -> None:
    """The offers of today, each sealed as it is shown; more than ten rows are grouped."""
    debt, decision = _debt(moment), _decision(moment)
    assert debt is not None
    assert decision is not None
    moment.memory["debt"] = debt.id
    page = moment.wish.object_id if moment.wish.want == "group" else 0
    shown, more = page_of(_offers(moment, decision), page)
    rows: list[Choice] = []
    for offer in shown:
        number, seals = sealed_or_new(moment, debt.id, offer)
        moment.effects += seals
        rows.append(row_of(offer, number))
    if more is not None:
        rows.append(Choice(action="group", object_id=more, label="row_more", detail="row_more_detail"))
    wording = "offers_again" if moment.wish.want in _ABOUT_AN_OFFER else "offers"
    moment.say(
        "offers_instead" if moment.renegotiated_debt == debt.id else wording,
        *rows,
        list_button="button_see_offers",
        description=debt.description,
        total_cents=moment.cost(debt).total_cents,
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
    assert not isinstance(sealed.offer, PromiseOffer)  # and that it is no promise
    offer, number = _with_dates_wanted(moment, sealed.offer), sealed.no
    if offer != sealed.offer:
        number, seals = sealed_or_new(moment, sealed.debt_id, offer, made_of=sealed)
        moment.effects += seals
    moment.memory["debt"] = sealed.debt_id
    say_terms(moment, offer, debt_id=sealed.debt_id, number=number)
    moment.wait_for_answer()


def choose_due_day(moment: Moment) -> None:
    """Ask for the day of the month."""
    sealed = moment.offer(moment.wish.object_id)
    assert sealed is not None
    assert isinstance(sealed.offer, InstalmentOffer)
    days = [
        Choice(action="due_day", object_id=sealed.no, version=day, label="row_day", values={"day": day})
        for day in sealed.offer.due_days[:ROWS]
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
    agreed = "agreed" if count > 1 else "agreed_one"
    moment.effects += [
        Agree(
            offer_no=sealed.no,
            debt_id=sealed.debt_id,
            message_id=moment.wish.message_id,
            renegotiated=moment.renegotiated_debt == sealed.debt_id,
        ),
        SendPaper(
            kind="terms",
            agreement_offer_no=sealed.no,
            wording=agreed,
            values={"count": count, "total_cents": sealed.offer.total_cents, "due_on": first.due},
            otherwise=agreed,
        ),
    ]
    moment.memory.pop("renegotiated", None)
    made = agreement_of(sealed.no, sealed.debt_id, sealed.offer)
    cost = CostOfDebt(debt_id=sealed.debt_id, principal_cents=first.amount_cents, instalment_n=first.n)
    charge_payment(moment, sealed.no, cost, payable=payable_day(first.due, made.life.late.holidays))
    set_watch(moment, made)


def promise(moment: Moment) -> None:
    """A day was promised by pressing the offer: thank, and let it rest until then."""
    sealed = moment.offer(moment.wish.object_id)
    assert sealed is not None
    assert isinstance(sealed.offer, PromiseOffer)
    moment.effects.append(Promise(debt_id=sealed.debt_id, until=sealed.offer.until, offer_no=sealed.no))
    moment.say("promised", _PAY, until_on=sealed.offer.until)
    set_promise_watch(moment, sealed.debt_id, sealed.offer.until)
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
    set_promise_watch(moment, debt.id, day)
    moment.stop_waiting()


def no_promise(moment: Moment) -> None:
    """No day can be promised by the rules: what can be done instead."""
    moment.say("no_promise", *THREE)
    moment.wait_for_answer()


def _with_dates_wanted(moment: Moment, offer: CashOffer | InstalmentOffer) -> CashOffer | InstalmentOffer:
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
    if moment.renegotiated_debt is not None:
        return None
    if (meant := moment.agreement_on(named)) is not None:
        return meant
    return moment.agreements[0] if moment.agreements and not moment.open_debts else None


def _promise_covering(moment: Moment, debt: Debt) -> PromiseOffer | None:
    decision, day = moment.decision(debt), moment.wish.day
    if decision is None or day is None or day < moment.facts.today:
        return None
    return next((o for o in _offers(moment, decision) if isinstance(o, PromiseOffer) and day <= o.until), None)


def agreement_of(offer_no: int, debt_id: int, offer: InstalmentOffer) -> AgreementFact:
    """The agreement that is made by accepting an offer."""
    return AgreementFact(
        offer_no=offer_no,
        debt_id=debt_id,
        total_cents=offer.total_cents,
        state="active",
        instalments=tuple(Instalment(n=p.n, due_on=p.due, amount_cents=p.amount_cents) for p in offer.payments),
        life=offer.life,
        interest_percent_month=offer.interest_percent_month,
        cet_percent_year=offer.cet_percent_year,
        discount_cents=offer.discount_cents,
    )


def _offers(moment: Moment, decision: Decision) -> tuple[Offer, ...]:
    """What can be offered now: in the place of an agreement only another one; no third promise in a row."""
    debt = _debt(moment)
    if debt is not None and moment.renegotiated_debt == debt.id:
        return tuple(o for o in decision.offers if isinstance(o, InstalmentOffer))
    if debt is not None and debt.promises >= _PROMISES:
        return tuple(o for o in decision.offers if not isinstance(o, PromiseOffer))
    return decision.offers


def _too_often(moment: Moment) -> bool:
    """Whether so many agreements on this debt have ended that the policy wants people to decide."""
    debt, policy = _debt(moment), moment.facts.policy
    if debt is None or policy is None or moment.renegotiated_debt == debt.id:
        return False
    return debt.agreements_ended > policy.policy.agreements.renegotiations


def _remembered(moment: Moment) -> Debt | None:
    """The debt that is being negotiated, unless the wish is to begin anew."""
    known = moment.memory.get("debt")
    return moment.debt(known) if isinstance(known, int) and moment.wish.want != "negotiate" else None


def _debt(moment: Moment) -> Debt | None:
    """The debt in question: the one named, the one that is being negotiated, or the only one."""
    shown = moment.shown(moment.wish.object_id) if moment.wish.want in _ABOUT_AN_OFFER else None
    if shown is not None and (debt := moment.debt(shown.debt_id)) is not None:
        return debt
    named = moment.debt(moment.wish.object_id) if moment.wish.want in ("negotiate", "renegotiate") else None
    only = moment.open_debts[0] if len(moment.open_debts) == 1 else None
    return named or _remembered(moment) or only


def _decision(moment: Moment) -> Decision | None:
    debt = _debt(moment)
    return moment.decision(debt) if debt is not None else None
