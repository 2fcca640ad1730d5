"""Papers for tests, and how they are read back: the words of a PDF, the events of a calendar."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar
from pypdf import PdfReader

from bot.papers.contents import (
    CalendarPaper,
    Due,
    PaidOn,
    PaperDebt,
    Party,
    QuittancePaper,
    ReceiptPaper,
    Rules,
    Settled,
    TermsPaper,
)

AT = datetime(2026, 12, 1, 12, 3, 4, tzinfo=ZoneInfo("America/Sao_Paulo"))
CREDITOR = Party(name="Escola Aurora Ltda", document="11.222.333/0001-81", address="Rua das Laranjeiras, 120")
MARIA = Party(name="Maria Aparecida Souza", document="•••.982.247-••")
DEBT = PaperDebt(
    external_id="NF-0810", description="Mensalidade de outubro", due_on=date(2026, 10, 5), principal_cents=69980
)
DUES = (
    Due(n=0, due_on=date(2026, 12, 1), amount_cents=10000),
    Due(n=1, due_on=date(2027, 1, 10), amount_cents=31655),
    Due(n=2, due_on=date(2027, 2, 10), amount_cents=31653),
)
RULES = Rules(
    fine_percent=Decimal("2.00"),
    interest_percent_month=Decimal("1.00"),
    broken_days_late=30,
    broken_missed=2,
    date_changes=2,
    date_change_days=10,
)


def pdf(file: bytes) -> PdfReader:
    """A PDF as another program reads it."""
    return PdfReader(BytesIO(file))


def words(file: bytes) -> str:
    """The words of a PDF in one line."""
    return " ".join(" ".join(page.extract_text() for page in pdf(file).pages).split())


def events(file: bytes) -> list[Any]:
    """The events of a calendar."""
    return list(Calendar.from_ical(file).walk("VEVENT"))


def terms_paper(**otherwise: Any) -> TermsPaper:
    """An agreement of an entry and two instalments, with interest."""
    fields: dict[str, Any] = {
        "number": 12,
        "creditor": CREDITOR,
        "debtor": MARIA,
        "debt": DEBT,
        "cost_on": date(2026, 12, 1),
        "principal_cents": 69980,
        "fine_cents": 1400,
        "interest_cents": 1330,
        "discount_cents": 1400,
        "payments": DUES,
        "total_cents": 73308,
        "interest_percent_month": Decimal("1.00"),
        "cet_percent_year": Decimal("12.68"),
        "in_cash": False,
        "rules": RULES,
        "policy_title": "Política padrão",
        "policy_name": "padrao",
        "policy_digest": "ab" * 32,
        "accepted_at": AT,
        "message_id": "wamid.HBgNNTUxMTk4NzY1NDMyMRUCABIYFjNFQjBDOEQ5RTcwQTQ2RjJBMQA=",
    }
    return TermsPaper(**{**fields, **otherwise})


def quittance_paper(**otherwise: Any) -> QuittancePaper:
    """A debt that was paid by two payments, one of which paid for something else too."""
    fields: dict[str, Any] = {
        "number": 12,
        "creditor": CREDITOR,
        "debtor": MARIA,
        "debts": (DEBT,),
        "payments": (
            PaidOn(end_to_end_id="E" + "1" * 31, paid_at=AT, amount_cents=10000, whole_cents=10000),
            PaidOn(end_to_end_id="E" + "2" * 31, paid_at=AT + timedelta(days=9), amount_cents=60000, whole_cents=65000),
        ),
        "settled_at": AT + timedelta(days=9),
    }
    return QuittancePaper(**{**fields, **otherwise})


def receipt_paper(**otherwise: Any) -> ReceiptPaper:
    """A late instalment, paid with its fine, a little interest off."""
    fields: dict[str, Any] = {
        "creditor": CREDITOR,
        "debtor": MARIA,
        "end_to_end_id": "E" + "1" * 31,
        "paid_at": AT,
        "amount_cents": 10943,
        "settled": (
            Settled(
                external_id="NF-0810",
                description="Mensalidade de outubro",
                principal_cents=10743,
                fine_cents=215,
                interest_cents=0,
                discount_cents=15,
                instalment=2,
                instalments=6,
            ),
        ),
        "surplus_cents": 0,
        "left_cents": 42972,
        "left_on": date(2026, 12, 1),
        "next_due_on": date(2027, 3, 10),
    }
    return ReceiptPaper(**{**fields, **otherwise})


def calendar_paper(**otherwise: Any) -> CalendarPaper:
    """Three open payments."""
    fields: dict[str, Any] = {
        "number": 12,
        "creditor": "Escola Aurora Ltda",
        "host": "acerto.exemplo.com.br",
        "made_at": AT,
        "instalments": 2,
        "payments": DUES,
    }
    return CalendarPaper(**{**fields, **otherwise})
