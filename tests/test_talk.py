"""Talking to the provider over HTTP: tokens, deadlines, bounds, certificates, and honesty about silence."""

import asyncio
import datetime
import ipaddress
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.engine.talk import Away, Talk
from bot.sandbox.pix_provider import TOKEN, Weather
from bot.settings import Secret
from payments.brcode import NotACode, read_code
from payments.providers import api_pix
from payments.providers.protocol import NotAuthorized, Refused, TryLater
from tests.openapi import mistakes
from tests.pix_bank import TXID, listening, order, stand_in


async def test_a_charge_is_made_paid_and_confirmed_over_http() -> None:
    async with stand_in() as bank:
        created = await bank.talk.drive(api_pix.create(order(bank.clock)))
        read = read_code(created.code)
        assert not isinstance(read, NotACode)
        assert read.location == bank.provider.bank.charges[TXID]["location"]
        paid = await bank.provider.pay_code(created.code)
        received = await bank.talk.drive(api_pix.confirm(paid["endToEndId"]))
        assert (received.amount_cents, received.txid, received.paid_at) == (35725, TXID, bank.clock.now())
        assert (await bank.talk.drive(api_pix.state(TXID))).kept_cents == 35725
        await bank.talk.drive(api_pix.cancel(TXID))  # too late, and that is all right


async def test_money_is_sent_back_once_and_the_bank_says_when_it_is_there() -> None:
    async with stand_in() as bank:
        await bank.register()
        created = await bank.talk.drive(api_pix.create(order(bank.clock)))
        key = (await bank.provider.pay_code(created.code))["endToEndId"]
        made = [await bank.talk.drive(api_pix.refund(key, "r1", 725, doubt)) for doubt in (False, True, False)]
        assert [r.status for r in made] == ["EM_PROCESSAMENTO", "DEVOLVIDO", "DEVOLVIDO"]
        assert [len(call["pix"][0].get("devolucoes", ())) for call in bank.told if "pix" in call] == [0, 1]
        with pytest.raises(Refused, match=r"devolucao\.valor"):
            await bank.talk.drive(api_pix.refund(key, "r2", 35001))
        await bank.provider.take_back(key, 35000)
        received = await bank.talk.drive(api_pix.confirm(key))
        assert (received.kept_cents, [r.natureza for r in received.refunds]) == (0, ["ORIGINAL", "MED_FRAUDE"])
        assert mistakes(bank.told[-1]["pix"][0], "Pix") == []


async def test_many_conversations_at_once_fetch_one_token() -> None:
    async with stand_in() as bank:
        await asyncio.gather(*(bank.talk.drive(api_pix.create(order(bank.clock, txid=f"{n:030d}"))) for n in range(20)))
        assert [path for _, path in bank.provider.requests].count(TOKEN) == 1
        assert len(bank.provider.bank.charges) == 20


async def test_a_token_that_is_not_taken_any_more_is_replaced_once() -> None:
    async with stand_in() as bank:
        await bank.talk.drive(api_pix.create(order(bank.clock)))
        bank.clock.move(hours=2)  # the bank's clock alone: for us the token is fresh
        await bank.talk.drive(api_pix.create(order(bank.clock, txid="b" * 30)))
        assert [path for _, path in bank.provider.requests].count(TOKEN) == 2


async def test_a_wrong_secret_says_so_and_is_not_tried_for_ever() -> None:
    async with stand_in() as bank:
        talk = Talk(replace(bank.pix, client_secret=Secret("wrong")), bank.session)
        with pytest.raises(NotAuthorized, match="token_refused"):
            await talk.drive(api_pix.create(order(bank.clock)))
        assert bank.provider.requests == [("POST", TOKEN)]


async def test_a_contract_without_some_scopes_is_served_with_the_others() -> None:
    async with stand_in() as bank:
        await bank.provider.set_weather(Weather(due_charges=False))
        made = order(bank.clock, form="cobv", pay_until=datetime.date(2026, 12, 4))
        assert (await bank.talk.drive(api_pix.create(made))).form == "cob"
        assert [path for _, path in bank.provider.requests].count(TOKEN) == 2


async def test_a_provider_that_is_down_is_tried_later_whether_it_says_so_in_json_or_html() -> None:
    async with stand_in() as bank:
        await bank.provider.set_weather(Weather(down=503))
        with pytest.raises(TryLater):
            await bank.talk.drive(api_pix.create(order(bank.clock)))


async def test_a_refusal_over_http_names_the_property_and_not_its_value() -> None:
    async with stand_in() as bank:
        with pytest.raises(Refused) as caught:
            await bank.talk.drive(api_pix.create(order(bank.clock, debtor_document="52998224726")))
        assert str(caught.value) == "RequisicaoInvalida: cob.devedor.cpf"


