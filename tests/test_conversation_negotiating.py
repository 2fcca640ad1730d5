"""Negotiating: the offers of the approved policy, one in full, and one agreement however often it is confirmed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from flows import effects as fx
from flows.events import Pressed
from flows.facts import Debt, Settlement
from flows.offers import InstalmentOffer
from tests.talking import TODAY, Chat, debt, policy

LONG = debt(late=75, cents=248000, what="Semestre letivo")
HUGE = debt(late=40, cents=2_500_000)
TWO = (debt(7, late=18, cents=35900, what="Curso"), debt(8, late=5, cents=18950, what="Material"))
TODAY_OR_NEVER = b"""
policy: hoje
title: Tudo hoje
currency: BRL
valid: {from: 2026-01-01, until: 2027-12-31}
late_charges: {fine_percent: 2.00, interest_percent_month: 1.00, grace_days: 0}
never_beyond: {discount_percent: 50.00, instalments: 48}
rules:
  - name: tudo
    offers:
      - {name: a-vista, kind: cash, discount_percent: {fine: 100.00}, pay_within_days: 0}
      - {name: longo, kind: instalments, count: {from: 1, to: 48}, entry_percent: 10.00, interest_percent_month: 2.00,
         discount_percent: {fine: 100.00}, first_due_within_days: 0}
