"""A company that only sends: real PostgreSQL, Valkey and HTTP, a stand-in that counts, rows as turns decide them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bot.engine import sender
from bot.parts import Parts, open_parts
from bot.sandbox.graph_api import ROOT, GraphApi, Number
from bot.sandbox.graph_limits import Limits
from bot.sandbox.whatsapp import Weather
from bot.settings import read_settings
from bot.store import outbox
from bot.store.outbox import Decided
from tests.pix_bank import HandClock
from tests.test_settings import COMPLETE

TEMPLATE = '{"type": "template", "template": {"name": "aviso", "language": {"code": "pt_BR"}}}'
PEOPLE = """
INSERT INTO conversation (address, heard_at, created_at)
SELECT (5511900000000 + n)::text, $2, now() FROM generate_series($1::int, $3::int) n RETURNING id
"""
LEFT = "SELECT purpose, state, count(*) AS n FROM outbox GROUP BY purpose, state"


@dataclass
class Sending:
    """What a test holds. Nobody works by itself: `sends` does one round of the sender."""

    parts: Parts
    graph: GraphApi
    clock: HandClock
    people: int = 0
    decided: int = 0

    async def somebody(self, count: int = 1, *, heard_at: datetime | None = None) -> list[int]:
        """Return new conversations; without `heard_at` their windows are closed."""
        first, self.people = self.people + 1, self.people + count
        async with self.parts.pool.acquire() as conn:
            rows = await conn.fetch(PEOPLE, first, heard_at, self.people)
        return [row["id"] for row in rows]

    async def decides(self, purpose: str, *conversations: int) -> list[int]:
        """A message of this purpose to each; return their rows."""
        rows = []
        for conversation_id in conversations:
            self.decided += 1
            rows.append(
                Decided(
                    conversation_id=conversation_id, decision_key=f"t{self.decided}.1", kind="message",
                    purpose=purpose, body=TEMPLATE, epoch=0,
                )
            )  # fmt: skip
        async with self.parts.pool.acquire() as conn:
            ids = await outbox.decide(conn, rows, self.clock.now())
        return [ids[row.decision_key] for row in rows]

    async def sends(self) -> int:
        """One round. Return how many were posted."""
        before = self.graph.posts
        await sender.send_once(self.parts)
        return self.graph.posts - before

    async def sends_all(self) -> int:
        """Rounds until nothing moves. Return how many were posted."""
        before = self.graph.posts
        while await sender.send_once(self.parts):
            pass
        return self.graph.posts - before

    async def left(self) -> dict[tuple[str, str], int]:
        """How many messages there are, by purpose and state."""
        async with self.parts.pool.acquire() as conn:
            return {(row["purpose"], row["state"]): row["n"] for row in await conn.fetch(LEFT)}

    async def states(self, rows: Sequence[int]) -> list[str]:
        async with self.parts.pool.acquire() as conn:
            found = await conn.fetch("SELECT state FROM outbox WHERE id = any($1::bigint[]) ORDER BY id", rows)
        return [row["state"] for row in found]


@asynccontextmanager
async def sending(
    database: str, redis_url: str, home: Path, *, limits: Limits | None = None, **environment: str
) -> AsyncIterator[Sending]:
    """Yield the scene. Everybody is on WhatsApp, no status ever comes; without `limits` only the pair rate is held."""
    clock, port = HandClock(), unused_port()
    address = f"http://127.0.0.1:{port}"
    own = {"ACERTO_HOME": str(home), "ACERTO_DATABASE_URL": database, "ACERTO_REDIS_URL": redis_url}
    line = {"ACERTO_WHATSAPP_API_URL": f"{address}{ROOT}/v24.0", "ACERTO_WHATSAPP_RATE": "1000"}
    settings = read_settings({**COMPLETE, **own, **line, **environment}, serving=True)
    async with open_parts(settings, clock) as parts:
        number = Number(
            token=settings.whatsapp.token,
            app_secret=settings.whatsapp.app_secrets[0],
            phone_number_id=settings.whatsapp.phone_number_id,
        )
        limits = limits or Limits(per_second=0)
        graph = GraphApi(clock, parts.http, number, callback=f"{address}/webhook", everybody=True, limits=limits)
        graph.whatsapp.weather = Weather(statuses="lost")
        words = {"type": "BODY", "text": "Olá! Temos um aviso para você."}
        notice = {"name": "aviso", "language": "pt_BR", "category": "UTILITY", "components": [words]}
        graph.whatsapp.templates.create(notice).status = "APPROVED"
        app = web.Application()
        app.add_routes(graph.routes())
        async with TestServer(app, host="127.0.0.1", port=port):
            yield Sending(parts, graph, clock)
            await graph.close()
