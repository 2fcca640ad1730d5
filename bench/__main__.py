"""`make bench`: one JSON line per measurement, ours beside a floor taken in the same run on the same machine.

`ratio` is ours / floor. Rates: higher is better. Seconds, milliseconds and megabytes: lower is better. See
bench/README.md.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import uvloop

from bench import amount, ladder, portfolio, reconcile, scene, trying
from bench.wire import ask, serve
from bot.settings import read_settings, secret_of
from bot.store.embedded import embedded_postgres, embedded_valkey
from bot.store.migrate import migrate

_ROUNDS = 9
_REQUESTS = 6_000
_PEOPLE = 2_000
_PACED_TURNS = 1_000
_PACED_PER_S = 50
_SATURATED_ROUNDS = 3
_SATURATED_TURNS = 3_000


def report(name: str, ours: float, floor: float, unit: str) -> None:
    """Print one measurement."""
    line = {
        "name": name,
        "ours": round(ours, 2),
        "floor": round(floor, 2),
        "ratio": round(ours / floor, 3),
        "unit": unit,
    }
    print(json.dumps(line), flush=True)


class Graph:
    """The far end: answers every POST and notes when it came, by its phone. A turn here leads to one POST."""

    def __init__(self) -> None:
        self.came: dict[str, float] = {}
        self._count = 0
        self._wanted = 0
        self._all_came = asyncio.Event()

    def answer(self, body: bytes) -> bytes:
        """Note a POST and accept it."""
        now = time.perf_counter()
        self._count += 1
        at = body.find(b"5531")
        self.came.setdefault(body[at : at + 13].decode("ascii", "replace"), now)
        if self._count == self._wanted:
            self._all_came.set()
        return b'{"messaging_product":"whatsapp","contacts":[],"messages":[{"id":"wamid.B%d"}]}' % self._count

    def expect(self, count: int) -> None:
        """Begin anew, expecting `count` POSTs. Raises AssertionError if there were others than expected so far."""
        assert self._count == self._wanted, f"{self._count} POSTs where {self._wanted} were to come"
        self.came, self._wanted = {}, self._count + count
        self._all_came.clear()

    async def all_came(self) -> None:
        """Return when what was expected has come. Raises TimeoutError."""
        async with asyncio.timeout(120):
            await self._all_came.wait()


async def rate_of(port: int, requests: list[bytes]) -> float:
    """Return requests per second."""
    started = time.perf_counter()
    await ask(port, requests)
    return len(requests) / (time.perf_counter() - started)


async def paced(port: int, graph: Graph, prefix: str) -> tuple[float, float]:
    """Send turns at a steady pace, each from another person. Return median and 99th percentile in ms."""
    graph.expect(_PACED_TURNS)
    requests = [scene.message(n, f"wamid.{prefix}{n}") for n in range(1, _PACED_TURNS + 1)]
    sent: dict[str, float] = {}
    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for k, request in enumerate(requests):
            await asyncio.sleep(max(0.0, started + k / _PACED_PER_S - time.perf_counter()))
            sent[scene.phone(k + 1)] = time.perf_counter()
            tasks.create_task(ask(port, [request], connections=1))
    await graph.all_came()
    took = sorted((graph.came[who] - at) * 1000 for who, at in sent.items())
    return took[len(took) // 2], took[len(took) * 99 // 100]


async def saturated(port: int, graph: Graph, prefix: str) -> float:
    """Send turns all at once, several times; return turns per second, until the last POST is out (the median)."""
    rates = []
    for n in range(_SATURATED_ROUNDS):
        requests = [scene.message(1 + k % _PEOPLE, f"wamid.{prefix}{n}.{k}") for k in range(_SATURATED_TURNS)]
        graph.expect(_SATURATED_TURNS)
        started = time.perf_counter()
        await ask(port, requests)
        await graph.all_came()
        rates.append(_SATURATED_TURNS / (time.perf_counter() - started))
    return median(rates)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


async def webhook(environment: dict[str, str]) -> None:
    """(a) A webhook, verified and durably stored, against an empty handler: by turns, the same bytes to both."""
    empty, web = scene.free_port(), scene.free_port()
    floors, ours = [], []
    # The role `web` alone takes in and stores; nobody works the events off while it is measured.
    serving = ("-m", "bot.cli", "serve", "--port", str(web), "--role", "web")
    async with (
        scene.process("-m", "bench.floor", "empty", str(empty), port=empty),
        scene.process(*serving, port=web, environment=environment),
    ):
        for n in range(-1, _ROUNDS):  # the first warms up
            requests = [scene.message(1 + k % _PEOPLE, f"wamid.A{n}.{k}") for k in range(_REQUESTS)]
            floors.append(await rate_of(empty, requests))
            ours.append(await rate_of(web, requests))
    report("webhook_stored", median(ours[1:]), median(floors[1:]), "requests/s")


async def turns(environment: dict[str, str], graph: Graph, graph_port: int) -> None:
    """(b) A whole turn, webhook in to POST out; (c) the memory of a process at rest."""
    port = scene.free_port()
    out = f"http://127.0.0.1:{graph_port}/out"
    async with scene.process("-m", "bench.floor", "echo", str(port), out, port=port) as floor_process:
        floor_rest = resident_mb(floor_process.pid)
        floor_p50, floor_p99 = await paced(port, graph, "F")
        floor_rate = await saturated(port, graph, "G")
    port = scene.free_port()
    async with scene.process(
        "-m", "bot.cli", "serve", "--port", str(port), port=port, environment=environment
    ) as child:
        await asyncio.sleep(2)
        rest = resident_mb(child.pid)
        p50, p99 = await paced(port, graph, "P")
        rate = await saturated(port, graph, "S")
    graph.expect(0)
    report("turn_p50_at_50_per_s", p50, floor_p50, "ms")
    report("turn_p99_at_50_per_s", p99, floor_p99, "ms")
    report("turns_saturated", rate, floor_rate, "turns/s")
    report("memory_at_rest", rest, floor_rest, "MB")


async def payments(environment: dict[str, str]) -> None:
    """(d) Payments that the bank tells only when it is asked, against as many bare transactions."""
    ours_s, floor_s = await reconcile.measure(environment)
    report(f"payments_reconciled_{reconcile.COUNT}", ours_s, floor_s, "s")


async def plans(environment: dict[str, str]) -> None:
    """(e) Everybody of a large portfolio planned, against as many bare rows."""
    report(f"ladder_planned_{ladder.PLANNED}", *await ladder.planned(environment), "s")


async def pages(environment: dict[str, str]) -> None:
    """(h) Finance's pages over a million debts, against a bare page with one indexed query."""
    found, floor = await portfolio.measure(environment)
    for took in found:
        report(f"portfolio_{took.name}_p50", took.p50_ms, floor.p50_ms, "ms")
        report(f"portfolio_{took.name}_p99", took.p99_ms, floor.p99_ms, "ms")
        report(f"portfolio_{took.name}_cpu", took.cpu_ms, floor.cpu_ms, "ms")


