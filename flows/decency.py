"""Whether a reminder's wording is decent: no threat, no shame, nobody else's name, no shouting, no debt to a stranger.

What is refused stands in `flows/words_refused.yaml` with the rule that it comes from. Brazil's consumer code forbids
ridicule, embarrassment and threat in collection (CDC art. 42) and makes coercion, exposure and disturbance of work or
rest a crime (art. 71); who writes is named (art. 42-A). Meta refuses templates that threaten with legal action, shame
publicly or ask for full card, account or national id numbers, and takes an offer in a UTILITY template for MARKETING.
A lint, no lawyer: it finds wordings that are known, and a kind text stays the writer's work.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from flows.decency_text import PARAMETER, Clause, blanked, clauses, folded
from flows.decency_words import Code, Refused, RefusedWords, Severity, refused_words

_WORD = re.compile(r"[^\W\d_]+")
_SHOUT = re.compile(r"[!?❗❕‼⁉🚨！](?:[\s\ufe0f]*[!?❗❕‼⁉🚨！])+|[❗❕‼⁉🚨]")
_TITLED = re.compile(r"(?<!\w)(?:Sr|Sra|Srta|Dr|Dra|Dona|Senhor|Senhora|Senhorita)\b\.?\s+([A-ZÀ-Ý][^\W\d_]+)")
_GREETED = re.compile(
    r"(?<!\w)(?i:ol[aá]|oi|bom dia|boa tarde|boa noite|prezad[oa]|car[oa]|querid[oa])\b,?\s+([A-ZÀ-Ý][^\W\d_]+)"
)
_NUMBER = re.compile(r"(?<!\d)(?:\d{3}\.\d{3}\.\d{3}-\d{2}|(?:\d{4}[ .-]?){3}\d{4})(?!\d)", re.ASCII)
_LETTERS_MIN, _CAPITALS_PERCENT, _CAPITALS_IN_A_ROW = 5, 40, 3
_FIRST_CONTACT = frozenset({"its_me", "not_me"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is not said that way. `quoted`: as it is written, empty if something lacks; `column`: letters of the body
    before it; `source`: the rule's article or manual. An error forbids the template, a warning does not.
    """

    code: Code
    quoted: str
    reason: str
    remedy: str
    severity: Severity
    column: int
    source: str


def findings(
    body: str,
    *,
    examples: Mapping[str, str],
    category: str,
    creditor: str = "",
    name: str = "",
    buttons: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Return all that is refused or doubtful in a template's body, in its order. Never raises.

    `examples` by parameter, `creditor` as its customers know it, `name` and `buttons` of the template: one that asks
    who reads (`its_me`, `not_me`, or a name that begins with `confirme_`) may reach a stranger and names no debt.
    """
    known = refused_words()
    first_contact = bool(_FIRST_CONTACT & set(buttons)) or name.startswith("confirme_")
    groups = [
        group
        for group in known.groups
        if group.only is None or (first_contact if group.only == "first_contact" else category == "UTILITY")
    ]
    text = blanked(body, creditor)
    whole = clauses(text, lambda word: word.upper() in known.abbreviations or _is_refused(word, groups))
    read = tuple(clause.without(known.harmless) for clause in whole)
    found = [
        *((group, start, end) for group in groups for start, end in _said(group, read)),
        *((known.unsaid("capitals"), start, end) for start, end in _capitals(text, known)),
        *((known.unsaid("shouting"), *hit.span()) for hit in _SHOUT.finditer(text)),
        *((known.unsaid("third_person"), start, end) for start, end in _named(text, examples, known)),
        *_told_by_parameters(body, examples, known, first_contact=first_contact),
    ]
    if first_contact and not _introduced(body, creditor, read, known):
        found.append((known.unsaid("no_sender"), 0, 0))
    return tuple(_finding(body, *one) for one in _each_once(found))


def _is_refused(word: str, groups: Collection[Refused]) -> bool:
    return any(pattern.fullmatch(f" {word}") for group in groups for pattern in group.patterns)


def _said(group: Refused, read: Collection[Clause]) -> Iterator[tuple[int, int]]:
    for clause in read:
        for pattern in group.patterns:
            for first, after in clause.found(pattern):
                words = clause.words[first:after]
                yield words[0].start, words[-1].end


def _each_once(found: Collection[tuple[Refused, int, int]]) -> list[tuple[Refused, int, int]]:
    """The longest where several of one code stand over each other, in the order of the body."""
    kept: list[tuple[Refused, int, int]] = []
    for group, start, end in sorted(found, key=lambda one: one[1] - one[2]):
        if not any(group.code == other.code and start < after and first < end for other, first, after in kept):
            kept.append((group, start, end))
    return sorted(kept, key=lambda one: (one[1], one[2], one[0].code))


def _finding(body: str, group: Refused, start: int, end: int) -> Finding:
    return Finding(
        code=group.code,
        quoted=body[start:end],
        reason=group.reason,
        remedy=group.remedy,
        severity=group.severity,
        column=start,
        source=group.source,
    )


def _capitals(text: str, known: RefusedWords) -> Iterator[tuple[int, int]]:
    """Three words in capitals one after the other, or two fifths of all letters; abbreviations do not count."""
    words = [word for word in _WORD.finditer(text) if word[0] not in known.abbreviations]
    row: list[re.Match[str]] = []
    rows = [row]
    for word in words:
        if word[0].isupper():
            row.append(word)
        else:
            row = []
            rows.append(row)
    shouted = [row for row in rows if len(row) >= _CAPITALS_IN_A_ROW and sum(len(word[0]) > 1 for word in row) > 1]
    yield from ((row[0].start(), row[-1].end()) for row in shouted)
    letters = "".join(word[0] for word in words)
    capitals = sum(letter.isupper() for letter in letters)
    if not shouted and capitals >= _LETTERS_MIN and capitals * 100 > len(letters) * _CAPITALS_PERCENT:
        yield words[0].start(), words[-1].end()


def _named(text: str, examples: Mapping[str, str], known: RefusedWords) -> Iterator[tuple[int, int]]:
    """A name after a title or a greeting, or the one of the example, written where a parameter belongs."""
    for pattern in (_TITLED, _GREETED):
        for hit in pattern.finditer(text):
            if folded(hit[1]) not in known.not_names and hit[1] not in known.abbreviations:
                yield hit.span(1)
    first = examples.get("nome", "").split()[:1]
    if first and first[0][:1].isupper() and len(first[0]) > 1:
        for hit in re.finditer(rf"(?<!\w){re.escape(first[0])}(?!\w)", text):
            yield hit.span()


def _told_by_parameters(
    body: str, examples: Mapping[str, str], known: RefusedWords, *, first_contact: bool
) -> Iterator[tuple[Refused, int, int]]:
    """What a parameter shows, and full numbers of cards and people, written or given as an example."""
    for hit in PARAMETER.finditer(body):
        if first_contact and hit[1] in known.debt_parameters:
            yield known.unsaid("debt_named"), *hit.span()
        if hit[1] in known.secret_parameters or _NUMBER.search(examples.get(hit[1], "")):
            yield known.unsaid("secret"), *hit.span()
    for hit in _NUMBER.finditer(body):
        yield known.unsaid("secret"), *hit.span()


def _introduced(body: str, creditor: str, read: Collection[Clause], known: RefusedWords) -> bool:
    if any(hit[1] in known.sender_parameters for hit in PARAMETER.finditer(body)):
        return True
    if creditor.strip() and folded(creditor.strip()) in folded(body):
        return True
    return any(True for clause in read for pattern in known.introduces for _ in clause.found(pattern))
