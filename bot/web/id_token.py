"""What an id token says, believed only after every check of OpenID Connect Core 1.0, section 3.1.3.7.

RS256 and ES256 with the provider's published keys, and nothing else: neither `none` nor a secret that everybody knows.
Pure: the keys and the time are given.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from bot.store.oidc import Identity
from bot.store.users import Role

_KINDS: Final = {"RS256": "RSA", "ES256": "EC"}
_RSA_BITS_MIN = 2048
_CLOCKS_APART_S = 60
_LONGEST = 200
_ROLES: Final[tuple[Role, ...]] = ("admin", "finance", "agent")  # of several the one that may most


class TokenRefused(Exception):
    """The token is not to be believed; `why` is one word, fit for a log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class UnknownKey(TokenRefused):
    """No key of this name: the provider may have a new one."""


def read(
    token: str, *, keys: Sequence[Mapping[str, Any]], issuer: str, client_id: str, nonce: str, now: datetime
) -> Mapping[str, Any]:
    """Return the claims of a token that is for us, of now and of this login. Raises TokenRefused."""
    try:
        header = jws.extract_compact(token.encode("utf-8", "replace")).headers()
        algorithm = header.get("alg")
        if algorithm not in _KINDS:
            raise TokenRefused("alg")
        key = _key(keys, algorithm, header.get("kid"))
        claims = jwt.decode(token, key, algorithms=[algorithm]).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("signature") from error
    wrong = _wrong(claims, issuer=issuer, client_id=client_id, nonce=nonce, at=now.timestamp())
    if wrong:
        raise TokenRefused(wrong)
    return claims


def identity_of(claims: Mapping[str, Any], role_claim: str) -> Identity:
    """Return whom the claims speak of. `role_claim`: which of them gives roles; empty: none does. Raises TokenRefused
    for a name that nobody can read."""
    email = claims.get("email")
    called = next((name for key in ("email", "preferred_username", "name") if (name := _name(claims.get(key)))), None)
    if called is None:
        raise TokenRefused("name")
    return Identity(
        issuer=claims["iss"],
        subject=claims["sub"],
        email=_name(email) if claims.get("email_verified") is True else None,
        called=called,
        is_role_given=bool(role_claim),
        role=_role(claims.get(role_claim)) if role_claim else None,
    )


def _key(keys: Sequence[Mapping[str, Any]], algorithm: str, name: Any) -> RSAKey | ECKey:
    """The one key that may have signed: of the algorithm's kind, for signing, of the header's name."""
    fitting = [
        key
        for key in keys
        if key.get("kty") == _KINDS[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (name is None or key.get("kid") == name)
    ]
    if len(fitting) != 1:
        raise UnknownKey("key")
    if algorithm == "ES256":
        return ECKey.import_key(dict(fitting[0]))
    key = RSAKey.import_key(dict(fitting[0]))
    if key.raw_value.key_size < _RSA_BITS_MIN:
        raise TokenRefused("short_key")
    return key


def _wrong(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, at: float) -> str | None:
    """The first claim that is not as it has to be."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    subject = claims.get("sub")
    if claims.get("iss") != issuer:
        return "iss"
    if client_id not in audiences:
        return "aud"
    if claims.get("azp", client_id) != client_id or (len(audiences) > 1 and "azp" not in claims):
        return "azp"
    if not at < _instant(claims.get("exp")) + _CLOCKS_APART_S:
        return "exp"
    if not _instant(claims.get("iat")) - _CLOCKS_APART_S <= at:
        return "iat"
    if claims.get("nonce") != nonce:
        return "nonce"
    if not isinstance(subject, str) or not subject.isascii() or not subject.isprintable() or not 0 < len(subject) < 256:
        return "sub"
    return None


def _instant(value: Any) -> float:
    """Seconds since 1970; what is none compares with nothing."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _name(value: Any) -> str | None:
    name = " ".join(value.split()) if isinstance(value, str) else ""
    return name if name.isprintable() and 0 < len(name) <= _LONGEST else None


def _role(value: Any) -> Role | None:
    given = value if isinstance(value, list) else [value]
    return next((role for role in _ROLES if f"acerto-{role}" in given), None)
