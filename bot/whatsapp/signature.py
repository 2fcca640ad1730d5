"""Whether a webhook's body was signed by WhatsApp: HMAC-SHA256 of the raw bytes with the app secret.

The raw bytes, never a body that was parsed and written again: Meta signs non-ASCII as escapes, and the first "José"
would fail. Source: Meta, Webhooks, "Validating payloads".
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

_HEADER = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)


def signature_is_valid(raw: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Return whether `header` (`X-Hub-Signature-256`) signs `raw` with one of the secrets.

    There are two while one replaces the other. An empty secret signs nothing, and anything but `sha256=` with 64
    lower-case hex digits is no signature.
    """
    if header is None or not _HEADER.fullmatch(header):
        return False
    valid = False
    for secret in secrets:
        if secret:
            valid |= hmac.compare_digest(sign(raw, secret), header)  # every secret is tried: time does not tell which
    return valid


def sign(raw: bytes, secret: bytes) -> str:
    """Return the header that WhatsApp would send with `raw`."""
    return "sha256=" + hmac.digest(secret, raw, hashlib.sha256).hex()
