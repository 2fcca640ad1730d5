"""YAML as people sign it: plain text, keys once, and every value with the line it stands on.

Nothing is guessed: a scalar stays the text that was written (`2.00`, `no`, `2026-01-01`), and whoever reads it decides
what it is. Refused with their line: repeated keys, anchors, aliases, tags, directives, several documents, files too
large or too deep.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

SIZE_MAX = 256 * 1024
DEPTH_MAX = 16
NODES_MAX = 20_000

Path: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = "str | list[Plain] | dict[str, Plain] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong in a file, where, and what to do. Lines and columns count from 1; `path` is empty for the file as
    a whole.
    """

    file: str
    line: int
    column: int
    path: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        """`padrao.yaml:31: rules[1].when: reason. Remedy.`"""
        subject = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {subject}{self.reason}. {self.remedy}"


@dataclass(slots=True, kw_only=True)
class Node:
    """One value of the file: a scalar's text (None where nothing is written), the items of a list, or the entries of a
    mapping.
    """

    line: int
    column: int
    value: "str | list[Node] | dict[str, Node] | None"
    key_lines: dict[str, tuple[int, int]] = field(default_factory=dict)

    def plain(self) -> Plain:
        """The same without places: str, None, list, dict."""
        match self.value:
            case list() as items:
                return [item.plain() for item in items]
            case dict() as entries:
                return {key: node.plain() for key, node in entries.items()}
            case scalar:
                return scalar

    def child(self, step: str | int) -> "Node | None":
        """The value under a key, or the item at an index from 0."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None

    def get(self, *path: str | int) -> "Node | None":
        """What `path` leads to."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node is not None else None
        return node

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column of what `path` leads to, as far as it exists; of the key where the last step is a key."""
        node, where = self, (self.line, self.column)
        for step in path:
            inner = node.child(step)
            if inner is None:
                break
            where = node.key_lines[step] if isinstance(step, str) else (inner.line, inner.column)
            node = inner
        return where


def path_text(path: Path) -> str:
    """`rules[1].when.days_overdue`"""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def read_lines(source: bytes, *, file: str) -> tuple[Node | None, tuple[Mistake, ...]]:
    """Return the file's value and every mistake in how it is written; no value where it cannot be read at all. Never
    raises.
    """
    reading = _Reading(file)
    if len(source) > SIZE_MAX:
        reading.refuse(1, 1, (), f"the file is larger than {SIZE_MAX // 1024} KiB", "Split it.")
        return None, tuple(reading.mistakes)
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = source[: broken.start].count(b"\n") + 1
        reading.refuse(line, 1, (), "the file is not UTF-8 here", "Save it as UTF-8.")
        return None, tuple(reading.mistakes)
    node = _compose(text, reading)
    return node, tuple(reading.mistakes)


@dataclass(slots=True)
class _Reading:
    """What is collected while a file is read."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)

    def refuse(self, line: int, column: int, path: Sequence[str | int], reason: str, remedy: str) -> None:
        self.mistakes.append(
            Mistake(file=self.file, line=line, column=column, path=path_text(tuple(path)), reason=reason, remedy=remedy)
        )


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet. `key` is the one whose value is awaited; `repeated` says that it is to
    be dropped.
    """

    node: Node
    path: Path
    key: str | None = None
    repeated: bool = False


def _compose(text: str, reading: _Reading) -> Node | None:
    """Build the nodes from the parser's events: a loop with a stack, so that depth is a number and not a stack
    overflow.
    """
    root: list[Node] = []
    stack: list[_Open] = []
    made = documents = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            assert event.start_mark is not None  # the parser marks whatever it reads
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            path = _path(stack)
            match event:
                case DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        reading.refuse(line, column, (), "a second document begins here", "Keep one document a file.")
                        return None
                    if event.version or event.tags:
                        reading.refuse(line, column, (), "directives (%) are not read", "Delete the line.")
                case StreamStartEvent() | StreamEndEvent() | DocumentEndEvent():
                    continue
                case CollectionEndEvent():
                    stack.pop()
                case _:
                    made += 1
                    if made > NODES_MAX or len(stack) >= DEPTH_MAX:
                        what = "deeply nested" if len(stack) >= DEPTH_MAX else "long"
                        reading.refuse(line, column, (), f"the file is too {what}", "Write it more simply.")
                        return None
                    node = _node(event, line, column, path, reading)
                    _attach(node, stack, root, reading)
                    if isinstance(node.value, list | dict):
                        stack.append(_Open(node, path))
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        assert mark is not None  # the parser marks all that it refuses
        line, column = mark.line + 1, mark.column + 1
        problem = " ".join((broken.problem or broken.context or "this is no YAML").split())
        reading.refuse(line, column, (), _printable(problem), "Check indentation, quotes and colons around here.")
        return None
    except (yaml.YAMLError, ValueError, OverflowError) as broken:
        # A control character, or an escape that names no character.
        position = getattr(broken, "position", 0)
        line = text[:position].count("\n") + 1
        reading.refuse(line, 1, (), "a character that YAML does not allow", "Delete it.")
        return None
    return root[0] if root else Node(line=1, column=1, value=None)


def _path(stack: Sequence[_Open]) -> Path:
    """What leads to the value that comes next."""
    if not stack:
        return ()
    outer = stack[-1]
    return (*outer.path, len(outer.node.value) if isinstance(outer.node.value, list) else outer.key or "")


def _node(event: Event, line: int, column: int, path: Sequence[str | int], reading: _Reading) -> Node:
    anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
    if isinstance(event, AliasEvent):
        reading.refuse(line, column, path, f"an alias (*{anchor}) is not read", "Write the value out.")
        return Node(line=line, column=column, value=None)
    if anchor is not None:
        reading.refuse(line, column, path, f"an anchor (&{anchor}) is not read", "Delete it.")
    if tag is not None:
        reading.refuse(line, column, path, f"a tag ({_printable(tag)}) is not read", "Delete it.")
    if isinstance(event, MappingStartEvent):
        return Node(line=line, column=column, value={})
    if isinstance(event, SequenceStartEvent):
        return Node(line=line, column=column, value=[])
    assert isinstance(event, ScalarEvent)
    empty = event.style is None and event.value in ("", "~", "null")
    text = _printable(event.value)
    if text != event.value:
        reading.refuse(line, column, path, "half a character (a lone surrogate) stands here", "Delete it.")
    return Node(line=line, column=column, value=None if empty else text)


def _attach(node: Node, stack: list[_Open], root: list[Node], reading: _Reading) -> None:
    """Put a node where it belongs: as the next item, as a key, or as the value of the key before it."""
    if not stack:
        root.append(node)
        return
    outer = stack[-1]
    if isinstance(outer.node.value, list):
        outer.node.value.append(node)
        return
    assert isinstance(outer.node.value, dict)
    path = outer.path
    if outer.key is None:
        key = node.value if isinstance(node.value, str) else None
        if key is None:
            reading.refuse(node.line, node.column, path, "a key has to be a word", "Write a name before the colon.")
        outer.repeated = key in outer.node.value if key is not None else True
        if outer.repeated and key is not None:
            first, _ = outer.node.key_lines[key]
            reading.refuse(
                node.line,
                node.column,
                [*path, key],
                f"the key stands here again (first on line {first})",
                "Keep one of the two.",
            )
        outer.key = key if key is not None else ""
        if isinstance(node.value, str) and not outer.repeated:
            outer.node.key_lines[outer.key] = (node.line, node.column)
        return
    if not outer.repeated:
        outer.node.value[outer.key] = node
    outer.key = None


def _printable(text: str) -> str:
    """Lone surrogates (a quoted escape can make them) cannot be stored or printed."""
    return text.encode("utf-8", "replace").decode("utf-8")
