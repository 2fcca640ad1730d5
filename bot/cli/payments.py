"""`acerto payments`: what came in, told by a bank's statement."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from bot.clock import SystemClock, clock_of
from bot.engine.statements import Outcome, take_in
from bot.parts import open_database
from bot.settings import Settings, read_settings
from bot.statements.lines import LineError, Statement
from bot.statements.reading import SIZE_MAX, NoStatement, read_statement


@click.group()
def payments() -> None:
    """Payments that a bank's statement tells of."""


@payments.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would be booked, and book nothing.")
@click.option("--other-account", is_flag=True, help="The file is of an account of which none was imported before.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_statement(file: Path, dry_run: bool, other_account: bool, as_json: bool) -> None:
    """Take the credits of the bank statement FILE (OFX or CSV) into reconciliation.

    What is certain is booked and thanked for; the rest waits at /finance/payments with what it may be for. The same
    file again changes nothing. A line that cannot be read is told with its number; then the exit code is 1.
    """
    settings = read_settings()
    if settings.pix.mode != "static":
        raise click.ClickException(
            f"With ACERTO_PIX={settings.pix.mode} payments are confirmed by the provider, and a statement would count "
            "them twice; statements are for ACERTO_PIX=static."
        )
    try:
        with file.open("rb") as opened:
            statement = read_statement(opened.read(SIZE_MAX + 1))
    except NoStatement as why:
        raise click.ClickException(f"{file.name}: {why}.") from None
    outcome = asyncio.run(_take_in(settings, statement, dry_run=dry_run, other_account=other_account))
    errors = sorted((*statement.errors, *outcome.errors), key=lambda error: error.line)
    document = _document(outcome, statement.debits, errors)
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        counts = ", ".join(f"{document[name]} {name}" for name in ("booked", "proposed", "unknown", "known", "ignored"))
        click.echo(f"Nothing was written; it would be: {counts}." if dry_run else f"{counts}.")
        for error in errors:
            click.echo(f"{file.name}:{error.line}: {error.field} {error.reason}".replace(":  ", ": "), err=True)
    if errors:
        lines = len({error.line for error in errors})
        raise click.ClickException(f"{file.name}: {lines} {'line was' if lines == 1 else 'lines were'} left out.")


async def _take_in(settings: Settings, statement: Statement, *, dry_run: bool, other_account: bool) -> Outcome:
    clock = clock_of(settings.home) or SystemClock()
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn:
        return await take_in(
            conn, statement, zone=settings.timezone, now=clock.now(), dry_run=dry_run, other_account=other_account
        )


def _document(outcome: Outcome, debits: int, errors: list[LineError]) -> dict[str, Any]:
    return {
        **{name: outcome.counts[name] for name in ("booked", "proposed", "unknown", "known")},
        "ignored": debits,
        "errors": [{"line": error.line, "field": error.field, "reason": error.reason} for error in errors],
    }
