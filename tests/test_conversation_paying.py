"""Paying: today's amount part by part, one charge, the code alone, and thanks for what came in."""

from dataclasses import replace
from datetime import timedelta

import pytest

from flows import effects as fx
from flows.events import ChargeFailed, Pressed, TimerFired
from flows.facts import AgreementFact, Instalment, Rules, Settlement
from tests.talking import ANA, CREDITOR, TODAY, Chat, debt

EARLY = debt(late=-1)  # not due yet: no rule of the policy takes it
TWO = (debt(7, late=18, cents=15900, what="Curso"), debt(8, late=3, cents=8950, what="Material"))
AGREED = AgreementFact(
    offer_no=3,
    debt_id=7,
    total_cents=35900,
    state="active",
    instalments=(
        Instalment(n=1, due_on=TODAY - timedelta(days=30), amount_cents=11966, paid_cents=11966),
        Instalment(n=2, due_on=TODAY + timedelta(days=5), amount_cents=11966),
        Instalment(n=3, due_on=TODAY + timedelta(days=35), amount_cents=11968),
    ),
)


def test_the_three_ways_on_stand_in_their_order_under_what_is_owed() -> None:
    chat = Chat().types("oi", "529")
    assert "Mensalidade de outubro: R$ 359,00 hoje (venceu em 05/11/2026)" in chat.text
    assert chat.titles == ["Pagar agora", "Negociar", "Falar com atendente"]


@pytest.mark.parametrize("said", ["1", "1.", "pagar agora", "Quero pagar", "manda o pix", "pago hoje"])
def test_typing_pays_like_pressing(said: str) -> None:
    chat = Chat().known().types("menu", said)
    assert len(chat.all(fx.Charge)) == 1
    assert chat.all(fx.Typing) == [fx.Typing(message_id="wamid.1")]


def test_a_late_debt_is_charged_with_the_discount_in_force_and_until_its_day() -> None:
    [charge] = Chat().known().types("pagar").all(fx.Charge)
    [part] = charge.parts
    assert (part.principal_cents, part.fine_cents, part.interest_cents, part.discount_cents) == (34990, 700, 210, 910)
    assert (charge.amount_cents, charge.pay_until) == (34990, TODAY + timedelta(days=3))


def test_the_offer_behind_a_discount_is_sealed() -> None:
    chat = Chat().known().types("pagar")
    [sealed], [charge] = chat.all(fx.SealOffer), chat.all(fx.Charge)
    assert charge.offer_no == sealed.offer_no


def test_without_an_offer_the_amount_is_that_of_the_day() -> None:
    [charge] = Chat(debts=(EARLY,)).known().types("pagar").all(fx.Charge)
    assert (charge.amount_cents, charge.pay_until, charge.offer_no) == (34990, TODAY, None)


def test_without_a_policy_paying_goes_on() -> None:
    [charge] = Chat(in_force=None).known().types("pagar").all(fx.Charge)
    assert (charge.amount_cents, charge.pay_until) == (34990, TODAY)


def test_the_code_comes_alone_after_one_full_message() -> None:
    chat = Chat().known().types("pagar").charge_is_ready()
    first, second = chat.all(fx.Say)
    assert (first.picture_charge_no, first.link_charge_no) == (2, 2)
    assert second.code_charge_no == 2
    for line in (
        "Principal: R$ 349,90",
        "Multa: R$ 7,00",
        "Juros: R$ 2,10",
        "Desconto: −R$ 9,10",
        "Total: *R$ 349,90*",
    ):
        assert line in chat.text
    assert CREDITOR in chat.text


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (Rules(creditor_name=CREDITOR), "Quem recebe: Escola Aurora."),
        (Rules(creditor_name=CREDITOR, payee_name="AURORA ENSINO LTDA"), "Quem recebe: AURORA ENSINO LTDA."),
        (
            Rules(creditor_name=CREDITOR, creditor_document="11222333000181"),
            "Quem recebe: Escola Aurora, CNPJ 11.222.333/0001-81.",
        ),
    ],
)
def test_before_the_code_stands_who_the_bank_will_show(rules: Rules, said: str) -> None:
    assert said in Chat(rules=rules).known().types("pagar").charge_is_ready().text


def test_the_native_card_is_one_message_in_all() -> None:
    chat = Chat(rules=Rules(creditor_name=CREDITOR, native_card=True)).known().types("pagar").charge_is_ready()
    assert [say.card_charge_no for say in chat.all(fx.Say)] == [2]


