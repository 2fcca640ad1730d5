"""A paper into the bytes that people get: PDF, or a calendar file."""

from typing import assert_never

from bot.papers.calendar import calendar
from bot.papers.contents import CalendarPaper, Kind, Paper, QuittancePaper, ReceiptPaper, TermsPaper
from bot.papers.quittance import quittance
from bot.papers.receipt import receipt
from bot.papers.terms import terms
from flows.wording import Texts

PDF, ICS = "application/pdf", "text/calendar"


def make(paper: Paper, texts: Texts) -> bytes:
    """Return the file of a paper, the same bytes for the same paper."""
    match paper:
        case TermsPaper():
            return terms(paper, texts)
        case QuittancePaper():
            return quittance(paper, texts)
        case ReceiptPaper():
            return receipt(paper, texts)
        case CalendarPaper():
            return calendar(paper, texts)
        case _:
            assert_never(paper)


def content_type(kind: Kind) -> str:
    """Return what a browser is told that the file is."""
    return ICS if kind == "calendar" else PDF
