"""Messages become Meta's JSON, field for field, and what Meta would refuse is refused here with the field's name."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.whatsapp.messages import (
    BadMessage,
    Button,
    Buttons,
    Document,
    Image,
    LinkButton,
    List,
    MarkRead,
    Message,
    OrderDetails,
    OrderItem,
    OrderStatus,
    Recipient,
    Row,
    Section,
    Template,
    Text,
    address,
    build,
    content,
    key_type_of,
    mark_read,
    plain,
)
from bot.whatsapp.orders import KeyType

SAMPLES = Path(__file__).parent / "vectors" / "whatsapp"
OPAQUE = '{"v":1,"o":"8412","a":1,"m":"b64mac"}'
MARIA = Recipient(phone="5511987654321")
QR = "https://pix.example.com/q/8412-1.png"
CODE = "00020101021226700014br.gov.bcb.pix2548pix.example.com/qr/v2/8412"


def card(**changes: Any) -> OrderDetails:
    known: dict[str, Any] = {
        "reference_id": "AC-8412-1",
        "body": "Parcela 1 de 2. Toque para copiar o Pix.",
        "total_cents": 15450,
        "code": CODE,
        "merchant_name": "Loja Exemplo LTDA",
        "key": "39580525000189",
        "key_type": "CNPJ",
    }
    return OrderDetails(**{**known, **changes})


INVOICE = (
    OrderItem(id="div-8412", name="Fatura 10/2026", amount_cents=15000),
    OrderItem(id="enc-8412", name="Multa e juros", amount_cents=450),
)
PAID_AT = datetime.fromtimestamp(1763900600, UTC)

SAME: dict[str, Message] = {
    "out-text": Text(body="Seu pagamento de R$ 150,00 foi confirmado. Obrigado!"),
    "out-image-link": Image(link=QR, caption="QR Code Pix, R$ 150,00, vence hoje"),
    "out-image-id": Image(media_id="1013859600285441", caption="QR Code Pix"),
    "out-interactive-button": Buttons(
        body="Maria, como prefere pagar?",
        buttons=(
            Button(id="pay:v1:9f2c:MAC", title="Pagar com Pix"),
            Button(id="plan:v1:9f2c:MAC", title="Parcelar"),
            Button(id="human:v1:9f2c:MAC", title="Falar com pessoa"),
        ),
        header_image=QR,
        footer="Responda SAIR para não receber",
    ),
    "out-interactive-list": List(
        body="Escolha uma opção. Válida até 30/11/2026.",
        button="Ver opções",
        sections=(
            Section(
                title="Parcelas",
                rows=(
                    Row(id="off:v1:71:2:MAC", title="2x de R$ 77,25", description="Total R$ 154,50, 1ª em 30/11"),
                    Row(id="off:v1:71:3:MAC", title="3x de R$ 52,00", description="Total R$ 156,00, 1ª em 30/11"),
                ),
            ),
        ),
        header_text="Parcelamento",
    ),
    "out-interactive-cta-url": LinkButton(
        body="Veja o acordo completo.", label="Abrir acordo", url="https://pix.example.com/a/8412"
    ),
    "out-template-image-named-quick-reply": Template(
        name="cobranca_d3",
        language="pt_BR",
        header_image=QR,
        named={"primeiro_nome": "Maria", "valor": "R$ 150,00", "vencimento": "20/11/2026"},
        quick_replies=("pay:v1:9f2c:MAC", "plan:v1:9f2c:MAC"),
    ),
    "out-order-details-pix-simple": card(),
    "out-order-details-pix-full": card(
        body="Parcela 1 de 2.",
        items=INVOICE,
        tax_description="Sem tributo",
        header_image="https://pix.example.com/logo.png",
        footer="Loja Exemplo",
    ),
    "out-order-status-completed": OrderStatus(
        reference_id="AC-8412-1",
        body="Pagamento confirmado. Obrigado!",
        status="completed",
        payment="captured",
        paid_at=PAID_AT,
    ),
    "out-order-status-canceled": OrderStatus(
        reference_id="AC-8412-1",
        body="Esta cobrança foi substituída por outra.",
        status="canceled",
        description="Substituída por AC-8412-2",
    ),
    "out-md-order-details-pix": card(
        reference_id="unique-reference-id",
        body="Your message content",
        total_cents=50000,
        code="00020101021226700014br.gov.bcb.pix2548pix.example.com...",
        merchant_name="Account holder name",
        items=(OrderItem(id="1234567", name="Cake", amount_cents=50000),),
        tax_description="optional text",
    ),
    "out-md-order-status-full": OrderStatus(
        reference_id="unique-reference-id",
        body="Your message content",
        status="processing",
        payment="captured",
        paid_at=datetime.fromtimestamp(1722445231, UTC),
    ),
    "out-md-order-status-simplified-paid": OrderStatus(
        reference_id="unique-reference-id",
        body="Your message content",
        payment="captured",
        paid_at=datetime.fromtimestamp(1722445231, UTC),
    ),
    "out-oa-text": Text(body="text-message-content"),
    "out-oa-text-preview": Text(body="Please visit https://youtu.be/hpltvTEiRrY.", preview_url=True),
    "out-oa-image-link": Image(link="https://example.com/x"),
    "out-oa-document-link": Document(
        link="https://example.com/x", caption="<DOCUMENT-CAPTION-TEXT>", filename="fatura.pdf"
    ),
    "out-oa-reply-button": Buttons(
        body="<BUTTON_TEXT>",
        buttons=(
            Button(id="<UNIQUE_BUTTON_ID_1>", title="<BUTTON_TITLE_1>"),
            Button(id="<UNIQUE_BUTTON_ID_2>", title="<BUTTON_TITLE_2>"),
        ),
    ),
    "out-oa-list": List(
        body="<BODY_TEXT>",
        button="<BUTTON_TEXT>",
        sections=tuple(
            Section(
                title=f"<LIST_SECTION_{n}_TITLE>",
                rows=tuple(
                    Row(
                        id=f"<LIST_SECTION_{n}_ROW_{m}_ID>",
                        title=f"<SECTION_{n}_ROW_{m}_TITLE>",
                        description=f"<SECTION_{n}_ROW_{m}_DESC>",
                    )
                    for m in (1, 2)
                ),
            )
            for n in (1, 2)
        ),
        header_text="<HEADER_TEXT>",
        footer="<FOOTER_TEXT>",
    ),
    "out-oa-order-status": OrderStatus(
        reference_id="unique-reference-id-from-order-details-msg",
        body="your-text-body-content",
        status="processing",
        description="optional-text",
    ),
}
REPLIES: dict[str, tuple[Message, str]] = {
    "out-text-reply": (Text(body="Certo."), "wamid.M1"),
    "out-oa-reply-text": (Text(body="<TEXT_MSG_CONTENT>"), "<MSGID_OF_PREV_MSG>"),
}
READ = {
    "out-mark-read-typing": MarkRead(message_id="wamid.M1", typing=True),
    "out-oa-typing": MarkRead(message_id="wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUYzMjEzNDM2RTZGQ0MzMDJBRgA=", typing=True),
}
TO_A_USER_ID = "out-text-to-bsuid"
NOT_SENT = {  # kinds that this program does not send
    "out-md-order-details-boleto": "boleto",
    "out-md-order-details-one-click-card": "stored cards, not open to all",
    "out-md-order-details-payment-link": "a card with a link",
    "out-md-order-details-simplified": "a card with a link",
    "out-md-template-order-details-pix": "a template with a card",
    "out-md-template-payment-request-three": "payment request buttons, rolling out",
    "out-template-payment-request-pix": "payment request buttons, rolling out",
    "out-template-positional-copy-code": "a template with a link button",
    "out-oa-order-details": "India's UPI",
    "out-oa-template-interactive": "currency and date parameters",
    "out-oa-template-media": "currency and date parameters",
    "out-oa-template-text": "currency and date parameters",
}


def expected(name: str) -> dict[str, Any]:
    """A sample as we write it: the number with its plus, what Meta's pages leave out, and real addresses."""
    text = (SAMPLES / f"{name}.json").read_text(encoding="utf-8")
    for placeholder in ("http(s)://image-url", "<http(s)://document-url>"):
        text = text.replace(placeholder, "https://example.com/x")
    sample: dict[str, Any] = json.loads(text)
    if "to" in sample:
        sample |= {"to": "+5511987654321", "recipient_type": "individual"}
    sample["messaging_product"] = "whatsapp"
    if "text" in sample:
        sample["text"] = {"preview_url": False, **sample["text"]}
        sample["type"] = "text"
    if "document" in sample:
        sample["document"]["filename"] = "fatura.pdf"
    return sample


