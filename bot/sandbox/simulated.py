"""A simulation: the whole portfolio through all its days, shared out among processes.

Every customer lives by a chance of their own, so that the same seed gives the same figures however many processes there
are.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from bot.sandbox.simulated_figures import Figures
from bot.sandbox.simulated_life import Life
from bot.sandbox.simulated_portfolio import customer_of
from bot.sandbox.simulated_setup import Setup

_PART = 250  # customers that one process takes at a time


def simulate(setup: Setup, *, processes: int | None = None) -> Figures:
    """Return what happens. `processes`: as many as there are processors without it. Raises SetupError."""
    setup.check()
    parts = list(_parts(setup.customers))
    workers = min(processes or os.cpu_count() or 1, len(parts))
    figures = Figures()
    if workers <= 1:
        for first, last in parts:
            figures.add(simulate_part(setup, first, last))
        return figures
    with ProcessPoolExecutor(workers, initializer=_take_up, initargs=(replace(setup),)) as pool:
        for part in pool.map(_part, parts):
            figures.add(part)
    return figures


def simulate_part(setup: Setup, first: int, last: int) -> Figures:
    """Return what happens to the customers from number `first` to `last`, both included."""
    figures = Figures()
    for number in range(first, last + 1):
        Life(setup, customer_of(setup.seed, number, setup.start), figures).run()
    return figures


def _parts(customers: int) -> Iterator[tuple[int, int]]:
    for first in range(1, customers + 1, _PART):
        yield first, min(first + _PART - 1, customers)


_setup: list[Setup] = []  # of a process that works at a simulation


def _take_up(setup: Setup) -> None:
    _setup[:] = [setup]


def _part(numbers: tuple[int, int]) -> Figures:
    return simulate_part(_setup[0], *numbers)
