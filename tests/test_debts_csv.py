"""The debts file as companies export it; a bad line is told and keeps nobody else out."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.debts_csv import DebtRow, RowError, read_debts
from tests.tables import table

HEADER = "external_id,customer_id,name,document,phone,email,amount,due_date,description,tags,opt_in"
ANA = (
    'NF-1001,C-001,Ana Souza,529.982.247-25,+55 11 98765-4321,ana@example.com,"349,90",30/11/2026,'
    "Mensalidade de novembro,plano-pro;recorrente,contrato 2026-01-10"
)
PADARIA = (
    "NF-1002,C-002,Padaria Pão Quente Ltda,11.222.333/0001-81,+55 21 99876-5432,,"
    '"1.234,56",2026-11-20,Compra 8841,,loja'
)


def file(*lines: str, header: str = HEADER, end: str = "\n") -> bytes:
    return end.join([header, *lines, ""]).encode()


def one(**changes: str) -> bytes:
    """A file of one good line with some fields changed."""
    fields = {
        "external_id": "1",
        "customer_id": "C-1",
        "name": "Ana Souza",
        "document": "52998224725",
        "phone": "11987654321",
        "email": "",
        "amount": "349.90",
        "due_date": "2026-11-30",
        "description": "Mensalidade",
        "tags": "",
        "opt_in": "",
    } | changes
    return file(",".join(f'"{value}"' for value in fields.values()))


def test_the_sample_reads() -> None:
    read = read_debts(file(ANA, PADARIA))
    assert read.errors == ()
    assert read.rows[0] == DebtRow(
        line=2,
        external_id="NF-1001",
        customer_id="C-001",
        name="Ana Souza",
        document="52998224725",
        phone="5511987654321",
        email="ana@example.com",
        amount_cents=34_990,
        due=date(2026, 11, 30),
        description="Mensalidade de novembro",
        tags=frozenset({"plano-pro", "recorrente"}),
        opt_in="contrato 2026-01-10",
    )
    assert (read.rows[1].amount_cents, read.rows[1].email, read.rows[1].tags) == (123_456, None, frozenset())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_any_export_reads_alike(encoding: str, end: str, separator: str) -> None:
    text = file(ANA, PADARIA, end=end).decode()
    if separator == ";":
        text = (
            text.replace('"349,90"', "349.90").replace('"1.234,56"', '"1.234,56"').replace("plano-pro;recorrente", "X")
        )
        text = text.replace("1.234,56", "1.234#56").replace(",", ";").replace("1.234#56", "1.234,56")
        text = text.replace("X", '"plano-pro;recorrente"')
    read = read_debts(text.encode(encoding))
    assert read == read_debts(file(ANA, PADARIA))
    assert read.rows[1].name == "Padaria Pão Quente Ltda"


@pytest.mark.parametrize(
    *table("""
    written       | cents
    "349.90"      | 34990
    "349,90"      | 34990
    "1.234,56"    | 123456
    "1234,56"     | 123456
    "1234.56"     | 123456
    "1.234.567,89"| 123456789
    "350"         | 35000
    "349,9"       | 34990
    "R$ 349,90"   | 34990
    "0,01"        | 1
    "0"           | -
    "0,00"        | -
    "-10,00"      | -
    "1.234"       | -          # thousands, or three decimals? asked back, never guessed
    "1,234"       | -
    "1,234.56"    | -
    "12.34,56"    | -
    "349,905"     | -
    "1e3"         | -
    "abc"         | -
    "٣٤"          | -          # digits, but of another script
    "99999999999" | -
    ""            | -
""")
)
def test_an_amount_is_exact_or_asked_back(written: str, cents: int | None) -> None:
    read = read_debts(one(amount=written))
    assert [row.amount_cents for row in read.rows] == ([cents] if cents else [])
    assert [error.field for error in read.errors] == ([] if cents else ["amount"])


@pytest.mark.parametrize(
    *table("""
    written    | day
    2026-11-30 | 2026-11-30
    30/11/2026 | 2026-11-30
    5/1/2026   | 2026-01-05
    31/11/2026 | -
    2026-02-29 | -
    30/11/26   | -
    2026/11/30 | -
    11-30-2026 | -
    30.11.2026 | -
    0202-11-30 | -
               | -
""")
)
def test_a_date_is_in_the_calendar(written: str, day: str | None) -> None:
    read = read_debts(one(due_date=written))
    assert [row.due.isoformat() for row in read.rows] == ([day] if day else [])
    assert [error.field for error in read.errors] == ([] if day else ["due_date"])


@pytest.mark.parametrize(
    *table("""
    written              | phone
    "+55 11 98765-4321"  | "5511987654321"
    "(11) 98765-4321"    | "5511987654321"
    "11987654321"        | "5511987654321"
    "5511987654321"      | "5511987654321"
    "011 98765-4321"     | "5511987654321"
    "11 8765-4321"       | "5511987654321"  # before the ninth digit
    "11 3456-7890"       | "551134567890"   # a landline has none
    "+1 202 555 0143"    | "12025550143"
    "123"                | -
    "nenhum"             | -
    "20 98765-4321"      | -                # no such area
    "119876543210000"    | -
