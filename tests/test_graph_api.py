"""The stand-in Graph API refuses what Meta refuses, and tells what Meta tells, on good days and on bad ones."""

import asyncio
import json
from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox.chats import Account, digits_of
from bot.sandbox.graph_api import Fault
from bot.sandbox.graph_limits import Limits
from bot.sandbox.whatsapp import Weather
from tests.graph import JOAO, MARIA, NUMBER, Business, business

TO = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+5511987654321"}
VECTORS = Path(__file__).parent / "vectors" / "whatsapp"


@pytest.fixture
async def meta() -> AsyncIterator[Business]:
    async with business() as held:
        await held.writes()
        held.told.clear()
        yield held


def text(body: Any = "Olá", **more: Any) -> dict[str, Any]:
    return {**TO, "type": "text", "text": {"body": body}, **more}


def interactive(kind: str, action: Any, **more: Any) -> dict[str, Any]:
    return {
        **TO,
        "type": "interactive",
        "interactive": {"type": kind, "body": {"text": "Escolha"}, "action": action, **more},
    }


def buttons(*titles: str, ids: tuple[str, ...] | None = None) -> dict[str, Any]:
    given = ids or tuple(f"id-{n}" for n in range(len(titles)))
    replies = [
        {"type": "reply", "reply": {"id": id_, "title": title}} for id_, title in zip(given, titles, strict=True)
    ]
    return interactive("button", {"buttons": replies})


def listed(*rows: dict[str, str], button: str = "Ver opções", **more: Any) -> dict[str, Any]:
    return interactive("list", {"button": button, "sections": [{"rows": list(rows)}]}, **more)


def row(n: int, title: str = "Opção", **more: str) -> dict[str, str]:
    return {"id": f"row-{n}", "title": f"{title} {n}", **more}


def link(title: str = "Abrir", url: str = "https://pay.example/x", **more: Any) -> dict[str, Any]:
    return interactive("cta_url", {"name": "cta_url", "parameters": {"display_text": title, "url": url}}, **more)


def card(reference: str = "c1-1", total: int = 15450, **order: Any) -> dict[str, Any]:
    code = {"code": "000201", "merchant_name": "Escola Aurora", "key": "39580525000189", "key_type": "CNPJ"}
    parameters: dict[str, Any] = {
        "reference_id": reference,
        "type": "digital-goods",
        "payment_type": "br",
        "currency": "BRL",
        "total_amount": {"value": total, "offset": 100},
        "payment_settings": [{"type": "pix_dynamic_code", "pix_dynamic_code": code}],
    }
    if order:
        items = [{"retailer_id": "d1", "name": "Fatura", "amount": cents(15450), "quantity": 1}]
        parameters["order"] = {"status": "pending", "items": items, "subtotal": cents(15450), "tax": cents(0), **order}
    return interactive("order_details", {"name": "review_and_pay", "parameters": parameters})


def cents(value: Any) -> dict[str, Any]:
    return {"value": value, "offset": 100}


def order_status(reference: str = "c1-1", order: str | None = None, payment: str | None = None) -> dict[str, Any]:
    parameters: dict[str, Any] = {"reference_id": reference}
    parameters |= {"order": {"status": order}} if order else {}
    parameters |= {"payment": {"status": payment}} if payment else {}
    return interactive("order_status", {"name": "review_order", "parameters": parameters})


def without(body: dict[str, Any], *path: str) -> dict[str, Any]:
    changed = deepcopy(body)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return changed


TAKEN = {
    "a text of 4096 units": text("á" * 4096),
    "a text with an echo": text(biz_opaque_callback_data="x" * 512),
    "a text that answers another": text(context={"message_id": "wamid.1"}),
    "three buttons of twenty": buttons("a" * 20, "b" * 20, "c" * 20),
    "ten rows": listed(*(row(n, description="d" * 72) for n in range(10))),
    "a link": link(),
    "a picture by its link": {
        **TO,
        "type": "image",
        "image": {"link": "http://x.example/q.png", "caption": "c" * 1024},
    },
    "a card": card(),
    "a card with its order": card(shipping=cents(100), discount=cents(100)),
}


