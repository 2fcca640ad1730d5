"""Waiting for a state, never for seconds: a test goes on as soon as what it waits for is so."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

_LOOK_EVERY_S = 0.02
_LOOK_FIRST_AFTER_S = 0.002  # most of what is waited for is there in no time


async def until(condition: Callable[[], bool | Awaitable[bool]], *, at_most_s: float = 10.0) -> None:
    """Return once `condition()` is true; raise TimeoutError if it does not become so."""
    never = asyncio.Event()
    pause_s = _LOOK_FIRST_AFTER_S
    async with asyncio.timeout(at_most_s):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            try:
                await asyncio.wait_for(never.wait(), pause_s)
            except TimeoutError:
                pause_s = min(2 * pause_s, _LOOK_EVERY_S)
