"""The ladder while things go wrong: money in the same millisecond, kills at any wait, clocks that jump, and everything
that Meta refuses."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.engine import sender, turn
from bot.engine.inbox import put_events
from bot.engine.ladder_plan import plan_once
from bot.engine.run import fire_timers, tick
from bot.sandbox import shown
from bot.sandbox.graph_api import Fault, GraphApi
from bot.sandbox.people import ANA
from flows.events import PaymentConfirmed
from tests.kills import ended_at
from tests.ladder_town import SAO_PAULO, ladder_town, owing, walks_to
from tests.phone import Phone
from tests.sending import Sending, sending
from tests.town import Town
from tests.waiting import until

LADDER = """
ladder: falhas
title: Falhas
contact_hours: {monday_to_friday: ["08:00", "20:00"]}
tracks:
  - name: todos
    steps: [{day: 0, template: aviso}]
"""
TEMPLATES = """
language: pt_BR
templates:
  - name: aviso
    category: UTILITY
    body: "Olá! Temos um aviso para você."
"""
CUSTOMERS = """
INSERT INTO customer (external_id, name, document, phone, created_at, updated_at)
SELECT 'c' || n, 'Maria da Silva', '52998224725', (5511900000000 + n)::text, $2, $2
FROM   generate_series($1::int, $3::int) n RETURNING id
"""
# Where they are reminded, and another chat of theirs, where they pay.
CHATS = """
INSERT INTO conversation (address, customer_id, confirmed_at, serial, created_at)
SELECT substr(phone, 1, 4) || $3 || substr(phone, 6), id, $2, 1, $2
FROM   customer WHERE id = any($1::bigint[]) ORDER BY id RETURNING id
"""
DEBTS = """
INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on, created_at,
                  updated_at)
SELECT 'd' || id, id, 'Mensalidade', 10000, 10000, $2, $3, $3 FROM customer WHERE id = any($1::bigint[])
"""
CHARGES = """
WITH made AS (
    INSERT INTO charge (conversation_id, no, customer_id, provider, txid, pay_token, amount_cents, parts, pay_until,
                        expires_at, state, code, created_at)
    SELECT paid.conversation_id, 1, paid.customer_id, 'static', 'tx' || d.id, 'pt' || d.id, 10000,
           jsonb_build_array(jsonb_build_object('debt_id', d.id, 'principal_cents', 10000, 'fine_cents', 0,
                             'interest_cents', 0, 'discount_cents', 0, 'instalment_n', NULL)),
           $3, $4::timestamptz + interval '1 day', 'active', 'pix', $4
    FROM   unnest($1::bigint[], $2::bigint[]) AS paid(conversation_id, customer_id)
    JOIN   debt d ON d.customer_id = paid.customer_id
    RETURNING id, customer_id
)
INSERT INTO charge_debt (charge_id, debt_id) SELECT m.id, d.id FROM made m JOIN debt d ON d.customer_id = m.customer_id
"""
# Looks at the end of the transaction in which a reminder departs: whatever was booked by then is seen.
WATCH = """
CREATE TABLE departed (outbox_id bigint, debt_state text);
CREATE FUNCTION note_departure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.purpose = 'reminder' AND NEW.state = 'sending' THEN
        INSERT INTO departed
        SELECT NEW.id, d.state FROM debt d
        WHERE  d.id IN (SELECT (one ->> 0)::bigint FROM jsonb_array_elements(NEW.guards -> 'debts') one);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE OF state ON outbox DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION note_departure();
"""
BECAME = (
    "SELECT state || coalesce(' ' || reason, '') AS became, count(*) FROM outbox WHERE purpose = 'reminder' GROUP BY 1"
)
ROUNDS, OF_A_WAVE = 1000, 25
WAITS = 100  # of doing all that is due for somebody new
# Of each debt: steps that are over, contacts that count, messages; and how often any of them was posted at most.
OF_DEBTS = """
SELECT coalesce(max(steps), 0), coalesce(min(steps), 0), coalesce(max(contacts), 0), coalesce(max(messages), 0),
       (SELECT coalesce(max(attempt), 0) FROM outbox)
