"""One step: a pure function of state, facts and event, whose state is plain JSON and survives its own program."""

import ast
import inspect
import json
from typing import Any

import pytest

from flows.conversation import Conversation
from flows.events import Event, Pressed, Typed
from flows.moment import Moment
from flows.step import State, step
from tests.source import ROOT
from tests.talking import Chat

KNOWN = Chat().known().facts
MENU = State(configuration=("bot", "menu"))


@pytest.mark.parametrize(
    "event", [Typed(text="oi"), Pressed(action="pay"), Pressed(action="negotiate"), Typed(text="?")]
)
def test_the_same_three_give_the_same_answer_for_ever(event: Event) -> None:
    assert step(MENU, KNOWN, event) == step(MENU, KNOWN, event)


def test_a_step_changes_nothing_that_it_was_given() -> None:
    state = State(configuration=("bot", "menu"), memory={"misses": 1})
    step(state, KNOWN, Typed(text="xyzw"))
    assert state == State(configuration=("bot", "menu"), memory={"misses": 1})


def test_a_state_is_plain_json_both_ways() -> None:
    state = step(MENU, KNOWN, Pressed(action="negotiate")).state
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"configuration": [], "memory": {}},
        {"configuration": ["bot", "a_state_of_long_ago"], "memory": {"choices": "pay.0.0"}},
        {"configuration": ["somewhere"], "version": 99, "unheard_of": True},
    ],
)
def test_a_stored_state_that_is_not_known_any_more_begins_at_the_start(stored: dict[str, Any]) -> None:
    state = State.from_json(stored)
    assert state.configuration == ("bot", "start")
    assert step(state, KNOWN, Typed(text="oi")).state.configuration == ("bot", "menu")


def test_who_was_with_a_person_stays_with_a_person() -> None:
    assert step(State.from_json({"configuration": ["person"]}), KNOWN, Typed(text="oi")).owner == "person"


def test_an_error_is_raised_and_leaves_the_next_step_sound() -> None:
    before = step(MENU, KNOWN, Typed(text="xyzw"))
    with pytest.raises(ValueError, match="many"):
        step(State(configuration=("bot", "menu"), memory={"misses": "many"}), KNOWN, Typed(text="xyzw"))
    assert step(MENU, KNOWN, Typed(text="xyzw")) == before


def test_two_conversations_know_nothing_of_each_other() -> None:
    ana = step(MENU, KNOWN, Pressed(action="negotiate")).state
    step(State(), Chat().facts, Typed(text="oi"))
    assert ana.memory["debt"] == 7
    assert step(ana, KNOWN, Typed(text="xyzw")).state.configuration == ("bot", "choosing_offer")


def test_the_chart_has_nothing_that_a_machine_for_all_cannot_have() -> None:
    """A root-final state ends it for everybody, a history is not stored, a delay blocks, an invocation starts a
    thread."""
    states = list(Conversation.states_map.values())
    assert [state.id for state in states if state.final or getattr(state, "is_history", False)] == []
    assert Conversation.catch_errors_as_events is False
    calls = {
        ast.unparse(node.func).rsplit(".", 1)[-1]
        for node in ast.walk(ast.parse((ROOT / "flows" / "conversation.py").read_text("utf-8")))
        if isinstance(node, ast.Call)
    }
    assert calls.isdisjoint({"send", "timeout", "invoke", "HistoryState"})


def test_no_guard_and_no_action_is_found_on_the_moment_too() -> None:
    """The library looks for a name on the chart and on its model, and calls both."""
    named = {
        str(spec.func)
        for state in Conversation.states_map.values()
        for transition in state.transitions
        for specs in (transition.cond, transition.on)
        for spec in specs
        if not spec.is_convention
    }
    assert "charge_now" in named
    assert sorted(named & set(dir(Moment))) == []


def test_every_guard_and_action_of_the_chart_is_used() -> None:
    named = {
        str(spec.func)
        for state in Conversation.states_map.values()
        for transition in state.transitions
        for specs in (transition.cond, transition.on)
        for spec in specs
    }
    own = {name for name, made in vars(Conversation).items() if inspect.isfunction(made) and not name.startswith("_")}
    assert sorted(own - named) == []


def test_every_state_can_be_left_for_the_menu_and_for_a_person() -> None:
    for name in (
        "start",
        "stranger",
        "identifying",
        "menu",
        "choosing_debt",
        "paying",
        "choosing_offer",
        "agreed",
        "reviewing",
        "resting",
    ):
        state = State(configuration=("bot", name))
        assert step(state, KNOWN, Pressed(action="menu")).state.configuration == ("bot", "menu"), name
        assert step(state, KNOWN, Pressed(action="human")).owner == "person", name
    assert set(Conversation.states_map) == {
        "bot",
        "person",
        "start",
        "stranger",
        "identifying",
        "menu",
        "choosing_debt",
        "paying",
        "choosing_offer",
        "agreed",
        "reviewing",
        "resting",
    }


def test_what_is_remembered_from_step_to_step_is_small_and_named() -> None:
    state = Chat().known().types("negociar", "3", "xyzw").state
    assert set(state.memory) <= {"choices", "debt", "misses", "wanted"}
