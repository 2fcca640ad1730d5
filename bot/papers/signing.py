"""The installation's signature over digests: made with its secret, checked by anybody with the public half.

Ed25519 (RFC 8032) as a compact JWS (RFC 7515); the key is derived from the secret by HKDF (RFC 5869), so that nothing
else has to be kept.
"""

from functools import lru_cache
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

_ALGORITHM: Final = "Ed25519"
_DERIVED = {"salt": b"acerto", "info": b"case files, format 1"}


def sign(digest: str, secret: bytes) -> str:
    """Return the signature of a digest (hexadecimal)."""
    return jws.serialize_compact({"alg": _ALGORITHM}, digest.encode("ascii"), _key(secret), algorithms=[_ALGORITHM])


def is_signed(digest: str, signature: str, key: str) -> bool:
    """Return whether whoever holds the secret of the public `key` signed the digest. Never raises."""
    try:
        public = OKPKey.import_key({"kty": "OKP", "crv": _ALGORITHM, "x": key})
        signed = jws.deserialize_compact(signature, public, algorithms=[_ALGORITHM])
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):  # headers are anybody's JSON
        return False
    return bytes(signed.payload) == digest.encode("ascii", "replace")


@lru_cache(maxsize=8)
def public_key(secret: bytes) -> str:
    """Return the public half, base64url without padding."""
    return str(_key(secret).as_dict(private=False)["x"])


@lru_cache(maxsize=8)
def _key(secret: bytes) -> OKPKey:
    return OKPKey.derive_key(secret, _ALGORITHM, kdf_options=dict(_DERIVED))
