"""`acerto migrate`: brings the database to this version."""

import asyncio

import click

from bot.parts import open_database
from bot.settings import read_settings


@click.command()
def migrate() -> None:
    """Bring the database to this version (`serve` does it too, under a lock)."""
    asyncio.run(_migrate())


async def _migrate() -> None:
    async with open_database(read_settings(), connections=1):
        click.echo("The database is up to date.")
