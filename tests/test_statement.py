"""The statement of a debt: each thing that happened with what was left after it, and its words in a message."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.people import ANA, BRUNO
from bot.store.ledger_check import check
from flows import effects as fx
from flows.effects import TellStatement
from flows.facts import CostOfDebt
from flows.moment import THREE
from flows.statement import DEBTS, LINES, Agreed, Brought, History, PaidPart, Returned, lines_of, said
from flows.wording import write
from tests.owed import ZONE
from tests.talking import Chat, debt, texts
from tests.town import town

TOLD = TellStatement(first_name="Ana", creditor="Escola Aurora", choices=THREE)
BODY = 1024  # UTF-16 units beside buttons


def at(day: int, hour: int = 15) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


OPENED = Brought(at=at(1), n=0, cents=10000)


def paid(day: int, cents: int, *, of: int | None = None, **more: int) -> PaidPart:
    return PaidPart(at=at(day), end_to_end_id=f"E{day}", principal_cents=cents, agreement_id=of, **more)


def history(*brought: Brought, **more: Any) -> History:
    return History(debt=debt(7, cents=10000), brought=(OPENED, *brought), **more)


def told(of: History) -> list[tuple[str, int, int]]:
    return [(line.kind, line.amount_cents, line.balance_cents) for line in lines_of(of, ZONE)]


def test_a_debt_that_changed_and_was_paid_in_part() -> None:
    changed = Brought(at=at(3), n=1, cents=-1000)
    of = history(changed, paid=(paid(5, 4000, fine_cents=200, interest_cents=50, discount_cents=100),))
    assert told(of) == [("opened", 10000, 10000), ("changed", -1000, 9000), ("paid", 4150, 5000)]
    assert lines_of(of, ZONE)[2].cost == CostOfDebt(
        debt_id=7, principal_cents=4000, fine_cents=200, interest_cents=50, discount_cents=100
    )
    assert of.paid_cents == 4150


def test_under_an_agreement_its_payments_are_what_is_left_until_it_is_complete() -> None:
    agreed = Agreed(id=3, at=at(5), total_cents=9600, count=2, state="settled", because="paid", closed_at=at(9))
    of = history(
        paid=(paid(2, 1000), paid(6, 4800, of=3), paid(9, 4800, of=3, discount_cents=300)), agreements=(agreed,)
    )
    assert told(of) == [
        ("opened", 10000, 10000),
        ("paid", 1000, 9000),
        ("agreed", 9600, 9600),
        ("paid", 4800, 4800),
        ("paid", 4500, 0),
        ("settled", 9600, 0),
    ]


def test_a_broken_agreement_counts_as_if_it_had_never_been() -> None:
    agreed = Agreed(id=3, at=at(5), total_cents=9600, count=2, state="broken", because="late", closed_at=at(9))
    of = history(paid=(paid(6, 4700, interest_cents=100),), agreements=(agreed,))
    assert told(of) == [
        ("opened", 10000, 10000),
        ("agreed", 9600, 10000),
        ("paid", 4800, 5300),
        ("ended", 9600, 5300),
    ]
    assert lines_of(of, ZONE)[-1].because == "late"


def test_money_that_went_back_is_owed_again() -> None:
    of = history(paid=(paid(5, 4000),), returned=(Returned(at=at(8), end_to_end_id="E5", principal_cents=4000),))
    assert told(of)[2:] == [("returned", 4000, 10000)]
    assert of.paid_cents == 0


def test_a_cancelled_debt_ends_in_nothing() -> None:
    of = replace(history(), debt=debt(7, cents=10000, state="cancelled"))
    assert told(of)[-1] == ("cancelled", 10000, 0)


def test_days_are_the_creditors() -> None:
    of = history(paid=(replace(paid(6, 100), at=at(6, hour=2)),))
    assert lines_of(of, ZONE)[-1].on == date(2026, 11, 5)


@given(st.lists(st.integers(-400, 400).filter(bool), max_size=25))
def test_the_last_line_is_what_was_brought_less_what_was_paid(steps: list[int]) -> None:
    """Whatever came when."""
    days = [at(1) + timedelta(hours=n + 1) for n in range(len(steps))]
    brought = [Brought(at=d, n=n, cents=c) for n, (d, c) in enumerate(zip(days, steps, strict=True), 1) if c > 0]
    parts = [replace(paid(1, -c), at=d) for d, c in zip(days, steps, strict=True) if c < 0]
    lines = lines_of(history(*brought, paid=tuple(parts)), ZONE)
    assert lines[-1].balance_cents == 10000 + sum(steps)
    assert [line.on for line in lines] == sorted(line.on for line in lines)
    assert all(b.balance_cents - a.balance_cents == s for a, b, s in zip(lines, lines[1:], steps, strict=False))


def body(*histories: History, **owed: int) -> str:
    costs = {h.debt.id: CostOfDebt(debt_id=h.debt.id, principal_cents=owed.get("left", 5000), **{
        name: cents for name, cents in owed.items() if name != "left"}) for h in histories if owed}  # fmt: skip
    return write(said(histories, costs, TOLD, zone=ZONE), texts()).body


def test_one_debt_is_said_line_by_line_with_what_today_is_made_of() -> None:
    assert body(history(paid=(paid(5, 5000, fine_cents=200),)), left=5000, interest_cents=83) == (
        "Ana, este é o extrato de Mensalidade de outubro (Escola Aurora):\n\n"
        "• 01/11/2026: conta de R$ 100,00\n"
        "• 05/11/2026: pago R$ 52,00, saldo R$ 50,00\n"
        "Principal: R$ 50,00\n"
        "Juros: R$ 0,83\n\n"
        "Hoje fica *R$ 50,83*."
    )


def test_of_several_debts_the_sum_of_each() -> None:
    other = replace(history(paid=(paid(5, 5000),)), debt=debt(8, cents=9000, what="Material"))
    text = body(history(), other, left=4000)
    assert "• Mensalidade de outubro: pago R$ 0,00, hoje R$ 40,00\n• Material: pago R$ 50,00, hoje R$ 40,00" in text
    assert "Hoje, ao todo, fica *R$ 80,00*." in text


def test_where_nothing_is_open_what_was_paid_is_told() -> None:
    text = body(history(paid=(paid(5, 10000),)))
    assert text.endswith("pago R$ 100,00, saldo R$ 0,00\n\nNão falta pagar nada.")
    assert "tudo" in body().lower()


@pytest.mark.parametrize("payments", [LINES - 1, LINES, 60])
def test_older_lines_are_one_and_no_centavo_of_them_is_lost(payments: int) -> None:
    long = replace(debt(7, cents=99_999_999), description="Mensalidade " * 30)
    parts = tuple(replace(paid(1, 1_000_000), at=at(2) + timedelta(hours=n)) for n in range(payments))
    of = History(debt=long, brought=(Brought(at=at(1), n=0, cents=99_999_999),), paid=parts)
    text = body(of, left=99_999_999 - 1_000_000 * payments, fine_cents=99_999_999, interest_cents=99_999_999)
    assert len(text.encode("utf-16-le")) // 2 <= BODY
    hidden = payments + 1 - LINES
    assert ("Até" in text) is (hidden > 0)
    if hidden > 0:
        assert f"pago {texts().money(1_000_000 * (hidden - 1))}, saldo" in text


def test_what_went_back_before_the_newest_lines_was_not_paid() -> None:
    back = Returned(at=at(5), end_to_end_id="E4", principal_cents=1000)
    later = tuple(replace(paid(6, 100), at=at(6) + timedelta(hours=n)) for n in range(LINES))
    text = body(history(paid=(paid(4, 3000), *later), returned=(back,)), left=7200)
    assert "Até 05/11/2026: pago R$ 20,00, saldo R$ 80,00" in text


def test_many_debts_fit_into_one_message() -> None:
    many = [replace(history(), debt=debt(n, cents=9_999_999, what="Mensalidade " * 30)) for n in range(DEBTS + 3)]
    text = body(*many, left=99_999_999)
    assert len(text.encode("utf-16-le")) // 2 <= BODY
    assert "e mais 3" in text


@pytest.mark.parametrize("said_", ["extrato", "o que eu já paguei?", "detalha minha dívida"])
def test_who_asks_for_it_is_told_with_the_three_buttons(said_: str) -> None:
    chat = Chat().known().types(said_)
    [tell] = chat.all(fx.TellStatement)
    assert (tell.first_name, tell.choices) == ("Ana", THREE)
    assert chat.types("1").all(fx.Charge)  # the first of the three, typed


def test_nobody_is_told_before_they_say_who_they_are() -> None:
    chat = Chat().types("extrato")
    assert chat.all(fx.TellStatement) == []
    assert "529" not in chat.text
    assert len(chat.types("529").all(fx.TellStatement)) == 1  # and then at once


async def test_a_statement_in_the_chat_tells_what_the_books_say(database: str, redis_url: str, tmp_path: Path) -> None:
    async with town(database, redis_url, tmp_path, people=[ANA, BRUNO]) as place:
        phone = place.phone(ANA)
        await phone.says("extrato", ANA.document[:3])
        assert "extrato de Mensalidade" in phone.last
        assert "conta de R$ 349,90\n" in phone.last
        await phone.taps("Pagar agora")
        await place.bank.receives(phone.pix_code(), 10000)
        await phone.says("o que eu já paguei?")
        left = await place.ask("SELECT open_principal_cents FROM debt ORDER BY id LIMIT 1")
        assert f"pago R$ 100,00, saldo {place.parts.texts.money(left)}\n" in phone.last
        assert phone.choices() == ["Pagar agora", "Negociar", "Falar com atendente"]
        other = place.phone(BRUNO)
        await other.says("extrato", BRUNO.document[:3])
        assert "• Curso de inglês 11/2026: pago R$ 0,00, hoje R$ 163,13\n" in other.last
        async with place.parts.pool.acquire() as conn:
            assert [finding.proof.name for finding in await check(conn) if finding.wrong] == []
