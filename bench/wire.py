"""The cheapest HTTP that is still HTTP: a client and a server of a few lines, which take little of what is measured."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
_FINE = b"HTTP/1.1 200 "


def request(path: str, body: bytes, headers: str) -> bytes:
    """Return the bytes of a POST; `headers` are whole lines."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n{headers}\r\n".encode() + body


class _Asking(asyncio.Protocol):
    """One kept-alive connection: the next request goes out when the answer to the one before is there."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests, self._held = requests, b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        if end < 0 or len(self._held) < end + 4 + _length(self._held[:end]):
            return
        if not self._held.startswith(_FINE):
            self._end(AssertionError(self._held[:end].decode("ascii", "replace")))
            return
        self._held = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def _next(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self._end(None)
        else:
            self._transport.write(following)

    def _end(self, error: Exception | None) -> None:
        if error is None:
            self.finished.set_result(None)
        else:
            self.finished.set_exception(error)
        self._transport.close()


async def ask(port: int, requests: list[bytes], *, connections: int = 64) -> None:
    """Send all requests as fast as they are answered. Raises AssertionError for any answer but 200."""
    loop, waiting = asyncio.get_running_loop(), iter(requests)
    lines = [(await loop.create_connection(lambda: _Asking(waiting), "127.0.0.1", port))[1] for _ in range(connections)]
    await asyncio.gather(*(line.finished for line in lines))


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
            length = _length(self._held[:end])
            if len(self._held) < end + 4 + length:
                return
            body = self._held[end + 4 : end + 4 + length]
            self._held = self._held[end + 4 + length :]
            answer = self._answer(body)
            self._transport.write(_ANSWER % (len(answer), answer))


async def serve(answer: Callable[[bytes], bytes], port: int) -> asyncio.Server:
    """Serve `answer` on loopback."""
    return await asyncio.get_running_loop().create_server(lambda: _Answering(answer), "127.0.0.1", port)


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"content-length:")
    return int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
