"""People who may log in: agents, finance, administrators. A name is one person, whatever its letter case."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

Role: TypeAlias = Literal["agent", "finance", "admin"]

ADD = """
INSERT INTO app_user (name, role, password_hash, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (lower(name)) DO NOTHING
RETURNING id
"""
FIND = "SELECT id, name, role, password_hash FROM app_user WHERE lower(name) = lower($1) AND disabled_at IS NULL"
SET_HASH = "UPDATE app_user SET password_hash = $2 WHERE id = $1"
NAMED = "SELECT id, name, role, password_hash FROM app_user WHERE id = $1 AND disabled_at IS NULL"
IS_ANYBODY = "SELECT EXISTS (SELECT FROM app_user WHERE disabled_at IS NULL AND password_hash IS NOT NULL)"
EVERYBODY = """
SELECT u.id, u.name, u.role, u.password_hash IS NOT NULL AS has_password, u.totp_since IS NOT NULL AS has_second_factor,
       u.disabled_at IS NOT NULL AS is_disabled,
       (SELECT max(s.seen_at) FROM app_session s WHERE s.user_id = u.id) AS seen_at,
       (SELECT max(c.expires_at) FROM first_code c WHERE c.user_id = u.id AND c.expires_at > $1) AS code_until
FROM   app_user u ORDER BY u.disabled_at IS NOT NULL, lower(u.name)
"""
# Whoever is the only administrator stays one: the rows are locked, so that two cannot both be the last.
OTHER_ADMINS = "SELECT id FROM app_user WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id FOR UPDATE"
SET_ROLE = "UPDATE app_user SET role = $2 WHERE id = $1 AND role <> $2 RETURNING id"
DISABLE = "UPDATE app_user SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL RETURNING id"
ENABLE = "UPDATE app_user SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL RETURNING id"
NOTE = "INSERT INTO user_event (at, user_id, by_id, what) VALUES ($1, $2, $3, $4)"
EVENTS = """
SELECT e.at, e.what, u.name, b.name AS by_name
FROM   user_event e JOIN app_user u ON u.id = e.user_id LEFT JOIN app_user b ON b.id = e.by_id
ORDER  BY e.id DESC LIMIT $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One person. `password_hash` is argon2id; without one nobody logs in under this name."""

    id: int
    name: str
    role: Role
    password_hash: str | None


async def add(conn: Any, *, name: str, role: Role, password_hash: str | None, now: datetime) -> int | None:
    """Add a person and return their id; None: the name is taken."""
    user_id: int | None = await conn.fetchval(ADD, name, role, password_hash, now)
    return user_id


async def find(conn: Any, name: str) -> User | None:
    """Return who goes by `name` and may log in."""
    row = await conn.fetchrow(FIND, name)
    return User(**row) if row is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person as an administrator sees them. `code_until`: a first code of theirs is still good."""

    id: int
    name: str
    role: Role
    has_password: bool
    has_second_factor: bool
    is_disabled: bool
    seen_at: datetime | None
    code_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEvent:
    """Something that was done to a login; without `by_name` at the command line."""

    at: datetime
    what: str
    name: str
    by_name: str | None


async def of_id(conn: Any, user_id: int) -> User | None:
    """Return a person who may log in."""
    row = await conn.fetchrow(NAMED, user_id)
    return User(**row) if row is not None else None


async def is_anybody(conn: Any) -> bool:
    """Return whether anybody at all can log in."""
    return bool(await conn.fetchval(IS_ANYBODY))


async def everybody(conn: Any, now: datetime) -> list[Person]:
    """Return all people, those who may not log in any more at the end."""
    return [Person(**row) for row in await conn.fetch(EVERYBODY, now)]


async def change_role(conn: Any, user_id: int, role: Role) -> bool:
    """Give somebody another role; False: nothing changes, or nobody would be administrator. Inside a transaction."""
    if role != "admin" and await _is_last_admin(conn, user_id):
        return False
    return await conn.fetchval(SET_ROLE, user_id, role) is not None


async def disable(conn: Any, user_id: int, now: datetime) -> bool:
    """Let somebody log in no more; False: nothing changes, or nobody would be administrator. Inside a transaction."""
    if await _is_last_admin(conn, user_id):
        return False
    return await conn.fetchval(DISABLE, user_id, now) is not None


async def enable(conn: Any, user_id: int) -> bool:
    """Let somebody log in again."""
    return await conn.fetchval(ENABLE, user_id) is not None


async def note(conn: Any, *, user_id: int, by_id: int | None, what: str, now: datetime) -> None:
    """Write down what was done to a login."""
    await conn.execute(NOTE, now, user_id, by_id, what)


async def events(conn: Any, limit: int) -> list[UserEvent]:
    """Return what was done lately, newest first."""
    return [UserEvent(**row) for row in await conn.fetch(EVENTS, limit)]


async def _is_last_admin(conn: Any, user_id: int) -> bool:
    return [row["id"] for row in await conn.fetch(OTHER_ADMINS)] == [user_id]


async def set_hash(conn: Any, user_id: int, password_hash: str) -> None:
    """Keep the same password under a newer hash."""
    await conn.execute(SET_HASH, user_id, password_hash)
