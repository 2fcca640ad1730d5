"""The templates that are registered with the stand-in, and what Meta refuses of a template message because of them.

Source: Meta, "Message templates" and "Template components". A template is looked up by name and language; its
parameters must be those that were registered: as many, named the same, of the same kind.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.graph_errors import refuse
from bot.sandbox.graph_values import at_most, link_of, one_text, table, text_of

_NAME = re.compile(r"[a-z0-9_]{1,512}", re.ASCII)
_PLACE = re.compile(r"\{\{\s*([a-z0-9_]+)\s*\}\}", re.ASCII)
_CATEGORIES = ("UTILITY", "MARKETING", "AUTHENTICATION")
_MEDIA = ("IMAGE", "VIDEO", "DOCUMENT")
_BODY_MAX, _BUTTONS_MAX = 1024, 10
_SUB_TYPES = {"QUICK_REPLY": "quick_reply", "URL": "url", "COPY_CODE": "copy_code", "ORDER_DETAILS": "order_details",
              "PAYMENT_REQUEST": "payment_request"}  # fmt: skip
_UNKNOWN = {"PAUSED": 132015, "DISABLED": 132016}


@dataclass(slots=True, kw_only=True)
class Template:
    """One registered template, in one language."""

    id: str
    name: str
    language: str
    category: str
    parameter_format: str
    components: list[dict[str, Any]]
    status: str = "PENDING"
    quality: str = "UNKNOWN"

    def component(self, kind: str) -> dict[str, Any] | None:
        """The component of a kind, if it has one."""
        return next((c for c in self.components if c["type"] == kind), None)

    def listed(self) -> dict[str, Any]:
        """As the list of templates shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "parameter_format": self.parameter_format,
            "quality_score": {"score": self.quality},
            "components": self.components,
        }


@dataclass(slots=True)
class Templates:
    """All templates of the account."""

    known: dict[tuple[str, str], Template] = field(default_factory=dict)

    def create(self, body: Any) -> Template:
        """Register a template, to be reviewed. Raises Refused."""
        given = table(body, "template")
        name, language = text_of(given, "name", "template"), text_of(given, "language", "template")
        if not _NAME.fullmatch(name):
            raise refuse(100, "name may have lower-case letters, digits and underscores only.")
        if given.get("category") not in _CATEGORIES:
            raise refuse(100, f"category must be one of {', '.join(_CATEGORIES)}.")
        if (name, language) in self.known:
            raise refuse(100, "There is already content in this language for this template.", subcode=2388024)
        components = given.get("components")
        if type(components) is not list:
            raise refuse(131008, "The parameter components is required.")
        format_ = str(given.get("parameter_format", "positional")).upper()
        for component in components:
            _check_component(table(component, "components"), format_)
        if not any(component["type"] == "BODY" for component in components):
            raise refuse(100, "A template needs a BODY.", subcode=2388047)
        made = Template(
            id=str(546151681000000 + len(self.known)),
            name=name,
            language=language,
            category=given["category"],
            parameter_format=format_,
            components=components,
        )
        self.known[name, language] = made
        return made

    def edit(self, template: Template, body: Any) -> None:
        """Replace a template's components; it is reviewed again. Raises Refused."""
        components = table(body, "template").get("components")
        if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
            raise refuse(100, "Only approved, rejected and paused templates can be edited.")
        if type(components) is not list:
            raise refuse(131008, "The parameter components is required.")
        for component in components:
            _check_component(table(component, "components"), template.parameter_format)
        template.components = components

    def check(self, message: dict[str, Any], *, by_user_id: bool) -> Template:
        """Return the template of a message. Raises Refused where it does not fit what was registered."""
        name, language = message["name"], message["language"]["code"]
        template = self.known.get((name, language))
        if template is None or template.status not in ("APPROVED", *_UNKNOWN):
            raise refuse(132001, f"template name ({name}) does not exist in {language}")
        if template.status in _UNKNOWN:
            raise refuse(_UNKNOWN[template.status])
        if by_user_id and template.category == "AUTHENTICATION":
            raise refuse(131062)
        sent = message.get("components", [])
        if type(sent) is not list:
            raise refuse(100, "template['components'] must be a list.")
        _check_header(template, [c for c in sent if c.get("type") == "header"])
        _check_body(template, [c for c in sent if c.get("type") == "body"])
        _check_buttons(template, [c for c in sent if c.get("type") == "button"])
        return template


def filled(template: Template, message: dict[str, Any]) -> str:
    """Return the body's text as the person reads it."""
    body = template.component("BODY")
    bodies = [c for c in message.get("components", []) if c.get("type") == "body"]
    sent = bodies[0].get("parameters", []) if bodies else []
    values = {p.get("parameter_name", str(n)): str(p.get("text", "")) for n, p in enumerate(sent, start=1)}
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), body["text"] if body else "")


def _places(text: str) -> list[str]:
    return list(dict.fromkeys(_PLACE.findall(text)))


