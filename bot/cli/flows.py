"""`acerto flows`: draws the conversation from the code that runs it."""

from typing import Any

import click

from flows.conversation import Conversation

_HEAD = """# The conversation

Drawn from `flows/conversation.py` by `acerto flows`; a test holds this page to the code. Transitions are tried from the
top and the first whose guard holds is taken. While a *person* of ours owns the conversation the talk does not exist: the
bot cannot speak.

```mermaid
"""


def drawing() -> str:
    """Return docs/flows.md: the statechart as a picture, and every transition with its guard and action as a table."""
    picture = f"{Conversation:mermaid}".strip()
    rows = [
        f"| {source.id} | {transition.event} | {_names(transition.cond)} | "
        f"{', '.join(state.id for state in transition.targets)} | {_names(transition.on)} |"
        for source in Conversation.states_map.values()
        for transition in source.transitions
    ]
    table = "\n".join(("| from | event | guard | to | action |", "| --- | --- | --- | --- | --- |", *rows))
    return f"{_HEAD}{picture}\n```\n\n{table}\n"


def _names(callbacks: Any) -> str:
    """The names that the chart itself gives; what the library looks for by convention is left out."""
    return " and ".join(str(spec.func) for spec in callbacks if not spec.is_convention) or "–"


@click.command()
def flows() -> None:
    """Print the conversation as a picture (Mermaid) and a table."""
    click.echo(drawing(), nl=False)
