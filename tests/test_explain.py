"""The policy said aloud: every condition and every term in Portuguese, none left out."""

from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from flows.explain import explain
from tests.test_policy import read

LOCALES = Path(__file__).parent.parent / "locales"


@cache
def catalogues() -> list[Catalog]:
    """What is said in Portuguese."""
    return [read_po(BytesIO(file.read_bytes()), locale="pt_BR") for file in sorted(LOCALES.rglob("*.po"))]


def portuguese(msgid: str) -> str:
    """The catalogue's text; a missing one is a mistake."""
    for catalogue in catalogues():
        found = catalogue.get(msgid)
        if found is not None and found.string:
            assert isinstance(found.string, str)
            return found.string
    raise AssertionError(f"no Portuguese for {msgid!r}")


def test_the_sample_is_said_in_sentences() -> None:
    lines = explain(read(), portuguese)
    said = "\n".join(lines).replace("\xa0", " ")
    assert lines[0] == "“Política padrão de negociação” (padrao): vale de 01/01/2026 a 31/12/2027."
    for part in (
        "multa de 2% sobre o principal",
        "Nenhuma oferta perdoa mais de 30% do total atualizado nem tem mais de 12 parcelas.",
        "“acima-da-alcada” — total atualizado de R$ 20.000,00 ou mais:",
        "quem decide é a fila “financeiro”",
        "“pagamento-antecipado” — até 2 dias antes do vencimento:",
        "“atraso-recente” — de 1 a 30 dias de atraso:",
        "com desconto de 10% do principal, 100% da multa, 100% dos juros",
        "de 2x a 12x; sem desconto; entrada de 20% do total com desconto; juros de 0,99% ao mês (Tabela Price)",
        "parcela mínima de R$ 50,00; primeiro pagamento em até 5 dias",
        "sem nenhuma das etiquetas: juridico",
        "prometer pagar em até 7 dias",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("{days_overdue: {to: 0}}", "até o dia do vencimento"),
        ("{days_overdue: {from: 5}}", "a partir de 5 dias de atraso"),
        ("{days_overdue: {from: -7, to: -2}}", "de 7 a 2 dias antes do vencimento"),
        ("{days_overdue: {from: -1, to: 3}}", "de 1 dia antes do vencimento a 3 dias de atraso"),
        ("{days_overdue: {from: 1, to: 1}}", "1 dia de atraso"),
        ("{total: {to: 100.00}}", "total atualizado de até R$ 100,00"),
        ("{total: {from: 1.00, to: 2.00}}", "total atualizado de R$ 1,00 a R$ 2,00"),
        ("{tags: {any: [a, b]}}", "com alguma das etiquetas: a, b"),
        (
            "{tags: {all: [a]}, late_before: {from: 2}}",
            "com todas as etiquetas: a; já pagou com atraso 2 vezes ou mais",
        ),
        ("{late_before: {to: 0}}", "já pagou com atraso no máximo 0 vezes"),
        ("{late_before: {from: 1, to: 2}}", "já pagou com atraso de 1 a 2 vezes"),
        ("{}", "qualquer dívida"),
    ],
)
def test_each_condition_has_its_words(when: str, said: str) -> None:
    lines = explain(read(("when: {days_overdue: {from: 1, to: 30}}", f"when: {when}")), portuguese)
    assert f"3. “atraso-recente” — {said}:" in [line.replace("\xa0", " ") for line in lines]


def test_open_ends_and_grace_are_said() -> None:
    policy = read(
        ("valid: {from: 2026-01-01, until: 2027-12-31}", "valid: {until: 2027-12-31}"),
        ("grace_days: 0", "grace_days: 1"),
    )
    lines = explain(policy, portuguese)
    assert lines[0].endswith("vale até 31/12/2027.")
    assert "1 dia depois do vencimento" in lines[2]
