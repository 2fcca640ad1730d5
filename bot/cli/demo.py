"""`acerto demo`: the whole program on this machine, with people to be, a bank to pay at and a clock to move."""

import asyncio
import contextlib
import logging
import socket
from pathlib import Path

import click
import uvloop
from rich.console import Console
from rich.table import Table

from bot.cli.serve import serve_parts, stop_on_signals
from bot.clock import movable_clock
from bot.engine.run import ROLES
from bot.logs import set_up_logs
from bot.parts import open_parts
from bot.sandbox.opening import ask_for_a_person, open_business
from bot.sandbox.people import PEOPLE
from bot.sandbox.phone import PhonePage
from bot.sandbox.stand_ins import demo_settings, remember_demo, stand_ins
from bot.settings import read_settings
from webhook import make_app

_HOST = "127.0.0.1"


@click.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
def demo(port: int) -> None:
    """Try everything without an account: embedded servers, stand-ins for WhatsApp and the bank, fictional people.

    What happens is kept in ACERTO_HOME (default ./.acerto); another start goes on where this one stopped.
    """
    if not _free(port):
        raise click.ClickException(f"Port {port} is taken. Choose another: acerto demo --port {port + 1}")
    set_up_logs(level=logging.WARNING, for_good=True)
    uvloop.run(_demo(_home(), port))


async def _demo(home: Path, port: int) -> None:
    stop, started = stop_on_signals(), asyncio.Event()
    clock = movable_clock(home)
    settings = demo_settings(home, f"http://localhost:{port}")
    async with open_parts(settings, clock, demo=True) as parts:
        remember_demo(home, settings.public_url)
        world = stand_ins(settings, clock, parts.http, PEOPLE, folder=home / "sandbox")
        phone = PhonePage(parts, world.graph.whatsapp, PEOPLE, clock)
        await open_business(parts, settings.policy_dir / "padrao.yaml")
        app = make_app(parts, more=[*world.routes(), *phone.routes()])
        app.on_shutdown.extend((phone.close, world.close))
        serving = asyncio.create_task(serve_parts(parts, app, _HOST, port, frozenset(ROLES), stop, started=started))
        keeping = asyncio.create_task(world.keep())
        try:
            await asyncio.wait({serving, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
            if started.is_set():
                await ask_for_a_person(world.graph.whatsapp)
                _tell(settings.public_url, home)
            await serving
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping


def _tell(address: str, home: Path) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    table.add_row("Phone", f"{address}/phone", "be one of eight people, and write “oi”")
    table.add_row("Desk", f"{address}/desk", "one customer is waiting for an agent")
    console = Console()
    console.print("\n[bold green]Acerto is running.[/] Everybody in it is fictional.\n")
    console.print(table)
    console.print(f"\nKept in {home}. Stop with Ctrl-C; start again to go on.", style="dim")


def _home() -> Path:
    return read_settings().home


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True
