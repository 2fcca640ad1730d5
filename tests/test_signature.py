"""Only what WhatsApp signed is believed: HMAC-SHA256 over the very bytes that arrived."""

import json

import pytest

from bot.whatsapp.signature import sign, signature_is_valid

RAW = b'{"name":"Jos\\u00e9"}'  # as Meta sends it: non-ASCII escaped
NEW, OLD, FOREIGN = b"new-app-secret", b"old-app-secret", b"somebody-else"


def test_the_form_of_the_header_is_metas() -> None:
    assert sign(b"", b"key") == "sha256=5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0"


@pytest.mark.parametrize("signer", [NEW, OLD])
def test_either_secret_is_good_while_one_replaces_the_other(signer: bytes) -> None:
    assert signature_is_valid(RAW, sign(RAW, signer), [NEW, OLD])


def test_a_secret_that_we_do_not_have_is_not_good() -> None:
    assert not signature_is_valid(RAW, sign(RAW, FOREIGN), [NEW, OLD])


@pytest.mark.parametrize("secrets", [[], [b""], [b"", b""]])
def test_without_a_secret_nothing_is_good(secrets: list[bytes]) -> None:
    assert not signature_is_valid(RAW, sign(RAW, b""), secrets)


def test_a_body_that_was_parsed_and_written_again_is_another_body() -> None:
    rewritten = json.dumps(json.loads(RAW), ensure_ascii=False, separators=(",", ":")).encode()
    assert not signature_is_valid(rewritten, sign(RAW, NEW), [NEW])


def test_one_changed_byte_is_another_body() -> None:
    assert not signature_is_valid(RAW + b" ", sign(RAW, NEW), [NEW])


GOOD = sign(RAW, NEW)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        GOOD.removeprefix("sha256="),
        GOOD.replace("sha256", "sha1"),
        GOOD.replace("sha256", "SHA256"),
        GOOD.upper().replace("SHA256", "sha256"),
        GOOD[:-1],
        GOOD + "0",
        GOOD + "\n",
        " " + GOOD,
        GOOD[:-1] + "g",
        GOOD[:-1] + "é",
        GOOD[:-1] + "\ud800",
        f"{GOOD},{GOOD}",
    ],
)
def test_any_other_form_of_header_is_no_signature(header: str | None) -> None:
    assert not signature_is_valid(RAW, header, [NEW, OLD])
