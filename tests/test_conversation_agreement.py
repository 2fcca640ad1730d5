"""An agreement in force, in the chat: what can be done with it, and what is said before and when it ends."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from flows import effects as fx
from flows.agreement_life import AgreementLife
from flows.events import Pressed, TimerFired
from flows.facts import AgreementFact, Instalment
from payments.late_charges import Terms
from tests.talking import NOW, TODAY, Chat, debt

LIFE = AgreementLife(
    late=Terms(fine_percent=Decimal("2.00"), interest_percent_month=Decimal("1.00")),
    broken_days_late=10,
    warn_days_before=3,
    date_changes=1,
    date_change_days=7,
    renegotiations=1,
)
DUE = TODAY + timedelta(days=4)  # a Friday


def agreement(life: AgreementLife = LIFE, *, first: date = DUE, moved_from: date | None = None) -> AgreementFact:
    return AgreementFact(
        offer_no=3,
        debt_id=7,
        total_cents=36_000,
        state="active",
        instalments=(
            Instalment(n=1, due_on=first, amount_cents=12_000, moved_from=moved_from),
            Instalment(n=2, due_on=date(2027, 1, 5), amount_cents=12_000),
            Instalment(n=3, due_on=date(2027, 2, 5), amount_cents=12_000),
        ),
        life=life,
        interest_percent_month=Decimal("0.99"),
        cet_percent_year=Decimal("12.00"),
        restored=debt(),
    )


def chat(made: AgreementFact | None = None, **changed: Any) -> Chat:
    return Chat(debts=(debt(state="agreed"),), agreements=(made or agreement(),), **changed).known()


@pytest.mark.parametrize(
    ("said", "effect"),
    [
        ("quero quitar tudo", fx.Charge),
        ("posso antecipar as parcelas?", fx.Charge),
        ("dá pra quitar o acordo?", fx.Charge),
        ("quero renegociar", fx.SealOffer),
        ("quero mudar o acordo", fx.SealOffer),
    ],
)
def test_what_people_want_of_an_agreement_is_understood(said: str, effect: type[Any]) -> None:
    assert chat().types(said).all(effect), said


@pytest.mark.parametrize(
    "said", ["preciso mudar a data", "dá pra adiar a parcela?", "quero trocar o vencimento", "passar pra outro dia"]
)
def test_another_date_is_asked_for_in_many_words(said: str) -> None:
    assert "Que dia fica melhor" in chat().types(said).text


def test_without_an_agreement_the_same_words_lead_to_what_is_open() -> None:
    assert Chat().known().types("quero quitar tudo").all(fx.Charge)
    assert Chat().known().types("quero renegociar").all(fx.SealOffer)


def test_all_at_once_is_one_charge_of_all_instalments_less_the_interest_that_has_not_run() -> None:
    [charge] = chat().types("quero quitar tudo").all(fx.Charge)
    assert [part.instalment_n for part in charge.parts] == [1, 2, 3]
    assert charge.amount_cents == sum(p.principal_cents - p.discount_cents for p in charge.parts)
    assert [p.discount_cents > 0 for p in charge.parts] == [True, True, True]
    assert (charge.pay_until, charge.instalment_n, charge.agreement_offer_no) == (TODAY, None, 3)


def test_a_late_instalment_is_charged_with_what_lateness_costs_and_says_so() -> None:
    late = chat(agreement(first=TODAY - timedelta(days=5)))
    [charge] = late.types("pagar").all(fx.Charge)
    [cost] = charge.parts
    # 120.00: 2.40 of fine, and 5 days of 1 % a month.
    assert (cost.principal_cents, cost.fine_cents, cost.interest_cents) == (12_000, 240, 20)
    assert "Multa: R$ 2,40" in late.charge_is_ready().text


def test_only_the_permitted_days_are_offered_and_the_amount_stays() -> None:
    asked = chat().types("mudar a data")
    assert asked.titles[0] == "30/11/2026"  # the Monday after
    assert asked.titles[-1] == "04/12/2026"  # seven days at most
    asked.presses("02/12/2026")
    assert asked.all(fx.MoveInstalment) == [fx.MoveInstalment(debt_id=7, n=1, due_on=date(2026, 12, 2))]
    assert "R$ 120,00" in asked.text


@pytest.mark.parametrize(
    "made",
    [
        agreement(moved_from=DUE - timedelta(days=2)),  # once is what the rules say
        agreement(first=TODAY - timedelta(days=1)),  # late already
        agreement(replace(LIFE, date_changes=0)),
    ],
)
def test_a_date_that_cannot_be_moved_leads_to_what_can_be_done(made: AgreementFact) -> None:
    said = chat(made).types("quero mudar a data")
    assert "não pode ser mudada por aqui" in said.text
    assert "Falar com atendente" in said.titles
    assert "Mudar a data" not in said.titles


def test_a_day_that_is_not_permitted_is_not_taken_from_an_old_button() -> None:
    far = Pressed(action="move_date", object_id=7, version=date(2027, 3, 1).toordinal())
    assert chat().hears(far).all(fx.MoveInstalment) == []


def test_a_button_of_an_agreement_that_is_over_shows_the_present() -> None:
    over = Chat(debts=(debt(),)).known()
    for action in ("settle_all", "move_date", "renegotiate"):
        said = over.hears(Pressed(action=action, object_id=7))
        assert said.titles == ["Pagar agora", "Negociar", "Falar com atendente"]


def test_renegotiating_shows_plans_only_and_the_present_agreement_stands_until_one_is_confirmed() -> None:
    talk = chat().types("quero renegociar")
    assert "só toma o lugar do atual quando você confirmar" in talk.text
    assert not any("vista" in title for title in talk.titles)
    talk.presses("2x de R$ 179,50", "Confirmar")
    assert [effect.renegotiated for effect in talk.all(fx.Agree)] == [True]


def test_after_looking_elsewhere_the_present_agreement_is_what_counts() -> None:
    talk = chat().types("quero renegociar", "menu", "negociar")
    assert "está valendo" in talk.text


@pytest.mark.parametrize("ended", [1, 2])
def test_more_often_than_the_rules_say_a_person_decides(ended: int) -> None:
    talk = chat()
    talk.debts = (debt(state="agreed", agreements_ended=ended),)
    assert talk.types("quero renegociar").all(fx.OpenTicket)


def test_after_as_many_ended_agreements_as_the_policy_permits_people_decide_on_the_open_debt_too() -> None:
    assert Chat(debts=(debt(agreements_ended=1),)).known().types("negociar").all(fx.OpenTicket) == []
    assert Chat(debts=(debt(agreements_ended=2),)).known().types("negociar").all(fx.OpenTicket)


def fires(talk: Chat, on: date) -> Chat:
    talk.now = datetime.combine(on, NOW.time(), UTC)
    return talk.hears(TimerFired(name="agreement", subject=7))


def test_nothing_is_said_while_an_agreement_is_paid_on_its_days() -> None:
    talk = fires(chat(), TODAY + timedelta(days=1))
    assert talk.all(fx.Say) == []
    [timer] = talk.all(fx.SetTimer)
    # Broken 11 days after the payable day; the word comes three days before, on the next banking day at ten.
    assert timer.fire_at.date() == DUE + timedelta(days=10)  # the 5th of December is a Saturday


def test_first_a_word_then_the_end_and_never_the_end_without_the_word() -> None:
    talk = fires(chat(), DUE + timedelta(days=30))
    assert talk.all(fx.EndAgreement) == []
    assert "Queremos manter o acordo com você" in talk.text
    assert [say.template for say in talk.all(fx.Say)] == ["acordo_em_atraso"]
    [timer] = talk.all(fx.SetTimer)
    talk = fires(talk, timer.fire_at.date())
    [ended] = talk.all(fx.EndAgreement)
    assert (ended.debt_id, ended.because) == (7, "late")
    assert "terminou porque as parcelas não foram pagas" in talk.text
    assert fires(talk, timer.fire_at.date() + timedelta(days=9)).effects == ()


def test_who_pays_after_the_word_keeps_the_agreement_and_is_told_anew_another_time() -> None:
    talk = fires(chat(), DUE + timedelta(days=9))
    assert "Queremos manter" in talk.text
    [made] = talk.agreements
    paid = replace(made.instalments[0], paid_cents=12_000)
    talk.agreements = (replace(made, instalments=(paid, *made.instalments[1:])),)
    talk = fires(talk, DUE + timedelta(days=12))
    assert (talk.all(fx.EndAgreement), talk.all(fx.Say)) == ([], [])
    assert talk.all(fx.SetTimer)
    assert "Queremos manter" in fires(talk, date(2027, 1, 20)).text


def test_who_asked_for_no_more_messages_is_a_case_for_people() -> None:
    talk = fires(chat(opted_out=True), DUE + timedelta(days=9))
    assert [ticket.reason for ticket in talk.all(fx.OpenTicket)] == ["agreement_late"]
    assert talk.all(fx.Say) == []


def test_while_a_person_of_ours_has_the_conversation_nothing_is_broken() -> None:
    talk = chat().types("quero falar com um atendente")
    talk = fires(talk, DUE + timedelta(days=60))
    assert (talk.all(fx.EndAgreement), talk.all(fx.Say)) == ([], [])
    assert talk.all(fx.SetTimer)


def test_without_a_rule_an_agreement_is_never_broken_by_itself() -> None:
    assert fires(chat(agreement(replace(LIFE, broken_days_late=None))), date(2028, 1, 5)).effects == ()


def promised(**changed: Any) -> Chat:
    return Chat(debts=(debt(promised_until=TODAY, promises=1),), **changed).known()


def asked(talk: Chat, on: date = TODAY + timedelta(days=1)) -> Chat:
    talk.now = datetime.combine(on, NOW.time(), UTC)
    return talk.hears(TimerFired(name="promise", subject=7))


def test_a_promise_that_was_not_kept_leads_to_one_kind_question() -> None:
    talk = asked(promised())
    assert "ainda consta em aberto" in talk.text
    assert talk.titles == ["Pagar agora", "Negociar", "Falar com atendente"]


@pytest.mark.parametrize(
    "talk",
    [
        promised(opted_out=True),
        Chat(debts=(debt(promised_until=TODAY + timedelta(days=9), promises=2),)).known(),  # promised anew meanwhile
        Chat(debts=(debt(state="paid"),)).known(),
        Chat(debts=(debt(state="agreed", promised_until=TODAY),), agreements=(agreement(),)).known(),
        promised().types("quero falar com um atendente"),
    ],
)
def test_nobody_is_asked_who_need_not_be(talk: Chat) -> None:
    assert asked(talk).all(fx.Say) == []


def test_one_more_promise_is_taken_and_no_third() -> None:
    long_ago = Chat(debts=(debt(late=60, promises=1),)).known()
    assert "Combinar um dia" in long_ago.types("negociar").titles
    assert "Combinar um dia" not in Chat(debts=(debt(late=60, promises=2),)).known().types("negociar").titles


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("quero o recibo", "receipt"),
        ("me manda o comprovante por favor", "receipt"),
        ("recibo", "receipt"),
        ("preciso do termo de quitação", "quittance"),
        ("pode mandar o contrato do acordo?", "terms"),
        ("tem como pôr no calendário?", "calendar"),
    ],
)
def test_a_paper_is_sent_to_who_asks_for_it(said: str, kind: str) -> None:
    assert [paper.kind for paper in chat().types(said).all(fx.SendPaper)] == [kind]


@pytest.mark.parametrize("said", ["já paguei, segue o comprovante", "enviei o comprovante ontem", "acabei de pagar"])
def test_who_sends_a_receipt_does_not_get_one(said: str) -> None:
    assert chat().types(said).all(fx.SendPaper) == []


def test_papers_that_there_are_not_lead_to_what_can_be_done() -> None:
    assert Chat().known().types("me manda o contrato do acordo").titles == [
        "Pagar agora",
        "Negociar",
        "Falar com atendente",
    ]


def test_before_it_is_known_who_is_there_no_paper_is_sent() -> None:
    assert Chat().types("quero o recibo").all(fx.SendPaper) == []
