"""Lines of boletos: read as the vectors say, found wrong where their check digits can tell, and never changed."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.boleto import BankSlip, NotASlip, UtilitySlip, WrongSlipLine, checked_line, read_line
from tests.tables import table

TODAY = date(2026, 11, 23)


@dataclass(frozen=True)
class Line:
    """One row of the vectors."""

    kind: str
    line: str
    bar_code: str
    whose: str
    due_on: date | None
    amount_cents: int | None


def _lines() -> list[Line]:
    rows = (Path(__file__).parent / "vectors/boleto/lines.tsv").read_text(encoding="utf-8").splitlines()
    found = []
    for row in rows:
        if not row.startswith("#"):
            kind, line, bar_code, whose, due, amount, _ = row.split("\t")
            due_on = None if due == "-" else date.fromisoformat(due)
            found.append(Line(kind, line, bar_code, whose, due_on, None if amount == "-" else int(amount)))
    return found


LINES = _lines()


def line_of(n: int) -> str:
    """The digits of the n-th line of the vectors."""
    return "".join(c for c in LINES[n].line if c.isdigit())


def modulo_10(block: str) -> str:
    """The check digit, worked out in another way than the product does."""
    doubled = (int(c) * (2 if n % 2 == 0 else 1) for n, c in enumerate(block[::-1]))
    return str((10 - sum(sum(divmod(product, 10)) for product in doubled) % 10) % 10)


def weighed(digits: str) -> int:
    """The remainder by 11 with weights 2 to 9 from the right."""
    total = 0
    for c, weight in zip(digits[::-1], [*range(2, 10)] * 6, strict=False):
        total += int(c) * weight
    return total % 11


def bank_bar_code(bank: str, factor: int, amount_cents: int, free: str) -> str:
    """A slip as a bank makes it."""
    rest = f"{bank}9{factor:04d}{amount_cents:010d}{free}"
    digit = 11 - weighed(rest)
    return rest[:4] + str(digit if digit < 10 else 1) + rest[4:]


banks = st.integers(1, 799).map("{:03d}".format)
bar_codes = st.builds(
    bank_bar_code,
    banks,
    st.one_of(st.just(0), st.integers(1000, 9999)),
    st.integers(0, 10**10 - 1),
    st.text(alphabet="0123456789", min_size=25, max_size=25),
)


@pytest.mark.parametrize("known", LINES, ids=lambda known: known.line)
def test_a_line_is_read_as_the_vectors_say(known: Line) -> None:
    """With its punctuation, without it, and as a bar code."""
    for text in (known.line, "".join(known.line.split()).replace(".", "").replace("-", ""), known.bar_code):
        slip = read_line(text, TODAY)
        assert not isinstance(slip, NotASlip)
        assert (slip.bar_code, slip.formatted, slip.amount_cents) == (known.bar_code, known.line, known.amount_cents)
        if isinstance(slip, BankSlip):
            assert (known.kind, known.whose, known.due_on) == ("bank", slip.bank, slip.due_on)
        else:
            assert (known.kind, known.whose) == ("utility", slip.segment)
    assert checked_line(known.bar_code) == known.line


@pytest.mark.parametrize(
    *table("""
    text                                                    | field
    00190.00009 12345.678903 12345.678903 5 1646000003499O  | characters  # the letter O
    ٠٠١٩٠٠٠٠٠٩١٢٣٤٥٦٧٨٩٠٣١٢٣٤٥٦٧٨٩٠٣٥١٦٤٦٠٠٠٠٠٣٤٩٩٠           | characters  # digits of another script
    ""                                                      | characters  # empty
    00190.00009 12345.678903 12345.678903 5 1646000003499   | length      # one digit short
    00190.00009 12345.678903 12345.678903 5 164600000349900 | length      # one digit too many
    83640000001-1 33120138000-2 81288462711-6 0801361815-5  | length      # 47 digits that begin with 8
    00190.00008 12345.678903 12345.678903 5 16460000034990  | block 1
    00190.00009 12345.678904 12345.678903 5 16460000034990  | block 2
    00190.00009 12345.678903 12346.678903 5 16460000034990  | block 3
    00190.00009 12345.678903 12345.678903 6 16460000034990  | check
    00190.00009 12345.678903 12345.678903 5 16460000034991  | check       # another amount
    00190.00009 12345.678903 12345.678903 5 16470000034990  | check       # another day
    00180.00000 12345.678903 12345.678903 5 16460000034990  | currency
    83640000001-2 33120138000-2 81288462711-6 08013618155-1 | block 1
    83640000001-1 33120138000-3 81288462711-6 08013618155-1 | block 2
    83640000001-1 33120138000-2 81288462711-7 08013618155-1 | block 3
    83640000001-1 33120138000-2 81288462711-6 08013618155-2 | block 4
    83540000001-1 33120138000-2 81288462711-6 08013618155-1 | value       # neither 6, 7, 8 nor 9
