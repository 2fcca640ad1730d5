"""The whole program on loopback, with people, their phones, their bank, and a clock that a test moves.

Real HTTP in both directions, real PostgreSQL and Valkey, all roles in this process. Nothing waits for seconds:
`settled` returns as soon as the program has nothing in hand.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp.test_utils import BaseTestServer, TestServer, unused_port

from bot.clock import MovableClock
from bot.engine.run import ROLES, run
from bot.parts import Parts, open_parts
from bot.sandbox.people import PEOPLE, Person, debts_on
from bot.sandbox.phone import PhonePage
from bot.sandbox.stand_ins import StandIns, demo_settings, stand_ins
from bot.settings import Settings
from bot.store import policies
from bot.store.imports import import_debts
from bot.store.policies import By
from tests.bank import BankApp
from tests.phone import Phone
from tests.pix_bank import HandClock
from tests.waiting import until
from webhook import make_app

POLICY = Path(__file__).parent.parent / "flows" / "policies" / "padrao.yaml"
_ALL_BELLS = ("ladder", "timers", "turns", "sends", "charges", "pix", "statuses")
_BUSY = """
SELECT (SELECT count(*) FROM inbox WHERE state = 'open' AND kind IN ('message', 'event', 'status', 'pix'))
     + (SELECT count(*) FROM timer WHERE fire_at <= $1)
     + (SELECT count(*) FROM outbox o LEFT JOIN conversation c ON c.id = o.conversation_id
        WHERE o.state = 'sending'
        OR (o.state = 'pending' AND o.not_before <= $1 AND coalesce(c.send_after, '-infinity') <= $1
            AND (o.lane < 2 OR active_messages_flow($1))))
"""
# Who could be reminded and is not planned for.
_UNPLANNED = """
SELECT count(*) FROM customer k LEFT JOIN ladder_plan p ON p.customer_id = k.id
WHERE  k.phone IS NOT NULL AND (p.customer_id IS NULL OR p.planned_at <= $1)
AND    EXISTS (SELECT FROM debt d WHERE d.customer_id = k.id AND d.state IN ('open', 'agreed'))
"""


@dataclass
class Town:
    """What a story holds."""

    parts: Parts
    world: StandIns
    clock: HandClock | MovableClock
    address: str
    engine: "asyncio.Task[None]"
    server: BaseTestServer

    def phone(self, person: Person) -> Phone:
        """Return somebody's phone."""
        return Phone(self.world.graph.whatsapp, person.account, self.settled)

    @property
    def bank(self) -> BankApp:
        """The bank that everybody pays at."""
        return BankApp(self.parts.http, self.address, self.world.bank, self.settled)

    async def moves(self, **by: float) -> None:
        """Move the clock, and let the program do what is due then."""
        if isinstance(self.clock, MovableClock):
            self.clock.move(timedelta(**by))
        else:
            self.clock.move(**by)
        self.parts.wake.ring(*_ALL_BELLS)
        await self.settled()

    async def settled(self) -> None:
        """Return once the program has nothing in hand and nothing is on its way to it."""
        await until(self._idle, at_most_s=20)

    async def _idle(self) -> bool:
        if self.engine.done():
            await self.engine  # it died: say of what
        webhooks = self.world.graph.whatsapp.webhooks
        await webhooks.finished()
        async with self.parts.pool.acquire() as conn:
            unplanned = 0
            if self.parts.settings.ladder is not None:  # first: what is planned meanwhile is busy
                unplanned = await conn.fetchval(_UNPLANNED, self.clock.now() - timedelta(days=1))
                if unplanned:
                    self.parts.wake.ring("ladder")  # it looks every few seconds by itself
            busy = unplanned + await conn.fetchval(_BUSY, self.clock.now())
        return busy == 0 and webhooks.idle

    async def ask(self, sql: str, *values: Any) -> Any:
        """Return one value of the database."""
        async with self.parts.pool.acquire() as conn:
            return await conn.fetchval(sql, *values)


@asynccontextmanager
async def town(
    database: str,
    redis_url: str,
    home: Path,
    *,
    people: Sequence[Person] = PEOPLE,
    policy: Path | None = POLICY,
    clock: HandClock | MovableClock | None = None,
    otherwise: Callable[[Settings], Settings] = lambda settings: settings,
    **changed: Any,
) -> AsyncIterator[Town]:
    """Yield the program, running, with what `people` owe imported and the policy approved.

    `changed`: settings that are otherwise than the demo's.
    """
    clock, port = clock or HandClock(), unused_port()
    address = f"http://127.0.0.1:{port}"
    changed = {"ladder": None, **changed}  # nobody is reminded in a story that is about something else
    settings = replace(demo_settings(home, address), database_url=database, redis_url=redis_url, **changed)
    async with open_parts(otherwise(settings), clock) as parts:
        world = stand_ins(settings, clock, parts.http, people)
        await prepare(parts, people, policy)
        stop = asyncio.Event()
        engine = asyncio.create_task(run(parts, frozenset(ROLES), stop))
        routes, closing = world.routes(), [world.close]
        if isinstance(clock, MovableClock):  # then it can be moved on a page too
            phone = PhonePage(parts, world.graph.whatsapp, people, clock)
            routes, closing = [*routes, *phone.routes()], [*closing, phone.close]
        app = make_app(parts, more=routes)
        app.on_shutdown.extend(closing)
        try:
            async with TestServer(app, host="127.0.0.1", port=port) as server:
                yield Town(parts, world, clock, address, engine, server)
        finally:
            stop.set()
            parts.wake.ring(*_ALL_BELLS)
            await engine


async def prepare(parts: Parts, people: Sequence[Person], policy: Path | None) -> None:
    """Import what people owe; submit and approve the policy by two people of finance."""
    now = parts.clock.now()
    today = now.astimezone(parts.settings.timezone).date()
    async with parts.pool.acquire() as conn:
        await import_debts(conn, debts_on(today, tuple(people)), now=now)
        if policy is not None:
            clara = By(name="Clara", at=now, secret=parts.mac_key)
            digest = await policies.submit(conn, policy.read_bytes(), file=policy.name, by=clara)
            await policies.approve(conn, digest, by=replace(clara, name="Otávio"), today=today)
