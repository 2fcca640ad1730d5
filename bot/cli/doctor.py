"""`acerto doctor`: tries what the program stands on, and says what to do for each thing that fails."""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass

import click
from rich.console import Console
from rich.table import Table

from bot.clock import SystemClock
from bot.engine.checkup import Finding, check_all
from bot.parts import open_parts
from bot.settings import SettingsError, read_settings


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
    if not settings.usable:
        return settings.findings
    async with open_parts(read_settings(), SystemClock()) as parts:
        return settings.findings + await check_all(parts)


def _settings() -> _Settings:
    try:
        read_settings()
    except SettingsError as error:
        wrong = [
            Finding(check="settings", ok=False, detail=told, remedy="see docs/settings.md") for told in error.mistakes
        ]
        return _Settings(findings=wrong, usable=False)
    try:
        read_settings(serving=True)
    except SettingsError as error:
        missing = [
            Finding(check="settings", ok=False, detail=told, remedy="see Going live in the README")
            for told in error.mistakes
        ]
        return _Settings(findings=missing, usable=True)
    return _Settings(findings=[Finding(check="settings", ok=True, detail="complete", remedy="")], usable=True)


def _print(findings: list[Finding]) -> None:
    table = Table("check", "", "detail", "what to do")
    for finding in findings:
        table.add_row(finding.check, "[green]ok[/]" if finding.ok else "[red]fails[/]", finding.detail, finding.remedy)
    Console().print(table)
