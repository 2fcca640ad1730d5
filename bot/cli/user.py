"""`acerto user`: people who may log in."""

import asyncio
import sys

import click

from bot.clock import SystemClock, clock_of
from bot.parts import open_database
from bot.settings import read_settings
from bot.store import users
from bot.web.passwords import LONGEST, SHORTEST, hash_password


@click.group()
def user() -> None:
    """People who may log in."""


@user.command()
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(["agent", "finance", "admin"]), help="What they are here for.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
def add(name: str, role: users.Role, password_stdin: bool) -> None:
    """Add NAME. Without --password-stdin the password is asked for."""
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise click.UsageError("NAME is empty or has characters that cannot be seen.")
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to type a password; give it with --password-stdin.")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if not SHORTEST <= len(password) <= LONGEST:
        raise click.ClickException(f"The password needs {SHORTEST} to {LONGEST} characters; it has {len(password)}.")
    if not asyncio.run(_add(name, role, password)):
        raise click.ClickException(f"{name} is there already; choose another name.")
    click.echo(f"{name} can log in as {role}.")


async def _add(name: str, role: users.Role, password: str) -> bool:
    settings = read_settings()
    now = (clock_of(settings.home) or SystemClock()).now()
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn:
        return await users.add(conn, name=name, role=role, password_hash=hash_password(password), now=now) is not None
