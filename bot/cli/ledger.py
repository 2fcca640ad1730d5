"""`acerto ledger`: proves the books, and shows the statement of a debt."""

import asyncio
import json
from collections.abc import Sequence
from datetime import date, tzinfo
from typing import Any

import click

from bot.clock import SystemClock, clock_of
from bot.engine.policy_in_force import PolicyWatch
from bot.parts import open_database
from bot.settings import read_settings, secret_of
from bot.store import debt_statement
from bot.store.ledger_check import SHOWN, Finding, Wrong, check
from bot.store.owed_today import owed_today
from flows.facts import CostOfDebt
from flows.statement import History, Line, lines_of

_LISTED = 10


@click.group()
def ledger() -> None:
    """The books: proved, and shown debt by debt."""


@ledger.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_all(as_json: bool) -> None:
    """Prove the whole ledger: one line for each proof. The exit code is 1 where one fails."""
    findings = asyncio.run(_check())
    wrong = [finding for finding in findings if finding.wrong]
    if as_json:
        click.echo(json.dumps({"ok": not wrong, "proofs": [_proof(f) for f in findings]}, indent=2))
    else:
        for finding in findings:
            _print_proof(finding)
    if wrong:
        count = "1 proof fails" if len(wrong) == 1 else f"{len(wrong)} proofs fail"
        raise click.ClickException(f"{count}. Nothing was changed; keep the database as it is and look at these.")


@ledger.command()
@click.argument("external_id", metavar="DEBT")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(external_id: str, as_json: bool) -> None:
    """The statement of DEBT (its external_id) line by line, and what is owed today."""
    found = asyncio.run(_show(external_id))
    if found is None:
        raise click.ClickException("There is no debt of this external_id.")
    history, owed, zone, today = found
    lines = lines_of(history, zone)
    if as_json:
        click.echo(json.dumps(_statement(history, lines, owed, today), ensure_ascii=False, indent=2))
    else:
        _print_statement(lines, owed, today)


async def _check() -> tuple[Finding, ...]:
    async with open_database(read_settings(), connections=1) as pool, pool.acquire() as conn:
        return await check(conn)


async def _show(external_id: str) -> tuple[History, CostOfDebt | None, tzinfo, date] | None:
    settings = read_settings()
    clock = clock_of(settings.home) or SystemClock()
    today = clock.now().astimezone(settings.timezone).date()
    async with open_database(settings, connections=1) as pool, pool.acquire() as conn:
        history = await debt_statement.of_external_id(conn, external_id)
        if history is None:
            return None
        owed = await owed_today(
            conn, [history.debt], await PolicyWatch(secret_of(settings)).in_force(conn, today), today
        )
        return history, owed.get(history.debt.id), settings.timezone, today


def _print_proof(finding: Finding) -> None:
    click.echo(f"{'WRONG' if finding.wrong else 'ok':5}  {finding.proof.says}")
    for wrong in finding.wrong[:_LISTED]:
        click.echo(f"       {wrong.what}{_figures(wrong)}")
    if (more := len(finding.wrong) - _LISTED) > 0:
        click.echo(f"       and {more}{' or more' if len(finding.wrong) == SHOWN else ''} others")


def _figures(wrong: Wrong) -> str:
    if wrong.is_cents is None and wrong.should_cents is None:
        return ""
    is_, should = (_reais(c) if c is not None else "nothing" for c in (wrong.is_cents, wrong.should_cents))
    return f": is {is_}, should be {should}"


def _proof(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.proof.name,
        "says": finding.proof.says,
        "ok": not finding.wrong,
        "wrong": [
            {"what": wrong.what, "is_cents": wrong.is_cents, "should_cents": wrong.should_cents}
            for wrong in finding.wrong
        ],
    }


def _print_statement(lines: Sequence[Line], owed: CostOfDebt | None, today: date) -> None:
    for line in lines:
        click.echo(f"{line.on}  {_what(line):<44} {_amount(line):>12} {_reais(line.balance_cents):>12}")
        for name, cents in _parts(line.cost) if line.cost is not None else ():
            click.echo(f"{'':12}{name:<44} {_reais(cents):>12}")
    if owed is None:
        click.echo(f"{today}  nothing is owed")
        return
    click.echo(f"{today}  {'owed today':<44} {'':>12} {_reais(owed.total_cents):>12}")
    for name, cents in _parts(owed):
        click.echo(f"{'':12}{name:<44} {_reais(cents):>12}")


def _what(line: Line) -> str:
    match line.kind:
        case "agreed":
            return f"agreed: {line.count} payment{'s' if line.count != 1 else ''}"
        case "paid" | "returned":
            return f"{line.kind} {line.end_to_end_id}"
        case "ended":
            return f"agreement broken ({line.because})" if line.because != "renegotiated" else "agreement renegotiated"
        case "settled":
            return "agreement settled"
        case "opened" | "changed" | "cancelled":
            return line.kind


def _amount(line: Line) -> str:
    match line.kind:
        case "ended" | "settled":
            return ""
        case "paid" | "cancelled":
            return _reais(-line.amount_cents)
        case "opened" | "changed" | "agreed" | "returned":
            return _reais(line.amount_cents)


def _parts(cost: CostOfDebt) -> list[tuple[str, int]]:
    """What an amount is made of, where it is more than principal."""
    parts = (
        ("principal", cost.principal_cents),
        ("fine", cost.fine_cents),
        ("interest", cost.interest_cents),
        ("discount", -cost.discount_cents),
    )
    return [(f"  {name}", cents) for name, cents in parts if cents] if cost.total_cents != cost.principal_cents else []


def _statement(history: History, lines: Sequence[Line], owed: CostOfDebt | None, today: date) -> dict[str, Any]:
    return {
        "external_id": history.debt.external_id,
        "state": history.debt.state,
        "lines": [_line(line) for line in lines],
        "today": today.isoformat(),
        "owed_today": _cost(owed) if owed is not None else None,
    }


def _line(line: Line) -> dict[str, Any]:
    said: dict[str, Any] = {
        "on": line.on.isoformat(),
        "kind": line.kind,
        "amount_cents": line.amount_cents,
        "balance_cents": line.balance_cents,
    }
    if line.cost is not None:
        said["parts"] = _cost(line.cost)
    if line.end_to_end_id:
        said["end_to_end_id"] = line.end_to_end_id
    if line.count:
        said["payments"] = line.count
    if line.because:
        said["because"] = line.because
    return said


def _cost(cost: CostOfDebt) -> dict[str, int]:
    return {
        "principal_cents": cost.principal_cents,
        "fine_cents": cost.fine_cents,
        "interest_cents": cost.interest_cents,
        "discount_cents": cost.discount_cents,
        "total_cents": cost.total_cents,
    }


def _reais(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"