@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN.keys())
async def test_what_meta_allows_is_taken_and_named(meta: Business, body: dict[str, Any]) -> None:
    status, answer = await meta.posts(body)
    assert (status, answer["contacts"]) == (200, [{"input": "+5511987654321", "wa_id": "5511987654321"}])
    assert answer["messages"][0]["id"].startswith("wamid.")


REFUSED = {
    "no product": (without(text(), "messaging_product"), 100),
    "no addressee": (without(text(), "to"), 100),
    "a user id as phone": (text(to="BR.abc"), 100),
    "no such kind": ({**TO, "type": "telegram", "telegram": {}}, 100),
    "a kind without its object": ({**TO, "type": "text"}, 131008),
    "a strange key": (text(idempotency_key="x"), 100),
    "an echo too long": (text(biz_opaque_callback_data="x" * 513), 100),
    "an empty text": (text(" "), 131009),
    "a text too long": (text("a" * 4097), 100),
    "a text too long in UTF-16": (text("😀" * 2049), 100),
    "no buttons": (buttons(), 131009),
    "four buttons": (buttons("a", "b", "c", "d"), 131009),
    "a long title": (buttons("a" * 21), 100),
    "an empty title": (buttons(""), 131009),
    "a title twice": (buttons("Pagar", "Pagar"), 131009),
    "an id twice": (buttons("a", "b", ids=("1", "1")), 131009),
    "a long id": (buttons("a", ids=("x" * 257,)), 100),
    "a body too long for buttons": (interactive("button", {"buttons": []}, body={"text": "a" * 1025}), 100),
    "a long footer": (link(footer={"text": "f" * 61}), 100),
    "eleven rows": (listed(*(row(n) for n in range(11))), 131009),
    "a long row": (listed(row(1, title="t" * 24)), 100),
    "a long description": (listed(row(1, description="d" * 73)), 100),
    "a row id twice": (listed(row(1), row(1)), 131009),
    "a long list button": (listed(row(1), button="b" * 21), 100),
    "a picture on a list": (listed(row(1), header={"type": "image", "image": {"link": "https://x.example"}}), 131009),
    "a link without an address": (link(url="pay.example"), 131009),
    "a link's long title": (link(title="a" * 21), 100),
    "a picture with id and link": ({**TO, "type": "image", "image": {"id": "1", "link": "https://x.example"}}, 100),
    "a picture that was never uploaded": ({**TO, "type": "image", "image": {"id": "1"}}, 131009),
    "a card with a strange reference": (card("c 1"), 131009),
    "a card of broken centavos": (card(total=154.5), 131009),  # type: ignore[arg-type]
    "a card whose total is not its parts": (card(discount=cents(1)), 131009),
    "a card whose subtotal is not its items": (card(subtotal=cents(1)), 131009),
    "a card that expires at once": (card(expiration={"timestamp": "1796137499", "description": "hoje"}), 131009),
    "a status of no card": (order_status(order="completed"), 131009),
    "a template that nobody registered": (
        {**TO, "type": "template", "template": {"name": "a", "language": {"code": "pt_BR"}}},
        132001,
    ),
}


