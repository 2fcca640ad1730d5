"""Pix codes: written as the manual wants them, read as the world writes them."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from payments.brcode import Code, Merchant, NotACode, crc, dynamic_code, mistakes, read_code, static_code
from payments.qr import qr_png

VECTORS = json.loads((Path(__file__).parent / "vectors/pix/brcode-vectors.json").read_text(encoding="utf-8"))
WRITTEN = [case for case in VECTORS["valid"] if "given" in case]


def test_the_checksum_has_the_check_value_of_its_definition() -> None:
    """CRC-16/CCITT-FALSE of 123456789."""
    assert crc("123456789") == "29B1"


@pytest.mark.parametrize("case", VECTORS["valid"], ids=lambda case: case["name"])
def test_every_published_code_is_read(case: dict[str, Any]) -> None:
    """Kind, key or location, receiver, amount and txid of each."""
    code, fields = read_code(case["code"]), case["fields"]
    assert isinstance(code, Code)
    assert (code.kind, code.key, code.location) == (fields["kind"], fields.get("key"), fields.get("url"))
    assert (code.merchant_name, code.merchant_city) == (fields["merchant_name"], fields["merchant_city"])
    assert (code.txid or "***", code.info) == (fields["txid"], fields.get("additional_info"))
    assert code.fields.get("54") == fields["amount"]


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: case["name"])
def test_codes_are_written_character_by_character_like_the_vectors(case: dict[str, Any]) -> None:
    """Static and dynamic, with accents taken off and limits kept."""
    given_ = case["given"]
    merchant = Merchant(name=given_["name"], city=given_["city"], postal_code=given_.get("postal"))
    if "url" in given_:
        once = given_.get("poi", "12") == "12"
        code = dynamic_code(given_["url"], merchant=merchant, amount_cents=given_.get("amount_cents"), once=once)
    else:
        code = static_code(
            given_["key"], merchant=merchant, amount_cents=given_.get("amount_cents"),
            txid=given_.get("txid", "***"), info=given_.get("info"),
        )  # fmt: skip
    assert code == case["code"]
    assert mistakes(code) == ()


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["name"])
def test_what_a_strict_reader_refuses_is_told(case: dict[str, Any]) -> None:
    """Every code of the invalid list has at least one mistake named."""
    assert mistakes(case["code"])


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever somebody pastes: a code or a reason, never an exception."""
    assert isinstance(read_code(text), Code | NotACode)
    assert isinstance(mistakes(text), tuple)


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=60), st.integers(1, 10**12 - 1),
    st.from_regex(r"[A-Za-z0-9]{1,25}", fullmatch=True), st.text(max_size=120),
)  # fmt: skip
def test_a_written_code_reads_back_as_what_was_asked(name: str, amount: int, txid: str, info: str) -> None:
    """Any name, amount, txid and text: the code is valid, and says the same amount and txid."""
    merchant = Merchant(name="Loja " + name, city="São Paulo")
    code = static_code(
        "123e4567-e12b-12d1-a456-426655440000", merchant=merchant, amount_cents=amount, txid=txid, info=info
    )
    read = read_code(code)
    assert mistakes(code) == ()
    assert isinstance(read, Code)
    assert (read.amount_cents, read.txid) == (amount, txid)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([case["code"] for case in VECTORS["valid"]]))
def test_the_picture_says_the_code(code: str) -> None:
    """An independent reader gets the very text back, from a picture of at least 512 pixels."""
    image = Image.open(io.BytesIO(qr_png(code)))
    assert image.width == image.height >= 512
    assert [found.text for found in zxingcpp.read_barcodes(image.convert("L"))] == [code]
    assert qr_png(code) == qr_png(code)
