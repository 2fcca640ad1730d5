"""Card numbers in what people write: masked in whatever form, and nothing else is taken for one."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from payments.cards import BULLET, holds_masked_card, mask_cards, may_hold_card
from tests.tables import table

VISA = "4111111111111111"
# The numbers that schemes and providers publish for trying things out.
TEST_CARDS = {
    "visa": VISA,
    "visa of 13": "4222222222222",
    "visa of 19": "4000056655665556007",
    "mastercard": "5555555555554444",
    "mastercard of the second series": "2223003122003222",
    "amex": "378282246310005",
    "diners": "30569309025904",
    "discover": "6011111111111117",
    "jcb": "3530111333300000",
    "elo": "6362970000457013",
    "elo beginning with 509": "5090000000000000",
    "hipercard": "6062825624254001",
}
PIX = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008"
    "BRASILIA62070503***63041D3D"
)


def passes_luhn(digits: str) -> bool:
    """Worked out in another way than the product does."""
    odd, even = digits[::-1][::2], digits[::-1][1::2]
    return (sum(map(int, odd)) + sum(int(c) * 2 - (9 if c > "4" else 0) for c in even)) % 10 == 0


def digits_of(text: str) -> str:
    """The digits of a text."""
    return "".join(c for c in text if c.isdecimal())


def completed(body: str) -> str:
    """The body with its check digit."""
    return next(body + c for c in "0123456789" if passes_luhn(body + c))


beginnings = st.sampled_from(
    [
        ("4", 16),
        ("4", 13),
        ("4", 19),
        ("51", 16),
        ("2221", 16),
        ("2720", 16),
        ("34", 15),
        ("36", 14),
        ("6011", 16),
        ("650031", 16),
        ("401178", 16),
        ("636368", 16),
        ("509000", 16),
        ("606282", 16),
        ("384100", 19),
        ("3528", 16),
    ]
)


@st.composite
def cards(draw: st.DrawFn) -> str:
    """The digits of some card."""
    start, length = draw(beginnings)
    rest = length - len(start) - 1
    return completed(start + draw(st.text(alphabet="0123456789", min_size=rest, max_size=rest)))


@pytest.mark.parametrize("number", TEST_CARDS.values(), ids=TEST_CARDS.keys())
@pytest.mark.parametrize("around", ["{}", "meu cartão é {}, pode passar", "cartao{}obrigado", "\n{}\n", '"{}"'])
def test_a_card_is_masked_but_for_its_last_four_digits(number: str, around: str) -> None:
    """Alone, in a sentence, and stuck to words."""
    assert passes_luhn(number)
    masked = mask_cards(around.format(number))
    assert masked == around.format(BULLET * (len(number) - 4) + number[-4:])
    assert holds_masked_card(masked)


@pytest.mark.parametrize(
    "written",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111_1111_1111_1111",
        "4111/1111/1111/1111",
        "4111|1111|1111|1111",
        "4111 - 1111 - 1111 - 1111",
        "4111\n1111\n1111\n1111",
        "4111\u00a01111\u202f1111\u20031111",
        "4111\u200b1111\u2060\u20601111–1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41 11 11 11 11 11 11 11",
        "41111111 11111111",
        "4111 11 1111 111111",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        "४१११११११११११११११",
        "4111111111111111",
        "4\ufe0f\u20e3" + "1\ufe0f\u20e3" * 15,
        "+4111 1111 1111 1111",
        "4111 1111\\n1111 1111",
    ],
)
def test_however_its_digits_are_written_twelve_of_them_go(written: str) -> None:
    """Blanks, points, dashes, line breaks, invisible signs and the digits of other scripts."""
    masked = mask_cards(f"numero {written} fim")
    assert masked.count(BULLET) == 12
    assert len(digits_of(masked)) == 4
    assert len(masked) == len(f"numero {written} fim")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"{VISA} cvv 123 validade 12/28", f"{BULLET * 12}1111 cvv ••• validade ••/••"),
        (f"{VISA} CVC: 1234", f"{BULLET * 12}1111 CVC: ••••"),
        (f"o código de segurança é 123 do {VISA}", f"o código de segurança é ••• do {BULLET * 12}1111"),
        (f"{VISA} 12/28 123", f"{BULLET * 12}1111 ••/•• •••"),
        (f"{VISA}|12|2028|123", f"{BULLET * 12}1111|••|••••|•••"),
        (f"{VISA} 12 28 123", f"{BULLET * 12}1111 •• •• •••"),
        (f"{VISA}, 2 vezes", f"{BULLET * 12}1111, 2 vezes"),
        ("4111 1111 1111 1111 123", "•••• •••• •••• 1111 •••"),
        (f"{VISA} val 1228", f"{BULLET * 12}1111 val ••••"),
        (f"vence 12 / 2028, numero {VISA}", f"vence •• / ••••, numero {BULLET * 12}1111"),
        (f"{VISA}1228123", BULLET * 23),
        (f"{VISA} de R$ 349,90 dia 05/12", f"{BULLET * 12}1111 de R$ 349,90 dia 05/12"),
        (f"{VISA} 5555555555554444", f"{BULLET * 12}1111 {BULLET * 12}4444"),
        (f"CPF 529.982.247-25 {VISA}", f"CPF 529.982.247-25 {BULLET * 12}1111"),
        (f"(11) 98765-4321 {VISA}", f"(11) 98765-4321 {BULLET * 12}1111"),
        ('{"card":"4111111111111111","cvv":"123"}', '{"card":"••••••••••••1111","cvv":"•••"}'),
    ],
)
def test_code_and_validity_beside_a_card_go_too_and_the_rest_stays(said: str, kept: str) -> None:
    """Who has the number and these can pay with them; amounts, days, CPF and phones are no part of it."""
    assert mask_cards(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "cvv 123, validade 12/28",  # without a card it may be anything
        "4111111111111112",  # Luhn
        "411111111111111",  # a digit short
        "1111111111111117",  # no card begins so
        "9999999999999995",
        "5511987654321",
        "+55 11 98765-4321 e +55 11 91234-5678",
        "11 98765-4321 11 91234-5678",
        "+49 151 23456789",
        "529.982.247-25",
        "11.222.333/0001-81",
        "11222333000181",
        "00190.00009 12345.678903 12345.678903 5 16460000034990",
        "00190000091234567890312345678903516460000034990",
        "34191.09008 00012.345674 01234.567897 5 99990000123456",
        "34191.09008 00012.345674 01234.567897 5 99990000123457",  # mistyped, and a boleto all the same
        "83640000001-1 33120138000-2 81288462711-6 08013618155-1",
        "836400000011331201380002812884627116080136181551",
        "34195999900001234561090000012345670123456789",
        PIX,
        "2026-11-23 2026-11-24",
        "05/12/2026 05/01/2027 05/02/2027",
        "R$ 4.111,11 + R$ 1.111,11 + R$ 1.111,11",
        "E00000000202611231500abcdefghijk",
        "",
    ],
)
def test_what_is_no_card_stays_as_it_is(said: str) -> None:
    """CPF, CNPJ, phones, boletos (right and mistyped), Pix codes, days and amounts."""
    assert mask_cards(said) == said
    assert not holds_masked_card(said)


@pytest.mark.parametrize(
    *table("""
    document        kind
    529.982.247-25  cpf
    "52998224725"   cpf
    111.444.777-35  cpf
    "11144477735"   cpf
