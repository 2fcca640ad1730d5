"""Whether a message template may be sent, by what Meta says of it.

A template that nothing is known of may be sent: Meta itself decides then. Source: Meta, webhooks
`message_template_status_update`, `message_template_quality_update`, `template_category_update`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# Of the words of Meta those that forbid a message, and ours for why.
STOPPED: Mapping[str, str] = {
    "PAUSED": "template_paused",
    "DISABLED": "template_disabled",
    "REJECTED": "template_rejected",
    "PENDING": "template_pending",
    "IN_APPEAL": "template_pending",
    "LIMIT_EXCEEDED": "template_pending",
    "LOCKED": "template_disabled",
    "ARCHIVED": "template_gone",
    "DELETED": "template_gone",
    "PENDING_DELETION": "template_gone",
    "MISSING": "template_gone",
}
# What means that it may be sent again.
_BACK = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED", "UNPAUSE": "APPROVED", "UNPAUSED": "APPROVED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStatus:
    """What Meta said last of one template."""

    name: str
    language: str
    status: str = "APPROVED"
    category: str | None = None
    correct_category: str | None = None
    quality: str | None = None
    reason: str | None = None


def why_stopped(known: TemplateStatus | None) -> str | None:
    """Return why a template may not be sent now; None where it may."""
    return STOPPED.get(known.status) if known is not None else None


def present_status(event: str, title: str | None = None) -> str:
    """Return the status that an event of Meta's leaves a template in."""
    return _BACK.get(title or "", _BACK.get(event, event))
