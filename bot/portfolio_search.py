"""What somebody who looks for a customer may mean: words of a name, a document, a phone, the beginning of a number.

A document and a phone are found only whole and only exactly; a phone with or without country code and ninth digit.
"""

import re
import unicodedata
from dataclasses import dataclass

from bot.whatsapp.contact_points import canonical_phone
from payments.documents import Document, read_document

ASKED_MAX = 100
_WORDS_MAX = 6
_PHONE = re.compile(r"\+?[0-9 ().-]{10,22}")
_NATIONAL = (10, 11)  # digits of a Brazilian number without country code


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """`name` is a tsquery of the words that a name has to begin with; `number` the beginning of an external id, small
    letters. What is empty is not looked for."""

    name: str = ""
    number: str = ""
    document: str = ""
    phones: tuple[str, ...] = ()


def search_for(asked: str) -> Search | None:
    """Return what is looked for; None where nothing is left to look for."""
    text = " ".join(asked[:ASKED_MAX].split())
    if len(text) < 2:  # one letter would be everybody
        return None
    document = read_document(text)
    words = name_words(text)[:_WORDS_MAX]
    return Search(
        name=" & ".join(f"'{word}':*" for word in words) if words and _is_name(text) else "",
        number=text.lower(),
        document=document.canonical if isinstance(document, Document) else "",
        phones=_phones(text),
    )


def name_words(text: str) -> list[str]:
    """Return the words as the index of names has them (`name_words` in the schema): no accents, no capitals."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", text) if not "\u0300" <= c <= "\u036f").lower()
    return [word for word in re.split("[^a-z0-9]+", folded) if word]


def _is_name(text: str) -> bool:
    """Digits alone are a number, not a name."""
    return any(c.isalpha() for c in text)


def _phones(text: str) -> tuple[str, ...]:
    if not _PHONE.fullmatch(text):
        return ()
    digits = re.sub("[^0-9]", "", text)
    found = [canonical_phone(digits)]
    if len(digits) in _NATIONAL and not text.startswith("+"):
        found.append(canonical_phone("55" + digits))
    return tuple(found)
