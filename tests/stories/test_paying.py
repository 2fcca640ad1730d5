"""Stories of paying: over real HTTP through the stand-ins, on real PostgreSQL and Valkey, with the clock in hand."""

from bot.sandbox.people import ANA, BRUNO, DAVI, GABI
from bot.sandbox.pix_provider import Weather
from tests.stories.transcripts import story
from tests.town import Town


async def test_who_pays_today_gets_the_amount_the_code_and_thanks(place: Town) -> None:
    """From the first word to the receipt; the code asks for exactly the amount that was named."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Pagar agora")
    assert await place.bank.amount_of(phone.pix_code()) == 34990
    await place.bank.receives(phone.pix_code())
    assert phone.transcript() == story("pays_today")
    assert await place.ask("SELECT state FROM debt WHERE external_id = $1", ANA.debts[0].external_id) == "paid"
    assert await place.ask("SELECT sum(amount_cents) FROM ledger_posting") == 0


async def test_who_paid_hears_nothing_more(place: Town) -> None:
    """Not in an hour, not in a month; and an old button lands on the present."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Pagar agora")
    await place.bank.receives(phone.pix_code())
    heard = len(phone.heard)
    await place.moves(hours=2)
    await place.moves(days=30)
    assert len(phone.heard) == heard
    await phone.taps("Pagar agora")
    assert phone.last == "Ana, não há nada em aberto por aqui. Está tudo certo, obrigado!"


async def test_a_payment_told_twice_late_and_again_is_booked_once(place: Town) -> None:
    """The bank's webhook comes doubled, and the poll finds the payment too."""
    phone = place.phone(DAVI)
    await place.bank.behaves(Weather(webhook="doubled"))
    await phone.says("oi", DAVI.document[:3], "1")
    await place.bank.receives(phone.pix_code())
    await place.moves(minutes=5)
    assert [words for words in phone.heard if "confirmado" in words] == [
        "Pagamento de R$ 189,00 confirmado. Obrigado, Davi! Está quitado."
    ]
    assert await place.ask("SELECT count(*) FROM payment") == 1


async def test_several_debts_can_be_paid_together_with_one_code(place: Town) -> None:
    """Asks which, or all; one payment settles both."""
    phone = place.phone(BRUNO)
    await phone.says("bom dia", BRUNO.document[:3])
    await phone.taps("Pagar agora", "Todas juntas")
    await place.bank.receives(phone.pix_code())
    assert phone.transcript() == story("pays_all_together")
    assert await place.ask("SELECT count(*) FROM debt WHERE state = 'paid'") == 2


async def test_one_of_several_debts_can_be_paid_by_its_number(place: Town) -> None:
    """Typed numbers pick from the list; what is left stays open and is told."""
    phone = place.phone(BRUNO)
    await phone.says("oi", BRUNO.document[:3], "1", "2")
    await place.bank.receives(phone.pix_code())
    assert await place.ask("SELECT count(*) FROM debt WHERE state = 'paid'") == 1
    await phone.says("menu")
    assert "Curso de inglês" not in phone.last
    assert "Material didático" in phone.last


async def test_asking_again_shows_the_same_charge_instead_of_making_another(place: Town) -> None:
    """One decision makes one charge."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3], "1")
    first = phone.pix_code()
    await phone.says("me manda o pix de novo")
    assert phone.pix_code() == first
    assert await place.ask("SELECT count(*) FROM charge") == 1


async def test_while_the_bank_is_away_the_code_comes_as_soon_as_it_is_back(place: Town) -> None:
    """Nothing is lost: the charge is repeated with the same txid."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await place.bank.behaves(Weather(down=True))
    await phone.taps("Pagar agora")
    await place.bank.behaves(Weather())
    await place.moves(minutes=1)
    assert await place.bank.amount_of(phone.pix_code()) == 34990
    assert await place.ask("SELECT count(*) FROM charge") == 1


async def test_a_partial_payment_is_thanked_and_what_is_open_is_told(place: Town) -> None:
    """The discount was for paying in full; the rest goes on costing what it costs."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3], "1")
    await place.bank.receives(phone.pix_code(), 10000)
    assert phone.last == (
        "Pagamento de R$ 100,00 confirmado. Obrigado, Ana! Ainda restam R$ 258,07; quando quiser, é só escrever *menu*."
    )


async def test_money_that_is_too_much_goes_to_people_and_not_into_the_till(place: Town) -> None:
    """A second payment of the same charge: thanked, kept in suspense, a ticket."""
    phone = place.phone(DAVI)
    await phone.says("oi", DAVI.document[:3], "1")
    code = phone.pix_code()
    await place.bank.receives(code, 20000)
    assert "R$ 11,00 passou do que era devido" in phone.last
    assert await place.ask("SELECT reason FROM ticket") == "payment"
    assert await place.ask("SELECT sum(amount_cents) FROM ledger_posting WHERE account = 'suspense'") == -1100


async def test_a_person_without_a_phone_number_is_answered_all_the_same(place: Town) -> None:
    """Known by user id alone: a neutral word, and a person on demand."""
    phone = place.phone(GABI)
    await phone.says("oi")
    assert phone.transcript() == story("stranger")


async def test_the_code_of_yesterday_is_replaced_by_the_amount_of_today(place: Town) -> None:
    """After its day a charge is not shown again; the new one costs what it costs then."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3], "1")
    first = phone.pix_code()
    await place.moves(days=6)
    await phone.says("quero pagar")
    assert phone.pix_code() != first
    assert await place.bank.amount_of(phone.pix_code()) == await place.ask(
        "SELECT max(amount_cents) FROM charge WHERE state = 'active'"
    )


async def test_who_pays_from_a_link_of_days_ago_is_thanked_by_a_template(place: Town) -> None:
    """Outside the 24-hour window nothing else goes out; nobody is left without an answer to their money."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Pagar agora")
    await place.moves(hours=30)
    await place.bank.receives(phone.pix_code())
    assert phone.last.startswith("Olá, Ana. Recebemos o seu pagamento de R$ ")
    assert await place.ask("SELECT state FROM debt WHERE external_id = $1", ANA.debts[0].external_id) == "paid"
    assert await place.ask("SELECT count(*) FROM ticket") == 0
