"""The cheapest HTTP that is still HTTP: a client and a server of a few lines, so that the measuring takes little of what is measured."""

import asyncio
from collections.abc import Callable
from typing import Any

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Connection:
    """One kept-alive connection; one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, body: bytes, headers: str) -> int:
        """POST and return the status."""
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        if length:
            await self._reader.readexactly(length)
        return int(answer[9:12])

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()


class _Answering(asyncio.Protocol):
    """Reads requests with a Content-Length and answers each with what `answer` makes of its body."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer, self._held = answer, b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._held) < end + 4 + length:
                return
            body = self._held[end + 4 : end + 4 + length]
            self._held = self._held[end + 4 + length :]
            answer = self._answer(body)
            self._transport.write(_ANSWER % (len(answer), answer))


async def serve(answer: Callable[[bytes], bytes], port: int) -> asyncio.Server:
    """Serve `answer` on loopback."""
    return await asyncio.get_running_loop().create_server(lambda: _Answering(answer), "127.0.0.1", port)
