"""`acerto ladder`: the reminder ladder, checked and seen as a calendar."""

import json
import sys
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bot.clock import SystemClock, clock_of
from bot.ladder_check import Checked, check_ladder
from bot.settings import read_settings
from flows.ladder import Ladder, read_ladder
from flows.ladder_days import PlannedStep, preview
from flows.ladder_parts import Media, Track

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(formats=["%Y-%m-%d"])
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def ladder() -> None:
    """Which reminder goes out when: check, preview."""


@ladder.command()
@click.argument("file", type=_FILE)
@click.option("--templates", type=_FILE, help="The templates file; without it the one of the settings.")
@_json
def check(file: Path, templates: Path | None, as_json: bool) -> None:
    """Tell every mistake in FILE and in the wording of the templates it uses, with lines, and what is doubtful."""
    settings = read_settings()
    checked = check_ladder(file, templates or settings.templates, creditor=settings.creditor_name)
    if as_json:
        findings = [(one, "mistake") for one in checked.mistakes] + [(one, "warning") for one in checked.warnings]
        told = [
            {"kind": kind, "file": m.file, "line": m.line, "path": m.path, "reason": m.reason, "remedy": m.remedy}
            for m, kind in findings
        ]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for line in [str(one) for one in checked.mistakes] + [f"{one} (warning)" for one in checked.warnings]:
            click.echo(line)
    _refuse(checked, file)
    if not as_json:
        warnings = len(checked.warnings)
        click.echo(f"{file.name}: no mistakes, {warnings} warning{'' if warnings == 1 else 's'}.")


@ladder.command("preview")
@click.argument("file", type=_FILE)
@click.option("--due", type=_DAY, help="The due date; today without it.")
@click.option("--track", "name", metavar="NAME", help="The track; without it every one (with --json the first).")
@_json
def show(file: Path, due: datetime | None, name: str | None, as_json: bool) -> None:
    """Print the calendar of FILE for a due date, every condition taken as met."""
    read = read_ladder(file.read_bytes(), name=file.name)
    if isinstance(read, tuple):
        for mistake in read:
            click.echo(str(mistake), err=True)
        raise click.ClickException(f"{file.name} cannot be previewed: correct it first.")
    track = read.track(name) if name is not None else None
    if name is not None and track is None:
        known = ", ".join(one.name for one in read.tracks)
        raise click.ClickException(f'{file.name} has no track "{name}"; it has {known}.')
    day = due.date() if due else _today(read)
    if as_json:
        steps = preview(read, track or read.tracks[0], day)
        click.echo(json.dumps([as_document(one) for one in steps], ensure_ascii=False, indent=2))
        return
    console = Console(width=None if sys.stdout.isatty() else 120)
    for one in [track] if track else read.tracks:
        console.print(_table(one, preview(read, one, day)))


def as_document(one: PlannedStep) -> Mapping[str, object]:
    """A step as `--json` prints it."""
    attach = one.step.attach
    return {
        "day": one.day,
        "at": one.at.isoformat(),
        "template": one.step.template,
        "attach": attach.kind if isinstance(attach, Media) else attach,
        "ticket": one.step.ticket,
        "moved_from": one.moved_from.isoformat() if one.moved_from else None,
    }


def _today(read: Ladder) -> date:
    clock = clock_of(read_settings().home) or SystemClock()
    return clock.now().astimezone(read.timezone).date()


def _table(track: Track, steps: tuple[PlannedStep, ...]) -> Table:
    table = Table(title=track.name, title_justify="left")
    for column in ("day", "at", "template or ticket", "attach", "moved from"):
        table.add_column(column, justify="right" if column == "day" else "left", no_wrap=True)
    for one in steps:
        said = as_document(one)
        what = one.step.template or f"ticket: {one.step.ticket}"
        moved = f"{one.moved_from:%d/%m %H:%M}" if one.moved_from else ""
        table.add_row(f"{one.day:+d}", f"{one.at:%a %d/%m/%Y %H:%M}", what, str(said["attach"] or ""), moved)
    return table


def _refuse(checked: Checked, file: Path) -> None:
    if checked.mistakes:
        count = len(checked.mistakes)
        raise click.ClickException(f"{file.name}: {count} mistake{'' if count == 1 else 's'}.")
