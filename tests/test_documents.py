"""CPF and CNPJ against the vectors and a library that others wrote."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.br import cnpj, cpf

from payments.documents import Document, NotADocument, read_document
from tests.tables import table

VECTORS = json.loads((Path(__file__).parent / "vectors/pix/documents-vectors.json").read_text(encoding="utf-8"))
KINDS = ("cpf", "cnpj_numeric", "cnpj_alphanumeric")
VALID = [{**case, "kind": kind.partition("_")[0]} for kind in KINDS for case in VECTORS[kind]["valid"]]
INVALID = [case for kind in KINDS for case in VECTORS[kind]["invalid"]]


@pytest.mark.parametrize("case", VALID, ids=lambda case: case["input"])
def test_a_valid_document_is_read_in_its_canonical_form(case: dict[str, Any]) -> None:
    """With or without punctuation, letters in either case."""
    document = read_document(case["input"])
    assert isinstance(document, Document)
    assert (document.kind, document.canonical) == (case["kind"], case["canonical"])
    assert (document.formatted, document.first_three) == (case["formatted"], case["canonical"][:3])


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case["input"] or "empty")
def test_an_invalid_document_is_refused_without_repeating_it(case: dict[str, Any]) -> None:
    """The reason can be logged: it holds nothing of what was typed."""
    found = read_document(case["input"])
    assert isinstance(found, NotADocument)
    assert len(case["input"]) < 4 or case["input"] not in found.reason


@given(st.text(alphabet="0123456789", min_size=11, max_size=14))
def test_numeric_documents_are_judged_like_an_independent_library_does(text: str) -> None:
    """CPF and numeric CNPJ of any digits (equal digits apart, which one of the two lets pass)."""
    if len(set(text)) > 1:
        assert isinstance(read_document(text), Document) == (cpf.is_valid(text) or cnpj.is_valid(text))


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=12, max_size=12), st.integers(0, 99))
def test_alphanumeric_documents_are_judged_like_an_independent_library_does(body: str, ending: int) -> None:
    """Any twelve letters and digits: the library's check digits are ours, and other two are refused."""
    if len(set(body)) > 1:
        right = cnpj.calc_check_digits(body)
        assert isinstance(read_document(body + right), Document)
        assert isinstance(read_document(f"{body}{ending:02d}"), Document) == (f"{ending:02d}" == right)


@pytest.mark.parametrize(
    *table("""
    document            masked
    529.982.247-25      •••.982.247-••
    11.222.333/0001-81  ••.•22.333/0001-••
    12.ABC.345/01DE-35  ••.•BC.345/01DE-••  # the third character of a CNPJ stands behind the first point
""")
)
def test_a_masked_document_shows_neither_its_first_three_characters_nor_its_check_digits(
    document: str, masked: str
) -> None:
    """The first three are what a debtor is asked for, so nobody else sees them."""
    found = read_document(document)
    assert isinstance(found, Document)
    assert found.masked == masked
