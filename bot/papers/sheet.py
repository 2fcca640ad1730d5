"""A paper's pages: A4, one typeface embedded, and the few things that papers are made of.

The same words make the same bytes: the date inside is the paper's own, and nothing is random. Whatever the typeface has
no sign for is written without its accents, else as a question mark.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

_FONTS = Path(__file__).parent / "fonts"
_FAMILY = "sans"
_MARGIN, _WIDTH, _BOTTOM = 22.0, 166.0, 20.0  # millimetres
_LABEL, _ROW = 46.0, 4.3
_BODY, _SMALL = 9.2, 8.0  # points
_INK, _QUIET, _RULE, _ACCENT, _PALE = (28, 33, 31), (102, 112, 108), (208, 216, 212), (18, 75, 55), (238, 245, 241)


class Sheet(FPDF):
    """One paper. `foot` stands on every page, before the page's number, which `page_of` words."""

    def __init__(self, *, title: str, author: str, made_at: datetime, foot: str, page_of: str) -> None:
        super().__init__(format="A4", unit="mm")
        self._foot, self._page_of = foot, page_of
        self.add_font(_FAMILY, "", _FONTS / "SourceSans3-Regular.ttf")
        self.add_font(_FAMILY, "B", _FONTS / "SourceSans3-Semibold.ttf")
        fonts = [font for font in self.fonts.values() if isinstance(font, TTFFont)]
        self._drawn = frozenset(fonts[0].cmap).intersection(*(font.cmap for font in fonts))
        self.set_margins(_MARGIN, 16, _MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, margin=_BOTTOM)
        self.set_creation_date(made_at)
        self.set_title(title)
        self.set_author(self._written(author))
        self.set_producer("Acerto")
        self.set_lang("pt-BR")
        self.set_line_width(0.2)
        self.add_page()

    def footer(self) -> None:
        """What ends every page."""
        self.set_y(-14)
        self._pen(7.2, _QUIET)
        self.cell(_WIDTH - 30, 4, self._written(self._foot))
        number = self._page_of.format(page=self.page_no(), pages="{nb}")
        self.cell(30, 4, number, align="R")

    def head(self, name: str, details: str, title: str, number: str) -> None:
        """Whose paper it is, and what."""
        self._pen(11, _ACCENT, bold=True)
        self._line(name, 5.5)
        self._pen(_SMALL, _QUIET)
        self._line(details, 4.2)
        self.ln(2)
        self._rule(_ACCENT, 0.5)
        self.ln(4.5)
        self._pen(20, _INK, bold=True)
        self.cell(_WIDTH - 50, 9, self._written(title))
        self._pen(9.5, _QUIET)
        self.cell(50, 10, self._written(number), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2)

    def amount(self, label: str, figures: str, words: str) -> None:
        """The amount that the paper is about, in figures and in words."""
        top = self.get_y()
        height = 20.0
        self.set_fill_color(*_PALE)
        self.rect(_MARGIN, top, _WIDTH, height, style="F", round_corners=True, corner_radius=1.5)
        self.set_xy(_MARGIN + 5, top + 2.6)
        self._pen(_SMALL, _QUIET)
        self.cell(_WIDTH - 10, 4, self._written(label), new_x=XPos.LEFT, new_y=YPos.NEXT)
        self._pen(16, _ACCENT, bold=True)
        self.cell(_WIDTH - 10, 7, self._written(figures), new_x=XPos.LEFT, new_y=YPos.NEXT)
        self._pen(9, _INK)
        self.cell(_WIDTH - 10, 4.6, self._written(f"({words})"))
        self.set_xy(_MARGIN, top + height + 1)

    def section(self, title: str) -> None:
        """Begin a part of the paper; its title stays with what follows."""
        if self.will_page_break(20):
            self.add_page()
        self.ln(3)
        self._pen(10.5, _ACCENT, bold=True)
        self._line(title, 5)
        self._rule(_RULE, 0.2)
        self.ln(1.2)

    def pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        """What is what, each with its label; without an answer it is left out."""
        for label, value in rows:
            if not value:
                continue
            self._pen(_BODY, _QUIET)
            self.cell(_LABEL, 4.7, self._written(label))
            self._pen(_BODY, _INK)
            self.multi_cell(_WIDTH - _LABEL, 4.7, self._written(value), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")

    def sums(self, rows: Sequence[tuple[str, str]], total: tuple[str, str]) -> None:
        """Amounts under each other, and what they make."""
        for label, value in rows:
            self._pen(_BODY, _INK)
            self._two(label, value)
        self._rule(_RULE, 0.2)
        self._pen(_BODY, _INK, bold=True)
        self._two(*total)

    def rows(self, heads: Sequence[str], widths: Sequence[float], rows: Sequence[Sequence[str]], right: str) -> None:
        """Rows under their heads, which are said again on a new page. `right` has an R for each column of amounts, the
        other columns an L."""
        self._heads(heads, widths, right)
        for row in rows:
            self._pen(_BODY, _INK)
            written = [self._written(cell) for cell in row]
            lines = max(
                len(self.multi_cell(w, _ROW, c, dry_run=True, output="LINES"))  # type: ignore[arg-type]  # a list, as asked
                for w, c in zip(widths, written, strict=True)
            )
            if self.will_page_break(lines * _ROW + 1.2):
                self.add_page()
                self._heads(heads, widths, right)
                self._pen(_BODY, _INK)
            top, left = self.get_y() + 0.6, _MARGIN
            for width, cell, align in zip(widths, written, right, strict=True):
                self.set_xy(left, top)
                self.multi_cell(width, _ROW, cell, align=align, new_x=XPos.RIGHT, new_y=YPos.TOP)
                left += width
            self.set_xy(_MARGIN, top + lines * _ROW + 0.6)
            self._rule(_RULE, 0.1)

    def paragraph(self, words: str) -> None:
        """A paragraph."""
        self._pen(_BODY, _INK)
        self.multi_cell(_WIDTH, 4.6, self._written(words), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(0.6)

    def done(self) -> bytes:
        """The file."""
        return bytes(self.output())

    def _heads(self, heads: Sequence[str], widths: Sequence[float], right: str) -> None:
        self._pen(_SMALL, _QUIET)
        for head, width, align in zip(heads, widths, right, strict=True):
            self.cell(width, 4.6, self._written(head), align=align)
        self.ln(4.6)
        self._rule(_RULE, 0.2)

    def _two(self, label: str, value: str) -> None:
        self.cell(_WIDTH - 45, 4.8, self._written(label))
        self.cell(45, 4.8, self._written(value), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _line(self, words: str, height: float) -> None:
        self.multi_cell(_WIDTH, height, self._written(words), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _rule(self, colour: tuple[int, int, int], width: float) -> None:
        self.set_draw_color(*colour)
        self.set_line_width(width)
        self.line(_MARGIN, self.get_y(), _MARGIN + _WIDTH, self.get_y())

    def _pen(self, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        self.set_font(_FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _written(self, words: str) -> str:
        whole = unicodedata.normalize("NFC", words)
        return "".join(self._sign(c) for c in whole)

    def _sign(self, sign: str) -> str:
        if sign == "\n" or ord(sign) in self._drawn:
            return sign
        if unicodedata.category(sign)[0] in "CZ":  # a control, a direction, a strange blank
            return " " if sign.isspace() else ""
        bare = "".join(c for c in unicodedata.normalize("NFKD", sign) if ord(c) in self._drawn)
        return bare or "?"
