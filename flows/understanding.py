"""What a typed message asks for: an intent, how sure that is, and what it names. Rules and a phrase book; no model, no
chance, no network.

Two mistakes would be worse than not understanding. A request to stop has to be honoured in any usual wording; and a
request to pay must never silence us. So a stop is only ever what a stop phrase says (no corrected word, no likeness),
and where somebody asks to pay and to be left alone in one breath, they get to pay.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Literal, TypeAlias

from rapidfuzz import process
from rapidfuzz.distance import OSA

from flows.phrase_language import Group, Phrase, Phrasebook, read_phrasebook
from flows.said_dates import said_dates
from flows.typed_text import TEXT_MAX, clauses, plain

Intent: TypeAlias = Literal[
    "pay",
    "negotiate",
    "human",
    "balance",  # slots: date, where that of another day is asked for
    "boleto",
    "paid_already",
    "dispute",
    "hardship",
    "promise",  # slots: date, where one was said
    "not_me",
    "opt_out",
    "opt_in",
    "why",
    "greeting",  # slots: menu, where the three buttons are asked for
    "thanks",
    "abuse",
    "faq",  # slots: id
    "unknown",  # slots: answer (yes, no), where it is one
]

# A negation reaches the phrase over these words: "não [quero mais] falar com atendente".
_BRIDGES = frozenset(
    [
        "quero",
        "queria",
        "vou",
        "posso",
        "consigo",
        "preciso",
        "pode",
        "podem",
        "precisa",
        "mais",
        "me",
        "te",
        "se",
        "que",
        "de",
        "a",
        "o",
        "as",
        "os",
        "eu",
        "voces",
        "voce",
        "mesmo",
        "estou",
        "ser",
        "ter",
        "ainda",
        "querendo",
        "tenho",
        "como",
        "da",
        "pra",
        "para",
        "por",
        "isso",
        "desejo",
        "gostaria",
        "ir",
        "agora",
        "nada",
        "falar",
        "conversar",
        "com",
    ]
)
_ANNOUNCING = frozenset(("vou", "irei", "vamos", "pagarei"))
_NEGATIONS = frozenset(("nao", "nem", "nunca", "jamais"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """`confidence` from 0 to 1; `slots` are plain strings, days in ISO, and true."""

    intent: Intent
    confidence: float
    slots: Mapping[str, str | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    """A phrase found in a clause."""

    rank: int
    group: Group
    phrase: Phrase
    clause: int
    start: int
    end: int
    share: float  # of the clause
    how_much: bool  # it says "quanto"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    """One clause with days said replaced by DATE, and whether words in it were corrected."""

    words: str
    days: tuple[date, ...]
    corrected: bool


def understand(text: str, *, today: date) -> Understood:
    """Return what `text` asks for; `today` is the writer's local day. Never raises, whatever is written."""
    book = _book()
    parts = tuple(_clause(words, today, book) for words in clauses(text, book.short))
    if not parts:
        parts = tuple(_clause(words, today, book) for words in clauses(_spoken(text, book), book.short))
    hits = _without_overruled([hit for index, part in enumerate(parts) for hit in _hits(index, part, book)], parts)
    if not hits:
        return _answer(parts, book)
    best = min(hits, key=lambda hit: (hit.rank, -hit.phrase.weight))
    intent: Intent = best.group.intent  # type: ignore[assignment]  # a test holds the phrase book to the intents
    slots = dict(best.group.slots)
    if intent == "promise":
        days = parts[best.clause].days or tuple(day for part in parts for day in part.days)
        if days and _asks_how_much(hits, best):
            intent = "balance"
        elif not days and any(" hoje" in part.words for part in parts):
            days = (today,)
        slots |= {"date": days[-1].isoformat()} if days else {}
    elif slots.pop("dated", False):
        part = parts[best.clause]
        slots["date"] = part.days[part.words[: best.end].count("DATE") - 1].isoformat()
    return Understood(intent=intent, confidence=_confidence(best, parts[best.clause]), slots=slots)


def _asks_how_much(hits: list[_Hit], promise: _Hit) -> bool:
    """ "Posso pagar sexta? Quanto fica?" is a question, not yet a promise."""
    return any(hit.group.intent == "balance" and hit.clause != promise.clause and hit.how_much for hit in hits)


