"""The ladder at size: a hundred thousand people planned, reminders sent, and answers while a campaign is going on.

As `python -m bench.ladder <url> <file>` it is the floor of sending: a bare aiohttp client that posts the bodies in the
file, one a line, with as many in flight as the sender, and writes the processor seconds that it took into `<file>.cpu`.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import structlog
import uvloop

from bench import scene
from bench.wire import ask, serve
from bot.clock import SystemClock
from bot.engine import turn
from bot.engine.ladder_plan import plan_once
from bot.engine.run import fire_timers
from bot.parts import Parts, open_parts
from bot.settings import read_settings
from flows.ladder import Ladder, read_ladder

PLANNED, SENT, CAMPAIGN = 100_000, 5_000, 20_000
_REPLIES, _PER_S = 1_000, 50
_IN_FLIGHT = 256
_BATCH = 5_000
_AT_MOST_S = 600
_TICK_S = os.sysconf("SC_CLK_TCK")
# One step for each day, from midnight on and on every day of the week: whatever day it is, one is due.
_LADDER = """
ladder: bench
title: Bench
contact_hours: {monday_to_friday: open, saturday: open, sunday: open, holidays: open}
at: "00:00"
tracks:
  - name: todos
    steps:
"""
_FLOOR = """
INSERT INTO timer (key, conversation_id, event, fire_at)
SELECT 'floor:' || id, id, '{}', $3 FROM unnest($1::bigint[]) WITH ORDINALITY AS c(id, n) WHERE n > $2
"""


def ladder_file(home: Path, *, steps: bool) -> str:
    """Write a ladder under which everybody is due today, or nobody; return its path."""
    days = range(31) if steps else [1800]
    file = home / ("campaign.yaml" if steps else "quiet.yaml")
    lines = "".join(f"      - {{day: {day}, template: proposta}}\n" for day in days)
    file.write_text(_LADDER + lines, encoding="utf-8")
    return str(file)


@dataclass
class Numbered:
    """The far end: accepts every POST, counts it, keeps its body if asked to, and notes who was written to when."""

    keep: bool = False
    count: int = 0
    came: dict[str, float] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

    def answer(self, body: bytes) -> bytes:
        """Accept one."""
        self.count += 1
        at = body.find(b"5531")
        self.came.setdefault(body[at : at + 13].decode("ascii", "replace"), time.perf_counter())
        if self.keep:
            self.bodies.append(body)
        return b'{"messaging_product":"whatsapp","contacts":[],"messages":[{"id":"wamid.L%d"}]}' % self.count

    async def reaches(self, count: int) -> None:
        """Return when so many have come. Raises TimeoutError."""
        async with asyncio.timeout(_AT_MOST_S):
            while self.count < count:  # noqa: ASYNC110  # nothing that is measured waits for it
                await asyncio.sleep(0.005)


@asynccontextmanager
async def working(environment: dict[str, str]) -> AsyncIterator[Parts]:
    """Yield the parts in this process; the figures alone are printed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    async with open_parts(read_settings(environment, serving=True), SystemClock()) as parts:
        yield parts


