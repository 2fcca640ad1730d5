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


async def set_hash(conn: Any, user_id: int, password_hash: str) -> None:
    """Keep the same password under a newer hash."""
    await conn.execute(SET_HASH, user_id, password_hash)
