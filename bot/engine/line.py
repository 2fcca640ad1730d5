"""What dealing with the provider needs of the process's parts, and no more of them."""

from typing import Any, Protocol

import asyncpg

from bot.clock import Clock
from bot.engine.policy_in_force import PolicyWatch
from bot.engine.talk import Talk
from bot.engine.wake import Wake
from bot.settings import Settings


class Line(Protocol):
    """The part of `bot.engine.parts.Parts` that charging and settling work with."""

    @property
    def settings(self) -> Settings:
        """Which provider, and who is paid."""
        ...

    @property
    def clock(self) -> Clock:
        """What time it is."""
        ...

    @property
    def pool(self) -> "asyncpg.Pool[Any]":
        """The database."""
        ...

    @property
    def talk(self) -> Talk:
        """The line itself."""
        ...

    @property
    def policies(self) -> PolicyWatch:
        """What is in force."""
        ...

    @property
    def wake(self) -> Wake:
        """Whom to tell that there is an event."""
        ...
