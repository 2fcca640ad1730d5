"""Ending a piece of work at any of its waits: what it had not committed by then is lost, as with a kill."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class _EndedAt:
    """Awaits `work`, and has the present task cancelled when it comes to its n-th wait (from 0)."""

    def __init__(self, work: Coroutine[Any, Any, Any], n: int) -> None:
        self._work, self._n = work, n

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        thrown: BaseException | None = None
        waits = 0
        while True:
            try:
                waiting_for = steps.send(None) if thrown is None else steps.throw(thrown)
            except StopIteration as end:
                return end.value
            if waits == self._n:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()  # takes effect at the yield below, as a real one would
            waits += 1
            thrown = None
            try:
                yield waiting_for
            except BaseException as error:  # noqa: BLE001  # raised where the work waits
                thrown = error


async def ended_at(work: Coroutine[Any, Any, Any], n: int) -> bool:
    """Run `work` and end it at its n-th wait. Return whether it came to that: False, it was done before."""

    async def wait() -> None:
        await _EndedAt(work, n)

    task = asyncio.create_task(wait())
    await asyncio.wait([task])
    if task.cancelled():
        return True
    task.result()
    return False
