"""A person of ours: called at once, never talked over, and handed back kindly. And what is heard beside the buttons."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from flows import effects as fx
from flows.events import (
    AgentReplied,
    DeliveryFailed,
    Event,
    HandedBack,
    Pressed,
    Sent,
    TicketClaimed,
    TicketClosed,
    TimerFired,
    Typed,
)
from flows.facts import Rules, Settlement
from flows.step import step
from tests.talking import CREDITOR, NOW, Chat, debt

RITA: dict[str, Any] = {"ticket_id": 1, "agent_id": 9, "agent_name": "Rita"}
THREE = ["Pagar agora", "Negociar", "Falar com atendente"]
NUDGE = TimerFired(name="nudge")


def with_a_person() -> Chat:
    return Chat().known().types("falar com atendente")


@pytest.mark.parametrize("said", ["3", "Falar com atendente", "quero falar com uma pessoa", "me liga"])
def test_a_person_is_called_at_once_with_what_to_expect(said: str) -> None:
    chat = Chat().known().types("menu", said)
    assert [ticket.reason for ticket in chat.all(fx.OpenTicket)] == ["asked"]
    assert "horário de atendimento" in chat.text
    assert chat.owner == "person"


@pytest.mark.parametrize(
    "event",
    [
        Typed(text="1"),
        Typed(text="oi?"),
        Pressed(action="pay"),
        Pressed(action="human"),
        Sent(kind="image"),
        NUDGE,
        TicketClaimed(**RITA),
    ],
)
def test_while_a_person_has_it_the_bot_is_silent(event: Event) -> None:
    chat = with_a_person().hears(event)
    assert chat.effects == ()
    assert chat.owner == "person"


def test_a_stop_is_heard_in_silence_while_a_person_has_it() -> None:
    chat = with_a_person().types("parem de me mandar mensagens")
    assert chat.effects == (fx.OptOut(), fx.Note(wording="note_opted_out"))


def test_only_a_receipt_is_said_while_a_person_has_it() -> None:
    chat = with_a_person().is_paid(Settlement(amount_cents=34990, settled_debts=(7,)))
    assert [say.purpose for say in chat.all(fx.Say)] == ["receipt"]
    assert chat.owner == "person"


def test_what_an_agent_writes_goes_out_word_for_word() -> None:
    chat = with_a_person().hears(AgentReplied(**RITA, text="Bom dia, Ana!"))
    assert chat.effects == (fx.SayAsAgent(text="Bom dia, Ana!", agent_id=9, agent_name="Rita"),)


def test_an_agent_who_writes_takes_the_conversation() -> None:
    assert Chat().known().types("menu").hears(AgentReplied(**RITA, text="Oi")).owner == "person"


def test_handed_back_the_bot_says_that_it_is_there_with_the_three_buttons() -> None:
    chat = with_a_person().hears(HandedBack(ticket_id=1, agent_id=9))
    assert chat.titles == THREE
    assert chat.owner == "bot"


def test_handed_back_before_identity_nothing_is_named() -> None:
    chat = Chat().types("atendente").hears(HandedBack(ticket_id=1, agent_id=9))
    assert chat.titles == ["Falar com atendente"]


def test_a_closed_ticket_is_closed_in_silence_and_the_next_word_is_answered() -> None:
    chat = with_a_person().hears(TicketClosed(ticket_id=1, agent_id=9))
    assert chat.effects == ()
    assert chat.types("oi").titles == THREE


def test_what_was_being_confirmed_before_a_person_came_is_confirmed_no_more() -> None:
    chat = Chat().known().types("negociar", "3", "atendente").hears(TicketClosed(ticket_id=1, agent_id=9)).types("sim")
    assert chat.all(fx.Agree) == []


@pytest.mark.parametrize("said", ["parar", "PARE", "não quero mais receber mensagens", "me tira dessa lista", "stop"])
def test_a_stop_is_confirmed_once(said: str) -> None:
    chat = Chat().known().types(said)
    assert chat.all(fx.OptOut) == [fx.OptOut()]
    assert len(chat.written) == 1
    assert chat.types(said).all(fx.Say) == []


def test_after_a_stop_whoever_writes_is_answered_and_not_asked_into_silence() -> None:
    chat = Chat().known().types("parar", "quero pagar")
    assert chat.all(fx.Charge)
    assert chat.all(fx.SetTimer) == []


def test_messages_can_be_welcome_again() -> None:
    chat = Chat().known().types("parar", "quero voltar a receber")
    assert chat.all(fx.OptIn) == [fx.OptIn()]
    assert chat.titles == THREE


@pytest.mark.parametrize("said", ["menu", "voltar", "início"])
@pytest.mark.parametrize("before", [(), ("pagar",), ("negociar",), ("negociar", "3"), ("asdf",), ("parar",)])
def test_menu_leads_back_from_anywhere(before: tuple[str, ...], said: str) -> None:
    chat = Chat().known().types(*before, said)
    assert chat.titles == THREE
    assert "R$ 359,00" in chat.text


def test_a_press_that_nobody_can_vouch_for_shows_the_menu() -> None:
    chat = Chat().known().hears(Sent(kind="strange_press"))
    assert chat.titles == THREE


def test_what_fits_nothing_shows_what_can_be_done_here_and_then_a_person_first() -> None:
    chat = Chat().known().types("menu", "xyzw")
    assert chat.titles == THREE
    assert chat.types("xyzw").titles == ["Falar com atendente", "Pagar agora", "Negociar"]


def test_what_fits_nothing_while_terms_are_read_shows_their_buttons_again() -> None:
    chat = Chat().known().types("negociar", "3", "xyzw")
    assert chat.titles == ["Confirmar", "Outro vencimento", "Ver outras opções"]
    assert chat.presses("Confirmar").all(fx.Agree)


def test_what_fits_nothing_among_offers_leads_back_to_them() -> None:
    chat = Chat().known().types("negociar", "xyzw")
    assert chat.titles == ["Ver opções", "Pagar agora", "Falar com atendente"]
    assert chat.presses("Ver opções").place == "choosing_offer"


def test_something_understood_in_between_begins_the_count_anew() -> None:
    assert Chat().known().types("menu", "xyzw", "menu", "xyzw").titles == THREE


@pytest.mark.parametrize("kind", ["audio", "video", "sticker", "location", "contacts", "unsupported", "order"])
def test_what_cannot_be_heard_or_seen_is_told_so(kind: str) -> None:
    chat = Chat().known().types("menu").hears(Sent(kind=kind))
    assert "áudios" in chat.text
    assert chat.titles == THREE


@pytest.mark.parametrize("kind", ["image", "document"])
def test_a_receipt_is_thanked_for_and_waited_for_at_the_bank(kind: str) -> None:
    chat = Chat().known().types("pagar").charge_is_ready().hears(Sent(kind=kind))
    assert "comprovante" in chat.text
    assert chat.titles == ["Falar com atendente"]


def test_the_words_under_a_picture_count() -> None:
    assert Chat().known().hears(Sent(kind="image", caption="quero falar com atendente")).owner == "person"


@pytest.mark.parametrize(
    ("said", "reason"),
    [("perdi meu emprego e não consigo pagar", "hardship"), ("não reconheço essa dívida", "dispute")],
)
def test_some_things_are_for_people(said: str, reason: str) -> None:
    chat = Chat().known().types(said)
    assert [ticket.reason for ticket in chat.all(fx.OpenTicket)] == [reason]
    assert chat.text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("quanto eu devo?", "R$ 359,00 hoje"),
        ("manda o boleto", "por Pix"),
        ("já paguei ontem", "Assim que o banco confirmar"),
        ("por que estou recebendo isso?", CREDITOR),
        ("obrigado!", "Por nada"),
        ("vai se ferrar", "Sinto muito"),
        ("isso é golpe?", "Nunca pedimos senha"),
        ("aceita cartão de crédito?", "por Pix"),
        ("qual o horário de atendimento?", "pessoa da nossa equipe"),
    ],
)
def test_other_things_are_answered_shortly(said: str, words: str) -> None:
    chat = Chat().known().types("menu", said)
    assert words in chat.text
    assert len(chat.text) < 300
    assert chat.owner == "bot"


def test_silence_is_asked_into_once() -> None:
    chat = Chat().known().types("negociar")
    assert chat.all(fx.SetTimer) == [fx.SetTimer(name="nudge", fire_at=NOW + timedelta(minutes=60))]
    chat.hears(NUDGE)
    assert [say.purpose for say in chat.all(fx.Say)] == ["reminder"]
    assert chat.all(fx.SetTimer) == []


def test_who_is_asked_while_reading_terms_can_confirm_right_there() -> None:
    chat = Chat().known().types("negociar", "3").hears(NUDGE)
    assert chat.presses("Confirmar").all(fx.Agree)


def test_before_identity_the_question_into_silence_is_neutral() -> None:
    chat = Chat().types("oi").hears(NUDGE)
    assert chat.titles == ["Não sou eu", "Falar com atendente"]


@pytest.mark.parametrize(
    "chat",
    [
        Chat(opted_out=True).known().types("negociar"),
        Chat(debts=()).known().types("menu"),
        Chat().known().types("negociar", "parar"),
        Chat().types("oi").presses("Não sou eu"),
    ],
)
def test_into_this_silence_nobody_asks(chat: Chat) -> None:
    assert chat.hears(NUDGE).all(fx.Say) == []


def test_nobody_is_asked_once_the_window_is_closed() -> None:
    chat = Chat().known().types("negociar")
    late = replace(chat.facts, window_closes_at=chat.now)
    assert step(chat.state, late, NUDGE).effects == ()


def test_a_company_may_do_without_the_question() -> None:
    chat = Chat(rules=Rules(creditor_name=CREDITOR, nudge_after_minutes=0)).known().types("negociar")
    assert chat.all(fx.SetTimer) == []


@pytest.mark.parametrize(("before", "purpose"), [(("pagar",), "reply"), (("negociar", "3", "sim"), "agreement")])
def test_a_code_or_terms_that_did_not_arrive_are_seen_by_a_person(before: tuple[str, ...], purpose: str) -> None:
    chat = Chat().known().types(*before).hears(DeliveryFailed(outbox_id=1, code=131026, purpose=purpose))
    assert [ticket.reason for ticket in chat.all(fx.OpenTicket)] == ["delivery"]
    assert chat.written == []


def test_other_lost_messages_change_nothing() -> None:
    chat = Chat(debts=(debt(),)).known().types("menu").hears(DeliveryFailed(outbox_id=1, code=131026, purpose="reply"))
    assert chat.effects == ()
