"""What changes from one policy to another: in sentences rule by rule, and line by line of the files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from flows.explain import Say, conditions_of, explain, outcomes_of
from flows.policy import Policy

_LINES_COMPARED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A piece of a sentence: in both, or in this one only."""

    text: str
    is_same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that means something else. `rule` is its rule's name, empty for what holds for all; of what is new
    `before` is empty, of what goes `after`."""

    rule: str
    before: str
    after: str

    def words(self) -> tuple[tuple[Words, ...], tuple[Words, ...]]:
        """Return both sentences in pieces that both have and pieces that only one has."""
        old, new = self.before.split(), self.after.split()
        sides: tuple[list[Words], list[Words]] = ([], [])
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            for side, words in zip(sides, (old[i1:i2], new[j1:j2]), strict=True):
                side.extend([Words(text=" ".join(words), is_same=tag == "equal")] if words else [])
        return tuple(sides[0]), tuple(sides[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of two files beside each other; its number in each, None where it is not there."""

    kind: Literal["same", "gone", "new"]
    before: int | None
    after: int | None
    text: str


def changes_of(before: Policy | None, after: Policy, say: Say) -> tuple[Change, ...]:
    """Return what means something else, in the order of the file: what holds for all, then rule by rule."""
    if before is None:
        return ()
    return (*_general(before, after, say), *_rules(before, after, say))


def lines_of(old: Sequence[str], new: Sequence[str], *, context: int = 3) -> tuple[tuple[Line, ...], ...]:
    """Return the stretches in which two files differ, each with `context` lines around it. In long files lines that
    stand everywhere are no anchors: to compare each with each would take minutes."""
    found = []
    is_long = len(old) + len(new) > _LINES_COMPARED
    for group in SequenceMatcher(None, old, new, autojunk=is_long).get_grouped_opcodes(context):
        lines: list[Line] = []
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                pairs = zip(range(i1, i2), range(j1, j2), strict=True)
                lines += [Line(kind="same", before=i + 1, after=j + 1, text=old[i]) for i, j in pairs]
                continue
            lines += [Line(kind="gone", before=i + 1, after=None, text=old[i]) for i in range(i1, i2)]
            lines += [Line(kind="new", before=None, after=j + 1, text=new[j]) for j in range(j1, j2)]
        found.append(tuple(lines))
    return tuple(found)


def _general(before: Policy, after: Policy, say: Say) -> Iterator[Change]:
    """Everything that is no rule: validity, charges, ceilings, holidays, agreements."""
    old, new = _sentences(before, say), _sentences(after, say)
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield Change(rule="", before=" ".join(old[i1:i2]), after=" ".join(new[j1:j2]))


def _sentences(policy: Policy, say: Say) -> list[str]:
    bare = policy.model_copy(update={"rules": ()})
    return explain(bare, say)


def _rules(before: Policy, after: Policy, say: Say) -> Iterator[Change]:
    old = {rule.name: rule for rule in before.rules}
    new_names = {rule.name for rule in after.rules}
    order = [rule.name for rule in before.rules if rule.name in new_names]
    kept = [rule.name for rule in after.rules if rule.name in old]
    for rule in after.rules:
        sentences = dict(outcomes_of(rule, after.never_beyond.instalments, say))
        if rule.name not in old:
            whole = " ".join((conditions_of(rule, say) + ":", *sentences.values()))
            yield Change(rule=rule.name, before="", after=whole)
            continue
        was = old[rule.name]
        if order.index(rule.name) != kept.index(rule.name):
            moved = say("place {place} of the rules that both have")
            yield Change(
                rule=rule.name,
                before=moved.format(place=order.index(rule.name) + 1),
                after=moved.format(place=kept.index(rule.name) + 1),
            )
        if (conditions := conditions_of(rule, say)) != (once := conditions_of(was, say)):
            yield Change(rule=rule.name, before=once, after=conditions)
        earlier = dict(outcomes_of(was, before.never_beyond.instalments, say))
        for name in dict.fromkeys((*earlier, *sentences)):
            if earlier.get(name) != sentences.get(name):
                yield Change(rule=rule.name, before=earlier.get(name, ""), after=sentences.get(name, ""))
    for rule in before.rules:
        if rule.name not in new_names:
            outcomes = outcomes_of(rule, before.never_beyond.instalments, say)
            whole = " ".join((conditions_of(rule, say) + ":", *(sentence for _, sentence in outcomes)))
            yield Change(rule=rule.name, before=whole, after="")
