"""Before the first customer comes: what is read at its first use is read now, so that nobody waits for it."""

from bot.engine.parts import Parts
from flows.understanding import understand


def rehearse(parts: Parts) -> None:
    """Read the phrases and the rules of writing numbers and days, which takes a few tenths of a second."""
    today = parts.clock.now().astimezone(parts.settings.timezone).date()
    understand("oi", today=today)
    parts.texts.money(1)
    parts.texts.day(today)
