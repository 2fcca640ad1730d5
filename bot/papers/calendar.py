"""The payments of an agreement as a calendar that a phone takes in. RFC 5545.

One all-day event for each, with an alarm at nine on the morning before. An event's UID is the same in every calendar of
the agreement, and SEQUENCE rises with its revision: to take it in again moves events and doubles none.
"""

from collections.abc import Iterator
from datetime import UTC, timedelta

from bot.papers.contents import CalendarPaper, Due
from flows.wording import Texts

_LINE_OCTETS = 75  # RFC 5545 section 3.1, without the line break
_ALARM = "-PT15H"  # before the midnight that the day begins with


def calendar(paper: CalendarPaper, texts: Texts) -> bytes:
    """Return the calendar file, UTF-8."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Acerto//Acerto//PT",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        *(line for payment in paper.payments for line in _event(paper, payment, texts)),
        "END:VCALENDAR",
    ]
    return "".join(folded for line in lines for folded in _folded(line)).encode()


def _event(paper: CalendarPaper, payment: Due, texts: Texts) -> Iterator[str]:
    summary = texts("Pay {amount} to {creditor}").format(
        amount=texts.money(payment.amount_cents), creditor=paper.creditor
    )
    which = texts("Entry of your agreement")
    if payment.n:
        which = texts("Instalment {n} of {count} of your agreement").format(n=payment.n, count=paper.instalments)
    ask = texts("For the Pix, write to us in the conversation on WhatsApp.")
    yield "BEGIN:VEVENT"
    yield f"UID:acordo-{paper.number}-{payment.n}@{paper.host}"
    yield f"DTSTAMP:{paper.made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{paper.revision}"
    yield f"DTSTART;VALUE=DATE:{payment.due_on:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{payment.due_on + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_escaped(summary)}"
    yield f"DESCRIPTION:{_escaped(f'{which}. {ask}')}"
    yield "TRANSP:TRANSPARENT"
    yield "CLASS:PRIVATE"
    yield "BEGIN:VALARM"
    yield "ACTION:DISPLAY"
    yield f"DESCRIPTION:{_escaped(summary)}"
    yield f"TRIGGER:{_ALARM}"
    yield "END:VALARM"
    yield "END:VEVENT"


def _escaped(text: str) -> str:
    """Section 3.3.11."""
    one_line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return one_line.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[str]:
    """At most 75 octets a line, never in the middle of a letter."""
    while len(line.encode()) > _LINE_OCTETS:
        end = _LINE_OCTETS
        while len(line[:end].encode()) > _LINE_OCTETS:
            end -= 1
        yield f"{line[:end]}\r\n"
        line = " " + line[end:]
    yield f"{line}\r\n"
