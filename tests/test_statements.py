"""Bank statements are read as banks write them: both OFX, and tables with whatever stands around them."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.statements.lines import Statement
from bot.statements.reading import NoStatement, read_statement
from bot.statements.values import Unreadable, cents_of, day_of

SAMPLES = Path(__file__).parent / "statements"
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def sample(name: str) -> Statement:
    return read_statement((SAMPLES / name).read_bytes())


def table(*rows: str, header: str = "Data;Histórico;Documento;Valor") -> Statement:
    return read_statement("\n".join((header, *rows)).encode())


@pytest.mark.parametrize(
    ("name", "credits", "debits", "errors"),
    [
        # The second is never closed, and names the other side's account; a fee without its minus; a day and an amount
        # that are none.
        ("aurora_sgml.ofx", [(MONDAY, 34_990), (MONDAY, 125_000)], 1, [(38, "DTPOSTED"), (38, "TRNAMT")]),
        ("ipe_xml.ofx", [(TUESDAY, 123_456)], 1, []),
        # Preamble, balances, words under a line, sums, words below.
        ("jequitiba.csv", [(MONDAY, 134_990)] * 2, 1, [(11, "credito"), (12, "data")]),
        # A comma within an amount that is not quoted makes two fields of it.
        ("manaca.csv", [(MONDAY, 34_990)], 1, [(4, "")]),
        # The sign has a column of its own; the same number of document on two days.
        ("caixeta.csv", [(MONDAY, 34_990), (TUESDAY, 34_990)], 1, []),
        ("guarana.tsv", [(MONDAY, 123_456), (TUESDAY, 8_000)], 0, []),
    ],
)
def test_statements_as_banks_write_them(
    name: str, credits: Sequence[tuple[date, int]], debits: int, errors: Sequence[tuple[int, str]]
) -> None:
    read = sample(name)
    assert [(line.booked_on, line.amount_cents) for line in read.lines] == credits
    assert (read.debits, [(e.line, e.field) for e in read.errors]) == (debits, errors)
    assert len({line.key for line in read.lines}) == len(read.lines)


def test_identifiers_are_found_in_the_words() -> None:
    first, second = sample("aurora_sgml.ofx").lines
    assert (first.key, "José & Filhos" in first.text) == ("E99900011202611231500abcdefghijk", True)
    assert (second.key[0], len(second.key)) == ("S", 32)
    [xml] = sample("ipe_xml.ofx").lines
    assert (xml.txids, "A & B" in xml.text) == (("abcdefghijklmnopqrstuvwx2",), True)
    pix, returned = sample("guarana.tsv").lines
    assert (pix.key, pix.comes_back, returned.comes_back) == ("E99900011202611231500ABCDEFGHIJK", False, True)


def test_a_statement_that_overlaps_brings_the_same_keys() -> None:
    whole = (SAMPLES / "aurora_sgml.ofx").read_bytes()
    begin, end = whole.index(b"<STMTTRN>"), whole.index(b"</STMTTRN>") + len(b"</STMTTRN>")
    shorter = whole[:begin] + whole[end:]
    assert {line.key for line in read_statement(shorter).lines} == {
        line.key for line in sample("aurora_sgml.ofx").lines[1:]
    }


def test_the_number_of_a_document_that_comes_again_on_another_day_is_another_payment() -> None:
    lines = table("23/11/2026;PIX;0;10,00").lines + table("23/12/2026;PIX;0;10,00").lines
    assert len({line.key for line in lines}) == 2


def test_a_balance_that_the_bank_corrects_makes_no_other_payment_of_a_line() -> None:
    header = "Data;Histórico;Valor;Saldo"
    [before] = table("23/11/2026;PIX;10,00;10,00", header=header).lines
    [after] = table("23/11/2026;PIX;10,00;35,00", header=header).lines
    assert (before.key, before.text) == (after.key, "PIX")


def test_two_that_are_alike_on_one_day_stay_two_also_when_the_second_comes_later() -> None:
    row = "23/11/2026;PIX;;10,00"
    [noon], evening = table(row).lines, table(row, row).lines
    assert {line.key for line in evening} > {noon.key}
    assert len(evening) == 2


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("ontem;PIX;1;10,00", "data"),
        ("23/11/2026;PIX;1;", "valor"),
        ("23/11/2026;PIX;1;1.234", "valor"),
        ('23/11/2026;"PIX;1;10,00', ""),
        ("23/11/2026;PIX;1;10;00", ""),
        ("23/11/2026", ""),
        ("23/11/1926;PIX;1;10,00", "data"),
    ],
)
def test_a_bad_line_is_told_and_keeps_no_other_out(row: str, field: str) -> None:
    read = table("23/11/2026;PIX;1;10,00", row, "24/11/2026;PIX;2;20,00")
    assert [line.amount_cents for line in read.lines] == [1_000, 2_000]
    assert [(e.line, e.field) for e in read.errors] == [(3, field)]


@pytest.mark.parametrize(
    "row",
    [
        "23/11/2026;SALDO DO DIA;;10,00", "00/00/0000;S A L D O;;10,00", "Total;;;10,00", ";Total de créditos;;10,00",
        "Data;Histórico;Documento;Valor", ";;;", "", "Consulta feita às 10h", ";REM: ANA;;",
    ],
)  # fmt: skip
def test_what_banks_write_between_and_below_the_lines_is_none(row: str) -> None:
    read = table("23/11/2026;PIX;1;10,00", row, "24/11/2026;PIX;2;20,00")
    assert ([line.amount_cents for line in read.lines], read.debits, read.errors) == ([1_000, 2_000], 0, ())


def test_whoever_is_called_after_a_balance_is_a_payer_all_the_same() -> None:
    assert len(table("23/11/2026;Saldoval Comércio;1;10,00", "23/11/2026;Total Serviços;2;10,00").lines) == 2


def test_a_file_that_was_cut_off_does_not_lend_its_last_amount() -> None:
    source = (SAMPLES / "aurora_sgml.ofx").read_bytes()
    read = read_statement(source[: source.index(b"1.250,00") + 1])
    assert [line.amount_cents for line in read.lines] == [34_990]
    assert [(e.line, e.field, e.reason) for e in read.errors] == [(24, "", "the file ends within it; export it again")]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n\n", "empty"),
        (b"nome;idade\nAna;3\n", "neither"),
        (b"%PDF-1.7 ...", "neither"),
        (b"PK\x03\x04", "neither"),
        ("ação".encode("utf-16"), "neither"),
        (b" " * (32 * 1024 * 1024 + 1), "larger"),
    ],
)
def test_what_is_no_statement_is_refused_with_what_to_do(source: bytes, why: str) -> None:
    with pytest.raises(NoStatement, match=f"{why}.*export"):
        read_statement(source)


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ("1234.56", 123_456),
        ("1.234,56", 123_456),
        ("1,234.56", 123_456),
        ("R$ 1.234,56", 123_456),
        ("-20,00", -2_000),
        ("R$ -20,00", -2_000),
        ("- R$ 20,00", -2_000),
        ("\u221220,00", -2_000),
        ("20,00 D", -2_000),
        ("20,00 C", 2_000),
        ("20,00-", -2_000),
        ("1.234.567", 123_456_700),
        ("7", 700),
        ("7,5", 750),
        (",50", 50),
    ],
)
def test_amounts_as_banks_write_them(written: str, cents: int) -> None:
    assert cents_of(written) == cents


@pytest.mark.parametrize(
    "written", ["", "x", ".", "1,2,3", "12.34.56,78", "1.23.4", "1.234", "1,234", "1234.567,00", "9" * 30]
)
def test_what_is_no_amount_or_two_is_told(written: str) -> None:
    with pytest.raises(Unreadable):
        cents_of(written)


@given(st.integers(0, 10_000_000_000))
def test_an_amount_reads_the_same_however_it_is_grouped(cents: int) -> None:
    reais, rest = divmod(cents, 100)
    english = f"{reais:,}.{rest:02}"
    brazilian = english.translate(str.maketrans(",.", ".,"))
    assert {cents_of(w) for w in (f"{reais}.{rest:02}", f"{reais},{rest:02}", english, brazilian)} == {cents}


@pytest.mark.parametrize("written", ["23/11/2026", "23/11/26", "23-11-2026", "23.11.2026", "2026-11-23", "20261123",
                                     "2026-11-23T21:30:00", "23/11/2026 21:30", "20261123120000[-3:BRT]",
                                     "20261123000000[0:GMT]"])  # fmt: skip
def test_days_as_banks_write_them(written: str) -> None:
    assert day_of(written) == MONDAY


@pytest.mark.parametrize("written", ["2026-13-01", "31/02/2026", "ontem", "", "1926-11-23", "23/11", "23/11/202"])
def test_what_is_no_day_is_told(written: str) -> None:
    with pytest.raises(Unreadable):
        day_of(written)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from("ab")), max_size=8), st.integers(0, 3))
def test_later_days_below_change_no_key_above(rows: list[tuple[int, int, str]], until: int) -> None:
    def keys(last: int) -> list[str]:
        days = sorted(row for row in rows if row[0] <= last)
        written = [f"{MONDAY + timedelta(days=d):%d/%m/%Y};{text};;{cents},00" for d, cents, text in days]
        return [line.key for line in table(*written).lines]

    assert keys(3)[: len(keys(until))] == keys(until)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_make_it_fail(source: bytes) -> None:
    for prefix in (b"", b"<OFX><STMTTRN><TRNAMT>", b"data;valor\n", b"data,credito,debito\n", b"\xff\xfe"):
        try:
            read_statement(prefix + source)
        except NoStatement:
            continue


@given(st.integers(0, 2000))
def test_a_statement_cut_off_anywhere_tells_no_other_amount(length: int) -> None:
    source = (SAMPLES / "aurora_sgml.ofx").read_bytes()
    try:
        read = read_statement(source[:length])
    except NoStatement:
        return
    assert [line.amount_cents for line in read.lines] == [34_990, 125_000][: len(read.lines)]
