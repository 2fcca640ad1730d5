"""A company's pages in a test: a clock in hand, people with a login, and conversations that wait for them."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.cookies import Morsel
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import aiohttp
from aiohttp.test_utils import BaseTestServer, TestClient, TestServer

from bot.parts import Parts, open_parts
from bot.settings import read_settings
from bot.store import desk_view, journal, sessions, users
from bot.store.users import Role
from bot.web.passwords import hash_password
from bot.web.sessions import COOKIE, LASTS
from tests.pix_bank import HandClock
from webhook import make_app

PASSWORD = "a password of ours"
HASH = hash_password(PASSWORD)
CREDITOR = {
    "ACERTO_CREDITOR_NAME": "Escola Aurora Ltda",
    "ACERTO_CREDITOR_DOCUMENT": "11222333000181",
    "ACERTO_CREDITOR_ADDRESS": "Rua das Laranjeiras, 120, São Paulo",
}
MARIA = ("Maria Aparecida Souza", "52998224725")
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_KEY = re.compile(r'name="key" value="([^"]+)"')
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


@dataclass
class Visitor:
    """Somebody with a browser of their own, cookies and all; follows no redirect by itself."""

    client: TestClient[Any, Any]

    async def get(self, address: str, **headers: str) -> aiohttp.ClientResponse:
        """Open an address."""
        return await self.client.get(address, allow_redirects=False, headers=headers)

    async def text(self, address: str, **headers: str) -> str:
        """Open an address that answers 200, and read it."""
        answer = await self.get(address, **headers)
        assert answer.status == 200, answer.status
        return await answer.text()

    async def post(self, address: str, form: Mapping[str, str], **headers: str) -> aiohttp.ClientResponse:
        """Send a form as it stands."""
        return await self.client.post(address, data=form, allow_redirects=False, headers=headers)

    async def logs_in(self, name: str, password: str = PASSWORD, **more: str) -> aiohttp.ClientResponse:
        """Send the login's form, its token from the page."""
        token = _one(_TOKEN, await self.text("/login"))
        return await self.post("/login", {"name": name, "password": password, "token": token, **more})

    async def acts(self, ticket: int, action: str, **form: str) -> aiohttp.ClientResponse:
        """Do something with a ticket, as the buttons of its page do."""
        page = await self.text(f"/desk/{ticket}")
        csrf = _one(_CSRF, page)
        return await self.post(f"/desk/{ticket}/{action}", {"csrf": csrf, **form}, **{"HX-Request": "true"})

    async def form_of(self, ticket: int) -> dict[str, str]:
        """The hidden fields of the answer's form, as rendered once."""
        page = await self.text(f"/desk/{ticket}")
        return {"csrf": _one(_CSRF, page), "key": _one(_KEY, page)}

    def cookie(self, name: str = "acerto") -> Morsel[str] | None:
        """What the browser keeps."""
        return next((c for c in self.client.session.cookie_jar if c.key == name), None)