FROM  (SELECT (SELECT count(*) FROM ladder_step s WHERE s.debt_id = d.id) AS steps,
              (SELECT count(*) FROM ladder_contact c WHERE c.customer_id = d.customer_id
               AND c.undone_because IS NULL) AS contacts,
              (SELECT count(*) FROM outbox o JOIN conversation v ON v.id = o.conversation_id
               WHERE v.customer_id = d.customer_id AND o.purpose = 'reminder') AS messages
       FROM debt d) AS one
"""


@asynccontextmanager
async def reminding(database: str, redis_url: str, home: Path) -> AsyncIterator[Sending]:
    """A company that reminds on the day itself; nobody works by themselves. It is noon of a Tuesday."""
    (home / "regua.yaml").write_text(LADDER, encoding="utf-8")
    (home / "modelos.yaml").write_text(TEMPLATES, encoding="utf-8")
    ladder, templates = str(home / "regua.yaml"), str(home / "modelos.yaml")
    async with sending(database, redis_url, home, ACERTO_LADDER=ladder, ACERTO_TEMPLATES=templates) as scene:
        yield scene


async def debtors(scene: Sending, count: int) -> tuple[list[int], list[int]]:
    """People who owe something that is due today. Return their customers' ids and those of their chats."""
    first, scene.people, now = scene.people + 1, scene.people + count, scene.clock.now()
    async with scene.parts.pool.acquire() as conn, conn.transaction():
        people = [row["id"] for row in await conn.fetch(CUSTOMERS, first, now, scene.people)]
        chats = [row["id"] for row in await conn.fetch(CHATS, people, now, "9")]
        await conn.execute(DEBTS, people, now.date(), now)
    return people, chats


async def asks(scene: Sending, sql: str, *values: Any) -> Any:
    async with scene.parts.pool.acquire() as conn:
        return await conn.fetchval(sql, *values)


async def became(scene: Sending) -> Counter[str]:
    """What became of the reminders."""
    async with scene.parts.pool.acquire() as conn:
        return Counter({row["became"]: row["count"] for row in await conn.fetch(BECAME)})


async def decides(scene: Sending) -> None:
    """Everybody is planned, every timer fires, and what is said is decided."""
    done = 1
    while done:
        turns, _ = await turn.run_once(scene.parts)
        done = await plan_once(scene.parts) + await fire_timers(scene.parts) + turns


async def _loses_time(scene: Sending, chance: random.Random) -> None:
    assert scene.parts.redis is not None
    for _ in range(chance.randrange(12)):
        await scene.parts.redis.ping()


async def pays(scene: Sending, chance: random.Random, chats: Sequence[int]) -> None:
    """Money comes in for these, and is booked."""
    await _loses_time(scene, chance)
    now = scene.clock.now()
    paid = [
        (
            f"p{chat}",
            chat,
            PaymentConfirmed(end_to_end_id=f"E{chat:031d}", amount_cents=10000, paid_at=now, charge_no=1, txid=None),
        )
        for chat in chats
    ]
    async with scene.parts.pool.acquire() as conn:
        await put_events(conn, source="pix", events=paid, now=now)
    await turn.run_once(scene.parts)


async def sends(scene: Sending, chance: random.Random) -> None:
    await _loses_time(scene, chance)
    await sender.send_once(scene.parts)


async def nothing_left(scene: Sending) -> bool:
    """Take a turn and send; whether nothing is left to do. The number's rate may have to be waited for."""
    turns, _ = await turn.run_once(scene.parts)
    await sender.send_once(scene.parts)
    return turns == 0 and not await asks(scene, "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')")