@pytest.mark.parametrize(("body", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_meta_refuses_is_refused_with_its_code(meta: Business, body: dict[str, Any], code: int) -> None:
    status, answer = await meta.posts(body)
    assert (answer["error"]["code"], status >= 400) == (code, True), answer
    assert answer["error"]["fbtrace_id"]
    assert await meta.statuses() == []


SAMPLES = sorted(path.name for path in VECTORS.glob("out-*.json") if "-oa-" not in path.name)


@pytest.mark.parametrize("name", [name for name in SAMPLES if "template" not in name and "status" not in name])
async def test_the_documented_messages_are_taken(meta: Business, name: str) -> None:
    # Some of Meta's samples have a placeholder for the reference.
    body = json.loads((VECTORS / name).read_text(encoding="utf-8").replace("<UNIQUE_REFERENCE_ID>", "AC-1"))
    wanted = {"messaging_product": "whatsapp"} | (
        {} if "recipient" in body or "status" in body else {"to": "+5511987654321"}
    )
    body |= wanted
    if "image-id" in name:
        body["image"]["id"] = meta.api.whatsapp.media.add(b"x", "image/png").id
    if body.get("status") == "read":
        body["message_id"] = meta.api.whatsapp.chats.find(MARIA.wa_id or "").bubbles[0].wamid  # type: ignore[union-attr]
    status, answer = await meta.posts(body)
    assert status == 200, answer


@pytest.mark.parametrize(
    ("token", "phone", "status", "code"),
    [("", NUMBER.phone_number_id, 403, 200), ("another", NUMBER.phone_number_id, 401, 190), ("a-token", "1", 400, 100)],
)
async def test_a_stranger_is_turned_away(meta: Business, token: str, phone: str, status: int, code: int) -> None:
    got, answer = await meta.posts(text(), token=token, phone=phone)
    assert (got, answer["error"]["code"]) == (status, code)


async def test_nonsense_is_refused_in_words(meta: Business) -> None:
    assert (await meta.posts(b"{"))[1]["error"]["code"] == 100
    assert (await meta.posts(b"[" * 100_000))[1]["error"]["code"] == 100


async def test_a_message_comes_as_meta_writes_it(meta: Business) -> None:
    await meta.writes(words="José?")
    raw, value = meta.raw[-1], meta.told[-1]
    assert b"Jos\\u00e9?" in raw
    assert raw.isascii()
    assert value["contacts"][0] == {"profile": {"name": "Maria José"}, "wa_id": MARIA.wa_id, "user_id": MARIA.user_id}
    message = value["messages"][0]
    assert (message["from"], message["text"], message["timestamp"]) == (MARIA.wa_id, {"body": "José?"}, "1796137200")


async def test_who_hides_the_number_is_known_by_the_user_id_alone(meta: Business) -> None:
    chat = await meta.writes(Account(name="Bia", wa_id=None, user_id="BR.777", username="bia"))
    value = meta.told[-1]
    assert "wa_id" not in value["contacts"][0]
    assert "from" not in value["messages"][0]
    _, answer = await meta.posts({**without(text(), "to"), "recipient": "BR.777"})
    assert answer["contacts"] == [{"input": "BR.777", "user_id": "BR.777"}]
    assert [s["statuses"][0].get("recipient_id") for s in (await meta.heard())[1:]] == [None, None]
    assert len(chat.bubbles) == 2


async def test_the_ninth_digit_leads_to_the_old_name_of_the_same_phone(meta: Business) -> None:
    chat = await meta.writes(JOAO)
    _, answer = await meta.posts(text(to="+55 81 99234-5678"))
    assert answer["contacts"] == [{"input": "+55 81 99234-5678", "wa_id": "558192345678"}]
    assert len(chat.bubbles) == 2


async def test_without_the_plus_a_message_goes_astray(meta: Business) -> None:
    assert (await meta.posts(text(to="5511987654321")))[0] == 200
    failed = (await meta.heard())[0]["statuses"][0]
    assert (failed["status"], failed["errors"][0]["code"]) == ("failed", 131026)
    assert digits_of("11987654321") == digits_of("+55 (11) 98765-4321")


async def test_statuses_carry_the_echo_and_the_price_once_each(meta: Business) -> None:
    await meta.posts(text(biz_opaque_callback_data="a1.7.1.mac"))
    told = [value["statuses"][0] for value in await meta.heard()]
    assert [s["status"] for s in told] == ["sent", "delivered"]
    assert {s["biz_opaque_callback_data"] for s in told} == {"a1.7.1.mac"}
    assert [s["pricing"]["category"] for s in told] == ["service", "service"]
    await meta.api.whatsapp.look(meta.api.whatsapp.chats.add(MARIA))
    assert "pricing" not in meta.told[-1]["statuses"][0]


@pytest.mark.parametrize(
    ("weather", "words"),
    [
        (Weather(doubled=True), ["sent", "sent", "delivered", "delivered"]),
        (Weather(reversed=True), ["delivered", "sent"]),
        (Weather(statuses="lost"), []),
        (Weather(statuses="held"), []),
    ],
)
async def test_statuses_come_as_the_weather_is(meta: Business, weather: Weather, words: list[str]) -> None:
    meta.api.next_weather(weather)
    await meta.posts(text())
    assert await meta.statuses() == words
    await meta.posts(text())
    assert await meta.statuses() == [*words, "sent", "delivered"]  # it was for one message


async def test_held_statuses_come_when_it_clears_up(meta: Business) -> None:
    await meta.api.whatsapp.change_weather(Weather(statuses="held"))
    await meta.posts(text())
    assert await meta.statuses() == []
    await meta.api.whatsapp.change_weather(Weather())
    assert await meta.statuses() == ["sent", "delivered"]


async def test_a_status_may_come_before_the_answer(meta: Business) -> None:
    meta.api.next_weather(Weather(early=True))
    post = asyncio.create_task(meta.posts(text()))
    answered: list[bool] = []
    meta.when_told = lambda: answered.append(post.done())
    await post
    assert answered == [False, False]


async def test_an_open_chat_says_read_and_never_delivered(meta: Business) -> None:
    await meta.api.whatsapp.look(meta.api.whatsapp.chats.add(MARIA))
    await meta.posts(text())
    assert await meta.statuses() == ["sent", "read"]


async def test_a_phone_that_is_off_gets_its_messages_later(meta: Business) -> None:
    chat = meta.api.whatsapp.chats.add(MARIA)
    await meta.api.whatsapp.switch(chat, on=False)
    await meta.posts(text())
    assert await meta.statuses() == ["sent"]
    await meta.api.whatsapp.switch(chat, on=True)
    assert await meta.statuses() == ["sent", "delivered"]


async def test_a_webhook_is_repeated_until_it_is_taken(meta: Business) -> None:
    meta.refuses = 2
    await meta.writes(words="de novo")
    assert [value["messages"][0]["text"]["body"] for value in meta.told] == ["de novo"]


async def test_a_picture_that_cannot_be_opened_fails_later(meta: Business) -> None:
    await meta.posts({**TO, "type": "image", "image": {"link": f"{meta.address}/nothing.png"}})
    await meta.posts({**TO, "type": "image", "image": {"link": f"{meta.address}/qr.png"}})
    told = sorted(await meta.statuses())
    assert told == ["delivered", "failed", "sent"]


async def test_after_a_day_of_silence_only_templates_go_out(meta: Business) -> None:
    meta.clock.move(hours=23, minutes=59)
    assert (await meta.posts(text()))[0] == 200
    meta.clock.move(minutes=1)
    assert (await meta.posts(text()))[1]["error"]["code"] == 131047


async def test_too_many_messages_to_one_person_are_slowed(meta: Business) -> None:
    codes = [(await meta.posts(text()))[0] for _ in range(46)]
    assert codes == [200] * 45 + [400]
    meta.clock.move(seconds=6)
    assert (await meta.posts(text()))[0] == 200
    assert (await meta.posts(text()))[1]["error"]["code"] == 131056


async def test_too_many_messages_a_second_are_refused() -> None:
    async with business(limits=Limits(per_second=3), everybody=True) as meta:
        answers = [await meta.posts(text(to=f"+55119000000{n:02}")) for n in range(12)]
        assert 130429 in {answer.get("error", {}).get("code") for _, answer in answers}


async def test_a_reference_belongs_to_one_card(meta: Business) -> None:
    assert (await meta.posts(card("c1-1")))[0] == 200
    assert (await meta.posts(card("c1-1")))[1]["error"]["code"] == 131009


async def test_a_paid_card_cannot_be_cancelled(meta: Business) -> None:
    await meta.posts(card())
    assert (await meta.posts(order_status(payment="captured")))[0] == 200
    assert (await meta.posts(order_status(order="canceled")))[1]["error"]["code"] == 2047
    assert (await meta.posts(order_status(order="completed")))[0] == 200
    assert (await meta.posts(order_status(order="processing")))[1]["error"]["code"] == 2046


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [
        (Fault(kind="reset"), True),
        (Fault(kind="reset", done=False), False),
        (Fault(kind="bare_500"), True),
        (Fault(kind="bare_500", done=False), False),
        (Fault(kind="error", code=131016), False),
    ],
)
async def test_a_post_goes_wrong_as_it_was_told_to(meta: Business, fault: Fault, arrives: bool) -> None:
    meta.api.next_posts(fault)
    if fault.kind == "reset":
        with pytest.raises(aiohttp.ClientError):
            await meta.posts(text())
    else:
        assert (await meta.posts(text()))[0] == 500
    assert bool(await meta.statuses()) is arrives
    assert (await meta.posts(text()))[0] == 200


async def test_an_answer_may_never_come(meta: Business) -> None:
    meta.api.next_posts(Fault(kind="no_answer"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await meta.posts(text())
    assert await meta.statuses() == ["sent", "delivered"]


@pytest.mark.parametrize(
    ("sent", "kind"),
    [(buttons("Pagar agora", "Negociar"), "button_reply"), (listed(row(0), row(1)), "list_reply")],
)
async def test_a_press_names_what_was_pressed_and_where(meta: Business, sent: dict[str, Any], kind: str) -> None:
    _, answer = await meta.posts(sent)
    wamid = answer["messages"][0]["id"]
    await meta.heard()
    chat = meta.api.whatsapp.chats.add(MARIA)
    assert await meta.api.whatsapp.press(chat, wamid, "something else") is None
    wanted = "id-1" if kind == "button_reply" else "row-1"
    await meta.api.whatsapp.press(chat, wamid, wanted)
    message = meta.told[-1]["messages"][0]
    assert message["context"]["id"] == wamid
    assert message["interactive"][kind]["id"] == wanted


async def test_reading_shows_both_ticks_and_that_somebody_writes(meta: Business) -> None:
    chat = meta.api.whatsapp.chats.add(MARIA)
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": chat.bubbles[0].wamid}
    assert await meta.posts({**read, "typing_indicator": {"type": "text"}}) == (200, {"success": True})
    assert (chat.bubbles[0].status, chat.typing) == ("read", True)
    await meta.posts(text())
    assert not chat.typing
    assert (await meta.posts({**read, "message_id": "wamid.unknown"}))[1]["error"]["code"] == 131009


TEMPLATE = {
    "name": "lembrete",
    "language": "pt_BR",
    "category": "UTILITY",
    "parameter_format": "named",
    "components": [
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}},
        {
            "type": "BODY",
            "text": "Olá, {{nome}}! A fatura de {{valor}} vence hoje.",
            "example": {"body_text_named_params": [{"param_name": name, "example": "x"} for name in ("nome", "valor")]},
        },
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Pagar agora"}]},
    ],
}


def remind(
    address: str, nome: Any = "Ana", image: str | None = "/qr.png", index: str = "0", **names: str
) -> dict[str, Any]:
    parameters = [
        {"type": "text", "parameter_name": key, "text": value} for key, value in {"nome": nome, **names}.items()
    ]
    header = {"type": "header", "parameters": [{"type": "image", "image": {"link": address + (image or "")}}]}
    button = {
        "type": "button",
        "sub_type": "quick_reply",
        "index": index,
        "parameters": [{"type": "payload", "payload": "p1"}],
    }
    components = [*([header] if image else []), {"type": "body", "parameters": parameters}, button]
    template = {"name": "lembrete", "language": {"code": "pt_BR"}, "components": components}
    return {**TO, "type": "template", "template": template}


async def test_a_template_goes_out_as_it_was_registered_and_its_press_comes_back(meta: Business) -> None:
    status, made = await meta.asks("POST", f"/{NUMBER.waba_id}/message_templates", TEMPLATE)
    assert (status, made["status"], made["category"]) == (200, "PENDING", "UTILITY")
    assert (await meta.heard())[-1]["event"] == "APPROVED"
    meta.clock.move(days=3)  # no window is needed
    _, answer = await meta.posts(remind(meta.address, valor="R$ 349,90"))
    chat = meta.api.whatsapp.chats.add(MARIA)
    await meta.heard()
    assert chat.bubbles[-1].text == "Olá, Ana! A fatura de R$ 349,90 vence hoje."
    assert answer["messages"][0]["message_status"] == "accepted"
    await meta.api.whatsapp.press(chat, chat.bubbles[-1].wamid, "p1")
    assert meta.told[-1]["messages"][0]["button"] == {"payload": "p1", "text": "Pagar agora"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"valor": "R$ 1", "image": None}, 132012),
        ({}, 132000),
        ({"preco": "R$ 1"}, 132000),
        ({"valor": "R$ 1\n"}, 132018),
        ({"valor": "R$ 1", "index": "1"}, 132018),
        ({"valor": "x" * 1024}, 132005),
    ],
)
async def test_a_template_that_does_not_fit_is_refused(meta: Business, changed: dict[str, Any], code: int) -> None:
    await meta.asks("POST", f"/{NUMBER.waba_id}/message_templates", TEMPLATE)
    assert (await meta.posts(remind(meta.address, **changed)))[1]["error"]["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        "{{nome}}, sua fatura de {{valor}} venceu.",
        "A fatura de {{nome}} é {{valor}}",
        "De {{nome}} {{valor}} hoje.",
    ],
)
async def test_a_template_may_not_begin_or_end_with_a_parameter_or_have_two_together(meta: Business, body: str) -> None:
    components = [{**TEMPLATE["components"][1], "text": body}]  # type: ignore[dict-item]
    _, answer = await meta.asks("POST", f"/{NUMBER.waba_id}/message_templates", {**TEMPLATE, "components": components})
    assert answer["error"]["error_subcode"] == 2388299


