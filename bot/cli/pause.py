"""`acerto pause` and `acerto resume`: the kill switch of everything that nobody asked for."""

import asyncio

import click

from bot.clock import SystemClock, clock_of
from bot.parts import open_database
from bot.settings import read_settings
from bot.store import channel

_BY = click.option("--by", default="command line", show_default=True, metavar="NAME", help="Who is doing it.")
_ABOUT_CHARACTERS = 500


@click.command()
@click.option("--reason", metavar="TEXT", help="Why; kept with the name and the time.")
@_BY
def pause(reason: str | None, by: str) -> None:
    """Stop reminders and campaigns at once. Answers go on, nothing is lost."""
    reason, by = _printable("--reason", reason or "") or None, _printable("--by", by)
    before = asyncio.run(_pause(reason, by))
    if before is None:
        click.echo("Stopped: reminders and campaigns. Answers go on. `acerto resume` lets them go on.")
    else:
        click.echo(f"Stopped already, by {before.paused_by} at {before.paused_at:%Y-%m-%d %H:%M} UTC.")


@click.command()
@_BY
def resume(by: str) -> None:
    """Let reminders and campaigns go on, also after WhatsApp had restricted them."""
    if asyncio.run(_resume(_printable("--by", by))):
        click.echo("Reminders and campaigns go on.")
    else:
        click.echo("Nothing was stopped.")


def _printable(option: str, given: str) -> str:
    text = " ".join(given.split())
    if not text.isprintable() or len(text) > _ABOUT_CHARACTERS:
        raise click.UsageError(f"{option} has characters that cannot be seen, or more than {_ABOUT_CHARACTERS}.")
    return text


async def _pause(reason: str | None, by: str) -> channel.ChannelState | None:
    """Stop; return the state before if it was stopped already."""
    settings = read_settings()
    now = (clock_of(settings.home) or SystemClock()).now()
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn:
        return None if await channel.pause(conn, by=by, reason=reason, now=now) else await channel.state(conn)


async def _resume(by: str) -> bool:
    settings = read_settings()
    now = (clock_of(settings.home) or SystemClock()).now()
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn:
        return await channel.resume(conn, by=by, now=now)