""")
)
def test_a_wrong_line_tells_which_part_is_wrong_and_never_repeats_itself(text: str, field: str) -> None:
    """What is told may be logged."""
    wrong = read_line(text, TODAY)
    assert isinstance(wrong, NotASlip)
    assert wrong.field == field
    with pytest.raises(WrongSlipLine) as refused:
        checked_line(text)
    assert refused.value.field == field
    assert len(text) < 4 or (text not in str(refused.value) and "12345" not in str(refused.value))


def test_a_bar_code_with_a_factor_that_no_slip_has_is_refused() -> None:
    """The first factor was 1000."""
    wrong = read_line(bank_bar_code("001", 999, 100, "0" * 25), TODAY)
    assert isinstance(wrong, NotASlip)
    assert wrong.field == "due"


@given(bar_codes)
def test_bar_code_and_line_are_one_another(bar_code: str) -> None:
    """Bar code to line to bar code, with the check digits of the other working."""
    slip = read_line(bar_code, TODAY)
    assert isinstance(slip, BankSlip)
    assert read_line(slip.formatted, TODAY) == slip == read_line(slip.digits, TODAY)
    blocks = slip.formatted.replace(".", "").split()
    assert [block[-1] for block in blocks[:3]] == [modulo_10(block[:-1]) for block in blocks[:3]]


@given(st.sampled_from("6789"), st.integers(0, 10**11 - 1), st.text(alphabet="0123456789", min_size=30, max_size=30))
def test_utility_lines_and_bar_codes_are_one_another(value: str, amount_cents: int, rest: str) -> None:
    """Both moduli, with the check digits of the other working."""

    def check(block: str) -> str:
        remainder = weighed(block)
        return modulo_10(block) if value in "67" else "0" if remainder < 2 else str(11 - remainder)

    body = f"8{rest[0]}{value}{amount_cents:011d}{rest[1:]}"
    bar_code = body[:3] + check(body) + body[3:]
    slip = read_line(bar_code, TODAY)
    assert isinstance(slip, UtilitySlip)
    assert slip.amount_cents == (amount_cents if value in "68" else None)
    assert slip.formatted == " ".join(f"{b}-{check(b)}" for b in (bar_code[k : k + 11] for k in range(0, 44, 11)))
    assert read_line(slip.formatted, TODAY) == slip == read_line(slip.digits, TODAY)


@given(bar_codes, st.integers(0, 46), st.integers(1, 9))
def test_one_wrong_digit_of_a_bank_slip_is_always_found_where_the_modulus_finds_it(
    bar_code: str, place: int, by: int
) -> None:
    """Always, but for factor and amount of a slip whose general digit is the 1 that stands for three results."""
    slip = read_line(bar_code, TODAY)
    assert isinstance(slip, BankSlip)
    changed = slip.digits[:place] + str((int(slip.digits[place]) + by) % 10) + slip.digits[place + 1 :]
    if place <= 32 or slip.bar_code[4] != "1":
        assert isinstance(read_line(changed, TODAY), NotASlip)


@pytest.mark.parametrize("n", [n for n, known in enumerate(LINES) if known.kind == "utility"])
def test_one_wrong_digit_of_a_utility_slip_is_always_found_where_the_modulus_finds_it(n: int) -> None:
    """Always with modulo 10; with modulo 11 but for a block whose digit is the 0 that stands for two remainders."""
    line = line_of(n)
    for place in range(48):
        if line[2] in "89" and (line[place // 12 * 12 + 11] == "0" or place == 2):
            continue  # the third digit chooses the modulus itself
        for by in range(1, 10):
            changed = line[:place] + str((int(line[place]) + by) % 10) + line[place + 1 :]
            assert isinstance(read_line(changed, TODAY), NotASlip), (place, by)


@given(st.integers(0, 17_999), st.integers(-4_499, 4_499))
def test_a_due_day_is_read_back_by_who_reads_it_within_twelve_years(days: int, away: int) -> None:
    """Whatever day it is read on: of the days that a factor can mean, the nearest."""
    due = date(2000, 7, 3) + timedelta(days=days)
    factor = (days % 9000) + 1000
    slip = read_line(bank_bar_code("001", factor, 100, "0" * 25), due + timedelta(days=away))
    assert isinstance(slip, BankSlip)
    if due + timedelta(days=away) >= date(2000, 7, 3):
        assert slip.due_on == due


@pytest.mark.parametrize(
    *table("""
    factor  read_on     due_on
    1000    2025-02-20  2025-02-22
    1000    2000-07-03  2000-07-03
    1000    1999-01-01  2000-07-03  # before there were factors
    9999    2025-02-20  2025-02-21
    9999    2026-11-23  2025-02-21
    9999    2049-10-13  2049-10-13
    1000    2049-10-14  2049-10-14  # the next turn
    0       2026-11-23  -
""")
)
def test_the_factor_begins_again_and_the_nearest_day_is_meant(factor: int, read_on: str, due_on: str | None) -> None:
    """9999 was 21 Feb 2025, and the day after it was 1000 again."""
    slip = read_line(bank_bar_code("001", factor, 100, "0" * 25), date.fromisoformat(read_on))
    assert isinstance(slip, BankSlip)
    assert (slip.due_on.isoformat() if slip.due_on else None) == due_on


@given(st.text(max_size=60))
def test_any_text_is_a_slip_or_is_told_why_not(text: str) -> None:
    """Nothing is raised."""
    assert isinstance(read_line(text, TODAY), BankSlip | UtilitySlip | NotASlip)
