"""The little language of `flows/phrases`: lines that people who answer customers can write, made into regular
expressions.

a|b  one or the other      word?  may be absent      pagam*  begins like this      ...  up to three words
{class}  a word of a class      ^ and $  beginning and end of the clause      DATE  a day that was said
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from flows.typed_text import plain
from flows.yaml_lines import Plain, read_lines

_ELEMENT = re.compile(r"\([^)]*\)\??|\S+")
_GAP = r"(?: \S+){0,3}?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One way of saying something. `weight`: how many words of it are fixed, a measure of how sure it is."""

    pattern: re.Pattern[str]
    negative: bool
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Ways of saying one thing."""

    intent: str
    slots: Mapping[str, str | bool]
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasebook:
    """All that the program understands, in the order in which it is tried."""

    short: Mapping[str, str]
    groups: tuple[Group, ...]
    around: tuple[re.Pattern[str], re.Pattern[str]]  # what is said before and after without changing what is asked
    emoji: Mapping[str, str]
    answers: Mapping[str, frozenset[str]]
    prefixes: tuple[str, ...]  # how known words begin
    vocabulary: frozenset[str]  # words that a slip of the finger may be corrected to
    known: frozenset[str]  # words that are right as they are


def read_phrasebook(language: str) -> Phrasebook:
    """Read the phrases of a language, which are part of the program."""
    name = f"{language}.yaml"
    node, mistakes = read_lines((resources.files("flows") / "phrases" / name).read_bytes(), file=name)
    assert not mistakes, [str(mistake) for mistake in mistakes]
    assert node is not None
    book = _mapping(node.plain())
    classes = {key: str(words) for key, words in _mapping(book["words"]).items()}
    groups = tuple(_group(_mapping(group), classes) for group in _list(book["groups"]))
    spelled = {word for group in _list(book["groups"]) for word in _literals(_mapping(group), classes)}
    stops = {
        word
        for group in _list(book["groups"])
        for word in _literals(_mapping(group), classes)
        if _is_stop(_mapping(group))
    }
    return Phrasebook(
        short={key: str(words) for key, words in _mapping(book["short"]).items()},
        groups=groups,
        around=(
            re.compile(rf"^(?: (?:{_mapping(book['around'])['before']})(?= ))+"),
            re.compile(rf"(?: (?:{_mapping(book['around'])['after']}))+$"),
        ),
        emoji={plain(key): str(words) for key, words in _mapping(book["emoji"]).items()},
        answers={
            key: frozenset(str(word) for word in _list(words)) for key, words in _mapping(book["answers"]).items()
        },
        # Nothing is ever corrected into a stop: a payment that was mistyped must not silence us.
        vocabulary=frozenset(word for word in spelled - stops if len(word) >= 5),
        prefixes=tuple({stem for group in _list(book["groups"]) for stem in _stems(_mapping(group), classes)}),
        known=frozenset(str(word) for word in _list(book["known"])) | spelled,
    )


def _is_stop(group: Mapping[str, Plain]) -> bool:
    return group["intent"] == "opt_out"


def _group(group: Mapping[str, Plain], classes: Mapping[str, str]) -> Group:
    slots = {key: True if value == "true" else str(value) for key, value in _mapping(group.get("slots", {})).items()}
    phrases = tuple(compiled(str(line), classes) for line in _list(group["phrases"]))
    return Group(intent=str(group["intent"]), slots=slots, phrases=phrases)


def compiled(line: str, classes: Mapping[str, str]) -> Phrase:
    """Make one line into what is searched for in ` word word word`, each word with a space before it."""
    elements = _elements(line, classes)
    pattern = "".join(_regex(element) for element in elements)
    weight = sum(1 for element in elements if element not in ("^", "$", "...") and not element.endswith("?"))
    return Phrase(
        pattern=re.compile(pattern), negative=elements[:1] == ["nao"] or elements[:2] == ["^", "nao"], weight=weight
    )


def _elements(line: str, classes: Mapping[str, str]) -> list[str]:
    return _ELEMENT.findall(re.sub(r"\{(\w+)\}", lambda name: classes[name[1]], line))


def _regex(element: str) -> str:
    if element in ("^", "$"):
        return element
    if element == "...":
        return _GAP
    optional = element.endswith("?")
    words = element.removesuffix("?").strip("()").split("|")
    assert not any("?" in word for word in words), f"a question mark belongs at the end of {element}"
    ends = "$" in words
    alternatives = "|".join(word.replace("*", r"\w*") for word in words if word != "$")
    found = rf" (?:{alternatives})(?= |$)"
    return f"(?:{found}|$)" if ends else f"(?:{found})?" if optional else found


def _literals(group: Mapping[str, Plain], classes: Mapping[str, str]) -> Iterable[str]:
    for line in _list(group["phrases"]):
        for element in _elements(str(line), classes):
            yield from re.findall(r"[a-z]+(?![a-z*])", element)


def _stems(group: Mapping[str, Plain], classes: Mapping[str, str]) -> Iterable[str]:
    for line in _list(group["phrases"]):
        yield from re.findall(r"([a-z]+)\*", re.sub(r"\{(\w+)\}", lambda name: classes[name[1]], str(line)))


def _mapping(value: Plain) -> Mapping[str, Plain]:
    assert isinstance(value, dict)
    return value


def _list(value: Plain) -> Sequence[Plain]:
    assert isinstance(value, list)
    return value
