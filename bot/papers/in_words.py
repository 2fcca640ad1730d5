"""Amounts in Portuguese words, as they stand beside the figures on a paper: "mil duzentos e trinta e quatro reais".

By the grammar's rule: "e" between hundreds, tens and units; before a last group of three digits only where that group
is below a hundred or a whole hundred; "de" before "reais" after a whole million.
"""

_UNITS = (
    "zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez", "onze", "doze", "treze",
    "catorze", "quinze", "dezesseis", "dezessete", "dezoito", "dezenove",
)  # fmt: skip
_TENS = ("", "", "vinte", "trinta", "quarenta", "cinquenta", "sessenta", "setenta", "oitenta", "noventa")
_HUNDREDS = (
    "", "cento", "duzentos", "trezentos", "quatrocentos", "quinhentos", "seiscentos", "setecentos", "oitocentos",
    "novecentos",
)  # fmt: skip
_GROUPS = (("", ""), ("mil", "mil"), ("milhão", "milhões"), ("bilhão", "bilhões"), ("trilhão", "trilhões"))
_MILLION = 1_000_000
_LIMIT = 10**15


def reais_in_words(cents: int) -> str:
    """Return an amount of centavos in words. Raises ValueError below zero and from a thousand trillion reais on."""
    if not 0 <= cents < _LIMIT * 100:
        raise ValueError("an amount on a paper is not negative and below a thousand trillion reais")
    reais, centavos = divmod(cents, 100)
    said = []
    if reais or not centavos:
        of = "de " if reais and reais % _MILLION == 0 else ""
        said.append(f"{in_words(reais)} {of}{'real' if reais == 1 else 'reais'}")
    if centavos:
        said.append(f"{in_words(centavos)} {'centavo' if centavos == 1 else 'centavos'}")
    return " e ".join(said)


def in_words(number: int) -> str:
    """Return a whole number from 0 on, below a thousand trillion, in words."""
    if number == 0:
        return _UNITS[0]
    groups = []  # of three digits, from the right: (size, digits)
    for size in range(len(_GROUPS)):
        number, digits = divmod(number, 1000)
        if digits:
            groups.append((size, digits))
    said = ""
    for place, (size, digits) in enumerate(reversed(groups)):
        last = place == len(groups) - 1
        joined = " e " if last and (digits < 100 or digits % 100 == 0) else " "
        said += (joined if said else "") + _group(size, digits)
    return said


def _group(size: int, digits: int) -> str:
    if size == 1 and digits == 1:
        return "mil"
    one, many = _GROUPS[size]
    return f"{_below_thousand(digits)} {one if digits == 1 else many}".rstrip()


def _below_thousand(number: int) -> str:
    if number == 100:
        return "cem"
    said = []
    hundreds, rest = divmod(number, 100)
    if hundreds:
        said.append(_HUNDREDS[hundreds])
    if rest >= len(_UNITS):
        tens, rest = divmod(rest, 10)
        said.append(_TENS[tens])
    if rest:
        said.append(_UNITS[rest])
    return " e ".join(said)
