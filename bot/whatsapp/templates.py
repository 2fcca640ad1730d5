"""The message templates that the company registers with Meta: templates.yaml as values, or every mistake with its line.

Parameters are named (`{{valor}}`) and found in the body. Whether Meta approved a template is not known here, only what
was asked for. Source of the limits: Meta, "Template components".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from bot.whatsapp.limits import BadMessage, length
from bot.whatsapp.template_checks import mistakes_across, parameters_of
from bot.whatsapp.template_messages import Template
from flows.yaml_lines import Mistake, read_lines
from flows.yaml_values import Part, refusal, validated

_NAME = re.compile(r"[a-z0-9_]{1,512}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?", re.ASCII)
_BODY, _TITLE, _EXAMPLE, _BUTTONS = 1024, 20, 1024, 10
# A phone that is switched on next week must not show an old debt: undelivered reminders are dropped after 12 hours.
_TIME_TO_LIVE_S = 43_200

Category: TypeAlias = Literal["UTILITY", "MARKETING", "AUTHENTICATION"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """A template's button: `key` is our name for what it does, `title` what the person reads."""

    key: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTemplate:
    """One template as the company wrote it. `parameters` in the order of the body, each once."""

    name: str
    language: str
    category: Category
    header_image: bool
    body: str
    parameters: tuple[str, ...]
    examples: Mapping[str, str]
    buttons: tuple[QuickReply, ...]
    link: str | None = None  # the title of its button to the payment page

    def said(self, values: Mapping[str, str]) -> str:
        """Return the body with these values, as the person reads it."""
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda place: values.get(place[1], ""), self.body)

    def message(
        self,
        values: Mapping[str, str],
        *,
        payloads: Sequence[str] = (),
        header_image: str | None = None,
        link_suffix: str | None = None,
    ) -> Template:
        """Return the message with these values, one payload for each button. Raises BadMessage if something lacks."""
        if missing := [name for name in self.parameters if name not in values]:
            raise BadMessage(f"template.components.body.{missing[0]}", f"has no value for {self.name}")
        if len(payloads) != len(self.buttons):
            raise BadMessage(
                "template.components.button", f"{self.name} has {len(self.buttons)} buttons", got=len(payloads)
            )
        if self.header_image != (header_image is not None):
            needs = "needs a picture" if self.header_image else "has no picture"
            raise BadMessage("template.components.header", f"{self.name} {needs}")
        if (self.link is not None) != (link_suffix is not None):
            needs = "needs the payment page" if self.link is not None else "has no button to a page"
            raise BadMessage("template.components.button.url", f"{self.name} {needs}")
        return Template(
            name=self.name,
            language=self.language,
            named={name: values[name] for name in self.parameters},
            header_image=header_image,
            quick_replies=tuple(payloads),
            link_suffix=link_suffix,
        )


# What a template's parameter is called, and which values of a message can fill it, the first that is there.
_FILLED_FROM: Mapping[str, tuple[str, ...]] = {
    "nome": ("first_name",),
    "descricao": ("description",),
    "valor": ("amount_cents", "total_cents"),
    "vencimento": ("due_on",),
    "limite": ("until_on",),
    "original": ("restored_cents", "total_cents"),
}


def filled_from(template: MessageTemplate, values: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the parameters of a template, each with the name of the value that fills it, as far as there are any."""
    found = (
        (name, next((key for key in _FILLED_FROM.get(name, ()) if key in values), None)) for name in template.parameters
    )
    return [(name, key) for name, key in found if key is not None]


def _matching(form: re.Pattern[str], what: str, remedy: str) -> BeforeValidator:
    def check(written: object) -> str:
        if not isinstance(written, str) or not form.fullmatch(written):
            raise refusal(f"this is no {what}", remedy)
        return written

    return BeforeValidator(check)


def _at_most(longest: int, what: str) -> BeforeValidator:
    def check(written: object) -> str:
        if not isinstance(written, str) or not written.strip():
            raise refusal(f"the {what} is empty", "Write it.")
        if length(written) > longest:
            raise refusal(
                f"the {what} has {length(written)} characters", f"WhatsApp takes {longest} at most: shorten it."
            )
        return written

    return BeforeValidator(check)


class _Entry(Part):
    name: Annotated[str, _matching(_NAME, "template name", "Use small letters, digits and underscores.")]
    category: Category
    header: Literal["image"] | None = None
    body: Annotated[str, _at_most(_BODY, "body")]
    examples: dict[str, Annotated[str, _at_most(_EXAMPLE, "example")]] = Field(default_factory=dict)
    buttons: Annotated[tuple[str, ...], Field(max_length=_BUTTONS)] = ()
    link: Annotated[str, _at_most(_TITLE, "title")] | None = None


def _not_empty(entries: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
    if not entries:
        raise refusal("there is no template", "Write one.")
    return entries


class _File(Part):
    language: Annotated[str, _matching(_LANGUAGE, "language", "Write it like pt_BR.")]
    templates: Annotated[tuple[_Entry, ...], AfterValidator(_not_empty)]
    buttons: dict[str, Annotated[str, _at_most(_TITLE, "title")]] = Field(default_factory=dict)


def read_templates(source: bytes, *, name: str) -> Mapping[str, MessageTemplate] | tuple[Mistake, ...]:
    """Return the templates by name, or every mistake in the file in the order of its lines. Never raises.

    `name` is the file's, for the mistakes.
    """
    node, mistakes = read_lines(source, file=name)
    if node is None:
        return mistakes
    file, wrong = validated(_File, node, file=name)
    found = (*mistakes, *wrong, *mistakes_across(node, file=name))
    if found or file is None:
        return tuple(sorted(found, key=lambda mistake: (mistake.line, mistake.column)))
    return {entry.name: _template(entry, file) for entry in file.templates}


def _template(entry: _Entry, file: _File) -> MessageTemplate:
    return MessageTemplate(
        name=entry.name,
        language=file.language,
        category=entry.category,
        header_image=entry.header == "image",
        body=entry.body,
        parameters=parameters_of(entry.body),
        examples=entry.examples,
        buttons=tuple(QuickReply(key=key, title=file.buttons[key]) for key in entry.buttons),
        link=entry.link,
    )


def to_meta(
    template: MessageTemplate, *, header_handle: str | None = None, public_url: str = "https://example.com"
) -> dict[str, Any]:
    """Return the JSON that asks Meta to register a template; `header_handle` is the uploaded example of its picture,
    `public_url` where its button to the payment page leads."""
    components: list[dict[str, Any]] = []
    if template.header_image:
        example = {"example": {"header_handle": [header_handle]}} if header_handle is not None else {}
        components.append({"type": "HEADER", "format": "IMAGE", **example})
    body: dict[str, Any] = {"type": "BODY", "text": template.body}
    if template.parameters:
        named = [{"param_name": name, "example": template.examples[name]} for name in template.parameters]
        body["example"] = {"body_text_named_params": named}
    components.append(body)
    if template.buttons or template.link is not None:
        buttons: list[dict[str, Any]] = [{"type": "QUICK_REPLY", "text": button.title} for button in template.buttons]
        if template.link is not None:
            page = f"{public_url}/pay/"
            buttons.append({"type": "URL", "text": template.link, "url": page + "{{1}}", "example": [page + "exemplo"]})
        components.append({"type": "BUTTONS", "buttons": buttons})
    made: dict[str, Any] = {
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "parameter_format": "named",
        "components": components,
    }
    if template.category == "UTILITY":
        made["message_send_ttl_seconds"] = _TIME_TO_LIVE_S
    return made
