"""Who is there comes before any word of a debt, and is asked kindly, three times a day at most."""

from dataclasses import replace

import pytest

from flows import effects as fx
from flows.events import ContactChanged, HandedBack, Pressed, Sent, Typed
from flows.facts import Rules
from tests.talking import ANA, BAKERY, BRUNO, CREDITOR, TWIN, Chat, debt

ALNUM = replace(BAKERY, document="12ABC34501DE35")


def test_the_first_word_is_answered_with_the_creditor_and_a_question() -> None:
    chat = Chat().types("oi")
    assert CREDITOR in chat.text
    assert "3 primeiros dígitos" in chat.text
    assert chat.titles == ["Não sou eu", "Falar com atendente"]


@pytest.mark.parametrize(
    "said", ["529", "52998224725", "529.982.247-25", "529.982", "meu CPF começa com 529", " 529 ", "cpf: 529"]
)
def test_the_right_beginning_identifies_however_it_is_written(said: str) -> None:
    chat = Chat().types("oi", said)
    assert chat.all(fx.Identify) == [fx.Identify(customer_id=ANA.customer_id)]
    assert "52998" not in chat.text


@pytest.mark.parametrize("said", ["528", "52998224724", "529.982.247-26", "123", "5291"])
def test_a_wrong_answer_is_counted_and_never_told_which_part_was_wrong(said: str) -> None:
    chat = Chat().types("oi", said)
    assert chat.all(fx.CountWrongAnswer) == [fx.CountWrongAnswer(tries=1)]
    assert not any(character.isdigit() for character in chat.text.replace("3 primeiros", ""))
    assert chat.titles == ["Não sou eu", "Falar com atendente"]


@pytest.mark.parametrize(
    "said",
    [
        "oi",
        "bom dia",
        "quero pagar",
        "1",
        "ok",
        "quem é você?",
        "paguei R$ 500",
        "são 359 reais?",
        "já paguei, foi dia 05/11",
        "?",
    ],
)
def test_what_is_no_answer_is_not_counted_and_asked_again(said: str) -> None:
    chat = Chat().types("oi", said)
    assert chat.all(fx.CountWrongAnswer) == []
    assert "CPF" in chat.text
    assert chat.place == "identifying"


def test_the_third_wrong_answer_of_a_day_calls_a_person() -> None:
    chat = Chat().types("oi", "111", "222", "333")
    assert chat.all(fx.OpenTicket) == [fx.OpenTicket(reason="identity")]
    assert chat.owner == "person"


def test_after_three_wrong_answers_nothing_is_asked_again_that_day() -> None:
    chat = Chat().types("oi", "111", "222", "333").hears(HandedBack(ticket_id=1, agent_id=1)).types("529")
    assert chat.customer is None
    assert chat.titles == ["Falar com atendente"]


def test_of_several_people_the_answer_picks_the_one_it_fits() -> None:
    assert Chat(candidates=(ANA, BRUNO)).types("oi", "111").customer == BRUNO


def test_an_answer_that_fits_two_people_calls_a_person_and_is_no_wrong_answer() -> None:
    chat = Chat(candidates=(ANA, TWIN)).types("oi", "529")
    assert chat.owner == "person"
    assert chat.all(fx.CountWrongAnswer) == []


def test_the_whole_document_tells_two_people_apart() -> None:
    assert Chat(candidates=(ANA, TWIN)).types("oi", "529.123.456-06").customer == TWIN


@pytest.mark.parametrize("said", ["12A", "12a", "12.ABC.345/01DE-35"])
def test_a_company_answers_with_letters_too(said: str) -> None:
    assert Chat(candidates=(ALNUM,)).types("oi", said).customer == ALNUM


@pytest.mark.parametrize("words", ["oi", "bom dia", "parar", "pagar"])
def test_words_are_no_wrong_answers_of_a_company_with_letters(words: str) -> None:
    assert Chat(candidates=(ALNUM,)).types("oi", words).all(fx.CountWrongAnswer) == []