"""


def reviewing() -> Chat:
    """Three instalments, read in full."""
    return Chat().known().types("negociar", "3")


def test_the_offers_of_the_policy_are_listed_with_their_totals_and_sealed_as_shown() -> None:
    chat = Chat().known().types("negociar")
    assert chat.titles == ["À vista: R$ 349,90", "2x de R$ 179,50", "3x de R$ 119,66"]
    assert [seal.offer_no for seal in chat.all(fx.SealOffer)] == [1, 2, 3]
    assert [choice.object_id for choice in chat.written[0].choices] == [1, 2, 3]
    assert {seal.policy_digest for seal in chat.all(fx.SealOffer)} == {policy().digest}


def test_an_offer_that_is_shown_again_keeps_its_number() -> None:
    chat = Chat().known().types("negociar", "negociar")
    assert chat.all(fx.SealOffer) == []
    assert [choice.object_id for choice in chat.written[0].choices] == [1, 2, 3]


def test_tomorrow_the_offers_have_other_numbers() -> None:
    chat = Chat().known().types("negociar")
    chat.now += timedelta(days=1)
    assert [choice.object_id for choice in chat.types("negociar").written[0].choices] == [4, 5, 6]


def test_every_offer_is_honoured_for_two_days_at_least() -> None:
    chat = Chat(in_force=policy(TODAY_OR_NEVER)).known().types("negociar")
    assert {seal.honoured_until for seal in chat.all(fx.SealOffer)} == {TODAY + timedelta(days=2)}


def test_more_than_ten_offers_are_grouped_and_all_can_be_reached() -> None:
    chat = Chat(debts=(LONG,)).known().types("negociar")
    first = chat.titles
    assert (first[0][:7], first[1], first[-1]) == ("À vista", "Combinar um dia", "Outras opções")
    assert [title.split("x")[0] for title in first[2:-1]] == ["2", "7", "12"]
    others = chat.presses("Outras opções").titles
    assert [title.split("x")[0] for title in others] == ["3", "4", "5", "6", "8", "9", "10", "11"]


def test_forty_eight_offers_can_all_be_reached() -> None:
    chat = Chat(debts=(LONG,), in_force=policy(TODAY_OR_NEVER)).known().types("negociar")
    seen = [t for t in chat.titles if "x de" in t]
    while "Outras opções" in chat.titles:
        chat.presses("Outras opções")
        seen += [t for t in chat.titles if "x de" in t]
    assert sorted(int(title.split("x")[0]) for title in seen) == list(range(1, 49))


def test_the_full_terms_name_every_date_and_amount_the_total_the_rate_and_the_cet() -> None:
    chat = Chat(debts=(LONG,)).known().types("negociar", "12x")
    [sealed] = [o for o in chat.offers if isinstance(o.offer, InstalmentOffer) and o.offer.count == 12]
    assert isinstance(sealed.offer, InstalmentOffer)
    for payment in sealed.offer.payments:
        amount = f"R$ {payment.amount_cents // 100},{payment.amount_cents % 100:02}"
        assert f"{amount} até {payment.due:%d/%m/%Y}" in chat.text
    assert "Juros: 0,99% ao mês, CET " in chat.text
    assert f"até {sealed.honoured_until:%d/%m/%Y}" in chat.text
    assert chat.titles == ["Confirmar", "Outro vencimento", "Ver outras opções"]


def test_what_interest_eats_of_a_discount_is_not_called_saved() -> None:
    chat = Chat(debts=(LONG,), in_force=policy(TODAY_OR_NEVER)).known().types("negociar", "48x")
    [sealed] = [o for o in chat.offers if isinstance(o.offer, InstalmentOffer) and o.offer.count == 48]
    assert isinstance(sealed.offer, InstalmentOffer)
    assert sealed.offer.discount_cents > 0
    assert sealed.offer.total_cents > sealed.offer.parts.total_cents
    assert "economiza" not in chat.text


def test_what_is_saved_in_all_is_said() -> None:
    chat = Chat(debts=(LONG,), in_force=policy(TODAY_OR_NEVER)).known().types("negociar", "1x")
    [sealed] = [o for o in chat.offers if isinstance(o.offer, InstalmentOffer) and o.offer.count == 1]
    assert isinstance(sealed.offer, InstalmentOffer)
    saved_cents = sealed.offer.parts.total_cents - sealed.offer.total_cents
    assert f"Você economiza: R$ {saved_cents // 100},{saved_cents % 100:02}" in chat.text


def test_a_cash_offer_says_what_it_saves() -> None:
    chat = Chat().known().types("negociar").presses("À vista: R$ 349,90")
    assert "Você paga R$ 349,90 até 26/11/2026" in chat.text
    assert "economiza R$ 9,10" in chat.text
    assert chat.titles == ["Confirmar", "Ver outras opções"]


def test_a_cash_offer_is_charged_as_it_was_shown() -> None:
    [charge] = Chat().known().types("negociar", "1", "sim").all(fx.Charge)
    assert (charge.amount_cents, charge.pay_until, charge.offer_no) == (34990, TODAY + timedelta(days=3), 1)


@pytest.mark.parametrize("way", ["Confirmar", "sim", "confirmo", "pode ser", "1"])
def test_confirming_makes_the_agreement_and_charges_its_first_payment(way: str) -> None:
    chat = reviewing()
    chat = chat.presses(way) if way == "Confirmar" else chat.types(way)
    assert [(a.offer_no, a.debt_id) for a in chat.all(fx.Agree)] == [(3, 7)]
    [charge] = chat.all(fx.Charge)
    assert (charge.amount_cents, charge.agreement_offer_no, charge.instalment_n) == (11966, 3, 1)
    assert [(paper.kind, paper.agreement_offer_no) for paper in chat.all(fx.SendPaper)] == [("terms", 3)]


def test_an_entry_is_charged_first() -> None:
    chat = Chat(debts=(LONG,)).known().types("negociar", "12x", "sim")
    [charge] = chat.all(fx.Charge)
    assert charge.instalment_n == 0
    assert "*Entrada do seu acordo*" in chat.charge_is_ready().text


def test_confirming_twice_makes_one_agreement_and_shows_where_it_stands() -> None:
    chat = reviewing()
    press = Pressed(action="accept", object_id=3)
    chat.hears(press).hears(press)
    assert chat.all(fx.Agree) == []
    assert "Seu acordo de Mensalidade de outubro está valendo" in chat.text
    assert chat.titles == [
        "Pagar a próxima",
        "Quitar tudo hoje",
        "Mudar a data",
        "Rever o acordo",
        "Falar com atendente",
    ]


def test_confirming_twice_shows_the_agreement_though_another_debt_is_open() -> None:
    chat = Chat(debts=TWO).known().types("negociar", "1", "2x", "sim")
    assert chat.all(fx.Agree)
    again = chat.hears(Pressed(action="accept", object_id=chat.agreements[0].offer_no))
    assert "Seu acordo de Curso está valendo" in again.text


def test_under_an_agreement_negotiating_says_that_it_stands() -> None:
    chat = reviewing().types("sim", "negociar")
    assert "está valendo" in chat.text


@pytest.mark.parametrize("way", ["button", "dia 15", "15"])
def test_another_due_day_moves_the_later_payments_and_is_sealed_too(way: str) -> None:
    chat = reviewing()
    if way != "dia 15":
        chat.presses("Outro vencimento")
    chat = chat.presses("Dia 15") if way == "button" else chat.types(way)
    assert "2ª: R$ 119,66 até 15/01/2027" in chat.text
    assert [seal.offer_no for seal in chat.all(fx.SealOffer)] == [4]
    assert chat.types("sim").all(fx.Agree)[0].offer_no == 4


@pytest.mark.parametrize("said", ["não", "outras", "ver outras opções"])
def test_no_leads_back_to_the_offers(said: str) -> None:
    chat = reviewing().types(said)
    assert chat.place == "choosing_offer"
    assert chat.all(fx.Agree) == []


def test_a_yes_after_something_else_was_asked_agrees_to_nothing() -> None:
    chat = reviewing().types("por que recebi isso?", "sim")
    assert chat.all(fx.Agree) == []
    assert chat.all(fx.Charge) == []


def withdrawn(chat: Chat) -> None:
    chat.in_force = None


def too_late(chat: Chat) -> None:
    chat.now += timedelta(days=6)


def part_paid(chat: Chat) -> None:
    chat.debts = (replace(chat.debts[0], open_principal_cents=20000, interest_from=TODAY),)


def corrected(chat: Chat) -> None:
    chat.debts = (debt(cents=30000),)


@pytest.mark.parametrize("change", [too_late, part_paid, corrected])
def test_an_old_button_agrees_to_nothing_and_shows_what_is_on_offer_today(change: Callable[[Chat], None]) -> None:
    chat = reviewing()
    change(chat)
    chat.hears(Pressed(action="accept", object_id=3))
    assert chat.all(fx.Agree) == []
    assert "Aquela opção não vale mais" in chat.text
    assert chat.place == "choosing_offer"


def test_what_was_shown_is_honoured_though_the_policy_was_withdrawn() -> None:
    chat = reviewing()
    withdrawn(chat)
    assert chat.types("sim").all(fx.Agree)[0].offer_no == 3


def test_dates_that_are_over_are_counted_anew_and_read_again_before_anybody_agrees() -> None:
    chat = Chat(in_force=policy(TODAY_OR_NEVER)).known().types("negociar", "48x")
    chat.now += timedelta(days=1)
    chat.types("sim")
    assert chat.all(fx.Agree) == []
    assert f"Entrada: R$ 35,20 até {TODAY + timedelta(days=1):%d/%m/%Y}" in chat.text
    assert len(chat.types("sim").all(fx.Agree)) == 1


def test_the_button_of_a_broken_agreement_makes_no_second_one() -> None:
    chat = reviewing().types("sim")
    chat.agreements, chat.debts = (), (debt(),)
    assert chat.hears(Pressed(action="accept", object_id=3)).all(fx.Agree) == []


def test_an_offer_of_a_debt_that_was_paid_meanwhile_lands_on_the_present() -> None:
    chat = reviewing().is_paid(Settlement(amount_cents=34990, settled_debts=(7,)))
    chat.hears(Pressed(action="accept", object_id=3))
    assert chat.all(fx.Agree) == []
    assert "não há nada em aberto" in chat.text


def test_of_two_debts_it_is_asked_which() -> None:
    chat = Chat(debts=TWO).known().types("negociar")
    assert chat.titles == ["Curso", "Material"]
    assert chat.presses("Material").text.startswith("*Material*: R$ ")


def test_the_policy_can_leave_a_debt_to_people() -> None:
    chat = Chat(debts=(HUGE,)).known().types("negociar")
    assert chat.all(fx.OpenTicket) == [fx.OpenTicket(reason="policy", queue="financeiro", debt_id=7)]
    assert chat.owner == "person"


@pytest.mark.parametrize("chat", [Chat(in_force=None), Chat(debts=(debt(late=-1),))])
def test_where_nothing_is_on_offer_there_is_paying_and_a_person(chat: Chat) -> None:
    chat.known().types("negociar")
    assert chat.titles == ["Pagar agora", "Falar com atendente"]


def test_a_promise_is_taken_by_its_row() -> None:
    chat = Chat(debts=(LONG,)).known().types("negociar").presses("Combinar um dia")
    assert chat.all(fx.Promise) == [fx.Promise(debt_id=7, until=TODAY + timedelta(days=7), offer_no=2)]


def test_a_promise_is_taken_in_words_within_what_the_policy_allows() -> None:
    [promise] = Chat(debts=(LONG,)).known().types("pago sexta").all(fx.Promise)
    assert promise.until == date(2026, 11, 27)


@pytest.mark.parametrize(("debts", "said"), [((LONG,), "pago dia 20/12"), ((debt(),), "pago sexta")])
def test_a_promise_that_the_policy_does_not_take_leads_to_what_can_be_done(debts: tuple[Debt, ...], said: str) -> None:
    chat = Chat(debts=debts).known().types(said)
    assert chat.all(fx.Promise) == []
    assert chat.titles == ["Pagar agora", "Negociar", "Falar com atendente"]


def test_forty_eight_payments_are_all_read_before_the_question() -> None:
    chat = Chat(debts=(LONG,), in_force=policy(TODAY_OR_NEVER)).known().types("negociar", "48x")
    dates, terms = chat.written
    assert dates.body.count(" até ") == 49
    assert terms.choices


def test_a_sealed_offer_is_kept_whole() -> None:
    chat = Chat().known().types("negociar")
    assert {sealed.offer.rule for sealed in chat.offers} == {"atraso-recente"}
    assert {seal.facts["principal"] for seal in chat.all(fx.SealOffer)} == {34990}
