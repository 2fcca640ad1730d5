"""A policy tried before it acts: counted, compared, drilled down to one debt, on the portfolio or a file."""

import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.engine.trial_work import Trials
from bot.sandbox.people import ANA, BRUNO, CARLA
from bot.store import policies, policy_trials
from bot.store.policies import By
from flows.negotiation import CashOffer, DebtFacts, InstalmentOffer, decide, outline
from flows.policy import Policy, read_policy
from flows.policy_trial import Tally, change_of, tally_of, terms_for
from flows.why_rule import not_made, weighed
from tests.desk import Visitor
from tests.test_finance_offers import said, somebody
from tests.test_finance_policies import form_of
from tests.test_negotiation import DEBTS, POLICIES, readable
from tests.test_policy import SAMPLE, policy_with
from tests.town import Town, town
from tests.waiting import until

ON = date(2026, 12, 1)
MEAN = policy_with(("principal: 10.00", "principal: 5.00"), ("title: Política padrão", "title: Política dura"))


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(database, redis_url, tmp_path, people=(ANA, BRUNO, CARLA)) as running:
        yield running


def of(source: bytes) -> Policy:
    policy = read_policy(source, name="p")
    assert isinstance(policy, Policy)
    return policy


async def submitted(place: Town, source: bytes) -> str:
    by = By(name="Clara", at=place.clock.now(), secret=place.parts.mac_key)
    async with place.parts.pool.acquire() as conn:
        return await policies.submit(conn, source, file="p.yaml", by=by)


async def begun(place: Town, digest: str, user: int, *, counted: int = 1) -> int:
    """The row of a trial that nobody works at yet."""
    async with place.parts.pool.acquire() as conn, conn.transaction():
        return await policy_trials.begin(
            conn, digest=digest, against=None, by_id=user, of_file=True, on_day=ON, debts=counted, now=place.clock.now()
        )


async def has_ended(place: Town, digest: str) -> bool:
    async with place.parts.pool.acquire() as conn:
        trial = await policy_trials.newest(conn, digest)
    return trial is not None and trial.ended_at is not None


async def tried(place: Town, visitor: Visitor, digest: str, upload: bytes | None = None) -> str:
    """Begin a trial and return its page once it has ended."""
    address = f"/finance/policies/{digest}/preview"
    fields = await form_of(visitor, address, address)
    form = aiohttp.FormData(fields)
    if upload is not None:
        form.add_field("debts", upload, filename="dividas.csv", content_type="text/csv")
    answer = await visitor.client.post(address, data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, address)
    await until(lambda: has_ended(place, digest), at_most_s=30)
    return await visitor.text(address)


@settings(max_examples=25)
@given(POLICIES.map(readable).filter(lambda policy: policy is not None), DEBTS)
def test_what_is_counted_is_what_would_be_offered(policy: Policy, debt: DebtFacts) -> None:
    found, decision = outline(policy, debt, ON), decide(policy, debt, ON)
    offers = [offer for offer in decision.offers if isinstance(offer, CashOffer | InstalmentOffer)]
    assert (found.rule.name if found.rule is not None else None) == decision.rule
    assert found.offers == {offer.name for offer in offers}
    assert found.discount_cents == max((offer.discount_cents for offer in offers), default=0)
    assert found.cheapest_cents == min([decision.cost.total_cents, *(o.total_cents for o in offers)])
    assert found.most == max((o.count for o in offers if isinstance(o, InstalmentOffer)), default=0)
    taking = [rule.name for rule in weighed(policy, debt, ON, str) if rule.takes]
    assert taking == ([decision.rule] if decision.rule is not None else [])
    rule = next((rule for rule in policy.rules if rule.name == decision.rule), None)
    names = {offer.name for offer in rule.offers or ()} if rule is not None else set()
    assert {one.name for one in not_made(policy, debt, ON, str)} == names - {offer.name for offer in decision.offers}


@settings(max_examples=12)
@given(
    POLICIES.map(readable).filter(lambda policy: policy is not None),
    POLICIES.map(readable).filter(lambda policy: policy is not None),
    st.lists(DEBTS, min_size=1, max_size=8),
)
def test_what_is_better_one_way_is_worse_the_other_and_parts_add_up(
    one: Policy, other: Policy, debts: list[DebtFacts]
) -> None:
    for debt in debts:
        there, back = terms_for(one, debt, ON), terms_for(other, debt, ON)
        if change_of(there, back) == "better":  # nothing is lost, so the way back loses something
            assert change_of(back, there) == "worse"
        assert change_of(there, there) == "same"
    whole = tally_of(one, other, debts, ON)
    summed = Tally()
    for at in range(0, len(debts), 3):
        summed.add(tally_of(one, other, debts[at : at + 3], ON))
    assert sum(rule.debts for rule in whole.by_rule.values()) == sum(whole.changes.values()) == len(debts)
    assert (summed.debts, summed.by_rule, summed.changes) == (whole.debts, whole.by_rule, whole.changes)
    assert [c.moved_cents for c in summed.largest] == [c.moved_cents for c in whole.largest]


