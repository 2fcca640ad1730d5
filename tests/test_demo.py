"""`acerto demo`: one command, up at once, stopped at once, and there again on the next start."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from tests.processes import run

COMMAND = (sys.executable, "-m", "bot.cli", "demo", "--port")
ROOT = Path(__file__).parent.parent


@asynccontextmanager
async def demo(home: Path, port: int) -> AsyncIterator[str]:
    """Run the demo until the block ends; it begins when the demo says that it runs. Ctrl-C must end it cleanly."""
    child = await asyncio.create_subprocess_exec(
        *COMMAND,
        str(port),
        cwd=home,
        env={**os.environ, "ACERTO_HOME": str(home / "data"), "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed = ""
        async with asyncio.timeout(30):  # ten seconds are promised to whoever has the machine alone
            while "Kept in" not in printed:
                assert child.stdout is not None
                line = (await child.stdout.readline()).decode()
                assert line, (await child.communicate())[1].decode()
                printed += line
        yield printed
    finally:
        child.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            _, err = await child.communicate()
    assert child.returncode == 0
    assert "Traceback" not in err.decode()


async def beside(home: Path, *command: str) -> tuple[int, int, str]:
    """Run a command in the demo's home, with nothing else set; return its exit code, how many lines it prints (of JSON:
    how many values), and what it complains of."""
    only = {"PATH": "/usr/bin:/bin", "ACERTO_HOME": str(home / "data")}
    done = await run(*command, environment=only, within=home)
    printed = json.loads(done.out) if "--json" in command else done.out.splitlines()
    return done.code, len(printed), done.told


async def chats(session: aiohttp.ClientSession, port: int) -> dict[str, Any]:
    """Everything that the phone page is told first."""
    async with session.get(f"http://127.0.0.1:{port}/sandbox/phone/events") as stream:
        async for line in stream.content:
            if line.startswith(b"data: "):
                return {chat["name"]: chat for chat in json.loads(line[6:])["chats"]}
    raise AssertionError("the page is told nothing")


@pytest.mark.timeout(180)
async def test_it_is_there_at_once_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    port = unused_port()
    async with demo(tmp_path, port) as printed, aiohttp.ClientSession() as session:
        for path in ("phone", "desk"):
            assert f"http://localhost:{port}/{path}" in printed
            async with session.get(f"http://localhost:{port}/{path}") as page:
                assert (page.status, page.content_type) == (200, "text/html")
        first = await chats(session, port)
        assert len(first) == 8
        assert await beside(tmp_path, "tick") == (0, 1, "")
        code, _, complaint = await beside(tmp_path, "doctor", "--json")
        assert (code, complaint) == (0, "")
        asked = [bubble["text"] for bubble in first["Fábio Lima"]["bubbles"] if bubble["mine"]]
        assert asked == ["oi", "862", "Falar com atendente"]
    async with demo(tmp_path, port), aiohttp.ClientSession() as session:
        again = (await chats(session, port))["Fábio Lima"]["bubbles"]
        assert [bubble["text"] for bubble in again if bubble["mine"]] == asked
        assert again[0]["id"] == first["Fábio Lima"]["bubbles"][0]["id"]


async def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    child = await asyncio.create_subprocess_exec(
        *COMMAND,
        str(port),
        cwd=tmp_path,
        env={**os.environ, "ACERTO_HOME": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await child.communicate()
    server.close()
    said = f"Error: Port {port} is taken. Choose another: acerto demo --port {port + 1}\n"
    assert (child.returncode, err.decode()) == (1, said)
    assert not (tmp_path / "data").exists()
