"""The debts file that goes out: read again it is what it was, and no cell of it is a formula."""

import csv
import io
from datetime import date

from hypothesis import example, given
from hypothesis import strategies as st

from bot.debts_csv import AMOUNT_MAX_CENTS, FIELD_MAX, DebtRow, read_debts
from bot.debts_csv_out import DebtOut, header, lines

# What an import leaves in the database: one line, tidied, without what cannot be shown, no longer than a field may be.
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)


def imported(text: str) -> str | None:
    """What the import makes of a text; None: it refuses it."""
    file = io.StringIO()
    csv.writer(file, delimiter=";").writerows(
        [
            ["external_id", "customer_id", "name", "document", "amount", "due_date"],
            ["NF-1", "C-1", text, "52998224725", "1,00", "2026-11-30"],
        ]
    )
    read = read_debts(file.getvalue().encode())
    return read.rows[0].name if read.rows else None


def out(row: DebtRow) -> DebtOut:
    fields = {name: getattr(row, name) for name in DebtRow.__dataclass_fields__ if name not in ("line", "tags")}
    return DebtOut(**fields, tags=tuple(row.tags), state="open", open_cents=row.amount_cents)


@given(
    name=_TEXTS,
    description=_TEXTS,
    tag=_TEXTS,
    cents=st.integers(1, AMOUNT_MAX_CENTS),
    due=st.dates(date(1970, 1, 1), date(2100, 12, 31)),
    phone=st.sampled_from([None, "5511987654321", "552133445566"]),
)
@example(name="=1+1", description="-x", tag="@y", cents=1, due=date(2026, 12, 1), phone=None)
@example(name="'=1", description="''+x", tag='a"b', cents=100_000, due=date(2026, 12, 1), phone="5511987654321")
@example(name="é" * FIELD_MAX, description="+" * FIELD_MAX, tag="x", cents=5, due=date(2026, 12, 1), phone=None)
def test_a_debt_that_goes_out_comes_in_as_it_was(
    name: str, description: str, tag: str, cents: int, due: date, phone: str | None
) -> None:
    texts = [imported(text) for text in (name, description, tag.replace(";", ","))]
    if None in texts:
        return  # such a one is in no database
    row = DebtRow(
        line=2,
        external_id="NF-1",
        customer_id="C-1",
        name=texts[0] or "",
        document="52998224725",
        phone=phone,
        email=None,
        amount_cents=cents,
        due=due,
        description=texts[1] or "",
        tags=frozenset([texts[2] or ""]),
        opt_in=None,
    )
    written = header() + lines([out(row)])
    read = read_debts(written)
    assert read.errors == ()
    assert read.rows == (row,)
    cells = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""), delimiter=";"))[1]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")] == []