def test_paying_again_shows_the_same_charge_instead_of_another() -> None:
    chat = Chat().known().types("pagar").charge_is_ready().types("pagar")
    assert chat.all(fx.Charge) == []
    assert [say.code_charge_no for say in chat.all(fx.Say)] == [None, 2]


def test_asking_again_while_the_code_is_being_made_is_answered() -> None:
    chat = Chat().known().types("pagar", "pagar")
    assert chat.all(fx.Charge) == []
    assert "Um instante" in chat.text


def test_tomorrow_costs_more_and_the_new_charge_takes_the_place_of_the_old() -> None:
    chat = Chat(debts=(debt(late=18),), in_force=None).known().types("pagar").charge_is_ready()
    chat.now += timedelta(days=1)
    [charge] = chat.types("pagar").all(fx.Charge)
    assert charge.replaces == (1,)


def test_of_two_debts_it_is_asked_which_or_both() -> None:
    chat = Chat(debts=TWO).known().types("pagar")
    assert chat.titles == ["Todas juntas", "Curso", "Material"]


def test_all_together_is_one_charge_with_the_parts_of_each() -> None:
    [charge] = Chat(debts=TWO).known().types("pagar").presses("Todas juntas").all(fx.Charge)
    assert [part.debt_id for part in charge.parts] == [7, 8]
    assert charge.amount_cents == 15900 + 8950


def test_one_of_two_is_picked_by_its_number() -> None:
    [charge] = Chat(debts=TWO).known().types("pagar", "3").all(fx.Charge)
    assert [part.debt_id for part in charge.parts] == [8]


def test_a_button_of_a_debt_that_is_paid_by_now_shows_the_present() -> None:
    chat = Chat(debts=(debt(8),)).known().hears(Pressed(action="pay", object_id=7))
    assert chat.all(fx.Charge) == []
    assert "aquela opção não vale mais" in chat.text
    assert chat.titles == ["Pagar agora", "Negociar", "Falar com atendente"]


def test_a_button_of_a_code_that_is_dead_by_now_charges_the_amount_of_today() -> None:
    chat = Chat().known().types("pagar").charge_is_ready()
    chat.now += timedelta(days=10)
    [charge] = chat.hears(Pressed(action="code", object_id=2)).all(fx.Charge)
    assert charge.pay_until >= chat.now.date()


def test_who_owes_nothing_is_told_that_all_is_settled() -> None:
    chat = Chat(debts=()).known().types("pagar")
    assert "não há nada em aberto" in chat.text


def test_under_an_agreement_the_next_open_instalment_is_charged() -> None:
    [charge] = Chat(debts=(debt(state="agreed"),), agreements=(AGREED,)).known().types("pagar").all(fx.Charge)
    assert (charge.amount_cents, charge.agreement_offer_no, charge.instalment_n) == (11966, 3, 2)
    assert charge.pay_until == TODAY + timedelta(days=7)  # due on a Saturday: payable on the Monday


def test_an_instalment_that_is_late_is_charged_until_today() -> None:
    late = replace(AGREED, instalments=(replace(AGREED.instalments[1], due_on=TODAY - timedelta(days=4)),))
    [charge] = Chat(debts=(debt(state="agreed"),), agreements=(late,)).known().types("pagar").all(fx.Charge)
    assert charge.pay_until == TODAY


def test_a_charge_that_fails_leads_to_another_try_or_a_person() -> None:
    chat = Chat().known().types("pagar").hears(ChargeFailed(charge_no=2, reason="provider_away"))
    assert chat.titles == ["Tentar de novo", "Falar com atendente"]
    assert chat.all(fx.Note) == [fx.Note(wording="note_charge_failed")]


def test_a_charge_that_nobody_paid_in_time_is_no_news() -> None:
    chat = Chat().known().types("pagar").hears(ChargeFailed(charge_no=2, reason="expired"))
    assert chat.effects == ()


def test_a_code_for_somebody_who_has_to_confirm_anew_is_not_shown() -> None:
    chat = Chat().known().types("pagar")
    chat.customer = None
    assert chat.charge_is_ready().effects == ()


