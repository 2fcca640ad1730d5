"""What messages cost is booked once each, as WhatsApp priced them, and added up by the account's month."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.engine import statuses
from bot.engine.opaque import opaque
from bot.parts import Parts, open_parts
from bot.sandbox.people import ANA
from bot.settings import SettingsError, read_settings
from bot.store import message_costs
from bot.store.inbox import Arrival
from bot.whatsapp import inbound
from tests.pix_bank import HandClock
from tests.test_settings import COMPLETE
from tests.town import town
from tests.whatsapp_bodies import body

DECEMBER = date(2026, 12, 1)
CENT = Decimal("0.0068")
REGULAR = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
FREE = {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
MARKETING = {**REGULAR, "category": "marketing"}
Told = dict[str, Any]
_numbers = itertools.count()


@pytest.fixture
async def parts(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    """A company with nobody working for it."""
    given = {"ACERTO_HOME": str(tmp_path), "ACERTO_DATABASE_URL": database, "ACERTO_REDIS_URL": redis_url}
    async with open_parts(read_settings({**COMPLETE, **given}, serving=True), HandClock()) as parts:
        ingest = asyncio.create_task(parts.ingest.run())
        yield parts
        ingest.cancel()


async def posted(parts: Parts, *purposes: str) -> list[int]:
    """Return messages of some purposes that were posted to one person."""
    async with parts.pool.acquire() as conn:
        conversation = await conn.fetchval(
            "INSERT INTO conversation (address, created_at) VALUES ('5511987654321', now()) RETURNING id"
        )
        return [
            await conn.fetchval(
                "INSERT INTO outbox (conversation_id, decision_key, kind, purpose, body, epoch, state, attempt, wamid,"
                " created_at) VALUES ($1, $2, 'message', $3, '{}', 0, 'accepted', 1, $4, now()) RETURNING id",
                conversation, f"t1.{n}", purpose, f"wamid.{n}",
            )
            for n, purpose in enumerate(purposes, 1)
        ]  # fmt: skip


def status(
    parts: Parts, outbox_id: int, word: str, pricing: Told | None, *, at: datetime | None = None, **more: Any
) -> Told:
    """One status as WhatsApp writes it; without `recipient_id` the number is hidden."""
    echo = opaque(parts.mac_key, outbox_id=outbox_id, attempt=1)
    seconds = str(int((at or parts.clock.now()).timestamp()))
    given = {"id": f"wamid.of{outbox_id}", "status": word, "timestamp": seconds, "recipient_id": "5511987654321"}
    return {**given, "biz_opaque_callback_data": echo, **({"pricing": pricing} if pricing else {}), **more}


async def told(parts: Parts, *given: Told, together: bool = True) -> None:
    """Let statuses arrive in their order, and apply them all together or one by one."""
    for some in [given] if together else [(one,) for one in given]:
        items = inbound.items(body({"statuses": list(some)}))
        assert isinstance(items, list)
        now = parts.clock.now()
        for item in items:
            key = f"{item.dedupe_key}.{next(_numbers)}"  # also what the inbox would know to be the same
            arrival = Arrival(source="whatsapp", dedupe_key=key, kind="status", raw=item.raw, received_at=now)
            await parts.ingest.put([arrival])
        assert await statuses.apply_once(parts) == len(items)


async def booked(parts: Parts) -> list[tuple[str, str | None, Decimal | None]]:
    """Return category, type and cost of all that is booked."""
    async with parts.pool.acquire() as conn:
        rows = await conn.fetch("SELECT category, pricing_type, cost FROM message_cost ORDER BY outbox_id")
    return [(row["category"], row["pricing_type"], row["cost"]) for row in rows]


async def december(parts: Parts, month: date = DECEMBER) -> message_costs.MonthCosts:
    """Return what a month cost so far, straight from the books."""
    async with parts.pool.acquire() as conn:
        return await message_costs.month_to_date(conn, month, currency="USD")


async def test_in_whatever_order_and_however_often_a_price_is_booked_once(parts: Parts) -> None:
    orders = list(itertools.permutations(["sent", "delivered", "read"]))
    prices = {"sent": REGULAR, "delivered": REGULAR, "read": None}
    messages = await posted(parts, *["reminder"] * (2 * len(orders)))
    for together, (n, order) in itertools.product([True, False], enumerate(orders)):
        message = messages[2 * n + together]
        given = [status(parts, message, word, prices[word]) for word in order]
        await told(parts, *given, *given, together=together)
    assert await booked(parts) == [("utility", "regular", CENT)] * len(messages)
    assert (await december(parts)).by_category() == {"utility": (len(messages), len(messages) * CENT)}


async def test_a_webhook_that_comes_again_later_changes_nothing(parts: Parts) -> None:
    message, other = await posted(parts, "reminder", "reply")
    await told(parts, status(parts, message, "sent", REGULAR))
    await told(parts, status(parts, message, "read", MARKETING), status(parts, other, "sent", FREE))
    assert await booked(parts) == [("utility", "regular", CENT), ("service", "free_customer_service", Decimal(0))]


async def test_the_booked_cost_follows_the_category_that_whatsapp_charged(parts: Parts) -> None:
    """A reminder was sent as utility, and is charged nine times as much."""
    (message,) = await posted(parts, "reminder")
    await told(parts, status(parts, message, "sent", MARKETING))
    assert await booked(parts) == [("marketing", "regular", Decimal("0.0625"))]


PRICED = [
    ("regular", "service", True, "0.0068"),
    ("regular", "utility", None, "0.0068"),  # the word is gone
    ("regular", "UTILITY", False, "0.0068"),
    ("free_customer_service", "service", None, "0"),
    ("free_entry_point", "marketing", True, "0"),
    ("regular", "carrier", True, None),  # nobody knows: booked without a cost
]


async def test_type_and_category_decide(parts: Parts) -> None:
    messages = await posted(parts, *["reply"] * len(PRICED))
    for message, (kind, category, billable, _) in zip(messages, PRICED, strict=True):
        pricing = {"type": kind, "category": category} | ({} if billable is None else {"billable": billable})
        await told(parts, status(parts, message, "sent", pricing))
    assert await booked(parts) == [
        (category.lower(), kind, Decimal(cost) if cost is not None else None) for kind, category, _, cost in PRICED
    ]
    assert (await december(parts)).unpriced == 1


async def test_the_price_is_the_one_of_the_persons_country(parts: Parts) -> None:
    germany = {"recipient_id": "4917012345678"}
    hidden_here = {"recipient_id": None, "recipient_user_id": "BR.13491208655302741918"}
    hidden_there = {"recipient_id": None, "recipient_user_id": "DE.13491208655302741918"}
    nobody = {"recipient_id": None}
    people: list[Told] = [germany, hidden_here, hidden_there, nobody]
    messages = await posted(parts, *["reminder"] * len(people))
    for message, who in zip(messages, people, strict=True):
        await told(parts, status(parts, message, "sent", REGULAR, **who))
    assert [cost for _, _, cost in await booked(parts)] == [None, CENT, None, CENT]


async def test_a_status_without_a_price_books_nothing_and_a_later_one_does(parts: Parts) -> None:
    (message,) = await posted(parts, "reply")
    await told(parts, status(parts, message, "sent", None), status(parts, message, "read", {"type": "regular"}))
    assert await booked(parts) == []
    await told(parts, status(parts, message, "delivered", REGULAR))
    assert await booked(parts) == [("utility", "regular", CENT)]


async def test_messages_that_are_not_ours_are_not_booked(parts: Parts) -> None:
    (message,) = await posted(parts, "reply")
    stranger = {"id": "wamid.other", "status": "sent", "timestamp": "1796137200", "pricing": REGULAR}
    await told(parts, stranger, status(parts, message + 1000, "sent", REGULAR))
    assert await booked(parts) == []


async def test_what_failed_in_the_end_costs_nothing(parts: Parts) -> None:
    """Only what is delivered is charged, though a price may have been told before, or come later."""
    for message, failed_first in zip(await posted(parts, "reminder", "reminder"), (True, False), strict=True):
        failed = status(parts, message, "failed", None, errors=[{"code": 131026}])
        sent = status(parts, message, "sent", {**REGULAR, "category": "service"})
        await told(parts, *([failed, sent] if failed_first else [sent, failed]), together=False)
    assert len(await booked(parts)) == 2
    costs = await december(parts)
    assert (costs.cost, costs.service_used) == (Decimal(0), 0)


async def test_a_month_is_the_accounts_own(parts: Parts) -> None:
    """Two hours past midnight UTC it is still yesterday in São Paulo."""
    late, next_day = await posted(parts, "reminder", "reminder")
    await told(parts, status(parts, late, "sent", REGULAR, at=datetime(2027, 1, 1, 2, 59, tzinfo=UTC)))
    await told(parts, status(parts, next_day, "sent", REGULAR, at=datetime(2027, 1, 1, 3, 0, tzinfo=UTC)))
    assert (await december(parts)).cost == CENT
    assert (await december(parts, date(2027, 1, 1))).cost == CENT


async def test_a_month_is_added_up_by_category_and_by_what_messages_were_for(parts: Parts) -> None:
    purposes = ("reminder", "reminder", "first_contact", "reply", "reply", "receipt")
    given = (REGULAR, MARKETING, REGULAR, FREE, {**REGULAR, "category": "service"}, FREE)
    messages = await posted(parts, *purposes)
    came_by_an_ad = {**FREE, "type": "free_entry_point"}
    given = (*given[:5], came_by_an_ad)
    await told(parts, *(status(parts, m, "sent", p) for m, p in zip(messages, given, strict=True)))
    costs = await december(parts)
    assert costs.by_category() == {
        "marketing": (1, Decimal("0.0625")),
        "service": (3, CENT),
        "utility": (2, 2 * CENT),
    }
    assert costs.cost == Decimal("0.0625") + 3 * CENT
    assert costs.active_cost == costs.cost_of("reminder", "first_contact") == Decimal("0.0625") + 2 * CENT
    assert costs.cost_of("reply", "receipt") == CENT
    assert costs.service_used == 2


async def test_sums_are_of_one_currency(parts: Parts) -> None:
    """A month in which the list went from dollars to reais adds no dollars to reais."""
    one, two = await posted(parts, "reminder", "reminder")
    await told(parts, status(parts, one, "sent", REGULAR), status(parts, two, "sent", REGULAR))
    async with parts.pool.acquire() as conn:
        await conn.execute("UPDATE message_cost SET currency = 'BRL' WHERE outbox_id = $1", two)
    costs = await december(parts)
    assert (costs.cost, costs.by_category()) == (CENT, {"utility": (2, CENT)})


async def test_the_months_figures_are_at_hand_and_at_most_ten_seconds_old(parts: Parts) -> None:
    clock = parts.clock
    assert isinstance(clock, HandClock)
    one, two = await posted(parts, "reminder", "reminder")
    async with parts.pool.acquire() as conn:
        await told(parts, status(parts, one, "sent", REGULAR))
        assert (await parts.costs.month(conn, clock.now())).cost == CENT
        await told(parts, status(parts, two, "sent", REGULAR))
        clock.move(seconds=9)
        assert (await parts.costs.month(conn, clock.now())).cost == CENT
        clock.move(seconds=1)
        assert (await parts.costs.month(conn, clock.now())).cost == 2 * CENT
        clock.at = datetime(2027, 1, 1, 3, 0, tzinfo=UTC)
        assert (await parts.costs.month(conn, clock.now())).cost == 0
        clock.at = datetime(2026, 12, 31, 3, 0, tzinfo=UTC)  # a clock may be put back
        assert (await parts.costs.month(conn, clock.now())).cost == 2 * CENT


async def test_a_ceiling_stops_before_it_is_passed(parts: Parts) -> None:
    reminder, reply = await posted(parts, "reminder", "reply")
    answer = {**REGULAR, "category": "service"}  # no answer is ever held back for its price, or counted for it
    await told(parts, status(parts, reminder, "sent", REGULAR), status(parts, reply, "sent", answer))
    cases = [
        (1, "utility", True),  # 0.0068 + 0.0068 is more than one cent
        (2, "utility", False),
        (6, "marketing", True),
        (7, "marketing", False),
        (0, "carrier", True),
        (1, "carrier", False),  # what the list does not price is counted as nothing
    ]
    async with parts.pool.acquire() as conn:
        for cents, category, over in cases:
            assert over is await parts.costs.over_ceiling(
                conn, parts.clock.now(), wa_id="5511987654321", category=category, ceiling_cents=cents
            )


async def test_the_cheaper_form_is_chosen_by_what_the_month_has_used(parts: Parts) -> None:
    (message,) = await posted(parts, "reply")
    await told(parts, status(parts, message, "sent", FREE))
    async with parts.pool.acquire() as conn:
        now = parts.clock.now()
        chosen = await parts.costs.cheaper_in_window(conn, now, wa_id="5511987654321", template_category="utility")
    assert chosen == "free_form"


async def test_a_conversation_costs_what_its_statuses_said(database: str, redis_url: str, tmp_path: Path) -> None:
    """The whole way: every message that was delivered to a phone is in the books, and free while the month has some."""
    async with town(database, redis_url, tmp_path, people=[ANA]) as place:
        phone = place.phone(ANA)
        await phone.says("oi")
        sent = [b for b in phone.chat.bubbles if not b.mine]
        assert sent
        assert await booked(place.parts) == [("service", "free_customer_service", Decimal(0))] * len(sent)
        assert (await december(place.parts)).service_used == len(sent)


@pytest.mark.parametrize("broken", [lambda text: text.replace("USD", "dollars"), lambda text: text[:-40]])
async def test_a_price_list_with_mistakes_stops_the_start_and_names_the_lines(
    tmp_path: Path, broken: Callable[[str], str]
) -> None:
    shipped = read_settings({"ACERTO_HOME": str(tmp_path)}).prices
    file = tmp_path / "prices.yaml"
    file.write_text(broken(shipped.read_text(encoding="utf-8")), encoding="utf-8")
    settings = read_settings({"ACERTO_HOME": str(tmp_path), "ACERTO_PRICES": str(file)})
    with pytest.raises(SettingsError, match=r"prices\.yaml:\d+: "):
        async with open_parts(settings, HandClock()):
            pass
