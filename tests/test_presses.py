"""Buttons: what was written into an identifier comes out of it, and only for the person it was made for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.whatsapp.presses import Forged, NotOurs, Press, decode, encode

KEY, CONVERSATION = b"a key of the company's", 8412

# One list, read both ways. People press buttons that are months old: these lines may grow, never change.
PRESSES = [
    (Press(action="menu"), "p1.menu.0.0.zzmjuehqeyzxt64x"),
    (Press(action="pay", object_id=-1), "p1.pay.-1.0.elsztazp46azoc5m"),
    (Press(action="accept", object_id=31, version=1), "p1.accept.31.1.5sddwmoo2mps2mwv"),
    (Press(action="due_day", object_id=7, version=25), "p1.due_day.7.25.6tggs7yenuiwzz24"),
    (
        Press(action="offer", object_id=2**63 - 1, version=2**31),
        "p1.offer.9223372036854775807.2147483648.5u6i47oovf6e3wbo",
    ),
]


@pytest.mark.parametrize(("press", "text"), PRESSES)
def test_a_press_and_its_text_are_one(press: Press, text: str) -> None:
    assert encode(press, conversation_id=CONVERSATION, key=KEY) == text
    assert decode(text, conversation_id=CONVERSATION, key=KEY) == press


@given(
    st.from_regex(r"[a-z][a-z_]{0,31}", fullmatch=True),
    st.integers(-(10**19) + 1, 10**19 - 1),
    st.integers(-(10**19) + 1, 10**19 - 1),
    st.integers(1, 2**63),
)
def test_every_press_comes_back_and_fits_into_128_characters(action: str, number: int, version: int, who: int) -> None:
    press = Press(action=action, object_id=number, version=version)
    text = encode(press, conversation_id=who, key=KEY)
    assert decode(text, conversation_id=who, key=KEY) == press
    assert len(text) <= 128


GOOD = encode(Press(action="accept", object_id=31, version=1), conversation_id=CONVERSATION, key=KEY)
MAC = GOOD.rpartition(".")[2]


@pytest.mark.parametrize(
    "text",
    [
        f"p1.accept.32.1.{MAC}",
        f"p1.accept.31.2.{MAC}",
        f"p1.pay.31.1.{MAC}",
        f"p1.accept.031.1.{MAC}",
        f"p1.accept.+31.1.{MAC}",
        f"p1.accept.٣١.1.{MAC}",
        f"p1.accept.31.1.{MAC.upper()}",
        f"p1.accept.31.1.{MAC[:-1]}",
        f"p1.accept.31.1.{MAC} ",
        f"p1.accept.31.1.{MAC}\n",
        f"p1.accept.31.1.{MAC[:-1]}\ud800",
        f"p1.accept.31.1.{MAC}.{MAC}",
        "p1.accept.31.1.",
        "p1.accept.31.1",
        "p1.",
        f"p1.accept.{'9' * 5000}.1.{MAC}",
        f"p1.ACCEPT.31.1.{MAC}",
    ],
)
def test_whatever_was_changed_is_forged(text: str) -> None:
    assert decode(text, conversation_id=CONVERSATION, key=KEY) == Forged()


def test_a_button_is_good_only_in_the_conversation_it_was_made_for() -> None:
    assert decode(GOOD, conversation_id=CONVERSATION + 1, key=KEY) == Forged()


def test_a_button_is_good_only_under_our_key() -> None:
    assert decode(GOOD, conversation_id=CONVERSATION, key=b"another key") == Forged()


@pytest.mark.parametrize("text", ["", "p1", "Pagar agora", "pay:v1:9f2c:MAC", "p2.accept.31.1.x", "\x00", "\ud800"])
def test_what_has_another_form_is_not_ours(text: str) -> None:
    assert decode(text, conversation_id=CONVERSATION, key=KEY) == NotOurs()


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_no_text_raises_or_is_believed(text: str) -> None:
    assert not isinstance(decode("p1." + text, conversation_id=CONVERSATION, key=KEY), Press)
    decode(text, conversation_id=CONVERSATION, key=KEY)
