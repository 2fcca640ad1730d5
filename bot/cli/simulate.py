"""`acerto simulate`: the whole program on a moving clock, with simulated people over a simulated portfolio."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.clock import SystemClock, clock_of, seconds
from bot.sandbox.simulated import simulate as run
from bot.sandbox.simulated_costs import costs_by_month, rounded
from bot.sandbox.simulated_figures import Figures
from bot.sandbox.simulated_setup import Setup, SetupError
from bot.settings import Settings, read_settings
from flows.prices import NotPriced

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(formats=["%Y-%m-%d"])
_BAR = 40
_SHOWN_BREACHES = 20


@click.command()
@click.option("--days", type=click.IntRange(1, 730), default=60, show_default=True, help="How many days.")
@click.option(
    "--customers", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="How many people."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same figures.")
@click.option("--start", type=_DAY, help="The first day; today without it.")
@click.option("--ladder", "ladder_file", type=_FILE, help="The ladder; without it the one of the settings.")
@click.option("--policy", "policy_file", type=_FILE, help="The policy; without it padrao.yaml of the settings' folder.")
@click.option("--prices", "prices_file", type=_FILE, help="The price list; without it the one of the settings.")
@click.option("--within", "within_file", type=_FILE, help="Hold all to the hours and caps of this ladder instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def simulate(
    days: int,
    customers: int,
    seed: int,
    start: datetime | None,
    ladder_file: Path | None,
    policy_file: Path | None,
    prices_file: Path | None,
    within_file: Path | None,
    as_json: bool,
) -> None:
    """Let simulated people live through the ladder: what would be sent when, what it brings, and proof that nobody is
    written to who should not be. Sends nothing."""
    settings = read_settings()
    now = (clock_of(settings.home) or SystemClock()).now()
    setup = _setup(
        settings,
        days=days,
        customers=customers,
        seed=seed,
        start=start.date() if start else now.astimezone(settings.timezone).date(),
        ladder_file=ladder_file,
        policy_file=policy_file,
        prices_file=prices_file or settings.prices,
        within_file=within_file,
    )
    began = seconds()
    try:
        figures = run(setup)
    except SetupError as error:
        for mistake in error.mistakes:
            click.echo(str(mistake), err=True)
        raise click.ClickException("nothing was simulated: correct it first.") from error
    document = as_document(setup, figures, ran_at=now)
    _keep(settings.home, document)
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _print(setup, figures, seconds() - began)
    if figures.breach_count:
        for breach in figures.breaches[:_SHOWN_BREACHES]:
            click.echo(str(breach), err=True)
        raise click.ClickException(f"{figures.breach_count} times something happened that must not.")


def as_document(setup: Setup, figures: Figures, *, ran_at: datetime) -> dict[str, Any]:
    """Everything that was counted, as plain JSON. `day` counts from 0; amounts are centavos but for `cost`."""
    return {
        "days": setup.days,
        "customers": setup.customers,
        "seed": setup.seed,
        "start": setup.start.isoformat(),
        "ladder": {"name": setup.ladder.name, "digest": setup.ladder.digest},
        "policy": {"name": setup.policy.policy.name, "digest": setup.policy.digest},
        "by_day": [_day(setup, figures, n) for n in range(setup.days)],
        "by_hour": figures.sent_by_hour,
        "answers_by_hour": figures.answers_by_hour,
        "steps": [_step(key, figures) for key in _steps(figures)],
        "total": dict(sorted(figures.total.items())),
        "people": dict(sorted(figures.kinds.items())),
        **_costs(setup, figures),
        "breaches": [str(breach) for breach in figures.breaches],
        "ran_at": ran_at.isoformat(),
    }


def _setup(
    settings: Settings,
    *,
    days: int,
    customers: int,
    seed: int,
    start: date,
    ladder_file: Path | None,
    policy_file: Path | None,
    prices_file: Path,
    within_file: Path | None,
) -> Setup:
    ladder = ladder_file or settings.ladder
    if ladder is None:
        raise click.ClickException("no ladder is set; name one with --ladder, or set ACERTO_LADDER.")
    policy = policy_file or settings.policy_dir / "padrao.yaml"
    if not policy.is_file():
        raise click.ClickException(f"{policy.parent} holds no padrao.yaml; name a policy with --policy.")
    return Setup(
        seed=seed,
        customers=customers,
        days=days,
        start=start,
        zone=settings.timezone.key,
        rules=settings.rules,
        ladder_file=_read(ladder),
        templates_file=_read(settings.templates),
        policy_file=_read(policy),
        prices_file=_read(prices_file),
        within_file=_read(within_file) if within_file is not None else None,
    )


def _read(file: Path) -> tuple[str, bytes]:
    return file.name, file.read_bytes()


def _keep(home: Path, document: Mapping[str, Any]) -> None:
    """Keep it for /finance/ladders: whole, or not at all."""
    folder = home / "simulations"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / "last.draft"
    draft.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    draft.replace(folder / "last.json")


def _day(setup: Setup, figures: Figures, n: int) -> dict[str, Any]:
    on = setup.start + timedelta(days=n)
    day = figures.day(on)
    return {
        "day": n,
        "date": on.isoformat(),
        "sent": day.sent,
        "answers": day.answers,
        "paid": day.paid,
        "paid_cents": day.paid_cents,
        "agreements": day.agreements,
    }


def _costs(setup: Setup, figures: Figures) -> dict[str, Any]:
    """What it would cost, in all and by month; nothing where the price list does not reach."""
    try:
        costs = costs_by_month(figures, setup.prices)
    except NotPriced as error:
        return {"not_priced": str(error)}
    return {
        "cost": str(rounded(sum(costs.values(), Decimal(0)))),
        "currency": setup.prices.currency,
        "cost_by_month": {f"{month:%Y-%m}": str(rounded(cost)) for month, cost in costs.items()},
    }


def _steps(figures: Figures) -> list[tuple[str, str]]:
    """In the order of the ladder's days: first contacts, messages, tickets."""
    return sorted(figures.steps, key=lambda key: (key[0].startswith("ticket"), int(key[1] or -1000), key[0]))