async def test_a_lost_answer_is_in_doubt_and_the_repeat_finds_the_charge() -> None:
    async with stand_in() as bank:
        await bank.provider.set_weather(Weather(answers_lost=2))  # aiohttp repeats a PUT on a connection that it reused
        with pytest.raises(Away) as caught:
            await bank.talk.drive(api_pix.create(order(bank.clock)))
        assert not caught.value.repeat_is_safe
        puts = [path for method, path in bank.provider.requests if method == "PUT"]
        created = await bank.talk.drive(api_pix.create(order(bank.clock, in_doubt=True)))
        assert bank.provider.bank.charges[TXID]["location"] == created.location
        assert [path for method, path in bank.provider.requests if method == "PUT"] == puts


async def test_a_provider_that_does_not_answer_in_time_is_away() -> None:
    async with stand_in(answer_s=0.2) as bank:
        await bank.provider.set_weather(Weather(frozen=True))
        with pytest.raises(Away):
            await bank.talk.drive(api_pix.create(order(bank.clock)))
        await bank.provider.set_weather(Weather())
        await bank.talk.drive(api_pix.create(order(bank.clock, in_doubt=True)))


async def test_nobody_there_is_surely_not_done() -> None:
    async with stand_in() as bank:
        pix = replace(bank.pix, token_url="http://127.0.0.1:9/token")
        with pytest.raises(Away) as caught:
            await Talk(pix, bank.session).drive(api_pix.create(order(bank.clock)))
        assert caught.value.repeat_is_safe


async def test_an_answer_without_end_is_cut() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        try:
            while True:
                writer.write(b" " * 65536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with listening(endless) as address, stand_in() as bank:
        with pytest.raises(Away, match="without end"):
            await Talk(replace(bank.pix, token_url=address), bank.session).drive(api_pix.create(order(bank.clock)))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b'{"access_token": 7}',
        b'{"access_token": "a\\u0000b"}',
        b'{"access_token": "a", "expires_in": "soon"}',
        b'{"access_token": "a", "expires_in": NaN}',
    ],
)
async def test_a_token_that_is_none_is_tried_later(answer: bytes) -> None:
    async def token(_: web.Request) -> web.Response:
        return web.Response(body=answer)

    app = web.Application()
    app.add_routes([web.post("/", token)])
    async with TestServer(app) as server, stand_in() as bank:
        with pytest.raises(TryLater, match="no_token"):
            await Talk(replace(bank.pix, token_url=str(server.make_url("/"))), bank.session).drive(
                api_pix.create(order(bank.clock))
            )


async def test_secrets_and_persons_are_not_logged() -> None:
    async with stand_in() as bank:
        with structlog.testing.capture_logs() as logs:
            await bank.talk.drive(api_pix.create(order(bank.clock)))
            await bank.provider.set_weather(Weather(answers_lost=2))
            with pytest.raises(Away):
                await bank.talk.drive(api_pix.create(order(bank.clock)))
        text = repr(logs)
        assert logs
        for secret in ("s3cret", "Bearer", "Maria", "52998224725", TXID):
            assert secret not in text


async def test_a_bank_with_mutual_tls_is_shown_our_certificate_and_strangers_are_refused(tmp_path: Path) -> None:
    authority = _Authority(tmp_path)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    server_side.load_cert_chain(*authority.issue("bank"))
    server_side.verify_mode = ssl.CERT_REQUIRED
    cert, key = authority.issue("creditor")

    async def token(request: web.Request) -> web.Response:
        assert request.transport is not None
        peer: Any = request.transport.get_extra_info("peercert")
        return web.json_response({"error": dict(x[0] for x in peer["subject"])["commonName"]}, status=418)

    app = web.Application()
    app.add_routes([web.post("/", token)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_side)
    await site.start()
    port = runner.addresses[0][1]
    async with stand_in() as bank:
        pix = replace(bank.pix, token_url=f"https://127.0.0.1:{port}/", cert=cert, cert_key=key, ca=authority.file)
        with pytest.raises(TryLater, match="418"):
            await Talk(pix, bank.session).drive(api_pix.create(order(bank.clock)))
        for stranger in (replace(pix, cert=None, cert_key=None), replace(pix, ca=None)):
            with pytest.raises(Away):
                await Talk(stranger, bank.session).drive(api_pix.create(order(bank.clock)))
    await runner.cleanup()


class _Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.file = folder / "authority.pem"
        certificate = self._certificate(self._name, self._key.public_key(), is_authority=True)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        cert_file, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate = self._certificate(subject, key.public_key(), is_authority=False)
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert_file, key_file

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
