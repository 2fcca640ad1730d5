"""Whether a template still fits when it is filled with the longest name and description on record: told before a
campaign, not by Meta's refusal (132005)."""

from collections.abc import Mapping

from bot.whatsapp.limits import length
from bot.whatsapp.templates import MessageTemplate

_BODY = 1024


def longest_filled(template: MessageTemplate, longest: Mapping[str, str]) -> str | None:
    """Return what does not fit when each parameter has the longest value on record (at least its example)."""
    values = {
        name: max(longest.get(name, ""), template.examples.get(name, ""), key=length) for name in template.parameters
    }
    characters = length(template.said(values))
    return f"filled it has {characters} characters, {_BODY} at most" if characters > _BODY else None
