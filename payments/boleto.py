"""The line of a boleto that people type: checked digit by digit and read, for bank slips and for utility and tax slips.

We never make a boleto: without a bank's register a line is just a number. A provider's line is checked before anybody
sees it, because one wrong digit pays somebody else or nobody.

Sources: FEBRABAN, "Especificações técnicas para boletos de cobrança" (bar code, typed line, modulo 10 and 11; Bacen,
Carta Circular 2.926/2000) and its notice on the due factor that began again on 22 Feb 2025; FEBRABAN, "Layout padrão de
arrecadação/recebimento com utilização do código de barras", for the lines that begin with 8.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

Field: TypeAlias = Literal[
    "characters", "length", "currency", "value", "due", "check", "block 1", "block 2", "block 3", "block 4"
]

_BETWEEN = re.compile(r"[.\-\s]")
_DIGITS = re.compile(r"[0-9]+")
_BAR_CODE, _BANK_LINE, _UTILITY_LINE = 44, 47, 48
_UTILITY, _REAL = "8", "9"
_FACTORS_FROM = date(1997, 10, 7)
_FIRST_FACTOR, _FACTORS = 1000, 9000  # 1000 to 9999, and again
_MODULO_10, _MODULO_11 = "67", "89"  # third digit of a utility slip; the first of each is an amount in reais
_AMOUNTS = "68"


@dataclass(frozen=True, slots=True)
class NotASlip:
    """Why a text is no boleto's line, and which part is wrong (`check`: the digit over all of it).

    The reason never repeats the text.
    """

    reason: str
    field: Field


class WrongSlipLine(ValueError):
    """A provider gave a boleto line that does not check, so nobody is shown it: ask the provider for the slip again.
    `field` is the part that is wrong; the line itself is not in the message."""

    def __init__(self, wrong: NotASlip) -> None:
        super().__init__(f"the provider's boleto line is wrong: {wrong.reason}")
        self.field = wrong.field


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSlip:
    """A slip of a bank. `amount_cents` None: the payer writes it; `due_on` None: payable on sight."""

    bar_code: str  # 44 digits
    bank: str  # the bank's number of three digits
    due_on: date | None
    amount_cents: int | None

    @property
    def digits(self) -> str:
        """The typed line, 47 digits."""
        bar, free = self.bar_code, self.bar_code[19:]
        blocks = (bar[:4] + free[:5], free[5:15], free[15:])
        return "".join(block + _modulo_10(block) for block in blocks) + bar[4:19]

    @property
    def formatted(self) -> str:
        """The typed line as slips print it: `AAAAA.AAAAA BBBBB.BBBBBB CCCCC.CCCCCC D FFFFVVVVVVVVVV`."""
        d = self.digits
        return f"{d[:5]}.{d[5:10]} {d[10:15]}.{d[15:21]} {d[21:26]}.{d[26:32]} {d[32]} {d[33:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilitySlip:
    """A slip of a utility or an authority. `amount_cents` None: the slip carries a reference instead of an amount.
    Its due date, where it has one, stands in a place of each collector's own choice."""

    bar_code: str  # 44 digits, the first an 8
    segment: str  # whom it pays: 1 city, 2 water, 3 power and gas, 4 telecoms, 5 government, 6 others, 7 fines, 9 bank
    amount_cents: int | None

    @property
    def digits(self) -> str:
        """The typed line, 48 digits."""
        check = _modulo_10 if self.bar_code[2] in _MODULO_10 else _modulo_11
        return "".join(block + check(block) for block in _elevens(self.bar_code))

    @property
    def formatted(self) -> str:
        """The typed line as slips print it: four times `AAAAAAAAAAA-A`."""
        d = self.digits
        return " ".join(f"{d[at : at + 11]}-{d[at + 11]}" for at in range(0, _UTILITY_LINE, 12))


def read_line(text: str, today: date) -> BankSlip | UtilitySlip | NotASlip:
    """Return the slip whose typed line (47 or 48 digits) or bar code (44) is written in `text`, or why it is none.

    Blanks, points and hyphens do not count. A due factor means two days or more, 9,000 days apart: the one nearest to
    `today` is taken.
    """
    bar = _bar_code_of(text)
    if isinstance(bar, NotASlip):
        return bar
    if bar[0] == _UTILITY:
        amount = int(bar[4:15]) if bar[2] in _AMOUNTS else None
        return UtilitySlip(bar_code=bar, segment=bar[1], amount_cents=amount)
    return BankSlip(
        bar_code=bar, bank=bar[:3], due_on=_due_on(int(bar[5:9]), today), amount_cents=int(bar[9:19]) or None
    )


