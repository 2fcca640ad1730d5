"""Papers by themselves: every amount and name on them in figures and words, one page, the same bytes for the same
words, and calendars that another program reads."""

import hashlib
import re
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.papers.contents import Due, Kind, Paper, PaperDebt, Party, QuittancePaper, digest, from_json, to_json
from bot.papers.in_words import in_words, reais_in_words
from bot.papers.making import make
from tests.papers import (
    AT,
    DEBT,
    DUES,
    RULES,
    calendar_paper,
    events,
    pdf,
    quittance_paper,
    receipt_paper,
    terms_paper,
    words,
)
from tests.source import ROOT
from tests.tables import table
from tests.talking import texts

PAPERS: dict[Kind, Paper] = {
    "terms": terms_paper(),
    "quittance": quittance_paper(),
    "receipt": receipt_paper(),
    "calendar": calendar_paper(),
}


@pytest.mark.parametrize(
    *table("""
        cents           | words
        0               | zero reais
        1               | um centavo
        50              | cinquenta centavos
        100             | um real
        101             | um real e um centavo
        200             | dois reais
        1600            | dezesseis reais
        2100            | vinte e um reais
        10000           | cem reais
        10100           | cento e um reais
        99999           | novecentos e noventa e nove reais e noventa e nove centavos
        100000          | mil reais
        100100          | mil e um reais
        110000          | mil e cem reais
        110100          | mil cento e um reais
        123456          | mil duzentos e trinta e quatro reais e cinquenta e seis centavos
        150000          | mil e quinhentos reais
        210015          | dois mil e cem reais e quinze centavos
        1400000         | catorze mil reais
        10000000        | cem mil reais
        20010000        | duzentos mil e cem reais
        100000000       | um milhão de reais
        100000001       | um milhão de reais e um centavo
        100000100       | um milhão e um reais
        120000000       | um milhão e duzentos mil reais
        123456789       | um milhão duzentos e trinta e quatro mil quinhentos e sessenta e sete reais e oitenta e nove centavos
        200000000       | dois milhões de reais
        100000000000    | um bilhão de reais
        200100000000    | dois bilhões e um milhão de reais
    """)  # noqa: E501  # one amount a line
)
def test_an_amount_in_words(cents: int, words: str) -> None:
    assert reais_in_words(cents) == words


@pytest.mark.parametrize("cents", [-1, 10**17])
def test_what_is_no_amount_is_refused(cents: int) -> None:
    with pytest.raises(ValueError, match="amount"):
        reais_in_words(cents)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_no_two_numbers_have_the_same_words(one: int, other: int) -> None:
    assert (in_words(one) == in_words(other)) is (one == other)
    assert not re.search(r"  | $|^ |\be e\b| e$", in_words(one))


@pytest.mark.parametrize("kind", PAPERS)
def test_a_paper_survives_its_json_and_has_one_digest(kind: Kind) -> None:
    paper = PAPERS[kind]
    assert from_json(kind, to_json(paper)) == paper
    assert digest(paper) == hashlib.sha256(to_json(paper).encode()).hexdigest()


@pytest.mark.parametrize("kind", PAPERS)
def test_the_same_paper_is_the_same_bytes(kind: Kind) -> None:
    assert make(PAPERS[kind], texts()) == make(PAPERS[kind], texts())


