"""One amount wherever it stands: in the chat, on the payment page, in the Pix code, at the provider; and it settles."""

import re
from decimal import Decimal

import pytest

from bot.sandbox.people import ANA, BAKERY, BRUNO, CARLA, DAVI, Person
from payments.brcode import Code, read_code
from tests.town import Town

_AMOUNT = re.compile(r"\*R\$ ([\d.]+),(\d\d)\*, válido até (\d\d/\d\d/\d{4})")
_ON_PAGE = re.compile(r'class="pay-amount">R\$ ([\d.]+),(\d\d)<')


def cents(reais: str, rest: str) -> int:
    return int(reais.replace(".", "")) * 100 + int(rest)


@pytest.mark.parametrize(
    ("person", "said", "until", "due_cents", "paid_after_days"),
    [
        (ANA, "quanto fica se eu pagar amanhã?", "02/12/2026", 34990, 1),  # the cash offer stands till Friday
        (ANA, "quanto fica se eu pagar dia 10?", "10/12/2026", 34990 + 700 + 222, 0),  # 19 days late
        (ANA, "quanto fica se eu pagar dia 10?", "10/12/2026", 34990 + 700 + 222, 9),
        (CARLA, "e se eu pagar no fim do mês?", "31/12/2026", 248000 + 4960 + 8680, 20),  # 105 days
        (BAKERY, "quanto fica dia 7?", "07/12/2026", 123456, 6),  # due on Sunday, payable on Monday
        (BAKERY, "quanto fica dia 8?", "08/12/2026", 123456 + 2469 + 82, 2),  # and then Sunday and Monday count
        (DAVI, "quanto fica semana que vem?", "08/12/2026", 18900 + 378 + 44, 7),
        (BRUNO, "quanto fica dia 15?", "15/12/2026", 15900 + 318 + 170 + 8950 + 179 + 51, 3),
    ],
    ids=lambda value: value.account.name if isinstance(value, Person) else str(value),
)
async def test_the_amount_of_a_day_is_one_in_chat_page_code_and_provider_and_settles_what_it_asks(
    place: Town, person: Person, said: str, until: str, due_cents: int, paid_after_days: int
) -> None:
    phone = place.phone(person)
    await phone.says("oi", person.document[:3], said)
    if len(person.debts) > 1:
        await phone.taps("Todas juntas")
    told = [_AMOUNT.search(words) for words in phone.heard]
    [(reais, rest, day)] = [match.groups() for match in told if match]
    code = read_code(phone.pix_code())
    assert isinstance(code, Code)
    async with place.parts.http.get(phone.link()) as answer:
        page = await answer.text()
    on_page = _ON_PAGE.search(page)
    assert on_page is not None
    txid = await place.ask("SELECT txid FROM charge WHERE state = 'active'")
    at_provider = place.world.bank.bank.charges[txid]["valor"]["original"]
    assert day == until
    assert [cents(reais, rest), cents(*on_page.groups()), int(Decimal(at_provider) * 100)] == [due_cents] * 3
    assert code.amount_cents in (None, due_cents)
    assert await place.bank.amount_of(phone.pix_code()) == due_cents
    row = re.search(r'class="is-own"><dt>[^<]*<span>[^<]*</span></dt><dd>R\$ ([\d.]+),(\d\d)</dd>', page)
    assert row is not None
    assert cents(*row.groups()) == due_cents
    await place.moves(days=paid_after_days)
    await place.bank.receives(phone.pix_code())
    assert (
        await place.ask(
            "SELECT count(*) FROM debt d JOIN customer k ON k.id = d.customer_id"
            " WHERE k.external_id = $1 AND d.state <> 'paid'",
            person.customer_id,
        )
        == 0
    )
    assert await place.ask("SELECT sum(amount_cents) FROM ledger_posting") == 0
    assert await place.ask("SELECT count(*) FROM ledger_posting WHERE account = 'suspense'") == 0
