"""What the stand-in tells the program: signed webhooks, repeated until they are answered 200.

Bodies are written as Meta writes them: non-ASCII as lower-case escapes, ids and timestamps as strings, and signed over
exactly those bytes. Source: Meta, "Webhooks". Meta repeats for days; the stand-in gives up after some tries and says so
in `given_up`.
"""

import asyncio
import json
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

import aiohttp
import structlog

from bot.sandbox.chats import Account, Bubble
from bot.whatsapp.signature import sign

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_PAUSES_S = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)
log = structlog.get_logger(__name__)


class Webhooks:
    """The one subscriber: where it listens and how its calls are signed."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        callback: str,
        app_secret: str,
        waba_id: str,
        phone_number_id: str,
        display_phone: str,
    ) -> None:
        self.callback = callback
        self._session, self._secret, self._waba_id = session, app_secret.encode(), waba_id
        self._metadata = {"display_phone_number": display_phone, "phone_number_id": phone_number_id}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.given_up = 0

    async def tell(self, value: dict[str, Any], *, field: str = "messages", twice: bool = False) -> bool:
        """Call the program with one change; return whether it took it."""
        if field == "messages":
            value = {"messaging_product": "whatsapp", "metadata": self._metadata, **value}
        change = {"value": value, "field": field}
        body = {"object": "whatsapp_business_account", "entry": [{"id": self._waba_id, "changes": [change]}]}
        raw = json.dumps(body, separators=(",", ":")).encode("ascii")  # what is not ASCII becomes \u00e1
        taken = await self.deliver(raw)
        return await self.deliver(raw) if twice and taken else taken

    async def deliver(self, raw: bytes) -> bool:
        """Send signed bytes, again and again for a while until the answer is 200."""
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(raw, self._secret)}
        for pause_s in (*_PAUSES_S, None):
            reason: int | str
            try:
                async with self._session.post(self.callback, data=raw, headers=headers, timeout=_TIMEOUT) as response:
                    if response.status == 200:
                        return True
                    reason = response.status
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = type(error).__name__
            log.warning("sandbox.webhook_not_taken", reason=reason, again=pause_s is not None)
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        self.given_up += 1
        return False

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something without anybody waiting for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._tasks

    async def finished(self) -> None:
        """Return once everything that was begun has been told."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """Stop telling."""
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def contact(account: Account) -> dict[str, Any]:
    """The person as `contacts` has it."""
    profile = {"name": account.name} | ({"username": account.username} if account.username else {})
    return {"profile": profile} | ({"wa_id": account.wa_id} if account.wa_id else {}) | {"user_id": account.user_id}


def message(account: Account, bubble: Bubble, *, business: str) -> dict[str, Any]:
    """A message of the person, as the change's value."""
    given = dict(bubble.body)
    if "context" in given:
        given["context"] = {"from": business, **given["context"]}
    sender = {"from": account.wa_id} if account.wa_id else {}
    return {
        "contacts": [contact(account)],
        "messages": [
            {
                **sender,
                "from_user_id": account.user_id,
                "id": bubble.wamid,
                "timestamp": str(int(bubble.at.timestamp())),
                **given,
            }
        ],
    }


def status(
    account: Account,
    bubble: Bubble,
    word: str,
    at: datetime,
    *,
    pricing: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What became of a message of the business, as the change's value."""
    told: dict[str, Any] = {"id": bubble.wamid, "status": word, "timestamp": str(int(at.timestamp()))}
    if account.wa_id:
        told["recipient_id"] = account.wa_id
    told["recipient_user_id"] = account.user_id
    if pricing is not None:
        told["pricing"] = pricing
    if error is not None:
        told["errors"] = [error]
    if bubble.echo is not None:
        told["biz_opaque_callback_data"] = bubble.echo
    return {"statuses": [told]} if error is not None else {"contacts": [contact(account)], "statuses": [told]}
