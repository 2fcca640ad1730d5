"""The Graph client over real HTTP: whatever the weather, a POST ends as accepted, refused or unknown."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.whatsapp.client import File, GraphClient
from bot.whatsapp.errors import Accepted, Refused, Unknown
from bot.whatsapp.messages import Recipient, Text, build

SAMPLES = Path(__file__).parent / "vectors" / "whatsapp"
TOKEN = "EAAG-a-token-that-nobody-may-see"  # there is nothing behind it
HELLO = build(Text(body="Olá 🙏"), to=Recipient(phone="5511987654321"), opaque="a1.7.1.x")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


@asynccontextmanager
async def graph(handler: Handler, *, connections: int = 10, deadline_s: float = 5.0) -> AsyncIterator[GraphClient]:
    """A client of a server on loopback that answers every request as `handler` does."""
    app = web.Application(client_max_size=10**7)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        yield client(session, runner.addresses[0][1], deadline_s=deadline_s)
    await runner.cleanup()


def client(session: aiohttp.ClientSession, port: int, *, deadline_s: float = 5.0) -> GraphClient:
    url = f"http://127.0.0.1:{port}/v24.0"
    return GraphClient(url, TOKEN, "1055", session, connect_s=0.3, deadline_s=deadline_s)


def answering(status: int, body: bytes, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    return handler


async def test_a_message_is_posted_to_our_number_with_the_token_in_one_header() -> None:
    seen: list[tuple[str, str, str, object]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, request.headers["Authorization"], await request.json()))
        assert request.content_type == "application/json"
        return web.Response(body=sample("ok-send"))

    async with graph(handler) as whatsapp:
        outcome = await whatsapp.send(HELLO)
    assert isinstance(outcome, Accepted)
    assert outcome.wa_id == "558192345678"
    assert seen == [("POST", "/v24.0/1055/messages", f"Bearer {TOKEN}", HELLO)]


async def test_a_tick_and_the_writing_sign_go_the_same_way() -> None:
    seen: list[object] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.path, await request.json()))
        return web.Response(body=sample("ok-mark-read"))

    async with graph(handler) as whatsapp:
        assert await whatsapp.mark_read("wamid.M1", typing=True) == Accepted(wamid=None)
    assert seen == [("/v24.0/1055/messages", json.loads(sample("out-mark-read-typing")))]


@pytest.mark.parametrize("http", [400, 500, 503])
async def test_metas_word_is_a_refusal_whatever_http_says(http: int) -> None:
    async with graph(answering(http, sample("err-131016"))) as whatsapp:
        outcome = await whatsapp.send(HELLO)
    assert isinstance(outcome, Refused)
    assert outcome.code == 131016


@pytest.mark.parametrize(("http", "body"), [(500, b""), (502, b"<html>Bad Gateway</html>"), (200, b"ok"), (204, b"")])
async def test_without_metas_word_nobody_knows(http: int, body: bytes) -> None:
    async with graph(answering(http, body)) as whatsapp:
        assert isinstance(await whatsapp.send(HELLO), Unknown)


async def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else() -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with graph(handler) as whatsapp:
        assert isinstance(await whatsapp.send(HELLO), Unknown)
    assert seen == ["/v24.0/1055/messages"]


async def test_an_answer_that_does_not_come_in_time_is_unknown() -> None:
    held = asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        await held.wait()
        return web.Response()

    async with graph(handler, deadline_s=0.1) as whatsapp:
        assert await whatsapp.send(HELLO) == Unknown(reason="TimeoutError")
        held.set()


async def test_an_answer_that_stops_in_the_middle_is_unknown() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(sample("ok-send")[:50])
        assert request.transport is not None
        request.transport.abort()
        return response

    async with graph(handler) as whatsapp:
        assert isinstance(await whatsapp.send(HELLO), Unknown)


async def test_a_connection_that_breaks_after_the_post_is_unknown_and_nothing_is_posted_again() -> None:
    """Another POST would be another message: there is no idempotency key."""
    posts: list[bytes] = []

    async def handler(request: web.Request) -> web.Response:
        posts.append(await request.read())
        if len(posts) > 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=sample("ok-send"))

    async with graph(handler) as whatsapp:
        assert isinstance(await whatsapp.send(HELLO), Accepted)
        assert isinstance(await whatsapp.send(HELLO), Unknown)  # on the connection that was kept alive
    assert len(posts) == 2


async def test_an_answer_without_end_is_unknown() -> None:
    async with graph(answering(200, b" " * 5_000_000)) as whatsapp:
        assert await whatsapp.send(HELLO) == Unknown(reason="answer_too_long")


async def test_a_refused_connection_sent_nothing(unused_port: int) -> None:
    async with aiohttp.ClientSession() as session:
        outcome = await client(session, unused_port).send(HELLO)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.wait_s(attempt=1)) == (None, 5)


async def test_who_never_got_a_connection_sent_nothing() -> None:
    held = asyncio.Event()
    arrived = asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        arrived.set()
        await held.wait()
        return web.Response(body=sample("ok-send"))

    async with graph(handler, connections=1) as whatsapp, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(whatsapp.send(HELLO))
        await arrived.wait()
        assert isinstance(await whatsapp.send(HELLO), Refused)  # the only connection is taken
        held.set()
    assert isinstance(first.result(), Accepted)


async def test_an_address_that_is_none_sent_nothing() -> None:
    async with aiohttp.ClientSession() as session:
        assert isinstance(await GraphClient("http://", TOKEN, "1055", session).send(HELLO), Refused)


@pytest.fixture
async def unused_port() -> int:
    """A port of loopback on which nobody listens any more."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_nobody_sees_the_token(unused_port: int) -> None:
    async with aiohttp.ClientSession() as session:
        whatsapp = client(session, unused_port)
        assert TOKEN not in repr(whatsapp)
        assert TOKEN not in repr(await whatsapp.send(HELLO))
    async with graph(answering(401, sample("err-190-invalid"))) as whatsapp:
        assert TOKEN not in repr(await whatsapp.send(HELLO))


