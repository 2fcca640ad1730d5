"""The conversation as a statechart: who owns it, where the talk is, and where each wish leads.

While a person of ours owns the conversation the talk does not exist, so nothing that the customer does can make the bot
speak: silence is the structure, not a check. Guards read the moment's facts; actions append effects. Transitions are
tried from the top, the first whose guard holds is taken. State names are a public schema: conversations live for months
(see `flows.step`).
"""

from statemachine import State, StateChart

from flows import agreement_talk, answers, identity, negotiating, paying, quoting, special_offer
from flows.events import AgentReplied, DeliveryFailed, ExceptionOffered, PaymentConfirmed
from flows.moment import Moment


class Conversation(StateChart[Moment]):
    """One machine for all conversations of a process; its model is the moment."""

    catch_errors_as_events = False
    allow_event_without_transition = True

    class bot(State.Compound, initial=True):  # a state's name
        start = State(initial=True)
        stranger = State()  # nobody is known here
        identifying = State()  # asked who is there
        menu = State()  # the three buttons
        choosing_debt = State()
        paying = State()  # a charge is made or shown
        choosing_offer = State()
        reviewing = State()  # the full terms of one offer
        agreed = State()  # an agreement in force, and what can be done with it
        resting = State()  # nothing is asked

    person = State()  # a ticket is open; the bot is silent

    # Who is there comes before everything else.
    meet = (
        bot.to(bot.stranger, internal=True, cond="nobody_known", on="say_stranger")
        | bot.to(bot.identifying, internal=True, cond="needs_no_question", on="take_the_only_one")
        | bot.to(bot.stranger, internal=True, cond="out_of_tries", on="say_out_of_tries")
        | bot.to(bot.identifying, internal=True, on="ask_who")
    )
    answer = (
        bot.identifying.to(person, cond="fits_several", on="give_up")
        | bot.identifying.to(bot.identifying, cond="fits_one", on="identify")
        | bot.identifying.to(person, cond="is_last_try", on="give_up")
        | bot.identifying.to(bot.identifying, on="answer_wrong")
    )
    not_me = bot.to(bot.stranger, internal=True, on="close_contact")
    contact_changed = bot.to(bot.start, internal=True, on="forget") | person.to.itself(internal=True, on="forget")

    # The three buttons, and what leads back to them.
    greet = (
        bot.to(bot.resting, internal=True, cond="owes_nothing", on="say_all_settled")  # nothing to press
        | bot.to(bot.menu, internal=True, on="show_menu")
    )
    human = bot.to(person, on="call_person")

    # Paying.
    pay = (
        bot.to(bot.resting, internal=True, cond="owes_nothing", on="say_all_settled")
        | bot.to(bot.choosing_debt, internal=True, cond="must_choose_what_to_pay", on="choose_what_to_pay")
        | bot.to(bot.paying, internal=True, on="charge_now")
    )
    quote = (
        bot.to(bot.resting, internal=True, cond="owes_nothing", on="say_all_settled")
        | bot.to(bot.choosing_debt, internal=True, cond="must_choose_what_to_quote", on="choose_what_to_quote")
        | bot.to(bot.paying, internal=True, cond="is_instalment", on="charge_now")
        | bot.to(bot.paying, internal=True, cond="day_can_be_quoted", on="charge_for_that_day")
        | bot.to(bot.menu, internal=True, on="say_amount_of_today")
    )
    code = bot.to(bot.paying, internal=True, on="show_code_again")
    charge_failed = bot.to(bot.menu, internal=True, on="say_charge_failed")

    # Negotiating.
    negotiate = (
        bot.to(bot.resting, internal=True, cond="owes_nothing", on="say_all_settled")
        | bot.to(bot.agreed, internal=True, cond="is_agreed", on="show_agreement")
        | bot.to(bot.choosing_debt, internal=True, cond="must_choose_what_to_negotiate", on="choose_what_to_negotiate")
        | bot.to(person, cond="decided_by_people", on="call_people")
        | bot.to(bot.menu, internal=True, cond="nothing_to_offer", on="say_nothing_to_offer")
        | bot.to(bot.choosing_offer, internal=True, on="show_offers")
    )
    offer = (
        bot.to(bot.resting, internal=True, cond="is_promise", on="promise")
        | bot.to(bot.choosing_offer, internal=True, cond=["offer_stands", "asks_for_days"], on="choose_due_day")
        | bot.to(bot.reviewing, internal=True, cond="offer_stands", on="show_terms")
    )
    accept = (
        bot.to(bot.reviewing, internal=True, cond="dates_are_over", on="show_terms")  # new dates are read first
        | bot.to(bot.paying, internal=True, cond="offer_stands", on="accept_offer")
    )
    promise_day = (
        bot.to(bot.resting, internal=True, cond="day_can_be_promised", on="promise_that_day")  # no reminders till then
        | bot.to(bot.menu, internal=True, on="no_promise")
    )

    # An agreement in force.
    settle_all = bot.to(bot.paying, internal=True, on="settle_agreement")
    move_date = (
        bot.to(bot.agreed, internal=True, cond="asks_for_date", on="choose_date")
        | bot.to(bot.resting, internal=True, cond="can_move_there", on="move_instalment")
        | bot.to(bot.agreed, internal=True, on="say_date_stays")
    )
    renegotiate = (
        bot.to(person, unless="may_renegotiate", on="call_for_review")
        | bot.to(person, cond="decided_by_people", on="call_people")
        | bot.to(bot.menu, internal=True, cond="nothing_to_offer", on="say_nothing_to_offer")
        | bot.to(bot.choosing_offer, internal=True, on="show_offers")
    )

    # Other things that people say.
    hardship = bot.to(person, on="call_for_hardship")
    dispute = bot.to(person, on="call_for_dispute")
    opt_out = (
        bot.to(bot.resting, internal=True, on="stop_messages")
        | person.to.itself(internal=True, on="stop_in_silence")  # the law's stop is heard by whoever has it
    )
    opt_in = bot.to(bot.menu, internal=True, on="resume_messages")
    aside = (
        bot.start.to(bot.menu, on="say_aside")
        | bot.stranger.to(bot.menu, on="say_aside")
        | bot.identifying.to(bot.menu, on="say_aside")
        | bot.menu.to.itself(internal=True, on="say_aside")
        | bot.choosing_debt.to.itself(internal=True, on="say_aside")
        | bot.paying.to.itself(internal=True, on="say_aside")
        | bot.choosing_offer.to.itself(internal=True, on="say_aside")
        | bot.reviewing.to.itself(internal=True, on="say_aside")
        | bot.agreed.to.itself(internal=True, on="say_aside")
        | bot.resting.to.itself(internal=True, on="say_aside")
    )
    nudge = (
        bot.identifying.to.itself(internal=True, on="ask_into_silence")
        | bot.menu.to.itself(internal=True, on="ask_into_silence")
        | bot.choosing_debt.to.itself(internal=True, on="ask_into_silence")
        | bot.paying.to.itself(internal=True, on="ask_into_silence")
        | bot.choosing_offer.to.itself(internal=True, on="ask_into_silence")
        | bot.reviewing.to.itself(internal=True, on="ask_into_silence")
        | bot.agreed.to.itself(internal=True, on="ask_into_silence")
    )

    # Money and people: understood whoever owns the conversation.
    paid = (
        bot.identifying.to.itself(internal=True, unless="needs_a_look")  # the question stands; no word of money
        | bot.to(person, cond="needs_a_look", on="thank_and_call")
        | bot.to(bot.resting, internal=True, on="thank")
        | person.to.itself(internal=True, on="thank")
    )
    agent_replied = person.to.itself(internal=True, on="say_as_agent") | bot.to(person, on="say_as_agent")
    claimed = bot.to(person) | person.to.itself(internal=True)
    handed_back = person.to(bot.menu, on="hand_back")
    exception_offered = (
        person.to(bot.reviewing, cond="exception_stands", on="show_exception")
        | person.to(bot.menu, on="hand_back")  # the debt is another by now: what can be done today
    )
    closed = person.to(bot.start)
    lost = (
        bot.to(person, cond="must_be_seen", on="call_for_delivery")
        | person.to.itself(internal=True, on="note_lost_message")  # the people who have it see it
    )

    # Guards and actions: the words and sums are in the modules named here.
    def nobody_known(self) -> bool:
        return identity.nobody_known(self.model)

    def needs_no_question(self) -> bool:
        return identity.needs_no_question(self.model)

    def out_of_tries(self) -> bool:
        return identity.out_of_tries(self.model)

    def fits_one(self) -> bool:
        return identity.fits_one(self.model)

    def fits_several(self) -> bool:
        return identity.fits_several(self.model)

    def is_last_try(self) -> bool:
        return identity.is_last_try(self.model)

    def say_stranger(self) -> None:
        identity.say_stranger(self.model)

    def take_the_only_one(self) -> None:
        identity.take_the_only_one(self.model)

    def say_out_of_tries(self) -> None:
        identity.say_out_of_tries(self.model)

    def ask_who(self) -> None:
        identity.ask_who(self.model)

    def identify(self) -> None:
        identity.identify(self.model)

    def answer_wrong(self) -> None:
        identity.answer_wrong(self.model)

    def give_up(self) -> None:
        identity.give_up(self.model)

    def close_contact(self) -> None:
        identity.close_contact(self.model)

    def forget(self) -> None:
        identity.forget(self.model)

    def owes_nothing(self) -> bool:
        return paying.owes_nothing(self.model)

    def must_choose_what_to_pay(self) -> bool:
        return paying.must_choose_what_to_pay(self.model)

    def needs_a_look(self) -> bool:
        return paying.needs_a_look(self.model)

    def say_all_settled(self) -> None:
        paying.say_all_settled(self.model)

    def choose_what_to_pay(self) -> None:
        paying.choose_what_to_pay(self.model)

    def charge_now(self) -> None:
        paying.charge(self.model)

    def must_choose_what_to_quote(self) -> bool:
        return quoting.must_choose_what_to_quote(self.model)

    def is_instalment(self) -> bool:
        return paying.is_instalment(self.model)

    def day_can_be_quoted(self) -> bool:
        return quoting.day_can_be_quoted(self.model)

    def choose_what_to_quote(self) -> None:
        quoting.choose_what_to_quote(self.model)

    def charge_for_that_day(self) -> None:
        quoting.charge_for_that_day(self.model)

    def say_amount_of_today(self) -> None:
        quoting.say_amount_of_today(self.model)

    def show_code_again(self) -> None:
        paying.show_code_again(self.model)

    def say_charge_failed(self) -> None:
        paying.charge_failed(self.model)

    def thank(self, happened: PaymentConfirmed) -> None:
        paying.thank(self.model, happened)

    def thank_and_call(self, happened: PaymentConfirmed) -> None:
        paying.thank(self.model, happened)
        paying.call_for_payment(self.model)

    def is_agreed(self) -> bool:
        return negotiating.is_agreed(self.model)

    def must_choose_what_to_negotiate(self) -> bool:
        return negotiating.must_choose_what_to_negotiate(self.model)

    def decided_by_people(self) -> bool:
        return negotiating.decided_by_people(self.model)

    def nothing_to_offer(self) -> bool:
        return negotiating.nothing_to_offer(self.model)

    def is_promise(self) -> bool:
        return negotiating.is_promise(self.model)

    def offer_stands(self) -> bool:
        return negotiating.offer_stands(self.model)

    def dates_are_over(self) -> bool:
        return negotiating.dates_are_over(self.model)

    def asks_for_days(self) -> bool:
        return negotiating.asks_for_days(self.model)

    def day_can_be_promised(self) -> bool:
        return negotiating.day_can_be_promised(self.model)

    def show_agreement(self) -> None:
        agreement_talk.show_agreement(self.model)

    def settle_agreement(self) -> None:
        agreement_talk.settle_all(self.model)

    def asks_for_date(self) -> bool:
        return agreement_talk.asks_for_date(self.model)

    def can_move_there(self) -> bool:
        return agreement_talk.can_move_there(self.model)

    def choose_date(self) -> None:
        agreement_talk.choose_date(self.model)

    def move_instalment(self) -> None:
        agreement_talk.move_date(self.model)

    def say_date_stays(self) -> None:
        agreement_talk.say_date_stays(self.model)

    def may_renegotiate(self) -> bool:
        return agreement_talk.may_renegotiate(self.model)

    def call_for_review(self) -> None:
        agreement_talk.call_for_review(self.model)

    def choose_what_to_negotiate(self) -> None:
        negotiating.choose_what_to_negotiate(self.model)

    def call_people(self) -> None:
        negotiating.call_people(self.model)

    def say_nothing_to_offer(self) -> None:
        negotiating.say_nothing_to_offer(self.model)

    def show_offers(self) -> None:
        negotiating.show_offers(self.model)

    def promise(self) -> None:
        negotiating.promise(self.model)

    def choose_due_day(self) -> None:
        negotiating.choose_due_day(self.model)

    def show_terms(self) -> None:
        negotiating.show_terms(self.model)

    def accept_offer(self) -> None:
        negotiating.accept(self.model)

    def promise_that_day(self) -> None:
        negotiating.promise_day(self.model)

    def no_promise(self) -> None:
        negotiating.no_promise(self.model)

    def show_menu(self) -> None:
        answers.show_menu(self.model)

    def call_person(self) -> None:
        answers.call_person(self.model)

    def call_for_hardship(self) -> None:
        answers.call_for_hardship(self.model)

    def call_for_dispute(self) -> None:
        answers.call_for_dispute(self.model)

    def stop_messages(self) -> None:
        answers.opt_out(self.model)

    def stop_in_silence(self) -> None:
        answers.opt_out_in_silence(self.model)

    def resume_messages(self) -> None:
        answers.opt_in(self.model)

    def say_aside(self) -> None:
        answers.say_aside(self.model)

    def ask_into_silence(self) -> None:
        answers.nudge(self.model)

    def hand_back(self) -> None:
        answers.hand_back(self.model)

    def exception_stands(self, happened: ExceptionOffered) -> bool:
        return special_offer.exception_stands(self.model, happened)

    def show_exception(self, happened: ExceptionOffered) -> None:
        special_offer.show_exception(self.model, happened)

    def say_as_agent(self, happened: AgentReplied) -> None:
        answers.say_as_agent(self.model, happened)

    def must_be_seen(self, happened: DeliveryFailed) -> bool:
        return answers.must_be_seen(self.model, happened)

    def call_for_delivery(self, happened: DeliveryFailed) -> None:
        answers.call_for_delivery(self.model, happened)

    def note_lost_message(self, happened: DeliveryFailed) -> None:
        answers.note_lost_message(self.model, happened)
