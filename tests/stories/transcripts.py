"""The transcripts that stories are held to: text files, reviewed like prose."""

from pathlib import Path

_HERE = Path(__file__).parent


def story(name: str) -> str:
    """Return a story's transcript."""
    return (_HERE / f"{name}.txt").read_text(encoding="utf-8")