def _check_component(component: dict[str, Any], format_: str) -> None:
    match component.get("type"):
        case "BODY":
            _check_template_text(one_text(_BODY_MAX, component.get("text"), "BODY text"), component, format_)
        case "HEADER":
            if component.get("format") == "TEXT":
                one_text(60, component.get("text"), "HEADER text")
            elif component.get("format") not in _MEDIA:
                raise refuse(100, "HEADER format is not supported.", subcode=2388043)
            elif not component.get("example", {}).get("header_handle"):
                raise refuse(100, "A media header needs an example.", subcode=2388043)
        case "FOOTER":
            one_text(60, component.get("text"), "FOOTER text")
        case "BUTTONS":
            buttons = component.get("buttons")
            if type(buttons) is not list or not 1 <= len(buttons) <= _BUTTONS_MAX:
                raise refuse(100, "BUTTONS must have 1 to 10 buttons.")
            for button in buttons:
                if button.get("type") not in (*_SUB_TYPES, "PHONE_NUMBER", "REQUEST_CONTACT_INFO"):
                    raise refuse(100, "A button's type is not supported.")
                at_most(25, button.get("text", ""), "button text")
        case kind:
            raise refuse(100, f"Component type {kind!r} is not supported.")


def _check_template_text(text: str, component: dict[str, Any], format_: str) -> None:
    places = _places(text)
    if text.strip().startswith("{{") or text.strip().endswith("}}"):
        raise refuse(100, "Variables can't be at the start or end of the template.", subcode=2388299)
    if re.search(r"\}\}\s*\{\{", text):
        raise refuse(100, "Variables can't stand side by side.", subcode=2388299)
    examples = component.get("example", {})
    if format_ == "NAMED":
        named = [e.get("param_name") for e in examples.get("body_text_named_params", [])]
        if sorted(named) != sorted(places):
            raise refuse(100, "Each named parameter needs one example.", subcode=2388293)
        return
    counted = [str(n) for n in range(1, len(places) + 1)]
    if places and (places != counted or len(examples.get("body_text", [[]])[0]) != len(places)):
        raise refuse(100, "Positional parameters run from {{1}} and need examples.", subcode=2388293)


def _check_header(template: Template, sent: list[dict[str, Any]]) -> None:
    header = template.component("HEADER")
    parameters = [p for component in sent for p in component.get("parameters", [])]
    expected = 0
    if header is not None:
        expected = len(_places(header["text"])) if header["format"] == "TEXT" else 1
    if len(parameters) != expected and (header is None or header["format"] == "TEXT"):
        raise _count("header", len(parameters), expected)
    if header is not None and header["format"] in _MEDIA:
        wanted = header["format"]
        given = parameters[0].get("type", "unknown").upper() if parameters else "UNKNOWN"
        if given != wanted:
            raise refuse(132012, f"header: Format mismatch, expected {wanted}, received {given}")
        media = table(parameters[0].get(wanted.lower()), "header")
        if "link" in media:
            link_of(media["link"], "header link")
        else:
            text_of(media, "id", "header")


def _check_body(template: Template, sent: list[dict[str, Any]]) -> None:
    body = template.component("BODY")
    places = _places(body["text"]) if body else []
    parameters = [p for component in sent for p in component.get("parameters", [])]
    if len(parameters) != len(places):
        raise _count("body", len(parameters), len(places))
    names = sorted(str(p.get("parameter_name")) for p in parameters)
    if template.parameter_format == "NAMED" and names != sorted(places):
        raise refuse(132000, "body: the names of the parameters are not those of the template")
    for parameter in parameters:
        text = parameter.get("text")
        if parameter.get("type") != "text" or type(text) is not str or not text:
            raise refuse(132012, "body: Format mismatch, expected TEXT")
        if re.search(r"[\n\t]| {5}", text):
            raise refuse(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    if body and len(filled(template, {"components": sent})) > _BODY_MAX:
        raise refuse(132005, "Translated text too long")


def _check_buttons(template: Template, sent: list[dict[str, Any]]) -> None:
    component = template.component("BUTTONS")
    registered = component["buttons"] if component else []
    given: dict[int, dict[str, Any]] = {}
    for button in sent:
        index = button.get("index")
        if not str(index).isdigit() or int(str(index)) >= len(registered):
            raise refuse(132018, "Button index is out of the template's range.")
        given[int(str(index))] = button
    for index, button in enumerate(registered):
        kind = _SUB_TYPES.get(button["type"])
        needs = kind not in (None, "quick_reply") and (kind != "url" or _PLACE.search(button.get("url", "")))
        if index not in given:
            if needs:
                raise refuse(131008, f"buttons: Button at index {index} of type {button['type']} requires a parameter")
        elif given[index].get("sub_type") != kind or not given[index].get("parameters"):
            raise refuse(132018, f"buttons: Button at index {index} is of type {button['type']}")


def _count(where: str, given: int, expected: int) -> Exception:
    expectation = f"does not match the expected number of params ({expected})"
    return refuse(132000, f"{where}: number of localizable_params ({given}) {expectation}")