async def trial(environment: dict[str, str]) -> None:
    """(h) A policy tried on a large portfolio, against reading its debts alone."""
    report(f"policy_trial_{trying.DEBTS}", *await trying.measure(environment), "s")


async def campaign() -> None:
    """(f) Reminders sent, against a bare client; (g) answers while a campaign goes on, against none."""
    graph, port = await ladder.far_end()
    rates: list[float] = []

    async def sends(environment: dict[str, str]) -> None:
        ours_ms, floor_ms, per_s = await ladder.sent(environment, port, graph)
        report("reminder_sent_cpu", ours_ms, floor_ms, "ms")
        rates.append(per_s)

    async def answers(environment: dict[str, str]) -> None:
        ours_ms, floor_ms, per_s = await ladder.replies(environment, graph)
        report("reply_p99_under_campaign", ours_ms, floor_ms, "ms")
        report("reminders_beside_replies", per_s, rates[0], "reminders/s")

    await with_servers(sends, port, people=ladder.SENT)
    await with_servers(answers, port, people=ladder.CAMPAIGN + 2 * _PACED_TURNS)


async def with_servers(
    measure: Callable[[dict[str, str]], Awaitable[None]], graph_port: int, *, people: int = _PEOPLE
) -> None:
    """Run a measurement on a database of its own."""
    with tempfile.TemporaryDirectory(prefix="acerto-bench-") as folder:
        home = Path(folder)
        async with embedded_postgres(home) as database, embedded_valkey(home) as redis:
            await migrate(database)
            environment = scene.settings(home, graph_port=graph_port, database=database, redis=redis)
            await scene.people(database, people, secret=secret_of(read_settings(environment)))
            await measure(environment)


async def main(*names: str) -> None:
    """Measure everything, or only what is named: amount, webhook, turns, payments, plans, campaign, portfolio."""
    if not names or "amount" in names:
        report("amount_of_one_debt", *amount.measure(), "µs")
    graph, graph_port = Graph(), scene.free_port()
    await serve(graph.answer, graph_port)
    if not names or "webhook" in names:
        await with_servers(webhook, graph_port)
    if not names or "turns" in names:
        await with_servers(lambda environment: turns(environment, graph, graph_port), graph_port)
    if not names or "payments" in names:
        await with_servers(payments, graph_port, people=reconcile.COUNT)
    if not names or "plans" in names:
        await with_servers(plans, graph_port, people=ladder.PLANNED)
    if not names or "trial" in names:
        await with_servers(trial, graph_port, people=trying.DEBTS)
    if not names or "campaign" in names:
        await campaign()
    if not names or "portfolio" in names:
        await with_servers(pages, graph_port, people=0)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
