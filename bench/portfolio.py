"""A portfolio of a million debts, and how long each of finance's pages takes over it, over HTTP, one after another.

As `python -m bench.portfolio <port> <database>` it is the floor: a bare aiohttp page with one question by an index.
"""

import asyncio
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import aiohttp
import asyncpg
import uvloop
from aiohttp import web

from bench import scene
from bench.ladder import cpu_s
from bot.store import sessions, users

DEBTS = 1_000_000
_CUSTOMERS, _CHATS, _LINES = 400_000, 50_000, 8
_REQUESTS, _WARM = 100, 3
_TOKEN, _CSRF = "bench-token", "bench-csrf"  # of a database that lives for minutes
# Names as they are spread in Brazil: one in ten is a Maria, two in ten a Silva.
_CUSTOMERS_SQL = """
INSERT INTO customer (external_id, name, document, phone, email, opted_out_at, created_at, updated_at)
SELECT 'C-' || n,
       (ARRAY['Maria','José','João','Ana','Antônio','Francisca','Carlos','Márcia','Paulo','Adriana'])[1 + n % 10]
       || ' ' ||
       CASE WHEN n % 10007 = 0 THEN 'Xavantina' ELSE
       (ARRAY['da Silva','dos Santos','Oliveira','de Souza','da Silva','Pereira','Conceição'])[1 + n / 10 % 7] END ||
       ' ' || chr(65 + n / 70 % 26) || 'ra' || n / 1820,
       lpad((n * 7919::bigint % 100000000000)::text, 11, '0'), (5531900000000 + n)::text, NULL,
       CASE WHEN n % 97 = 0 THEN $2::timestamptz END, $2, $2
FROM generate_series(1, $1::int) n
"""
_DEBTS_SQL = """
INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on, tags, state,
                  created_at, updated_at, settled_at)
SELECT 'D-' || n, 1 + n * 7919::bigint % $2::int, 'Mensalidade', cents, CASE WHEN n % 4 = 0 THEN 0 ELSE cents END,
       current_date - (n * 104729::bigint % 900)::int + 60,
       CASE WHEN n % 50021 = 0 THEN '{raro}' WHEN n % 3 = 0 THEN '{pro,loja}' ELSE '{basico}' END::text[],
       CASE WHEN n % 4 = 0 THEN 'paid' ELSE 'open' END, $3, $3, CASE WHEN n % 4 = 0 THEN $3::timestamptz END
FROM (SELECT n, 1000 + n * 15485863::bigint % 500000 AS cents FROM generate_series(1, $1::int) n) AS one
"""
_LEDGER_SQL = """
WITH made AS (INSERT INTO ledger_transaction (key, booked_at) SELECT 'debt:' || id || ':opened', created_at FROM debt
              RETURNING id, key)
INSERT INTO ledger_posting (transaction_id, n, account, amount_cents)
SELECT m.id, p.n, CASE p.n WHEN 1 THEN left(m.key, -7) ELSE 'opening' END, p.sign * 10000
FROM   made m CROSS JOIN (VALUES (1, 1), (2, -1)) AS p(n, sign)
"""
_CHATS_SQL = """
INSERT INTO conversation (address, customer_id, confirmed_at, heard_at, journal_n, created_at)
SELECT phone, id, $2, $2, $3, $2 FROM customer WHERE id <= $1
"""
# The first of them has written five thousand lines.
_JOURNAL_SQL = """
INSERT INTO journal (conversation_id, n, at, kind, body, hash)
SELECT c.id, n, $2::timestamptz - n * interval '1 hour', CASE n % 2 WHEN 0 THEN 'heard' ELSE 'said' END,
       '{"text":"Uma linha de uma conversa de sempre, nem curta nem longa."}', ''
FROM   conversation c CROSS JOIN LATERAL generate_series(1, CASE WHEN c.id = 1 THEN 5000 ELSE $1::int END) n
"""
_PAGES: Mapping[str, tuple[str, ...]] = {
    "list": ("", "?late=31-60", "?state=all", "?state=paid&late=181-"),
    "list_far": ("?after=2026-08-01.500000", "?state=all&after=2025-06-01.1"),
    "list_rare": ("?tag=raro", "?state=all&min=5.009,00", "?who=ticket", "?tag=nenhum"),
    "list_common": ("?tag=pro", "?min=100&max=2.000", "?who=opted_out", "?state=all&tag=basico&late=1-30"),
    # Nothing or hardly anything fits, and each filter by itself fits much.
    "list_worst": (
        "?state=paid&tag=pro&min=5.009,90",
        "?state=open&who=opted_out&tag=raro",
        "?state=cancelled&tag=pro",
    ),
}
_SEARCHES: Mapping[str, tuple[str, ...]] = {
    "search_common": ("maria", "silva", "ma", "maria da silva"),
    "search_rare": ("xavantina", "jose xavantina", "adriana conceicao bra17"),
    "search_number": ("C-77", "d-99999", "C-123456"),
    "search_nothing": ("ninguem assim", "zz", "maria zzz"),
    "search_phone": ("+55 31 90012-3456", "31 9 0012-3456", "5531900399999"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What one kind of page took, in ms; `cpu_ms` is the program's processor time of one, PostgreSQL's not counted."""

    name: str
    p50_ms: float
    p99_ms: float
    cpu_ms: float


async def fill(database: str) -> float:
    """Put the portfolio in, and return the seconds that took. Triggers are left out: nobody is planned or told."""
    conn = await asyncpg.connect(database)
    now = datetime.now(UTC)
    started = time.perf_counter()
    try:
        await conn.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        await conn.execute(_CUSTOMERS_SQL, _CUSTOMERS, now)
        await conn.execute(_DEBTS_SQL, DEBTS, _CUSTOMERS, now)
        await conn.execute(_LEDGER_SQL)
        await conn.execute(_CHATS_SQL, _CHATS, now, _LINES)
        await conn.execute(_JOURNAL_SQL, _LINES, now)
        user_id = await users.add(conn, name="Bench", role="finance", password_hash=None, now=now)
        assert user_id is not None
        await sessions.begin(
            conn, token=_TOKEN, csrf_token=_CSRF, user_id=user_id, now=now, expires_at=now + timedelta(hours=9)
        )
        await conn.execute("VACUUM ANALYZE")
    finally:
        await conn.close()
    return time.perf_counter() - started


async def measure(environment: dict[str, str]) -> tuple[list[Took], Took]:
    """Return what each kind of page took, and the floor."""
    database = environment["ACERTO_DATABASE_URL"]
    print(f"# filled in {await fill(database):.0f} s", file=sys.stderr, flush=True)
    floor_port, port = scene.free_port(), scene.free_port()
    async with scene.process("-m", "bench.portfolio", str(floor_port), database, port=floor_port) as floor:
        root = f"http://127.0.0.1:{floor_port}/"
        one = await _took("floor", floor.pid, [("GET", f"{root}?id={n}", None) for n in range(1, _REQUESTS + 1)])
    serving = ("-m", "bot.cli", "serve", "--port", str(port), "--role", "web")
    async with scene.process(*serving, port=port, environment=environment) as child:
        root = f"http://127.0.0.1:{port}/finance/portfolio"
        found = [await _took(name, child.pid, _gets(root, tails)) for name, tails in _PAGES.items()]
        found += [await _took(name, child.pid, _posts(root, asked)) for name, asked in _SEARCHES.items()]
        ids = [f"/customers/{1 + n * 7919 % _CUSTOMERS}" for n in range(_REQUESTS)]
        found.append(await _took("customer", child.pid, _gets(root, tuple(ids))))
        found.append(await _took("customer_5000_lines", child.pid, _gets(root, ("/customers/1",))))
        found.append(await _took("customer_turned", child.pid, await _turned(f"{root}/customers/1")))
        found.append(await _took("import", child.pid, _gets(root, ("/import",))))
        await _export(f"{root}.csv?state=all")
    return found, one


_Asked = tuple[str, str, Mapping[str, str] | None]


def _gets(root: str, tails: tuple[str, ...]) -> list[_Asked]:
    return [("GET", root + tails[n % len(tails)], None) for n in range(_REQUESTS)]


def _posts(root: str, asked: tuple[str, ...]) -> list[_Asked]:
    return [("POST", root, {"csrf": _CSRF, "asked": asked[n % len(asked)]}) for n in range(_REQUESTS)]


async def _turned(address: str) -> list[_Asked]:
    """The pages of the longest timeline, one after another."""
    found: list[_Asked] = []
    async with aiohttp.ClientSession(cookies={"acerto": _TOKEN}) as client:
        while len(found) < _REQUESTS:
            found.append(("GET", address, None))
            async with client.get(address) as answer:
                following = re.search(r'rel="next" href="([^"#]+)', await answer.text())
            if following is None:
                break
            address = address.partition("/finance")[0] + unescape(following[1])
    return found


async def _took(name: str, pid: int, requests: list[_Asked]) -> Took:
    took: list[float] = []
    async with aiohttp.ClientSession(cookies={"acerto": _TOKEN}) as client:
        for method, address, form in requests[:_WARM]:
            await _one(client, method, address, form)
        before_s = cpu_s(pid)
        for method, address, form in requests:
            started = time.perf_counter()
            await _one(client, method, address, form)
            took.append((time.perf_counter() - started) * 1000)
        cpu_ms = (cpu_s(pid) - before_s) * 1000 / len(requests)
    took.sort()
    return Took(name=name, p50_ms=took[len(took) // 2], p99_ms=took[-(-len(took) * 99 // 100) - 1], cpu_ms=cpu_ms)


async def _one(client: aiohttp.ClientSession, method: str, address: str, form: Mapping[str, str] | None) -> None:
    async with client.request(method, address, data=form, allow_redirects=False) as answer:
        await answer.read()
        assert answer.status == 200, f"{answer.status} of {address}"


async def _export(address: str) -> None:
    """Read the whole portfolio as a file, and say on stderr how long it took."""
    started, size = time.perf_counter(), 0
    async with aiohttp.ClientSession(cookies={"acerto": _TOKEN}) as client, client.get(address) as answer:
        async for chunk in answer.content.iter_chunked(1 << 20):
            size += len(chunk)
    print(f"# {size >> 20} MiB of CSV in {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)


async def floor(port: int, database: str) -> None:
    """Serve one debt by its number, found by an index, until killed."""
    async with asyncpg.create_pool(database, min_size=1, max_size=2) as pool:

        async def one(request: web.Request) -> web.Response:
            row: Any = await pool.fetchrow("SELECT * FROM debt WHERE id = $1", int(request.query["id"]))
            return web.Response(text=f"<p>{row['description']} {row['due_on']}</p>", content_type="text/html")

        app = web.Application()
        app.add_routes([web.get("/", one)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(floor(int(sys.argv[1]), sys.argv[2]))
