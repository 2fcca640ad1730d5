"""The amount of another day, asked for in the chat: told beside today's, and charged until that day."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from flows import effects as fx
from flows.events import Pressed
from flows.facts import AgreementFact, Instalment
from tests.tables import table
from tests.talking import TODAY, Chat, debt, policy

TWO = (debt(7, late=18, cents=15900, what="Curso"), debt(8, late=3, cents=8950, what="Material"))
AGREED = AgreementFact(
    offer_no=3,
    debt_id=7,
    total_cents=23934,
    state="active",
    instalments=tuple(Instalment(n=n, due_on=TODAY + timedelta(days=30 * n - 25), amount_cents=11967) for n in (1, 2)),
)


def asked(said: str, **more: object) -> Chat:
    return Chat(**more).known().types("menu", said)  # type: ignore[arg-type]  # the fields of a chat


def test_the_amount_of_a_later_day_is_told_beside_todays_and_charged_until_then() -> None:
    chat = asked("Quanto fica se eu pagar sexta que vem?", debts=(debt(late=12),))
    [charge] = chat.all(fx.Charge)
    friday = TODAY + timedelta(days=4)
    assert (charge.pay_until, charge.replaces) == (friday, ())
    [part] = charge.parts
    # 16 days of 1 % a month on R$ 349,90, and the fine once; the cash offer of today ends on Thursday.
    assert (part.principal_cents, part.fine_cents, part.interest_cents, part.discount_cents) == (34990, 700, 187, 0)
    assert charge.amount_cents == 35877
    assert "Pagando até 27/11/2026, fica *R$ 358,77*. Hoje seria R$ 349,90." in chat.text
    assert "Juros: R$ 1,87" in chat.charge_is_ready().text


def test_an_offer_that_is_still_payable_on_the_day_counts() -> None:
    chat = asked("quanto fica se eu pagar quarta?")
    [charge], [sealed] = chat.all(fx.Charge), chat.all(fx.SealOffer)
    assert (charge.amount_cents, charge.pay_until) == (34990, TODAY + timedelta(days=2))
    assert (charge.offer_no, charge.parts[0].discount_cents) == (sealed.offer_no, sealed.offer.discount_cents)
    assert "Pagando até 25/11/2026, o valor continua *R$ 349,90*." in chat.text


def test_an_offer_that_was_shown_counts_no_longer_than_it_says() -> None:
    """The cash offer in the list ends on Thursday."""
    chat = Chat(debts=(debt(late=12),)).known().types("negociar")
    assert len(chat.offers) > 1
    [thursday] = chat.types("quanto fica quinta?").all(fx.Charge)
    [friday] = chat.types("quanto fica sexta?").all(fx.Charge)
    assert (thursday.amount_cents, friday.amount_cents) == (34990, 35877)


@pytest.mark.parametrize(
    *table("""
    said                                | day
    e se eu pagar dia 30?               | 2026-11-30
    qual o valor pra semana que vem?    | 2026-11-30
    qual o valor pra amanhã             | 2026-11-24
    posso pagar sexta? quanto fica?     | 2026-11-27
    e na sexta?                         | 2026-11-27
""")
)
def test_however_it_is_asked_the_charge_is_for_that_day(said: str, day: str) -> None:
    [charge] = asked(said).all(fx.Charge)
    assert charge.pay_until == date.fromisoformat(day)


@pytest.mark.parametrize("said", ["pago sexta", "vou pagar na sexta", "sexta eu pago"])
def test_a_promise_stays_a_promise(said: str) -> None:
    chat = asked(said, debts=(debt(late=40),))
    assert [promise.until for promise in chat.all(fx.Promise)] == [TODAY + timedelta(days=4)]
    assert chat.all(fx.Charge) == []


@pytest.mark.parametrize(
    *table("""
    said                        | late | words
    quanto fica no dia 23?      |  18  | Hoje fica *R$ 349,90*:
    quanto fica dia 24/12?      |  18  | Consigo informar valores até 23/12/2026. Hoje fica *R$ 349,90*:
    quanto fica dia 30/12?      |  -7  | -
    quanto fica dia 31/12?      |  -7  | Consigo informar valores até 30/12/2026. Hoje fica
    quanto fica dia 20/2/2027?  |  -7  | Consigo informar valores até 30/12/2026. Hoje fica
