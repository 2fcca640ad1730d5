"""The product's own source, read once, for the tests that hold the rules of the house."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("bot", "flows", "payments", "webhook.py")
ALL = (*PRODUCT, "tests", "bench")
KEPT_IN = ("bot", "flows", "payments", "locales", "tests", "bench", "docs", "deploy", ".ci")
"""The folders of the repository; what else lies in the checkout was made by tools."""


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """One Python file."""

    path: Path
    text: str
    tree: ast.Module

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def name(self) -> str:
        """Its dotted name."""
        return str(self).removesuffix(".py").replace("/", ".")

    def at(self, node: ast.AST) -> str:
        """The place of a node, as an editor takes it."""
        return f"{self}:{getattr(node, 'lineno', 1)}"

    @cache  # noqa: B019  # one of each file, for as long as the tests run
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of its tree."""
        return tuple(ast.walk(self.tree))

    @cache  # noqa: B019
    def imported(self) -> tuple[tuple[ast.AST, str], ...]:
        """Every dotted name that it imports, with where."""
        return tuple(self._imported())

    @cache  # noqa: B019
    def dotted(self) -> tuple[tuple[ast.AST, str], ...]:
        """Every `a.b.c` in it, with where; `….c` where it begins with no name."""
        return tuple((node, _dotted(node)) for node in self.nodes() if isinstance(node, ast.Attribute))

    def _imported(self) -> Iterator[tuple[ast.AST, str]]:
        for node in self.nodes():
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


@cache
def modules(*places: str) -> tuple[Module, ...]:
    """Return the Python files under `places`."""
    found = []
    for place in places:
        path = ROOT / place
        found += [_module(file) for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))]
    return tuple(found)


@cache
def _module(file: Path) -> Module:
    text = file.read_text(encoding="utf-8")
    return Module(file, text, ast.parse(text))


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "…"


@cache
def kept_files() -> tuple[Path, ...]:
    """Return every file of the repository."""
    top = [path for path in ROOT.iterdir() if path.is_file() and path.name not in (".git", ".env")]
    below = [path for folder in KEPT_IN for path in (ROOT / folder).rglob("*") if path.is_file()]
    return tuple(path for path in top + below if "__pycache__" not in path.parts and path.suffix != ".pyc")
