"""CPF and CNPJ against the vectors and a library that others wrote."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.br import cnpj, cpf

from payments.documents import Document, NotADocument, read_document

VECTORS = json.loads((Path(__file__).parent / "vectors/pix/documents-vectors.json").read_text(encoding="utf-8"))
KINDS = ("cpf", "cnpj_numeric", "cnpj_alphanumeric")
VALID = [case for kind in KINDS for case in VECTORS[kind]["valid"]]
INVALID = [case for kind in KINDS for case in VECTORS[kind]["invalid"]]


@pytest.mark.parametrize("case", VALID, ids=lambda case: case["input"])
def test_a_valid_document_is_read_in_its_canonical_form(case: dict[str, Any]) -> None:
    """With or without punctuation, letters in either case."""
    document = read_document(case["input"])
    assert isinstance(document, Document)
    assert (document.canonical, document.formatted) == (case["canonical"], case["formatted"])


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


def test_a_masked_document_shows_neither_its_beginning_nor_its_check_digits() -> None:
    """The first three digits are what a debtor is asked for, so nobody else sees them."""
    document = read_document("529.982.247-25")
    assert isinstance(document, Document)
    assert document.masked == "•••.982.247-••"
