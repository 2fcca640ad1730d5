"""The picture of the conversation is the conversation."""

from click.testing import CliRunner

from bot.cli.flows import page
from bot.cli.main import acerto
from flows.conversation import Conversation
from tests.source import ROOT


def test_the_page_is_drawn_from_the_code() -> None:
    kept = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
    assert kept == page(), "the conversation changed: acerto flows > docs/flows.md"


def test_the_command_prints_the_page() -> None:
    result = CliRunner().invoke(acerto, ["flows"])
    assert (result.exit_code, result.output) == (0, page())


def test_every_state_and_every_event_is_on_the_page() -> None:
    names = {state.id for state in Conversation.states_map.values()} | {event.id for event in Conversation._events}
    assert [name for name in names if name not in page()] == []
