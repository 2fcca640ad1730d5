"""Offers outside the policy: asked by an agent, approved by another person, sealed like any other."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.async_api import async_playwright

from bot.papers.case_contents import CaseFile, CaseParty
from bot.papers.case_envelope import read, written
from bot.sandbox.people import CARLA, Person
from bot.store import exceptions, sessions, users
from bot.store.case_checks import checks
from bot.store.case_file import case_file
from bot.store.users import Role
from bot.web.sessions import COOKIE, LASTS
from flows import effects as fx
from flows.events import ExceptionOffered, Pressed
from flows.facts import ApprovedException
from flows.negotiation import CashOffer, InstalmentOffer, decide
from flows.policy_trial import facts_of
from flows.special_offer import NotPossible, Wanted, offer_of, wanted_from
from flows.step import State, step
from payments.late_charges import Cost
from tests.desk import Visitor
from tests.papers import words
from tests.tables import table
from tests.talking import Chat, debt, policy
from tests.test_finance_offers import said
from tests.test_finance_policies import form_of
from tests.town import Town, town

ON = date(2026, 12, 1)
COST = Cost(principal_cents=100_000, fine_cents=2_000, interest_cents=3_000)
SIX = {"kind": "instalments", "principal_percent": "50", "fine_percent": "100", "interest_percent": "100", "count": "6",
       "entry_percent": "0", "interest_percent_month": "0", "within_days": "5"}  # fmt: skip


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(database, redis_url, tmp_path, people=(CARLA,)) as running:
        yield running


async def somebody(place: Town, name: str, role: Role) -> Visitor:
    now, token = place.clock.now(), f"token-of-{name}"
    async with place.parts.pool.acquire() as conn:
        user = await users.add(conn, name=name, role=role, password_hash=None, now=now)
        assert user is not None
        await sessions.begin(conn, token=token, csrf_token="c", user_id=user, now=now, expires_at=now + 60 * LASTS)
    client: TestClient[Any, Any] = TestClient(place.server, cookie_jar=aiohttp.CookieJar(unsafe=True))
    visitor = Visitor(client)
    visitor.client.session.cookie_jar.update_cookies({COOKIE: token}, place.server.make_url("/"))
    return visitor


async def held(place: Town, agent: Visitor, person: Person = CARLA) -> int:
    """Somebody asks for a person, and the agent takes it."""
    phone = place.phone(person)
    await phone.says("oi", person.document[:3])
    await phone.taps("Falar com atendente")
    ticket: int = await place.ask("SELECT max(id) FROM ticket")
    assert (await agent.acts(ticket, "take")).status == 200
    await place.settled()
    return ticket


async def asks(place: Town, agent: Visitor, ticket: int, *, ask: bool = True, **changed: str) -> Any:
    address = f"/desk/{ticket}/exception"
    fields = await form_of(agent, address, address)
    debt_id = str(await place.ask("SELECT id FROM debt WHERE state = 'open' ORDER BY due_on LIMIT 1"))
    form = {**fields, **SIX, "debt": debt_id, "reason": "Perdeu o emprego e quer pagar", **changed}
    answer = await agent.post(address, {**form, **({"ask": "1"} if ask else {})})
    await place.settled()
    return answer


async def decides(place: Town, finance: Visitor, what: str, because: str = "") -> Any:
    number = await place.ask("SELECT max(id) FROM exception_request")
    address = f"/finance/exceptions/{number}"
    fields = await form_of(finance, address, f"{address}/{what}")
    answer = await finance.post(f"{address}/{what}", {**fields, "because": because})
    await place.settled()
    return answer


async def offers_it(place: Town, agent: Visitor, ticket: int) -> Any:
    number = await place.ask("SELECT max(id) FROM exception_request")
    address = f"/desk/{ticket}/exception"
    fields = await form_of(agent, address, f"{address}/{number}/offer")
    answer = await agent.post(f"{address}/{number}/offer", fields)
    await place.settled()
    return answer


async def test_an_agent_asks_finance_approves_and_the_person_agrees_to_the_centavo(place: Town) -> None:
    paula, otavio = await somebody(place, "Paula", "agent"), await somebody(place, "Otávio", "finance")
    ticket = await held(place, paula)
    seen = said(await (await asks(place, paula, ticket, ask=False)).text())
    assert "Quanto dá" in seen
    assert await place.ask("SELECT count(*) FROM exception_request") == 0
    assert (await asks(place, paula, ticket)).status == 303
    page = said(await otavio.text("/finance/exceptions"))
    assert "6x; com desconto de 50% do principal, 100% da multa, 100% dos juros" in page
    assert "faltam" in page
    number = await place.ask("SELECT max(id) FROM exception_request")
    one = said(await otavio.text(f"/finance/exceptions/{number}"))
    assert "Perdeu o emprego e quer pagar" in one
    assert "Desconto além da política R$" in one
    assert (await decides(place, otavio, "approve")).status == 303
    assert "O financeiro (Otávio) aprovou" in said(await paula.text(f"/desk/{ticket}"))
    assert (await offers_it(place, paula, ticket)).status == 303
    phone = place.phone(CARLA)
    assert "Confirmar" in phone.choices()
    await phone.taps("Confirmar")
    terms = json.loads(await place.ask("SELECT o.terms::text FROM offer o JOIN agreement a ON a.offer_no = o.no"))
    principal = await place.ask("SELECT principal_cents FROM debt WHERE state = 'agreed'")
    assert sum(payment["amount"] for payment in terms["payments"]) == principal - principal // 2
    assert len(terms["payments"]) == 6
    await is_proved(place, "Otávio")


async def is_proved(place: Town, decided_by: str) -> None:
    """The case file of the offer is whole, and says who decided."""
    party = CaseParty(name="Escola Aurora Ltda", document="11.222.333/0001-81", address="Rua das Laranjeiras, 120")
    async with place.parts.pool.acquire() as conn:
        row = await conn.fetchrow("SELECT conversation_id, offer_no FROM agreement")
        assert row is not None
        case = await case_file(conn, conversation_id=row["conversation_id"], no=row["offer_no"], creditor=party)
    assert case is not None
    assert case.offer.facts["exception"]["decided_by"] == decided_by
    assert wrong(case, place) == {}
    visitor = await somebody(place, "Clara", "finance")
    address = f"/finance/offers/{row['conversation_id']}/{row['offer_no']}"
    seen = said(await visitor.text(f"{address}?again=1"))
    assert "Igual até o centavo" in seen
    assert f"Aprovada fora da política por {decided_by}, a pedido de Paula" in seen
    answer = await visitor.client.get(f"{address}/case.pdf")
    assert f"por {decided_by}, a pedido de Paula" in words(await answer.read())
    is_found_out(case, place)


def wrong(case: CaseFile, place: Town) -> dict[str, tuple[str, ...]]:
    return {check.name: check.wrong for check in checks(read(written(case, place.parts.mac_key))) if check.wrong}


def is_found_out(case: CaseFile, place: Town) -> None:
    """A file that says otherwise of who asked and who decided does not pass, whoever signed it."""
    said_of = case.offer.facts["exception"]
    for other, found in (
        ({"asked_by": "OTÁVIO "}, "asked for and decided by one person"),
        ({"asked_by": ""}, "asked for and decided by one person"),
        ({"decided_by": "Clara"}, "the journal does not say once that Clara approved it"),
        ({"id": 99}, "the journal does not say once that Otávio approved it"),
    ):
        forged = replace(case, offer=replace(case.offer, facts={**case.offer.facts, "exception": {**said_of, **other}}))
        assert found in wrong(forged, place)["exception"]


async def test_only_the_holder_asks_and_once_and_nobody_decides_on_their_own(place: Town) -> None:
    paula, rui = await somebody(place, "Paula", "admin"), await somebody(place, "Rui", "agent")
    ticket = await held(place, paula)
    address = f"/desk/{ticket}/exception"
    assert "Só quem está com a conversa pode pedir" in said(await rui.text(address))
    forged = await rui.post(address, {**SIX, "csrf": "c", "key": "a" * 32, "debt": "1", "reason": "x", "ask": "1"})
    assert forged.status == 409
    fields = {**SIX, "csrf": "c", "key": "b" * 32, "reason": "pediu", "ask": "1"}
    debt_id = str(await place.ask("SELECT min(id) FROM debt WHERE state = 'open'"))
    assert (await paula.post(address, {**fields, "debt": debt_id})).status == 303
    assert (await paula.post(address, {**fields, "debt": debt_id})).status == 409
    assert (await paula.post(address, {**fields, "key": "d" * 32, "debt": debt_id})).status == 409
    assert await place.ask("SELECT count(*) FROM exception_request") == 1
    number = await place.ask("SELECT id FROM exception_request")
    own = await paula.post(f"/finance/exceptions/{number}/approve", {"csrf": "c"})
    assert (own.status, "outra pessoa precisa decidir" in said(await own.text())) == (409, True)
    assert (await rui.post(f"/finance/exceptions/{number}/approve", {"csrf": "c"})).status == 403
    assert await place.ask("SELECT state FROM exception_request") == "waiting"
    offered = await paula.post(f"{address}/{number}/offer", {"csrf": "c"})
    assert offered.status == 409


async def test_a_refusal_has_a_reason_and_an_unanswered_request_is_over_in_time(place: Town) -> None:
    paula, otavio = await somebody(place, "Paula", "agent"), await somebody(place, "Otávio", "finance")
    ticket = await held(place, paula)
    await asks(place, paula, ticket)
    assert (await decides(place, otavio, "refuse")).status == 422
    assert (await decides(place, otavio, "refuse", "Já teve dois acordos")).status == 303
    assert "Já teve dois acordos" in said(await paula.text(f"/desk/{ticket}/exception"))
    number = await place.ask("SELECT max(id) FROM exception_request")
    again = await otavio.post(f"/finance/exceptions/{number}/approve", {"csrf": "c"})
    assert (again.status, "já tinha sido decidido" in said(await again.text())) == (409, True)
    assert (await asks(place, paula, ticket)).status == 303
    await place.moves(hours=24)
    number = await place.ask("SELECT max(id) FROM exception_request")
    late = await otavio.post(f"/finance/exceptions/{number}/approve", {"csrf": "c"})
    assert (late.status, "Ninguém respondeu no prazo" in said(await late.text())) == (409, True)
    assert "ninguém respondeu no prazo" in said(await paula.text(f"/desk/{ticket}/exception"))
    assert (await asks(place, paula, ticket)).status == 303  # it makes room for another
    assert "Ninguém respondeu no prazo" in said(await otavio.text(f"/finance/exceptions/{number}"))  # and is kept
    late = await otavio.post(f"/finance/exceptions/{number}/approve", {"csrf": "c"})
    assert (late.status, "Ninguém respondeu no prazo" in said(await late.text())) == (409, True)
    states = await place.ask("SELECT array_agg(state ORDER BY id) FROM exception_request")
    assert states == ["refused", "expired", "waiting"]


async def test_a_debt_that_changed_meanwhile_gets_no_offer_of_its_old_amount(place: Town) -> None:
    paula, otavio = await somebody(place, "Paula", "agent"), await somebody(place, "Otávio", "finance")
    ticket = await held(place, paula)
    await asks(place, paula, ticket)
    await decides(place, otavio, "approve")
    await place.ask("UPDATE debt SET open_principal_cents = open_principal_cents - 100")
    answer = await offers_it(place, paula, ticket)
    assert (answer.status, "A dívida mudou" in said(await answer.text())) == (409, True)
    assert await place.ask("SELECT count(*) FROM offer WHERE facts ? 'exception'") == 0


async def test_nobody_decides_on_their_own_by_a_second_login(place: Town) -> None:
    paula, second = await somebody(place, "Paula Reis", "agent"), await somebody(place, "PAULA  REÍS", "finance")
    ticket = await held(place, paula)
    assert (await asks(place, paula, ticket)).status == 303
    number = await place.ask("SELECT id FROM exception_request")
    assert "outra pessoa precisa decidir" in said(await second.text(f"/finance/exceptions/{number}"))
    own = await second.post(f"/finance/exceptions/{number}/approve", {"csrf": "c"})
    assert (own.status, "outra pessoa precisa decidir" in said(await own.text())) == (409, True)
    assert await place.ask("SELECT state FROM exception_request") == "waiting"


async def test_two_agents_at_one_instant_ask_once_for_a_debt(place: Town) -> None:
    """The same person in two conversations: the second waits for the first, and is told."""
    paula = await somebody(place, "Paula", "agent")
    ticket = await held(place, paula)
    now = place.clock.now()
    async with place.parts.pool.acquire() as one, place.parts.pool.acquire() as other:
        row = await one.fetchrow("SELECT conversation_id, (SELECT min(id) FROM debt) AS debt_id FROM ticket")
        assert row is not None
        user = await one.fetchval("SELECT id FROM app_user WHERE name = 'Paula'")
        customer = await one.fetchval("SELECT customer_id FROM debt WHERE id = $1", row["debt_id"])
        asked: dict[str, Any] = {
            "ticket_id": ticket, "conversation_id": row["conversation_id"], "customer_id": customer,
            "debt_id": row["debt_id"], "open_cents": 100, "asked_by": user, "reason": "x", "wanted": SIX, "now": now,
            "answer_until": now + timedelta(hours=1),
        }  # fmt: skip
        begun = one.transaction()
        await begun.start()
        first = await exceptions.ask(one, form_key="a", **asked)
        waits = asyncio.create_task(exceptions.ask(other, form_key="b", **asked))
        while not await place.ask("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            continue
        await begun.commit()
        assert (first is not None, await waits) == (True, None)


async def test_the_journal_says_that_the_offer_was_made_only_where_it_was(place: Town) -> None:
    paula, otavio = await somebody(place, "Paula", "agent"), await somebody(place, "Otávio", "finance")
    ticket = await held(place, paula)
    await asks(place, paula, ticket)
    await decides(place, otavio, "approve")
    address = f"/desk/{ticket}/exception"
    number = await place.ask("SELECT max(id) FROM exception_request")
    fields = await form_of(paula, address, f"{address}/{number}/offer")
    assert (await paula.post(f"{address}/{number}/offer", fields)).status == 303
    await place.ask("UPDATE debt SET open_principal_cents = open_principal_cents - 100")  # before the bot gets to it
    await place.settled()
    said_so = "SELECT count(*) FROM journal WHERE kind = 'exception' AND body::jsonb->>'what' = 'offered'"
    assert await place.ask(said_so) == 0
    assert await place.ask("SELECT count(*) FROM journal WHERE kind = 'handed_back'") == 1
    assert await place.ask("SELECT offer_no FROM exception_request") is None


async def test_many_forms_at_one_instant_leave_nobody_waiting_for_ever(place: Town) -> None:
    """More than there are connections, all for one ticket: who holds it needs no second connection."""
    paula = await somebody(place, "Paula", "agent")
    ticket = await held(place, paula)
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(asks(place, paula, ticket, ask=False) for _ in range(16)))
    assert {answer.status for answer in answers} == {200}


async def test_a_code_of_a_cash_exception_asks_exactly_what_was_sealed(place: Town) -> None:
    paula, otavio = await somebody(place, "Paula", "agent"), await somebody(place, "Otávio", "finance")
    ticket = await held(place, paula)
    await asks(place, paula, ticket, kind="cash", principal_percent="61,37", within_days="2")
    await decides(place, otavio, "approve")
    await offers_it(place, paula, ticket)
    await place.phone(CARLA).taps("Confirmar")
    await place.settled()
    terms = json.loads(await place.ask("SELECT terms::text FROM offer WHERE facts ? 'exception'"))
    sealed = sum(terms["parts"].values()) - sum(terms["forgiven"].values())
    row = json.loads(await place.ask("SELECT json_build_array(amount_cents, pay_until, parts) FROM charge"))
    assert row[:2] == [sealed, terms["pay_until"]]
    assert row[2][0]["discount_cents"] == sum(terms["forgiven"].values())


async def test_an_exception_whose_first_day_is_over_is_read_anew_and_still_proved(place: Town) -> None:
    paula, otavio = await somebody(place, "Paula", "agent"), await somebody(place, "Otávio", "finance")
    ticket = await held(place, paula)
    await asks(place, paula, ticket, within_days="0")
    await decides(place, otavio, "approve")
    await offers_it(place, paula, ticket)
    await place.moves(hours=23)
    await place.settled()
    phone = place.phone(CARLA)
    await phone.taps("Confirmar")
    assert await place.ask("SELECT count(*) FROM agreement") == 0  # new dates are read first
    await phone.taps("Confirmar")
    amounts = await place.ask(
        "SELECT count(DISTINCT (terms->'payments'->0->>'amount')) FROM offer WHERE facts ? 'exception'"
    )
    assert amounts == 1
    await is_proved(place, "Otávio")


async def test_the_pages_fit_a_phone(place: Town, chromium_path: str | None) -> None:
    paula, _ = await somebody(place, "Paula", "agent"), await somebody(place, "Otávio", "finance")
    ticket = await held(place, paula)
    await asks(place, paula, ticket, interest_percent_month="2,5", within_days="1")
    number = await place.ask("SELECT max(id) FROM exception_request")
    root = str(place.server.make_url("")).rstrip("/")
    async with async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        finance = ("/finance/exceptions", f"/finance/exceptions/{number}")
        for name, address in (("Paula", f"/desk/{ticket}/exception"), *(("Otávio", one) for one in finance)):
            page = await browser.new_page(viewport={"width": 390, "height": 844})
            await page.context.add_cookies([{"name": COOKIE, "value": f"token-of-{name}", "url": root}])
            await page.goto(root + address)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390, address
        await browser.close()


async def test_finance_reads_where_the_law_may_object(place: Town) -> None:
    paula, otavio = await somebody(place, "Paula", "agent"), await somebody(place, "Otávio", "finance")
    ticket = await held(place, paula)
    doubtful = said(
        await (await asks(place, paula, ticket, ask=False, interest_percent_month="1,01", within_days="1")).text()
    )
    assert "os juros do parcelamento passam de 1 % ao mês" in doubtful
    await asks(place, paula, ticket, interest_percent_month="1,01", within_days="1")
    number = await place.ask("SELECT max(id) FROM exception_request")
    seen = said(await otavio.text(f"/finance/exceptions/{number}"))
    assert "os juros do parcelamento passam de 1 % ao mês" in seen
    assert "menos de dois dias" in seen


async def test_what_was_asked_for_another_person_of_the_chat_is_not_shown(place: Town) -> None:
    paula, otavio = await somebody(place, "Paula", "agent"), await somebody(place, "Otávio", "finance")
    ticket = await held(place, paula)
    await asks(place, paula, ticket)
    await decides(place, otavio, "refuse", "Não agora")
    other = await place.ask("""INSERT INTO customer (external_id, name, document, created_at, updated_at)
