"""Passwords: kept as argon2id (RFC 9106), checked off the event loop, two at a time.

A name that nobody has takes as long as a wrong password, so the time of the answer tells nothing.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
LONGEST = 256
_AT_ONCE = 2  # each check takes 64 MiB for a moment
_hasher = PasswordHasher()
_threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Whether a password was right, and its hash under today's parameters where the stored one is older."""

    right: bool
    newer_hash: str | None = None


def hash_password(password: str) -> str:
    """Return the hash to store."""
    return _hasher.hash(password)


async def hashed(password: str) -> str:
    """Return the hash to store, worked out off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def check(stored: str | None, password: str) -> Checked:
    """Check `password` against the stored hash; None: nobody is there, which takes as long."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _check, stored, password[:LONGEST])


def _check(stored: str | None, password: str) -> Checked:
    try:
        _hasher.verify(stored or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return Checked(right=False)
    if stored is None:
        return Checked(right=False)
    return Checked(right=True, newer_hash=_hasher.hash(password) if _hasher.check_needs_rehash(stored) else None)


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this password, and nobody may")
