"""A typed message made comparable: small letters without accents, short forms written out, one space between words.

What carries meaning stays: digits, the slash of a date, question marks as an end of clause. Nothing is corrected here.
"""

import re
import unicodedata
from collections.abc import Mapping

_CLAUSE_END = re.compile(r"[.;!?\n\r]+(?!\d)|,(?!\d)| mas (?!nao se)| porem | so que ")
_ODD = re.compile(r"[^a-z0-9/ ,.]+")
_LONG_VOWEL = re.compile(r"([aeiou])\1+")
_LONG_LETTER = re.compile(r"([a-z])\1{2,}")
TEXT_MAX = 600
"""What is longer is read so far: nobody asks for something after six hundred letters that was not said before."""


def plain(text: str) -> str:
    """The text in small letters without accents and format marks."""
    decomposed = unicodedata.normalize("NFKD", text[:TEXT_MAX].replace("ß", "ss")).lower()
    return "".join(letter for letter in decomposed if unicodedata.category(letter) not in ("Mn", "Cf", "Me"))


def clauses(text: str, short: Mapping[str, str]) -> tuple[str, ...]:
    """The parts of a message, each in comparable words. `short` maps what people shorten to what they mean."""
    parts = _CLAUSE_END.split(plain(text).replace("\n", " ; "))
    return tuple(words for part in parts if (words := tidied(part, short)))


def tidied(clause: str, short: Mapping[str, str]) -> str:
    """One clause in comparable words."""
    spaced = re.sub(r"(?<!\d)[.,/]|[.,/](?!\d)", " ", re.sub(r"\b([cp])/ ?", r"\1 ", clause))
    words = _ODD.sub(" ", spaced).split()
    return " ".join(short.get(word) or short.get(_steady(word), _steady(word)) for word in words)


def _steady(word: str) -> str:
    """`oiiii`, `naoo`, `queroooo` said once."""
    return _LONG_LETTER.sub(r"\1", _LONG_VOWEL.sub(r"\1", word))
