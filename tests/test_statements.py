"""Bank statements are read as banks write them: both OFX, and tables with whatever stands around them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.statements.reading import NoStatement, read_statement
from bot.statements.values import Unreadable, cents_of, day_of

E2E = "E00038166202611231500abcdefghijk"
TXID = "abcdefghijklmnopqrstuvwx2"
SGML = f"""OFXHEADER:100
DATA:OFXSGML
ENCODING:USASCII
CHARSET:1252

<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>
<BANKACCTFROM><BANKID>001<ACCTID>12345-6<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST>
<STMTTRN>
<TRNTYPE>CREDIT
<DTPOSTED>20261123120000[-3:BRT]
<TRNAMT>349.90
<FITID>N10001
<MEMO>Pix recebido {E2E} JOSE &amp; FILHOS
</STMTTRN>
<STMTTRN>
<TRNTYPE>DEBIT
<DTPOSTED>20261123
<TRNAMT>-20,00
<FITID>N10002
<MEMO>Tarifa
</STMTTRN>
<STMTTRN>
<TRNTYPE>CREDIT
<DTPOSTED>20261399
<TRNAMT>x
<FITID>N10003
</STMTTRN>
</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""
XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<?OFX OFXHEADER="200" VERSION="211"?>
<OFX><STMTRS><BANKACCTFROM><ACCTID>9</ACCTID></BANKACCTFROM>
<STMTTRN><TRNTYPE>CREDIT</TRNTYPE><DTPOSTED>20261124</DTPOSTED><TRNAMT>1.234,56</TRNAMT><FITID>7</FITID>
<NAME>PIX</NAME><MEMO>{TXID.upper()}</MEMO></STMTTRN></STMTRS></OFX>"""
TABLE = """Extrato de conta corrente;;;
Agência 0001 Conta 12345-6;;;

Data;Lançamento;Documento;Valor (R$)
23/11/2026;Pix recebido - Ana;0001;"1.349,90"
23/11/2026;Pix recebido - Ana;0001;"1.349,90"
23/11/2026;Tarifa bancária;0002;-20,00
24/11/2026;Pix recebido;0003;12,3,4
 ;SALDO DO DIA;;"2.679,80"
""".encode("cp1252")
TWO_COLUMNS = b"data,historico,credito,debito\n2026-11-23,Pix,100.00,\n2026-11-24,Boleto pago,,50.00\n"


def test_ofx_as_banks_write_it() -> None:
    read = read_statement(SGML.encode("cp1252"))
    [line] = read.lines
    assert (line.booked_on, line.amount_cents, line.end_to_end_id) == (date(2026, 11, 23), 34_990, E2E)
    assert (line.key, "JOSE & FILHOS" in line.text, read.debits) == (E2E, True, 1)
    assert [(e.line, e.field) for e in read.errors] == [(23, "DTPOSTED"), (23, "TRNAMT")]


def test_ofx_as_xml_with_our_txid_in_its_words() -> None:
    [line] = read_statement(XML.encode()).lines
    assert (line.booked_on, line.amount_cents, line.txids) == (date(2026, 11, 24), 123_456, (TXID,))
    assert line.key.startswith("S")
    assert len(line.key) == 32


def test_a_table_with_a_preamble_totals_and_two_payments_that_are_alike() -> None:
    read = read_statement(TABLE)
    assert [line.amount_cents for line in read.lines] == [134_990, 134_990]
    assert len({line.key for line in read.lines}) == 2
    assert read.debits == 1
    assert [(e.line, e.field) for e in read.errors] == [(8, "valor (r$)")]


def test_credits_and_debits_in_columns_of_their_own() -> None:
    read = read_statement(TWO_COLUMNS)
    assert ([line.amount_cents for line in read.lines], read.debits, read.errors) == ([10_000], 1, ())


def test_a_statement_that_overlaps_brings_the_same_keys() -> None:
    longer = SGML.replace("</BANKTRANLIST>", SGML[SGML.index("<STMTTRN>") : SGML.index("</STMTTRN>")].replace(
        "N10001", "N9").replace(E2E, "outro") + "</STMTTRN></BANKTRANLIST>")  # fmt: skip
    assert {line.key for line in read_statement(SGML.encode()).lines} < {
        line.key for line in read_statement(longer.encode()).lines
    }


@pytest.mark.parametrize("source", [b"", b"  \n", b"nome;idade\nAna;3\n", b"%PDF-1.7 ...", "ação".encode("utf-16")])
def test_what_is_no_statement_is_refused(source: bytes) -> None:
    with pytest.raises(NoStatement):
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
        ("20,00 D", -2_000),
        ("20,00 C", 2_000),
        ("20,00-", -2_000),
        ("1.234", 123_400),
        ("7", 700),
        ("7,5", 750),
    ],
)
def test_amounts_as_banks_write_them(written: str, cents: int) -> None:
    assert cents_of(written) == cents


@pytest.mark.parametrize("written", ["", "x", "1,2,3", "12.34.56,78", "1.23.4", "9" * 30])
def test_what_is_no_amount_is_told(written: str) -> None:
    with pytest.raises(Unreadable):
        cents_of(written)


@pytest.mark.parametrize("written", ["2026-13-01", "31/02/2026", "ontem", ""])
def test_what_is_no_day_is_told(written: str) -> None:
    with pytest.raises(Unreadable):
        day_of(written)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_make_it_fail(source: bytes) -> None:
    for prefix in (b"", b"<OFX><STMTTRN><TRNAMT>", b"data;valor\n"):
        try:
            read_statement(prefix + source)
        except NoStatement:
            continue
