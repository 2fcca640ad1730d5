"""What the policy makes of a debt, to the centavo and the day; and what holds for every policy and every debt."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.negotiation import (
    DebtFacts,
    Decision,
    accepted_on,
    best_cash,
    decide,
    facts_from,
    facts_json,
    recompute,
    with_due_day,
)
from flows.offers import CashOffer, InstalmentOffer, PromiseOffer, offer_from, terms_of
from flows.policy import Policy, read_policy
from payments.late_charges import Cost
from tests.tables import table
from tests.test_policy import SAMPLE, read

POLICY = read()
TODAY = date(2026, 11, 23)  # a Monday


def debt(cents: int = 200_000, days_late: int = 10, *tags: str) -> DebtFacts:
    return DebtFacts(principal_cents=cents, due=TODAY - timedelta(days=days_late), tags=frozenset(tags))


def plans(decision: Decision) -> list[InstalmentOffer]:
    return [offer for offer in decision.offers if isinstance(offer, InstalmentOffer)]


@pytest.mark.parametrize(
    *table("""
    cents | late | tags | rule | ticket | offers
    2000000 | 0 | | acima-da-alcada | financeiro |
    1999999 | 0 | | - | - |
    1999999 | 4 | | acima-da-alcada | financeiro | # with charges it is more
    34990 | -3 | | pagamento-antecipado | - | desconto-antecipado
    34990 | -2 | | pagamento-antecipado | - | desconto-antecipado
    34990 | -1 | | - | - | # no rule takes it
    34990 | 1 | | - | - | # Sunday, payable today
    34990 | 3 | | - | - | # a Friday without banks
    34990 | 4 | | atraso-recente | - | a-vista 2x 3x
    34990 | 30 | | atraso-recente | - | a-vista 2x 3x
    34990 | 31 | | atraso-longo | - | a-vista 2x 3x 4x 5x promessa
    34990 | 31 | juridico | juridico | juridico |
    34990 | 30 | juridico | atraso-recente | - | a-vista 2x 3x # the first rule that fits
    9999 | 10 | | atraso-recente | - | a-vista 2x # with charges 5,115 each
    9500 | 10 | | atraso-recente | - | a-vista # no instalment under 50
    100000 | 900 | | atraso-longo | - | 2x 3x 4x 5x 6x 7x 8x 9x 10x 11x 12x promessa # cash beyond 30 %
