"""`acerto flows`: draws the conversation from the code that runs it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import click
from statemachine import State

from flows.conversation import Conversation

_HEAD = """# The conversation

Drawn from `flows/conversation.py` by `acerto flows`; a test holds this page to the code. An event is what
somebody wants (`flows/wishes.py` makes presses, numbers and words into one) or what happened (`paid`, `handed_back`).
While a *person* of ours owns the conversation the talk does not exist: the bot cannot speak.

"""
_TABLE = """
Transitions are tried from the top, those of the state itself before those from *anywhere* in the talk; the first whose
guard holds is taken.

| from | event | guard | to | action |
| --- | --- | --- | --- | --- |
"""
_ANYWHERE = "anywhere"


class _Arrow(NamedTuple):
    """One transition, in words."""

    source: str
    event: str
    guard: str
    target: str
    action: str


def page() -> str:
    """Return docs/flows.md: the statechart as a picture, and every transition with its guard and action as a table."""
    arrows = [arrow for state in Conversation.states_map.values() for arrow in _from(state)]
    rows = "\n".join(f"| {a.source} | {a.event} | {a.guard or '–'} | {a.target} | {a.action or '–'} |" for a in arrows)
    return f"{_HEAD}```mermaid\n{_picture(arrows)}\n```\n{_TABLE}{rows}\n"


def _from(state: State) -> Iterator[_Arrow]:
    for transition in state.transitions:
        if not transition.initial:
            yield _Arrow(
                _ANYWHERE if state.is_compound else state.id,
                str(transition.event),
                _names(transition.cond),
                ", ".join(target.id for target in transition.targets),
                _names(transition.on),
            )


def _names(callbacks: Any) -> str:
    """The names that the chart itself gives; what the library looks for by convention is left out."""
    given = [spec for spec in callbacks if not spec.is_convention]
    return " and ".join(f"not {spec.func}" if spec.expected_value is False else str(spec.func) for spec in given)


def _picture(arrows: list[_Arrow]) -> str:
    """The states and, on one arrow between any two, the events that lead from one to the other (Mermaid)."""
    labels: dict[tuple[str, str], list[str]] = {}
    for arrow in arrows:
        if arrow.source != arrow.target:
            events = labels.setdefault((arrow.source, arrow.target), [])
            events += [arrow.event] if arrow.event not in events else []
    talk = [state.id for state in Conversation.states_map.values() if state.parent is not None]
    others = [state.id for state in Conversation.states_map.values() if state.parent is None and not state.is_compound]
    return "\n".join(
        (
            "flowchart LR",
            f"    {_ANYWHERE}(({_ANYWHERE}))",
            *(f"    {name}[{name}]" for name in others),
            "    subgraph bot",
            *(f"        {name}({name})" for name in talk),
            "    end",
            *(f"    {source} -- {', '.join(events)} --> {target}" for (source, target), events in labels.items()),
        )
    )


@click.command()
def flows() -> None:
    """Print the conversation as a picture (Mermaid) and a table."""
    click.echo(page(), nl=False)