def test_another_process_on_another_day_makes_the_same_bytes() -> None:
    code = (
        "import hashlib, time_machine\n"
        "from bot.papers.making import make\nfrom tests.papers import terms_paper\nfrom tests.talking import texts\n"
        "with time_machine.travel('2031-05-06T07:08:09Z'):\n"
        "    print(hashlib.sha256(make(terms_paper(), texts())).hexdigest())"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == hashlib.sha256(make(terms_paper(), texts())).hexdigest()


def test_the_terms_say_everything_that_was_agreed() -> None:
    said = words(make(terms_paper(), texts()))
    for each in (
        "Termo de acordo", "Acordo nº 12",
        "Escola Aurora Ltda · CNPJ 11.222.333/0001-81 · Rua das Laranjeiras, 120",
        "Maria Aparecida Souza · CPF •••.982.247-••",
        "Mensalidade de outubro", "NF-0810", "05/10/2026", "R$ 699,80 (seiscentos e noventa e nove reais e oitenta",
        "Quanto custava em 01/12/2026", "Multa R$ 14,00", "Juros R$ 13,30", "Desconto − R$ 14,00",
        "Juros do parcelamento R$ 19,98", "R$ 733,08", "(setecentos e trinta e três reais e oito centavos)",
        "Entrada 01/12/2026 cem reais R$ 100,00", "1/2 10/01/2027", "2/2 10/02/2027", "R$ 316,53",
        "Juros: 1,00% ao mês. Custo efetivo total (CET): 12,68% ao ano.",
        "multa de 2,00% e juros de 1,00% ao mês", "Com mais de 30 dias de atraso, ou 2 parcelas",
        "Quem paga antes do vencimento paga menos juros", "Mudança de data: 2, de até 10 dias.",
        "01/12/2026, às 12:03:04 (UTC-03:00)", "wamid.HBgN", "Política padrão (padrao)", "ab" * 32,
        digest(terms_paper()), "Página 1 de 1",
    ):  # fmt: skip
        assert each in said, each


def test_terms_in_cash_say_what_the_discount_hangs_on_and_nothing_of_instalments() -> None:
    paper = terms_paper(
        in_cash=True, payments=(Due(n=1, due_on=date(2026, 12, 3), amount_cents=71310),), total_cents=71310,
        interest_percent_month=Decimal(0), cet_percent_year=Decimal(0),
    )  # fmt: skip
    said = words(make(paper, texts()))
    assert "O desconto vale para o pagamento integral até a data acima" in said
    assert "CET" not in said
    assert "parcelamento" not in said


@pytest.mark.parametrize(
    *table("""
        days | missed | said
        30   | 2      | Com mais de 30 dias de atraso, ou 2 parcelas em atraso
        30   | -      | Com mais de 30 dias de atraso, o acordo termina
        -    | 2      | Com 2 parcelas em atraso
        -    | -      | Se um pagamento não for feito
    """)
)
def test_what_ends_an_agreement_is_said_as_it_was_sealed(days: int | None, missed: int | None, said: str) -> None:
    rules = type(RULES)(
        fine_percent=RULES.fine_percent, interest_percent_month=RULES.interest_percent_month, broken_days_late=days,
        broken_missed=missed, date_changes=0, date_change_days=0,
    )  # fmt: skip
    written = words(make(terms_paper(rules=rules), texts()))
    assert said in written
    assert "Mudança de data" not in written


def test_the_quittance_has_what_the_civil_code_asks_for() -> None:
    said = words(make(quittance_paper(), texts()))
    for each in (
        "Termo de quitação", "Mensalidade de outubro", "NF-0810",
        "E" + "1" * 31, "01/12/2026, às 12:03:04 (UTC-03:00)", "R$ 100,00",
        "E" + "2" * 31, "10/12/2026, às 12:03:04", "R$ 600,00", "parte de um pagamento de R$ 650,00",
        "Escola Aurora Ltda declara ter recebido de Maria Aparecida Souza a quantia de R$ 700,00 (setecentos reais)",
        "dá plena, geral e irrevogável quitação da dívida descrita acima", "arts. 319 e 320",
        "Lugar do pagamento: junto ao credor acima", "Quitado em 10/12/2026, às 12:03:04 (UTC-03:00).",
    ):  # fmt: skip
        assert each in said, each


def test_a_quittance_of_several_debts_names_each() -> None:
    other = PaperDebt(external_id="NF-0811", description="Material", due_on=date(2026, 11, 5), principal_cents=8950)
    said = words(make(quittance_paper(debts=(DEBT, other), number=None), texts()))
    assert "quitação das dívidas descritas acima" in said
    assert "NF-0810" in said
    assert "NF-0811" in said
    assert "Acordo nº" not in said


def test_the_receipt_says_what_the_payment_settled_and_what_is_left() -> None:
    said = words(make(receipt_paper(), texts()))
    for each in (
        "Recibo de pagamento", "R$ 109,43", "(cento e nove reais e quarenta e três centavos)", "E" + "1" * 31,
        "Mensalidade de outubro · Parcela 2 de 6 do acordo", "Principal R$ 107,43", "Multa R$ 2,15",
        "Desconto − R$ 0,15", "Pago aqui R$ 109,43", "Em 01/12/2026, daquilo a que",
        "falta pagar R$ 429,72", "Próximo vencimento: 10/03/2027.",
    ):  # fmt: skip
        assert each in said, each


@pytest.mark.parametrize(
    *table("""
        settled | surplus | left  | said
        yes     | 0       | 0     | não falta pagar nada
        yes     | 500     | 0     | R$ 5,00 (cinco reais) deste pagamento ficou sem destino
        no      | 10943   | 0     | Este pagamento ainda não foi ligado a uma dívida
    """)
)
def test_what_is_left_after_a_payment(settled: bool, surplus: int, left: int, said: str) -> None:
    paper = receipt_paper(
        settled=receipt_paper().settled if settled else (), surplus_cents=surplus, left_cents=left, next_due_on=None
    )
    assert said in words(make(paper, texts()))


@pytest.mark.parametrize("kind", ["terms", "quittance", "receipt"])
def test_a_paper_is_one_page_that_carries_its_letters_and_tells_no_program_who_it_is_about(kind: Kind) -> None:
    read = pdf(make(PAPERS[kind], texts()))
    assert len(read.pages) == 1
    fonts: Any = read.pages[0]["/Resources"]
    assert all("/FontFile2" in f["/DescendantFonts"][0]["/FontDescriptor"] for f in fonts["/Font"].values())
    about = str(read.metadata)
    assert "Maria" not in about
    assert "982" not in about


def test_a_long_agreement_goes_on_with_its_heads_and_its_page_numbers() -> None:
    dues = tuple(Due(n=n, due_on=date(2027, 1, 10) + timedelta(days=30 * n), amount_cents=999) for n in range(1, 61))
    read = pdf(make(terms_paper(payments=dues, total_cents=999 * 60), texts()))
    pages = [" ".join(page.extract_text().split()) for page in read.pages]
    assert len(pages) == 3
    assert all(f"Página {number} de 3" in page for number, page in enumerate(pages, start=1))
    assert all("Vencimento Valor por extenso" in page for page in pages if "R$ 9,99" in page)
    assert sum(page.count("nove reais e noventa e nove centavos R$ 9,99") for page in pages) == 60


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Łukasz Ñandú-D’Ávila", "Łukasz Ñandú-D’Ávila"),
        ("Jose\u0301", "José"),  # the accent as a sign of its own
        ("Ana \U0001f600", "Ana ?"),
        ("Ana\x07 \u202eSouza", "Ana Souza"),  # a bell, and a turn of direction
        ("\U0001d40caria", "Maria"),  # a mathematical letter
    ],
)
def test_a_name_of_any_letters_is_written(name: str, written: str) -> None:
    paper = quittance_paper(debtor=Party(name=name, document="•••.982.247-••"))
    assert f"recebido de {written} a quantia" in words(make(paper, texts()))


