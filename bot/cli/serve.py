"""`acerto serve`: the program on real services."""

import asyncio
import os
import signal

import click
import structlog
import uvloop
from aiohttp import web

from bot.clock import Clock, SystemClock
from bot.engine.run import ROLES, run
from bot.logs import set_up_logs
from bot.parts import Parts, open_parts
from bot.settings import Settings, read_settings
from webhook import make_app

_SHUTDOWN_S = 15.0
log = structlog.get_logger(__name__)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option("--role", default="all", show_default=True, type=click.Choice(["all", *ROLES]))
def serve(host: str, port: int, role: str) -> None:
    """Serve on real services. Several processes and machines may run at once."""
    settings = read_settings(serving=True)
    set_up_logs(for_good=True)
    roles = frozenset(ROLES) if role == "all" else frozenset({role})
    uvloop.run(_serve(settings, SystemClock(), host, port, roles))


async def _serve(settings: Settings, clock: Clock, host: str, port: int, roles: frozenset[str]) -> None:
    async with open_parts(settings, clock) as parts:
        await serve_parts(parts, make_app(parts), host, port, roles, stop_on_signals())


def stop_on_signals() -> asyncio.Event:
    """Return an event that is set by SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop


async def serve_parts(
    parts: Parts,
    app: web.Application,
    host: str,
    port: int,
    roles: frozenset[str],
    stop: asyncio.Event,
    *,
    started: asyncio.Event | None = None,
) -> None:
    """Run the loops and, for the role `web`, the pages, until `stop`: take no more, finish what is held.

    `started` is set as soon as the pages answer.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    finish = asyncio.Event()
    if "web" in roles:  # first the door: in the demo the loops' own world lies behind it
        await runner.setup()
        await _open_door(runner, host, port)
    engine = asyncio.create_task(run(parts, roles, finish))
    try:
        if started is not None:
            started.set()
        log.info("serve.started", roles=sorted(roles), host=host, port=port if "web" in roles else None)
        await asyncio.wait({engine, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await runner.cleanup()  # first the door: what was being taken in is committed and answered
        finish.set()
        await engine


async def _open_door(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such address"
        raise click.ClickException(
            f"Cannot listen on {host}:{port}: {why}. Choose others with --host and --port."
        ) from error
