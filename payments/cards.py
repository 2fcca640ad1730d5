"""Card numbers in what people write: found and masked, with the code and the validity that stand beside them.

Nobody is asked for a card here, but people type them. PCI DSS 4.0 (requirements 3.3 and 3.5) forbids keeping the code
at all and the number in the clear, so the digits go before anything is stored. What passes Luhn and begins like a card
is masked but for its last four digits; CPF, CNPJ, phones, boletos and Pix codes stay as they are. Every character keeps
its place: a digit becomes a bullet.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from unicodedata import decimal

from payments.boleto import NotASlip, read_line
from payments.brcode import Code, read_code
from payments.documents import Document, read_document

BULLET = "•"
SHORTEST, LONGEST = 13, 19
_SHOWN = 4

# Between two digits of one number: blanks and line breaks (also as JSON writes them), points, dashes, underscores,
# and what cannot be seen (joiners, the frame of a digit's emoji).
_GAP = r"(?:[\s._\-\u00ad\u00b7\u2010-\u2015\u2212\u200b-\u200f\u2060\ufe0f\u20e3\ufeff]|\\[nrt]){0,5}"
_CHUNK = re.compile(r"\d+")
_GAP_ONLY = re.compile(_GAP)
_ENOUGH = re.compile(r"\d(?:[\W_nrt]{0,5}\d){12}")  # of every gap, and of more: a class alone is quick
_SAME_GAPS = re.compile(r"(?<!\d)\d{4}([^\w\s]{1,3})(?:\d{4}\1\d{4}\1\d{4}|\d{6}\1\d{4,5})(?!\d)")
_BULLETS = re.compile(rf"{BULLET}(?:[^\w{BULLET}]{{0,5}}{BULLET}){{8}}")

# How cards begin (ISO/IEC 7812 and the schemes' own tables), and how many digits they then have.
_BEGINNINGS: tuple[tuple[re.Pattern[str], frozenset[int]], ...] = (
    (re.compile("4"), frozenset({13, 16, 19})),  # Visa, many of Elo
    (re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), frozenset({16})),  # Mastercard
    (re.compile("3[47]"), frozenset({15})),  # American Express
    (re.compile("30[0-5]|3095|3[689]"), frozenset({14, 16, 19})),  # Diners; 3841 is Hipercard
    (re.compile("3841"), frozenset({13, 16, 19})),
    (re.compile("35(2[89]|[3-8])"), frozenset({16, 17, 18, 19})),  # JCB
    (re.compile("6011|62|64[4-9]|65"), frozenset({16, 17, 18, 19})),  # Discover, UnionPay, Elo
    (re.compile("50|606282|627|63[67]|604[23]"), frozenset({16, 19})),  # Elo, Aura, Hipercard, Hiper, Cabal
    (re.compile("5893|6304|67(59|6[1-3])"), frozenset({13, 14, 15, 16, 17, 18, 19})),  # Maestro
)

# What is no card though it may look like one.
_DOCUMENT = re.compile(r"(?<!\d)(?:\d{3}\.\d{3}\.\d{3}-\d{2}|\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}|\d{14}|\d{11})(?!\d)")
_PHONE = re.compile(
    r"(?<!\d)(?:\+?55 ?)?(?:\([1-9][1-9]\)|[1-9][1-9]) ?9\d{4}[- ]?\d{4}(?!\d)"
    r"|\+(?:\d[ ().-]{0,2}){7,12}\d(?![ ().-]{0,2}\d)"
)
_SLIP_SHAPE = re.compile(
    r"(?<!\d)(?:\d{5}\.?\d{5}\s+\d{5}\.?\d{6}\s+\d{5}\.?\d{6}\s+\d\s+\d{14}|(?:\d{11}[-\s]\d\s+){3}\d{11}[-\s]\d)(?!\d)"
)
_SLIP_DIGITS = re.compile(r"(?<!\d)(?:\d[.\-\s]{0,2}){43}(?:(?:\d[.\-\s]{0,2}){3,4})?\d(?!\d)")
_ANY_DAY = date(2025, 1, 1)  # the day changes the reading of a slip, not whether it is one
_PIX_CODE = re.compile(r"000201[ -~]{0,500}?6304[0-9A-Fa-f]{4}")

# What stands beside a card's number in the same text.
_CODE = re.compile(
    r"(?<![^\W_])(?:cvv2?|cvc2?|cvn|csc|cid|c[oó]d(?:igo)?\.?(?:\s+de)?(?:\s+seg(?:uran[cç]a|\.)?)?)"
    r"(?:\s+do\s+cart[aã]o)?(?:\W{0,5}(?:[ée]|is)\b)?\W{0,5}(\d{3,4})(?!\d)",
    re.IGNORECASE,
)
_VALIDITY = re.compile(
    r"(?<![^\W_])(?:validade|v[aá]lido|valid|val|vencimento|venc|vence|expir\w*|exp)\b\D{0,15}"
    r"(\d{1,2}\D{1,3}\d{2,4}|\d{4}|\d{6})(?!\d)",
    re.IGNORECASE,
)
_MONTH = re.compile(r"(?<![\d/])((?:0?[1-9]|1[0-2])\s{0,2}[/\-.]\s{0,2}(?:20)?[2-4]\d)(?![\d/])")
_SIGN = r"[\s/|;,-]{1,3}"
_BESIDE = re.compile(  # month, year and code in a row, some of them masked already
    rf"{BULLET}(?:{_GAP}\d){{1,4}}+((?:{_SIGN}[01{BULLET}][\d{BULLET}]{_SIGN}(?:[\d{BULLET}]{{2}}){{1,2}}(?!\d))?"
    rf"(?:{_SIGN}\d{{3,4}}(?![\d,]))?)"
)
_GLUED = re.compile(r"(?:0[1-9]|1[0-2])(?:20)?[2-4]\d(?:\d{3,4})?")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # twice a digit, its own digits added


@dataclass(frozen=True, slots=True)
class _Digits:
    """The digits of one run: their values as text, their places, and which of them begin or end a chunk."""

    values: str
    places: tuple[int, ...]
    begins: frozenset[int]
    ends: frozenset[int]


def may_hold_card(text: str) -> bool:
    """Whether it is worth looking for a card in `text`: a quick look that never misses one."""
    return len(text) >= SHORTEST and _ENOUGH.search(text) is not None


def mask_cards(text: str) -> str:
    """Return `text` with a bullet for each digit of a card but the last four, and for all of its code and validity.

    As long as before; what holds no card comes back as it is. Masking again changes nothing.
    """
    if not may_hold_card(text):
        return text
    masked = text
    while hidden := _hidden(masked):  # what is left of one number may be the beginning of another
        masked = _bulleted(masked, hidden)
    return masked if masked == text else _without_company(masked)


def holds_masked_card(text: str) -> bool:
    """Whether `text` holds a number that `mask_cards` masked."""
    return _BULLETS.search(text) is not None


def _hidden(text: str) -> set[int]:
    """The places of the digits to be masked; none where there is no card."""
    claimed = list(_claimed(text))
    hidden: set[int] = set()
    for run in (*_runs(text, claimed), *_written_evenly(text, claimed)):
        for cluster in _clusters(_windows(run)):
            shown = set.intersection(*(set(range(end - _SHOWN, end)) for _, end in cluster))
            whole = range(min(begin for begin, _ in cluster), max(end for _, end in cluster))
            hidden.update(run.places[k] for k in whole if k not in shown)
    return hidden


def _claimed(text: str) -> Iterator[tuple[int, int]]:
    """The stretches of `text` that are something else."""
    for pattern in (_PHONE, _SLIP_SHAPE):
        yield from (found.span() for found in pattern.finditer(text))
    for found in _DOCUMENT.finditer(text):
        if isinstance(read_document(found[0]), Document):
            yield found.span()
    for found in _SLIP_DIGITS.finditer(text):
        if not isinstance(read_line(found[0], _ANY_DAY), NotASlip):
            yield found.span()
    for found in _PIX_CODE.finditer(text):
        if isinstance(read_code(found[0]), Code):
            yield found.span()


def _runs(text: str, claimed: list[tuple[int, int]]) -> Iterator[_Digits]:
    """Digits with nothing but gaps between their chunks, outside of what is claimed."""
    chunks: list[re.Match[str]] = []
    taken = {place for begin, end in claimed for place in range(begin, end)}
    for chunk in _CHUNK.finditer(text):
        if chunk.start() in taken:
            yield from _run(chunks)
            chunks = []
            continue
        if chunks and _GAP_ONLY.fullmatch(text, chunks[-1].end(), chunk.start()) is None:
            yield from _run(chunks)
            chunks = []
        chunks.append(chunk)
    yield from _run(chunks)


def _written_evenly(text: str, claimed: list[tuple[int, int]]) -> Iterator[_Digits]:
    """Groups as they are printed on cards, whatever sign stands between them."""
    taken = {place for begin, end in claimed for place in range(begin, end)}
    for found in _SAME_GAPS.finditer(text):
        if found.start() not in taken:
            yield from _run(list(_CHUNK.finditer(text, *found.span())))


def _run(chunks: list[re.Match[str]]) -> Iterator[_Digits]:
    if sum(len(chunk[0]) for chunk in chunks) < SHORTEST:
        return
    begins: set[int] = set()
    ends: set[int] = set()
    values: list[str] = []
    places: list[int] = []
    for chunk in chunks:
        begins.add(len(places))
        values += [str(decimal(digit)) for digit in chunk[0]]
        places += range(*chunk.span())
        ends.add(len(places))
    yield _Digits("".join(values), tuple(places), frozenset(begins), frozenset(ends))


def _windows(run: _Digits) -> Iterator[tuple[int, int]]:
    """Begin and end of each card in a run. A card begins where a chunk does and ends where one does, unless validity
    and code are glued to it: then all of them are to go."""
    for begin in sorted(run.begins):
        for length in _lengths(run.values, begin):
            end = begin + length
            glued = None if end in run.ends else _glued_end(run, end)
            if (end in run.ends or glued is not None) and _passes_luhn(run.values[begin:end]):
                yield begin, end
                if glued is not None:
                    yield begin, glued


def _glued_end(run: _Digits, end: int) -> int | None:
    """The end of the chunk, if its digits from `end` on are a validity (MMYY, MMYYYY), with or without a code."""
    chunk_end = min((e for e in run.ends if end < e), default=end)
    return chunk_end if _GLUED.fullmatch(run.values, end, chunk_end) else None


def _clusters(windows: Iterator[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Windows that overlap, together."""
    cluster: list[tuple[int, int]] = []
    for window in windows:
        if cluster and window[0] >= max(end for _, end in cluster):
            yield cluster
            cluster = []
        cluster.append(window)
    if cluster:
        yield cluster


def _lengths(values: str, begin: int) -> frozenset[int]:
    return frozenset().union(*(lengths for start, lengths in _BEGINNINGS if start.match(values, begin)))


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += int(digit) if place % 2 == 0 else _DOUBLED[int(digit)]
    return total % 10 == 0


def _without_company(text: str) -> str:
    """The same without code and validity: who has the number and these can pay with them."""
    for pattern in (_CODE, _VALIDITY, _MONTH, _BESIDE):
        places = {place for found in pattern.finditer(text) for place in range(*found.span(1))}
        text = _bulleted(text, {place for place in places if text[place].isdecimal()})
    return text


def _bulleted(text: str, places: set[int]) -> str:
    return "".join(BULLET if place in places else letter for place, letter in enumerate(text)) if places else text