def opaque_in(sample: dict[str, Any]) -> str | None:
    return OPAQUE if "biz_opaque_callback_data" in sample else None


@pytest.mark.parametrize("name", SAME)
def test_a_message_is_the_very_json_of_the_sample(name: str) -> None:
    sample = expected(name)
    assert build(SAME[name], to=MARIA, opaque=opaque_in(sample)) == sample


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_quotes_the_message_it_answers(name: str) -> None:
    sample = expected(name)
    message, quoted = REPLIES[name]
    assert build(message, to=MARIA, opaque=opaque_in(sample), reply_to=quoted) == sample


@pytest.mark.parametrize("name", READ)
def test_reading_and_writing_are_shown_in_one(name: str) -> None:
    assert mark_read(READ[name]) == expected(name)


def test_a_message_goes_to_the_user_id_where_the_number_is_hidden() -> None:
    to = Recipient(user_id="BR.13491208655302741918")
    assert build(Text(body="Olá"), to=to, opaque=OPAQUE) == expected(TO_A_USER_ID)


def test_the_number_goes_before_the_user_id() -> None:
    whole = build(Text(body="Olá"), to=Recipient(phone="558192345678", user_id="BR.2"), opaque=None)
    assert whole["to"] == "+558192345678"  # as WhatsApp gave it, without inventing a ninth digit
    assert "recipient" not in whole


