"""The second factor: codes of an app on the person's phone (TOTP, RFC 6238), six digits, thirty seconds.

The secret is kept encrypted (JWE, AES-256-GCM) with a key derived from the installation's secret.
"""

import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_STEP_S = 30
_AROUND = (0, -1, 1)  # clocks of phones are a little off
_RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


def new_secret() -> str:
    """Return a secret in base 32, as apps take it."""
    return pyotp.random_base32()


def address_of(secret: str, *, name: str, company: str) -> str:
    """Return what the app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=company or "Acerto")


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the step of thirty seconds whose code this is; None: of none around now."""
    digits = "".join(code.split())
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    current = int(now.timestamp()) // _STEP_S
    totp = pyotp.TOTP(secret)
    return next((current + d for d in _AROUND if hmac.compare_digest(totp.generate_otp(current + d), digits)), None)


def hidden(secret: str, key: bytes) -> str:
    """Return the secret as it is kept."""
    return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, secret, _key(key))


def shown(kept: str, key: bytes) -> str | None:
    """Return the secret again; None where it was kept under another key."""
    try:
        return (jwe.decrypt_compact(kept, _key(key)).plaintext or b"").decode("ascii")
    except (JoseError, ValueError):
        return None


def recovery_codes() -> list[str]:
    """Return new codes for who loses the phone."""
    return [random_code(10) for _ in range(_RECOVERY_CODES)]


def random_code(length: int) -> str:
    """Return a code that can be read aloud, in groups of five."""
    letters = [secrets.choice(_ALPHABET) for _ in range(length)]
    return "-".join("".join(letters[at : at + 5]) for at in range(0, length, 5))


def _key(secret: bytes) -> OctKey:
    return OctKey.import_key(hmac.digest(secret, b"second factor, format 1", hashlib.sha256))
