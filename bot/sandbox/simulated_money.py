"""What a simulated payment does: a charge that is paid whole and in time settles just what it asked for."""

from dataclasses import replace
from datetime import date

from bot.sandbox.simulated_books import Books
from flows.breaking import PaidUnder
from flows.calendar import days_overdue
from flows.costs import cost_of
from flows.facts import AgreementFact, ChargeFact, CostOfDebt, Instalment, Settlement
from payments.late_charges import Terms


def can_be_paid(books: Books, charge_no: int, today: date) -> ChargeFact | None:
    """Return the charge where its code is still good on the local day `today`."""
    charge = books.charges.get(charge_no)
    good = charge is not None and charge.state == "active" and today <= charge.pay_until
    return charge if good else None


def settlement_of(books: Books, charge: ChargeFact, today: date, terms: Terms) -> Settlement:
    """Return what the dialogue has to know of a payment of `charge`, before it is booked."""
    agreement = _agreement(books, charge)
    if agreement is None:
        settled = tuple(sorted(part.debt_id for part in charge.parts))
        return Settlement(amount_cents=charge.amount_cents, settled_debts=settled)
    after = _after(agreement, charge.parts)
    left = after.open_instalments
    return Settlement(
        amount_cents=charge.amount_cents,
        settled_debts=() if left else (agreement.debt_id,),
        still_open_cents=sum(i.open_cents for i in left),
        instalment_n=charge.parts[0].instalment_n,
        instalments_left=len(left),
        next_due_on=left[0].due_on if left else None,
        agreement_settled=not left,
    )


def book(books: Books, charge: ChargeFact, today: date, terms: Terms) -> tuple[int, ...]:
    """Book a payment of `charge` on the local day `today`. Return the debts that are settled by it."""
    assert charge.amount_cents == sum(part.total_cents for part in charge.parts)
    agreement = _agreement(books, charge)
    settled: tuple[int, ...] = ()
    if agreement is None:
        settled = tuple(part.debt_id for part in charge.parts)
    else:
        after = _after(agreement, charge.parts)
        under = books.paid_under.setdefault(agreement.offer_no, [])
        under.append(
            PaidUnder(
                payment_id=charge.no,
                paid_on=today,
                amount_cents=sum(part.principal_cents - part.discount_cents for part in charge.parts),
                fine_cents=sum(part.fine_cents for part in charge.parts),
                interest_cents=sum(part.interest_cents for part in charge.parts),
            )
        )
        books.changed(after if after.open_instalments else replace(after, state="settled"))
        settled = () if after.open_instalments else (agreement.debt_id,)
    for debt_id in settled:
        debt = books.debts[debt_id]
        assert debt.state == ("open" if agreement is None else "agreed")
        books.debts[debt_id] = replace(debt, state="paid", open_principal_cents=0)
        books.late_before += days_overdue(debt.due_on, today, terms.holidays) > 0
    books.charges[charge.no] = replace(charge, state="paid", paid_cents=charge.amount_cents)
    _take_back(books, settled)
    books.paid_on = today
    return settled


def cents_open(books: Books, today: date, terms: Terms) -> int:
    """Return what is open of all debts on record, agreements by what is left of them, in centavos."""
    debts = sum(cost_of(d, today, terms).total_cents for d in books.owed if d.state == "open")
    agreed = (i.open_cents for a in books.agreements.values() if a.state == "active" for i in a.instalments)
    return debts + sum(agreed)


def _agreement(books: Books, charge: ChargeFact) -> AgreementFact | None:
    return books.agreements[charge.agreement_offer_no] if charge.agreement_offer_no is not None else None


def _after(agreement: AgreementFact, parts: tuple[CostOfDebt, ...]) -> AgreementFact:
    paid = {part.instalment_n: part for part in parts}

    def covered(i: Instalment) -> Instalment:
        part = paid.get(i.n)
        if part is None:
            return i
        return replace(
            i,
            paid_cents=i.paid_cents + part.principal_cents - part.discount_cents,
            forgiven_cents=i.forgiven_cents + part.discount_cents,
            fine_paid_cents=i.fine_paid_cents + part.fine_cents,
        )

    return replace(agreement, instalments=tuple(map(covered, agreement.instalments)))


def _take_back(books: Books, settled: tuple[int, ...]) -> None:
    """Charges that ask for what is settled by now."""
    for charge in list(books.charges.values()):
        if any(part.debt_id in settled for part in charge.parts):
            books.cancel(charge.no)