@pytest.mark.parametrize(
    ("settlement", "said"),
    [
        (Settlement(amount_cents=34990, settled_debts=(7,)), "Está quitado"),
        (Settlement(amount_cents=20000, still_open_cents=15900), "Ainda restam R$ 159,00"),
        (
            Settlement(
                amount_cents=11966, instalment_n=1, instalments_left=2, next_due_on=TODAY, still_open_cents=23934
            ),
            "ainda restam R$ 239,34; o próximo pagamento vence em 23/11/2026",
        ),
        (Settlement(amount_cents=11968, agreement_settled=True, instalment_n=3), "totalmente pago"),
    ],
)
def test_a_payment_is_thanked_with_what_is_still_open(settlement: Settlement, said: str) -> None:
    chat = Chat().known().types("pagar").charge_is_ready().is_paid(settlement, charge_no=2)
    assert said in chat.text
    assert [say.purpose for say in chat.all(fx.Say)] == ["receipt"]
    assert isinstance(chat.effects[0], fx.Book)
    assert chat.owner == "bot"


def test_a_paid_debt_beside_an_open_one_is_not_called_all_settled() -> None:
    chat = Chat(debts=TWO, in_force=None).known().types("pagar", "2").charge_is_ready()
    chat.is_paid(Settlement(amount_cents=15900, settled_debts=(7,)), charge_no=1)
    assert "Ainda restam R$ 89,50" in chat.text


@pytest.mark.parametrize(
    ("settlement", "said"),
    [
        (Settlement(amount_cents=40000, settled_debts=(7,), surplus_cents=5010), "R$ 50,10 passou do que era devido"),
        (Settlement(amount_cents=34990, surplus_cents=34990, again=True), "já estava pago antes"),
        (Settlement(amount_cents=100, surplus_cents=100, known_charge=False), "Não consegui identificar"),
    ],
)
def test_money_that_settles_nothing_is_thanked_and_looked_at_by_a_person(settlement: Settlement, said: str) -> None:
    chat = Chat().known().types("pagar").charge_is_ready().is_paid(settlement, charge_no=2)
    assert said in chat.text
    assert [ticket.reason for ticket in chat.all(fx.OpenTicket)] == ["payment"]


def test_a_second_part_of_a_charge_is_no_double_payment() -> None:
    rest = Settlement(amount_cents=15000, settled_debts=(7,), again=True)
    chat = Chat().known().types("pagar").charge_is_ready().is_paid(rest, charge_no=2)
    assert "Está quitado" in chat.text
    assert chat.owner == "bot"


def test_a_payment_that_was_booked_before_is_not_thanked_twice() -> None:
    chat = (
        Chat().known().types("pagar").charge_is_ready().is_paid(Settlement(amount_cents=34990, again=True), charge_no=2)
    )
    assert chat.written == []


def test_a_payment_before_identity_is_booked_without_a_word() -> None:
    chat = Chat().types("oi").is_paid(Settlement(amount_cents=34990, settled_debts=(7,)))
    assert len(chat.all(fx.Book)) == 1
    assert chat.written == []
    assert chat.types("529").customer == ANA


def test_whoever_paid_is_not_asked_into_their_silence() -> None:
    chat = Chat().known().types("pagar").charge_is_ready()
    chat.is_paid(Settlement(amount_cents=34990, settled_debts=(7,)), charge_no=2)
    assert fx.ClearTimer(name="nudge") in chat.effects
    assert chat.hears(TimerFired(name="nudge")).effects == ()


@pytest.mark.parametrize(
    ("said", "charged"),
    [
        ("todas", {7, 8}),
        ("Todas juntas", {7, 8}),
        ("quero pagar tudo", {7, 8}),
        ("curso", {7}),
        ("Material de março", {8}),
        ("de março", {8}),
    ],
)
def test_what_to_pay_may_be_typed_as_its_row_says(said: str, charged: set[int]) -> None:
    two = (debt(7, late=18, cents=15900, what="Curso"), debt(8, late=3, cents=8950, what="Material de março"))
    [charge] = Chat(debts=two).known().types("pagar", said).all(fx.Charge)
    assert {part.debt_id for part in charge.parts} == charged


@pytest.mark.parametrize("said", ["compra", "compra 88", "tanto faz"])
def test_words_that_mean_no_one_row_choose_none(said: str) -> None:
    two = (debt(7, late=18, cents=15900, what="Compra 8841"), debt(8, late=3, cents=8950, what="Compra 8850"))
    assert Chat(debts=two).known().types("pagar", said).all(fx.Charge) == []
