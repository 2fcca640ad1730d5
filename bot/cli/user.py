"""`acerto user`: people who may log in."""

import asyncio
import sys

import click

from bot.clock import SystemClock, clock_of
from bot.parts import open_database
from bot.settings import Settings, read_settings
from bot.store import users
from bot.web import first_codes
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


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["agent", "finance", "admin"]), help="Needed for somebody who is new.")
def code(name: str, role: users.Role | None) -> None:
    """Print a one-time code with which NAME chooses a password at /login/first.

    The first administrator comes in by it, and whoever lost a password.
    """
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise click.UsageError("NAME is empty or has characters that cannot be seen.")
    settings = read_settings()
    given = asyncio.run(_code(settings, name, role))
    if given is None:
        raise click.ClickException(f"There is no {name}; say with --role what they are here for.")
    click.echo(f"For {name}, once, until tomorrow at this hour, at {settings.public_url}/login/first", err=True)
    click.echo(given)


async def _code(settings: Settings, name: str, role: users.Role | None) -> str | None:
    now = (clock_of(settings.home) or SystemClock()).now()
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn, conn.transaction():
        found = await users.find(conn, name)
        if found is None and role is not None:
            await users.add(conn, name=name, role=role, password_hash=None, now=now)
            found = await users.find(conn, name)
        return await first_codes.give(conn, found.id, by_id=None, now=now) if found is not None else None


async def _add(name: str, role: users.Role, password: str) -> bool:
    settings = read_settings()
    now = (clock_of(settings.home) or SystemClock()).now()
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn:
        return await users.add(conn, name=name, role=role, password_hash=hash_password(password), now=now) is not None