async def test_a_policy_is_tried_on_the_portfolio_and_says_who_would_be_worse_off(place: Town) -> None:
    digest = await submitted(place, MEAN)
    visitor, _ = await somebody(place, "finance")
    page = await tried(place, visitor, digest)
    told = said(page)
    open_debts = await place.ask("SELECT count(*) FROM debt WHERE state = 'open'")
    assert f"Dívidas {open_debts} " in told
    assert re.search(r"Ficam pior 1 ", told)
    assert "Quem ficaria pior que hoje" in told
    [debt] = re.findall(rf'href="(/finance/policies/{digest}/preview/\d+)"', page)[:1]
    one = said(await visitor.text(debt))
    assert "4. atraso-longo fica com ela" in one
    assert "✗ de 1 a 30 dias de atraso" in one
    assert "Ofertas que são feitas" in one
    assert re.search(r"R\$ 2\.\d{3},\d\d à vista", one)
    assert "não chega aqui: uma anterior fica com ela" in one
    seen = await place.ask("SELECT string_agg(what, ' ' ORDER BY id) FROM access_log WHERE customer_id IS NOT NULL")
    assert seen == "policy_trial_debt"
    assert (await visitor.get(f"/finance/policies/{digest}/preview/999999")).status == 404
    paula, _ = await somebody(place, "agent")
    assert (await paula.get(f"/finance/policies/{digest}/preview")).status == 403


async def test_a_file_of_debts_is_tried_and_not_kept(place: Town) -> None:
    digest = await submitted(place, MEAN)
    visitor, _ = await somebody(place, "finance")
    header = "external_id,customer_id,name,document,phone,email,amount,due_date,description,tags,opt_in\n"
    line = "X-9,C-9,Fulana Teste,529.982.247-25,+55 11 98765-4321,,1000.00,{due},Mensalidade,,\n"
    due = place.clock.now().date() - timedelta(days=60)
    page = said(await tried(place, visitor, digest, (header + line.format(due=due) + "X-10,C-9\n").encode()))
    assert "Dívidas 1 " in page
    assert "X-9" in page
    assert "sem histórico aqui" in page
    assert "não puderam ser lidas e ficaram de fora: 1." in page
    assert await place.ask("SELECT count(*) FROM debt WHERE external_id = 'X-9'") == 0
    assert "Fulana" not in await place.ask("SELECT result::text FROM policy_trial")
    address = f"/finance/policies/{digest}/preview"
    fields = await form_of(visitor, address, address)
    form = aiohttp.FormData(fields)
    form.add_field("debts", b"nonsense", filename="x.csv")
    assert (await visitor.client.post(address, data=form)).status == 422


async def test_a_trial_that_is_cut_off_says_so_and_can_be_begun_again(place: Town) -> None:
    digest = await submitted(place, MEAN)
    visitor, token = await somebody(place, "finance")
    assert token
    user = await place.ask("SELECT max(id) FROM app_user")
    async with place.parts.pool.acquire() as conn, conn.transaction():
        trial = await policy_trials.begin(
            conn, digest=digest, against=None, by_id=user, of_file=False, on_day=ON, debts=90, now=place.clock.now()
        )
        await policy_trials.go_on(conn, trial, done=30, now=place.clock.now())
    address = f"/finance/policies/{digest}/preview"
    assert "30 de 90 dívidas" in said(await visitor.text(address))
    await place.moves(seconds=31)
    assert "interrompido em 30 de 90" in said(await visitor.text(address))
    assert "O que faria" in said(await tried(place, visitor, digest))


async def test_debts_that_come_in_during_a_trial_do_not_end_it(place: Town) -> None:
    digest = await submitted(place, MEAN)
    await somebody(place, "finance")
    user = await place.ask("SELECT max(id) FROM app_user")
    trials = Trials(place.parts)
    debts = [DebtFacts(external_id=str(n), principal_cents=9000, due=ON - timedelta(days=60)) for n in range(9000)]
    trial = await begun(place, digest, user, counted=1)
    trials.begin(trial, policy=MEAN, current=None, on=ON, debts=debts, count=1)
    await until(lambda: has_ended(place, digest), at_most_s=30)
    async with place.parts.pool.acquire() as conn:
        ended = await policy_trials.newest(conn, digest)
    assert ended is not None
    assert ended.result is not None
    assert ended.result.debts == 9000