async def test_a_debt_that_is_paid_in_the_same_millisecond_is_not_asked_for(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """A thousand reminders are about to leave, and a thousand payments come in: into the same chat, or into another one
    of the same person. None departs once its debt is booked as paid, and the others are taken back."""
    chance = random.Random(20261201)  # a seeded order, no secret
    async with reminding(database, redis_url, tmp_path) as scene:
        people, chats = await debtors(scene, ROUNDS)
        now, half = scene.clock.now(), ROUNDS // 2
        async with scene.parts.pool.acquire() as conn:
            others = [row["id"] for row in await conn.fetch(CHATS, people[:half], now, "8")]
            paid_in = [*others, *chats[half:]]
            await conn.execute(CHARGES, paid_in, people, now.date(), now)
            await conn.execute(WATCH)
        await decides(scene)
        order = list(zip(chats, paid_in, strict=True))
        chance.shuffle(order)
        async with scene.parts.pool.acquire() as conn:
            await conn.execute("UPDATE outbox SET not_before = $1", now + timedelta(days=1))
        for start in range(0, ROUNDS, OF_A_WAVE):
            wave = order[start : start + OF_A_WAVE]
            async with scene.parts.pool.acquire() as conn:
                await conn.execute(
                    "UPDATE outbox SET not_before = $2 WHERE conversation_id = any($1::bigint[])",
                    [c for c, _ in wave],
                    now,
                )
            paying = [chat for _, chat in wave]
            works: list[Coroutine[Any, Any, None]] = [pays(scene, chance, paying[n::2]) for n in range(2)]
            works += [sends(scene, chance) for _ in range(2)]
            chance.shuffle(works)
            await asyncio.gather(*works)
        await until(lambda: nothing_left(scene))
        fate = await became(scene)
        assert await asks(scene, "SELECT count(*) FROM debt WHERE state = 'paid'") == ROUNDS
        assert await asks(scene, "SELECT array_agg(DISTINCT debt_state) FROM departed") == ["open"]
        left = await asks(scene, "SELECT count(*) FROM departed")
        assert fate["accepted"] == left
        assert fate.total() == ROUNDS
        assert 20 < left < ROUNDS - 20, fate  # either way often enough
        assert await asks(scene, "SELECT count(*) FROM ladder_contact WHERE undone_because IS NULL") == left
        assert await asks(scene, "SELECT count(*) FROM ladder_step") == left
        scene.clock.move(minutes=2)
        await tick(scene.parts)  # those that were taken back are looked at again: nothing is owed
        assert await asks(scene, "SELECT count(*) FROM departed") == left


async def test_two_schedulers_killed_at_any_wait_say_each_step_once(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """Two of them do all that is due at once, for somebody new each time; both are ended, each at another wait."""
    chance = random.Random(4)  # a seeded order, no secret
    async with reminding(database, redis_url, tmp_path) as scene:
        ended = 0
        for n in range(WAITS):
            await debtors(scene, 1)
            works = [ended_at(tick(scene.parts), n), ended_at(tick(scene.parts), chance.randrange(WAITS))]
            chance.shuffle(works)
            ended += sum(await asyncio.gather(*works))
        assert ended > WAITS
        scene.clock.move(seconds=46)  # the leases of what was in flight are over
        await sender.sweep(scene.parts)
        await until(lambda: nothing_left(scene))
        await tick(scene.parts)
        async with scene.parts.pool.acquire() as conn:
            assert await conn.fetchrow(OF_DEBTS) == (1, 1, 1, 1, 1)
        heard = Counter(chat.account.wa_id for chat in scene.graph.whatsapp.chats for _ in chat.bubbles)
        assert set(heard.values()) == {1}
        assert {fate.split()[0] for fate in await became(scene)} <= {"accepted", "unknown"}  # never said for not sent


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Ana owes something that is due in a week; it is the morning of Tuesday, 1 December."""
    async with ladder_town(database, redis_url, tmp_path) as running:
        yield running


async def known(place: Town) -> Phone:
    """Ana has written and said who she is."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    return phone


def reminded(phone: Phone) -> list[str]:
    """Day and hour of each reminder that came, and its first words."""
    return [
        f"{bubble.at.astimezone(SAO_PAULO):%d/%m %H:%M} {shown.text(bubble)[:40]}"
        for bubble in phone.chat.bubbles
        if not bubble.mine and shown.text(bubble).startswith("Olá, Ana")
    ]


BEFORE = "Olá, Ana! Sua fatura Fatura 1, de R$ 349"
STEPS = "SELECT string_agg(day || ' ' || outcome, ', ' ORDER BY day, is_ticket) FROM ladder_step"


async def test_a_clock_that_goes_back_a_day_and_on_a_month_repeats_nothing(place: Town) -> None:
    phone = await known(place)
    await walks_to(place, 2026, 12, 5)
    await walks_to(place, 2026, 12, 8)
    said = reminded(phone)
    assert [words[:5] for words in said] == ["05/12", "08/12"]
    for day in (7, 8, 4, 5, 8):  # back and forth
        await walks_to(place, 2026, 12, day)
        await walks_to(place, 2026, 12, day, 15)
    assert reminded(phone) == said
    await walks_to(place, 2027, 1, 8)
    assert reminded(phone) == said  # what came in the month between is too old to be said
    for day in (9, 10, 11):
        await walks_to(place, 2026, 12, day)
    assert await place.ask("SELECT count(DISTINCT day) = count(*) FROM ladder_step WHERE NOT is_ticket") is True
    assert await place.ask("SELECT max(n) FROM (SELECT count(*) n FROM ladder_contact GROUP BY local_on) c") == 1


async def test_down_for_three_days_each_debt_gets_at_most_its_newest_step(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """Due on the 4th, 6th, 7th and 8th; it stands still from the 5th to the 8th."""
    people = (owing(ANA, 3, 5, 6, 7),)
    async with ladder_town(database, redis_url, tmp_path, people=people) as place:
        phone = await known(place)
        await walks_to(place, 2026, 12, 4, 19)
        before = len(reminded(phone))
        await walks_to(place, 2026, 12, 8, 11)
        assert len(reminded(phone)) == before + 1  # all in one message
        said_now = "SELECT max(n) FROM (SELECT count(*) n FROM ladder_step WHERE at > $1 GROUP BY debt_id) s"
        assert await place.ask(said_now, place.clock.now() - timedelta(hours=1)) == 1
        newest = "SELECT array_agg(day ORDER BY due_on) FROM ladder_step WHERE at > $1"
        # The 6th was a Sunday: that one was payable on the 7th like the next, whose day 0 is over with its day.
        assert await place.ask(newest, place.clock.now() - timedelta(hours=1)) == [2, 0]


async def test_a_debt_past_its_prescription_is_told_to_finance_once_and_to_nobody_else(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """Due more than five years ago, and nothing else is owed."""
    async with ladder_town(database, redis_url, tmp_path, people=(owing(ANA, -1850),)) as place:
        phone = await known(place)
        heard = len(phone.heard)
        for day in (2, 3, 4):
            await walks_to(place, 2026, 12, day)
        assert len(phone.heard) == heard
        assert await place.ask("SELECT string_agg(kind || ' ' || queue, ', ') FROM notice") == "prescribed financeiro"


def refuses(graph: GraphApi, *codes: int) -> None:
    """What Meta answers to the next messages."""
    graph.next_posts(*(Fault(kind="error", code=code) for code in codes))


async def test_a_paused_template_is_tried_again_when_the_pause_is_over(place: Town) -> None:
    phone = await known(place)
    refuses(place.world.graph, 132015)
    await walks_to(place, 2026, 12, 5)
    assert reminded(phone) == []
    assert await place.ask("SELECT undone_because FROM ladder_contact") == "refused_132015"
    await walks_to(place, 2026, 12, 5, 12, 59)
    assert reminded(phone) == []
    await walks_to(place, 2026, 12, 5, 13)
    await walks_to(place, 2026, 12, 7)
    assert len(reminded(phone)) == 1


async def test_who_got_too_many_messages_from_anybody_hears_of_it_a_day_later(place: Town) -> None:
    phone = await known(place)
    refuses(place.world.graph, 131049)
    await walks_to(place, 2026, 12, 8)
    await walks_to(place, 2026, 12, 8, 19)
    assert reminded(phone) == []
    await walks_to(place, 2026, 12, 9, 11)
    assert reminded(phone) == []  # "vence hoje" is over
    await walks_to(place, 2026, 12, 10)
    assert [words[:11] for words in reminded(phone)] == ["10/12 10:00"]


async def test_who_cannot_be_reached_on_two_days_is_left_alone_until_they_write(place: Town) -> None:
    phone = await known(place)
    for day in (5, 8):
        refuses(place.world.graph, 131026)
        await walks_to(place, 2026, 12, day)
    for day in (10, 11, 14, 15):
        await walks_to(place, 2026, 12, day)
    assert reminded(phone) == []
    assert await place.ask("SELECT count(*) FROM ladder_contact") == 2
    await phone.says("oi")
    await walks_to(place, 2026, 12, 15, 11)
    assert await place.ask("SELECT count(*) FROM ladder_contact") >= 2


async def test_a_window_that_was_closed_after_all_makes_it_a_template(place: Town) -> None:
    phone = await known(place)
    await walks_to(place, 2026, 12, 4, 15)
    await phone.says("obrigada")
    refuses(place.world.graph, 131047)
    await walks_to(place, 2026, 12, 5)
    assert reminded(phone) == []
    await walks_to(place, 2026, 12, 5, 10, 1)
    assert [words[:11] for words in reminded(phone)] == ["05/12 10:01"]
    kinds = "SELECT array_agg(body ->> 'type' || ' ' || state ORDER BY id) FROM outbox WHERE purpose = 'reminder'"
    assert await place.ask(kinds) == ["interactive failed", "template accepted"]


async def test_what_came_too_fast_for_this_person_is_said_a_little_later_and_once(place: Town) -> None:
    phone = await known(place)
    refuses(place.world.graph, 131056, 131056)
    await walks_to(place, 2026, 12, 5)
    assert reminded(phone) == []
    for seconds in (1, 4, 16, 60):
        await place.moves(seconds=seconds)
    assert len(reminded(phone)) == 1
    assert await place.ask("SELECT (state, attempt) = ('accepted', 3) FROM outbox WHERE purpose = 'reminder'") is True
    assert await place.ask(STEPS) == "-3 said"


async def test_what_was_too_much_for_the_number_waits_is_looked_at_anew_and_said_once(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """130429 holds back what nobody asked for; meanwhile one of the two pays."""
    async with reminding(database, redis_url, tmp_path) as scene:
        people, chats = await debtors(scene, 2)
        await decides(scene)
        refuses(scene.graph, 130429, 130429)
        await sender.send_once(scene.parts)
        assert await became(scene) == {"pending (#130429) Rate limit hit": 2}
        async with scene.parts.pool.acquire() as conn:
            await conn.execute(CHARGES, chats[:1], people[:1], scene.clock.now().date(), scene.clock.now())
        await pays(scene, random.Random(0), chats[:1])
        scene.clock.move(minutes=1)
        await until(lambda: nothing_left(scene))
        fate = Counter(name.split()[0] for name in (await became(scene)).elements())
        assert fate == {"accepted": 1, "cancelled": 1}
        async with scene.parts.pool.acquire() as conn:
            heard = await conn.fetchval("SELECT conversation_id FROM outbox WHERE state = 'accepted'")
        assert heard == chats[1]
