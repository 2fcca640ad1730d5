"""The life of an agreement: paid on its day, late, ahead, moved, renegotiated, broken after a warning."""

from bot.sandbox.people import ANA, CARLA
from tests.stories.transcripts import story
from tests.town import Town

MONEY = """
SELECT coalesce(sum(p.amount_cents) FILTER (WHERE p.account = $1), 0)::bigint FROM ledger_posting p
"""


async def agreed(place: Town, count: str) -> str:
    """Carla agrees to so many instalments; return the id of her debt."""
    phone = place.phone(CARLA)
    await phone.says("oi", CARLA.document[:3])
    await phone.taps("Negociar", "Outras opções")
    title = next(c for c in phone.choices() if c.startswith(count))
    await phone.taps(title, "Confirmar")
    return CARLA.debts[0].external_id


async def test_six_instalments_one_late_one_ahead_and_the_rest_at_once(place: Town) -> None:
    """Late costs what the terms said; settling at once takes off the interest that has not run."""
    phone = place.phone(CARLA)
    debt = await agreed(place, "6x")
    await place.bank.receives(phone.pix_code())  # the entry
    await place.moves(days=40)  # the first instalment is late
    await phone.says("meu acordo")
    await phone.taps("Pagar a próxima")
    await place.bank.receives(phone.pix_code())
    await phone.says("quero quitar tudo")
    await place.bank.receives(phone.pix_code())
    assert phone.transcript() == story("agreement_settled_at_once")
    assert await place.ask("SELECT state FROM debt WHERE external_id = $1", debt) == "paid"
    assert await place.ask("SELECT (state, ended_because) = ('settled', 'paid') FROM agreement") is True
    assert await place.ask("SELECT sum(forgiven_cents) > 0 FROM instalment") is True
    agreement = await place.ask("SELECT id FROM agreement")
    assert await place.ask(MONEY, f"agreement:{agreement}") == 0
    assert await place.ask("SELECT sum(amount_cents) FROM ledger_posting") == 0


async def test_an_agreement_that_is_not_paid_is_broken_after_a_kind_word(place: Town) -> None:
    """Told five days before; then the debt is back less what was paid, and nothing of it is lost."""
    phone = place.phone(CARLA)
    debt = await agreed(place, "6x")
    await place.bank.receives(phone.pix_code())  # the entry
    for _ in range(16):
        await place.moves(days=5)
    await phone.says("oi")
    assert phone.transcript() == story("agreement_broken")
    assert await place.ask("SELECT state FROM debt WHERE external_id = $1", debt) == "open"
    assert await place.ask("SELECT (state, ended_because) = ('broken', 'late') FROM agreement") is True
    assert await place.ask("SELECT count(*) FROM charge WHERE state IN ('requested', 'active')") == 0
    agreement = await place.ask("SELECT id FROM agreement")
    assert await place.ask(MONEY, f"agreement:{agreement}") == 0
    await phone.taps("Pagar agora")
    await place.bank.receives(phone.pix_code())
    assert await place.ask("SELECT state FROM debt WHERE external_id = $1", debt) == "paid"
    assert await place.ask("SELECT sum(surplus_cents) FROM payment") == 0


async def test_a_date_is_moved_once_and_for_the_same_amount(place: Town) -> None:
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Negociar", "3x de R$ 119,35", "Confirmar")
    old = phone.pix_code()
    await phone.says("preciso mudar a data")
    await phone.taps(phone.choices()[-1])
    moved = phone.last
    assert "agora vence em" in moved
    assert await place.bank.refuses(old) == "removed"
    await phone.says("quero mudar a data da parcela")
    assert "não pode ser mudada por aqui" in phone.last
    await phone.taps("Pagar a próxima")
    assert await place.bank.amount_of(phone.pix_code()) == 11935


async def test_a_new_agreement_takes_the_place_of_the_old_one_when_it_is_confirmed_and_only_once(place: Town) -> None:
    phone = place.phone(CARLA)
    await agreed(place, "6x")
    await place.bank.receives(phone.pix_code())
    await phone.says("quero renegociar")
    assert await place.ask("SELECT count(*) FROM agreement WHERE state = 'active'") == 1
    title = next(c for c in phone.choices() if c.startswith("7x"))
    await phone.taps(title)
    assert await place.ask("SELECT state FROM agreement") == "active"
    await phone.taps("Confirmar")
    assert await place.ask("SELECT count(*) FROM agreement WHERE ended_because = 'renegotiated'") == 1
    assert await place.ask("SELECT count(*) FROM agreement WHERE state = 'active' AND instead_of IS NOT NULL") == 1
    await place.bank.receives(phone.pix_code())
    await phone.says("quero renegociar")
    assert await place.ask("SELECT reason FROM ticket") == "renegotiation"


async def test_after_a_promise_that_was_not_kept_there_is_one_question_and_no_second(place: Town) -> None:
    phone = place.phone(CARLA)
    await phone.says("oi", CARLA.document[:3])
    await phone.taps("Negociar", "Combinar um dia")
    before = len(phone.heard)
    for _ in range(15):
        await place.moves(days=1)
    assert len(phone.heard) == before + 1
    assert "ainda consta em aberto" in phone.last
    assert phone.choices() == ["Pagar agora", "Negociar", "Falar com atendente"]
