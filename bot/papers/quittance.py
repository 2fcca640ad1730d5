"""The quittance: the creditor declares debts paid. CC arts. 319 and 320 say what it names: value and kind of the debt,
the debtor, who paid, time and place of the payment."""

from bot.papers.contents import PaidOn, QuittancePaper
from bot.papers.in_words import reais_in_words
from bot.papers.parties import about_debt, in_figures_and_words, instant, sheet, who
from flows.wording import Texts


def quittance(paper: QuittancePaper, texts: Texts) -> bytes:
    """Return the PDF."""
    total_cents = sum(payment.amount_cents for payment in paper.payments)
    number = texts("Agreement no. {number}").format(number=paper.number) if paper.number is not None else ""
    page = sheet(
        paper,
        texts,
        title=texts("Quittance"),
        creditor=paper.creditor,
        made_at=paper.settled_at,
        number=number,
    )
    page.amount(texts("Received in all"), texts.money(total_cents), reais_in_words(total_cents))
    who(page, texts, paper.creditor, paper.debtor)
    page.section(texts("The debt") if len(paper.debts) == 1 else texts("The debts"))
    for debt in paper.debts:
        about_debt(page, texts, debt)
        page.ln(1.5)
    page.section(texts("What was paid"))
    rows = [
        (instant(payment.paid_at, texts), _identified(payment, texts), texts.money(payment.amount_cents))
        for payment in paper.payments
    ]
    page.rows((texts("Paid on"), texts("Payment (endToEndId)"), texts("Amount")), (58, 76, 32), rows, "LLR")
    page.section(texts("Declaration"))
    page.paragraph(_declaration(paper, total_cents, texts))
    page.paragraph(
        texts("Place of payment: at the creditor named above, by transfer to the creditor's account.")
        + " "
        + texts("Settled on {instant}.").format(instant=instant(paper.settled_at, texts))
    )
    return page.done()


def _identified(payment: PaidOn, texts: Texts) -> str:
    if payment.whole_cents == payment.amount_cents:
        return payment.end_to_end_id
    part = texts("part of a payment of {amount}").format(amount=texts.money(payment.whole_cents))
    return f"{payment.end_to_end_id}\n{part}"


def _declaration(paper: QuittancePaper, total_cents: int, texts: Texts) -> str:
    values = {
        "creditor": paper.creditor.name,
        "debtor": paper.debtor.name,
        "amount": in_figures_and_words(total_cents, texts),
    }
    if len(paper.debts) == 1:
        return texts(
            "{creditor} declares to have received {amount} from {debtor} and gives full, general and irrevocable "
            "quittance of the debt described above: nothing more can be claimed on it, as principal, interest, fine or "
            "under any other title (Civil Code, arts. 319 and 320)."
        ).format(**values)
    return texts(
        "{creditor} declares to have received {amount} from {debtor} and gives full, general and irrevocable "
        "quittance of the debts described above: nothing more can be claimed on them, as principal, interest, fine or "
        "under any other title (Civil Code, arts. 319 and 320)."
    ).format(**values)
