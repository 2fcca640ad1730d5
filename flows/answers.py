"""Short answers to everything else that people write: never a dead end, never a lecture, and a person whenever one is
wanted."""

from datetime import timedelta

from flows.calendar import payable_day
from flows.effects import Choice, Note, OpenTicket, OptIn, OptOut, SayAsAgent, TellStatement, Value
from flows.events import AgentReplied, DeliveryFailed
from flows.identity import NOT_ME
from flows.instalments import cost_of_instalment
from flows.moment import HUMAN, THREE, Moment
from flows.other_ways import say_boleto
from flows.paper_talk import send_paper
from flows.wishes import recalled
from flows.words import WORDS

_LINES = 6
_PAY_NOW = Choice(action="pay", label="button_pay")
# Messages of which a person must know when they did not arrive.
_MUST_ARRIVE = ("agreement", "receipt", "agent")
_TERMS_BUTTONS = {"accept": "button_confirm", "due_day": "button_other_day", "offers": "button_other_offers"}


def show_menu(moment: Moment) -> None:
    """What is owed, in a few lines, and the three buttons."""
    lines: list[dict[str, Value]] = []
    for debt in moment.open_debts:
        wording = "line_owed_late" if moment.facts.today > debt.due_on else "line_owed"
        total = moment.cost(debt).total_cents
        lines.append({"wording": wording, "description": debt.description, "total_cents": total, "due_on": debt.due_on})
    for agreement in moment.agreements:
        coming = agreement.next_open
        assert coming is not None
        lines.append(
            {
                "wording": "line_agreement_late"
                if moment.facts.today > payable_day(coming.due_on, agreement.life.late.holidays)
                else "line_agreement",
                "description": moment.description(agreement.debt_id),
                "amount_cents": cost_of_instalment(agreement, coming, moment.facts.today).total_cents,
                "due_on": coming.due_on,
            }
        )
    hidden = len(lines) - _LINES
    more: list[dict[str, Value]] = [{"wording": "line_more", "count": hidden}] if hidden > 0 else []
    shown = tuple(lines[:_LINES] + more)
    wording = {"menu": "menu_again", "balance": "menu_again", "stale": "menu_stale"}.get(moment.wish.want, "menu_hello")
    if moment.introduced:
        wording = "menu"
    moment.say(wording, *THREE, first_name=moment.name, lines=shown, creditor=moment.facts.rules.creditor_name)
    moment.wait_for_answer()


def tell_statement(moment: Moment) -> None:
    """What happened to what is owed, line by line, and the three buttons."""
    choices = THREE if moment.open_debts or moment.agreements else (HUMAN,)
    moment.effects.append(
        TellStatement(first_name=moment.name, creditor=moment.facts.rules.creditor_name, choices=choices)
    )
    moment.memory["choices"] = ",".join(f"{c.action}.{c.object_id}.{c.version}" for c in choices)
    moment.wait_for_answer()


def call_person(moment: Moment) -> None:
    """A person was asked for: at once, with what to expect."""
    moment.effects.append(OpenTicket(reason="asked"))
    moment.say("person_called")
    moment.stop_waiting()


def call_for_hardship(moment: Moment) -> None:
    """Who cannot pay is not pressed: a person helps."""
    moment.effects.append(OpenTicket(reason="hardship"))
    moment.say("hardship")
    moment.stop_waiting()


def call_for_dispute(moment: Moment) -> None:
    """Who does not recognise a debt is heard by a person."""
    moment.effects.append(OpenTicket(reason="dispute"))
    moment.say("dispute")
    moment.stop_waiting()


def opt_out(moment: Moment) -> None:
    """No more active messages; confirmed once."""
    if not moment.facts.opted_out:
        moment.effects.append(OptOut())
        moment.say("opted_out")
    moment.stop_waiting()


def opt_out_in_silence(moment: Moment) -> None:
    """The same while a person of ours has the conversation: it is done, and the people see it."""
    if not moment.facts.opted_out:
        moment.effects += [OptOut(), Note(wording="note_opted_out")]


def opt_in(moment: Moment) -> None:
    """Active messages are welcome again."""
    moment.effects.append(OptIn())
    moment.say("opted_in", *THREE) if moment.facts.customer is not None else moment.say("opted_in", HUMAN)


def say_paid_already(moment: Moment) -> None:
    """Thank; the confirmation comes by itself, and a person looks if it does not."""
    moment.say("paid_already", HUMAN)
    moment.stop_waiting()


def say_why(moment: Moment) -> None:
    """Why these messages come, from the decision that sent the last one, and how to stop them."""
    creditor, last = moment.facts.rules.creditor_name, moment.facts.last_reminder
    if last is None or last.day is None:
        moment.say("why", *THREE, creditor=creditor)
        return
    wording = {-1: "why_eve", 0: "why_day", 1: "why_next"}.get(last.day, "why_before" if last.day < 0 else "why_after")
    values: dict[str, Value] = {
        "sent_on": last.on,
        "description": ", ".join(last.descriptions),
        "days": abs(last.day),
        "creditor": creditor,
    }
    moment.ask(wording, values, *THREE)


