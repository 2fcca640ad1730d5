"""The embedded PostgreSQL: the wheel's binaries, or the system's, on a private unix socket.

Root must not run PostgreSQL, and need not: the server is run as another user that is there already (`postgres`, else
`nobody`), on a data folder that belongs to that user inside a home that only root can enter. The server is started *in*
that folder and knows it as its working directory, so that it needs no way there: no folder above is ever opened up.
"""

import os
import platform
import pwd
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import asyncpg

from bot.store.embedded_server import EmbeddedError, Order, make_private, socket_folder
from bot.store.postgres_binaries import binaries, readable_by

_PORT = 5432  # names the socket; nothing listens on the network
_NAME = "acerto"
_HERE = "/proc/self/cwd"  # the working directory, whoever may enter those above it
_ANSWER_S = 5.0
_OPTIONS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # our statements are short
    "io_method": "sync",  # three processes fewer
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    # Errors quote rows and parameters, and those hold people's names and numbers: they stay out of the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_min_messages": "fatal",
}
_HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """The PostgreSQL of one home."""

    folder_mode = 0o711  # locks and log in it are closed each for itself; the server's user passes through

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self._durable = durable
        self._data = folder / "data"
        self._sockets = socket_folder(folder, f".s.PGSQL.{_PORT}.lock")

    @property
    def address(self) -> str:
        """Where clients find it."""
        return self._database(_NAME)

    def prepare(self) -> Order:
        """Make the data folder where there is none. Raises EmbeddedError."""
        user, group = _server_user(self._data)
        bin_ = readable_by(user, binaries(self._data / "PG_VERSION"))
        if not (self._data / "PG_VERSION").exists():
            self._initialise(bin_, user, group)
        make_private(self._sockets, user, group)
        self._forget_a_stranger()
        inside = self._sockets.parent == self.folder
        options = {
            **_options_of(self._data),
            "unix_socket_directories": "../socket" if inside else str(self._sockets),
            **({} if self._durable else _HASTY),
        }
        return Order(
            argv=[
                str(bin_ / "postgres"),
                *("-D", _here(self._data)),
                *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
            ],
            folder=str(self._data),
            sockets=str(self._sockets),
            user=user if os.geteuid() == 0 else None,
            group=group if os.geteuid() == 0 else None,
            stop_with=signal.SIGINT,  # PostgreSQL's fast shutdown: ends the sessions, keeps every commit
        )

    async def answers(self) -> bool:
        """Return whether our database can be used; it is made on the first start."""
        try:
            conn = await asyncpg.connect(self._database("postgres"), timeout=_ANSWER_S)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        try:
            if not await conn.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", _NAME):
                await conn.execute(f"CREATE DATABASE {_NAME}")
        finally:
            await conn.close()
        return True

    def _database(self, name: str) -> str:
        return f"postgresql://{_NAME}@/{name}?host={quote(str(self._sockets), safe='/')}&port={_PORT}"

    def _initialise(self, bin_: Path, user: int, group: int) -> None:
        """Make the data folder under another name first: a start that is cut short here begins afresh."""
        draft = self.folder / "data.new"
        if draft.exists():
            draft.rename(self.folder / f"data.unfinished.{draft.stat().st_mtime_ns}")
        make_private(draft, user, group)
        done = subprocess.run(  # noqa: S603 - our own arguments
            [
                str(bin_ / "initdb"),
                *("-D", _here(draft), "-U", _NAME, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"),
                *([] if self._durable else ["--no-sync"]),
            ],
            cwd=draft,
            user=user if os.geteuid() == 0 else None,
            group=group if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise EmbeddedError(f"PostgreSQL could not make its data folder {draft}:\n{done.stderr.strip()}")
        draft.rename(self._data)

    def _forget_a_stranger(self) -> None:
        """Remove a `postmaster.pid` whose number some other program has by now, e.g. after a restart of the machine.

        PostgreSQL itself sees to one whose process is gone, and must: it also looks whether children of it still live.
        """
        file = self._data / "postmaster.pid"
        try:
            process = Path("/proc", str(int(file.read_text(encoding="ascii").split("\n", 1)[0])))
            ours = process.joinpath("exe").readlink().name.startswith("postgres") and process.joinpath("cwd").samefile(
                self._data
            )
        except (OSError, ValueError):
            return  # gone, or somebody's whom PostgreSQL sees through as well
        if not ours:
            file.unlink()


def _here(folder: Path) -> str:
    return _HERE if sys.platform == "linux" else str(folder)


def _options_of(data: Path) -> dict[str, str]:
    """The options that this data folder's version knows: `io_method` came with 18."""
    version = int((data / "PG_VERSION").read_text(encoding="ascii"))
    return {name: value for name, value in _OPTIONS.items() if name != "io_method" or version >= 18}


def _server_user(data: Path) -> tuple[int, int]:
    """Return the user and group that the server runs as: whoever runs us, but somebody else for root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    if sys.platform != "linux":
        raise EmbeddedError(f"on {platform.system()} run acerto as an ordinary user: PostgreSQL refuses to run as root")
    if data.exists() and data.stat().st_uid != 0:
        found = data.stat()  # whose it was when it was made
        return found.st_uid, found.st_gid
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise EmbeddedError(
        "root may not run PostgreSQL, and there is no user 'postgres' or 'nobody'; run acerto as an ordinary user"
    )