async def test_a_file_goes_up_and_comes_down_again(meta: Business) -> None:
    form = aiohttp.FormData({"messaging_product": "whatsapp", "type": "application/pdf"})
    form.add_field("file", b"%PDF-1.7", filename="acordo.pdf", content_type="application/pdf")
    url = f"{meta.address}/sandbox/graph/v24.0/{NUMBER.phone_number_id}/media"
    async with meta.session.post(url, data=form, headers={"Authorization": "Bearer a-token"}) as answer:
        file = (await answer.json())["id"]
    _, about = await meta.asks("GET", f"/{file}")
    assert (about["mime_type"], about["file_size"]) == ("application/pdf", "8")
    async with meta.session.get(about["url"]) as answer:
        assert answer.status == 403
    async with meta.session.get(about["url"], headers={"Authorization": "Bearer a-token"}) as answer:
        assert await answer.read() == b"%PDF-1.7"
    assert (await meta.asks("DELETE", f"/{file}"))[1] == {"success": True}
    assert (await meta.asks("GET", f"/{file}"))[1]["error"]["error_subcode"] == 33


async def test_the_number_and_the_account_say_how_they_are(meta: Business) -> None:
    _, phone = await meta.asks("GET", f"/{NUMBER.phone_number_id}?fields=display_phone_number,health_status")
    assert phone["health_status"]["can_send_message"] == "AVAILABLE"
    assert set(phone) == {"display_phone_number", "health_status", "id"}
    assert (await meta.asks("GET", f"/{NUMBER.waba_id}/subscribed_apps"))[1]["data"]
    assert (await meta.asks("GET", f"/{NUMBER.phone_number_id}?fields=shoe_size"))[1]["error"]["code"] == 100


async def test_chats_go_on_where_they_stopped(tmp_path: Path) -> None:
    file = tmp_path / "chats.json"
    async with business(file=file) as meta:
        chat = await meta.writes()
        await meta.posts(buttons("Pagar agora"))
        before = list(chat.bubbles)
    async with business(file=file) as meta:
        assert meta.api.whatsapp.chats.add(MARIA).bubbles == before
        assert (await meta.posts(text()))[0] == 200


async def test_whoever_waits_for_a_state_goes_on_at_once(meta: Business) -> None:
    chat = meta.api.whatsapp.chats.add(MARIA)
    waiting = asyncio.create_task(meta.api.whatsapp.chats.wait_for(lambda: len(chat.bubbles) == 2))
    await meta.posts(text())
    await waiting
    with pytest.raises(TimeoutError):
        await meta.api.whatsapp.chats.wait_for(lambda: False, at_most_s=timedelta(milliseconds=10).total_seconds())
