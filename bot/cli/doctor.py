"""`acerto doctor`: tries what the program stands on, and says what to do for each thing that fails."""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass

import click
from rich.console import Console
from rich.table import Column, Table

from bot.cli.settings_here import settings_here
from bot.clock import SystemClock, clock_of
from bot.engine.checkup import Finding, check_all
from bot.parts import open_parts
from bot.settings import SettingsError, read_settings, told_settings
from bot.store.embedded_server import EmbeddedError
from bot.store.migrate import DatabaseAway, MigrationError

_NAMES = "settings_read"  # too long for a column: it stands under the table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """How the settings themselves fared."""

    findings: list[Finding]
    usable: bool


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Test token, webhook subscription, phone, templates, database, Redis and payment provider."""
    findings = asyncio.run(_examine())
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        _print(findings)
    if not all(finding.ok for finding in findings):
        sys.exit(1)


async def _examine() -> list[Finding]:
    settings = _settings()
    settings.findings.append(Finding(check=_NAMES, ok=True, detail=_told(), remedy=""))
    if not settings.usable:
        return settings.findings
    try:
        return settings.findings + await _checked(database_away=False)
    except DatabaseAway:
        return settings.findings + await _checked(database_away=True)
    except (EmbeddedError, MigrationError) as error:
        remedy = "do as it says, then run `acerto doctor` again: the other checks need it"
        return [*settings.findings, Finding(check="database", ok=False, detail=str(error), remedy=remedy)]


async def _checked(*, database_away: bool) -> list[Finding]:
    try:
        settings = settings_here()
    except SettingsError:
        settings = read_settings()
    clock = clock_of(settings.home) or SystemClock()
    async with open_parts(settings, clock, database_away=database_away) as parts:
        return await check_all(parts)


def _settings() -> _Settings:
    try:
        read_settings()
    except SettingsError as error:
        wrong = [
            Finding(check="settings", ok=False, detail=told, remedy="see docs/settings.md") for told in error.mistakes
        ]
        return _Settings(findings=wrong, usable=False)
    try:
        settings_here()
    except SettingsError as error:
        missing = [
            Finding(check="settings", ok=False, detail=told, remedy="see Going live in the README")
            for told in error.mistakes
        ]
        return _Settings(findings=missing, usable=True)
    return _Settings(findings=[Finding(check="settings", ok=True, detail="complete", remedy="")], usable=True)


def _told() -> str:
    """Every name, by whether it is set; no value, for some are secret."""
    names = told_settings()
    is_set, default = ([name for name, given in names.items() if given is wanted] for wanted in (True, False))
    return f"set: {', '.join(is_set) or 'none'}. Not set: {', '.join(default) or 'none'}."


def _print(findings: list[Finding]) -> None:
    table = Table("check", "", Column("detail", overflow="fold"), Column("what to do", overflow="fold"))
    for finding in [finding for finding in findings if finding.check != _NAMES]:
        table.add_row(finding.check, "[green]ok[/]" if finding.ok else "[red]fails[/]", finding.detail, finding.remedy)
    Console().print(table)
    click.echo("\n".join(finding.detail for finding in findings if finding.check == _NAMES))
