"""What an answer to a POST means, and what the sender does after each of Meta's codes."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.whatsapp.errors import RULES, Accepted, Refused, Unknown, classify, not_connected, on_failed_status, rule_for
from tests.tables import table

SAMPLES = Path(__file__).parent / "vectors" / "whatsapp"
REFERENCE = """
    file              http  scope     first_wait_s  posts  alarm
    err-190-expired    401  channel            300      8  yes    # the token: hold the queue, call a person
    err-190-invalid    401  channel            300      8  yes
    err-4              400  channel             60      8  no     # too many calls: the whole channel slows
    err-80007          400  channel             60      8  no
    err-368            403  channel              -      1  yes    # restricted: nothing helps but an appeal
    err-131031         403  channel              -      1  yes
    err-1-transient    400  message              5      4  no     # may be a bad request of ours: parked soon
    err-2-transient    503  channel              5      8  no
    err-131016         500  channel              5      8  no
    err-131000         500  message              5      5  no     # five times, then parked
    err-130429         400  number               2      8  no
    err-md-130429      400  number               2      8  no
    err-131048         400  number               -      1  yes    # insisting makes a spam restriction worse
    err-131030         400  number               -      1  yes
    err-131056         400  person               1      8  no     # this person only, 4^X seconds
    err-131062         400  person               -      1  no
    err-131047         400  message              -      1  no     # the window is closed: never again as it is
    err-100-param      400  message              -      1  no
    err-131009         400  message              -      1  no
    err-132000         400  template             -      1  no
    err-132001         404  template             -      1  no
    err-132012         400  template             -      1  no
    err-132015         400  template             -      1  no
    err-md-139200      400  template             -      1  no
"""


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


@pytest.mark.parametrize(*table(REFERENCE))
def test_each_refusal_says_what_to_do(
    file: str, http: int, scope: str, first_wait_s: int | None, posts: int, alarm: bool
) -> None:
    outcome = classify(http, sample(file))
    assert isinstance(outcome, Refused)
    assert outcome.code == json.loads(sample(file))["error"]["code"]
    assert (outcome.scope, outcome.again_after_s, outcome.alarm) == (scope, first_wait_s, alarm)
    waits = [outcome.wait_s(attempt=attempt) for attempt in range(1, 12)]
    assert waits.index(None) + 1 == posts
    assert set(waits[posts - 1 :]) == {None}


@pytest.mark.parametrize(
    *table("""
    file                       wa_id          user_id                  held
    ok-send                    558192345678   -                        no   # not as we wrote it: the ninth digit
    ok-send-bsuid              -              BR.13491208655302741918  no
    ok-md-send-phone           16505551234    -                        no
    ok-md-send-phone-template  16505551234    -                        no
    ok-md-send-bsuid           -              US.13491208655302741918  no
    ok-md-send-bsuid-template  -              US.13491208655302741918  no
    ok-md-send-both            16505551234    US.13491208655302741918  no
    ok-md-send-held            5511987654321  -                        yes
