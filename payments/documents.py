"""CPF and CNPJ: reading, checking, writing and masking them. Always text: they have leading zeros and, since July 2026,
letters.

Check digits: modulo 11 (Receita Federal; alphanumeric CNPJ: IN RFB 2.229/2024, a character counts as its ASCII code
less 48).
"""

import re
from dataclasses import dataclass
from typing import Literal

_PUNCTUATION = re.compile(r"[.\-/\s]")
_CPF = re.compile(r"[0-9]{11}")
_CNPJ = re.compile(r"[0-9A-Z]{12}[0-9]{2}")


@dataclass(frozen=True, slots=True)
class NotADocument:
    """Why a text is neither CPF nor CNPJ. The reason never repeats the text."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A valid CPF or CNPJ in canonical form: no punctuation, upper case."""

    kind: Literal["cpf", "cnpj"]
    canonical: str

    @property
    def formatted(self) -> str:
        """With its punctuation: 529.982.247-25, 11.222.333/0001-81."""
        c = self.canonical
        if self.kind == "cpf":
            return f"{c[:3]}.{c[3:6]}.{c[6:9]}-{c[9:]}"
        return f"{c[:2]}.{c[2:5]}.{c[5:8]}/{c[8:12]}-{c[12:]}"

    @property
    def masked(self) -> str:
        """The government's way of showing one: •••.982.247-••, ••.•22.333/0001-••. Neither the first three nor the
        check digits.
        """
        hidden = 3 if self.kind == "cpf" else 4  # the third character of a CNPJ stands behind its first point
        shown = self.formatted
        return re.sub(r"[0-9A-Z]", "•", shown[:hidden]) + shown[hidden:-2] + "••"

    @property
    def first_three(self) -> str:
        """What a debtor is asked for."""
        return self.canonical[:3]


def read_document(text: str) -> Document | NotADocument:
    """Return the document written in `text`, with or without punctuation, or why it is none."""
    canonical = _PUNCTUATION.sub("", text).upper()
    if _CPF.fullmatch(canonical):
        if len(set(canonical)) == 1:
            return NotADocument("a CPF of eleven equal digits does not exist")
        if canonical[9:] != _digits(canonical[:9], longest=11):
            return NotADocument("the check digits of the CPF are wrong")
        return Document(kind="cpf", canonical=canonical)
    if _CNPJ.fullmatch(canonical):
        if len(set(canonical)) == 1:
            return NotADocument("a CNPJ of equal digits does not exist")
        if canonical[12:] != _digits(canonical[:12], longest=9):
            return NotADocument("the check digits of the CNPJ are wrong")
        return Document(kind="cnpj", canonical=canonical)
    return NotADocument("a CPF has 11 digits, a CNPJ 14 characters")


def _digits(body: str, *, longest: int) -> str:
    """The two check digits that follow `body`; weights 2, 3, … from the right, beginning again after `longest`."""
    for _ in range(2):
        total = sum((ord(c) - 48) * (2 + k % (longest - 1)) for k, c in enumerate(reversed(body)))
        rest = total % 11
        body += "0" if rest < 2 else str(11 - rest)
    return body[-2:]
