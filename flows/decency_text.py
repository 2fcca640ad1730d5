"""A template's wording made searchable: clauses of plain words, each with its place in what was written.

Letters that were pulled apart ("S.P.C.", "s e r a s a", "pro-testo") are one word again if that word is known to
whoever searches. Parameters and the creditor's own name are no words: they become PARAM, which no phrase means.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

FILLING = "¤"
"""What stands in `blanked` text where a parameter or the creditor's name stood."""
PARAMETER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_PIECE = re.compile(rf"{FILLING}+|[a-z0-9]+")
_RUN = re.compile(r"(?<![a-z0-9])[a-z](?:[^a-z0-9¤\n]{1,3}[a-z](?![a-z0-9])){2,}")
_BROKEN = re.compile(r"[a-z]+(?:[^a-z0-9¤\s!?;,]{1,2}[a-z]+)+")
_CLAUSE_END = re.compile(r"[.!?;](?!\w)")
_RUN_MAX = 24  # no word that we look for is longer, and every part of a run is tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A plain word and where it stands in what was written: from `start` to before `end`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Words up to a full stop, question or exclamation mark, or semicolon."""

    words: tuple[Word, ...]

    def found(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        """Yield where a pattern of ` word word` is found, as indices of words: first, and after the last."""
        text = "".join(f" {word.text}" for word in self.words)
        for hit in pattern.finditer(text):
            first, after = text.count(" ", 0, hit.start()), text.count(" ", 0, hit.end())
            if first < after:
                yield first, after

    def without(self, patterns: Sequence[re.Pattern[str]]) -> "Clause":
        """Return the clause with what the patterns find made PARAM."""
        words = list(self.words)
        for pattern in patterns:
            for first, after in Clause(words=tuple(words)).found(pattern):
                words[first:after] = [Word(text="PARAM", start=word.start, end=word.end) for word in words[first:after]]
        return Clause(words=tuple(words))


def folded(text: str) -> str:
    """The text in small letters without accents and format marks."""
    return "".join(letter for written in text for letter in _folded(written))


def blanked(body: str, creditor: str) -> str:
    """The body with its parameters and the creditor's name filled in, each letter in its place."""
    text = PARAMETER.sub(lambda found: FILLING * len(found[0]), body)
    if creditor.strip():
        own = re.compile(rf"(?<!\w){re.escape(creditor.strip())}(?!\w)", re.IGNORECASE)
        text = own.sub(lambda found: FILLING * len(found[0]), text)
    return text


def clauses(text: str, known: Callable[[str], bool]) -> tuple[Clause, ...]:
    """Return the clauses of a `blanked` text. `known`: whether a word, put together again, is one to look for."""
    letters = [(letter, place) for place, written in enumerate(text) for letter in _folded(written)]
    plain, places = "".join(letter for letter, _ in letters), [place for _, place in letters]
    together = [*_spelled(plain, known), *_mended(plain, known)]
    found: list[Clause] = []
    words: list[Word] = []
    before = 0
    for start, end in _pieces(plain, together):
        if words and _CLAUSE_END.search(plain[before : start + 1]):
            found.append(Clause(words=tuple(words)))
            words = []
        piece = plain[start:end]
        written = "PARAM" if piece[0] == FILLING else "".join(_PIECE.findall(piece))
        words.append(Word(text=written, start=places[start], end=places[end - 1] + 1))
        before = end
    return (*found, Clause(words=tuple(words))) if words else tuple(found)


def _folded(written: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", written).lower())
    return "".join(letter for letter in decomposed if unicodedata.category(letter) not in ("Mn", "Cf", "Me"))


def _pieces(plain: str, together: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans of words, those that were put together first, in their order and none over another."""
    taken: list[tuple[int, int]] = []
    for start, end in [*together, *(found.span() for found in _PIECE.finditer(plain))]:
        if all(end <= first or start >= after for first, after in taken):
            taken.append((start, end))
    return sorted(taken)


def _spelled(plain: str, known: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Single letters in a row that make a known word, maybe with a short word ("o s p c") at its side."""
    for run in _RUN.finditer(plain):
        places = [run.start() + n for n, letter in enumerate(run[0]) if letter.isalpha()][:_RUN_MAX]
        sizes = range(len(places), 2, -1)
        parts = (places[at : at + size] for size in sizes for at in range(len(places) - size + 1))
        part = next((part for part in parts if known("".join(plain[place] for place in part))), None)
        if part is not None:
            yield part[0], part[-1] + 1


def _mended(plain: str, known: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Words with marks inside that make a known word without them."""
    for broken in _BROKEN.finditer(plain):
        if known("".join(letter for letter in broken[0] if "a" <= letter <= "z")):
            yield broken.span()
