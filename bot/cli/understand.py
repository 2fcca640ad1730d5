"""`acerto understand`: what the bot takes a typed message for."""

import json

import click

from bot.clock import SystemClock, clock_of
from bot.settings import read_settings
from flows.understanding import understand as understood


@click.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def understand(text: str, as_json: bool) -> None:
    """Say what the bot takes TEXT for: intent, confidence from 0 to 1, what it names."""
    settings = read_settings()
    now = (clock_of(settings.home) or SystemClock()).now()
    found = understood(text, today=now.astimezone(settings.timezone).date())
    if as_json:
        answer = {"intent": found.intent, "confidence": found.confidence, "slots": dict(found.slots)}
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    slots = "".join(f", {name}: {value}" for name, value in found.slots.items())
    click.echo(f"{found.intent} ({found.confidence:.2f}{slots})")
