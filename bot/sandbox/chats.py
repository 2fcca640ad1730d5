"""The chats of the stand-in: who is on WhatsApp, and every message in both directions, as the phones show them.

Kept in memory, bounded, and in a file where one is given, so that a demo goes on where it stopped. Whoever waits for a
state waits on `wait_for`, never for seconds.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

_BUBBLES_MAX = 400
_OLD_MOBILE = re.compile(r"(55[1-9][1-9])9([6-9]\d{7})", re.ASCII)
Reach = Literal["on", "open", "off"]  # the phone is on, shows this very chat, or is switched off


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody on WhatsApp.

    `wa_id` is what WhatsApp calls the phone (perhaps without the ninth digit); None: the number is hidden.
    """

    name: str
    wa_id: str | None
    user_id: str
    username: str | None = None

    @property
    def key(self) -> str:
        """What the person's chat is kept under."""
        return self.wa_id or self.user_id


@dataclass(slots=True, kw_only=True)
class Bubble:
    """One message of a chat. `body` is Meta's own JSON; `status` is what the ticks show."""

    wamid: str
    mine: bool  # written by the person who holds this phone
    at: datetime
    kind: str
    body: dict[str, Any]
    text: str = ""  # a template's text with its values in place
    status: str = ""
    failed: int | None = None
    pressed: str | None = None  # the id of the button or row that was taken
    echo: str | None = None  # biz_opaque_callback_data
    category: str = "service"
    pricing_type: str | None = None  # once WhatsApp has priced it
    revision: int = 0


@dataclass(slots=True, kw_only=True)
class Chat:
    """One person's chat with the business."""

    account: Account
    bubbles: list[Bubble] = field(default_factory=list)
    reach: Reach = "on"
    heard_at: datetime | None = None  # when the person last wrote: the 24-hour window
    typing: bool = False  # "writing…" is shown
    revision: int = 0

    def of(self, wamid: str) -> Bubble | None:
        """The message of that id."""
        return next((b for b in reversed(self.bubbles) if b.wamid == wamid), None)

    @property
    def last(self) -> Bubble | None:
        """The newest message."""
        return self.bubbles[-1] if self.bubbles else None


class Chats:
    """All chats, found by whatever a phone number may look like."""

    def __init__(self, *, file: Path | None = None, everybody: bool = False) -> None:
        self._chats: dict[str, Chat] = {}
        self._names: dict[str, str] = {}  # every form of a phone, and the user id → key
        self._by_wamid: dict[str, str] = {}
        self.everybody = everybody  # any number is on WhatsApp and has just written: for measurements
        self._file = file
        self._waiting: list[asyncio.Future[None]] = []
        self.revision = 0
        self.orders: dict[str, dict[str, str]] = {}
        if file is not None and file.exists():
            self._read(json.loads(file.read_text(encoding="utf-8")))

    def __iter__(self) -> Iterator[Chat]:
        return iter(self._chats.values())

    def add(self, account: Account) -> Chat:
        """Give somebody a WhatsApp; who has one keeps its chat."""
        chat = self._chats.setdefault(account.key, Chat(account=account))
        self._names[account.user_id] = account.key
        if account.wa_id is not None:
            for form in _forms(account.wa_id):
                self._names.setdefault(form, account.key)
        return chat

    def find(self, name: str) -> Chat | None:
        """Return the chat behind a phone number (digits, with or without the ninth) or a user id."""
        key = self._names.get(name)
        if key is None and self.everybody and name.isdigit():
            return self.add(Account(name="Pessoa", wa_id=name, user_id=f"BR.{name}"))
        return self._chats[key] if key is not None else None

    def with_message(self, wamid: str) -> Chat | None:
        """Return the chat that a message stands in."""
        key = self._by_wamid.get(wamid)
        return self._chats[key] if key is not None else None

    def put(self, chat: Chat, bubble: Bubble) -> None:
        """Append a message."""
        chat.bubbles.append(bubble)
        self._by_wamid[bubble.wamid] = chat.account.key
        if len(chat.bubbles) > _BUBBLES_MAX:
            del self._by_wamid[chat.bubbles.pop(0).wamid]
        self.touch(chat, bubble)

    def touch(self, chat: Chat, *bubbles: Bubble) -> None:
        """Something about these messages changed: tell whoever waits."""
        self.revision += 1
        chat.revision = self.revision
        for bubble in bubbles:
            bubble.revision = self.revision
        self._tell()

    def wake(self) -> None:
        """Let whoever waits look again, though no message changed."""
        self.revision += 1
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait_for(self, condition: Callable[[], bool], *, at_most_s: float = 10.0) -> None:
        """Return as soon as `condition()` holds. Raises TimeoutError."""
        async with asyncio.timeout(at_most_s):
            while not condition():
                await self._change()

    async def changed_since(self, revision: int) -> None:
        """Return once something is newer than `revision`."""
        while self.revision <= revision:
            await self._change()

    async def _change(self) -> None:
        change = asyncio.get_running_loop().create_future()
        self._waiting.append(change)
        await change

    def save(self) -> None:
        """Write everything to the file, if there is one."""
        if self._file is None:
            return
        kept = {
            "revision": self.revision,
            "orders": self.orders,
            "chats": [asdict(chat) for chat in self._chats.values()],
        }
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(kept, default=datetime.isoformat), encoding="utf-8")
        draft.replace(self._file)

    def _read(self, kept: dict[str, Any]) -> None:
        self.revision, self.orders = kept["revision"], kept["orders"]
        for given in kept["chats"]:
            chat = self.add(Account(**given["account"]))
            chat.revision = given["revision"]
            chat.heard_at = datetime.fromisoformat(given["heard_at"]) if given["heard_at"] else None
            chat.bubbles = [Bubble(**{**b, "at": datetime.fromisoformat(b["at"])}) for b in given["bubbles"]]
            self._by_wamid.update((b.wamid, chat.account.key) for b in chat.bubbles)


def digits_of(phone: str, *, country: str = "55") -> str:
    """Return the digits that Meta makes of `to`.

    Without a plus the business's country code is put in front, and the message goes astray.
    """
    digits = re.sub(r"\D", "", phone)
    return digits if phone.strip().startswith("+") else country + digits


def _forms(wa_id: str) -> tuple[str, ...]:
    """A Brazilian mobile number with and without its ninth digit; any other number as it is."""
    old = _OLD_MOBILE.fullmatch(wa_id)
    if old:
        return wa_id, old[1] + old[2]
    short = re.fullmatch(r"(55[1-9][1-9])([6-9]\d{7})", wa_id, re.ASCII)
    return (wa_id, f"{short[1]}9{short[2]}") if short else (wa_id,)
