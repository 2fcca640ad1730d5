"""What the demo begins with: people who owe something, a policy that finance approved, and one ticket at the desk.

All of it comes in by the ways that a company's would: the import, the submission and approval by two people, and a
customer who writes, says who it is and asks for a person. Done once; a second start finds it there.
"""

from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import structlog

from bot.parts import Parts
from bot.sandbox import shown
from bot.sandbox.chats import Chat
from bot.sandbox.people import FABIO, debts_on
from bot.sandbox.whatsapp import WhatsApp
from bot.store import policies
from bot.store.imports import import_debts
from bot.store.policies import By

SUBMITTED_BY, APPROVED_BY = "Clara (financeiro)", "Otávio (financeiro)"
_ANSWER_S = 20.0
_BUTTON = "Falar com atendente"
log = structlog.get_logger(__name__)


async def open_business(parts: Parts, policy: Path) -> None:
    """Import what people owe and bring the policy in force, unless that was done before."""
    now = parts.clock.now()
    today = now.astimezone(parts.settings.timezone).date()
    async with parts.pool.acquire() as conn:
        if await policies.every(conn, parts.mac_key):
            return
        await import_debts(conn, debts_on(today), now=now)
        clara = By(name=SUBMITTED_BY, at=now, secret=parts.mac_key)
        digest = await policies.submit(conn, policy.read_bytes(), file=policy.name, by=clara)
        await policies.approve(conn, digest, by=replace(clara, name=APPROVED_BY), today=today)


async def ask_for_a_person(whatsapp: WhatsApp) -> None:
    """Let one customer write, identify and ask for an agent, each once the bot has answered."""
    chat = whatsapp.chats.add(FABIO.account)
    if chat.bubbles:
        return
    try:
        for words in ("oi", FABIO.document[:3]):
            await _answered(whatsapp, chat, whatsapp.say(chat, words))
        await whatsapp.chats.wait_for(lambda: _choice(chat) is not None, at_most_s=_ANSWER_S)
        found = _choice(chat)
        assert found is not None
        await _answered(whatsapp, chat, whatsapp.press(chat, *found))
    except TimeoutError:
        log.warning("demo.customer_not_answered")


async def _answered(whatsapp: WhatsApp, chat: Chat, doing: Awaitable[object]) -> None:
    before = _heard(chat)
    await doing
    await whatsapp.chats.wait_for(lambda: _heard(chat) > before, at_most_s=_ANSWER_S)


def _heard(chat: Chat) -> int:
    return sum(not bubble.mine for bubble in chat.bubbles)


def _choice(chat: Chat) -> tuple[str, str] | None:
    """The newest message with the button that asks for a person, and the button's id."""
    for bubble in reversed(chat.bubbles):
        for choice in shown.choices(bubble):
            if choice.title == _BUTTON:
                return bubble.wamid, choice.id
    return None