async def planned(environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds in which everybody is planned, and those that as many rows of timers take by themselves."""
    due = {**environment, "ACERTO_LADDER": ladder_file(Path(environment["ACERTO_HOME"]), steps=True)}
    async with working(due) as parts:
        started = time.perf_counter()
        count = await plan_once(parts)
        took_s = time.perf_counter() - started
        assert count == PLANNED, f"{count} were planned"
        async with parts.pool.acquire() as conn:
            assert await conn.fetchval("SELECT count(*) FROM timer WHERE key LIKE 'ladder:%'") == PLANNED
            chats = [row["id"] for row in await conn.fetch("SELECT id FROM conversation ORDER BY id")]
            started = time.perf_counter()
            for first in range(0, PLANNED, _BATCH):
                async with conn.transaction():
                    await conn.execute(_FLOOR, chats[first : first + _BATCH], 0, datetime.now(UTC))
            return took_s, time.perf_counter() - started


async def decided(parts: Parts, count: int) -> None:
    """Plan and decide reminders until so many wait to be sent."""
    await plan_once(parts)
    async with asyncio.timeout(_AT_MOST_S):
        while True:
            async with parts.pool.acquire() as conn:
                if await conn.fetchval("SELECT count(*) FROM outbox WHERE purpose = 'reminder'") >= count:
                    return
            await fire_timers(parts)
            await turn.run_once(parts)


async def sent(environment: dict[str, str], graph_port: int, graph: Numbered) -> tuple[float, float, float]:
    """Return the processor time of a sender for one reminder and that of a bare client, in ms, and ours a second."""
    home = Path(environment["ACERTO_HOME"])
    due = {**environment, "ACERTO_LADDER": ladder_file(home, steps=True)}
    async with working(due) as parts:
        await decided(parts, SENT)
    graph.keep = True
    port = scene.free_port()
    serving = ("-m", "bot.cli", "serve", "--port", str(port), "--role", "sender")
    started = time.perf_counter()
    async with sender_process(serving, due) as pid:
        await graph.reaches(1)
        before_s, began = cpu_s(pid), time.perf_counter()
        first = graph.count
        await graph.reaches(SENT)
        took_s = time.perf_counter() - began
        ours_ms = (cpu_s(pid) - before_s) / (SENT - first) * 1000
        per_s = (SENT - first) / took_s
    assert time.perf_counter() - started < _AT_MOST_S
    bodies = home / "bodies"
    bodies.write_bytes(b"\n".join(body.replace(b"\n", b" ") for body in graph.bodies))
    url = f"http://127.0.0.1:{graph_port}/v24.0/{scene.PHONE_NUMBER_ID}/messages"
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.ladder", url, str(bodies))
    assert await child.wait() == 0
    floor_ms = float(Path(f"{bodies}.cpu").read_text(encoding="ascii")) / SENT * 1000
    return ours_ms, floor_ms, per_s


@asynccontextmanager
async def sender_process(arguments: tuple[str, ...], environment: dict[str, str]) -> AsyncIterator[int]:
    """Run a process until the block ends; it listens on nothing."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={**os.environ, **environment}, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield child.pid
    finally:
        child.terminate()
        await child.wait()


def cpu_s(pid: int) -> float:
    """Return the processor seconds that a process has used, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK_S


async def post(url: str, file: Path) -> None:
    """Post every line of the file, as many at once as the sender does, and write the processor seconds it took."""
    bodies = iter(file.read_bytes().split(b"\n"))
    headers = {"Authorization": "Bearer bench", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_IN_FLIGHT), headers=headers) as session:

        async def some() -> None:
            for body in bodies:
                async with session.post(url, data=body) as answer:
                    await answer.read()

        started = time.process_time()
        await asyncio.gather(*(some() for _ in range(_IN_FLIGHT)))
        took_s = time.process_time() - started
    Path(f"{file}.cpu").write_text(str(took_s), encoding="ascii")


async def replies(environment: dict[str, str], graph: Numbered) -> tuple[float, float, float]:
    """Return the 99th percentile of an answer in ms while a campaign goes on, that without any, and how many
    reminders a second left meanwhile.

    The campaign's people are the first; those who write are others, and owe nothing that is due.
    """
    home = Path(environment["ACERTO_HOME"])
    await _writers_owe_later(environment["ACERTO_DATABASE_URL"])
    quiet = {**environment, "ACERTO_LADDER": ladder_file(home, steps=False)}
    port = scene.free_port()
    serving = ("-m", "bot.cli", "serve", "--port", str(port))
    async with scene.process(*serving, port=port, environment=quiet):
        await _planned(quiet)
        floor_ms = await _p99(port, graph, CAMPAIGN + 1)
    due = {**environment, "ACERTO_LADDER": ladder_file(home, steps=True)}
    before = graph.count
    async with scene.process(*serving, port=port, environment=due):
        await graph.reaches(before + 200)
        await _planned(due)
        began, at_first = time.perf_counter(), graph.count
        ours_ms = await _p99(port, graph, CAMPAIGN + 1 + _REPLIES)
        per_s = (graph.count - at_first - _REPLIES) / (time.perf_counter() - began)
        assert graph.count - before < CAMPAIGN + _REPLIES, "the campaign was over too soon"
    return ours_ms, floor_ms, per_s


async def _planned(environment: dict[str, str]) -> None:
    """Return when the process is through with planning everybody under its ladder."""
    ladder = read_ladder(Path(environment["ACERTO_LADDER"]).read_bytes(), name="")
    assert isinstance(ladder, Ladder)
    conn: Any = await asyncpg.connect(environment["ACERTO_DATABASE_URL"])
    unplanned = "SELECT count(*) FROM customer k LEFT JOIN ladder_plan p ON p.customer_id = k.id AND ladder_digest = $1"
    try:
        async with asyncio.timeout(_AT_MOST_S):
            while await conn.fetchval(f"{unplanned} WHERE p.customer_id IS NULL", ladder.digest):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    finally:
        await conn.close()


async def _writers_owe_later(database: str) -> None:
    conn: Any = await asyncpg.connect(database)
    try:
        later = datetime.now(UTC).date() + timedelta(days=300)
        await conn.execute("UPDATE debt SET due_on = $2 WHERE customer_id > $1", CAMPAIGN, later)
    finally:
        await conn.close()


async def _p99(port: int, graph: Numbered, first: int) -> float:
    """Let people write at a steady pace, from the `first` on; return the 99th percentile until their answer in ms."""
    requests = [scene.message(n, f"wamid.R{n}") for n in range(first, first + _REPLIES)]
    written: dict[str, float] = {}
    started = time.perf_counter()
    async with asyncio.timeout(_AT_MOST_S), asyncio.TaskGroup() as tasks:
        for k, request in enumerate(requests):
            await asyncio.sleep(max(0.0, started + k / _PER_S - time.perf_counter()))
            written[scene.phone(first + k)] = time.perf_counter()
            tasks.create_task(ask(port, [request], connections=1))
    async with asyncio.timeout(_AT_MOST_S):
        while not written.keys() <= graph.came.keys():  # noqa: ASYNC110  # the instants are noted by the far end
            await asyncio.sleep(0.05)
    took = sorted((graph.came[who] - at) * 1000 for who, at in written.items())
    return took[len(took) * 99 // 100]


async def far_end() -> tuple[Numbered, int]:
    """Return a far end that listens, and its port."""
    graph, port = Numbered(), scene.free_port()
    await serve(graph.answer, port)
    return graph, port


if __name__ == "__main__":
    uvloop.run(post(sys.argv[1], Path(sys.argv[2])))