""")
)
def test_the_first_rule_that_fits_decides(
    cents: int, late: int, tags: str, rule: str | None, ticket: str | None, offers: str
) -> None:
    decision = decide(POLICY, debt(cents, late, *tags.split()), TODAY)
    shown = [f"{offer.count}x" if isinstance(offer, InstalmentOffer) else offer.name for offer in decision.offers]
    assert (decision.rule, decision.ticket, shown) == (rule, ticket, offers.split())


def test_cash_forgives_part_by_part_and_says_until_when() -> None:
    decision = decide(POLICY, DebtFacts(principal_cents=123_456, due=date(2026, 9, 20)), TODAY)
    cash = best_cash(decision)
    assert isinstance(cash, CashOffer)
    assert cash.parts == Cost(principal_cents=123_456, fine_cents=2_469, interest_cents=2_634)
    assert cash.forgiven == Cost(principal_cents=12_346, fine_cents=2_469, interest_cents=2_634)
    assert (cash.discount_cents, cash.total_cents) == (17_449, 111_110)
    assert cash.pay_until == cash.honoured_until == date(2026, 11, 26)


def test_instalments_say_each_date_and_amount_the_total_and_what_they_cost() -> None:
    decision = decide(POLICY, DebtFacts(principal_cents=123_456, due=date(2026, 9, 20)), TODAY)
    three = next(offer for offer in plans(decision) if offer.count == 3)
    assert (three.entry_cents, three.total_cents, three.discounted_cents) == (25_712, 130_602, 128_559)
    assert [(p.n, p.due.isoformat(), p.amount_cents) for p in three.payments] == [
        (0, "2026-11-28", 25_712),
        (1, "2027-01-05", 34_963),
        (2, "2027-02-05", 34_963),
        (3, "2027-03-05", 34_964),
    ]
    assert three.interest_cents == three.total_cents - three.discounted_cents
    assert three.cet_percent_year == Decimal("10.16")


def test_another_due_day_moves_dates_and_no_amount() -> None:
    three = next(offer for offer in plans(decide(POLICY, debt(200_000, 40), TODAY)) if offer.count == 3)
    moved = with_due_day(three, 20)
    assert [p.due.day for p in moved.instalments] == [20, 20, 20]
    assert [p.amount_cents for p in moved.payments] == [p.amount_cents for p in three.payments]
    assert moved.cet_percent_year != three.cet_percent_year
    assert with_due_day(moved, 5) == three


def test_a_later_acceptance_counts_its_days_from_then() -> None:
    three = plans(decide(POLICY, debt(), TODAY))[1]
    later = accepted_on(three, TODAY + timedelta(days=2))
    assert later.payments[0].due == three.payments[0].due + timedelta(days=2)
    assert later.total_cents == three.total_cents


def test_the_ceiling_on_instalments_holds_where_the_rule_names_no_end() -> None:
    policy = read(("count: {from: 2, to: 12}", "count: {from: 11}"))
    assert [offer.count for offer in plans(decide(policy, debt(500_000, 40), TODAY))] == [11, 12]


@pytest.mark.parametrize("cents", range(1, 200))
def test_of_some_centavos_that_were_left_over_no_instalment_is_empty(cents: int) -> None:
    """What a payment in parts leaves is settled at once: rounded instalments would have paid it before their turn."""
    policy = read(("0.99   # Tabela Price\n        minimum_instalment: 50.00", "0.99"))
    for offer in plans(decide(policy, debt(cents, 64), TODAY)):
        assert min(payment.amount_cents for payment in offer.payments) > 0
    assert plans(decide(POLICY, debt(cents, 64), TODAY)) == []


def test_interest_is_not_asked_where_an_entry_of_less_than_a_centavo_leaves_it_no_time() -> None:
    policy = read(
        (
            "count: {from: 2, to: 12}\n        entry_percent: 20.00",
            "count: {from: 1, to: 1}\n        entry_percent: 1.00",
        ),
        (
            "0.99   # Tabela Price\n        minimum_instalment: 50.00\n        first_due_within_days: 5",
            "5.00\n        first_due_within_days: 0",
        ),
    )
    assert plans(decide(policy, debt(40, 64), TODAY)) == []
    assert [offer.entry_cents for offer in plans(decide(policy, debt(100, 64), TODAY))] == [1]


def test_who_was_late_before_may_be_a_condition() -> None:
    policy = read(
        ("when: {days_overdue: {from: 1, to: 30}}", "when: {days_overdue: {from: 1, to: 30}, late_before: {to: 0}}")
    )
    first = debt()
    again = DebtFacts(principal_cents=first.principal_cents, due=first.due, late_before=1)
    assert (decide(policy, first, TODAY).rule, decide(policy, again, TODAY).rule) == ("atraso-recente", None)


def test_a_cost_that_was_partly_paid_is_taken_as_it_is() -> None:
    left = Cost(principal_cents=5_000, interest_cents=7)
    decision = decide(POLICY, DebtFacts(principal_cents=5_000, due=TODAY - timedelta(days=10), cost=left), TODAY)
    assert decision.cost == left


POLICIES = st.builds(
    lambda principal, fine, interest, ceiling, entry, monthly, minimum: (
        SAMPLE.decode()
        .replace(
            "{principal: 10.00, fine: 100.00, interest: 100.00}",
            f"{{principal: {principal}, fine: {fine}, interest: {interest}}}",
        )
        .replace("discount_percent: 30.00", f"discount_percent: {ceiling}")
        .replace("entry_percent: 20.00", f"entry_percent: {entry}")
        .replace("interest_percent_month: 0.99", f"interest_percent_month: {monthly}")
        .replace("minimum_instalment: 50.00", f"minimum_instalment: {minimum}")
        .encode()
    ),
    *[st.decimals(0, 100, places=2)] * 4,
    st.decimals(0, 99, places=2),
    st.decimals(0, 10, places=2),
    st.decimals(0, 200, places=2),
)
DEBTS = st.builds(
    DebtFacts,
    principal_cents=st.integers(1, 1_999_000),
    due=st.dates(TODAY - timedelta(days=1500), TODAY + timedelta(days=60)),
    tags=st.frozensets(st.sampled_from(["juridico", "vip"])),
    late_before=st.integers(0, 3),
)


def readable(source: bytes) -> Policy | None:
    found = read_policy(source, name="p")
    return found if isinstance(found, Policy) else None


@settings(max_examples=60, deadline=None)
@given(POLICIES.map(readable).filter(lambda policy: policy is not None), DEBTS)
def test_no_offer_loses_a_centavo_or_passes_a_ceiling_and_each_can_be_recomputed(
    policy: Policy, facts: DebtFacts
) -> None:
    decision = decide(policy, facts, TODAY)
    assert decision.ticket is None or decision.offers == ()
    for offer in decision.offers:
        assert offer_from(json.loads(json.dumps(terms_of(offer)))) == offer
        sealed, on = facts_from(json.loads(json.dumps(facts_json(facts, TODAY))))
        count = offer.count if isinstance(offer, InstalmentOffer) else None
        assert recompute(policy, sealed, on, name=offer.name, count=count, due_day=None) == offer
        if isinstance(offer, PromiseOffer):
            continue
        assert offer.discount_cents * 100 <= policy.never_beyond.discount_percent * decision.cost.total_cents
        assert offer.total_cents > 0
        if isinstance(offer, CashOffer):
            assert offer.total_cents + offer.discount_cents == decision.cost.total_cents
        else:
            assert offer.discounted_cents + offer.discount_cents == decision.cost.total_cents
            assert offer.entry_cents + sum(p.amount_cents for p in offer.instalments) == offer.total_cents
            assert offer.interest_cents >= 0
            assert len(offer.instalments) == offer.count <= policy.never_beyond.instalments
            assert min(p.amount_cents for p in offer.instalments) >= 1
            assert [p.due for p in offer.payments] == sorted(p.due for p in offer.payments)


def test_a_sealed_offer_of_no_kind_is_a_bug_that_says_so() -> None:
    with pytest.raises(ValueError, match="no offer is of the kind"):
        offer_from({"kind": "gift", "name": "x", "rule": "y"})
