"""The one way in: (state, facts, event) → (state, effects). The map of what the product decides.

Pure: the same three give the same answer for ever, so a decision can be replayed and explained. No clock, no chance, no
network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal, NamedTuple, assert_never

from statemachine.orderedset import OrderedSet

from flows import events, paying, reminding
from flows.agreement_talk import may_renegotiate, meant
from flows.agreement_watch import promise_over, watch
from flows.answers import choices_here
from flows.conversation import Conversation
from flows.effects import Book, Effect, Identify, SetTimer
from flows.events import Event
from flows.facts import Facts
from flows.identity import needs_no_question
from flows.moment import Moment
from flows.money_back import say_found, take_back
from flows.other_ways import say_never_cards
from flows.paying import show_ready_charge
from flows.wishes import NOTHING, Where, Wish, recalled, wish_of

VERSION = 1
_START = ("bot", "start")
# Wishes that are heard before it is known who is there.
_BEFORE_IDENTITY = ("human", "not_me", "opt_out", "opt_in")
_BY_WANT: Mapping[str, str] = {
    "pay": "pay",
    "quote": "quote",
    "code": "code",
    "negotiate": "negotiate",
    "offers": "negotiate",
    "group": "negotiate",
    "offer": "offer",
    "due_day": "offer",
    "promise": "offer",
    "accept": "accept",
    "promise_day": "promise_day",
    "settle_all": "settle_all",
    "move_date": "move_date",
    "renegotiate": "renegotiate",
    "human": "human",
    "hardship": "hardship",
    "dispute": "dispute",
    "not_me": "not_me",
    "opt_out": "opt_out",
    "opt_in": "opt_in",
    "menu": "greet",
    "greet": "greet",
    "its_me": "greet",
    "stale": "greet",
    "answer": "greet",
}
_ABOUT_AN_OFFER = ("offer", "accept", "due_day", "promise")
_OF_AN_AGREEMENT = ("settle_all", "move_date", "renegotiate")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a conversation is: all active states of the chart, and what is remembered. Plain JSON both ways."""

    configuration: tuple[str, ...] = _START
    memory: Mapping[str, int | str] = field(default_factory=dict)
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """Return it as the database keeps it."""
        return {"configuration": list(self.configuration), "memory": dict(self.memory), "version": self.version}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "State":
        """Read what was stored, by whatever version. A state that is not known any more begins at the start, never
        nowhere."""
        configuration = tuple(stored.get("configuration", ()))
        if not configuration or any(name not in _KNOWN for name in configuration):
            configuration = _START
        return cls(configuration=configuration, memory=dict(stored.get("memory", {})))


class Step(NamedTuple):
    """What an event led to."""

    state: State
    effects: tuple[Effect, ...]
    owner: Literal["bot", "person"]


def step(state: State, facts: Facts, event: Event) -> Step:
    """Return where `event` leads, and what follows."""
    place = state.configuration[-1]
    moment = Moment(facts=facts, wish=NOTHING, memory=dict(state.memory), place=place)
    name = _named(place, moment, event)
    after = _sent(state.configuration, moment, name, event) if name else state.configuration
    if isinstance(event, events.ChargeReady):
        _charge_is_ready(moment, event.charge_no, may_speak=after[0] == "bot" and facts.customer is not None)
    if isinstance(event, events.ChargeFailed):
        reminding.charge_failed(moment, event)
    if moment.wish.want == "card_number" and after[0] == "bot":
        say_never_cards(moment, *(choices_here(moment) if facts.customer is not None else ()))
    if isinstance(event, events.TimerFired) and event.name == "agreement":
        watch(moment, event.subject)
    if isinstance(event, events.TimerFired) and event.name == "promise":
        _ask_about_promise(moment, event.subject)
    if isinstance(event, events.TimerFired) and event.name == "ladder":
        _climb(moment, event.subject)
    if isinstance(event, events.Identified) and moment.memory.pop("remind", None) is not None:
        reminding.remind(moment)
    if isinstance(event, events.PaymentConfirmed):
        moment.effects.insert(0, _booking(event))
    if isinstance(event, events.PaymentReturned):
        take_back(moment, event)
    if isinstance(event, events.PaymentFound):
        say_found(moment, event)
    owner: Literal["bot", "person"] = "person" if after[0] == "person" else "bot"
    return Step(State(configuration=after, memory=moment.memory), tuple(moment.effects), owner)


def _charge_is_ready(moment: Moment, charge_no: int, *, may_speak: bool) -> None:
    """The code was made for a reminder, or for somebody who waits for it."""
    if not reminding.charge_is_ready(moment, charge_no) and may_speak:
        show_ready_charge(moment, charge_no)


def _ask_about_promise(moment: Moment, debt_id: int) -> None:
    """The question about a promise keeps to the ladder's hours and caps; where it may not be asked now it waits."""
    at = reminding.may_speak_from(moment)
    if at is not None and at > moment.facts.now:
        moment.effects.append(SetTimer(name="promise", fire_at=at, subject=debt_id))
    elif at is not None:
        promise_over(moment, debt_id)


def _climb(moment: Moment, customer_id: int) -> None:
    """The ladder's time has come. A company that asks nobody who they are takes the only one who can be meant."""
    only = moment.facts.candidates[0].customer_id if needs_no_question(moment) else None
    if moment.facts.customer is None and only == customer_id and not moment.facts.contact_closed:
        moment.memory["remind"] = customer_id
        moment.effects.append(Identify(customer_id=customer_id))
        return
    reminding.remind(moment)


