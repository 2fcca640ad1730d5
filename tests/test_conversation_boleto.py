"""Boleto, card page, and card numbers in the chat: what is shown, when, and what never is."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.engine.rendering import render
from bot.store import conversations, inbox
from flows import effects as fx
from flows.events import Sent, TicketClaimed
from payments.cards import mask_cards
from tests.talking import NOW, TODAY, Chat, debt
from tests.town import town

LINE = "00190.00009 12345.678903 12345.678903 5 16460000034990"  # due on 2026-11-30
PAGE = "https://provider.example/i/abc"
CARD = mask_cards("4111 1111 1111 1111")


def with_boleto(*, line: str | None = LINE, link: str | None = None, **chat: object) -> Chat:
    """Ana, with a charge that the provider also made a boleto for."""
    talk = Chat(**chat).known().types("pagar").charge_is_ready()  # type: ignore[arg-type]  # as the caller wrote it
    last = replace(talk.charges[-1], boleto_line=line, link=link, pay_until=date(2026, 11, 30))
    talk.charges = (*talk.charges[:-1], last)
    return talk


@pytest.mark.parametrize("said", ["me manda o boleto", "quero o boleto", "boleto"])
def test_a_boleto_is_sent_with_its_amount_its_day_and_its_line_alone(said: str) -> None:
    """The day is the one that the line itself tells."""
    chat = with_boleto().types(said)
    first, second = chat.all(fx.Say)
    assert "boleto de *Mensalidade de outubro*" in chat.text
    assert "com vencimento em 30/11/2026" in chat.text
    assert "Quem recebe: Escola Aurora" in chat.text
    assert (first.boleto_charge_no, second.boleto_charge_no) == (None, chat.charges[-1].no)
    assert chat.all(fx.Charge) == []


async def test_the_line_goes_out_alone_as_people_type_it_and_the_page_under_a_button(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """What WhatsApp gets. A line that came without its points is written with them."""
    chat = with_boleto(line="00190000091234567890312345678903516460000034990", link=PAGE).types("boleto")
    async with town(database, redis_url, tmp_path, people=(), policy=None) as place:
        async with place.parts.pool.acquire() as conn:
            await conn.execute(inbox.BEGIN_CONVERSATIONS, ["5511987654321"], NOW)
            [talk] = await conversations.claim(conn, [await conn.fetchval("SELECT id FROM conversation")], NOW)
        _, line, page = (render(place.parts, talk, chat.facts, say).body for say in chat.all(fx.Say))
    assert line == {"type": "text", "text": {"body": LINE, "preview_url": False}}
    action = page["interactive"]["action"]
    assert action == {"name": "cta_url", "parameters": {"display_text": "Pagar com cartão", "url": PAGE}}


def test_a_card_is_paid_on_the_providers_page_only() -> None:
    """One button, and the warning beside it."""
    chat = with_boleto(link=PAGE).types("me manda o boleto")
    assert [say.provider_page_charge_no for say in chat.all(fx.Say)] == [None, None, chat.charges[-1].no]
    assert "em até 12x, na página do provedor" in chat.text
    assert "Nunca envie o número do cartão" in chat.text


def test_the_boleto_of_several_debts_says_so() -> None:
    two = (debt(7, late=18, cents=15900, what="Curso"), debt(8, late=3, cents=8950, what="Material"))
    chat = Chat(debts=two).known().types("pagar", "todas").charge_is_ready()
    last = replace(chat.charges[-1], boleto_line=LINE)
    chat.charges = (*chat.charges[:-1], last)
    assert "boleto de 2 cobranças juntas" in chat.types("boleto").text


@pytest.mark.parametrize(
    "changed",
    [
        {"boleto_line": None},
        {"boleto_line": LINE.replace("34990", "34991")},
        {"state": "cancelled"},
        {"state": "requested"},
        {"state": "paid"},
        {"paid_cents": 100},
        {"pay_until": TODAY - timedelta(days=1)},
    ],
    ids=["none", "wrong line", "taken back", "not made yet", "paid", "partly paid", "over"],
)
def test_without_a_boleto_that_stands_it_is_pix_or_a_person(changed: dict[str, object]) -> None:
    """A line that is wrong, dead or paid is shown to nobody."""
    chat = with_boleto()
    chat.charges = (*chat.charges[:-1], replace(chat.charges[-1], **changed))  # type: ignore[arg-type]  # fields of it
    chat.types("me manda o boleto")
    assert "Por aqui o pagamento é por Pix" in chat.text
    assert chat.titles == ["Pagar agora", "Falar com atendente"]


def test_nobody_is_shown_a_boleto_before_they_say_who_they_are() -> None:
    chat = with_boleto()
    chat.customer = None
    assert "3 primeiros dígitos" in chat.types("me manda o boleto").text
    assert "boleto de" not in chat.text


@pytest.mark.parametrize("said", [CARD, f"passa no {CARD} cvv •••", f"quero pagar com {CARD}"])
def test_whoever_types_a_card_is_told_once_that_it_was_not_kept(said: str) -> None:
    """Whatever else was said beside it; the talk stays where it was."""
    chat = Chat().known().types("oi", said)
    assert len(chat.written) == 1
    assert "não envie número de cartão" in chat.text
    assert "não guardei os dígitos" in chat.text
    assert (chat.place, chat.owner) == ("menu", "bot")
    assert chat.titles == ["Pagar agora", "Negociar", "Falar com atendente"]
    assert chat.all(fx.Charge) == []


def test_a_card_under_a_picture_is_answered_alike() -> None:
    chat = Chat().known().types("oi").hears(Sent(kind="image", caption=f"meu cartão {CARD}"))
    assert "não envie número de cartão" in chat.text


def test_a_card_before_identity_says_nothing_of_a_debt_and_the_question_stands() -> None:
    chat = Chat().types("oi", CARD)
    assert "não envie número de cartão" in chat.text
    assert (chat.place, chat.titles) == ("identifying", [])
    assert chat.types("529").customer is not None


def test_a_card_while_a_person_of_ours_is_there_is_theirs_to_answer() -> None:
    chat = Chat().known().types("falar com atendente")
    chat.hears(TicketClaimed(ticket_id=1, agent_id=1, agent_name="Paula")).types(CARD)
    assert chat.effects == ()
