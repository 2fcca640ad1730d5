"""A case as the bytes that leave the house: canonical JSON with its digest, and a signature that strangers can check.

The signature over the digest is the installation's (`bot.papers.signing`): one key for every case.
"""

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.papers import signing
from bot.papers.case_contents import CaseFile
from bot.papers.signing import public_key
from flows.canonical import canonical, digest_of

_BYTES_MAX = 32 * 1024 * 1024


class NoCase(Exception):
    """The bytes are no case file; the message says what is wrong with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A file as it was read: the case as values and as plain JSON, and what stands beside it. `is_canonical`: written
    again it is the very same bytes."""

    case: CaseFile
    plain: dict[str, Any]
    digest: str
    key: str
    signature: str
    is_canonical: bool

    @property
    def has_digest(self) -> bool:
        """Whether the digest is that of the case."""
        return digest_of(self.plain) == self.digest

    @property
    def is_signed(self) -> bool:
        """Whether whoever holds the secret of `key` signed the digest."""
        return signing.is_signed(self.digest, self.signature, self.key)


def written(case: CaseFile, secret: bytes) -> bytes:
    """Return the file: the same bytes for the same case and secret."""
    plain = msgspec.to_builtins(case)
    digest = digest_of(plain)
    signature = signing.sign(digest, secret)
    return _bytes({"case": plain, "key": public_key(secret), "sha256": digest, "signature": signature})


def read(file: bytes) -> Envelope:
    """Read a file. Raises NoCase."""
    if len(file) > _BYTES_MAX:
        raise NoCase("It is longer than any case file.")
    try:
        plain = json.loads(file)
        case = msgspec.convert(plain["case"], CaseFile)
        beside = {name: msgspec.convert(plain[name], str) for name in ("sha256", "key", "signature")}
        same = _bytes(plain) == file
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        why = str(error) if isinstance(error, msgspec.ValidationError) else "It is no JSON of a case."
        raise NoCase(why) from None
    return Envelope(
        case=case,
        plain=plain["case"],
        digest=beside["sha256"],
        key=beside["key"],
        signature=beside["signature"],
        is_canonical=same,
    )


def digest_of_case(case: CaseFile) -> str:
    """Return the digest that stands in the file."""
    return digest_of(msgspec.to_builtins(case))


def _bytes(envelope: dict[str, Any]) -> bytes:
    return canonical(envelope) + b"\n"