names = st.text(max_size=80)


@settings(max_examples=20)
@given(names, names, st.integers(1, 10**12))
def test_no_words_and_no_amount_break_a_paper(name: str, description: str, cents: int) -> None:
    debt = PaperDebt(external_id="1", description=description, due_on=DEBT.due_on, principal_cents=cents)
    paper: Paper = quittance_paper(debtor=Party(name=name), debts=(debt,))
    assert isinstance(paper, QuittancePaper)
    assert make(paper, texts()).startswith(b"%PDF-1.")


def test_a_calendar_has_one_event_a_day_for_each_payment_with_an_alarm_the_day_before() -> None:
    found = events(make(calendar_paper(), texts()))
    assert [e["DTSTART"].dt for e in found] == [due.due_on for due in DUES]
    assert all(e["DTEND"].dt == e["DTSTART"].dt + timedelta(days=1) for e in found)
    assert [str(e["SUMMARY"]) for e in found] == [
        "Pagar R$ 100,00 a Escola Aurora Ltda",
        "Pagar R$ 316,55 a Escola Aurora Ltda",
        "Pagar R$ 316,53 a Escola Aurora Ltda",
    ]
    assert str(found[0]["DESCRIPTION"]).startswith("Entrada do seu acordo.")
    assert str(found[1]["DESCRIPTION"]).startswith("Parcela 1 de 2 do seu acordo.")
    alarms = [alarm for e in found for alarm in e.walk("VALARM")]
    assert [alarm["TRIGGER"].dt for alarm in alarms] == [timedelta(hours=-15)] * 3
    assert {e["DTSTAMP"].dt for e in found} == {AT}


def test_a_moved_date_keeps_its_event() -> None:
    moved = (DUES[0], Due(n=1, due_on=date(2027, 1, 20), amount_cents=31655), DUES[2])
    before = events(make(calendar_paper(), texts()))
    after = events(make(calendar_paper(payments=moved, revision=1), texts()))
    assert [e["UID"] for e in before] == [e["UID"] for e in after]
    assert len({e["UID"] for e in after}) == 3
    assert {e["SEQUENCE"] for e in after} == {1}


@given(st.text(max_size=200))
def test_any_creditor_makes_a_calendar_of_short_lines_that_is_read_back(creditor: str) -> None:
    file = make(calendar_paper(creditor=creditor), texts())
    lines = file.split(b"\r\n")
    assert lines[-1] == b""
    assert all(0 < len(line) <= 75 for line in lines[:-1])
    assert b"\n" not in b"".join(lines)
    file.decode()  # no letter is cut in two
    printable = " ".join("".join(c if c.isprintable() else " " for c in creditor).split())
    assert str(events(file)[0]["SUMMARY"]) == f"Pagar R$ 100,00 a {printable}".strip()