def test_every_known_body_is_reproduced_or_is_no_kind_of_ours() -> None:
    tables = [*SAME, *REPLIES, *READ, TO_A_USER_ID, *NOT_SENT]
    assert sorted(tables) == sorted(path.stem for path in SAMPLES.glob("out-*.json"))


def test_positional_values_keep_their_order() -> None:
    made = content(Template(name="pix_copia", language="pt_BR", positional=("Maria", "R$ 150,00")))
    assert made["template"]["components"] == expected("out-template-positional-copy-code")["template"]["components"][:1]


def test_a_card_with_items_can_expire() -> None:
    made = content(card(items=INVOICE, expires_at=PAID_AT, expires_description="Vence hoje"))
    order = made["interactive"]["action"]["parameters"]["order"]
    assert order["expiration"] == {"timestamp": "1763900600", "description": "Vence hoje"}


def test_a_card_adds_up_with_everything_in_it() -> None:
    items = (*INVOICE, OrderItem(id="x", name="Serviço", amount_cents=900, sale_cents=100, quantity=3))
    made = content(card(items=items, tax_cents=7, shipping_cents=50, discount_cents=1057, total_cents=14750))
    order = made["interactive"]["action"]["parameters"]["order"]
    assert order["subtotal"]["value"] == 15750
    assert order["items"][2]["sale_amount"]["value"] == 100
    assert order["discount"] == {"value": 1057, "offset": 100}


P = "interactive.action.parameters"


def buttons(**changes: Any) -> Buttons:
    return Buttons(**{"body": "Como prefere?", "buttons": (Button(id="a", title="Pagar agora"),), **changes})


def titled(title: str) -> Buttons:
    return buttons(buttons=(Button(id="a", title=title),))


def rows(count: int, start: int = 0) -> tuple[Row, ...]:
    return tuple(Row(id=str(n), title=f"{n}x") for n in range(start, start + count))


def listed(**changes: Any) -> List:
    return List(**{"body": "Escolha", "button": "Ver", "sections": (Section(rows=rows(1)),), **changes})


def two(first: tuple[Row, ...], second: tuple[Row, ...]) -> List:
    return listed(sections=(Section(title="a", rows=first), Section(title="b", rows=second)))


def row(**changes: str) -> List:
    return listed(sections=(Section(rows=(Row(**{"id": "1", "title": "2x", **changes}),)),))


def link(**changes: str) -> LinkButton:
    return LinkButton(**{"body": "Veja", "label": "Abrir", "url": "https://e.br", **changes})


def template(**changes: Any) -> Template:
    return Template(**{"name": "venceu", "language": "pt_BR", **changes})


