"""Whoever one chooses to be in the demo is answered, and as the hint beside the name promises."""

from pathlib import Path

import pytest

from bot.sandbox.people import ANA, BAKERY, BRUNO, CARLA, DAVI, ELISA, GABI, PEOPLE, Person
from payments.documents import NotADocument, read_document
from tests.town import town

BUTTONS = ["Pagar agora", "Negociar", "Falar com atendente"]


@pytest.mark.parametrize(
    "person", [person for person in PEOPLE if person.document], ids=lambda person: person.customer_id
)
def test_documents_have_valid_check_digits(person: Person) -> None:
    assert not isinstance(read_document(person.document), NotADocument)
    assert person.debts


async def test_everybody_is_answered(database: str, redis_url: str, tmp_path: Path) -> None:
    """With and without the ninth digit, with a CNPJ, and without any number at all."""
    async with town(database, redis_url, tmp_path) as held:
        for person in (ANA, BRUNO, CARLA, BAKERY, DAVI, ELISA):
            phone = held.phone(person)
            await phone.says("oi", person.document[:3])
            assert phone.choices() == BUTTONS, phone.transcript()
            assert {bubble.failed for bubble in phone.chat.bubbles} == {None}
        stranger = held.phone(GABI)
        await stranger.says("oi")
        assert stranger.choices() == ["Falar com atendente"]
        assert "fatura" not in stranger.transcript()
