"""The two maps of a policy, drawn: largest discount and most instalments, over days overdue (across) and total (up).

Colours are classes of the sheet; each field says in words what it is, for whoever points at it or has it read out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from flows.explain import days_in_words
from flows.policy_picture import Field
from flows.wording import Texts

Shown: TypeAlias = Literal["discount", "instalments"]

_WIDTH, _LEFT, _TOP, _ROW, _BELOW = 720, 92, 8, 26, 40
_LEVELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One field of the drawing; `level` from 0 (nothing) to 5 (the most of this policy), `says` in words."""

    x: float
    y: float
    width: float
    height: float
    level: int
    label: str
    says: str
    is_ticket: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A number beside or below the drawing."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing, in units of its own."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    across: tuple[Label, ...]
    up: tuple[Label, ...]


def chart(fields: Sequence[Field], shown: Shown, texts: Texts) -> Chart:
    """Return one of the maps."""
    days = sorted({(f.first_day, f.last_day) for f in fields})
    totals = sorted({(f.first_cents, f.last_cents) for f in fields}, reverse=True)
    column = (_WIDTH - _LEFT) / len(days)
    value: Callable[[Field], int] = (lambda f: f.discount_share) if shown == "discount" else (lambda f: f.instalments)
    most = max(map(value, fields), default=0)
    boxes = tuple(
        Box(
            x=_LEFT + days.index((f.first_day, f.last_day)) * column,
            y=_TOP + totals.index((f.first_cents, f.last_cents)) * _ROW,
            width=column - 1.5,
            height=_ROW - 1.5,
            level=-(-value(f) * _LEVELS // most) if most else 0,
            label=_label(f, shown),
            says=_says(f, shown, texts),
            is_ticket=f.ticket is not None,
        )
        for f in fields
    )
    bottom = _TOP + len(totals) * _ROW
    return Chart(
        width=_WIDTH,
        height=bottom + _BELOW,
        boxes=boxes,
        across=tuple(
            Label(x=_LEFT + n * column + column / 2, y=bottom + 16, text=_span(first, last))
            for n, (first, last) in enumerate(days)
        ),
        up=tuple(
            Label(x=_LEFT - 8, y=_TOP + n * _ROW + 17, text=texts.money(first // 100 * 100).removesuffix(",00"))
            for n, (first, _) in enumerate(totals)
        ),
    )


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}" if first >= 0 else f"{first}…{last}"


def _label(field: Field, shown: Shown) -> str:
    if field.ticket is not None:
        return ""
    if shown == "instalments":
        return f"{field.instalments}×" if field.instalments else ""
    return f"{field.discount_share / 100:.0f}%" if field.discount_share >= 50 else ""  # half a percent


def _says(field: Field, shown: Shown, texts: Texts) -> str:
    days = days_in_words(field.first_day, field.last_day, texts)
    where = f"{days}, {texts.money(field.first_cents)} – {texts.money(field.last_cents)}"
    if field.ticket is not None:
        return f"{where}: " + texts("people of “{queue}” decide").format(queue=field.ticket)
    if field.rule is None:
        return f"{where}: " + texts("no rule, no offer")
    if shown == "instalments":
        most = texts("at most {count} instalments").format(count=field.instalments) if field.instalments else ""
        return f"{where}: {most or texts('no instalments')} ({field.rule})"
    share = texts("at most {percent} of the total forgiven").format(percent=_percent(field.discount_share))
    return f"{where}: {share} ({field.rule})"


def _percent(hundredths: int) -> str:
    return f"{hundredths // 100},{hundredths % 100:02d}%"
