"""The policy's own holidays: read to the letter, said aloud, and heard by whatever costs something."""

from datetime import date
from decimal import Decimal

import pytest

from bot.texts import read_texts
from flows.agreement_life import life_from, life_json
from flows.explain import explain
from flows.negotiation import DebtFacts, decide
from flows.policy_warnings import warnings_of
from payments.late_charges import NO_OTHERS, Holidays
from tests.test_policy import mistakes, policy_with, read

DUE = date(2026, 7, 9)  # a Thursday; the state's day in São Paulo
BEFORE = "late_charges:"


def holidays(written: str) -> tuple[str, str]:
    return (BEFORE, f"holidays: {written}\n{BEFORE}")


def test_without_the_key_nobody_has_other_holidays() -> None:
    assert read().terms.holidays == NO_OTHERS
    assert "holidays" not in life_json(read().life)


def test_a_debt_due_on_the_states_day_costs_nothing_more_until_the_next() -> None:
    policy, debt = read(holidays("{state: SP, own: [2026-07-10]}")), DebtFacts(principal_cents=10000, due=DUE)
    assert policy.terms.holidays == Holidays(state="SP", own=frozenset([date(2026, 7, 10)]))
    monday, tuesday = decide(policy, debt, date(2026, 7, 13)), decide(policy, debt, date(2026, 7, 14))
    assert (monday.days_overdue, monday.cost.total_cents) == (0, 10000)
    assert (tuesday.days_overdue, tuesday.cost.fine_cents) == (5, 200)
    assert decide(read(), debt, date(2026, 7, 10)).days_overdue == 1


def test_an_agreement_keeps_the_holidays_it_was_sealed_with() -> None:
    life = read(holidays("{state: SP, own: [2026-07-10]}")).life
    assert life_from(life_json(life)) == life
    assert life.late.fine_percent == Decimal("2.00")


@pytest.mark.parametrize(
    ("written", "line", "path", "reason"),
    [
        ("{state: XX}", 8, "holidays.state", "no state"),
        ("{state: São Paulo Capital}", 8, "holidays.state", "no state"),
        ("{state: [SP]}", 8, "holidays.state", "no name"),
        ("{own: [2026-02-30]}", 8, "holidays.own[0]", "not in the calendar"),
        ("{own: [25/01/2026]}", 8, "holidays.own[0]", "no date"),
        ("{own: 2026-01-25}", 8, "holidays.own", "a list belongs"),
        ("\n  own:\n    - 2026-01-25\n    - 2026-01-26\n    - 2026-01-25", 12, "holidays.own[2]", "twice (line 10)"),
        ("{city: Santos}", 8, "holidays.city", "unknown"),
    ],
)
def test_a_mistake_in_the_holidays_is_told_with_its_line(written: str, line: int, path: str, reason: str) -> None:
    found = mistakes(policy_with(holidays(written)))
    assert len(found) == 1
    assert found[0].startswith(f"padrao.yaml:{line}:")
    assert path in found[0]
    assert reason in found[0]


def test_a_day_outside_the_validity_is_warned_of() -> None:
    change = holidays("{own: [2026-01-25, 2062-01-25]}")
    (warning,) = warnings_of(read(change), policy_with(change), name="padrao.yaml")
    assert (warning.line, warning.path) == (8, "holidays.own[1]")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "{state: SP, own: [2026-01-25]}",
            "Em fins de semana, feriados bancários, feriados de SP e em 25/01/2026 ninguém precisa pagar:"
            " vale o dia seguinte.",
        ),
        ("{state: RJ}", "Em fins de semana, feriados bancários e feriados de RJ ninguém precisa pagar"),
        ("{own: [2026-12-31, 2026-12-24]}", "feriados bancários e em 24/12/2026, 31/12/2026 ninguém precisa pagar"),
    ],
)
def test_the_holidays_are_said_in_a_sentence(written: str, said: str) -> None:
    assert said in "\n".join(explain(read(holidays(written)), read_texts("pt_BR")))
