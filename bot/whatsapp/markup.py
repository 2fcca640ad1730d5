"""Values inside our texts: a name with a star in it must not turn the sentence bold."""

import re

_MARKS = re.compile(r"[*_~`]")
_SPACES = re.compile(r"\s+")
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(value: str) -> str:
    """Return a value that reads as itself within a message: no mark-up, line breaks or direction marks, single spaces.

    Line breaks and runs of spaces are also what Meta refuses in a template's values (132018).
    """
    unmarked = _MARKS.sub("", _DIRECTIONS.sub("", value))
    return _SPACES.sub(_one_space, unmarked).strip().removeprefix(">").strip()


def _one_space(run: "re.Match[str]") -> str:
    """The no-break space of "R$ 349,90" stays what it is."""
    return run[0] if run[0] == "\u00a0" else " "