async def test_a_trial_that_waits_for_its_turn_is_not_said_to_be_cut_off(place: Town) -> None:
    first, second = await submitted(place, MEAN), await submitted(place, SAMPLE + b"# other\n")
    await somebody(place, "finance")
    user = await place.ask("SELECT max(id) FROM app_user")
    trials = Trials(place.parts, sign_s=0.05)
    facts = [DebtFacts(external_id="X", principal_cents=9000, due=ON)]
    async with place.parts.pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE debt IN ACCESS EXCLUSIVE MODE")  # what the first reads
        trial = await begun(place, first, user)
        trials.begin(trial, policy=MEAN, current=None, on=ON, debts=None, count=1)
        for _ in range(2):  # begun anew, though nobody had to
            trial = await begun(place, second, user)
            trials.begin(trial, policy=SAMPLE, current=None, on=ON, debts=facts, count=1)

        async def is_heard() -> bool:
            async with place.parts.pool.acquire() as other:
                waiting = await policy_trials.newest(other, second)
            return waiting is not None and not waiting.is_cut_off(place.clock.now())

        for _ in range(2):
            await place.moves(seconds=31)
            await until(is_heard, at_most_s=5)
    await until(lambda: has_ended(place, first), at_most_s=30)
    await until(lambda: has_ended(place, second), at_most_s=30)
    assert await place.ask("SELECT count(*) FROM policy_trial") == 2


async def test_a_trial_against_a_policy_that_is_no_longer_in_force_says_so(place: Town) -> None:
    digest = await submitted(place, MEAN)
    visitor, _ = await somebody(place, "finance")
    assert "outra política entrou em vigor" not in said(await tried(place, visitor, digest))
    await place.ask("UPDATE policy_trial SET against = digest RETURNING id")
    assert "outra política entrou em vigor" in said(await visitor.text(f"/finance/policies/{digest}/preview"))


async def test_what_was_paid_after_a_holiday_of_the_policy_is_not_late_on_a_debts_own_page(place: Town) -> None:
    closed = MEAN + b"\nholidays:\n  own: [2026-06-10]\n"
    visitor, _ = await somebody(place, "finance")
    open_debt = await place.ask(
        "WITH d AS (SELECT id, customer_id FROM debt WHERE state = 'open' ORDER BY id LIMIT 1), paid AS ("
        " INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on,"
        " state, settled_at, created_at, updated_at) SELECT 'P-1', customer_id, 'Mensalidade', 100, 0,"
        " '2026-06-10', 'paid', '2026-06-11 12:00-03', '2026-06-01', '2026-06-11' FROM d) SELECT id FROM d"
    )
    told = {}
    for source in (MEAN, closed):
        digest = await submitted(place, source)
        told[source] = said(await visitor.text(f"/finance/policies/{digest}/preview/{open_debt}"))
    assert "pagamentos com atraso antes: 1" in told[MEAN]
    assert "pagamentos com atraso" not in told[closed]


def test_instalments_with_interest_where_nothing_was_offered_make_nobody_worse_off() -> None:
    cash = "      - name: a-vista\n        kind: cash\n        discount_percent: {principal: 10.00, "
    cash += "fine: 100.00, interest: 100.00}\n        pay_within_days: 3\n      - name: em-ate-12x"
    dearer = of(policy_with((cash, "      - name: em-ate-12x")))
    nothing = of(policy_with(("tags: {none: [juridico]}", "tags: {any: [ninguem]}")))
    debt = DebtFacts(principal_cents=100000, due=ON - timedelta(days=60))
    before, after = terms_for(nothing, debt, ON), terms_for(dearer, debt, ON)
    assert (before.offers, after.most) == (0, 12)
    assert after.cheapest_cents == after.cost_cents == before.cheapest_cents
    assert change_of(before, after) == "better"
    assert change_of(after, before) == "worse"


def test_an_offer_that_is_kept_back_says_by_which_limit() -> None:
    policy = of(SAMPLE)
    small = DebtFacts(principal_cents=9000, due=ON - timedelta(days=60))
    assert [(one.name, one.because) for one in not_made(policy, small, ON, str)] == [
        ("em-ate-12x", "Each instalment would be below minimum_instalment.")
    ]


def test_an_offer_that_two_limits_keep_back_names_one_of_them() -> None:
    less = "discount_percent: {principal: 5.00, fine: 100.00, interest: 100.00}"
    price = "        interest_percent_month: 0.99"
    policy = of(policy_with((price, f"        {less}\n{price}")))
    never_beyond = policy.never_beyond.model_copy(update={"discount_percent": Decimal(1)})
    policy = policy.model_copy(update={"never_beyond": never_beyond})
    small = DebtFacts(principal_cents=9000, due=ON - timedelta(days=60))
    assert {one.name: one.because for one in not_made(policy, small, ON, str)}["em-ate-12x"] == (
        "Its discount would pass never_beyond.discount_percent."
    )
