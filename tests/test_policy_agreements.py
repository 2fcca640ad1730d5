"""What a policy says of agreements and of incoming money: read to the letter, refused with its line, said aloud."""

from decimal import Decimal

import pytest

from bot.texts import read_texts
from flows.agreement_life import UNWRITTEN, life_from, life_json
from flows.explain import explain
from flows.policy import Policy, read_policy

BASE = """policy: teste
title: Teste
currency: BRL
valid: {from: 2026-01-01, until: 2027-12-31}
late_charges: {fine_percent: 2.00, interest_percent_month: 1.00}
never_beyond: {discount_percent: 30.00, instalments: 12}
rules: [{name: todas, ticket: financeiro}]
"""


def read(more: str) -> Policy:
    found = read_policy((BASE + more).encode(), name="p.yaml")
    assert isinstance(found, Policy), found
    return found


def said(more: str) -> str:
    return "\n".join(explain(read(more), read_texts("pt_BR")))


def test_without_the_keys_the_law_orders_and_nothing_ends_by_itself() -> None:
    policy = read("")
    assert policy.allocation.order.parts == ("interest", "fine", "principal")
    assert (policy.life.can_break, policy.life.date_changes, policy.life.renegotiations) == (False, 0, 0)
    assert policy.life.late == policy.terms
    assert "nunca termina sozinho" in said("")


def test_the_keys_are_read_to_the_letter_and_said_aloud() -> None:
    more = """allocation: {parts: [fine, interest, principal], debts: dearest_first}
agreements:
  broken: {days_late: 30, missed: 3}
  warn_days_before: 5
  date_change: {times: 2, within_days: 10}
  renegotiations: 1
"""
    policy = read(more)
    assert policy.allocation.order.parts == ("fine", "interest", "principal")
    assert policy.allocation.order.dearest_first
    life = policy.life
    assert (life.broken_days_late, life.broken_missed, life.warn_days_before) == (30, 3, 5)
    assert (life.date_changes, life.date_change_days, life.renegotiations) == (2, 10, 1)
    assert life_from(life_json(life)) == life
    text = said(more)
    assert "mais onerosa: multa, juros, principal" in text
    assert "mais de 30 dias em atraso, ou com 3 parcelas em atraso" in text
    assert "no máximo 10 dias" in text


@pytest.mark.parametrize(
    ("more", "mistake"),
    [
        ("allocation: {parts: [interest, principal]}", "p.yaml:8: allocation.parts: the order needs each of"),
        ("allocation: {parts: [interest, fine, juros]}", "p.yaml:8: allocation.parts[2]"),
        ("allocation: {debts: newest_first}", "p.yaml:8: allocation.debts"),
        ("agreements: {broken: {}}", "p.yaml:8: agreements.broken"),
        ("agreements: {broken: {days_late: 0}}", "p.yaml:8: agreements.broken.days_late"),
        ("agreements: {warn_days_before: 0}", "p.yaml:8: agreements.warn_days_before"),
        ("agreements: {date_change: {times: 1}}", "p.yaml:8: agreements.date_change"),
        ("agreements: {date_change: {times: 1, within_days: 61}}", "p.yaml:8: agreements.date_change.within_days"),
        ("agreements: {renegotiations: -1}", "p.yaml:8: agreements.renegotiations"),
        ("agreements: {renegotiation: 1}", "p.yaml:8: agreements.renegotiation: the key is unknown"),
    ],
)
def test_a_mistake_is_told_with_its_line(more: str, mistake: str) -> None:
    found = read_policy((BASE + more + "\n").encode(), name="p.yaml")
    assert isinstance(found, tuple)
    assert str(found[0]).startswith(mistake), [str(one) for one in found]


def test_offers_sealed_before_there_were_such_rules_have_none() -> None:
    assert life_from(None) == UNWRITTEN
    assert UNWRITTEN.late.fine_percent == Decimal(0)