def _step(key: tuple[str, str], figures: Figures) -> dict[str, Any]:
    one = figures.steps[key]
    return {
        "template": key[0],
        "day": int(key[1]) if key[1] else None,
        "sent": one.sent,
        "read": one.read,
        "paid": one.paid,
        "opted_out": one.opted_out,
        "tickets": one.tickets,
    }


def _print(setup: Setup, figures: Figures, took_s: float) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(_table_of_steps(setup, figures))
    console.print(_table_of_totals(setup, figures))
    console.print(_table_of_weeks(setup, figures))
    for line in _lines_of_costs(setup, _costs(setup, figures)):
        console.print(line, highlight=False)
    console.print("\nMessages by hour (█ nobody asked for, ░ answers)", highlight=False)
    for line in _bars(figures.sent_by_hour, figures.answers_by_hour):
        console.print(line, highlight=False)
    last = setup.start + timedelta(days=setup.days - 1)
    console.print(
        f"\n{setup.customers} people from {setup.start} to {last}, {figures.total['turns']} turns in {took_s:.1f} s; "
        f"{figures.breach_count or 'no'} breaches of what must hold.",
        highlight=False,
    )


def _table_of_steps(setup: Setup, figures: Figures) -> Table:
    table = Table(title=f"{setup.ladder.title}, seed {setup.seed}", title_justify="left")
    for column in ("day", "template", "sent", "read", "paid in 3 days", "opted out", "tickets"):
        table.add_column(column, justify="left" if column == "template" else "right", no_wrap=True)
    for key in _steps(figures):
        one = figures.steps[key]
        table.add_row(key[1], key[0], *map(str, (one.sent, one.read, one.paid, one.opted_out, one.tickets)))
    return table


def _table_of_totals(setup: Setup, figures: Figures) -> Table:
    total = figures.total
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for name, key in (
        ("reminders", "reminders"),
        ("first contacts", "first_contacts"),
        ("questions about promises and agreements", "questions"),
        ("taken back at the last look", "taken_back"),
        ("answers", "answers"),
        ("said who they are", "confirmed"),
        ("wrong numbers", "wrong_numbers"),
        ("opted out", "opted_out"),
        ("tickets", "tickets"),
        ("agreements", "agreements"),
        ("agreements broken", "agreements_broken"),
        ("promises", "promises"),
        ("payments", "payments"),
    ):
        table.add_row(name, str(total[key]))
    table.add_row("debts paid", f"{total['debts_paid']} of {total['debts']}")
    table.add_row("principal on record", _reais(total["owed_cents"]))
    table.add_row("recovered", _reais(total["recovered_cents"]))
    return table


def _table_of_weeks(setup: Setup, figures: Figures) -> Table:
    table = Table(title="By week", title_justify="left")
    for column in ("from", "sent", "answers", "payments", "recovered", "agreements"):
        table.add_column(column, justify="left" if column == "from" else "right", no_wrap=True)
    for first in range(0, setup.days, 7):
        days = [_day(setup, figures, n) for n in range(first, min(first + 7, setup.days))]
        sums = {key: sum(day[key] for day in days) for key in ("sent", "answers", "paid", "paid_cents", "agreements")}
        counts = (sums["sent"], sums["answers"], sums["paid"], _reais(sums["paid_cents"]), sums["agreements"])
        table.add_row(days[0]["date"], *map(str, counts))
    return table


def _lines_of_costs(setup: Setup, costs: Mapping[str, Any]) -> list[str]:
    if "cost" not in costs:
        return [f"What it costs cannot be told: {costs['not_priced']}."]
    currency, monthly = costs["currency"], setup.ladder.monthly
    lines = [f"{month}: {currency} {cost}" for month, cost in costs["cost_by_month"].items()]
    if monthly is not None:
        ceiling = rounded(Decimal(monthly.ceiling) / 100)
        over = [month for month, cost in costs["cost_by_month"].items() if Decimal(cost) > ceiling]
        lines += [
            f"{month} is above the ladder's ceiling of {currency} {ceiling}: it would have stopped." for month in over
        ]
    return ["Messages by WhatsApp's price list", *lines, f"in all: {currency} {costs['cost']}"]


def _bars(sent: Sequence[int], answers: Sequence[int]) -> list[str]:
    most = max(1, *(a + b for a, b in zip(sent, answers, strict=True)))
    lines = []
    for hour, (a, b) in enumerate(zip(sent, answers, strict=True)):
        if a or b:
            bar = "█" * round(a * _BAR / most) + "░" * round(b * _BAR / most)
            lines.append(f"{hour:02d}h {bar:<{_BAR + 1}} {a:>7} {b:>7}")
    return lines


def _reais(cents: int) -> str:
    whole = f"{cents // 100:,}".replace(",", ".")
    return f"R$ {whole},{cents % 100:02d}"