""")
)
def test_a_phone_is_kept_as_chats_are_found_by(written: str, phone: str | None) -> None:
    read = read_debts(one(phone=written))
    assert [row.phone for row in read.rows] == ([phone] if phone else [])
    assert [error.field for error in read.errors] == ([] if phone else ["phone"])


def test_what_may_be_empty_may() -> None:
    (row,) = read_debts(one(phone="", description="", opt_in="")).rows
    assert (row.phone, row.description, row.opt_in) == (None, "1", None)


@pytest.mark.parametrize("field", ["external_id", "customer_id", "name", "document", "amount", "due_date"])
def test_what_may_not_be_empty_is_told(field: str) -> None:
    assert read_debts(one(**{field: " "})).errors == (RowError(line=2, field=field, reason="is empty"),)


@pytest.mark.parametrize("document", ["529.982.247-26", "111.111.111-11", "2998224725", "11.222.333/0001-82", "x"])
def test_a_document_that_is_none_is_told(document: str) -> None:
    assert [error.field for error in read_debts(one(document=document)).errors] == ["document"]


def test_every_mistake_of_a_line_is_told_and_never_the_value() -> None:
    read = read_debts(one(amount="segredo", due_date="segredo", phone="segredo", email="segredo", document="segredo"))
    assert {error.field for error in read.errors} == {"amount", "due_date", "phone", "email", "document"}
    assert "segredo" not in str(read.errors)


def test_a_bad_line_keeps_nobody_else_out_and_lines_are_counted_as_an_editor_does() -> None:
    read = read_debts(
        file(
            ANA,
            "",
            'NF-2,C-2,"Quebra\nde linha",52998224725,,,10.00,2026-11-30,x,,',  # lines 4 and 5
            'NF-3,C-3,"Aspas abertas,52998224725,,,10.00,2026-11-30,x,,',  # line 6
            "NF-4,C-4,Poucos,52998224725",  # line 7
            "NF-5,C-5,Muitos,52998224725,,,10.00,2026-11-30,x,,,demais",  # line 8
            ",,,,,,,,,,",
            PADARIA,  # line 10
        )
    )
    assert [(row.external_id, row.line) for row in read.rows] == [("NF-1001", 2), ("NF-2", 4), ("NF-1002", 10)]
    assert read.rows[1].name == "Quebra de linha"
    assert [(error.line, error.field) for error in read.errors] == [(6, ""), (7, "amount"), (7, "due_date"), (8, "")]


def test_a_quote_that_happens_to_close_later_swallows_no_line() -> None:
    read = read_debts(file('NF-3,C-3,"Aberta,52998224725', 'x",y', PADARIA))
    assert [row.external_id for row in read.rows] == ["NF-1002"]
    assert {error.line for error in read.errors} == {2, 3}


def test_the_same_line_again_is_one_debt_and_another_one_of_that_name_is_told() -> None:
    read = read_debts(file(ANA, PADARIA, ANA, ANA.replace("349,90", "350,00")))
    assert [row.external_id for row in read.rows] == ["NF-1001", "NF-1002"]
    assert [(error.line, error.field) for error in read.errors] == [(5, "external_id")]
    assert read.rows[0].amount_cents == 34_990


def test_one_customer_has_one_document() -> None:
    read = read_debts(file(ANA, PADARIA.replace("C-002", "C-001")))
    assert [row.external_id for row in read.rows] == ["NF-1001"]
    assert [(error.line, error.field) for error in read.errors] == [(3, "document")]


@pytest.mark.parametrize(
    ("source", "field", "reason"),
    [
        (b"", "", "empty"),
        (b"\n\n", "", "empty"),
        (b"external_id;customer_id;name;document;amount\n", "due_date", "missing"),
        (HEADER.replace("email", "phone").encode(), "phone", "twice"),
        ("\ufeff".encode("utf-16") + HEADER.encode("utf-16-le"), "external_id", "missing"),
    ],
)
def test_a_file_without_its_columns_is_refused_whole(source: bytes, field: str, reason: str) -> None:
    read = read_debts(source)
    assert read.rows == ()
    assert any(error.field == field and reason in error.reason for error in read.errors), read.errors


def test_columns_may_come_in_any_order_with_others_between() -> None:
    source = (
        b"Due_Date;NOTES; amount ;document;name;customer_id;external_id\n30/11/2026;?;10,00;52998224725;Ana;C-1;E-1\n"
    )
    (row,) = read_debts(source).rows
    assert (row.external_id, row.amount_cents, row.due) == ("E-1", 1_000, date(2026, 11, 30))


@example(b",")
@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(source: bytes) -> None:
    assert read_debts(source).rows == ()


@given(st.lists(st.text(max_size=30), max_size=12))
def test_no_line_makes_it_raise_or_keeps_the_next_one_out(fields: list[str]) -> None:
    line = ",".join(fields).replace("\n", " ").replace("\r", " ").replace('"', "'")
    read = read_debts(file(line, PADARIA))
    assert "NF-1002" in {row.external_id for row in read.rows}
