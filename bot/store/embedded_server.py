"""What `bot.store.embedded` asks of a server, and where the socket of one can be."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Protocol, TypedDict

_SOCKET_BYTES_MAX = 103  # of a unix socket's whole path, on the narrowest system; Linux takes 107


class EmbeddedError(Exception):
    """An embedded server cannot be had. The message says why, and what to do."""


class Order(TypedDict):
    """What the keeper is told."""

    argv: list[str]
    folder: str  # the working directory
    sockets: str  # the folder of its socket; removed once it has stopped
    user: int | None  # None: as whoever starts it
    group: int | None
    stop_with: int  # the signal of a clean stop


class Server(Protocol):
    """A server that can be shared."""

    folder: Path
    folder_mode: int

    @property
    def address(self) -> str:
        """Where clients find it."""
        ...

    def prepare(self) -> Order:
        """Make ready whatever must be there before the start; blocking, under the gate's lock. Raises EmbeddedError."""
        ...

    async def answers(self) -> bool:
        """Return whether it can be used now."""
        ...


def socket_folder(folder: Path, socket: str) -> Path:
    """Return the folder for `socket`: one in `folder`, or one of the system's if that path would be too long."""
    own = folder / "socket"
    name = f"acerto-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    for candidate in (own, Path(tempfile.gettempdir()) / name, Path("/tmp") / name):  # noqa: S108 - taken only if ours
        if len(os.fsencode(candidate / socket)) <= _SOCKET_BYTES_MAX:
            return candidate
    raise AssertionError("the last candidate is short enough")


def make_private(folder: Path, user: int, group: int) -> None:
    """Make `folder` the user's own, for nobody else. Raises EmbeddedError if somebody else was there before."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid not in (user, os.geteuid()):
        raise EmbeddedError(f"{folder} belongs to somebody else; remove it")
    if found.st_uid != user:
        os.chown(folder, user, group)
    folder.chmod(0o700)
