"""The refusals of the stand-in Graph API: the bodies that Meta answers with, by their code.

Source: Meta, "Error codes" of the Cloud API. `code` is what a client decides on; the HTTP status is only a hint.
"""

from dataclasses import dataclass, replace
from typing import Any

_TITLES = {
    0: (401, "Error validating access token"),
    1: (400, "An unknown error occurred"),
    2: (503, "Service temporarily unavailable"),
    4: (400, "Application request limit reached"),
    10: (403, "Application does not have permission for this action"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token - Cannot parse access token"),
    200: (403, "Provide valid app ID"),
    368: (403, "Temporarily blocked for policies violations"),
    2040: (400, "Order message is not supported for this recipient"),
    2046: (400, "Invalid status transition"),
    2047: (400, "Cannot cancel order"),
    80007: (400, "There have been too many calls to this WhatsApp Business account. Wait a bit and try again."),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Business Account locked"),
    131042: (400, "Business eligibility payment issue"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement."),
    131050: (400, "User has stopped marketing messages"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "BSUID recipient is not supported"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Template hydrated text too long"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "Template parameter validation failed"),
    133010: (400, "Phone number not registered"),
    134011: (400, "WhatsApp Payments terms of service has not been accepted"),
}
_PLAIN = {0, 1, 2, 190}  # these are told without "(#code)"
_DETAILS = {
    130429: "Cloud API message throughput has been reached.",
    131026: "Message Undeliverable.",
    131047: "Message failed to send because more than 24 hours have passed since the customer last replied "
    "to this number.",
    131056: "Message failed to send because there were too many messages sent from this phone number to the same "
    "phone number in a short period of time.",
    131062: "Business-scoped User ID (BSUID) recipients are not supported for this message.",
    132015: "Template is paused due to low quality so it cannot be sent in a template message.",
}
_REFERENCE = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refusal of Meta's."""

    code: int
    details: str | None = None
    subcode: int | None = None

    @property
    def http_status(self) -> int:
        """The status that goes with the code."""
        return _TITLES.get(self.code, (400, ""))[0]

    def told(self, details: str) -> "Refusal":
        """The same with other details."""
        return replace(self, details=details)

    def body(self) -> dict[str, Any]:
        """The body of the answer to a call."""
        title = _TITLES.get(self.code, (400, "Unknown error"))[1]
        error: dict[str, Any] = {
            "message": title if self.code in _PLAIN else f"(#{self.code}) {title}",
            "type": "OAuthException",
            "code": self.code,
        }
        details = self.details or _DETAILS.get(self.code)
        if details is not None:
            error["error_data"] = {"messaging_product": "whatsapp", "details": details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.code in (1, 2, 4):
            error["is_transient"] = True
        error["fbtrace_id"] = "ASandboxTraceOfNobody01"
        return {"error": error}

    def in_status(self) -> dict[str, Any]:
        """The error as it stands in a status `failed`."""
        title = _TITLES.get(self.code, (400, "Unknown error"))[1]
        data = {"details": self.details or _DETAILS.get(self.code, title)}
        return {"code": self.code, "title": title, "message": title, "error_data": data, "href": _REFERENCE}


class Refused(Exception):
    """Raised by whatever checks a call; carries what is answered."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.code))
        self.refusal = refusal


def refuse(code: int, details: str | None = None, *, subcode: int | None = None) -> Refused:
    """Return the exception to raise."""
    return Refused(Refusal(code=code, details=details, subcode=subcode))
