"""Second factors and one-time codes of people who log in: kept unreadable, used once."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FACTOR = "SELECT totp_secret AS secret, totp_since AS since, totp_step AS step FROM app_user WHERE id = $1"
PROPOSE = "UPDATE app_user SET totp_secret = $2 WHERE id = $1 AND totp_since IS NULL"
CONFIRM = "UPDATE app_user SET totp_since = $2, totp_step = $3 WHERE id = $1 AND totp_since IS NULL"
# Two requests with one code: the second finds that its step is not after the last one.
USE_STEP = "UPDATE app_user SET totp_step = $2 WHERE id = $1 AND totp_step < $2 RETURNING id"
OFF = "UPDATE app_user SET totp_secret = NULL, totp_since = NULL, totp_step = 0 WHERE id = $1"
FORGET_RECOVERY = "DELETE FROM recovery_code WHERE user_id = $1"
KEEP_RECOVERY = "INSERT INTO recovery_code (user_id, code_hash) SELECT $1, unnest($2::bytea[])"
USE_RECOVERY = "DELETE FROM recovery_code WHERE user_id = $1 AND code_hash = $2 RETURNING user_id"
LEFT = "SELECT count(*) FROM recovery_code WHERE user_id = $1"
GIVE_CODE = "INSERT INTO first_code (code_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)"
FORGET_CODES = "DELETE FROM first_code WHERE user_id = $1"
USE_CODE = """
DELETE FROM first_code c USING app_user u
WHERE  c.code_hash = $1 AND c.expires_at > $2 AND u.id = c.user_id AND u.disabled_at IS NULL RETURNING c.user_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A person's second factor: its secret as it is kept, since when it counts (None: only proposed), the last step
    that was used."""

    secret: str | None
    since: datetime | None
    step: int


async def factor(conn: Any, user_id: int) -> Factor:
    """Return the second factor of a person, or that there is none."""
    return Factor(**await conn.fetchrow(FACTOR, user_id))


async def propose(conn: Any, user_id: int, secret: str) -> None:
    """Keep a secret that counts once it is confirmed; a confirmed one stays."""
    await conn.execute(PROPOSE, user_id, secret)


async def confirm(conn: Any, user_id: int, *, step: int, recovery: list[str], now: datetime) -> None:
    """Let the proposed secret count, and keep the recovery codes. Inside a transaction."""
    await conn.execute(CONFIRM, user_id, now, step)
    await conn.execute(FORGET_RECOVERY, user_id)
    await conn.execute(KEEP_RECOVERY, user_id, [_hash(code) for code in recovery])


async def use_step(conn: Any, user_id: int, step: int) -> bool:
    """Use up a code's step; False: it was used already."""
    return await conn.fetchval(USE_STEP, user_id, step) is not None


async def use_recovery(conn: Any, user_id: int, code: str) -> bool:
    """Use up a recovery code; False: there is none like it."""
    return await conn.fetchval(USE_RECOVERY, user_id, _hash(code)) is not None


async def recovery_left(conn: Any, user_id: int) -> int:
    """Return how many recovery codes are left."""
    return int(await conn.fetchval(LEFT, user_id))


async def turn_off(conn: Any, user_id: int) -> None:
    """Take the second factor away. Inside a transaction."""
    await conn.execute(OFF, user_id)
    await conn.execute(FORGET_RECOVERY, user_id)


async def give_code(conn: Any, user_id: int, code: str, *, now: datetime, expires_at: datetime) -> None:
    """Keep the one code with which a person may choose a password; earlier ones are gone. Inside a transaction."""
    await conn.execute(FORGET_CODES, user_id)
    await conn.execute(GIVE_CODE, _hash(code), user_id, now, expires_at)


async def use_code(conn: Any, code: str, now: datetime) -> int | None:
    """Use up a first code and return whose it is; None: there is none like it, or it is too old."""
    user_id: int | None = await conn.fetchval(USE_CODE, _hash(code), now)
    return user_id


def _hash(code: str) -> bytes:
    """Codes are random and long: a plain hash keeps them."""
    return hashlib.sha256("".join(code.split()).replace("-", "").lower().encode("utf-8", "replace")).digest()
