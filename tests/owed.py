"""Somebody who owes something, in a database: a customer with a conversation, debts, charges and agreements."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from bot.engine.policy_in_force import PolicyWatch
from bot.engine.talk import Talk
from bot.engine.wake import Wake
from bot.settings import Pix, Settings
from bot.store import agreements, charges
from flows.effects import Charge
from flows.facts import Candidate, CostOfDebt, Facts, PolicyInForce, Rules
from flows.offers import CashOffer, InstalmentOffer, terms_of
from flows.policy import read_policy
from payments.late_charges import Cost
from payments.plans import Payment
from tests.pix_bank import HandClock, StandIn

KEY = b"k" * 32
ZONE = ZoneInfo("America/Sao_Paulo")
TODAY = date(2026, 12, 1)
POLICY = b"""
policy: teste
title: Teste
currency: BRL
valid: {from: 2026-01-01, until: 2027-12-31}
late_charges: {fine_percent: 2.00, interest_percent_month: 1.00, grace_days: 0}
never_beyond: {discount_percent: 50.00, instalments: 12}
rules:
  - name: tudo
    offers:
      - {name: a-vista, kind: cash, discount_percent: {fine: 100.00}, pay_within_days: 3}
"""


@dataclass(frozen=True)
class LineOfTest:
    """What `bot.engine.line` asks for, on real parts."""

    settings: Settings
    clock: HandClock
    pool: "asyncpg.Pool[Any]"
    talk: Talk
    wake: Wake
    policies: PolicyWatch = field(default_factory=lambda: PolicyWatch(b"a secret of nobody's"))


@dataclass
class Owed:
    """One customer and their conversation."""

    pool: "asyncpg.Pool[Any]"
    clock: HandClock
    customer_id: int
    conversation_id: int
    serial: int = 0

    async def owes(self, cents: int, due_on: date = date(2026, 10, 1)) -> int:
        debt_id: int = await self.pool.fetchval(
            "INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on,"
            " created_at, updated_at) VALUES (gen_random_uuid()::text, $1, 'Mensalidade', $2, $2, $3, $4, $4)"
            " RETURNING id",
            self.customer_id,
            cents,
            due_on,
            self.clock.now(),
        )
        return debt_id

    async def charged(
        self,
        *parts: CostOfDebt,
        provider: str = "api",
        amount_cents: int | None = None,
        until: date = TODAY,
        **more: Any,
    ) -> tuple[int, int]:
        """Decide on a charge as a turn does; return its id and number."""
        self.serial += 1
        effect = Charge(
            charge_no=self.serial,
            amount_cents=amount_cents or sum(p.total_cents for p in parts),
            pay_until=until,
            parts=parts,
            **more,
        )
        charge_id = await charges.insert(
            self.pool,
            key=KEY,
            conversation_id=self.conversation_id,
            customer_id=self.customer_id,
            effect=effect,
            provider=provider,
            expires_at=datetime.combine(until + timedelta(days=1), time(), ZONE),
            now=self.clock.now(),
            today=self.clock.now().astimezone(ZONE).date(),
        )
        return charge_id, effect.charge_no

    async def agreed(self, debt_id: int, *amounts: int, discount_cents: int = 0, cash: bool = False) -> int:
        """Seal an offer and accept it; return its number. Instalments are due monthly from today on."""
        self.serial += 1
        cost = Cost(principal_cents=sum(amounts) + discount_cents)
        forgiven = Cost(principal_cents=discount_cents)
        due = [date(2026 + (11 + k) // 12, (11 + k) % 12 + 1, 1) for k in range(len(amounts))]
        offer: CashOffer | InstalmentOffer = CashOffer(
            name="a-vista", rule="tudo", parts=cost, forgiven=forgiven, pay_until=TODAY
        )
        if not cash:
            offer = InstalmentOffer(
                name="parcelado",
                rule="tudo",
                parts=cost,
                forgiven=forgiven,
                count=len(amounts),
                entry_percent=Decimal(0),
                interest_percent_month=Decimal(0),
                cet_percent_year=Decimal(0),
                accepted=TODAY,
                first_due_within_days=5,
                due_days=(),
                due_day=None,
                payments=tuple(Payment(n=k + 1, due=due[k], amount_cents=a) for k, a in enumerate(amounts)),
            )
        await self.pool.execute(
            "INSERT INTO policy (digest, name, title, source, valid_from, valid_until, submitted_by, submitted_at)"
            " VALUES ('d', 'p', 'P', '', '2026-01-01', '2027-01-01', 'ana', $1) ON CONFLICT DO NOTHING",
            self.clock.now(),
        )
        async with self.pool.acquire() as conn, conn.transaction():
            await agreements.seal(
                conn,
                conversation_id=self.conversation_id,
                no=self.serial,
                customer_id=self.customer_id,
                debt_id=debt_id,
                policy_digest="d",
                terms=json.dumps(terms_of(offer), default=str),
                facts="{}",
                shown_at=self.clock.now(),
                shown_on=TODAY,
                honoured_until=TODAY,
            )
            await agreements.agree(
                conn,
                conversation_id=self.conversation_id,
                customer_id=self.customer_id,
                offer_no=self.serial,
                debt_id=debt_id,
                message_id="wamid.1",
                now=self.clock.now(),
            )
        return self.serial

    def facts(self) -> Facts:
        """What the turn would know, as far as settling asks for it."""
        policy = read_policy(POLICY, name="teste.yaml")
        assert not isinstance(policy, tuple), policy
        now = self.clock.now()
        return Facts(
            now=now,
            today=now.astimezone(ZONE).date(),
            rules=Rules(creditor_name="Escola Exemplo"),
            customer=Candidate(customer_id=self.customer_id, name="Maria da Silva", document="52998224725"),
            policy=PolicyInForce(digest="d", policy=policy),
        )

    async def one(self, sql: str, *values: Any) -> Any:
        """The one row, as a tuple, or its one value."""
        row = await self.pool.fetchrow(sql, *values)
        return row if row is None or len(row) > 1 else row[0]


@asynccontextmanager
async def owed(database: str, clock: HandClock | None = None) -> AsyncIterator[Owed]:
    clock = clock or HandClock()
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as pool:
        customer_id = await pool.fetchval(
            "INSERT INTO customer (external_id, name, document, created_at, updated_at)"
            " VALUES ('c1', 'Maria da Silva', '52998224725', $1, $1) RETURNING id",
            clock.now(),
        )
        conversation_id = await pool.fetchval(
            "INSERT INTO conversation (address, customer_id, created_at) VALUES ('5511987654321', $1, $2) RETURNING id",
            customer_id,
            clock.now(),
        )
        yield Owed(pool, clock, customer_id, conversation_id)


def line(somebody: Owed, bank: StandIn, *, mode: str = "api") -> LineOfTest:
    """The parts that lead to the stand-in bank."""
    pix: Pix = replace(bank.pix, mode=mode)
    settings = Settings(home=Path("/nowhere"), creditor_name="Escola Exemplo", pix=pix, timezone=ZONE)
    return LineOfTest(settings, somebody.clock, somebody.pool, bank.talk, Wake(None))


def part(debt_id: int, principal: int, fine: int = 0, interest: int = 0, discount: int = 0) -> CostOfDebt:
    return CostOfDebt(
        debt_id=debt_id, principal_cents=principal, fine_cents=fine, interest_cents=interest, discount_cents=discount
    )


NOON = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