def say_thanks(moment: Moment) -> None:
    """A short answer without a menu."""
    moment.say("welcome")


def say_calm(moment: Moment) -> None:
    """Anger is answered calmly, with a person."""
    moment.say("calm", HUMAN)


def say_question(moment: Moment) -> None:
    """A question that the bot should not answer from memory: a person does, the rest can be done here."""
    wording = f"faq_{moment.wish.topic}"
    known = wording in WORDS
    moment.say(wording if known else "faq_other", *THREE, creditor=moment.facts.rules.creditor_name)


def say_medium(moment: Moment) -> None:
    """A recording or a picture: say that it cannot be heard or seen here, and what can be done."""
    receipt = moment.wish.topic in ("image", "document") and any(
        c.state in ("requested", "active") for c in moment.facts.charges
    )
    moment.say("medium_receipt" if receipt else "medium", *((HUMAN,) if receipt else THREE))


def misfit(moment: Moment) -> None:
    """An answer that fits nothing: say kindly what can be done here; the second time a person comes first."""
    misses = int(moment.memory.get("misses", 0)) + 1
    moment.memory["misses"] = misses
    choices = choices_here(moment)
    if misses == 1:
        moment.say("misfit", *choices)
    else:
        moment.say("misfit_again", HUMAN, *[choice for choice in choices if choice.action != "human"][:2])
    moment.wait_for_answer()


def nudge(moment: Moment) -> None:
    """One kind question into the silence, inside the window, and never a second."""
    facts = moment.facts
    if facts.opted_out or facts.contact_closed or facts.window_closes_at is None or facts.now >= facts.window_closes_at:
        return
    if "nudged" in moment.memory:
        return
    if facts.heard_at is not None and facts.now < facts.heard_at + timedelta(minutes=facts.rules.nudge_after_minutes):
        return  # the person wrote while the timer was on its way: its silence is over, and the next one has its own
    moment.memory["nudged"] = 1  # until the person writes again
    if moment.facts.customer is None:
        moment.remind("nudge_neutral", NOT_ME, HUMAN)
    elif moment.open_debts or moment.agreements:
        moment.remind("nudge", *choices_here(moment))


def choices_here(moment: Moment) -> tuple[Choice, ...]:
    """What can be pressed at this place, as buttons: the terms that are being read, the list of offers, or the
    three."""
    match moment.place:
        case "reviewing":
            last = [recalled(text) for text in str(moment.memory.get("choices", "")).split(",") if text]
            again = [
                Choice(action=w.want, object_id=w.object_id, version=w.version, label=_TERMS_BUTTONS[w.want])  # type: ignore[arg-type]  # keys are actions
                for w in last
                if w.want in _TERMS_BUTTONS
            ]
            return tuple(again) if any(choice.action == "accept" for choice in again) else THREE
        case "choosing_offer":
            return (Choice(action="offers", label="button_see_offers"), _PAY_NOW, HUMAN)
        case _:
            return THREE


def hand_back(moment: Moment) -> None:
    """The bot is back: say so, with what can be done now."""
    if moment.facts.customer is None:
        moment.say("back_neutral", HUMAN)
    elif moment.open_debts or moment.agreements:
        moment.say("back", *THREE)
    else:
        moment.say("back_settled", HUMAN)


def say_as_agent(moment: Moment, event: AgentReplied) -> None:
    """An agent's words, as they are."""
    moment.effects.append(SayAsAgent(text=event.text, agent_id=event.agent_id, agent_name=event.agent_name))


def note_lost_message(moment: Moment, event: DeliveryFailed) -> None:
    """A message did not arrive: people see it."""
    moment.effects.append(Note(wording="note_not_delivered", values={"code": event.code}))


def must_be_seen(moment: Moment, event: DeliveryFailed) -> bool:
    """Whether somebody has to act when this message did not arrive: an agreement, a receipt, or the code that is waited
    for."""
    return event.purpose in _MUST_ARRIVE or (event.purpose == "reply" and moment.place == "paying")


def call_for_delivery(moment: Moment, event: DeliveryFailed) -> None:
    """Terms or a receipt did not arrive: a person sees to it."""
    note_lost_message(moment, event)
    moment.effects.append(OpenTicket(reason="delivery"))


def say_aside(moment: Moment) -> None:
    """What is answered without leaving the place where the conversation is."""
    answer = {
        "balance": show_menu,
        "statement": tell_statement,
        "boleto": say_boleto,
        "paper": send_paper,
        "paid_already": say_paid_already,
        "why": say_why,
        "thanks": say_thanks,
        "abuse": say_calm,
        "question": say_question,
        "media": say_medium,
    }.get(moment.wish.want, misfit)
    answer(moment)
