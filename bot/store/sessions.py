"""Sessions of people who logged in. Only the sha256 of the cookie is stored: a copy of the table opens no door."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.store.users import Role

BEGIN = """
INSERT INTO app_session (token_hash, user_id, csrf_token, created_at, seen_at, expires_at)
VALUES ($1, $2, $3, $4, $4, $5)
"""
FIND = """
SELECT u.id AS user_id, u.name, u.role, s.csrf_token, u.totp_since IS NOT NULL AS has_second_factor
FROM   app_session s JOIN app_user u ON u.id = s.user_id
WHERE  s.token_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL
"""
END = "DELETE FROM app_session WHERE token_hash = $1"
END_ALL = "DELETE FROM app_session WHERE user_id = $1 AND token_hash <> $2"
OPEN = (
    "SELECT created_at, token_hash = $2 AS is_this FROM app_session WHERE user_id = $1 AND expires_at > $3 ORDER BY 1"
)
FORGET_EXPIRED = "DELETE FROM app_session WHERE expires_at <= $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is there, and the token that their forms carry."""

    user_id: int
    name: str
    role: Role
    csrf_token: str
    has_second_factor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """One of a person's sessions."""

    created_at: datetime
    is_this: bool


async def begin(conn: Any, *, token: str, csrf_token: str, user_id: int, now: datetime, expires_at: datetime) -> None:
    """Begin a session for the holder of `token`, and forget those that are over."""
    await conn.execute(FORGET_EXPIRED, now)
    await conn.execute(BEGIN, _hash(token), user_id, csrf_token, now, expires_at)


async def find(conn: Any, token: str, now: datetime) -> Session | None:
    """Return the session of `token` while it lasts and its person may log in."""
    row = await conn.fetchrow(FIND, _hash(token), now)
    return Session(**row) if row is not None else None


async def end(conn: Any, token: str) -> None:
    """End a session at once."""
    await conn.execute(END, _hash(token))


async def end_all(conn: Any, user_id: int, *, but: str = "") -> None:
    """End all sessions of a person, but the one of the token `but`."""
    await conn.execute(END_ALL, user_id, _hash(but))


async def open_ones(conn: Any, user_id: int, token: str, now: datetime) -> list[OpenSession]:
    """Return the sessions of a person; `token` is that of this one."""
    return [OpenSession(**row) for row in await conn.fetch(OPEN, user_id, _hash(token), now)]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()  # a cookie is whatever somebody sends
