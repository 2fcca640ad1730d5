"""What we ask WhatsApp to echo with every status: the outbox row and the attempt, with a MAC, and nothing about a
person."""

import hashlib
import hmac

_PREFIX = "a1"


def opaque(key: bytes, *, outbox_id: int, attempt: int) -> str:
    """Return the text for `biz_opaque_callback_data` (512 characters at most; ours has some 50)."""
    return f"{_PREFIX}.{outbox_id}.{attempt}.{_mac(key, outbox_id, attempt)}"


def outbox_id_of(key: bytes, text: str | None) -> int | None:
    """Return the outbox row that an echo speaks of; None where there is no echo or it is not ours."""
    match (text or "").split("."):
        case [prefix, row, attempt, mac] if prefix == _PREFIX and _is_number(row) and _is_number(attempt):
            right = _mac(key, int(row), int(attempt))
            return int(row) if hmac.compare_digest(mac.encode("utf-8", "replace"), right.encode()) else None
        case _:
            return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _mac(key: bytes, outbox_id: int, attempt: int) -> str:
    return hmac.digest(key, f"opaque:{outbox_id}:{attempt}".encode(), hashlib.sha256).hex()[:32]