""")
)
def test_each_acceptance_says_who_it_went_to(file: str, wa_id: int | None, user_id: str | None, held: bool) -> None:
    wamid = json.loads(sample(file))["messages"][0]["id"]
    expected = Accepted(wamid=wamid, wa_id=str(wa_id) if wa_id else None, user_id=user_id, held=held)
    assert classify(200, sample(file)) == expected


def test_a_tick_is_accepted_without_being_a_message() -> None:
    assert classify(200, sample("ok-mark-read")) == Accepted(wamid=None)


def test_every_known_answer_to_a_message_is_in_a_table() -> None:
    here = set(re.findall(r"(?:err|ok)-[\w-]+", Path(__file__).read_text(encoding="utf-8")))
    assert {path.stem for path in SAMPLES.glob("*.json") if path.name.startswith(("err-", "ok-"))} <= here


@pytest.mark.parametrize("http", [200, 400, 401, 404, 429, 500, 502, 503])
def test_metas_word_decides_whatever_http_says(http: int) -> None:
    """A Graph error object, also with a 500, means that nothing was sent."""
    outcome = classify(http, sample("err-131016"))
    assert isinstance(outcome, Refused)
    assert outcome.code == 131016


@pytest.mark.parametrize(
    ("http", "body"),
    [
        (None, None),
        (200, b""),
        (200, b"{}"),
        (200, b"<html>ok</html>"),
        (200, b'{"messages":[]}'),
        (200, b'{"messages":[{"id":7}]}'),
        (200, b'{"success":"true"}'),
        (200, b"[" * 100_000),
        (201, b'{"messages":[{"id":"wamid.A"}]}'),
        (302, b""),
        (400, b"Bad Request"),
        (404, b"<html>"),
        (500, b""),
        (502, b"<html>Bad Gateway</html>"),
        (503, b'{"error":"unavailable"}'),
        (503, b'{"error":{"message":"unavailable"}}'),
        (503, b'{"error":{"code":"131016"}}'),
        (503, b'{"error":{"code":true}}'),
        (500, b'{"error":[]}'),
    ],
)
def test_without_metas_word_nobody_knows(http: int | None, body: bytes | None) -> None:
    assert isinstance(classify(http, body), Unknown)


def test_too_many_requests_without_a_body_was_surely_not_sent() -> None:
    outcome = classify(429, b"")
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.scope, outcome.wait_s(attempt=1)) == (None, "number", 5)


def test_where_there_was_no_connection_nothing_was_sent() -> None:
    outcome = not_connected("ClientConnectorError")
    assert (outcome.code, outcome.scope, outcome.wait_s(attempt=1)) == (None, "channel", 5)


def test_the_wait_for_one_person_is_metas_four_to_the_x() -> None:
    outcome = classify(400, sample("err-131056"))
    assert isinstance(outcome, Refused)
    assert [outcome.wait_s(attempt=n) for n in range(1, 9)] == [1, 4, 16, 64, 256, 1024, 3600, None]


@pytest.mark.parametrize(("code", "transient", "posts"), [(999_999, False, 3), (999_999, True, 5), (-5, False, 3)])
def test_a_code_that_nobody_has_seen_is_tried_a_few_times_and_parked(code: int, transient: bool, posts: int) -> None:
    body = json.dumps({"error": {"code": code, "is_transient": transient}}).encode()
    outcome = classify(400, body)
    assert isinstance(outcome, Refused)
    assert outcome.wait_s(attempt=posts - 1) is not None
    assert outcome.wait_s(attempt=posts) is None


@pytest.mark.parametrize(("code", "permission"), [(10, True), (200, True), (299, True), (199, False), (300, False)])
def test_the_two_hundreds_are_permissions(code: int, permission: bool) -> None:
    assert (rule_for(code).meaning == "permission") is permission


def test_what_failed_after_it_was_accepted_is_never_posted_again_by_itself() -> None:
    assert all(on_failed_status(code).again_after_s is None for code in [*RULES, 999_999])
    assert on_failed_status(131042).alarm
    assert on_failed_status(131026).scope == "person"


def test_what_meta_quotes_of_a_message_is_in_details_only() -> None:
    outcome = classify(400, sample("err-132001"))
    assert isinstance(outcome, Refused)
    assert "cobranca_d3" in outcome.details
    assert "cobranca_d3" not in outcome.title
    assert outcome.fbtrace_id == "AW5TRa1yqQq9vXK8yG1pB3z"


@given(st.integers(100, 599) | st.none(), st.binary(max_size=80))
def test_no_answer_raises(http: int | None, body: bytes) -> None:
    assert not isinstance(classify(http, body), Accepted)


KEYS = st.sampled_from(["error", "code", "messages", "contacts", "id", "error_data"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@given(st.integers(100, 599), JSON)
def test_no_json_raises(http: int, body: object) -> None:
    classify(http, json.dumps(body).encode())
