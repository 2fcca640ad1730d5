"""`make bench`: one JSON line per measurement, ours beside a floor taken in the same run on the same machine.

`ratio` is ours / floor. Rates: higher is better. Milliseconds and megabytes: lower is better.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from bench import scene
from bench.wire import Connection, serve
from bot.store.embedded import embedded_postgres, embedded_valkey
from bot.store.migrate import migrate

_CONNECTIONS = 64
_REQUESTS = 12_000
_PEOPLE = 2_000
_PACED_TURNS = 1_000
_PACED_PER_S = 50
_SATURATED_TURNS = 4_000


def report(name: str, ours: float, floor: float, unit: str) -> None:
    """Print one measurement."""
    line = {"name": name, "ours": round(ours, 2), "floor": round(floor, 2), "ratio": round(ours / floor, 3), "unit": unit}
    print(json.dumps(line), flush=True)  # noqa: T201


class Graph:
    """The far end: answers every POST and notes when it came, by the wamid or phone that it carries."""

    def __init__(self) -> None:
        self.came: dict[str, float] = {}
        self.count = 0
        self.wanted = 0
        self.all_came = asyncio.Event()

    def answer(self, body: bytes) -> bytes:
        """Note a POST and accept it."""
        now = time.perf_counter()
        self.count += 1
        at = body.find(b"5511")
        self.came.setdefault(body[at : at + 13].decode("ascii", "replace"), now)
        if self.count >= self.wanted:
            self.all_came.set()
        return b'{"messaging_product":"whatsapp","contacts":[],"messages":[{"id":"wamid.B%d"}]}' % self.count

    def expect(self, count: int) -> None:
        """Begin anew, expecting `count` POSTs."""
        self.came, self.wanted = {}, self.count + count
        self.all_came.clear()


async def flood(port: int, bodies: list[tuple[bytes, str]]) -> float:
    """Post all bodies over the connections as fast as they are answered; return requests per second."""
    waiting = iter(bodies)
    lines = [Connection("127.0.0.1", port) for _ in range(_CONNECTIONS)]

    async def worker(line: Connection) -> None:
        for body, headers in waiting:
            assert await line.post("/webhook", body, headers) == 200

    started = time.perf_counter()
    await asyncio.gather(*(worker(line) for line in lines))
    rate = len(bodies) / (time.perf_counter() - started)
    for line in lines:
        line.close()
    return rate


async def paced(port: int, graph: Graph, prefix: str, first: int) -> tuple[float, float]:
    """Send turns at a steady pace, each from another person; return the median and the 99th percentile in ms, webhook in to POST out."""
    graph.expect(_PACED_TURNS)
    lines = [Connection("127.0.0.1", port) for _ in range(16)]
    sent: dict[str, float] = {}

    async def one(n: int) -> None:
        body, headers = scene.message(n, f"wamid.{prefix}{n}")
        sent[scene.phone(n)] = time.perf_counter()
        await lines[n % len(lines)].post("/webhook", body, headers)

    started = time.perf_counter()
    tasks = []
    for k in range(_PACED_TURNS):
        await asyncio.sleep(max(0.0, started + k / _PACED_PER_S - time.perf_counter()))
        tasks.append(asyncio.create_task(one(first + k)))
    await asyncio.gather(*tasks)
    async with asyncio.timeout(60):
        await graph.all_came.wait()
    for line in lines:
        line.close()
    took = sorted((graph.came[who] - at) * 1000 for who, at in sent.items())
    return took[len(took) // 2], took[len(took) * 99 // 100]


async def saturated(port: int, graph: Graph, prefix: str) -> float:
    """Send turns all at once; return turns per second, until the last POST is out."""
    graph.expect(_SATURATED_TURNS)
    bodies = [scene.message(1 + k % _PEOPLE, f"wamid.{prefix}{k}") for k in range(_SATURATED_TURNS)]
    started = time.perf_counter()
    await flood(port, bodies)
    async with asyncio.timeout(180):
        await graph.all_came.wait()
    return _SATURATED_TURNS / (time.perf_counter() - started)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


async def webhook(environment: dict[str, str]) -> None:
    """(a) A webhook with signature, parse and durable store, against an empty handler."""
    bodies = [scene.message(1 + n % _PEOPLE, f"wamid.A{n}") for n in range(_REQUESTS)]
    port = scene.free_port()
    async with scene.process("-m", "bench.floor", "empty", str(port), port=port):
        await flood(port, bodies[:1000])
        floor = await flood(port, bodies)
    port = scene.free_port()
    # The role `web` alone takes in and stores; nobody works the events off while it is measured.
    async with scene.process("-m", "bot.cli", "serve", "--port", str(port), "--role", "web", port=port, environment=environment):
        await flood(port, [scene.message(1 + n % _PEOPLE, f"wamid.W{n}") for n in range(1000)])
        ours = await flood(port, bodies)
    report("webhook_stored", ours, floor, "requests/s")


async def turns(environment: dict[str, str], graph: Graph, graph_port: int) -> None:
    """(b) A whole turn, webhook in to POST out; (c) the memory of a process at rest."""
    port = scene.free_port()
    out = f"http://127.0.0.1:{graph_port}/out"
    async with scene.process("-m", "bench.floor", "echo", str(port), out, port=port) as floor_process:
        floor_rest = resident_mb(floor_process.pid)
        floor_p50, floor_p99 = await paced(port, graph, "F", 1)
        floor_rate = await saturated(port, graph, "G")
    port = scene.free_port()
    async with scene.process("-m", "bot.cli", "serve", "--port", str(port), port=port, environment=environment) as child:
        await asyncio.sleep(2)
        rest = resident_mb(child.pid)
        p50, p99 = await paced(port, graph, "P", 1)
        rate = await saturated(port, graph, "S")
    report("turn_p50_at_50_per_s", p50, floor_p50, "ms")
    report("turn_p99_at_50_per_s", p99, floor_p99, "ms")
    report("turns_saturated", rate, floor_rate, "turns/s")
    report("memory_at_rest", rest, floor_rest, "MB")


async def with_servers(measure: Callable[[dict[str, str]], Awaitable[None]], graph_port: int) -> None:
    """Run a measurement on a database of its own."""
    with tempfile.TemporaryDirectory(prefix="acerto-bench-") as folder:
        home = Path(folder)
        async with embedded_postgres(home) as database, embedded_valkey(home) as redis:
            await migrate(database)
            await scene.people(database, _PEOPLE)
            await measure(scene.settings(home, graph_port=graph_port, database=database, redis=redis))


async def main() -> None:
    """Measure everything."""
    graph, graph_port = Graph(), scene.free_port()
    await serve(graph.answer, graph_port)
    await with_servers(webhook, graph_port)
    await with_servers(lambda environment: turns(environment, graph, graph_port), graph_port)


if __name__ == "__main__":
    uvloop.run(main())
