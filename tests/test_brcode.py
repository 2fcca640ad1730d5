"""Pix codes: written as the manual wants them, read as the world writes them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.brcode import Code, Merchant, NotACode, crc, dynamic_code, mistakes, read_code, static_code
from tests.tables import table

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
    assert (code.fields.get("54"), code.fields.get("61")) == (fields["amount"], fields.get("postal_code"))
    assert (code.fields.get("01"), code.fields["52"]) == (fields["point_of_initiation"], fields["mcc"])
    assert (code.fields["53"], code.fields["58"]) == (fields["currency"], fields["country"])
    assert code.fields["63"] == fields["crc"]


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
    """Every code of the invalid list has a mistake named, and a right checksum is never the one."""
    found = mistakes(case["code"])
    assert found
    if case["crc_matches"]:
        assert "field 63: the checksum does not match" not in found


STATIC = static_code("a@b.co", merchant=Merchant(name="Loja", city="Natal"), amount_cents=100, txid="NF1")


@pytest.mark.parametrize(
    *table("""
    there       | instead       | field
    000201      | 000201010213  | 01
    "52040000"  | 5204ABCD      | "52"
    "52040000"  | ""            | "52"
    "5303986"   | "5303840"     | "53"
    54041.00    | 54040.00      | "54"   # leave it out instead
    5802BR      | 5802PT        | "58"
    5904Loja    | ""            | "59"
    6005Natal   | ""            | "60"
    0503NF1     | 0503N-1       | 62-05
    0106a@b.co  | 0106A@b.co    | 26-01
    0106a@b.co  | 5006a@b.co    | "26"   # no key; and a template that is not the Pix's says nothing about it
""")
)
def test_one_slip_is_told_as_one_mistake_with_its_field(there: str, instead: str, field: str) -> None:
    """One field changed, the checksum made right again: one sentence that begins with the field."""
    assert STATIC.count(there) == 1
    body = STATIC.replace(there, instead)[:-8]
    body += "80130009com.other" if field == "26" else ""
    (mistake,) = mistakes(body + "6304" + crc(body + "6304"))
    assert mistake.startswith(f"field {field}")


def test_several_slips_are_all_told() -> None:
    """Who has to mend a code sees everything at once."""
    body = STATIC.replace("5303986", "5303840").replace("5802BR", "5802PT")
    assert len(mistakes(body)) == 3  # both, and the checksum that they changed


def test_a_code_is_read_as_it_comes_out_of_a_clipboard() -> None:
    """With blanks and a line's end around it."""
    assert read_code(f" {STATIC}\r\n") == read_code(STATIC)
    assert isinstance(read_code(STATIC), Code)


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
