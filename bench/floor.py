"""The floors: what the same machine does with the same bytes when there is next to nothing in between.

`empty`: an aiohttp handler that reads the body and answers 200. `echo`: the same, and a POST out for each request,
without any record.
"""

import asyncio
import sys

import aiohttp
import uvloop
from aiohttp import web


async def main(kind: str, port: int, out_url: str) -> None:
    """Serve one kind of floor until killed."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as session:

        async def empty(request: web.Request) -> web.Response:
            await request.read()
            return web.Response(text="ok\n")

        async def echo(request: web.Request) -> web.Response:
            raw = await request.read()
            tasks.add(task := asyncio.create_task(post(raw)))
            task.add_done_callback(tasks.discard)
            return web.Response(text="ok\n")

        async def post(raw: bytes) -> None:
            async with session.post(out_url, data=raw) as answer:
                await answer.read()

        tasks: set[asyncio.Task[None]] = set()
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.add_routes([web.post("/webhook", echo if kind == "echo" else empty)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
