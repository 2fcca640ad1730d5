"""Stories of negotiating: the offers of the approved policy, the full terms, the agreement, and its instalments."""

from pathlib import Path

from bot.sandbox.people import ANA, BRUNO, CARLA, ELISA
from tests.stories.transcripts import story
from tests.town import Town, town


async def test_three_instalments_from_the_first_word_to_the_last_payment(place: Town) -> None:
    """Terms in full before anybody agrees; each instalment has its own code; the last one closes the debt."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Negociar", "3x de R$ 119,35", "Confirmar")
    await place.bank.receives(phone.pix_code())
    await place.moves(days=20)
    await phone.says("quero pagar a parcela")
    await place.bank.receives(phone.pix_code())
    await phone.says("pagar")
    await place.bank.receives(phone.pix_code())
    assert phone.transcript() == story("three_instalments")
    assert await place.ask("SELECT state FROM debt WHERE external_id = $1", ANA.debts[0].external_id) == "paid"
    assert await place.ask("SELECT state FROM agreement") == "settled"


async def test_agreeing_twice_makes_one_agreement(place: Town) -> None:
    """The same button again shows the present."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Negociar", "2x de R$ 179,03", "Confirmar", "Confirmar")
    assert await place.ask("SELECT count(*) FROM agreement") == 1
    assert phone.last.startswith("Seu acordo de Mensalidade")


async def test_a_payment_during_the_negotiation_ends_it(place: Town) -> None:
    """Paid means paid: the old offers lead nowhere but to the truth."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Pagar agora", "Negociar", "3x de R$ 119,35")
    await place.bank.receives(phone.pix_code())
    await phone.taps("Confirmar")
    assert phone.transcript() == story("paid_while_negotiating")
    assert await place.ask("SELECT count(*) FROM agreement") == 0


async def test_an_offer_that_was_shown_is_honoured_until_its_day_and_not_a_day_longer(place: Town) -> None:
    """Two days later it stands; after its day the options of that day are shown instead."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Negociar")
    await place.moves(days=2)
    await phone.taps("3x de R$ 119,35")
    assert "3ª: R$ 119,37" in phone.last
    await place.moves(days=10)
    await phone.taps("Confirmar")
    assert phone.last.startswith("Aquela opção não vale mais.")
    assert await place.ask("SELECT count(*) FROM agreement") == 0


async def test_twelve_instalments_with_interest_are_grouped_and_told_with_rate_and_cet(place: Town) -> None:
    """More offers than a list holds: cash, a day to promise, fewest, middle, most, and the others behind one row."""
    phone = place.phone(CARLA)
    await phone.says("oi", CARLA.document[:3], "quero parcelar")
    await phone.taps("Outras opções")
    await phone.taps(next(title for title in phone.choices() if title.startswith("4x")))
    assert phone.transcript() == story("twelve_instalments")


async def test_another_due_day_can_be_chosen(place: Town) -> None:
    """The dates change, the amounts do not."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Negociar", "2x de R$ 179,03", "Outro vencimento", "Dia 20")
    assert "2ª: R$ 179,04 até 20/01/2027" in phone.last.replace("\N{NO-BREAK SPACE}", " ")


async def test_a_promise_in_words_rests_until_its_day(place: Town) -> None:
    """The policy allows a promise within seven days."""
    phone = place.phone(CARLA)
    await phone.says("oi", CARLA.document[:3], "pago amanhã")
    assert phone.last.startswith("Combinado, até 02/12/2026.")
    assert (
        str(await place.ask("SELECT promised_until FROM debt WHERE external_id = $1", CARLA.debts[0].external_id))
        == "2026-12-02"
    )


async def test_above_the_limit_a_person_decides(place: Town) -> None:
    """The policy's rule opens a ticket in its queue; nothing is offered."""
    phone = place.phone(ELISA)
    await phone.says("oi", ELISA.document[:3])
    await phone.taps("Negociar")
    assert phone.last.startswith("Casos como o seu são cuidados por uma pessoa")
    assert await place.ask("SELECT queue FROM ticket") == "financeiro"
    assert await place.ask("SELECT count(*) FROM offer") == 0


async def test_one_of_several_debts_is_negotiated(place: Town) -> None:
    """Asks which first."""
    phone = place.phone(BRUNO)
    await phone.says("oi", BRUNO.document[:3])
    await phone.taps("Negociar", "Curso de inglês 11/2026")
    assert "Curso de inglês" in phone.last


async def test_before_a_policy_is_approved_nothing_is_offered(database: str, redis_url: str, tmp_path: Path) -> None:
    """Paying and people are there; an offer is not."""
    async with town(database, redis_url, tmp_path, policy=None) as place:
        phone = place.phone(ANA)
        await phone.says("oi", ANA.document[:3])
        await phone.taps("Negociar")
        assert phone.choices() == ["Pagar agora", "Falar com atendente"]
        assert await place.ask("SELECT count(*) FROM offer") == 0
