"""Stories of people: who is there, who answers, who wants no more of it."""

from dataclasses import replace
from pathlib import Path

from bot.sandbox.people import ANA, CARLA, GABI
from tests.desk import Visitor
from tests.stories.transcripts import story
from tests.town import Town, town


async def test_handing_over_and_back(place: Town, paula: Visitor) -> None:
    """The bot is silent while a person owns the conversation, whatever is typed or pressed; then it is back."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Falar com atendente")
    ticket = await place.ask("SELECT id FROM ticket")
    await phone.says("alguém aí?", "1", "menu")
    await phone.taps("Pagar agora")
    assert (await paula.acts(ticket, "take")).status == 200
    form = await paula.form_of(ticket)
    for _ in range(2):  # a double click
        await paula.post(f"/desk/{ticket}/reply", {**form, "text": "Oi, Ana, aqui é a Paula. Como posso ajudar?"})
    await place.settled()
    await phone.says("quero só entender a multa")
    await paula.acts(ticket, "hand-back")
    await place.settled()
    await phone.says("2")
    assert phone.transcript() == story("handed_over_and_back")


async def test_a_closed_ticket_leaves_the_bot_to_answer_the_next_word(place: Town, paula: Visitor) -> None:
    """Closing says nothing to the person; the bot answers when they write."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3], "3")
    ticket = await place.ask("SELECT id FROM ticket")
    await paula.acts(ticket, "take")
    await paula.acts(ticket, "close")
    await place.settled()
    heard = len(phone.heard)
    assert len(phone.heard) == heard
    await phone.says("oi")
    assert phone.last.startswith("Olá, Ana!")


async def test_a_payment_is_thanked_even_while_a_person_owns_the_conversation(place: Town) -> None:
    """A receipt answers the bank's word, not the person's; nothing else is said."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3], "1")
    await phone.says("falar com atendente")
    await place.bank.receives(phone.pix_code())
    assert phone.last == "Pagamento de R$ 349,90 confirmado. Obrigado, Ana! Está quitado."
    assert await place.ask("SELECT owner FROM conversation LIMIT 1") == "person"


async def test_no_word_of_a_debt_before_it_is_known_who_is_there(place: Town) -> None:
    """Whatever is asked: the question comes first, and what was wanted is done after it."""
    phone = place.phone(ANA)
    await phone.says("quanto eu devo?", "manda o pix", "quero negociar")
    for words in phone.heard:
        assert "R$" not in words
        assert "Mensalidade" not in words
        assert "Ana" not in words
    await phone.says(ANA.document[:3])
    assert "Estas são as opções" in phone.last


async def test_three_wrong_answers_call_a_person_and_tell_nothing(place: Town) -> None:
    """The third one opens a ticket; from then on the bot is silent."""
    phone = place.phone(ANA)
    await phone.says("oi", "111", "222", "333", "529")
    assert phone.transcript() == story("three_wrong_answers")
    assert await place.ask("SELECT reason FROM ticket") == "identity"


async def test_the_wrong_person_is_left_alone_and_learns_nothing(place: Town) -> None:
    """One tap closes the contact; later words get a neutral answer and a person on demand."""
    phone = place.phone(ANA)
    await phone.says("oi")
    await phone.taps("Não sou eu")
    await phone.says("quem deve o quê?")
    assert phone.transcript() == story("wrong_person")


async def test_who_wants_no_more_messages_is_told_once_and_can_come_back(place: Town) -> None:
    """In any usual wording; a stop cancels no debt, and who writes is answered."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.says("para de me mandar mensagem", "PARAR")
    await place.moves(hours=3)
    await phone.says("oi")
    await phone.says("quero voltar a receber")
    assert phone.transcript() == story("no_more_messages")


async def test_silence_is_asked_into_once_inside_the_window(place: Town) -> None:
    """After the configured hour, and never again for the same silence."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await place.moves(minutes=59)
    heard = len(phone.heard)
    await place.moves(minutes=2)
    assert len(phone.heard) == heard + 1
    await place.moves(hours=10)
    await place.moves(hours=20)
    assert len(phone.heard) == heard + 1


async def test_an_answer_that_fits_nothing_is_met_kindly_and_then_with_a_person(place: Town) -> None:
    """First what can be done here, the second time a person comes first."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3], "xyzzy", "plugh")
    await phone.sends("audio")
    assert phone.transcript() == story("fits_nothing")


async def test_two_people_behind_one_number_are_told_apart_by_their_answer(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """A couple shares a phone: whoever answers sees their own debts and nothing of the other's."""
    both = (ANA, replace(CARLA, phone=ANA.phone, account=ANA.account))
    async with town(database, redis_url, tmp_path, people=both) as place:
        phone = place.phone(ANA)
        await phone.says("oi", CARLA.document[:3])
        assert "Semestre letivo" in phone.last
        assert "Mensalidade" not in phone.last


async def test_a_changed_number_has_to_confirm_anew(place: Town) -> None:
    """WhatsApp tells of a change: nothing is said, and the next word is met with the question."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await place.world.graph.whatsapp.write(
        phone.chat, {"type": "system", "system": {"type": "customer_identity_changed", "identity": "x", "body": "…"}}
    )
    await place.settled()
    heard = len(phone.heard)
    await phone.says("1")
    assert len(phone.heard) == heard + 1
    assert "3 primeiros dígitos" in phone.last


async def test_nobody_known_gets_a_person_on_demand(place: Town) -> None:
    """Even a stranger is no dead end."""
    phone = place.phone(GABI)
    await phone.says("oi")
    await phone.taps("Falar com atendente")
    assert await place.ask("SELECT reason FROM ticket") == "asked"
