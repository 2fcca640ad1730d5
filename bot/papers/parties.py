"""What every paper begins with: who collects, who owes, and the paper's own number."""

from datetime import datetime

from bot.papers.contents import Paper, PaperDebt, Party, digest
from bot.papers.in_words import reais_in_words
from bot.papers.sheet import Sheet
from flows.wording import Texts


def sheet(paper: Paper, texts: Texts, *, title: str, creditor: Party, made_at: datetime, number: str) -> Sheet:
    """Return the first page with its head. At the foot stands the paper's digest, which the journal has too."""
    page = Sheet(
        title=title,
        author=creditor.name,
        made_at=made_at,
        foot=texts("Record of this paper (SHA-256): {digest}").format(digest=digest(paper)),
        page_of=texts("Page {page} of {pages}"),
    )
    page.head(creditor.name, details(creditor, texts), title, number)
    return page


def who(page: Sheet, texts: Texts, creditor: Party, debtor: Party) -> None:
    """Write both parties down."""
    page.section(texts("Parties"))
    page.pairs(
        [
            (texts("Creditor"), _joined(creditor.name, details(creditor, texts))),
            (texts("Debtor"), _joined(debtor.name, details(debtor, texts))),
        ]
    )


def details(party: Party, texts: Texts) -> str:
    """Return document and address in one line."""
    kind = "CNPJ" if "/" in party.document else "CPF"
    return _joined(f"{kind} {party.document}" if party.document else "", party.address)


def about_debt(page: Sheet, texts: Texts, debt: PaperDebt) -> None:
    """Write down which debt it is."""
    page.pairs(
        [
            (texts("Description"), debt.description),
            (texts("The creditor's reference"), debt.external_id),
            (texts("Was due on"), texts.day(debt.due_on)),
            (texts("Original amount"), in_figures_and_words(debt.principal_cents, texts)),
        ]
    )


def in_figures_and_words(cents: int, texts: Texts) -> str:
    """Return R$ 1.234,56 (mil duzentos e trinta e quatro reais e cinquenta e seis centavos)."""
    return f"{texts.money(cents)} ({reais_in_words(cents)})"


def instant(at: datetime, texts: Texts) -> str:
    """Return day, time and offset of a local instant."""
    offset = f"{at:%z}"
    return texts("{day} at {time} (UTC{offset})").format(
        day=texts.day(at.date()), time=f"{at:%H:%M:%S}", offset=f"{offset[:3]}:{offset[3:5]}"
    )


def _joined(*words: str) -> str:
    return " · ".join(word for word in words if word)