VALUES ('outra', 'Outra Pessoa', '11144477735', now(), now()) RETURNING id""")
    await place.ask("UPDATE conversation SET customer_id = $1", other)
    assert "Perdeu o emprego" not in said(await paula.text(f"/desk/{ticket}/exception"))


@pytest.mark.parametrize(
    *table("""
    field                  | value   | wrong
    kind                   | doar    | one payment or several
    principal_percent      | 100,01  | from 0 to 100
    principal_percent      | -1      | from 0 to 100
    principal_percent      | dez     | written like 12,50
    principal_percent      | NaN     | two decimals
    principal_percent      | 1,234   | two decimals
    principal_percent      | 9e99    | two decimals
    entry_percent          | 1e-30   | two decimals
    count                  | 0       | from 1 to 120
    count                  | 121     | from 1 to 120
    count                  | 2.5     | whole
    entry_percent          | 100     | less than all
    interest_percent_month | 10,01   | from 0 to 10
    within_days            | 31      | within 30 days
    within_days            | -1      | whole
""")
)
def test_what_can_be_no_offer_is_refused_with_its_limit(field: str, value: str, wrong: str) -> None:
    with pytest.raises(NotPossible, match=wrong):
        wanted_from({**SIX, field: value})


def test_nothing_left_to_pay_is_no_offer() -> None:
    all_of_it = Wanted(
        kind="cash", principal_percent=Decimal(100), fine_percent=Decimal(100), interest_percent=Decimal(100)
    )
    assert offer_of(policy().policy, all_of_it, COST, ON) is None
    half = offer_of(policy().policy, wanted_from(SIX), COST, ON)
    assert isinstance(half, InstalmentOffer)
    assert (half.total_cents, half.discount_cents, half.count) == (50_000, 55_000, 6)


PERCENT = st.decimals(0, 100, places=2)
WANTED = st.builds(
    Wanted,
    kind=st.just("instalments"),
    principal_percent=PERCENT,
    fine_percent=PERCENT,
    interest_percent=PERCENT,
    count=st.integers(1, 24),
    entry_percent=st.decimals(0, 90, places=2),
    interest_percent_month=st.decimals(0, 3, places=2),
    within_days=st.integers(1, 30),
)


@settings(max_examples=40)
@given(WANTED, st.integers(1, 500_000), st.integers(-5, 400), st.integers(0, 3), st.booleans())
def test_no_offer_passes_the_policy_but_by_exactly_what_a_second_person_approved(
    wanted: Wanted, cents: int, late: int, number: int, is_changed: bool
) -> None:
    """Whatever is asked and pressed: an offer is the policy's of the day, or the approved exception, term for term."""
    owed = debt(late=late, cents=cents)
    approved = ApprovedException(
        id=3, debt_id=owed.id, wanted=wanted.to_json(), open_cents=cents - (1 if is_changed else 0),
        stands_until=ON + timedelta(days=5), asked_by="Paula", decided_by="Otávio",
    )  # fmt: skip
    chat = Chat(debts=(owed,)).known()
    facts = replace(chat.facts, exceptions=(approved,))
    event = ExceptionOffered(ticket_id=1, agent_id=2, exception_id=number)
    after = step(State(configuration=("person",)), facts, event)
    sealed = [one for one in after.effects if isinstance(one, fx.SealOffer)]
    cost = facts.costs[owed.id]
    parts = Cost(principal_cents=cost.principal_cents, fine_cents=cost.fine_cents, interest_cents=cost.interest_cents)
    assert facts.policy is not None
    expected = offer_of(facts.policy.policy, wanted, parts, facts.today)
    if number != 3 or is_changed or expected is None:
        assert sealed == []
        assert after.owner == "bot"
        return
    assert [one.offer for one in sealed] == [expected]
    kept = sealed[0].facts["exception"]
    assert kept == {"id": 3, "wanted": wanted.to_json(), "asked_by": "Paula", "decided_by": "Otávio"}
    pressed = step(after.state, facts, Pressed(action="negotiate"))
    by_policy = decide(facts.policy.policy, chat_facts(facts, owed), facts.today).offers
    for one in pressed.effects:
        if isinstance(one, fx.SealOffer) and isinstance(one.offer, CashOffer | InstalmentOffer):
            assert one.offer in by_policy


def chat_facts(facts: Any, owed: Any) -> Any:
    """What the policy may know of the debt."""
    return facts_of(owed, facts.policy.policy, facts.today)
