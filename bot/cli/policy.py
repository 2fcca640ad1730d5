"""`acerto policy`: the negotiation policy, from its file to being in force."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from bot.cli.policy_preview import Previewed, as_json, as_table
from bot.clock import SystemClock, clock_of
from bot.debts_csv import read_debts
from bot.engine.policy_in_force import PolicyWatch, Trouble
from bot.parts import open_database
from bot.settings import Settings, read_settings, secret_of
from bot.store import policies, portfolio
from bot.store.policies import By
from bot.store.policy_journal import JournalBroken
from bot.texts import read_texts
from flows.explain import explain as sentences
from flows.facts import PolicyInForce
from flows.negotiation import DebtFacts, decide
from flows.policy import Policy, read_draft, read_policy
from flows.policy_trial import facts_of
from flows.policy_warnings import coverage_of, warnings_of
from flows.yaml_lines import Mistake

T = TypeVar("T")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(formats=["%Y-%m-%d"])
_json = click.option("--json", "as_json_", is_flag=True, help="Print JSON.")


@click.group()
def policy() -> None:
    """What may be offered to whom: check, explain, preview, submit, comment, approve, refuse, roll-back, list."""


@policy.command()
@click.argument("file", type=_FILE)
@_json
def check(file: Path, as_json_: bool) -> None:
    """Tell every mistake in FILE with its line, what is doubtful, and which debts its rules forget or share."""
    source = file.read_bytes()
    found = read_policy(source, name=file.name)
    mistakes = () if isinstance(found, Policy) else found
    warnings: tuple[Mistake, ...] = ()
    coverage: tuple[Mistake, ...] = ()
    if isinstance(found, Policy):
        warnings = warnings_of(found, source, name=file.name)
        coverage = coverage_of(found, source, name=file.name)
    if as_json_:
        kinds = (("mistake", mistakes), ("warning", warnings), ("coverage", coverage))
        findings = [_finding(one, kind) for kind, ones in kinds for one in ones]
        click.echo(json.dumps(findings, ensure_ascii=False, indent=2))
    else:
        for line in map(str, mistakes):
            click.echo(line)
        for kind, ones in (("warning", warnings), ("coverage", coverage)):
            for one in ones:
                click.echo(f"{one} ({kind})")
    if mistakes:
        lines = ", ".join(str(line) for line in dict.fromkeys(one.line for one in mistakes))
        raise click.ClickException(f"{file.name}: {_count(mistakes, 'mistake')} (line {lines})")
    if not as_json_:
        notes = f", {_count(coverage, 'note')} on coverage" if coverage else ""
        click.echo(f"{file.name}: no mistakes, {_count(warnings, 'warning')}{notes}.")


@policy.command()
@click.argument("file", type=_FILE)
def explain(file: Path) -> None:
    """Say FILE in Portuguese sentences."""
    for sentence in sentences(_policy(file), read_texts("pt_BR")):
        click.echo(sentence)


@policy.command()
@click.argument("file", type=_FILE)
@click.option("--debts", type=_FILE, help="A debts CSV; without it the open debts of the database.")
@click.option("--on", type=_DAY, help="The day of the offers; today without it.")
@_json
def preview(file: Path, debts: Path | None, on: datetime | None, as_json_: bool) -> None:
    """Show every offer that FILE would make. Debts that are only in a CSV have no history."""
    rules, mistakes = read_draft(file.read_bytes(), name=file.name)
    _tell(mistakes)
    if rules is None:
        raise click.ClickException(f"{file.name}: {_count(mistakes, 'mistake')}; nothing to preview")
    settings = read_settings()
    day = on.date() if on is not None else _today(settings)
    if day not in rules.valid:
        click.echo(f"Note: {file.name} is not valid on {day}; these are the offers it would make.", err=True)
    owed = _from_csv(debts) if debts is not None else asyncio.run(_from_database(settings, rules, day))
    previewed = [Previewed(external_id=debt.external_id, decision=decide(rules, debt, day)) for debt in owed]
    if as_json_:
        click.echo(json.dumps([as_json(one) for one in previewed], ensure_ascii=False, indent=2))
    else:
        _show(as_table(previewed))


@policy.command()
@click.argument("file", type=_FILE)
@click.option("--by", required=True, metavar="USER", help="Who submits it.")
@click.option("--text", default="", help="What changes, for whoever decides.")
def submit(file: Path, by: str, text: str) -> None:
    """Hand FILE in for approval by somebody else; its digest is the last word."""
    source, settings = file.read_bytes(), read_settings()

    async def do(conn: Any) -> str:
        return await policies.submit(conn, source, file=file.name, by=_by(settings, by), text=text)

    digest = _in_transaction(settings, do)
    click.echo(f"{file.name} waits for approval: acerto policy approve --by OTHER_USER {digest}")


@policy.command()
@click.argument("digest")
@click.option("--by", required=True, metavar="OTHER_USER", help="Who approves it: not who submitted it.")
@click.option("--text", default="", help="Why, for the journal.")
@click.option("--from", "from_", type=_DAY, help="The first day; the file's own without it.")
@click.option("--until", type=_DAY, help="The last day; the file's own without it.")
def approve(digest: str, by: str, text: str, from_: datetime | None, until: datetime | None) -> None:
    """Put the policy of DIGEST in force."""
    settings = read_settings()

    async def do(conn: Any) -> None:
        await policies.approve(
            conn, digest, by=_by(settings, by), today=_today(settings), text=text,
            valid_from=from_.date() if from_ is not None else None,
            valid_until=until.date() if until is not None else None,
        )  # fmt: skip

    _in_transaction(settings, do)
    click.echo(f"Approved; in force on its days: {digest}")


@policy.command()
@click.argument("digest")
@click.option("--by", required=True, metavar="OTHER_USER", help="Who refuses it: not who submitted it.")
@click.option("--text", required=True, help="Why.")
def refuse(digest: str, by: str, text: str) -> None:
    """Say no to the policy of DIGEST."""
    settings = read_settings()

    async def do(conn: Any) -> None:
        await policies.refuse(conn, digest, by=_by(settings, by), text=text)

    _in_transaction(settings, do)
    click.echo(f"Refused: {digest}")


@policy.command()
@click.argument("digest")
@click.option("--by", required=True, metavar="USER", help="Who says it.")
@click.option("--text", required=True, help="What whoever decides should know.")
def comment(digest: str, by: str, text: str) -> None:
    """Say something about the policy of DIGEST; it decides nothing."""
    settings = read_settings()

    async def do(conn: Any) -> None:
        await policies.comment(conn, digest, by=_by(settings, by), text=text)

    _in_transaction(settings, do)
    click.echo(f"Written down: {digest}")


@policy.command("roll-back")
@click.argument("digest")
@click.option("--by", required=True, metavar="USER", help="Who proposes it; somebody else approves.")
@click.option("--text", default="", help="Why, for whoever decides.")
def roll_back(digest: str, by: str, text: str) -> None:
    """Propose that the earlier policy of DIGEST be in force again."""
    settings = read_settings()

    async def do(conn: Any) -> None:
        await policies.propose_again(conn, digest, by=_by(settings, by), today=_today(settings), text=text)

    _in_transaction(settings, do)
    click.echo(f"Waits for approval: acerto policy approve --by OTHER_USER {digest}")


@policy.command("list")
@_json
def list_(as_json_: bool) -> None:
    """List all policies that were submitted, newest first; the one in force today is marked, and what keeps one from
    it is told on stderr."""
    settings = read_settings()

    async def do(conn: Any) -> tuple[tuple[policies.PolicyRow, ...], PolicyInForce | None, tuple[Trouble, ...]]:
        secret, today = secret_of(settings), _today(settings)
        watch = PolicyWatch(secret)
        troubles = await watch.troubles(conn, today)
        return await policies.every(conn, secret), await watch.in_force(conn, today), troubles

    rows, current, troubles = _in_transaction(settings, do)
    for trouble in troubles:
        click.echo(f"Note: {trouble}, see docs/approvals.md", err=True)
    in_force = current.digest if current is not None else None
    if as_json_:
        click.echo(json.dumps([_listed(row, in_force) for row in rows], ensure_ascii=False, indent=2))
        return
    table = Table("digest", "policy", "valid", "submitted by", "approved by", "in force")
    for row in rows:
        valid = f"{row.valid_from} – {row.valid_until}"
        mark = "today" if row.digest == in_force else ""
        table.add_row(row.digest, row.name, valid, row.submitted_by, row.approved_by or "–", mark)
    _show(table)


def _policy(file: Path) -> Policy:
    found = read_policy(file.read_bytes(), name=file.name)
    if isinstance(found, Policy):
        return found
    _tell(found)
    raise click.ClickException(f"{file.name}: {_count(found, 'mistake')}")


def _tell(mistakes: Iterable[Mistake]) -> None:
    for mistake in mistakes:
        click.echo(str(mistake), err=True)


def _finding(one: Mistake, severity: str) -> dict[str, Any]:
    return {
        "severity": severity,
        "line": one.line,
        "column": one.column,
        "path": one.path,
        "reason": one.reason,
        "remedy": one.remedy,
    }


def _listed(row: policies.PolicyRow, in_force: str | None) -> dict[str, Any]:
    return {
        "digest": row.digest,
        "policy": row.name,
        "title": row.title,
        "valid_from": row.valid_from.isoformat(),
        "valid_until": row.valid_until.isoformat(),
        "submitted_by": row.submitted_by,
        "submitted_at": row.submitted_at.isoformat(),
        "approved_by": row.approved_by,
        "approved_at": row.approved_at.isoformat() if row.approved_at is not None else None,
        "waiting": row.is_waiting,
        "in_force": row.digest == in_force,
    }


def _count(things: tuple[Mistake, ...], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _from_csv(file: Path) -> list[DebtFacts]:
    found = read_debts(file.read_bytes())
    for error in found.errors:
        click.echo(f"{file.name}:{error.line}: {error.field}: {error.reason}".replace(": :", ":"), err=True)
    if found.errors and not found.rows:
        raise click.ClickException(f"{file.name}: no debt can be read; nothing to preview")
    return [
        DebtFacts(external_id=row.external_id, principal_cents=row.amount_cents, due=row.due, tags=row.tags)
        for row in found.rows
    ]


async def _from_database(settings: Settings, rules: Policy, day: date) -> list[DebtFacts]:
    async with open_database(settings) as pool:
        debts = await portfolio.open_debts(pool, settings.timezone, rules.holidays.days)
    return [facts_of(debt, rules, day) for debt in debts]


def _in_transaction(settings: Settings, do: Callable[[Any], Awaitable[T]]) -> T:
    """Run `do` on one connection; what it refuses is the command's failure."""

    async def run() -> T:
        async with open_database(settings) as pool, pool.acquire() as conn, conn.transaction():
            return await do(conn)

    try:
        return asyncio.run(run())
    except (policies.PolicyRefused, JournalBroken) as refused:
        raise click.ClickException(str(refused)) from None


def _by(settings: Settings, name: str) -> By:
    return By(name=name, at=_now(settings), secret=secret_of(settings))


def _now(settings: Settings) -> datetime:
    return (clock_of(settings.home) or SystemClock()).now()


def _today(settings: Settings) -> date:
    return _now(settings).astimezone(settings.timezone).date()


def _show(table: Table) -> None:
    """Whole lines where the output is no terminal: a file has no width."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table)