@dataclass
class Company:
    """The parts, the clock, and the server that browsers reach."""

    parts: Parts
    clock: HandClock
    server: BaseTestServer
    _visitors: list[TestClient[Any, Any]] = field(default_factory=list)
    _numbers: int = 0

    def visitor(self) -> Visitor:
        """Somebody new, with an empty browser."""
        client: TestClient[Any, Any] = TestClient(self.server, cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._visitors.append(client)
        return Visitor(client)

    async def employs(self, name: str, role: Role = "agent") -> int:
        """Give somebody a login."""
        async with self.parts.pool.acquire() as conn:
            added = await users.add(conn, name=name, role=role, password_hash=HASH, now=self.clock.now())
        assert added is not None
        return added

    async def agent(self, name: str = "Paula", role: Role = "agent") -> Visitor:
        """Somebody who has logged in before: their session is there and their browser has its cookie. The door itself,
        which takes its time with every password, is passed in the tests of the door."""
        user_id, visitor, token, now = await self.employs(name, role), self.visitor(), token_urlsafe(), self.clock.now()
        async with self.parts.pool.acquire() as conn:
            await sessions.begin(
                conn, token=token, csrf_token=token_urlsafe(), user_id=user_id, now=now, expires_at=now + LASTS
            )
        visitor.client.session.cookie_jar.update_cookies({COOKIE: token}, self.server.make_url("/"))
        return visitor

    async def ask(self, sql: str, *values: Any) -> Any:
        """Return one value of the database."""
        async with self.parts.pool.acquire() as conn:
            return await conn.fetchval(sql, *values)

    async def ticket(
        self,
        *,
        person: tuple[str, str] = MARIA,
        confirmed: bool = True,
        heard_ago: timedelta = timedelta(minutes=5),
        waits_since: timedelta = timedelta(minutes=5),
        reason: str = "asked",
        lines: Sequence[tuple[str, Mapping[str, Any]]] = (("heard", {"text": "preciso de ajuda"}),),
        profile: str = "Cida",
    ) -> int:
        """Open a ticket for somebody who wrote, and return its number."""
        self._numbers += 1
        now, phone = self.clock.now(), f"55119{self._numbers:08d}"
        async with self.parts.pool.acquire() as conn:
            customer = await conn.fetchval(
                "INSERT INTO customer (external_id, name, document, phone, created_at, updated_at)"
                " VALUES ($1, $2, $3, $1, $4, $4) RETURNING id",
                phone,
                *person,
                now,
            )
            conversation = await conn.fetchval(
                "INSERT INTO conversation"
                " (address, customer_id, confirmed_at, profile_name, owner, heard_at, created_at)"
                " VALUES ($1, $2, $3, $4, 'person', $5, $6) RETURNING id",
                phone,
                customer if confirmed else None,
                now if confirmed else None,
                profile,
                now - heard_ago,
                now,
            )
            held = await desk_view.read(conn, conversation)
            entries = [journal.Entry(at=now - heard_ago, kind=kind, body=body) for kind, body in lines]
            await journal.append(conn, journal.chain(held, entries), {})
            ticket: int = await conn.fetchval(
                "INSERT INTO ticket (conversation_id, customer_id, reason, queue, opened_at)"
                " VALUES ($1, $2, $3, 'atendimento', $4) RETURNING id",
                conversation,
                customer if confirmed else None,
                reason,
                now - waits_since,
            )
        return ticket

    async def owes(self, ticket: int, *, cents: int, due: date, description: str = "Mensalidade") -> None:
        """Let whoever this ticket is about owe something."""
        async with self.parts.pool.acquire() as conn:
            await conn.execute(
                "INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents,"
                " due_on, created_at, updated_at)"
                " SELECT $1 || c.id, c.id, $2, $3, $3, $4, $5, $5 FROM ticket t"
                " JOIN conversation v ON v.id = t.conversation_id JOIN customer c ON c.phone = v.address"
                " WHERE t.id = $6",
                f"debt-{due}-",
                description,
                cents,
                due,
                self.clock.now(),
                ticket,
            )

    async def events(self) -> list[str]:
        """The kinds of what agents did, in order."""
        async with self.parts.pool.acquire() as conn:
            rows = await conn.fetch("SELECT convert_from(raw, 'UTF8')::jsonb ->> 'type' AS type FROM inbox ORDER BY id")
        return [row["type"] for row in rows]

    async def close(self) -> None:
        """Close all browsers."""
        for client in self._visitors:
            await client.session.close()


@asynccontextmanager
async def company(
    database: str, redis_url: str, home: Path, *, at: datetime | None = None, demo: bool = False, **environment: str
) -> AsyncIterator[Company]:
    """Yield a company's pages on loopback."""
    settings = read_settings(
        {
            **CREDITOR,
            "ACERTO_HOME": str(home),
            "ACERTO_DATABASE_URL": database,
            "ACERTO_REDIS_URL": redis_url,
            **environment,
        }
    )
    clock = HandClock(at) if at is not None else HandClock()
    async with (
        open_parts(settings, clock, demo=demo, connections=6) as parts,
        TestServer(make_app(parts), host="127.0.0.1") as server,
    ):
        found = Company(parts, clock, server)
        try:
            yield found
        finally:
            await found.close()


def _one(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    assert found is not None, f"no {pattern.pattern} in the page"
    return found[1]
