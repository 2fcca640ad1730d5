"""The world of the demo and of the tests: the stand-ins of WhatsApp and of the bank, and settings that lead to them.

They may listen on the very port of the program. Their secrets are made from the home's own key, so nothing that is
written here opens anything.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.clock import Clock
from bot.sandbox import graph_api, pix_provider
from bot.sandbox.graph_api import GraphApi, Number
from bot.sandbox.graph_errors import Refused
from bot.sandbox.graph_templates import Templates
from bot.sandbox.people import Person
from bot.sandbox.pix_provider import PixProvider
from bot.settings import Settings, own_secret_key, read_settings
from bot.whatsapp.templates import read_templates, to_meta

CREDITOR = "Escola Aurora"
PIX_KEY = "7d9f0335-8dcc-4054-9bf9-0dbd61d36906"
_NUMBER = Number(token="", app_secret="", name=CREDITOR)
_SAVE_AFTER_S = 1.0
_ADDRESS = "address"  # of the demo, in its folder: other commands find the stand-ins there


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIns:
    """Both stand-ins, to be mounted in an application."""

    graph: GraphApi
    bank: PixProvider

    def routes(self) -> list[web.RouteDef]:
        """Return what they answer to."""
        return [*self.graph.routes(), *self.bank.routes()]

    async def keep(self) -> None:
        """Write the chats down a moment after they changed, until cancelled."""
        chats, kept = self.graph.whatsapp.chats, -1
        while True:
            await chats.changed_since(kept)
            await asyncio.sleep(_SAVE_AFTER_S)
            kept = chats.revision
            chats.save()

    async def close(self, _: object = None) -> None:
        """Let nobody wait any longer, and keep what there is."""
        await self.graph.close()


def demo_settings(home: Path, address: str) -> Settings:
    """Return the settings of a program that listens on `address` and whose world is there too."""
    secret = own_secret_key(home)
    return read_settings(
        {
            "ACERTO_HOME": str(home),
            "ACERTO_PUBLIC_URL": address,
            "ACERTO_CREDITOR_NAME": CREDITOR,
            "ACERTO_CREDITOR_DOCUMENT": "11.444.777/0001-61",
            "ACERTO_CREDITOR_ADDRESS": "Rua das Acácias, 100, São Paulo, SP",
            "ACERTO_WHATSAPP_API_URL": f"{address}{graph_api.ROOT}/v24.0",
            "ACERTO_WHATSAPP_TOKEN": _derived(secret, "whatsapp token"),
            "ACERTO_WHATSAPP_APP_SECRET": _derived(secret, "whatsapp app secret"),
            "ACERTO_WHATSAPP_VERIFY_TOKEN": _derived(secret, "whatsapp verify token"),
            "ACERTO_WHATSAPP_PHONE_NUMBER_ID": _NUMBER.phone_number_id,
            "ACERTO_WHATSAPP_WABA_ID": _NUMBER.waba_id,
            "ACERTO_PIX": "api",
            "ACERTO_PIX_KEY": PIX_KEY,
            "ACERTO_PIX_MERCHANT_NAME": CREDITOR,
            "ACERTO_PIX_MERCHANT_CITY": "Sao Paulo",
            "ACERTO_PIX_API_URL": address + pix_provider.API,
            "ACERTO_PIX_TOKEN_URL": address + pix_provider.TOKEN,
            "ACERTO_PIX_CLIENT_ID": "acerto",
            "ACERTO_PIX_CLIENT_SECRET": _derived(secret, "pix client secret"),
            "ACERTO_PIX_WEBHOOK_SECRET": _derived(secret, "pix webhook secret"),
        },
        serving=True,
    )


def remember_demo(home: Path, address: str) -> None:
    """Write down where the demo of this home listens."""
    folder = home / "sandbox"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / _ADDRESS).write_text(address, encoding="ascii")


def remembered_demo(home: Path) -> Settings | None:
    """Return the settings of the demo that runs, or last ran, in this home."""
    file = home / "sandbox" / _ADDRESS
    return demo_settings(home, file.read_text(encoding="ascii")) if file.is_file() else None


def stand_ins(
    settings: Settings,
    clock: Clock,
    session: aiohttp.ClientSession,
    people: Iterable[Person],
    *,
    folder: Path | None = None,
) -> StandIns:
    """Return the world that `settings` lead to, with these people on WhatsApp.

    With a folder it goes on where it stopped.
    """
    whatsapp, pix = settings.whatsapp, settings.pix
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = Number(
        token=whatsapp.token,
        app_secret=whatsapp.app_secrets[0],
        phone_number_id=whatsapp.phone_number_id,
        waba_id=whatsapp.waba_id,
        name=settings.creditor_name,
    )
    graph = GraphApi(
        clock,
        session,
        number,
        callback=f"{settings.public_url}/webhook",
        address=settings.public_url,
        file=folder / "chats.json" if folder is not None else None,
    )
    _register(settings, graph.whatsapp.templates)
    for person in people:
        graph.whatsapp.chats.add(person.account)
    bank = PixProvider(
        clock,
        session,
        address=settings.public_url,
        key=pix.key,
        client_id=pix.client_id,
        client_secret=pix.client_secret,
        file=folder / "bank.json" if folder is not None else None,
    )
    bank.bank.set_webhook(pix.key, f"{settings.public_url}/webhook/pix/{pix.webhook_secret}")
    return StandIns(graph=graph, bank=bank)


def _register(settings: Settings, templates: Templates) -> None:
    """The company's templates are registered and approved, as far as Meta's review would take them."""
    wanted = read_templates(settings.templates.read_bytes(), name=settings.templates.name)
    for template in wanted.values() if isinstance(wanted, Mapping) else ():
        try:
            made = templates.create(to_meta(template, header_handle="4::aW1hZ2U="))
        except Refused:
            continue  # `acerto doctor` names it
        made.status = "APPROVED"


def _derived(secret: str, name: str) -> str:
    return hmac.digest(secret.encode(), name.encode(), hashlib.sha256).hex()
