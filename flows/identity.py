"""Who is there: nothing of a debt is said before the person has shown to be the debtor.

Numbers are recycled, so a chat proves nobody. What is asked is the beginning of the CPF or CNPJ, which a stranger does
not know; three wrong answers a day call a person. A wrong answer is never told which part was wrong.
"""

from flows.effects import Choice, CloseContact, CountWrongAnswer, ForgetIdentity, Identify, OpenTicket
from flows.facts import Candidate
from flows.moment import HUMAN, Moment

# Wishes that take nothing back of what was asked for before.
_SAYS_NOTHING = ("misfit", "greet", "media", "stale", "its_me", "menu", "answer")
NOT_ME = Choice(action="not_me", label="button_not_me")


def nobody_known(moment: Moment) -> bool:
    """Whether this contact point is nobody's we know, or was given back by who answers it."""
    return moment.facts.contact_closed or (moment.facts.customer is None and not moment.facts.candidates)


def unconfirmed(moment: Moment) -> bool:
    """Whether it is still to be shown who is there."""
    return moment.facts.customer is None


def needs_no_question(moment: Moment) -> bool:
    """Whether the company does not ask, and only one person can be meant."""
    return moment.facts.rules.identity == "none" and len(moment.facts.candidates) == 1


def out_of_tries(moment: Moment) -> bool:
    """Whether today's answers are used up."""
    return moment.facts.wrong_answers_today >= moment.facts.rules.tries


def take_the_only_one(moment: Moment) -> None:
    """The company does not ask: who writes is who is known here."""
    _remember_wish(moment)
    moment.effects.append(Identify(customer_id=moment.facts.candidates[0].customer_id))


def ask_who(moment: Moment) -> None:
    """Ask neutrally, and remember what was wanted."""
    again = "wanted" in moment.memory and moment.wish.want in _SAYS_NOTHING
    _remember_wish(moment)
    wording = "ask_who_again" if again else "ask_who"
    if moment.wish.want == "media":
        wording = "ask_who_in_letters"
    moment.say(wording, NOT_ME, HUMAN, creditor=moment.facts.rules.creditor_name)
    moment.wait_for_answer()


def say_stranger(moment: Moment) -> None:
    """Nobody is known here, or nobody may be spoken to: one neutral sentence, and a person on demand."""
    wording = "contact_closed" if moment.facts.contact_closed else "nobody_known"
    moment.say(wording, HUMAN, creditor=moment.facts.rules.creditor_name)


def say_out_of_tries(moment: Moment) -> None:
    """No more answers today; a person can help."""
    moment.say("out_of_tries", HUMAN)


def fits_one(moment: Moment) -> bool:
    """Whether the answer is the beginning of exactly one candidate's document (or the whole of it)."""
    return len(_fitting(moment)) == 1


def fits_several(moment: Moment) -> bool:
    """Whether it cannot be told which of several people is there."""
    return len(_fitting(moment)) > 1


def is_last_try(moment: Moment) -> bool:
    """Whether one more wrong answer is the last of the day."""
    return moment.facts.wrong_answers_today + 1 >= moment.facts.rules.tries


def identify(moment: Moment) -> None:
    """The answer fits: this chat is that customer's."""
    moment.effects.append(Identify(customer_id=_fitting(moment)[0].customer_id))


def answer_wrong(moment: Moment) -> None:
    """A wrong answer: kindly once more."""
    moment.effects.append(CountWrongAnswer(tries=moment.facts.wrong_answers_today + 1))
    moment.say("answer_wrong", NOT_ME, HUMAN)
    moment.wait_for_answer()


def give_up(moment: Moment) -> None:
    """The last wrong answer, or one that fits two people: a person goes on."""
    if not fits_several(moment):
        moment.effects.append(CountWrongAnswer(tries=moment.facts.wrong_answers_today + 1))
    moment.effects.append(OpenTicket(reason="identity"))
    moment.say("identity_ticket")
    moment.stop_waiting()


def close_contact(moment: Moment) -> None:
    """Somebody else answers here: apologise, and tell nobody anything."""
    moment.effects.append(CloseContact())
    moment.memory.clear()
    moment.say("not_me", creditor=moment.facts.rules.creditor_name)
    moment.stop_waiting()


def forget(moment: Moment) -> None:
    """The number or the device changed: whoever it is has to confirm anew, without a word from us."""
    moment.effects.append(ForgetIdentity())
    moment.memory.clear()
    moment.stop_waiting()


def _fitting(moment: Moment) -> list[Candidate]:
    answer = moment.wish.answer
    return [c for c in moment.facts.candidates if answer and c.document.startswith(answer)]


def _remember_wish(moment: Moment) -> None:
    if moment.wish.want not in _SAYS_NOTHING:
        moment.memory["wanted"] = moment.wish.remembered()
    else:
        moment.memory.setdefault("wanted", "greet.0.0")
