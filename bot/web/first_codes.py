"""The first code: with it somebody chooses their password, once and within a day. Only its hash is kept."""

from datetime import datetime, timedelta
from typing import Any

from bot.store import second_factors, sessions, users
from bot.web.second_factor import random_code

LASTS = timedelta(hours=24)
_LETTERS = 20


async def give(conn: Any, user_id: int, *, by_id: int | None, now: datetime) -> str:
    """Return a new code for a person; the ones before are gone. Inside a transaction. `by_id`: who gave it, None at the
    command line."""
    code = random_code(_LETTERS)
    await second_factors.give_code(conn, user_id, code, now=now, expires_at=now + LASTS)
    await users.note(conn, user_id=user_id, by_id=by_id, what="code_given", now=now)
    return code


async def use(conn: Any, code: str, password_hash: str, *, now: datetime) -> users.User | None:
    """Let the holder of a code have a new password and end all their sessions; None: no such code. Inside a
    transaction."""
    user_id = await second_factors.use_code(conn, code, now)
    if user_id is None:
        return None
    await users.set_hash(conn, user_id, password_hash)
    await sessions.end_all(conn, user_id)
    await users.note(conn, user_id=user_id, by_id=user_id, what="password_chosen", now=now)
    return await users.of_id(conn, user_id)
