"""Every wording with every extreme value fits into WhatsApp's messages, whole amounts and all."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.texts import NoCatalogue, read_texts
from bot.whatsapp.limits import length
from flows.answers import _LINES as DEBTS_IN_A_MENU
from flows.effects import Choice, Say, Value
from flows.terms import LINES as PAYMENTS_BESIDE_BUTTONS
from flows.terms import LINES_OF_A_TEXT
from flows.wording import ROW_DETAIL, ROW_TITLE, cut, plain, write
from flows.words import WORDS
from tests.source import ROOT
from tests.talking import as_whatsapp, texts

TITLE = 20
LONGEST: dict[str, Value] = {
    "total_cents": 99_999_999,
    "today_cents": 99_999_999,
    "amount_cents": 99_999_999,
    "entry_cents": 99_999_999,
    "saved_cents": 99_999_999,
    "open_cents": 99_999_999,
    "restored_cents": 99_999_999,
    "paid_cents": 99_999_999,
    "surplus_cents": 99_999_999,
    "rate_percent": Decimal("99.99"),
    "fine_percent": Decimal("99.99"),
    "month_percent": Decimal("99.99"),
    "cet_percent": Decimal("9999.99"),
    "day_on": date(2027, 12, 31),
    "due_on": date(2027, 12, 31),
    "until_on": date(2027, 12, 31),
    "from_on": date(2027, 12, 31),
    "paid_on": date(2027, 12, 31),
    "valid_on": date(2027, 12, 31),
    "sent_on": date(2027, 12, 31),
    "when": "segunda-feira, 30/11",
    "description": "Mensalidade " * 30,
    "creditor": "Sociedade Educacional " * 10,
    "payee": "Sociedade Educacional " * 10,
    "first_name": "Wolfeschlegelsteinhausenbergerdorff" * 3,
    "count": 120,
    "n": 120,
    "day": 31,
    "days": 365,
    "code": 131026,
}
FIELD = re.compile(r"\{(\w+)\}")
# Choices under a wording are buttons (20), rows of a list (24 and 72), or both.
BUTTONS = [name for name in WORDS if name.startswith("button_")]
ROWS = [
    name
    for name in WORDS
    if name.startswith("row_")
    and not name.endswith(("_detail", "_late", "_due", "_plain"))
    and not re.fullmatch(r"row_plan(_entry)?_(free|interest)", name)
]
DETAILS = [name for name in WORDS if name.startswith("row_") and name not in ROWS]
LINES = [name for name in WORDS if name.startswith(("line_", "rule_"))]
RULES = ("rule_late", "rule_broken_both", "rule_early", "rule_moved")  # the longest of each
BODIES = [name for name in WORDS if name.split("_")[0] not in ("button", "row", "line", "rule", "note", "code")]


def values(wording: str, lines: str = "line_instalment") -> dict[str, Value]:
    """The longest value of each field; with lines, as many as are ever said, of the longest kind."""
    fields = FIELD.findall(WORDS[wording])
    found = {name: LONGEST[name] for name in fields if name not in ("lines", "rules")}
    if "rules" in fields:
        found["rules"] = tuple(
            {"wording": rule, **{name: LONGEST[name] for name in FIELD.findall(WORDS[rule])}} for rule in RULES
        )
    if "lines" in fields:
        one = {name: LONGEST[name] for name in FIELD.findall(WORDS[lines])}
        found["lines"] = tuple({"wording": lines, **one} for _ in range(_most_lines(wording)))
    return found


def _most_lines(wording: str) -> int:
    if wording.startswith("menu"):
        return DEBTS_IN_A_MENU + 1
    return 4 if wording.startswith("pay_") else LINES_OF_A_TEXT if wording == "terms_dates" else PAYMENTS_BESIDE_BUTTONS


@pytest.mark.parametrize("name", BUTTONS)
def test_a_button_has_at_most_twenty_characters(name: str) -> None:
    assert length(texts()(WORDS[name])) <= TITLE


@pytest.mark.parametrize("name", ROWS)
def test_an_amount_in_a_rows_title_is_never_cut(name: str) -> None:
    shown = {**values(name), "description": "Mensalidade"} if "description" in values(name) else values(name)
    assert length(texts().filled(name, shown)) <= ROW_TITLE


@pytest.mark.parametrize("name", DETAILS)
def test_a_rows_detail_is_never_cut(name: str) -> None:
    assert length(texts().filled(name, values(name))) <= ROW_DETAIL


@pytest.mark.parametrize("name", BODIES)
def test_every_body_fits_beside_buttons_whatever_the_values(name: str) -> None:
    lines = (
        "line_owed_late"
        if name.startswith("menu")
        else "line_interest"
        if name.startswith("pay_")
        else "line_instalment"
    )
    buttons = () if name == "terms_dates" else (Choice(action="human", label="button_human"),)
    say = Say(wording=name, values=values(name, lines), choices=buttons)
    as_whatsapp(say, write(say, texts()))


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_one_line(name: str) -> None:
    said = {**values(name), "description": "Curso\nde *inglês*"} if "{description}" in WORDS[name] else values(name)
    assert "\n" not in texts().filled(name, said)


@pytest.mark.parametrize("name", [name for name in BODIES if "_cents}" in WORDS[name] or "_on}" in WORDS[name]])
def test_amounts_and_days_are_written_in_full(name: str) -> None:
    said = texts().filled(name, values(name))
    for field in FIELD.findall(WORDS[name]):
        if field.endswith("_cents"):
            assert "R$ 999.999,99" in said
        if field.endswith("_on"):
            assert "31/12/2027" in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("*Curso* de _inglês_", "Curso de inglês"),
        ("~velho~ `novo`", "velho novo"),
        ("uma\nlinha\r\nsó\t!", "uma linha só !"),
        ("", "–"),
        ("***", "–"),
        ("\x00\x1f", "–"),
    ],
)
def test_what_comes_from_data_cannot_shout_nor_forge_a_line(value: str, said: str) -> None:
    assert plain(value) == said


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("Curso", 5, "Curso"),
        ("Cursos", 5, "Curs…"),
        ("a 😀😀", 5, "a 😀…"),
        ("Curso de", 7, "Curso…"),
        ("😀😀😀", 5, "😀😀…"),
    ],
)
def test_a_description_is_cut_by_what_whatsapp_counts(text: str, limit: int, kept: str) -> None:
    assert cut(text, limit) == kept
    assert length(kept) <= limit


def test_three_short_choices_are_buttons_and_more_are_a_list() -> None:
    three = tuple(Choice(action="pay", label="button_pay", object_id=n) for n in range(3))
    assert write(Say(wording="misfit", choices=three), texts()).list_button is None
    four = (*three, Choice(action="pay", label="button_pay", object_id=4))
    assert write(Say(wording="misfit", choices=four), texts()).list_button == "Escolher"


@pytest.mark.parametrize(
    ("cents", "written"),
    [(1, "R$ 0,01"), (34990, "R$ 349,90"), (99_999_999, "R$ 999.999,99"), (123_456_789, "R$ 1.234.567,89")],
)
def test_money_is_written_as_brazilians_type_it(cents: int, written: str) -> None:
    assert texts().money(cents) == written


@pytest.mark.parametrize(("percent", "written"), [("0.99", "0,99%"), ("2", "2,00%"), ("12.50", "12,50%")])
def test_a_percentage_is_written_with_two_decimals(percent: str, written: str) -> None:
    assert texts().percent(Decimal(percent)) == written


@pytest.mark.parametrize("name", list(WORDS))
def test_every_wording_is_in_portuguese(name: str) -> None:
    alike = {"row_debt", "row_date", "terms_dates", "line_principal"}
    assert (texts()(WORDS[name]) != WORDS[name]) is (name not in alike)


@pytest.mark.parametrize("name", BODIES)
def test_nothing_is_shouted_and_nobody_is_threatened(name: str) -> None:
    said = (
        texts()(WORDS[name])
        .replace("Pix", "")
        .replace("CPF", "")
        .replace("CNPJ", "")
        .replace("CET", "")
        .replace("QR", "")
    )
    assert said.count("!") <= 2
    assert not re.search(r"\b[A-ZÁÉÍÓÚÂÊÔÃÕÇ]{3,}\b", said)
    assert not re.search(
        r"(?i)negativa|serasa|spc|protest|justi[çc]a|judicial|advogad|imediatamente|urgente|última chance", said
    )


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in BODIES
        if n.startswith(
            (
                "ask_who",
                "answer_wrong",
                "out_of",
                "nobody",
                "contact",
                "not_me",
                "nudge_neutral",
                "identity",
                "back_neutral",
            )
        )
    ],
)
def test_what_a_stranger_may_read_says_nothing_of_a_debt(name: str) -> None:
    said = texts()(WORDS[name]).lower()
    assert not re.search(r"d[ií]vida|débito|fatura|em aberto|atras|valor|pag|cobran|dev[eo]\b|r\$|acordo|negoci", said)
    assert set(FIELD.findall(WORDS[name])) <= {"creditor"}


def test_every_wording_is_said_and_every_wording_that_is_said_is_there() -> None:
    literals = set(_literals(ROOT / "flows")) | set(_literals(ROOT / "bot"))
    made = {f"terms_{rate}{saved}" for rate in ("interest", "free") for saved in ("", "_saved")}
    made |= {f"row_plan{entry}_{rate}" for entry in ("", "_entry") for rate in ("interest", "free")}
    made |= {name for name in WORDS if name.startswith("faq_")}
    assert sorted(set(WORDS) - literals - made) == []
    assert sorted(made - set(WORDS)) == []


def test_a_language_without_a_catalogue_is_told_so() -> None:
    with pytest.raises(NoCatalogue, match="xx"):
        read_texts("xx")


def _literals(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.rglob("*.py")):
        if path.name != "words.py":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant):
                    yield node.value
