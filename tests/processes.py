"""The command line in processes of its own, with a memory, an environment and a death of their own, that are there at
once: each is forked from one that has read the code and done nothing with it."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.cli.main import main

NOBODY = Path(os.devnull)
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class Running:
    """A process that runs."""

    process: ForkServerProcess

    def send(self, number: signal.Signals) -> None:
        """Send a signal; to one that has ended, nothing."""
        if self.process.exitcode is None:
            assert self.process.pid is not None
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    async def ended(self) -> int:
        """Wait until it has, and return its exit code; of one that a signal ended, minus its number."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.process.sentinel, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self.process.sentinel)
        self.process.join()
        assert self.process.exitcode is not None
        return self.process.exitcode


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command."""

    code: int
    out: str
    told: str


def start(
    *command: str, environment: Mapping[str, str], out: Path = NOBODY, told: Path = NOBODY, within: Path | None = None
) -> Running:
    """Start `acerto COMMAND` in the folder `within`: what it prints goes to `out`, its complaints to `told`."""
    arguments = (command, dict(environment), out, told, within or Path.cwd())
    process = _CONTEXT.Process(target=_be_acerto, args=arguments, daemon=True)
    process.start()
    return Running(process)


async def run(*command: str, environment: Mapping[str, str], within: Path | None = None) -> Done:
    """Run `acerto COMMAND` to its end."""
    with TemporaryDirectory() as folder:
        out, told = Path(folder, "out"), Path(folder, "told")
        code = await start(*command, environment=environment, out=out, told=told, within=within).ended()
        return Done(code, out.read_text(encoding="utf-8"), told.read_text(encoding="utf-8"))


def _be_acerto(command: tuple[str, ...], environment: dict[str, str], out: Path, told: Path, within: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(within)
    for number, where in enumerate((NOBODY, out, told)):
        file = os.open(where, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    main(list(command))
