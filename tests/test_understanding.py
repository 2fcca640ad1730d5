"""What people write is taken for what they mean: a table of labelled messages, and what may never be mistaken."""

import json
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.phrase_language import compiled, read_phrasebook
from flows.said_dates import said_dates
from flows.understanding import Intent, understand
from tests.tables import table

TODAY = date(2026, 11, 25)  # a Wednesday
LINES = (Path(__file__).parent / "vectors/understanding.tsv").read_text(encoding="utf-8").splitlines()
LABELLED = [tuple(line.split("\t")) for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize("case", LABELLED, ids=lambda case: str(case[0]))
def test_a_message_is_taken_for_what_it_means(case: tuple[str, ...]) -> None:
    understood = understand(case[0], today=TODAY)
    assert understood.intent == case[1]
    if len(case) > 2:
        assert dict(understood.slots) == json.loads(case[2])
    assert 0 <= understood.confidence <= 1
    assert (understood.confidence == 0) is (case[1] == "unknown")


def test_every_intent_has_examples_and_every_phrase_an_intent() -> None:
    intents = set(get_args(Intent))
    assert {case[1] for case in LABELLED} == intents
    assert {group.intent for group in read_phrasebook("pt_BR").groups} == intents - {"unknown"}
    assert len(LABELLED) >= 250


PAYING = [case[0] for case in LABELLED if case[1] in ("pay", "boleto", "balance", "negotiate")]
STOPPING = [case[0] for case in LABELLED if case[1] == "opt_out"]


@pytest.mark.parametrize("around", ["{}!!!", "oi, {}", "{} por favor", "bom dia {}", "{} obrigado"])
def test_politeness_makes_no_stop_of_a_request_and_no_request_of_a_stop(around: str) -> None:
    assert [text for text in PAYING if understand(around.format(text), today=TODAY).intent == "opt_out"] == []
    assert [text for text in STOPPING if understand(around.format(text), today=TODAY).intent != "opt_out"] == []


STOP_WORDS = {"parar", "para", "pare", "parem", "pararem", "sair", "stop", "chega", "basta"}


@given(st.sampled_from([text for text in PAYING if STOP_WORDS.isdisjoint(text.lower().split())]), st.data())
def test_a_slip_of_the_finger_never_makes_a_payment_a_stop(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    slip = data.draw(st.sampled_from(["", *"abcdefghijklmnopqrstuvwxyz"]))
    slipped = text[:at] + slip + text[at + 1 :]
    # A slip may write a stop word out in full ("pagar" → "parar"): then it is what is written that counts.
    written = STOP_WORDS & set(slipped.lower().split())
    assert written or understand(slipped, today=TODAY).intent != "opt_out"


@pytest.mark.parametrize("slipped", ["basra", "chaga", "descadastrat", "removet", "parwm"])
def test_nothing_is_corrected_into_a_stop(slipped: str) -> None:
    assert understand(slipped, today=TODAY).intent == "unknown"


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    assert understand(text, today=TODAY).intent in get_args(Intent)


def test_a_very_long_message_is_read_in_its_beginning() -> None:
    assert understand("quero pagar " + "blá " * 50_000, today=TODAY).intent == "pay"


@pytest.mark.parametrize(
    *table("""
    said                    | day
    hoje                    | -           # no day to wait for
    amanha                  | 2026-11-26
    depois de amanha        | 2026-11-27
    sexta                   | 2026-11-27
    sexta feira             | 2026-11-27
    quarta                  | 2026-12-02  # never today
    quinta que vem          | 2026-12-03  # who means tomorrow says so
    segunda da semana que vem | 2026-11-30
    segunda via             | -
    dia 25                  | 2026-11-25
    dia 24                  | 2026-12-24
    dia 31                  | 2026-11-30  # the last day of a month that has none
    dia 5 do mes que vem    | 2026-12-05
    dia 32                  | -
    05/12                   | 2026-12-05
    24/11                   | 2027-11-24
    24/11/2026              | -           # has passed
    5/1/27                  | 2027-01-05
    31/02                   | -
    dia primeiro            | 2026-12-01
    dia 1o                  | 2026-12-01
    dia trinta              | 2026-11-30
    dia vinte e cinco       | 2026-11-25
    dia dez                 | 2026-12-10
    5 de dezembro           | 2026-12-05
    5 de janeiro de 2027    | 2027-01-05
    semana que vem          | 2026-12-02
    mes que vem             | 2026-12-25
    fim do mes              | 2026-11-30
    fim de semana           | 2026-11-28
    daqui 3 dias            | 2026-11-28
    daqui a duas semanas    | 2026-12-09
    quinto dia util         | 2026-12-07
""")
)
def test_a_day_is_understood_the_way_it_is_said(said: str, day: str | None) -> None:
    found = said_dates(said, today=TODAY)
    assert [one.day.isoformat() for one in found] == ([day] if day else [])


@given(
    st.dates(date(2024, 1, 1), date(2035, 12, 31)),
    st.sampled_from([case[0] for case in LABELLED if case[1] == "promise"]),
)
def test_a_promise_is_never_for_the_past(today: date, text: str) -> None:
    understood = understand(text, today=today)
    promised = understood.slots.get("date")
    assert promised is None or date.fromisoformat(str(promised)) >= today


@pytest.mark.parametrize(
    *table("""
    line             | text            | found
    a? b             | a b             | yes
    a? b             | b               | yes
    ^ b              | a b             | no
    b $              | a b             | yes
    a ... b          | a x y z b       | yes
    a ... b          | a w x y z b     | no
    parcel* x        | parcelado x     | yes
    {class} x        | two x           | yes
""")
)
def test_the_language_of_phrases(line: str, text: str, found: bool) -> None:
    phrase = compiled(line, {"class": "one|two"})
    assert (phrase.pattern.search(f" {text}") is not None) is found


@pytest.mark.parametrize(("text", "found"), [("a b d", True), ("c d", True), ("a d", False), ("b d", False)])
def test_more_words_may_stand_for_one_another(text: str, found: bool) -> None:
    assert (compiled("(a b|c) d", {}).pattern.search(f" {text}") is not None) is found
