"""The stand-in of WhatsApp itself: phones write and press, messages arrive on them, ticks are told to the business.

It refuses what Meta refuses (`graph_rules`, `graph_templates`, `graph_limits`, `graph_orders`) and can be told to
behave as Meta does on bad days: statuses late, doubled, out of order, lost, or before the answer to the POST.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import aiohttp

from bot.clock import Clock
from bot.sandbox import graph_webhooks, shown
from bot.sandbox.chats import Account, Bubble, Chat, Chats, digits_of
from bot.sandbox.graph_errors import Refusal, refuse
from bot.sandbox.graph_limits import Gauge, Limits
from bot.sandbox.graph_orders import Orders
from bot.sandbox.graph_pricing import Pricing
from bot.sandbox.graph_rules import check_message
from bot.sandbox.graph_templates import Template, Templates
from bot.sandbox.graph_webhooks import Webhooks
from bot.sandbox.media import Media, Pictures

WINDOW = timedelta(hours=24)
_WORDS = {"off": ("sent",), "on": ("sent", "delivered"), "open": ("sent", "read")}
_TYPING = {"type": "text"}
_RANK = {"": 0, "sent": 1, "delivered": 2, "read": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How statuses come.

    `held` keeps them until the weather is `on_time` again; `early` tells them before the POST is answered.
    """

    statuses: Literal["on_time", "lost", "held"] = "on_time"
    doubled: bool = False
    reversed: bool = False
    early: bool = False