""")
)
def test_a_day_that_is_today_or_too_far_is_answered_with_todays_amount(said: str, late: int, words: str | None) -> None:
    chat = asked(said, debts=(debt(late=late),))
    if words is None:
        assert len(chat.all(fx.Charge)) == 1
    else:
        assert words in chat.text
        assert chat.titles == ["Pagar agora", "Negociar", "Falar com atendente"]
        assert chat.all(fx.Charge) == []


def test_a_day_that_has_passed_when_a_row_is_pressed_is_answered_with_todays_amount() -> None:
    chat = Chat().known().types("menu")
    chat.hears(Pressed(action="quote", object_id=7, version=(TODAY - timedelta(days=3)).toordinal()))
    assert "Hoje fica *R$ 349,90*:" in chat.text


def test_of_several_debts_one_is_chosen_and_the_day_is_remembered() -> None:
    chat = asked("quanto fica se eu pagar dia 30?", debts=TWO)
    assert "Estes são os valores para 30/11/2026." in chat.text
    assert chat.titles == ["Todas juntas", "Curso", "Material"]
    [charge] = chat.presses("Material").all(fx.Charge)
    assert [part.debt_id for part in charge.parts] == [8]
    assert charge.pay_until == date(2026, 11, 30)


@pytest.mark.parametrize("said", ["1", "todas juntas"])
def test_all_together_may_be_typed(said: str) -> None:
    [charge] = asked("quanto fica se eu pagar dia 30?", debts=TWO).types(said).all(fx.Charge)
    assert [part.debt_id for part in charge.parts] == [7, 8]
    assert charge.amount_cents == sum(part.total_cents for part in charge.parts)
    assert charge.pay_until == date(2026, 11, 30)


def test_what_stands_in_the_list_is_what_is_charged() -> None:
    chat = asked("quanto fica se eu pagar dia 30?", debts=TWO)
    listed = {choice.object_id: choice.detail for written in chat.written for choice in written.choices}
    for object_id in (-1, 7, 8):
        again = asked("quanto fica se eu pagar dia 30?", debts=TWO)
        again.hears(Pressed(action="quote", object_id=object_id, version=date(2026, 11, 30).toordinal()))
        [charge] = again.all(fx.Charge)
        reais = f"R$ {charge.amount_cents // 100},{charge.amount_cents % 100:02}"
        assert listed[object_id] == f"{reais}, pagando até 30/11/2026"


@pytest.mark.parametrize("first", [0, 1])
def test_too_far_for_one_of_several_is_too_far(first: int) -> None:
    debts = (TWO[0], debt(9, late=-20, what="Dezembro"))
    chat = asked("quanto fica dia 24/12?", debts=debts if first == 0 else debts[::-1])
    assert "Consigo informar valores até 23/12/2026." in chat.text
    assert chat.all(fx.Charge) == []


def test_what_is_under_an_agreement_is_its_next_instalment() -> None:
    chat = asked("quanto fica se eu pagar dia 30?", debts=(debt(state="agreed"),), agreements=(AGREED,))
    [charge] = chat.all(fx.Charge)
    assert (charge.amount_cents, charge.instalment_n) == (11967, 1)


def test_nothing_open_is_nothing_to_quote() -> None:
    chat = asked("quanto fica se eu pagar sexta?", debts=())
    assert "não há nada em aberto" in chat.text


def test_a_holiday_of_the_policy_costs_nothing_more() -> None:
    """Due on a day of the company's own: the day after is in time, the one after that is two days late."""
    sample = (Path(__file__).parent.parent / "flows/policies/padrao.yaml").read_bytes()
    with_day = policy(sample.replace(b"late_charges:", b"holidays: {own: [2026-11-24]}\nlate_charges:", 1))
    for rules, said, cents in (
        (with_day, "quanto fica dia 25?", 34990),
        (with_day, "quanto fica dia 26?", 34990 + 700 + 23),
        (policy(), "quanto fica dia 25?", 34990 + 700 + 12),
    ):
        [charge] = asked(said, debts=(debt(late=-1),), in_force=rules).all(fx.Charge)
        assert charge.amount_cents == cents


def test_the_question_waits_until_it_is_known_who_asks() -> None:
    chat = Chat().types("quanto fica se eu pagar dia 30?")
    assert chat.all(fx.Charge) == []
    assert "R$" not in chat.text
    [charge] = chat.types("529").all(fx.Charge)
    assert charge.pay_until == date(2026, 11, 30)


def test_the_same_question_shows_the_same_charge_and_another_day_replaces_it() -> None:
    chat = asked("quanto fica se eu pagar dia 30?").charge_is_ready().types("quanto fica se eu pagar dia 30?")
    assert chat.all(fx.Charge) == []
    [charge] = chat.types("e se eu pagar dia 28?").all(fx.Charge)
    assert charge.replaces == (1,)


def test_a_part_paid_late_goes_on_from_that_day() -> None:
    part_paid = replace(
        debt(late=18),
        open_principal_cents=20000,
        interest_from=TODAY - timedelta(days=8),
        interest_carried_cents=150,
        fine_paid_cents=700,
    )
    [charge] = asked("quanto fica dia 30?", debts=(part_paid,), in_force=None).all(fx.Charge)
    assert charge.parts[0].interest_cents == 150
    [charge] = asked("quanto fica dia 30?", debts=(part_paid,)).all(fx.Charge)
    # 15 days of 1 % a month on R$ 200,00
    assert (charge.parts[0].fine_cents, charge.parts[0].interest_cents) == (0, 250)
