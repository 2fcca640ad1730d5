"""A town in which the ladder is climbed: people with due dates, and a clock that walks from step to step."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.sandbox.people import ANA, Debt, Person
from tests.pix_bank import HandClock
from tests.town import Town, town

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
LADDER = Path(__file__).parent.parent / "flows" / "ladders" / "padrao.yaml"
MORNING = datetime(2026, 12, 1, 9, 0, tzinfo=SAO_PAULO)
"""A Tuesday without holidays in the weeks around it."""


def owing(person: Person, *due_in_days: int, cents: int = 34990) -> Person:
    """Return a person who owes something for each of these days from the town's first one."""
    debts = tuple(
        Debt(external_id=f"{person.customer_id}-{n}", amount_cents=cents + n, due_in_days=days, what=f"Fatura {n}")
        for n, days in enumerate(due_in_days, start=1)
    )
    return replace(person, debts=debts)


@asynccontextmanager
async def ladder_town(
    database: str,
    redis_url: str,
    home: Path,
    *,
    people: Sequence[Person] = (owing(ANA, 7),),
    at: datetime = MORNING,
    ladder: Path = LADDER,
    **changed: Any,
) -> AsyncIterator[Town]:
    """Yield a town whose people are reminded."""
    settings = {"ladder": ladder, "nudge_minutes": 0, **changed}
    async with town(database, redis_url, home, people=people, clock=HandClock(at), **settings) as place:
        yield place


async def walks_to(place: Town, year: int, month: int, day: int, hour: int = 10, minute: int = 0) -> None:
    """Move the clock to a local instant and let the program do what is due."""
    at = datetime(year, month, day, hour, minute, tzinfo=SAO_PAULO)
    await place.moves(seconds=(at - place.clock.now()).total_seconds())