def checked_line(text: str) -> str:
    """Return a provider's line as slips print it, ready to be copied. Raises WrongSlipLine."""
    slip = read_line(text, _FACTORS_FROM)  # the day does not change the line
    if isinstance(slip, NotASlip):
        raise WrongSlipLine(slip)
    return slip.formatted


def _bar_code_of(text: str) -> str | NotASlip:
    """The 44 digits that a line stands for, every check digit of it found right."""
    digits = _BETWEEN.sub("", text)
    if not _DIGITS.fullmatch(digits):
        return NotASlip("a boleto's line holds digits only", "characters")
    utility = digits[0] == _UTILITY
    if len(digits) == _BAR_CODE:
        return _checked_utility(digits) if utility else _checked_bank(digits)
    if len(digits) == _UTILITY_LINE and utility:
        return _from_utility_line(digits)
    if len(digits) == _BANK_LINE and not utility:
        return _from_bank_line(digits)
    return NotASlip("a boleto's line has 47 digits, or 48 that begin with 8", "length")


def _from_bank_line(line: str) -> str | NotASlip:
    blocks: tuple[tuple[Field, str], ...] = (
        ("block 1", line[:10]),
        ("block 2", line[10:21]),
        ("block 3", line[21:32]),
    )
    for field, block in blocks:
        if block[-1] != _modulo_10(block[:-1]):
            return NotASlip(f"the check digit of {field} is wrong", field)
    return _checked_bank(line[:4] + line[32:] + line[4:9] + line[10:20] + line[21:31])


def _checked_bank(bar: str) -> str | NotASlip:
    if bar[3] != _REAL:
        return NotASlip("the slip is not in reais", "currency")
    rest = 11 - _weighed(bar[:4] + bar[5:]) % 11
    if bar[4] != ("1" if rest in (10, 11) else str(rest)):
        return NotASlip("the check digit of the whole line is wrong", "check")
    if 0 < int(bar[5:9]) < _FIRST_FACTOR:
        return NotASlip("the due factor is below 1000", "due")
    return bar


def _from_utility_line(line: str) -> str | NotASlip:
    if line[2] not in _MODULO_10 + _MODULO_11:
        return _UNKNOWN_VALUE
    check = _modulo_10 if line[2] in _MODULO_10 else _modulo_11
    fields: tuple[Field, ...] = ("block 1", "block 2", "block 3", "block 4")
    blocks = [line[at : at + 12] for at in range(0, _UTILITY_LINE, 12)]
    for field, block in zip(fields, blocks, strict=True):
        if block[-1] != check(block[:-1]):
            return NotASlip(f"the check digit of {field} is wrong", field)
    return _checked_utility("".join(block[:-1] for block in blocks))


def _checked_utility(bar: str) -> str | NotASlip:
    if bar[2] not in _MODULO_10 + _MODULO_11:
        return _UNKNOWN_VALUE
    check = _modulo_10 if bar[2] in _MODULO_10 else _modulo_11
    if bar[3] != check(bar[:3] + bar[4:]):
        return NotASlip("the check digit of the whole line is wrong", "check")
    return bar


_UNKNOWN_VALUE = NotASlip("the third digit of a utility slip is 6, 7, 8 or 9", "value")


def _elevens(bar: str) -> list[str]:
    return [bar[at : at + 11] for at in range(0, _BAR_CODE, 11)]


def _due_on(factor: int, today: date) -> date | None:
    """The day nearest to `today` that a factor can mean; of two equally near ones the later."""
    if factor == 0:
        return None
    first = _FACTORS_FROM + timedelta(days=factor)
    turns = max(0, ((today - first).days + _FACTORS // 2) // _FACTORS)
    return first + timedelta(days=turns * _FACTORS)


def _modulo_10(digits: str) -> str:
    """Weights 2, 1 from the right; the digits of the products are added."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        product = int(digit) * (2 - place % 2)
        total += product // 10 + product % 10
    return str(-total % 10)


def _modulo_11(digits: str) -> str:
    """Of utility slips: a remainder of 0 or 1 gives 0, and with it one of 10 gives 1."""
    rest = _weighed(digits) % 11
    return "0" if rest < 2 else str(11 - rest)


def _weighed(digits: str) -> int:
    """The sum with weights 2 to 9 from the right, beginning again after 9."""
    return sum(int(digit) * (2 + place % 8) for place, digit in enumerate(reversed(digits)))
