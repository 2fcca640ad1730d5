"""Messages that can be pressed: reply buttons, lists, and a button that opens a page."""

from dataclasses import dataclass
from typing import Any, assert_never

from bot.whatsapp import limits
from bot.whatsapp.limits import BadMessage

_BODY, _FOOTER, _HEADER_TEXT = 1024, 60, 60
_BUTTONS, _BUTTON_TITLE, _BUTTON_ID = 3, 20, 256
_SECTIONS, _ROWS, _SECTION_TITLE, _ROW_ID, _ROW_TITLE, _ROW_DESCRIPTION = 10, 10, 24, 200, 24, 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A reply button: the identifier comes back when it is pressed (see `bot.whatsapp.presses`)."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Buttons:
    """A text with one to three reply buttons, under a picture or a title if there is one."""

    body: str
    buttons: tuple[Button, ...]
    header_image: str | None = None  # an address
    header_text: str | None = None
    footer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a list."""

    id: str
    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Some lines of a list under a title, which may be missing where there is only one section."""

    rows: tuple[Row, ...]
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """A text with a button that opens a list of up to ten lines in all."""

    body: str
    button: str
    sections: tuple[Section, ...]
    header_text: str | None = None
    footer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkButton:
    """A text with a button that opens a page."""

    body: str
    label: str
    url: str
    header_image: str | None = None  # an address
    header_text: str | None = None
    footer: str | None = None


def interactive(message: Buttons | List | LinkButton) -> dict[str, Any]:
    """Return the value of the JSON's `interactive`. Raises BadMessage."""
    match message:
        case Buttons():
            made = frame("button", message.body, message.footer, text=message.header_text, image=message.header_image)
            return {**made, "action": {"buttons": _buttons(message.buttons)}}
        case List():
            made = frame("list", message.body, message.footer, text=message.header_text)
            opener = limits.text("interactive.action.button", message.button, _BUTTON_TITLE)
            return {**made, "action": {"button": opener, "sections": _sections(message.sections)}}
        case LinkButton():
            made = frame("cta_url", message.body, message.footer, text=message.header_text, image=message.header_image)
            parameters = "interactive.action.parameters"
            label = limits.text(f"{parameters}.display_text", message.label, _BUTTON_TITLE)
            url = limits.address(f"{parameters}.url", message.url)
            return {**made, "action": {"name": "cta_url", "parameters": {"display_text": label, "url": url}}}
        case _:
            assert_never(message)


def frame(
    kind: str, body: str, footer: str | None, *, text: str | None = None, image: str | None = None
) -> dict[str, Any]:
    """Return what all of them have in common: type, header, body, footer. Raises BadMessage."""
    made: dict[str, Any] = {"type": kind}
    if text is not None and image is not None:
        raise BadMessage("interactive.header", "is either a text or an image")
    if text is not None:
        made["header"] = {"type": "text", "text": limits.text("interactive.header.text", text, _HEADER_TEXT)}
    if image is not None:
        made["header"] = {"type": "image", "image": {"link": limits.address("interactive.header.image.link", image)}}
    made["body"] = {"text": limits.text("interactive.body.text", body, _BODY)}
    if footer is not None:
        made["footer"] = {"text": limits.text("interactive.footer.text", footer, _FOOTER)}
    return made


def _buttons(buttons: tuple[Button, ...]) -> list[dict[str, Any]]:
    field = "interactive.action.buttons"
    limits.count(field, len(buttons), lowest=1, highest=_BUTTONS)
    limits.unique(f"{field}.reply.id", [button.id for button in buttons])
    limits.unique(f"{field}.reply.title", [button.title for button in buttons])
    made: list[dict[str, Any]] = []
    for n, button in enumerate(buttons):
        reply = {
            "id": limits.text(f"{field}[{n}].reply.id", button.id, _BUTTON_ID),
            "title": limits.text(f"{field}[{n}].reply.title", button.title, _BUTTON_TITLE),
        }
        made.append({"type": "reply", "reply": reply})
    return made


def _sections(sections: tuple[Section, ...]) -> list[dict[str, Any]]:
    field = "interactive.action.sections"
    limits.count(field, len(sections), lowest=1, highest=_SECTIONS)
    rows = [row for section in sections for row in section.rows]
    limits.count(f"{field}.rows", len(rows), lowest=1, highest=_ROWS)  # ten in all, not in each
    limits.unique(f"{field}.rows.id", [row.id for row in rows])
    made: list[dict[str, Any]] = []
    for n, section in enumerate(sections):
        here = f"{field}[{n}]"
        limits.count(f"{here}.rows", len(section.rows), lowest=1, highest=_ROWS)
        one: dict[str, Any] = {"rows": [_row(f"{here}.rows[{m}]", row) for m, row in enumerate(section.rows)]}
        if section.title is not None:
            one["title"] = limits.text(f"{here}.title", section.title, _SECTION_TITLE)
        elif len(sections) > 1:
            raise BadMessage(f"{here}.title", "is missing; of several sections each needs one")
        made.append(one)
    return made


def _row(field: str, row: Row) -> dict[str, str]:
    made = {
        "id": limits.text(f"{field}.id", row.id, _ROW_ID),
        "title": limits.text(f"{field}.title", row.title, _ROW_TITLE),
    }
    if row.description is not None:
        made["description"] = limits.text(f"{field}.description", row.description, _ROW_DESCRIPTION)
    return made