def test_a_company_is_called_by_its_whole_name() -> None:
    assert "Padaria Pão Quente" in Chat(candidates=(BAKERY,)).types("oi", "112").text


def test_nobody_is_called_in_capitals() -> None:
    chat = Chat(candidates=(replace(ANA, name="ANA SOUZA"),)).types("oi", "529")
    assert "Ana" in chat.text
    assert "ANA" not in chat.text


@pytest.mark.parametrize("asked", [Pressed(action="pay"), Typed(text="quero pagar"), Typed(text="1")])
def test_what_was_asked_for_before_is_done_once_it_is_known_who_is_there(asked: Pressed | Typed) -> None:
    chat = Chat().hears(asked).types("oi", "529")
    assert [charge.amount_cents for charge in chat.all(fx.Charge)] == [34990]


def test_hardship_told_too_early_is_remembered() -> None:
    chat = Chat().types("perdi o emprego", "529")
    assert [ticket.reason for ticket in chat.all(fx.OpenTicket)] == ["hardship"]


def test_a_question_told_too_early_leads_to_the_menu_once_answered() -> None:
    chat = Chat().types("vocês aceitam cartão?", "529")
    assert chat.titles == ["Pagar agora", "Negociar", "Falar com atendente"]
    assert chat.place == "menu"


def test_a_stop_is_heard_before_identity() -> None:
    chat = Chat().types("oi", "parem de me mandar mensagem")
    assert chat.all(fx.OptOut) == [fx.OptOut()]


@pytest.mark.parametrize("way", ["press", "words"])
def test_not_me_closes_the_contact_point_and_tells_nothing(way: str) -> None:
    chat = Chat().types("oi")
    chat = chat.presses("Não sou eu") if way == "press" else chat.types("não sou a Ana, número errado")
    assert chat.all(fx.CloseContact) == [fx.CloseContact()]
    assert "desculpe" in chat.text
    assert chat.titles == []


def test_whoever_said_not_me_and_writes_again_hears_a_kind_neutral_line() -> None:
    chat = Chat().types("oi").presses("Não sou eu").types("oi", "529")
    assert chat.customer is None
    assert chat.titles == ["Falar com atendente"]


def test_a_number_that_nobody_knows_is_told_so_and_offered_a_person() -> None:
    chat = Chat(candidates=()).types("quero pagar")
    assert "Não encontrei um cadastro" in chat.text
    assert chat.titles == ["Falar com atendente"]


def test_where_the_company_does_not_ask_the_only_one_is_taken_at_once() -> None:
    chat = Chat(rules=Rules(creditor_name=CREDITOR, identity="none")).types("oi")
    assert chat.customer == ANA
    assert chat.titles == ["Pagar agora", "Negociar", "Falar com atendente"]


def test_where_the_company_does_not_ask_several_people_are_asked_all_the_same() -> None:
    chat = Chat(rules=Rules(creditor_name=CREDITOR, identity="none"), candidates=(ANA, BRUNO)).types("oi")
    assert chat.customer is None
    assert chat.place == "identifying"


def test_a_recording_is_answered_with_the_question_in_writing() -> None:
    chat = Chat().hears(Sent(kind="audio"))
    assert "áudios" in chat.text
    assert "3 primeiros dígitos" in chat.text


def test_a_changed_device_has_to_confirm_anew_and_hears_nothing_of_it() -> None:
    chat = Chat().types("oi", "529").hears(ContactChanged())
    assert chat.effects[0] == fx.ForgetIdentity()
    assert chat.written == []
    assert chat.types("menu").place == "identifying"


def test_identity_lost_elsewhere_is_asked_for_again_from_wherever_the_talk_was() -> None:
    chat = Chat(debts=(debt(),)).known().types("negociar")
    chat.customer = None
    assert chat.types("1").place == "identifying"
    assert "R$" not in chat.text