class WhatsApp:
    """One business number and everybody who can write to it."""

    def __init__(
        self,
        clock: Clock,
        session: aiohttp.ClientSession,
        webhooks: Webhooks,
        *,
        chats: Chats,
        display_phone: str,
        limits: Limits | None = None,
        opens_links: bool = True,
    ) -> None:
        self.clock, self.webhooks, self.chats = clock, webhooks, chats
        self.display_phone = display_phone
        self.templates, self.media = Templates(), Media()
        self.orders = Orders(chats.orders)
        self.gauge = Gauge(limits or Limits())
        self.weather = Weather()
        self.pricing = Pricing(clock)
        self._pictures = Pictures(session) if opens_links else None
        self._held: list[tuple[dict[str, Any], bool]] = []

    # What the business sends.

    async def send(self, body: dict[str, Any], *, weather: Weather | None = None) -> dict[str, Any]:
        """Take a message of the business; return Meta's answer. Raises Refused."""
        check_message(body)
        name = digits_of(body["to"]) if "to" in body else body["recipient"]
        if name == self.display_phone:
            raise refuse(131021)
        chat = self.chats.find(name)
        template = self._check_sent(body, chat)
        bubble = self._bubble(body, template)
        weather = weather or self.weather
        if chat is None:
            nobody = Account(name="", wa_id=name if "to" in body else None, user_id=body.get("recipient", ""))
            self.webhooks.later(self._tell_failed(nobody, bubble, Refusal(code=131026)))
            return _accepted(body, nobody, bubble, template)
        chat.typing = False
        self.chats.put(chat, bubble)
        if weather.early:
            await self._carry(chat, bubble, weather)
        else:
            self.webhooks.later(self._carry(chat, bubble, weather))
        return _accepted(body, chat.account, bubble, template)

    def _check_sent(self, body: dict[str, Any], chat: Chat | None) -> Template | None:
        now = self.clock.now()
        template = None
        if body.get("type") == "template":
            template = self.templates.check(body["template"], by_user_id="to" not in body)
        elif chat is not None and not self._window_open(chat, now):
            raise refuse(131047)
        given = body.get(body.get("type", "text"), {})
        if body.get("type") in shown.MEDIA and "id" in given and given["id"] not in self.media:
            raise refuse(131009, f"Media ID {given['id']} does not exist.")
        if chat is not None:
            self.gauge.pair(chat.account.key, now)
        self.orders.accept(body, now)
        return template

    def _window_open(self, chat: Chat, now: datetime) -> bool:
        return self.chats.everybody or (chat.heard_at is not None and now < chat.heard_at + WINDOW)

    def _bubble(self, body: dict[str, Any], template: Template | None) -> Bubble:
        return Bubble(
            wamid=new_wamid(),
            mine=False,
            at=self.clock.now(),
            kind=body.get("type", "text"),
            body=body,
            text=shown.words_of(template, body) if template else "",
            echo=body.get("biz_opaque_callback_data"),
            category=template.category.lower() if template else "service",
        )

    async def _carry(self, chat: Chat, bubble: Bubble, weather: Weather) -> None:
        """Bring a message to its phone, and tell how far it came."""
        link = shown.picture(bubble)
        if link is not None and self._pictures is not None:
            trouble = await self._pictures.trouble_with(link)
            if trouble is not None:
                await self._fail(chat, bubble, Refusal(code=131053, details=trouble))
                return
        # An open chat never says `delivered`.
        await self._advance(chat, bubble, _WORDS[chat.reach], weather)

    async def _advance(self, chat: Chat, bubble: Bubble, words: Sequence[str], weather: Weather) -> None:
        now = self.clock.now()
        pricing = None
        if bubble.status in ("", "sent"):  # the price is told with `sent` and with one of delivered and read
            pricing = self.pricing.of(bubble, window_open=lambda: self._window_open(chat, now))
        values = [graph_webhooks.status(chat.account, bubble, word, now, pricing=pricing) for word in words]
        if _RANK[words[-1]] > _RANK[bubble.status]:
            bubble.status = words[-1]
            self.chats.touch(chat, bubble)
        for value in reversed(values) if weather.reversed else values:
            await self._tell(value, weather)

    async def _tell(self, value: dict[str, Any], weather: Weather) -> None:
        if weather.statuses == "held":
            self._held.append((value, weather.doubled))
        elif weather.statuses == "on_time":
            await self.webhooks.tell(value, twice=weather.doubled)

    async def change_weather(self, weather: Weather) -> None:
        """Behave otherwise from now on. What was held back is told once statuses are `on_time` again."""
        self.weather = weather
        if weather.statuses == "on_time":
            held, self._held = self._held, []
            for value, doubled in reversed(held) if weather.reversed else held:
                await self.webhooks.tell(value, twice=doubled)

    async def _fail(self, chat: Chat, bubble: Bubble, refusal: Refusal) -> None:
        bubble.failed = refusal.code
        self.chats.touch(chat, bubble)
        await self._tell_failed(chat.account, bubble, refusal)

    async def _tell_failed(self, account: Account, bubble: Bubble, refusal: Refusal) -> None:
        now = self.clock.now()
        value = graph_webhooks.status(account, bubble, "failed", now, error=refusal.in_status())
        await self._tell(value, self.weather)

    def mark_read(self, body: dict[str, Any]) -> dict[str, Any]:
        """Mark what the person wrote as read, and show "writing…" if asked to. Raises Refused."""
        wamid = body.get("message_id")
        if type(wamid) is not str or not wamid:
            raise refuse(131008, "The parameter message_id is required.")
        if body.get("status") != "read" or body.get("typing_indicator", _TYPING) != _TYPING:
            raise refuse(100, "Param status must be one of {READ}, and typing_indicator of type text.")
        chat = self.chats.with_message(wamid)
        bubble = chat.of(wamid) if chat is not None else None
        if chat is None or bubble is None or not bubble.mine:
            if self.chats.everybody:
                return {"success": True}
            raise refuse(131009, "message_id does not belong to a message that was received.")
        read = [b for b in chat.bubbles[: chat.bubbles.index(bubble) + 1] if b.mine and b.status != "read"]
        for each in read:
            each.status = "read"
        chat.typing = "typing_indicator" in body
        self.chats.touch(chat, *read)
        return {"success": True}

    # What the person does.

    async def write(self, chat: Chat, body: dict[str, Any]) -> Bubble:
        """Let the person send something (`{"type": "text", "text": {"body": "oi"}}`).

        Returns once the business took it, or would not.
        """
        bubble = Bubble(wamid=new_wamid(), mine=True, at=self.clock.now(), kind=body["type"], body=body)
        chat.heard_at = bubble.at
        self.chats.put(chat, bubble)
        value = graph_webhooks.message(chat.account, bubble, business=self.display_phone)
        if await self.webhooks.tell(value) and bubble.status != "read":
            bubble.status = "delivered"
            self.chats.touch(chat, bubble)
        return bubble

    async def say(self, chat: Chat, words: str) -> Bubble:
        """Let the person write a text."""
        return await self.write(chat, {"type": "text", "text": {"body": words}})

    async def press(self, chat: Chat, wamid: str, choice_id: str) -> Bubble | None:
        """Let the person press a button or row of a message; None where there is no such thing to press."""
        bubble = chat.of(wamid)
        if bubble is None:
            return None
        choice = next((c for c in shown.choices(bubble, self.template_of(bubble)) if c.id == choice_id), None)
        if choice is None:
            return None
        bubble.pressed = choice.id
        self.chats.touch(chat, bubble)
        if choice.kind == "button":
            said: dict[str, Any] = {"type": "button", "button": {"payload": choice.id, "text": choice.title}}
        else:
            reply = {"id": choice.id, "title": choice.title} | ({"description": choice.detail} if choice.detail else {})
            said = {"type": "interactive", "interactive": {"type": choice.kind, choice.kind: reply}}
        return await self.write(chat, {"context": {"id": wamid}, **said})

    async def look(self, chat: Chat) -> None:
        """Let the person open the chat: what was delivered is read now, and what comes is read at once."""
        chat.reach = "open"
        for bubble in _on_their_way(chat, "sent", "delivered"):
            await self._advance(chat, bubble, ["read"], self.weather)

    async def switch(self, chat: Chat, *, on: bool) -> None:
        """Switch the phone on or off, or put it away from this chat. What waited is delivered."""
        chat.reach = "on" if on else "off"
        if on:
            for bubble in _on_their_way(chat, "sent"):
                await self._advance(chat, bubble, ["delivered"], self.weather)

    def template_of(self, bubble: Bubble) -> Template | None:
        """The template that a message was made from, if it was."""
        if bubble.kind != "template":
            return None
        sent = bubble.body["template"]
        return self.templates.known.get((sent["name"], sent["language"]["code"]))

    async def close(self) -> None:
        """Stop telling, and keep what there is."""
        await self.webhooks.close()
        self.chats.save()


def _on_their_way(chat: Chat, *status: str) -> list[Bubble]:
    return [b for b in chat.bubbles if not b.mine and b.status in status and b.failed is None]


def new_wamid() -> str:
    """Return an id such as Meta gives to messages."""
    return "wamid.HBgN" + secrets.token_urlsafe(27)


def _accepted(body: dict[str, Any], account: Account, bubble: Bubble, template: Template | None) -> dict[str, Any]:
    contact = {"input": body.get("to") or body["recipient"]}
    contact |= {"wa_id": account.wa_id or ""} if "to" in body else {"user_id": account.user_id}
    message = {"id": bubble.wamid} | ({"message_status": "accepted"} if template else {})
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}
