"""WhatsApp's end for fault tests: a real server that answers late, echoes statuses doubled and out of order, and
remembers every POST."""

import asyncio
import random
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from bot.whatsapp.signature import sign


class FarEnd:
    """Remembers what was posted, by outbox row (from the echoed opaque text) and by person."""

    def __init__(self, *, seed: int, secret: str, phone_number_id: str, reminder: str) -> None:
        self._random = random.Random(seed)  # a seeded storm, no secret
        self._reminder = reminder
        self._secret, self._phone_number_id = secret.encode(), phone_number_id
        self.posts: dict[int, list[int]] = defaultdict(list)  # outbox id → positions in the order of arrival
        self.order: dict[str, list[int]] = defaultdict(list)  # person → outbox ids
        self.count = 0
        self.reminders = 0
        self.webhooks: list[str] = []  # where statuses go
        self.echoes: asyncio.Queue[bytes] = asyncio.Queue()
        self.echoes_to_come = 0  # not taken in yet, those on their way included

    async def messages(self, request: web.Request) -> web.Response:
        """Accept one message, a little late."""
        body = await request.json()
        outbox_id = int(body["biz_opaque_callback_data"].split(".")[1])
        self.count += 1
        self.posts[outbox_id].append(self.count)
        wamid = f"wamid.OUT{self.count}"
        is_reminder = self._is_reminder(body)
        self.reminders += is_reminder
        await self._latency(is_reminder)
        self.order[body["to"]].append(outbox_id)  # as the person gets them: of two posts in flight either may be first
        if not is_reminder:  # of reminders no status ever comes
            self._echo(wamid, body)
        await self._latency(is_reminder)  # the answer may come after the echo, or after the one who asked is dead
        return web.json_response({"messaging_product": "whatsapp", "contacts": [], "messages": [{"id": wamid}]})

    async def _latency(self, is_reminder: bool) -> None:
        """The network: where kills find a post in flight."""
        await asyncio.sleep(self._random.random() * (0.15 if is_reminder else 0.015))

    def _is_reminder(self, body: dict[str, Any]) -> bool:
        return self._reminder in str(body.get("interactive", {}).get("body", {}).get("text", ""))

    def _echo(self, wamid: str, body: dict[str, Any]) -> None:
        statuses = ["sent", "delivered"] if self._random.random() < 0.5 else ["delivered", "sent"]
        if self._random.random() < 0.1:
            statuses.append(statuses[0])
        for status in statuses:
            value: dict[str, object] = {
                "messaging_product": "whatsapp",
                "metadata": {"display_phone_number": "15550783881", "phone_number_id": self._phone_number_id},
                "statuses": [
                    {
                        "id": wamid,
                        "status": status,
                        "timestamp": str(int(datetime.now(UTC).timestamp())),
                        "recipient_id": body["to"].lstrip("+"),
                        "biz_opaque_callback_data": body["biz_opaque_callback_data"],
                    }
                ],
            }
            self.echoes_to_come += 1
            self.echoes.put_nowait(envelope(value))

    async def send_echoes(self) -> None:
        """Deliver statuses until cancelled."""
        async with aiohttp.ClientSession() as session:
            while True:
                await deliver(session, self.webhooks, await self.echoes.get(), self._secret, self._random)
                self.echoes_to_come -= 1

    def app(self) -> web.Application:
        """Return the server."""
        app = web.Application()
        app.add_routes([web.post("/v24.0/{phone}/messages", self.messages)])
        return app


def envelope(value: dict[str, object]) -> bytes:
    """Return a webhook body with one change."""
    return msgspec.json.encode(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
        }
    )


async def deliver(
    session: aiohttp.ClientSession, webhooks: list[str], body: bytes, secret: bytes, chance: random.Random
) -> None:
    """POST a webhook like Meta: again and again, to whichever process answers, until one says 200."""
    headers = {"X-Hub-Signature-256": sign(body, secret), "Content-Type": "application/json"}
    while True:
        try:
            async with session.post(
                chance.choice(webhooks), data=body, headers=headers, timeout=aiohttp.ClientTimeout(total=5)
            ) as answer:
                if answer.status == 200:
                    return
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(0.02)  # Meta's pause between tries, shortened