""")
)
def test_lists_of_documents_stay_as_they_are(document: str, kind: str) -> None:
    """However many stand in a row, whichever digits their ends make together."""
    for between in (" ", "\n", " - "):
        said = between.join([document] * 6)
        assert mask_cards(said) == said, kind


@given(cards(), st.sampled_from(["", " ", "-", ".", "\n", " - ", "\u00a0"]), st.lists(st.integers(1, 6), min_size=1))
def test_any_card_in_any_groups_is_found(number: str, between: str, sizes: list[int]) -> None:
    """Of thirteen to nineteen digits, cut wherever."""
    groups: list[str] = []
    rest = number
    while rest:
        size = sizes[len(groups) % len(sizes)]
        groups, rest = [*groups, rest[:size]], rest[size:]
    said = f"cartão: {between.join(groups)}."
    assume(re.search(r"(?<!\d)\d{11}(?!\d)|(?<!\d)\d{14}(?!\d)", said) is None)  # it may be a CPF or a CNPJ
    masked = mask_cards(said)
    assert may_hold_card(said)
    assert len(masked) == len(said)
    places = [n for n, c in enumerate(c for c in masked if c.isdecimal() or c == BULLET) if c != BULLET]
    assert all(place >= len(number) - 4 for place in places)  # fewer where two cards could be meant


pieces = st.one_of(
    cards(),
    st.text(alphabet="0123456789 .-\n", max_size=30),
    st.sampled_from([" ", "-", "\n", " cvv ", " 12/28 ", "a", BULLET, "R$ 10,00 ", "529.982.247-25", "5511987654321"]),
)


@given(st.lists(pieces, max_size=8).map("".join))
@example(f"{VISA} {VISA}4242")
def test_masking_keeps_the_length_touches_digits_only_and_is_done_at_once(said: str) -> None:
    """Again changes nothing; what no longer is a digit is a bullet."""
    masked = mask_cards(said)
    assert len(masked) == len(said)
    assert mask_cards(masked) == masked
    assert all(new == old or (new == BULLET and old.isdecimal()) for old, new in zip(said, masked, strict=True))


@given(st.lists(st.one_of(cards(), st.sampled_from([" ", "\n", "-", ". ", "abc", "x"])), max_size=10).map("".join))
def test_no_whole_group_of_digits_that_is_left_is_a_card(said: str) -> None:
    """Looked for with another eye: each group of digits by itself."""
    for group in re.findall(r"\d+", mask_cards(said)):
        looks_like_one = re.match(r"4|5[1-5]|3[47]|6011|65", group) and len(group) in (15, 16)
        assert not (looks_like_one and passes_luhn(group) and (group[0] == "3") == (len(group) == 15))


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(said: str) -> None:
    """Nothing is raised, whatever the signs."""
    assert len(mask_cards(said)) == len(said)
