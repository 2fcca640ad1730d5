"""The stand-in prices messages as WhatsApp does: by category, and free while something of the month is free."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sandbox.graph_pricing import Pricing
from tests.graph import MARIA, NUMBER, Business, business
from tests.tables import table

TO = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+5511987654321"}
ANSWER = {**TO, "type": "text", "text": {"body": "Olá"}}


@pytest.fixture
async def meta() -> AsyncIterator[Business]:
    async with business() as held:
        yield held


async def has_template(meta: Business, category: str) -> dict[str, Any]:
    """Register a template of a category; return the message that sends it."""
    body = {"type": "BODY", "text": "Sua fatura vence hoje."}
    given = {"name": f"aviso_{category.lower()}", "language": "pt_BR", "category": category, "components": [body]}
    status, _ = await meta.asks("POST", f"/{NUMBER.waba_id}/message_templates", given)
    assert status == 200
    return {**TO, "type": "template", "template": {"name": given["name"], "language": {"code": "pt_BR"}}}


async def prices(meta: Business, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Send a message; return what its statuses say of its price."""
    meta.api.whatsapp.chats.add(MARIA)
    before = len(await meta.heard())
    assert (await meta.posts(body))[0] == 200
    return [value["statuses"][0]["pricing"] for value in (await meta.heard())[before:]]


@pytest.mark.parametrize(
    *table("""
        day        | sent      | window | category  | type
        2026-09-30 | answer    | yes    | service   | free_customer_service  # nothing in the window was charged
        2026-09-30 | UTILITY   | yes    | utility   | free_customer_service
        2026-09-30 | UTILITY   | no     | utility   | regular
        2026-09-30 | MARKETING | yes    | marketing | regular
        2026-10-02 | answer    | yes    | service   | free_customer_service  # the month has free ones
        2026-10-02 | UTILITY   | yes    | utility   | regular
        2026-10-02 | MARKETING | no     | marketing | regular
    """)
)
async def test_a_message_is_priced_by_its_category_and_day(
    meta: Business, day: str, sent: str, window: bool, category: str, type: str
) -> None:
    meta.clock.at = datetime.fromisoformat(f"{day}T15:00:00+00:00")
    if window:
        await meta.writes()
    body = ANSWER if sent == "answer" else await has_template(meta, sent)
    price = {"billable": type == "regular", "pricing_model": "PMP", "type": type, "category": category}
    assert await prices(meta, body) == [price, price]  # with `sent` and with `delivered`


async def test_after_the_months_free_answers_each_costs_until_the_next_month(meta: Business) -> None:
    meta.api.whatsapp.pricing = Pricing(meta.clock, free=2)
    meta.clock.at = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)  # still November in São Paulo
    await meta.writes()
    types = [(await prices(meta, ANSWER))[0]["type"] for _ in range(3)]
    meta.clock.move(hours=2)
    types.append((await prices(meta, ANSWER))[0]["type"])
    assert types == ["free_customer_service", "free_customer_service", "regular", "free_customer_service"]