def _named(place: str, moment: Moment, event: Event) -> str | None:
    """Return the chart's name for what happened; None where nothing follows. The wish is noted in the moment."""
    match event:
        case events.Typed() | events.Pressed() | events.Sent():
            moment.memory.pop("nudged", None)
            for made in ("reminding", "made_to_remind"):  # who writes is answered, and a code that is ready is shown
                moment.memory.pop(made, None)
            choices = tuple(text for text in str(moment.memory.get("choices", "")).split(",") if text)
            moment.wish = wish_of(event, moment.facts, Where(state=place, choices=choices))
            if place == "person":
                # A person of ours reads it and the bot has no say; but who asks for no more messages gets no more.
                return "opt_out" if moment.wish.want == "opt_out" else None
            # What is said of a card leaves the conversation where it is, whoever is there.
            return _wanted(place, moment) if moment.wish.want != "card_number" else None
        case events.Identified() if "remind" in moment.memory:
            return None  # nobody wrote: the ladder goes on
        case events.Identified():
            moment.wish, moment.introduced = recalled(str(moment.memory.pop("wanted", "greet.0.0"))), True
            return _wanted(place, moment)
        case events.ContactChanged():
            return "contact_changed"
        case events.ChargeReady():
            return None
        case events.ChargeFailed():
            # A charge that nobody paid in time is no news to anybody who did not ask.
            unasked = event.reason == "expired" or moment.memory.get("reminding") == event.charge_no
            return "charge_failed" if place == "paying" and not unasked else None
        case events.PaymentConfirmed():
            return "paid"
        case events.PaymentReturned() | events.PaymentFound():
            return None  # told wherever the conversation is, which stays there
        case events.TimerFired():
            return event.name if event.name == "nudge" else None  # the others are looked after in `step`
        case events.TicketClaimed():
            return "claimed"
        case events.AgentReplied():
            return "agent_replied"
        case events.HandedBack():
            return "handed_back"
        case events.ExceptionNews():
            return None
        case events.ExceptionOffered():
            return "exception_offered"
        case events.TicketClosed():
            return "closed"
        case events.DeliveryFailed():
            return "lost"
        case _:
            assert_never(event)


def _wanted(place: str, moment: Moment) -> str | None:
    """The chart's name for a wish. Before it is known who is there, almost everything leads to that question."""
    want, facts = moment.wish.want, moment.facts
    if want == "answer" and place == "identifying":
        return "answer"
    if want != "misfit":
        moment.memory.pop("misses", None)
    if facts.customer is not None:
        moment.wish = _present(moment)
        want = moment.wish.want
        _remember_renegotiation(moment)
    if facts.customer is None and (want not in _BEFORE_IDENTITY or (want == "not_me" and not facts.candidates)):
        return "meet"
    if want in _ABOUT_AN_OFFER and moment.offer(moment.wish.object_id) is None:
        # An old button names what does not stand any more: the present is shown instead.
        return "negotiate"
    return _BY_WANT.get(want, "aside")


def _present(moment: Moment) -> Wish:
    """The wish as it can be meant today: what is open no more is not paid again, and today's promise is a payment."""
    wish = moment.wish
    if wish.want in _OF_AN_AGREEMENT:
        stands = moment.agreements if not wish.object_id else moment.agreement_on(wish.object_id)
        return wish if stands else replace(wish, want="negotiate" if not wish.object_id else "stale", object_id=0)
    if wish.want in ("pay", "quote", "negotiate") and wish.object_id > 0:
        there = moment.debt(wish.object_id) or moment.agreement_on(wish.object_id)
        return wish if there else replace(wish, want="stale", object_id=0)
    if wish.want == "code" and not paying.stands(moment, wish.object_id):
        return replace(wish, want="pay", object_id=0)  # paid, or asked for anew: what is to pay today
    if wish.want == "promise_day" and wish.day == moment.facts.today:
        return replace(wish, want="pay")
    return wish


def _remember_renegotiation(moment: Moment) -> None:
    """An agreement is looked at as if it were not there while offers for another in its place are read."""
    wish = moment.wish
    if wish.want == "renegotiate" and may_renegotiate(moment) and (agreement := meant(moment)) is not None:
        moment.memory["renegotiated"] = moment.memory["debt"] = agreement.debt_id
        moment.wish = replace(wish, object_id=agreement.debt_id)
    elif wish.want in _BY_WANT and wish.want not in (*_ABOUT_AN_OFFER, "offers", "group", "renegotiate", "answer"):
        moment.memory.pop("renegotiated", None)


def _booking(event: events.PaymentConfirmed) -> Book:
    return Book(
        end_to_end_id=event.end_to_end_id,
        amount_cents=event.amount_cents,
        paid_at=event.paid_at,
        charge_no=event.charge_no,
        txid=event.txid,
    )


# One machine for the process, its model swapped: 95 µs a step instead of 249 with a fresh one. After any error it is
# made anew.
_machines: list[Conversation] = []
# Which events lead over a transition never changes; the library takes their names apart again for each one it meets.
for _state in Conversation.states_map.values():
    for _transition in _state.transitions:
        _transition.match = cache(_transition.match)


def _sent(configuration: tuple[str, ...], moment: Moment, name: str, event: Event) -> tuple[str, ...]:
    machine = _machines.pop() if _machines else Conversation(Moment(facts=moment.facts, wish=Wish(), memory={}))
    machine.model = moment
    machine.current_state_value = OrderedSet(configuration)
    machine.send(name, happened=event)
    after = tuple(machine.configuration_values)
    _machines.append(machine)
    return after


_KNOWN = frozenset(Conversation.states_map)
