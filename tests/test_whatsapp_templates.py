"""templates.yaml: what is in it becomes messages and Meta's forms, and every mistake is told with its line."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.whatsapp.messages import BadMessage, content
from bot.whatsapp.templates import MessageTemplate, read_templates, to_meta
from tests.tables import table

OURS = Path(__file__).parent.parent / "flows" / "templates" / "padrao.yaml"
SAMPLES = Path(__file__).parent / "vectors" / "whatsapp"
QR = "https://pix.example.com/q/8412-1.png"


@pytest.fixture(scope="module")
def templates() -> dict[str, MessageTemplate]:
    found = read_templates(OURS.read_bytes(), name="padrao.yaml")
    assert isinstance(found, dict), found
    return found


def test_the_templates_that_we_bring_are_read(templates: dict[str, MessageTemplate]) -> None:
    assert len(templates) == 15
    first = templates["lembrete_amigavel"]
    assert (first.category, first.language, first.header_image) == ("UTILITY", "pt_BR", False)
    assert first.parameters == ("nome", "descricao", "valor", "quando")
    assert [button.title for button in first.buttons] == ["Pagar agora", "Negociar", "Falar com atendente"]
    assert templates["vence_hoje"].header_image


VALUES = {"nome": "Ana", "descricao": "Mensalidade", "valor": "R$ 349,90", "quando": "hoje", "other": "ignored"}


def test_a_template_becomes_a_message(templates: dict[str, MessageTemplate]) -> None:
    made = content(templates["vence_hoje"].message(VALUES, payloads=("a", "b", "c"), header_image=QR))["template"]
    assert (made["name"], made["language"]) == ("vence_hoje", {"code": "pt_BR"})
    header, body, *buttons = made["components"]
    assert header["parameters"][0]["image"]["link"] == QR
    assert [value["parameter_name"] for value in body["parameters"]] == ["nome", "descricao", "valor", "quando"]
    assert [(button["index"], button["parameters"][0]["payload"]) for button in buttons] == [
        ("0", "a"),
        ("1", "b"),
        ("2", "c"),
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"values": {"nome": "Ana"}}, "template.components.body.descricao"),
        ({"payloads": ("a",)}, "template.components.button"),
        ({"header_image": None}, "template.components.header"),
    ],
)
def test_a_message_that_lacks_something_is_refused(
    templates: dict[str, MessageTemplate], changes: dict[str, Any], field: str
) -> None:
    whole: dict[str, Any] = {"values": VALUES, "payloads": ("a", "b", "c"), "header_image": QR}
    with pytest.raises(BadMessage) as refusal:
        templates["vence_hoje"].message(**{**whole, **changes})
    assert refusal.value.field == field


def test_a_template_without_a_picture_takes_none(templates: dict[str, MessageTemplate]) -> None:
    with pytest.raises(BadMessage):
        templates["proposta"].message(VALUES, payloads=("a", "b", "c"), header_image=QR)


def test_meta_is_asked_with_examples_and_a_short_time_to_live(templates: dict[str, MessageTemplate]) -> None:
    asked = to_meta(templates["lembrete_com_opcoes"], header_handle="4::aW")
    assert json.loads(json.dumps(asked)) == {
        "name": "lembrete_com_opcoes",
        "language": "pt_BR",
        "category": "UTILITY",
        "parameter_format": "named",
        "message_send_ttl_seconds": 43200,
        "components": [
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}},
            {
                "type": "BODY",
                "text": "Olá, {{nome}}! {{descricao}}, de {{valor}}, vence {{quando}}. Como prefere resolver?",
                "example": {
                    "body_text_named_params": [
                        {"param_name": "nome", "example": "Ana"},
                        {"param_name": "descricao", "example": "Mensalidade de novembro"},
                        {"param_name": "valor", "example": "R$ 349,90"},
                        {"param_name": "quando", "example": "segunda-feira, 30/11"},
                    ]
                },
            },
            {
                "type": "BUTTONS",
                "buttons": [
                    {"type": "QUICK_REPLY", "text": "Pagar agora"},
                    {"type": "QUICK_REPLY", "text": "Negociar"},
                    {"type": "QUICK_REPLY", "text": "Falar com atendente"},
                ],
            },
        ],
    }


def test_the_form_has_the_keys_of_metas_own_examples() -> None:
    """Their examples are of kinds that we do not register; the frame is the same."""
    for name in ("tpl-md-create-order-details", "tpl-md-create-payment-request"):
        theirs = json.loads((SAMPLES / f"{name}.json").read_bytes())
        assert {"name", "language", "category", "components"} <= set(theirs)
        assert {component["type"] for component in theirs["components"]} == {"HEADER", "BODY", "FOOTER", "BUTTONS"}


GOOD = """language: pt_BR
templates:
  - name: venceu
    category: UTILITY
    body: "Olá, {{nome}}. Venceu."
    examples: {nome: Ana}
    buttons: [pay]
buttons:
  pay: Pagar agora
"""


def test_a_small_file_is_enough() -> None:
    assert isinstance(read_templates(GOOD.encode(), name="x.yaml"), dict)


@pytest.mark.parametrize(
    *table("""
    was                      | becomes                                | line | says
    language: pt_BR          | language: pt-BR                        | 1    | no language
    name: venceu             | name: Venceu                           | 3    | no template name
    category: UTILITY        | category: COBRANCA                     | 4    | not possible here
    category: UTILITY        | kategory: UTILITY                      | 4    | unknown
    Venceu.                  | {{quando}} venceu.                     | 6    | the parameter quando has no example
    {nome: Ana}              | {nome: Ana, valor: x}                  | 6    | a parameter that the body does not have
    {{nome}}                 | {{nome}} {{nome}}                      | 5    | side by side
    {{nome}}                 | {{nome}} de {{1}}                      | 5    | no parameter
    {{nome}}                 | {{nome}} de {{valor                    | 5    | no parameter
    [pay]                    | [pay, human]                           | 7    | the button has no title
    [pay]                    | [pay, pay]                             | 7    | stands here again
    Pagar agora              | Pagar agora ou depois                  | 9    | has 21 characters
    Pagar agora              | " "                                    | 9    | empty
    Venceu.                  | Venceu. %s                             | 5    | characters
""")
)
def test_each_mistake_is_told_with_its_line(was: str, becomes: str, line: int, says: str) -> None:
    source = GOOD.replace(was, becomes.replace("%s", "x" * 1024))
    assert source != GOOD
    found = read_templates(source.encode(), name="x.yaml")
    assert isinstance(found, tuple)
    assert any(mistake.line == line and says in mistake.reason for mistake in found), found


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    source = GOOD.replace("pt_BR", "x y").replace("UTILITY", "X").replace("[pay]", "[x]")
    found = read_templates(source.encode(), name="x.yaml")
    assert isinstance(found, tuple)
    assert [mistake.line for mistake in found] == [1, 4, 7]


@pytest.mark.parametrize(
    "source", [b"", b"\xff", b"language: pt_BR\ntemplates: []\n", b"templates: 7", b"- a", b"a: [" * 99]
)
def test_a_file_without_a_template_is_a_mistake(source: bytes) -> None:
    found = read_templates(source, name="x.yaml")
    assert isinstance(found, tuple)
    assert found


def test_two_templates_of_one_name_are_a_mistake() -> None:
    entry = GOOD[GOOD.index("  - name") : GOOD.index("buttons:\n")]
    found = read_templates(GOOD.replace(entry, entry * 2).encode(), name="x.yaml")
    assert isinstance(found, tuple)
    assert [mistake.line for mistake in found] == [8]
