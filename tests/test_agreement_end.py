"""Ending an agreement in the database: the debt is back less what was paid, and a kill leaves nothing half done."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.store import agreement_end
from bot.store.agreements import DebtMoved
from flows.breaking import Restored
from payments.settlement import BY_LAW
from tests.kills import ended_at
from tests.owed import NOON, ZONE, Owed, owed, part
from tests.test_booking import payment, pays

LATER = datetime(2027, 2, 1, 15, 0, tzinfo=UTC)


async def ends(somebody: Owed, debt: int, because: str = "late") -> tuple[Restored, tuple[int, ...]]:
    policy = somebody.facts().policy
    assert policy is not None
    async with somebody.pool.acquire() as conn, conn.transaction():
        return await agreement_end.end(
            conn,
            debt_id=debt,
            customer_id=somebody.customer_id,
            because=because,
            terms=policy.policy.terms,
            order=BY_LAW,
            zone=ZONE,
            now=LATER,
        )


async def balances(somebody: Owed) -> dict[str, int]:
    rows = await somebody.pool.fetch(
        "SELECT account, sum(amount_cents)::bigint AS cents FROM ledger_posting GROUP BY 1"
    )
    return {row["account"]: row["cents"] for row in rows if row["cents"]}


async def half_paid(somebody: Owed, n: int = 0) -> int:
    """A debt of 100.00 under an agreement of three payments, of which the first is made."""
    debt = await somebody.owes(10000)
    offer = await somebody.agreed(debt, 3400, 3300, 3300)
    _, no = await somebody.charged(part(debt, 3400), agreement_offer_no=offer, instalment_n=1)
    await pays(somebody, payment(3400, no, n=n))
    return debt


async def test_the_debt_is_open_again_less_what_was_paid_as_if_there_had_been_no_agreement(database: str) -> None:
    async with owed(database) as somebody:
        debt = await half_paid(somebody)
        charge, _ = await somebody.charged(part(debt, 3300), agreement_offer_no=1, instalment_n=2)
        after, taken_back = await ends(somebody, debt)
        # On the day of the payment the debt cost 2.00 of fine and 2.03 of interest; the rest paid principal.
        assert after.debt.open_principal_cents == 10000 - (3400 - 200 - 203)
        assert taken_back == (charge,)
        assert await somebody.one("SELECT state, open_principal_cents, interest_from FROM debt") == (
            "open",
            after.debt.open_principal_cents,
            date(2026, 12, 1),
        )
        assert await somebody.one("SELECT state, ended_because, closed_at FROM agreement") == ("broken", "late", LATER)
        assert await balances(somebody) == {
            "bank": 3400,
            f"debt:{debt}": -2997,
            "income:fines": -200,
            "income:interest": -203,
        }
        [line] = json.loads(await somebody.one("SELECT allocation FROM payment"))
        assert (line["debt_id"], line["principal_cents"], line["settled"]) == (debt, 2997, False)
        with pytest.raises(DebtMoved):
            await ends(somebody, debt)


async def test_an_old_code_of_the_ended_agreement_still_pays_the_debt(database: str) -> None:
    async with owed(database) as somebody:
        debt = await half_paid(somebody)
        _, no = await somebody.charged(part(debt, 3300), agreement_offer_no=1, instalment_n=2)
        await ends(somebody, debt)
        told, _ = await pays(somebody, payment(3300, no, n=7))
        assert told.surplus_cents == 0
        left: Any = await somebody.one("SELECT open_principal_cents FROM debt")
        assert left < 10000 - 2997


async def test_ended_at_any_moment_it_is_over_or_as_it_was_and_the_repeat_ends_it(database: str) -> None:
    async with owed(database) as somebody:
        for n in range(200):
            debt = await half_paid(somebody, n)
            was_ended = await ended_at(ends(somebody, debt), n)
            state = await somebody.one("SELECT state FROM debt WHERE id = $1", debt)
            if state == "agreed":
                await ends(somebody, debt)
            assert await somebody.one("SELECT open_principal_cents FROM debt WHERE id = $1", debt) == 7003
            if not was_ended:
                break
        assert n > 6
        assert sum((await balances(somebody)).values()) == 0
        assert await somebody.one("SELECT count(*) FROM ledger_transaction WHERE key LIKE 'broken:%'") == n + 1


async def test_a_late_instalment_paid_in_part_costs_the_rest_and_its_interest_later(database: str) -> None:
    """Two payments on one late instalment: the fine once, interest on what is left."""
    async with owed(database) as somebody:
        debt = await somebody.owes(10000)
        offer = await somebody.agreed(debt, 5000, 5000)
        await somebody.pool.execute(
            "UPDATE offer SET terms = jsonb_set(terms, '{life}', $1)",
            '{"fine_percent": "2.00", "interest_percent_month": "1.00", "grace_days": 0, "broken_days_late": null,'
            ' "broken_missed": null, "warn_days_before": 3, "date_changes": 0, "date_change_days": 0,'
            ' "renegotiations": 0}',
        )
        _, no = await somebody.charged(part(debt, 5000), agreement_offer_no=offer, instalment_n=1)
        late = NOON.replace(day=31)  # thirty days late: 1.00 of fine and 0.50 of interest
        await pays(somebody, payment(3000, no, at=late))
        assert await somebody.one(
            "SELECT paid_cents, fine_paid_cents, interest_carried_cents, interest_from FROM instalment WHERE n = 1"
        ) == (2850, 100, 0, date(2026, 12, 31))
        _, no = await somebody.charged(part(debt, 2150), agreement_offer_no=offer, instalment_n=1)
        # Thirty more days on 21.50: 0.22 of interest (half up), and no second fine.
        told, _ = await pays(somebody, payment(2172, no, n=2, at=datetime(2027, 1, 30, 15, tzinfo=UTC)))
        assert (told.surplus_cents, told.instalments_left) == (0, 1)
        assert await somebody.one("SELECT paid_cents, fine_paid_cents FROM instalment WHERE n = 1") == (5000, 100)
        assert (await balances(somebody))["income:interest"] == -72
