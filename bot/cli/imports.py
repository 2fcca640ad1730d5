"""`acerto import`: debts from a CSV file."""

import asyncio
import json
from datetime import date
from pathlib import Path

import click

from bot.clock import SystemClock, clock_of
from bot.debts_csv import DebtsFile, read_debts
from bot.import_report import by_line, report
from bot.parts import open_database
from bot.settings import read_settings
from bot.store import imports
from bot.store.imports import Imported


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_debts(file: Path, dry_run: bool, as_json: bool) -> None:
    """Bring the debts of FILE in: new ones are made, changed ones updated, by their external_id.

    A line that is wrong is told with its number and reason and keeps no other line out; then the exit code is 1.
    """
    read = read_debts(file.read_bytes())
    imported = asyncio.run(_import(read, dry_run=dry_run))
    errors = by_line(*read.errors, *imported.errors)
    if as_json:
        click.echo(json.dumps(report(imported, errors), ensure_ascii=False, indent=2))
    else:
        _print(imported, dry_run=dry_run)
    for error in [] if as_json else errors:
        click.echo(f"{file.name}:{error.line}: {error.field} {error.reason}".replace(":  ", ": "), err=True)
    if errors:
        lines = len({error.line for error in errors})
        raise click.ClickException(f"{file.name}: {lines} {'line was' if lines == 1 else 'lines were'} left out.")


async def _import(read: DebtsFile, *, dry_run: bool) -> Imported:
    settings = read_settings()
    clock = clock_of(settings.home) or SystemClock()
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn:
        return await imports.import_debts(conn, read.rows, now=clock.now(), dry_run=dry_run)


def _print(imported: Imported, *, dry_run: bool) -> None:
    for change in imported.changes:
        click.echo(f"{change.external_id}: {change.field} {_shown(change.before)} → {_shown(change.after)}")
    counts = f"{imported.created} created, {imported.updated} updated, {imported.unchanged} unchanged"
    click.echo(f"Nothing was written; it would be: {counts}." if dry_run else f"{counts}.")
    if taken := imported.charges_taken_back:
        codes = "1 payment code that asks" if taken == 1 else f"{taken} payment codes that ask"
        click.echo(
            f"{codes} for what was owed before {'would be' if dry_run else 'is' if taken == 1 else 'are'} taken back."
        )


def _shown(value: int | date) -> str:
    return f"{value // 100}.{value % 100:02}" if isinstance(value, int) else value.isoformat()
