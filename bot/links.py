"""The addresses that go into messages, and the tokens in them that nobody can guess."""

import base64
import hashlib
import hmac

from bot.settings import Settings


def pay_token(key: bytes, *, conversation_id: int, charge_no: int) -> str:
    """Return the token of a charge's payment page and picture: 130 bits, the same for the same charge, no personal
    data."""
    return _token(key, f"pay:{conversation_id}:{charge_no}")


def paper_token(key: bytes, name: str) -> str:
    """Return the token of a paper, by the name that is its alone: 130 bits, no personal data."""
    return _token(key, f"paper:{name}")


def pay_url(settings: Settings, token: str) -> str:
    """Return the address of the payment page."""
    return f"{settings.public_url}/pay/{token}"


def qr_url(settings: Settings, token: str) -> str:
    """Return the address of the QR picture: one per charge, since WhatsApp caches pictures by address."""
    return f"{settings.public_url}/qr/{token}.png"


def paper_url(settings: Settings, token: str, ending: str) -> str:
    """Return the address of a paper; `ending` is pdf or ics."""
    return f"{settings.public_url}/paper/{token}.{ending}"


def _token(key: bytes, name: str) -> str:
    mac = hmac.digest(key, name.encode(), hashlib.sha256)
    return base64.b32encode(mac).decode("ascii").lower()[:26]