LONGEST: list[tuple[str, int, Callable[[str], Message]]] = [
    ("text.body", 4096, lambda s: Text(body=s)),
    ("image.caption", 1024, lambda s: Image(link=QR, caption=s)),
    ("document.caption", 1024, lambda s: Document(link=QR, filename="a.pdf", caption=s)),
    ("interactive.body.text", 1024, lambda s: buttons(body=s)),
    ("interactive.body.text", 1024, lambda s: listed(body=s)),
    ("interactive.body.text", 1024, lambda s: link(body=s)),
    ("interactive.body.text", 1024, lambda s: card(body=s)),
    ("interactive.footer.text", 60, lambda s: buttons(footer=s)),
    ("interactive.footer.text", 60, lambda s: listed(footer=s)),
    ("interactive.footer.text", 60, lambda s: card(footer=s)),
    ("interactive.header.text", 60, lambda s: buttons(header_text=s)),
    ("interactive.header.text", 60, lambda s: listed(header_text=s)),
    ("interactive.action.buttons[0].reply.title", 20, titled),
    ("interactive.action.buttons[0].reply.id", 256, lambda s: buttons(buttons=(Button(id=s, title="x"),))),
    ("interactive.action.button", 20, lambda s: listed(button=s)),
    ("interactive.action.sections[0].title", 24, lambda s: listed(sections=(Section(title=s, rows=rows(1)),))),
    ("interactive.action.sections[0].rows[0].id", 200, lambda s: row(id=s)),
    ("interactive.action.sections[0].rows[0].title", 24, lambda s: row(title=s)),
    ("interactive.action.sections[0].rows[0].description", 72, lambda s: row(description=s)),
    (f"{P}.display_text", 20, lambda s: link(label=s)),
    (f"{P}.order.items[0].name", 60, lambda s: card(items=(OrderItem(id="x", name=s, amount_cents=15450),))),
    (f"{P}.order.description", 120, lambda s: OrderStatus(reference_id="x", body="x", status="shipped", description=s)),
    ("template.components.button[0].payload", 128, lambda s: template(quick_replies=(s,))),
    ("template.components.body.valor", 1024, lambda s: template(named={"valor": s})),
]


