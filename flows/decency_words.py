"""The words that a reminder may not say: `flows/words_refused.yaml` as patterns, with reason, remedy and source."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, TypeAlias

from flows.phrase_language import compiled
from flows.yaml_lines import read_lines
from flows.yaml_values import Part, validated

_FILE = "words_refused.yaml"
Code: TypeAlias = Literal[
    "threat",
    "cut_off",
    "shame",
    "third_person",
    "capitals",
    "shouting",
    "urgency",
    "secret",
    "marketing",
    "debt_named",
    "no_sender",
]
Severity: TypeAlias = Literal["error", "warning"]
Only: TypeAlias = Literal["first_contact", "utility"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One thing that is not said. `only`: where it is refused, None for everywhere; `patterns` search ` word word`."""

    code: Code
    severity: Severity
    only: Only | None
    reason: str
    remedy: str
    source: str
    patterns: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedWords:
    """All of the file. Words are small letters without accents; `harmless` is taken out before the rest is sought."""

    groups: tuple[Refused, ...]
    harmless: tuple[re.Pattern[str], ...]
    introduces: tuple[re.Pattern[str], ...]  # how a sender says who it is
    abbreviations: frozenset[str]  # in capitals without shouting
    not_names: frozenset[str]  # what may follow a greeting with a capital letter
    debt_parameters: frozenset[str]
    secret_parameters: frozenset[str]
    sender_parameters: frozenset[str]

    def unsaid(self, code: Code) -> Refused:
        """Return the last group of a code: the one for what is not found by words."""
        return next(group for group in reversed(self.groups) if group.code == code)


class _Group(Part):
    code: Code
    severity: Severity
    only: Only | None = None
    reason: str
    remedy: str
    source: str
    phrases: tuple[str, ...] = ()


class _File(Part):
    words: dict[str, str]
    harmless: tuple[str, ...]
    introduces: tuple[str, ...]
    abbreviations: frozenset[str]
    not_names: frozenset[str]
    debt_parameters: frozenset[str]
    secret_parameters: frozenset[str]
    sender_parameters: frozenset[str]
    groups: tuple[_Group, ...]


@cache
def refused_words() -> RefusedWords:
    """Read the file, which is part of the program, once."""
    node, mistakes = read_lines((resources.files("flows") / _FILE).read_bytes(), file=_FILE)
    assert not mistakes, [str(mistake) for mistake in mistakes]
    assert node is not None
    file, mistakes = validated(_File, node, file=_FILE)
    assert file is not None, [str(mistake) for mistake in mistakes]
    return RefusedWords(
        groups=tuple(
            Refused(
                code=group.code,
                severity=group.severity,
                only=group.only,
                reason=group.reason,
                remedy=group.remedy,
                source=group.source,
                patterns=_patterns(group.phrases, file),
            )
            for group in file.groups
        ),
        harmless=_patterns(file.harmless, file),
        introduces=_patterns(file.introduces, file),
        abbreviations=file.abbreviations,
        not_names=file.not_names,
        debt_parameters=file.debt_parameters,
        secret_parameters=file.secret_parameters,
        sender_parameters=file.sender_parameters,
    )


def _patterns(phrases: Sequence[str], file: _File) -> tuple[re.Pattern[str], ...]:
    return tuple(compiled(phrase, file.words).pattern for phrase in phrases)
