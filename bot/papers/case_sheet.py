"""A case for people to read: who, what, when, on which terms, how it was accepted, what was paid, and by which digests
all of it can be checked. It says what the file says; the same bytes for the same case."""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo

from bot.papers.case_contents import CaseFile, CaseParty, money_of
from bot.papers.in_words import reais_in_words
from bot.papers.parties import instant
from bot.papers.sheet import Sheet
from flows.offers import CashOffer, InstalmentOffer, PromiseOffer, offer_from
from flows.wording import Texts

_KINDS = {
    "agreed": "Agreed to the terms in the conversation",
    "charged": "Asked for the payment code of the offer",
    "promised": "Promised a day in the conversation",
}
_STATES = {"active": "In force", "settled": "Paid in full", "broken": "Ended before it was paid"}


def case_sheet(case: CaseFile, *, digest: str, key: str, texts: Texts, zone: tzinfo) -> bytes:
    """Return the PDF. `digest` and `key` are those of the file; instants are told where the creditor is."""
    page = Sheet(
        title=texts("Case of an offer"),
        author=case.creditor.name,
        made_at=case.as_of,
        foot=texts("Case file (SHA-256): {digest}").format(digest=digest),
        page_of=texts("Page {page} of {pages}"),
    )
    number = texts("Offer {conversation}/{no}").format(conversation=case.conversation, no=case.offer.no)
    page.head(case.creditor.name, _details(case.creditor), texts("Case of an offer"), number)
    if case.closing.offered_cents:
        cents = case.closing.offered_cents
        page.amount(texts("Total of the offer"), texts.money(cents), reais_in_words(cents))
    _parties(page, case, texts)
    _offer(page, case, texts, zone)
    _acceptance(page, case, texts, zone)
    _received(page, case, texts, zone)
    _policy(page, case, texts, zone)
    _facts(page, case, texts)
    _proof(page, case, texts, zone, digest=digest, key=key)
    return page.done()


def _parties(page: Sheet, case: CaseFile, texts: Texts) -> None:
    page.section(texts("Parties"))
    page.pairs(
        [
            (texts("Creditor"), _joined(case.creditor.name, _details(case.creditor))),
            (texts("Debtor"), _joined(case.debtor.name, _details(case.debtor), case.debtor.external_id)),
            (texts("The debt"), _joined(case.debt.description, case.debt.external_id)),
            (texts("Was due on"), texts.day(case.debt.due_on)),
            (texts("Original amount"), texts.money(case.debt.principal_cents)),
        ]
    )


def _offer(page: Sheet, case: CaseFile, texts: Texts, zone: tzinfo) -> None:
    offer = offer_from(case.offer.terms)
    page.section(texts("What was offered"))
    page.pairs(
        [
            (texts("Shown on"), _at(case.offer.shown_at, texts, zone)),
            (texts("Honoured until"), texts.day(case.offer.honoured_until)),
            (texts("Offer and rule"), _joined(offer.name, offer.rule)),
        ]
    )
    if (special := case.offer.facts.get("exception")) is not None:
        said = texts("Approved outside the policy by {decided}, asked for by {asked}.")
        page.paragraph(said.format(decided=special["decided_by"], asked=special["asked_by"]))
    if isinstance(offer, PromiseOffer):
        page.paragraph(texts("A promise to pay until {day}.").format(day=texts.day(offer.until)))
        return
    rows = [
        (texts("Principal"), texts.money(offer.parts.principal_cents)),
        (texts("Fine"), texts.money(offer.parts.fine_cents)),
        (texts("Interest"), texts.money(offer.parts.interest_cents)),
        (texts("Discount"), f"− {texts.money(offer.discount_cents)}"),
    ]
    if isinstance(offer, InstalmentOffer) and offer.interest_cents:
        rows.append((texts("Interest of paying in instalments"), texts.money(offer.interest_cents)))
    page.ln(1)
    page.sums(rows, (texts("Total"), texts.money(offer.total_cents)))
    if isinstance(offer, CashOffer):
        page.paragraph(texts("In one payment until {day}.").format(day=texts.day(offer.pay_until)))
        return
    rate, cet = texts.percent(offer.interest_percent_month), texts.percent(offer.cet_percent_year)
    said = texts("Interest: {rate} a month. Total effective cost (CET): {cet} a year.").format(rate=rate, cet=cet)
    page.paragraph(said)
    heads = (texts("No."), texts("Due on"), texts("Moved to"), texts("Paid"), texts("Amount"))
    page.rows(heads, (20, 32, 32, 41, 41), list(_instalments(case, offer, texts)), "LLLRR")