async def test_a_file_is_uploaded_and_known_by_its_id() -> None:
    seen: dict[str, object] = {}

    async def handler(request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        seen.update(path=request.path, product=form["messaging_product"], type=form["type"])
        seen.update(name=file.filename, bytes=file.file.read(), file_type=file.content_type)
        return web.Response(body=sample("media-md-uploaded"))

    async with graph(handler) as whatsapp:
        media_id = await whatsapp.upload_media(b"%PDF", mime_type="application/pdf", filename="fatura.pdf")
    assert media_id == "1037543291543636"
    assert seen == {
        "path": "/v24.0/1055/media",
        "product": "whatsapp",
        "type": "application/pdf",
        "name": "fatura.pdf",
        "bytes": b"%PDF",
        "file_type": "application/pdf",
    }


async def test_a_file_is_fetched_from_its_address_with_the_token() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        if request.path == "/v24.0/1037543291543636":
            described = json.loads(sample("media-md-url"))
            return web.json_response({**described, "url": f"http://{request.host}/file?mid=1"})
        return web.Response(body=b"%PDF")

    async with graph(handler) as whatsapp:
        assert await whatsapp.get_media("1037543291543636") == File(data=b"%PDF", mime_type="application/pdf")


@pytest.mark.parametrize("url", ["http://files.example.com/1", "file:///etc/passwd", "", None])
async def test_the_token_is_not_taken_to_an_address_without_tls(url: str | None) -> None:
    async with graph(answering(200, json.dumps({"url": url}).encode())) as whatsapp:
        assert await whatsapp.get_media("1") == Unknown(reason="no_media_url")


async def test_all_pages_of_the_templates_are_read() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/v24.0/2066/message_templates"
        first = "after" not in request.query
        names = ["venceu", "vence_hoje"] if first else ["proposta"]
        paging = {"cursors": {"after": "QVFI"}, **({"next": "https://graph.example/next"} if first else {})}
        return web.json_response({"data": [{"name": name} for name in names], "paging": paging})

    async with graph(handler) as whatsapp:
        found = await whatsapp.templates("2066")
    assert isinstance(found, list)
    assert [template["name"] for template in found] == ["venceu", "vence_hoje", "proposta"]


async def test_templates_without_end_are_given_up() -> None:
    page = {"data": [{"name": "x"}], "paging": {"cursors": {"after": "again"}, "next": "https://graph.example/next"}}
    async with graph(answering(200, json.dumps(page).encode())) as whatsapp:
        assert await whatsapp.templates("2066") == Unknown(reason="templates_without_end")


async def test_our_number_and_its_subscription_are_described() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path.endswith("subscribed_apps"):
            return web.json_response({"data": [{"whatsapp_business_api_data": {"id": "7"}}]})
        assert request.query["fields"].startswith("display_phone_number,")
        return web.json_response({"display_phone_number": "+55 11 3004-5678", "id": "1055"})

    async with graph(handler) as whatsapp:
        info, apps = await whatsapp.phone_info(), await whatsapp.subscribed_apps("2066")
    assert isinstance(info, dict)
    assert info["id"] == "1055"
    assert isinstance(apps, list)
    assert len(apps) == 1


async def test_a_question_that_meta_refuses_says_why() -> None:
    async with graph(answering(401, sample("err-190-expired"))) as whatsapp:
        answers = [
            await whatsapp.phone_info(),
            await whatsapp.subscribed_apps("2066"),
            await whatsapp.templates("2066"),
            await whatsapp.get_media("1"),
            await whatsapp.upload_media(b"x", mime_type="image/png", filename="x.png"),
        ]
    assert [answer.code for answer in answers if isinstance(answer, Refused)] == [190] * 5


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": {}}', b"<html>"])
async def test_a_question_that_is_answered_with_nonsense_is_unknown(body: bytes) -> None:
    async with graph(answering(200, body)) as whatsapp:
        assert isinstance(await whatsapp.phone_info(), Unknown)


def test_every_known_answer_about_files_is_used_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{path.stem}"' in here for path in SAMPLES.glob("media-*.json"))
