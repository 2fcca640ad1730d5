"""A debtor's phone in a test: writes, presses and reads over real HTTP, and waits until the program is done with it."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.sandbox import shown
from bot.sandbox.chats import Account, Bubble, Chat
from bot.sandbox.whatsapp import WhatsApp

_ZONE = ZoneInfo("America/Sao_Paulo")
_LINK = re.compile(r"https?://\S+")
_LATER = timedelta(hours=1)


class Phone:
    """The phone of one person."""

    def __init__(self, whatsapp: WhatsApp, account: Account, settled: Callable[[], Awaitable[None]]) -> None:
        self.whatsapp, self.settled = whatsapp, settled
        self.chat: Chat = whatsapp.chats.add(account)

    async def says(self, *words: str) -> None:
        """Write messages, one after another, each once the bot has finished with the one before."""
        for each in words:
            await self.whatsapp.say(self.chat, each)
            await self.settled()

    async def taps(self, *titles: str) -> None:
        """Press buttons or rows by what stands on them, each on the newest message that has it."""
        for title in titles:
            bubble, choice_id = self._find(title)
            await self.whatsapp.press(self.chat, bubble.wamid, choice_id)
            await self.settled()

    async def sends(self, kind: str, caption: str = "") -> None:
        """Send a file: image, audio, document, video or sticker."""
        file = self.whatsapp.media.add(b"content", "application/octet-stream")
        media = {"id": file.id, "mime_type": file.mime_type, "sha256": file.sha256}
        await self.whatsapp.write(self.chat, {"type": kind, kind: media | ({"caption": caption} if caption else {})})
        await self.settled()

    @property
    def heard(self) -> list[str]:
        """The words of everything that came, oldest first."""
        return [shown.text(bubble) for bubble in self.chat.bubbles if not bubble.mine]

    @property
    def last(self) -> str:
        """The words of the newest message that came."""
        return self.heard[-1]

    def choices(self) -> list[str]:
        """What can be pressed on the newest message that has something to press."""
        for bubble in reversed(self.chat.bubbles):
            found = shown.choices(bubble, self.whatsapp.template_of(bubble))
            if found:
                return [choice.title for choice in found]
        return []

    def pix_code(self) -> str:
        """The newest Pix code that came."""
        codes = [code for bubble in self.chat.bubbles if (code := shown.pix_code(bubble)) is not None]
        assert codes, f"no Pix code came:\n{self.transcript()}"
        return codes[-1]

    def link(self) -> str:
        """The newest address that came."""
        for bubble in reversed(self.chat.bubbles):
            link = shown.view(bubble, None, {})["link"]
            if link:
                return str(link["url"])
        raise AssertionError(f"no link came:\n{self.transcript()}")

    def transcript(self) -> str:
        """The chat as a text to be read and reviewed; codes and addresses, which change, only by their names."""
        lines: list[str] = []
        before: datetime | None = None
        for bubble in self.chat.bubbles:
            if before is not None and bubble.at - before >= _LATER:
                lines.append(f"— {bubble.at.astimezone(_ZONE):%d/%m/%Y %H:%M} —")
            before = bubble.at
            lines += self._person(bubble) if bubble.mine else self._business(bubble)
        return "\n".join(lines) + "\n"

    def _person(self, bubble: Bubble) -> list[str]:
        words = shown.text(bubble)
        if bubble.kind in ("interactive", "button"):
            return [f"> [{words}]"]
        return [f"> {words}" if bubble.kind == "text" else f"> ({bubble.kind}) {words}".rstrip()]

    def _business(self, bubble: Bubble) -> list[str]:
        seen = shown.view(bubble, self.whatsapp.template_of(bubble), self.whatsapp.orders.cards)
        lines = ["(imagem)"] if seen["picture"] else []
        code = bubble.kind == "text" and seen["code"]
        lines += ["(código Pix)"] if code else _LINK.sub("(endereço)", seen["text"]).split("\n")
        lines += [f"(cartão: {seen['card']['total_cents']} centavos)"] if seen["card"] else []
        lines += [f"({seen['footer']})"] if seen["footer"] else []
        if seen["list_button"]:
            lines.append(f"[{seen['list_button']}]")
            lines += [f"  · {c['title']}" + (f": {c['detail']}" if c["detail"] else "") for c in seen["choices"]]
        elif seen["choices"]:
            lines.append(" ".join(f"[{choice['title']}]" for choice in seen["choices"]))
        lines += [f"[{seen['link']['title']}](endereço)"] if seen["link"] else []
        lines += [f"(documento: {seen['document']['name']})"] if seen["document"] else []
        if bubble.failed:
            lines.append(f"(não entregue: {bubble.failed})")
        return ["  " + line if line else "" for line in lines]

    def _find(self, title: str) -> tuple[Bubble, str]:
        for bubble in reversed(self.chat.bubbles):
            for choice in shown.choices(bubble, self.whatsapp.template_of(bubble)):
                if choice.title == title:
                    return bubble, choice.id
        raise AssertionError(f"nothing to press says {title!r}:\n{self.transcript()}")