def _instalments(case: CaseFile, offer: InstalmentOffer, texts: Texts) -> Iterator[tuple[str, ...]]:
    made = {i.n: i for i in case.agreement.instalments} if case.agreement is not None else {}
    for payment in offer.payments:
        one = made.get(payment.n)
        yield (
            texts("Entry") if payment.n == 0 else f"{payment.n}/{offer.count}",
            texts.day(payment.due),
            texts.day(one.due_on) if one is not None and one.due_on != one.agreed_on else "–",
            texts.money(one.paid_cents) if one is not None else "–",
            texts.money(payment.amount_cents),
        )


def _acceptance(page: Sheet, case: CaseFile, texts: Texts, zone: tzinfo) -> None:
    page.section(texts("Acceptance"))
    if case.acceptance is None:
        page.paragraph(texts("Nobody accepted this offer."))
        return
    agreement = case.agreement
    page.pairs(
        [
            (texts("How"), texts(_KINDS[case.acceptance.kind])),
            (texts("Accepted on"), _at(case.acceptance.at, texts, zone)),
            (texts("Message"), case.acceptance.message_id),
            (texts("Line of the journal"), str(case.acceptance.journal_n)),
            (
                texts("Agreement"),
                f"{agreement.id} · {texts(_STATES[agreement.state])}" if agreement is not None else "",
            ),
        ]
    )


def _received(page: Sheet, case: CaseFile, texts: Texts, zone: tzinfo) -> None:
    page.section(texts("What was paid"))
    if not case.payments:
        page.paragraph(texts("Nothing was paid."))
    else:
        rows = [
            (
                _at(payment.paid_at, texts, zone),
                payment.end_to_end_id,
                texts.money(sum(money_of(line) for line in payment.allocation)),
                texts.money(payment.amount_cents),
            )
            for payment in case.payments
        ]
        heads = (texts("Paid on"), texts("Payment (endToEndId)"), texts("Settled by it"), texts("Amount"))
        page.rows(heads, (46, 66, 27, 27), rows, "LLRR")
    page.ln(1)
    closing = case.closing
    page.sums(
        [
            (texts("Offered"), texts.money(closing.offered_cents)),
            (texts("Paid"), f"− {texts.money(closing.paid_cents)}"),
            (texts("Taken off for paying ahead"), f"− {texts.money(closing.forgiven_cents)}"),
        ],
        (texts("Open"), texts.money(closing.open_cents)),
    )


def _policy(page: Sheet, case: CaseFile, texts: Texts, zone: tzinfo) -> None:
    policy = case.policy
    approved = (
        f"{policy.approved_by} · {_at(policy.approved_at, texts, zone)}" if policy.approved_at is not None else "–"
    )
    page.section(texts("Policy"))
    page.pairs(
        [
            (texts("Policy"), f"{policy.title} ({policy.name})"),
            (texts("Submitted by"), f"{policy.submitted_by} · {_at(policy.submitted_at, texts, zone)}"),
            (texts("Approved by"), approved),
            (texts("Its digest (SHA-256)"), policy.digest),
        ]
    )


def _facts(page: Sheet, case: CaseFile, texts: Texts) -> None:
    """As they are kept: their names are those of the file."""
    page.section(texts("Facts it was made from"))
    page.pairs([(name, _plain(value)) for name, value in _named(case.offer.facts)])


def _proof(page: Sheet, case: CaseFile, texts: Texts, zone: tzinfo, *, digest: str, key: str) -> None:
    page.section(texts("Proof"))
    last = case.journal[-1] if case.journal else None
    page.pairs(
        [
            (texts("As of"), _at(case.as_of, texts, zone)),
            (texts("Seal of the offer (SHA-256)"), case.offer.seal),
            (texts("Journal, line {n}").format(n=last.n) if last is not None else "", last.hash if last else ""),
            (texts("Case file (SHA-256)"), digest),
            (texts("Public key (Ed25519)"), key),
        ]
    )
    page.paragraph(
        texts(
            "The case file in JSON says the same as this paper and can be checked without the creditor's systems: "
            "acerto verify FILE --key KEY."
        )
    )


def _named(facts: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Each fact under its path: `exception.wanted.count`."""
    for name, value in sorted(facts.items()):
        if isinstance(value, Mapping):
            yield from _named(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None or value == "" else str(value)


def _at(at: datetime, texts: Texts, zone: tzinfo) -> str:
    return instant(at.astimezone(zone), texts)


def _details(party: CaseParty) -> str:
    kind = "CNPJ" if "/" in party.document else "CPF"
    return _joined(f"{kind} {party.document}" if party.document else "", party.address)


def _joined(*words: str) -> str:
    return " · ".join(word for word in words if word)
