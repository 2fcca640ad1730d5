"""The receipt of one payment: how much, when, under which bank's identifier, what it settled part by part, and what is
left."""

from bot.papers.contents import ReceiptPaper, Settled
from bot.papers.in_words import reais_in_words
from bot.papers.parties import in_figures_and_words, instant, sheet, who
from flows.wording import Texts


def receipt(paper: ReceiptPaper, texts: Texts) -> bytes:
    """Return the PDF."""
    page = sheet(
        paper, texts, title=texts("Payment receipt"), creditor=paper.creditor, made_at=paper.paid_at, number=""
    )
    page.amount(texts("Amount received"), texts.money(paper.amount_cents), reais_in_words(paper.amount_cents))
    who(page, texts, paper.creditor, paper.debtor)
    page.section(texts("The payment"))
    page.pairs(
        [(texts("Paid on"), instant(paper.paid_at, texts)), (texts("Payment (endToEndId)"), paper.end_to_end_id)]
    )
    for one in paper.settled:
        page.section(_title(one, texts))
        page.pairs([(texts("The creditor's reference"), one.external_id)])
        rows = [
            (texts("Principal"), one.principal_cents),
            (texts("Fine"), one.fine_cents),
            (texts("Interest"), one.interest_cents),
        ]
        shown = [(label, texts.money(cents)) for label, cents in rows if cents]
        if one.discount_cents:
            shown.append((texts("Discount"), f"− {texts.money(one.discount_cents)}"))
        page.sums(shown, (texts("Paid here"), texts.money(one.money_cents)))
    page.section(texts("What is left"))
    if paper.surplus_cents:
        page.paragraph(
            texts(
                "{amount} of this payment settled nothing; a person decides on it with you. Nothing of it is lost."
            ).format(amount=in_figures_and_words(paper.surplus_cents, texts))
        )
    page.paragraph(_left(paper, texts))
    return page.done()


def _title(one: Settled, texts: Texts) -> str:
    if one.instalment is None:
        return one.description
    if one.instalment == 0:
        return f"{one.description} · {texts('Entry of the agreement')}"
    which = texts("Instalment {n} of {count} of the agreement").format(n=one.instalment, count=one.instalments)
    return f"{one.description} · {which}"


def _left(paper: ReceiptPaper, texts: Texts) -> str:
    if not paper.settled:
        return texts("This payment is not yet matched with a debt.")
    if not paper.left_cents:
        return texts("Of what this payment was for, nothing is left to pay.")
    left = texts(
        "On {day} {amount} of what this payment was for is still to be paid, without charges of later days."
    ).format(day=texts.day(paper.left_on), amount=texts.money(paper.left_cents))
    if paper.next_due_on is None:
        return left
    return f"{left} {texts('Next due on {day}.').format(day=texts.day(paper.next_due_on))}"
