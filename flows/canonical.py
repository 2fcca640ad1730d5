"""Plain JSON as bytes, the same bytes for the same values: what digests of sealed things are made of."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical(value: Any) -> bytes:
    """Return plain JSON (texts, whole numbers, true, false, null, lists, objects) as ASCII without blanks, keys sorted
    by their code points, every other character as an escape."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":")).encode("ascii")


def digest_of(value: Any) -> str:
    """Return the SHA-256 of `canonical`, hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def seal_of(terms: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Return the digest of a sealed offer: its terms and the facts that they were made from. The journal keeps it."""
    return digest_of({"facts": facts, "terms": terms})
