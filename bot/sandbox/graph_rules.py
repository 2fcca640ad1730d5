"""What Meta refuses of a message by its form alone: keys, lengths, counts, links.

Source: Meta, Cloud API, "Messages" and the page of each message type; "Orders" and "Off-site Pix" for Brazil. Lengths
are counted in UTF-16 units, the strictest reading of "characters". Templates are judged by what was registered: see
`graph_templates`.
"""

import re
from collections.abc import Callable, Collection
from typing import Any

from bot.sandbox.graph_errors import refuse
from bot.sandbox.graph_orders import check_order_details, check_order_status
from bot.sandbox.graph_values import at_most, link_of, one_text, table, text_of

_USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}", re.ASCII)
_KEYS = {"messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data"}
_MEDIA_KEYS = {
    "image": {"id", "link", "caption"},
    "video": {"id", "link", "caption"},
    "document": {"id", "link", "caption", "filename"},
    "audio": {"id", "link", "voice"},
    "sticker": {"id", "link"},
}
_ROWS, _SECTIONS, _BUTTONS = 10, 10, 3


def check_message(body: Any) -> None:
    """Raise Refused for the first thing in a message's body that Meta would not take."""
    if type(body) is not dict or body.get("messaging_product") != "whatsapp":
        raise refuse(100, "The parameter messaging_product is required and must be whatsapp.")
    _check_addressee(body)
    kind = body.get("type", "text")
    check = _KINDS.get(kind) if type(kind) is str else None
    if check is None:
        raise refuse(100, f"Param type must be one of {{{', '.join(sorted(_KINDS)).upper()}}} - got {kind!r}.")
    if kind not in body:
        raise refuse(131008, f"Parameter of type {kind} is required.")
    no_other_keys(body, _KEYS | {kind}, "")
    if "context" in body:
        text_of(table(body["context"], "context"), "message_id", "context")
    if "biz_opaque_callback_data" in body:
        at_most(512, body["biz_opaque_callback_data"], "biz_opaque_callback_data")
    check(table(body[kind], kind), kind)


def no_other_keys(given: dict[str, Any], known: Collection[str], where: str) -> None:
    """Meta refuses what it does not know."""
    for key in given:
        if key not in known:
            raise refuse(100, f'Unexpected key "{key}" on param "{where or key}".')


def _check_addressee(body: dict[str, Any]) -> None:
    if body.get("recipient_type", "individual") != "individual":
        raise refuse(100, "Param recipient_type must be one of {INDIVIDUAL}.")
    if "to" in body:
        if type(body["to"]) is not str or not re.search(r"\d{5}", re.sub(r"[ ()\-+]", "", body["to"])):
            raise refuse(100, "The parameter to is not a phone number.")
    elif "recipient" not in body:
        raise refuse(100, "The parameter to is required.")
    elif type(body["recipient"]) is not str or not _USER_ID.fullmatch(body["recipient"]):
        raise refuse(131009, "recipient is not a business-scoped user id.")


def _check_text(text: dict[str, Any], where: str) -> None:
    no_other_keys(text, {"body", "preview_url"}, where)
    one_text(4096, text.get("body"), "text['body']")
    if type(text.get("preview_url", False)) is not bool:
        raise refuse(100, "Param text['preview_url'] must be a boolean.")


def _check_media(media: dict[str, Any], where: str) -> None:
    no_other_keys(media, _MEDIA_KEYS[where], where)
    if ("id" in media) == ("link" in media):
        raise refuse(100, f"The parameter {where} must have one of id and link.")
    if "link" in media:
        link_of(media["link"], f"{where}['link']")
    if "caption" in media:
        at_most(1024, media["caption"], f"{where}['caption']")
    if "filename" in media:
        one_text(240, media["filename"], f"{where}['filename']")


def _check_reaction(reaction: dict[str, Any], where: str) -> None:
    text_of(reaction, "message_id", where)
    if type(reaction.get("emoji")) is not str:
        raise refuse(131008, "reaction['emoji'] is required; empty to remove.")


def _check_interactive(interactive: dict[str, Any], where: str) -> None:
    no_other_keys(interactive, {"type", "header", "body", "footer", "action"}, where)
    kind = interactive.get("type")
    check = _INTERACTIVE.get(kind) if type(kind) is str else None
    if check is None:
        raise refuse(131009, f"interactive['type'] is not one of {', '.join(sorted(_INTERACTIVE))}.")
    body = table(interactive.get("body"), "interactive['body']")
    one_text(4096 if kind == "list" else 1024, body.get("text"), "interactive['body']['text']")
    if "footer" in interactive:
        one_text(60, table(interactive["footer"], "footer").get("text"), "interactive['footer']['text']")
    if "header" in interactive:
        _check_header(table(interactive["header"], "header"), text_only=kind == "list")
    check(table(interactive.get("action"), "interactive['action']"), interactive)


