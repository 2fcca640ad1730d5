"""`acerto tick`: does now whatever is due."""

import asyncio
from datetime import UTC, datetime

import click

from bot.cli.settings_here import settings_here
from bot.clock import FixedClock, SystemClock, clock_of
from bot.engine.run import tick as do_what_is_due
from bot.engine.settle import poll_once
from bot.parts import open_parts


@click.command()
@click.option("--at", metavar="ISO", help="Take this instant for now (for drills).")
def tick(at: str | None) -> None:
    """Do now whatever is due: timers, expiries, confirmations, sending."""
    try:
        moment = datetime.fromisoformat(at) if at else None
    except ValueError:
        raise click.UsageError(f"--at {at!r} is no instant; write it like 2026-11-30T10:00:00-03:00") from None
    asyncio.run(_tick(moment))


async def _tick(moment: datetime | None) -> None:
    settings = settings_here()
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=settings.timezone)
    clock = FixedClock(moment.astimezone(UTC)) if moment else clock_of(settings.home) or SystemClock()
    async with open_parts(settings, clock) as parts:
        if settings.pix.mode != "static":
            await poll_once(parts)
        done = await do_what_is_due(parts)
    click.echo(", ".join(f"{name}: {count}" for name, count in done.items()))
