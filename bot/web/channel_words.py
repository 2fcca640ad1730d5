"""The channel in words: what WhatsApp has told of the number, why it stopped us, and what was done with the switch."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from babel.numbers import format_decimal

from bot.store.channel import ChannelEvent, ChannelState
from bot.web.rendering import plain, say
from flows.wording import Texts

Row: TypeAlias = tuple[str, str]
"""What is said of what."""

_QUALITY = {"GREEN": "good", "RED": "low: many people block or report us"}
# Meta, "Error codes" and the webhook `account_update`. A word that is new here is shown as WhatsApp says it.
_RESTRICTIONS = {
    "131048": "too many people blocked or reported us",
    "131064": "templates were filed under the wrong category",
    "131042": "the account has no valid way of paying WhatsApp",
    "368": "the account broke a rule of WhatsApp",
    "131031": "the account is locked",
    "130497": "the account may not write to this country",
    "DISABLE": "the account was disabled",
    "ACCOUNT_DELETED": "the account was deleted",
}
_KINDS = {
    "paused": "paused",
    "resumed": "resumed",
    "restricted": "stopped by WhatsApp",
    "freed": "released by WhatsApp",
    "limit": "new daily limit",
    "quality": "new quality of the number",
    "news": "warning of WhatsApp",
}


def told(state: ChannelState, texts: Texts) -> list[Row]:
    """Return what WhatsApp has told of the number."""
    quality = _QUALITY.get(state.quality or "", "not told yet")
    return [(texts("Quality of the number"), texts(quality)), (texts("New people a day"), _limit(state, texts))]


def restriction(code: str, texts: Texts) -> str:
    """Return why WhatsApp stopped us, with its own word."""
    return f"{texts(_RESTRICTIONS[code])} ({code})" if code in _RESTRICTIONS else plain(code)


def history(events: list[ChannelEvent], texts: Texts, on: Callable[[datetime], str]) -> list[tuple[str, str, str]]:
    """Return what happened, each with when and by whom."""
    return [(on(event.at), _happened(event, texts), plain(event.by)) for event in events]


def _happened(event: ChannelEvent, texts: Texts) -> str:
    about = event.about or ""
    if event.kind == "quality":
        about = texts(_QUALITY.get(about, "not told yet"))
    elif event.kind in ("restricted", "news"):
        about = restriction(about, texts)
    elif event.kind == "limit":
        about = _people(int(about), texts) if about.isdecimal() else about
    what = texts(_KINDS[event.kind])
    return f"{what}: {plain(about)}" if about else what


def _limit(state: ChannelState, texts: Texts) -> str:
    return texts("not told yet") if state.daily_limit is None else _people(state.daily_limit, texts)


def _people(limit: int, texts: Texts) -> str:
    """Words for a daily limit; 0 is none."""
    return (
        say(texts, "at most {count}", count=format_decimal(limit, locale=texts.locale)) if limit else texts("no limit")
    )
