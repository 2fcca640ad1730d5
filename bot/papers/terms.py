"""The agreement as a paper: what was owed, what was agreed, at which rate, what lateness means, and how it was
accepted. CDC arts. 52 and 54-B."""

from collections.abc import Iterator

from bot.papers.contents import TermsPaper
from bot.papers.in_words import reais_in_words
from bot.papers.parties import about_debt, instant, sheet, who
from bot.papers.sheet import Sheet
from flows.wording import Texts


def terms(paper: TermsPaper, texts: Texts) -> bytes:
    """Return the PDF."""
    page = sheet(
        paper,
        texts,
        title=texts("Terms of agreement"),
        creditor=paper.creditor,
        made_at=paper.accepted_at,
        number=texts("Agreement no. {number}").format(number=paper.number),
    )
    page.amount(texts("Total of the agreement"), texts.money(paper.total_cents), reais_in_words(paper.total_cents))
    who(page, texts, paper.creditor, paper.debtor)
    page.section(texts("The debt"))
    about_debt(page, texts, paper.debt)
    _cost(page, paper, texts)
    _payments(page, paper, texts)
    page.section(texts("Conditions"))
    for sentence in _conditions(paper, texts):
        page.paragraph(sentence)
    _acceptance(page, paper, texts)
    return page.done()


def _cost(page: Sheet, paper: TermsPaper, texts: Texts) -> None:
    discounted_cents = paper.principal_cents + paper.fine_cents + paper.interest_cents - paper.discount_cents
    page.section(texts("What it cost on {day}, and what was agreed").format(day=texts.day(paper.cost_on)))
    rows = [
        (texts("Principal"), texts.money(paper.principal_cents)),
        (texts("Fine"), texts.money(paper.fine_cents)),
        (texts("Interest"), texts.money(paper.interest_cents)),
    ]
    if paper.discount_cents:
        rows.append((texts("Discount"), f"− {texts.money(paper.discount_cents)}"))
    if paper.total_cents != discounted_cents:
        rows.append((texts("Interest of paying in instalments"), texts.money(paper.total_cents - discounted_cents)))
    page.sums(rows, (texts("Total of the agreement"), texts.money(paper.total_cents)))


def _payments(page: Sheet, paper: TermsPaper, texts: Texts) -> None:
    page.section(texts("Payments"))
    last = max(payment.n for payment in paper.payments)
    rows = [
        (
            texts("Entry") if payment.n == 0 else f"{payment.n}/{last}",
            texts.day(payment.due_on),
            reais_in_words(payment.amount_cents),
            texts.money(payment.amount_cents),
        )
        for payment in paper.payments
    ]
    heads = (texts("No."), texts("Due on"), texts("Amount in words"), texts("Amount"))
    page.rows(heads, (20, 26, 88, 32), rows, "LLLR")


def _conditions(paper: TermsPaper, texts: Texts) -> Iterator[str]:
    """The sentences that the person read before agreeing."""
    rules = paper.rules
    if paper.in_cash:
        yield texts(
            "The discount holds for payment in full by the day above; without it the original debt counts again."
        )
        return
    if paper.interest_percent_month:
        yield texts("Interest: {rate} a month. Total effective cost (CET): {cet} a year.").format(
            rate=texts.percent(paper.interest_percent_month), cet=texts.percent(paper.cet_percent_year)
        )
    else:
        yield texts("No interest for paying in instalments: 0% a month. Total effective cost (CET): 0% a year.")
    if rules.fine_percent or rules.interest_percent_month:
        late = {"fine_percent": rules.fine_percent, "month_percent": rules.interest_percent_month}
        yield texts.filled("rule_late", late)
    yield _broken(paper, texts)
    if paper.interest_percent_month:
        yield texts("Who pays ahead of time pays less interest, in proportion (CDC art. 52 § 2).")
    if rules.date_changes:
        yield texts.filled("rule_moved", {"count": rules.date_changes, "days": rules.date_change_days})


def _broken(paper: TermsPaper, texts: Texts) -> str:
    days, missed = paper.rules.broken_days_late, paper.rules.broken_missed
    if days is not None and missed is not None:
        return texts.filled("rule_broken_both", {"days": days, "count": missed})
    if days is not None:
        return texts.filled("rule_broken_days", {"days": days})
    if missed is not None:
        return texts.filled("rule_broken_missed", {"count": missed})
    return texts.filled("rule_broken", {})


def _acceptance(page: Sheet, paper: TermsPaper, texts: Texts) -> None:
    page.section(texts("Acceptance"))
    page.paragraph(
        texts(
            "The debtor confirmed their identity in the conversation on WhatsApp, read these conditions and accepted "
            "them with the message below."
        )
    )
    page.pairs(
        [
            (texts("Accepted on"), instant(paper.accepted_at, texts)),
            (texts("Message"), paper.message_id),
            (texts("Policy"), f"{paper.policy_title} ({paper.policy_name})"),
            (texts("Its digest (SHA-256)"), paper.policy_digest),
        ]
    )