@pytest.mark.parametrize(("field", "limit", "made"), LONGEST, ids=[f"{f}-{n}" for n, (f, *_) in enumerate(LONGEST)])
def test_the_longest_is_taken_one_more_is_refused_by_field(
    field: str, limit: int, made: Callable[[str], Message]
) -> None:
    content(made("x" * limit))
    content(made("🙏" * (limit // 2)))
    for over in ("x" * (limit + 1), "🙏" * (limit // 2) + "x" * (limit % 2 + 1)):
        with pytest.raises(BadMessage) as refusal:
            content(made(over))
        assert (refusal.value.field, refusal.value.limit, refusal.value.got) == (field, limit, limit + 1)
        assert over not in str(refusal.value)
    for nothing in ("", "  \n"):
        with pytest.raises(BadMessage) as refusal:
            content(made(nothing))
        assert refusal.value.field == field


FIELD = "interactive.action"
REFUSED: list[tuple[str, Message]] = [
    ("text.body", Text(body="a\0b")),
    ("text.body", Text(body="a\ud800")),
    ("image", Image()),
    ("image", Image(link=QR, media_id="1")),
    ("image.link", Image(link="ftp://example.com/a.png")),
    ("image.link", Image(link="/q/a.png")),
    ("document.filename", Document(link=QR, filename="fatura")),
    (f"{FIELD}.buttons", buttons(buttons=())),
    (f"{FIELD}.buttons", buttons(buttons=tuple(Button(id=str(n), title=str(n)) for n in range(4)))),
    (f"{FIELD}.buttons.reply.title", buttons(buttons=(Button(id="a", title="Sim"), Button(id="b", title="Sim")))),
    (f"{FIELD}.buttons.reply.id", buttons(buttons=(Button(id="a", title="Sim"), Button(id="a", title="Não")))),
    ("interactive.header", buttons(header_image=QR, header_text="Oi")),
    ("interactive.header.image.link", buttons(header_image="http://")),
    (f"{FIELD}.sections", listed(sections=())),
    (f"{FIELD}.sections.rows", listed(sections=(Section(rows=rows(11)),))),
    (f"{FIELD}.sections.rows", two(rows(6), rows(5, 6))),
    (f"{FIELD}.sections[1].rows", two(rows(6), ())),
    (f"{FIELD}.sections.rows.id", two(rows(1), rows(1))),
    (f"{FIELD}.sections[1].title", listed(sections=(Section(title="a", rows=rows(1)), Section(rows=rows(1, 1))))),
    (f"{P}.url", link(url="javascript:alert(1)")),
    (f"{P}.url", link(url="https://e.br/a b")),
    (f"{P}.reference_id", card(reference_id="")),
    (f"{P}.reference_id", card(reference_id="a" * 61)),
    (f"{P}.reference_id", card(reference_id="a/b")),
    (f"{P}.reference_id", card(reference_id="fatura-é")),
    (f"{P}.total_amount", card(total_cents=0)),
    (f"{P}.total_amount", card(total_cents=15451, items=INVOICE)),
    (f"{P}.total_amount", card(total_cents=15449, items=INVOICE)),
    (f"{P}.total_amount", card(items=INVOICE, discount_cents=1)),
    (f"{P}.order.items[0].quantity", card(items=(OrderItem(id="x", name="x", amount_cents=15450, quantity=0),))),
    (f"{P}.order.items[0].amount", card(items=(OrderItem(id="x", name="x", amount_cents=-1),))),
    (f"{P}.payment_settings[0].pix_dynamic_code.code", card(code="")),
    ("interactive.header", card(header_image=QR)),
    (f"{P}.order", card(expires_at=PAID_AT)),
    (f"{P}.order", card(discount_cents=1)),
    (f"{P}.order.expiration.timestamp", card(items=INVOICE, expires_at=PAID_AT.replace(tzinfo=None))),
    (P, OrderStatus(reference_id="x", body="x")),
    (f"{P}.order.status", OrderStatus(reference_id="x", body="x", status="canceled", payment="captured")),
    ("template.name", template(name="Venceu")),
    ("template.language.code", template(language="pt-BR")),
    ("template.components.body", template(named={"a": "b"}, positional=("b",))),
    ("template.components.body.nome", template(named={"nome": "Ana\nMaria"})),
    ("template.components.body.1", template(positional=("a     b",))),
    ("template.components.button", template(quick_replies=tuple("abcdefghijk"))),
    ("template.components.header.image.link", template(header_image="x.png")),
]  # fmt: skip


@pytest.mark.parametrize(("field", "message"), REFUSED, ids=[f"{f}-{n}" for n, (f, _) in enumerate(REFUSED)])
def test_what_meta_would_refuse_is_refused_by_field(field: str, message: Message) -> None:
    with pytest.raises(BadMessage) as refusal:
        content(message)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("to", "field"),
    [
        (Recipient(), "recipient"),
        (Recipient(user_id="5511987654321"), "recipient"),
        (Recipient(phone=""), "to"),
        (Recipient(phone="BR.13491208655302741918"), "to"),
        (Recipient(phone="<number>"), "to"),
    ],
)
def test_a_message_without_an_addressee_is_refused(to: Recipient, field: str) -> None:
    with pytest.raises(BadMessage) as refusal:
        build(Text(body="Olá"), to=to, opaque=None)
    assert refusal.value.field == field


def test_what_is_echoed_has_a_limit() -> None:
    address({}, to=MARIA, opaque="x" * 512)
    with pytest.raises(BadMessage) as refusal:
        address({}, to=MARIA, opaque="x" * 513)
    assert refusal.value.field == "biz_opaque_callback_data"


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("52998224725", "CPF"),
        ("39580525000189", "CNPJ"),
        ("12ABC34501DE35", "CNPJ"),
        ("+5511987654321", "PHONE"),
        ("financeiro@loja.example", "EMAIL"),
        ("123e4567-e89b-12d3-a456-426655440000", "EVP"),
    ],
)
def test_a_pix_key_shows_its_kind(key: str, kind: KeyType) -> None:
    assert key_type_of(key) == kind


@pytest.mark.parametrize("key", ["", "5511987654321", "@", "a@b c", "123e4567"])
def test_what_is_no_pix_key_is_refused(key: str) -> None:
    with pytest.raises(BadMessage):
        key_type_of(key)


@pytest.mark.parametrize(
    ("value", "reads"),
    [
        ("Maria *Souza*", "Maria Souza"),
        ("_~Ana~_ `x`", "Ana x"),
        ("  Ana\n\tMaria  ", "Ana Maria"),
        ("> citação", "citação"),
        ("Ana\u202eairaM", "AnaairaM"),
        ("R$\u00a0349,90", "R$\u00a0349,90"),
        ("João D'Ávila", "João D'Ávila"),
    ],
)
def test_a_value_reads_as_itself(value: str, reads: str) -> None:
    assert plain(value) == reads


@given(st.text(max_size=40))
def test_a_plain_value_fits_into_a_template_or_is_empty(value: str) -> None:
    made = plain(value)
    assert plain(made) == made
    if made and "\0" not in made:
        content(template(named={"valor": made}))
