"""Who comes in with the company's own account: known by the provider's name for them, never by an address that may pass
to somebody else."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.store import sessions, users
from bot.store.users import Role, User

FORGET_OLD = "DELETE FROM oidc_used_state WHERE expires_at <= $1"
USE_STATE = """
INSERT INTO oidc_used_state (state_hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING expires_at
"""
FIND = """
SELECT u.id, u.name, u.role, u.password_hash
FROM   oidc_person p JOIN app_user u ON u.id = p.user_id
WHERE  p.issuer = $1 AND p.subject = $2 AND u.disabled_at IS NULL
"""
IS_KNOWN = "SELECT EXISTS (SELECT FROM oidc_person WHERE issuer = $1 AND subject = $2)"
# Whoever is disabled has no way in by a new account, and whoever has an account of this provider gets no second one.
LINK = """
INSERT INTO oidc_person (issuer, subject, user_id, created_at)
SELECT $1, $2, u.id, $4 FROM app_user u WHERE lower(u.name) = lower($3) AND u.disabled_at IS NULL
ON CONFLICT DO NOTHING
RETURNING user_id
"""
SET_ROLE = "UPDATE app_user SET role = $2 WHERE id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom the provider vouches for.

    `email` only where it says that it made sure of it. `is_role_given`: the provider decides who is what, and says
    `role`; None: nothing here.
    """

    issuer: str
    subject: str
    email: str | None
    called: str
    is_role_given: bool
    role: Role | None


async def use_state(conn: Any, state: str, *, expires_at: datetime, now: datetime) -> bool:
    """Go a way back; False: it was gone before. States that could not be used any more anyway are forgotten."""
    await conn.execute(FORGET_OLD, now)
    return await conn.fetchval(USE_STATE, hashlib.sha256(state.encode()).digest(), expires_at) is not None


async def admitted(conn: Any, who: Identity, *, now: datetime) -> User | None:
    """Return the login of somebody with the company's account, made or linked the first time; None: they have none
    here. Inside a transaction."""
    if who.is_role_given and who.role is None:
        return None
    if not await conn.fetchval(IS_KNOWN, who.issuer, who.subject):
        await _link(conn, who, now)
    row = await conn.fetchrow(FIND, who.issuer, who.subject)
    if row is None:
        return None
    user = User(**row)
    if who.role is None or who.role == user.role:
        return user
    await conn.execute(SET_ROLE, user.id, who.role)
    await users.note(conn, user_id=user.id, by_id=None, what="company_role", now=now)
    await sessions.end_all(conn, user.id)
    return User(id=user.id, name=user.name, role=who.role, password_hash=user.password_hash)


async def _link(conn: Any, who: Identity, now: datetime) -> None:
    """A login that is named by the verified address becomes theirs; or else, where the provider gives roles, a new
    one. A name that is merely claimed opens nobody's login."""
    name, what = who.email, "company_linked"
    if who.role is not None:
        called = who.email or who.called
        if await users.add(conn, name=called, role=who.role, password_hash=None, now=now) is not None:
            name, what = called, "company_added"
    user_id = await conn.fetchval(LINK, who.issuer, who.subject, name, now) if name is not None else None
    if user_id is not None:
        await users.note(conn, user_id=user_id, by_id=None, what=what, now=now)
