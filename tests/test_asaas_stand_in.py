"""The stand-in Asaas refuses what the real one refuses, and its webhook waits, repeats and gives up as that one's."""

import json
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sandbox.asaas_account import AsaasAccount, Problem, shown, written
from bot.sandbox.asaas_provider import AsaasWeather
from bot.sandbox.bank import NotPayable
from tests.asaas import TOKEN, WEBHOOK_TOKEN, asaas_at_hand
from tests.pix_bank import HandClock

PERSON = {"name": "Maria da Silva", "cpfCnpj": "52998224725", "notificationDisabled": True}
GOOD = {"billingType": "UNDEFINED", "value": Decimal("349.9"), "dueDate": "2026-12-01", "externalReference": "x"}


def account(clock: HandClock | None = None) -> tuple[AsaasAccount, dict[str, Any]]:
    """An account with one customer, and the body of a payment of theirs."""
    made = AsaasAccount(clock or HandClock())
    return made, {**GOOD, "customer": made.make_customer(dict(PERSON))["id"]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"colour": "red"}, "invalid_object"),
        ({"fine": {"value": 2}}, "invalid_object"),
        ({"customer": "cus_of_nobody"}, "invalid_customer"),
        ({"billingType": "CASH"}, "invalid_billingType"),
        ({"value": "349.90"}, "invalid_value"),
        ({"value": Decimal("349.901")}, "invalid_value"),
        ({"value": Decimal("4.99")}, "invalid_value"),
        ({"value": True}, "invalid_value"),
        ({"dueDate": "2026-11-30"}, "invalid_dueDate"),  # yesterday
        ({"dueDate": "1/12/2026"}, "invalid_dueDate"),
        ({"dueDate": None}, "invalid_dueDate"),
        ({"description": "x" * 501}, "invalid_description"),
    ],
)
def test_a_bad_payment_is_refused(change: dict[str, Any], code: str) -> None:
    made, body = account()
    with pytest.raises(Problem, match=code):
        made.make_payment({**body, **change})
    assert made.payments == {}


@pytest.mark.parametrize("change", [{"name": ""}, {"cpfCnpj": "52998224726"}, {"cpfCnpj": None}, {"phone": "1"}])
def test_a_bad_customer_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Problem):
        account()[0].make_customer({**PERSON, **change})


def test_a_payment_outlives_its_due_date_until_it_is_deleted() -> None:
    clock = HandClock()
    made, body = account(clock)
    payment_id = made.make_payment(body)["id"]
    clock.move(days=3)
    assert made.payment(payment_id)["status"] == "OVERDUE"
    made.make_payment({**body, "dueDate": "2026-12-04", "externalReference": "y"})
    made.pay("x", "BOLETO")
    made.delete_payment("pay_000000000002")
    for reference, reason in (("x", "paid"), ("y", "removed"), ("z", "unknown")):
        with pytest.raises(NotPayable, match=reason):
            made.pay(reference)
    for unwanted, code in ((payment_id, "invalid_action"), ("pay_000000000002", "not_found"), ("pay_9", "not_found")):
        with pytest.raises(Problem, match=code):
            made.delete_payment(unwanted)


def test_money_goes_back_up_to_what_was_paid_and_never_for_a_boleto() -> None:
    made, body = account()
    for reference, how in (("x", "PIX"), ("y", "BOLETO")):
        made.make_payment({**body, "externalReference": reference})
        made.pay(reference, how)
    made.refund("pay_000000000001", {"value": Decimal("49.9")})
    for payment_id, refund in (("pay_000000000001", {"value": Decimal("300.01")}), ("pay_000000000002", {})):
        with pytest.raises(Problem):
            made.refund(payment_id, refund)
    assert made.refund("pay_000000000001", {})["status"] == "REFUNDED"


@pytest.mark.parametrize(("cents", "text"), [(34990, "349.9"), (35000, "350"), (1, "0.01"), (10**11, "1000000000")])
def test_an_amount_is_a_number_of_reais_as_asaas_writes_it(cents: int, text: str) -> None:
    assert written(json.dumps(shown({"data": [{"value": cents}]}))) == f'{{"data": [{{"value": {text}}}]}}'


async def test_without_the_key_or_a_name_of_the_program_nothing_is_answered() -> None:
    async with asaas_at_hand(HandClock()) as at_hand, aiohttp.ClientSession() as session:
        told = []
        for headers in ({}, {"access_token": "x"}, {"access_token": TOKEN}):
            async with session.get(f"{at_hand.pix.asaas_url}/payments", headers=headers) as answer:
                told.append((answer.status, (await answer.json())["errors"][0]["code"]))
        assert told == [(401, "invalid_access_token")] * 2 + [(400, "invalid_user_agent")]
        assert (await at_hand.asks("GET", "/payments", params={"colour": "red"}))[0] == 400
        assert (await at_hand.asks("GET", "/payments", params={"limit": "101"}))[0] == 400
        assert (await at_hand.asks("POST", "/payments", data=b"{"))[0] == 400


async def test_its_webhook_is_told_in_order_waits_for_exactly_200_and_gives_up_after_fifteen() -> None:
    status, told = 204, list[tuple[str | None, str]]()

    async def hook(request: web.Request) -> web.Response:
        told.append((request.headers.get("asaas-access-token"), (await request.json())["event"]))
        return web.Response(status=status)

    app = web.Application()
    app.add_routes([web.post("/", hook)])
    async with asaas_at_hand(HandClock()) as at_hand, TestServer(app) as server:
        provider = at_hand.provider
        provider.webhook_url = str(server.make_url("/"))
        customer = provider.account.make_customer(dict(PERSON))["id"]
        provider.account.make_payment({**GOOD, "customer": customer})
        await provider.pay("x", "CREDIT_CARD")
        await provider.tell("PAYMENT_RECEIVED", provider.account.credit("pay_000000000001"))
        assert told == [(WEBHOOK_TOKEN, "PAYMENT_CONFIRMED")] * 2
        status = 200
        await provider.call_again()
        assert [event for _, event in told[2:]] == ["PAYMENT_CONFIRMED", "PAYMENT_RECEIVED"]
        status = 500
        await provider.set_weather(AsaasWeather(webhook="doubled"))
        await provider.tell("PAYMENT_CHARGEBACK_REQUESTED", provider.account.dispute("pay_000000000001"))
        for _ in range(20):
            await provider.call_again()
        assert (provider.interrupted, len(told)) == (True, 4 + 15)
