"""`acerto templates`: the message templates at Meta: what there is, what is missing, and asking for it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from bot.cli.settings_here import settings_here
from bot.clock import SystemClock, clock_of
from bot.engine import templates_at_meta
from bot.parts import Parts, open_parts
from bot.settings import Settings
from bot.whatsapp.templates import MessageTemplate, read_templates

T = TypeVar("T")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def templates() -> None:
    """The message templates at Meta: list, push, status."""


@templates.command("list")
@_json
def show(as_json: bool) -> None:
    """List what the templates file holds."""
    found = _read(settings_here())
    rows = [
        {
            "name": one.name,
            "category": one.category,
            "language": one.language,
            "header": "image" if one.header_image else None,
            "parameters": list(one.parameters),
            "buttons": [button.title for button in one.buttons] + ([one.link] if one.link else []),
        }
        for one in found.values()
    ]
    _print(rows, as_json=as_json)


@templates.command()
@_json
def status(as_json: bool) -> None:
    """Ask Meta how each template of the file stands. Exit code 1 where one of them may not be sent."""
    settings = settings_here()
    ours = _read(settings)
    rows = _run(settings, lambda parts: templates_at_meta.status(parts, ours))
    _print(rows, as_json=as_json)
    bad = [row["name"] for row in rows if row["file"] and row["status"] not in ("APPROVED", "REINSTATED", "FLAGGED")]
    if bad:
        raise click.ClickException(f"{len(bad)} of {len(ours)} may not be sent: {', '.join(bad)}.")


@templates.command()
@click.option("--dry-run", is_flag=True, help="Tell what would be asked for, and ask for nothing.")
@_json
def push(dry_run: bool, as_json: bool) -> None:
    """Ask Meta for the templates of the file that it does not have, and to change those that read otherwise."""
    settings = settings_here()
    ours = _read(settings)
    for one in ours.values():
        if templates_at_meta.at_an_end(one.body):
            click.echo(f"{one.name}: its body begins or ends with a parameter, which Meta refuses (2388299).", err=True)
    done = _run(settings, lambda parts: templates_at_meta.push(parts, ours, dry_run=dry_run))
    _print([step.row for step in done], as_json=as_json)
    refused = [step for step in done if step.refused is not None]
    for step in refused:
        click.echo(f"{settings.templates.name}: {step.row['name']}: {step.refused}", err=True)
    if refused:
        raise click.ClickException(f"{len(refused)} refused.")


def _read(settings: Settings) -> Mapping[str, MessageTemplate]:
    found = read_templates(settings.templates.read_bytes(), name=settings.templates.name)
    if isinstance(found, Mapping):
        return found
    for mistake in found:
        click.echo(str(mistake), err=True)
    raise click.ClickException(f"{settings.templates.name}: {len(found)} mistakes.")


def _run(settings: Settings, work: Callable[[Parts], Awaitable[T]]) -> T:
    async def run() -> T:
        async with AsyncExitStack() as stack:
            clock = clock_of(settings.home) or SystemClock()
            return await work(await stack.enter_async_context(open_parts(settings, clock, connections=2)))

    try:
        return asyncio.run(run())
    except templates_at_meta.NotTold as why:
        raise click.ClickException(str(why)) from None


def _print(rows: list[dict[str, Any]] | list[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table()
    for column in rows[0] if rows else ():
        table.add_column(column)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(width=140).print(table)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {True: "yes", False: "no", None: ""}.get(value, str(value)) if isinstance(value, bool | None) else str(value)
