"""PostgreSQL and Valkey of our own, for whoever has none: started by the first process that needs them, shared by all
processes of one home, stopped when the last one leaves.

Three locks in the server's folder say all there is to know, and the kernel drops them with their holder:
`gate` is held while one process looks and starts; `users` is shared by all who use the server; `kept` is held by the
keeper (`bot.store.keeper`), which waits for `users` to be free and then stops the server.
"""

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.store.embedded_postgres import EmbeddedPostgres
from bot.store.embedded_server import EmbeddedError as EmbeddedError
from bot.store.embedded_server import Order, Server
from bot.store.embedded_valkey import EmbeddedValkey

_KEEPER = Path(__file__).with_name("keeper.py")
_START_S = 90.0  # after a crash PostgreSQL first replays its log
_STOP_S = 30.0
_LOOK_AGAIN_S = 0.01
_LOG_KEPT_BYTES = 1_000_000


@asynccontextmanager
async def embedded_postgres(home: Path, *, durable: bool = True) -> AsyncIterator[str]:
    """Yield the address of the PostgreSQL of `home`, for as long as it is needed.

    Without `durable` a commit does not wait for the disk: for tests. Who starts the server decides it for all.
    Raises EmbeddedError, which says what to do.
    """
    async with _shared(EmbeddedPostgres(home / "postgres", durable=durable)) as address:
        yield address


@asynccontextmanager
async def embedded_valkey(home: Path) -> AsyncIterator[str]:
    """Yield the address of the Valkey of `home`, for as long as it is needed. Nothing is kept. Raises EmbeddedError."""
    async with _shared(EmbeddedValkey(home / "valkey")) as address:
        yield address


@asynccontextmanager
async def _shared(server: Server) -> AsyncIterator[str]:
    try:
        server.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        server.folder.mkdir(mode=server.folder_mode, exist_ok=True)
        users = await _enter(server)
    except PermissionError as error:
        raise EmbeddedError(
            f"{error.filename or server.folder} belongs to another user; "
            "run acerto as that user, or set ACERTO_HOME to a folder of yours"
        ) from error
    except (FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        raise EmbeddedError(f"{server.folder} cannot be made; set ACERTO_HOME to a folder of yours") from error
    try:
        yield server.address
    finally:
        await _leave(server.folder, users)


async def _enter(server: Server) -> int:
    """Return the descriptor of a share in the running server."""
    gate = _open(server.folder, "gate")
    try:
        await _locked(gate, fcntl.LOCK_EX, _START_S)
        users = _open(server.folder, "users")
        try:
            await _locked(users, fcntl.LOCK_SH, _STOP_S)  # while the keeper stops the server, this waits
            if not _is_kept(server.folder):
                await _start(server)
            await _until(server.answers, server.folder)
        except BaseException:
            os.close(users)
            raise
        return users
    finally:
        os.close(gate)


async def _start(server: Server) -> None:
    order = await asyncio.to_thread(server.prepare)
    kept = _open(server.folder, "kept")
    log = os.open(_rotated_log(server.folder), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(kept, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes over to the keeper with the descriptor
        await asyncio.to_thread(_spawn_keeper, server.folder, order, kept, log)
    finally:
        os.close(log)
        os.close(kept)


def _spawn_keeper(folder: Path, order: Order, kept: int, log: int) -> None:
    text = json.dumps({**order, "users": str(folder / "users.lock")})
    subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-I", "-S", str(_KEEPER), text, str(kept)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[kept],
        start_new_session=True,  # Ctrl-C in the terminal is for the program, which then leaves in order
        check=True,
    )


async def _until(answers: Callable[[], Awaitable[bool]], folder: Path) -> None:
    try:
        async with asyncio.timeout(_START_S):
            while not await answers():
                if not _is_kept(folder):
                    raise EmbeddedError(
                        f"{folder.name} did not start; its log, {folder / 'log'}, ends with:\n{_end_of_log(folder)}"
                    )
                await asyncio.sleep(_LOOK_AGAIN_S)
    except TimeoutError as error:
        raise EmbeddedError(f"{folder.name} does not answer after {_START_S:.0f} s; see {folder / 'log'}") from error


async def _leave(folder: Path, users: int) -> None:
    """Give the share back; if it was the last, wait until the server has stopped."""
    os.close(users)
    if not folder.exists():
        return  # somebody threw the home away; the keeper stops by itself
    probe = _open(folder, "users")
    try:
        async with asyncio.timeout(_STOP_S):
            while _is_kept(folder) and not _others_are_in(probe):  # noqa: ASYNC110 - other processes set no event
                await asyncio.sleep(_LOOK_AGAIN_S)
    except TimeoutError as error:
        raise EmbeddedError(f"{folder.name} does not stop; see {folder / 'log'}") from error
    finally:
        os.close(probe)


def _others_are_in(probe: int) -> bool:
    if _try_lock(probe, fcntl.LOCK_EX):
        return False  # nobody; the keeper is about to notice
    return _try_lock(probe, fcntl.LOCK_SH)  # shared with others; if not even that, the keeper holds it and is stopping


def _try_lock(descriptor: int, kind: int) -> bool:
    """Whether the lock could be had just now; it is given back at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


def _is_kept(folder: Path) -> bool:
    probe = _open(folder, "kept")
    try:
        return not _try_lock(probe, fcntl.LOCK_SH)
    finally:
        os.close(probe)


async def _locked(descriptor: int, kind: int, at_most_s: float) -> None:
    try:
        async with asyncio.timeout(at_most_s):
            while True:
                try:
                    fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                except BlockingIOError:
                    await asyncio.sleep(_LOOK_AGAIN_S)
                else:
                    return
    except TimeoutError as error:
        raise EmbeddedError(
            "another acerto has been starting or stopping the embedded server for too long; see who runs"
        ) from error


def _open(folder: Path, name: str) -> int:
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = folder.stat()  # root helping itself in a user's home must not lock that user out
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def _rotated_log(folder: Path) -> Path:
    log = folder / "log"
    if log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
        log.replace(folder / "log.1")
    return log


def _end_of_log(folder: Path) -> str:
    lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-8:])