@cache
def _book() -> Phrasebook:
    return read_phrasebook("pt_BR")


def _spoken(text: str, book: Phrasebook) -> str:
    """Emoji as words, for a message that has no others."""
    return " ".join(words for emoji, words in book.emoji.items() if emoji in plain(text[:TEXT_MAX]))


def _clause(words: str, today: date, book: Phrasebook) -> _Clause:
    right = " ".join(_corrected(word, book) for word in words.split())
    dated, days = right, []
    for said in reversed(said_dates(right, today=today)):
        dated = f"{dated[: said.start]}DATE{dated[said.end :]}"
        days.append(said.day)
    before, after = book.around
    words_alone = after.sub("", before.sub("", f" {dated}"))
    return _Clause(words=words_alone or f" {dated}", days=tuple(reversed(days)), corrected=right != words)


def _corrected(word: str, book: Phrasebook) -> str:
    """A slip of the finger put right, where only one word can have been meant; never into a stop."""
    if len(word) < 5 or not word.isalpha() or word in book.known or word.startswith(book.prefixes):
        return word
    slips = 1 if len(word) < 8 else 2
    near = process.extract(word, _beginning_with(word[0]), scorer=OSA.distance, score_cutoff=slips, limit=2)
    if not near or (len(near) == 2 and near[0][1] == near[1][1]):
        return word
    return str(near[0][0])


@cache
def _beginning_with(letter: str) -> tuple[str, ...]:
    return tuple(sorted(word for word in _book().vocabulary if word[0] == letter))


def _hits(index: int, clause: _Clause, book: Phrasebook) -> Iterator[_Hit]:
    for rank, group in enumerate(book.groups):
        for phrase in group.phrases:
            for match in phrase.pattern.finditer(clause.words):
                if match.end() > match.start() and (phrase.negative or not _negated(clause.words[: match.start()])):
                    share = (match.end() - match.start()) / len(clause.words)
                    yield _Hit(
                        rank=rank,
                        group=group,
                        phrase=phrase,
                        clause=index,
                        start=match.start(),
                        end=match.end(),
                        share=share,
                        how_much="quanto" in match[0],
                    )


def _negated(before: str) -> bool:
    for word in reversed(before.split()):
        if word in _NEGATIONS:
            return True
        if word not in _BRIDGES:
            return False
    return False


def _without_overruled(hits: list[_Hit], parts: tuple[_Clause, ...]) -> list[_Hit]:
    """A request to pay that is no part of the request to stop overrules it."""
    stops = [hit for hit in hits if hit.group.intent == "opt_out"]
    pays = [hit for hit in hits if hit.group.intent == "pay" and not _only_announced(hit, parts[hit.clause].words)]
    if stops and any(all(_apart(pay, stop, parts) for stop in stops) for pay in pays):
        return [hit for hit in hits if hit.group.intent != "opt_out"]
    return hits


def _only_announced(pay: _Hit, words: str) -> bool:
    """ "Vou pagar" asks for nothing."""
    return not _ANNOUNCING.isdisjoint(words[: pay.end].split()[-4:])


def _apart(pay: _Hit, stop: _Hit, parts: tuple[_Clause, ...]) -> bool:
    """ "Parem de mandar pix" is about the stop; "parem de ligar e mandem o pix" is not only."""
    if pay.clause != stop.clause or pay.end <= stop.start:
        return True
    return pay.start >= stop.end and " e " in f"{parts[pay.clause].words[stop.end : pay.start]} "


def _confidence(hit: _Hit, clause: _Clause) -> float:
    """More fixed words and more of the clause make it surer; a corrected word less sure."""
    sure = 0.55 + 0.1 * min(hit.phrase.weight, 3) + 0.15 * hit.share
    return round(max(0.5, sure - (0.1 if clause.corrected else 0)), 2)


def _answer(parts: tuple[_Clause, ...], book: Phrasebook) -> Understood:
    said = " ".join(part.words.strip() for part in parts)
    for answer, words in book.answers.items():
        if said in words:
            return Understood(intent="unknown", confidence=0.0, slots={"answer": answer})
    return Understood(intent="unknown", confidence=0.0)