def _check_header(header: dict[str, Any], *, text_only: bool) -> None:
    kind = header.get("type")
    if kind == "text":
        one_text(60, header.get("text"), "interactive['header']['text']")
    elif kind in ("image", "video", "document") and not text_only:
        _check_media(table(header.get(kind), f"header['{kind}']"), kind)
    else:
        raise refuse(131009, f"Header type {kind!r} is not allowed here.")


def _check_buttons(action: dict[str, Any], interactive: dict[str, Any]) -> None:
    buttons = action.get("buttons")
    if type(buttons) is not list or not 1 <= len(buttons) <= _BUTTONS:
        raise refuse(131009, f"Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: {_BUTTONS}")
    replies = []
    for index, button in enumerate(buttons):
        where = f"interactive['action']['buttons'][{index}]"
        if table(button, where).get("type") != "reply":
            raise refuse(100, f"Param {where}['type'] must be one of {{REPLY}}.")
        reply = table(button.get("reply"), f"{where}['reply']")
        if not at_most(20, reply.get("title"), f"{where}['reply']['title']").strip():
            raise refuse(131009, "Button title length invalid. Min length: 1, Max length: 20")
        one_text(256, reply.get("id"), f"{where}['reply']['id']")
        replies.append(reply)
    _check_unique([r["id"] for r in replies], "Duplicated button id")
    _check_unique([r["title"].strip() for r in replies], "Duplicated button title")


def _check_list(action: dict[str, Any], interactive: dict[str, Any]) -> None:
    one_text(20, action.get("button"), "interactive['action']['button']")
    sections = action.get("sections")
    if type(sections) is not list or not 1 <= len(sections) <= _SECTIONS:
        raise refuse(131009, f"Invalid sections count. Min allowed: 1, Max allowed: {_SECTIONS}")
    rows: list[dict[str, Any]] = []
    for index, section in enumerate(sections):
        where = f"interactive['action']['sections'][{index}]"
        if len(sections) > 1 or "title" in table(section, where):
            one_text(24, section.get("title"), f"{where}['title']")
        rows += [table(row, f"{where}['rows']") for row in section.get("rows") or []]
    if not 1 <= len(rows) <= _ROWS:
        raise refuse(131009, f"Total row count exceed max allowed count: {_ROWS}")
    for row in rows:
        one_text(24, row.get("title"), "row['title']")
        one_text(200, row.get("id"), "row['id']")
        if "description" in row:
            one_text(72, row["description"], "row['description']")
    _check_unique([row["id"] for row in rows], "Duplicated row id")


def _check_unique(values: list[str], complaint: str) -> None:
    if len(set(values)) != len(values):
        raise refuse(131009, complaint)


def _check_cta_url(action: dict[str, Any], interactive: dict[str, Any]) -> None:
    if action.get("name") != "cta_url":
        raise refuse(131009, "interactive['action']['name'] must be cta_url.")
    parameters = table(action.get("parameters"), "interactive['action']['parameters']")
    one_text(20, parameters.get("display_text"), "parameters['display_text']")
    link_of(parameters.get("url"), "parameters['url']")


def _check_order(action: dict[str, Any], interactive: dict[str, Any]) -> None:
    check_order_details(action, has_header="header" in interactive)


def _check_order_status(action: dict[str, Any], interactive: dict[str, Any]) -> None:
    check_order_status(action)


def _check_location_request(action: dict[str, Any], interactive: dict[str, Any]) -> None:
    if action.get("name") != "send_location":
        raise refuse(131009, "interactive['action']['name'] must be send_location.")


def _check_template_form(template: dict[str, Any], where: str) -> None:
    no_other_keys(template, {"name", "language", "components"}, where)
    text_of(template, "name", where)
    language = table(template.get("language"), "template['language']")
    no_other_keys(language, {"code", "policy"}, "template['language']")
    text_of(language, "code", "template['language']")


_INTERACTIVE: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "button": _check_buttons,
    "list": _check_list,
    "cta_url": _check_cta_url,
    "location_request_message": _check_location_request,
    "order_details": _check_order,
    "order_status": _check_order_status,
}
_KINDS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "text": _check_text,
    "reaction": _check_reaction,
    "interactive": _check_interactive,
    "template": _check_template_form,
    **dict.fromkeys(_MEDIA_KEYS, _check_media),
}
