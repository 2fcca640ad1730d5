"""What a phone makes of a message: Meta's JSON in, what a person sees and can touch out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.sandbox.chats import Bubble
from bot.sandbox.graph_templates import Template, filled

MEDIA = ("image", "video", "document", "audio", "sticker")
_PIX = "000201"  # how every Pix code begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something that can be pressed. `kind` says how the press is told to the business."""

    id: str
    title: str
    kind: Literal["button_reply", "list_reply", "button"]
    detail: str | None = None
    section: str | None = None


def choices(bubble: Bubble, template: Template | None = None) -> tuple[Choice, ...]:
    """Return what can be pressed on a message, in its order."""
    if bubble.mine:
        return ()
    if bubble.kind == "template" and template is not None:
        return _quick_replies(bubble.body, template)
    if bubble.kind != "interactive":
        return ()
    action = bubble.body["interactive"]["action"]
    if "buttons" in action:
        replies = [button["reply"] for button in action["buttons"]]
        return tuple(Choice(id=reply["id"], title=reply["title"], kind="button_reply") for reply in replies)
    return tuple(
        Choice(
            id=row["id"],
            title=row["title"],
            detail=row.get("description"),
            section=section.get("title"),
            kind="list_reply",
        )
        for section in action.get("sections", [])
        for row in section["rows"]
    )


def text(bubble: Bubble) -> str:
    """Return the words of a message, without its buttons."""
    body = bubble.body
    if bubble.kind == "text":
        return str(body["text"]["body"])
    if bubble.kind == "interactive" and not bubble.mine:
        return str(body["interactive"]["body"]["text"])
    if bubble.kind == "interactive":
        kind = body["interactive"]["type"]
        return str(body["interactive"][kind]["title"])
    if bubble.kind == "button":
        return str(body["button"]["text"])
    if bubble.kind in MEDIA:
        return str(body[bubble.kind].get("caption", ""))
    return bubble.text


def picture(bubble: Bubble, media: str = "image") -> str | None:
    """Return the address of the picture on top of a message, where it has one."""
    body = bubble.body
    if bubble.kind == media:
        return str(body[media].get("link") or "") or None
    if bubble.kind == "interactive" and not bubble.mine:
        return str(body["interactive"].get("header", {}).get(media, {}).get("link") or "") or None
    if bubble.kind == "template":
        for component in body["template"].get("components", []):
            if component.get("type") == "header":
                return str(component["parameters"][0].get(media, {}).get("link") or "") or None
    return None


def document(bubble: Bubble) -> dict[str, str] | None:
    """Return the file that the business sent by its address, and under which name."""
    if bubble.mine or bubble.kind != "document" or "link" not in bubble.body["document"]:
        return None
    sent = bubble.body["document"]
    return {"url": str(sent["link"]), "name": str(sent.get("filename") or "")}


def pix_code(bubble: Bubble) -> str | None:
    """Return the Pix code that a message carries: as a text of its own, or inside a card."""
    if bubble.kind == "text" and text(bubble).startswith(_PIX) and not bubble.mine:
        return text(bubble)
    card = _card(bubble)
    for setting in card["payment_settings"] if card else []:
        if setting["type"] == "pix_dynamic_code":
            return str(setting["pix_dynamic_code"]["code"])
    return None


def view(bubble: Bubble, template: Template | None, orders: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return all that a phone's page needs to draw a message."""
    interactive = bubble.body.get("interactive", {}) if not bubble.mine else {}
    link = interactive["action"]["parameters"] if interactive.get("type") == "cta_url" else None
    card = _card(bubble)
    return {
        "id": bubble.wamid,
        "mine": bubble.mine,
        "at": bubble.at.isoformat(),
        "revision": bubble.revision,
        "kind": bubble.kind,
        "text": text(bubble),
        "header": interactive.get("header", {}).get("text"),
        "footer": interactive.get("footer", {}).get("text"),
        "picture": picture(bubble),
        "document": document(bubble),
        "choices": [_plain(choice) for choice in choices(bubble, template)],
        "list_button": interactive["action"].get("button") if interactive.get("type") == "list" else None,
        "link": {"title": link["display_text"], "url": link["url"]} if link else None,
        "card": _shown_card(card, orders) if card else None,
        "order": _shown_order(interactive) if interactive.get("type") == "order_status" else None,
        "code": pix_code(bubble),
        "ticks": bubble.status,
        "failed": bubble.failed,
        "pressed": bubble.pressed,
    }


def _plain(choice: Choice) -> dict[str, Any]:
    return {"id": choice.id, "title": choice.title, "detail": choice.detail, "section": choice.section}


def _quick_replies(body: Mapping[str, Any], template: Template) -> tuple[Choice, ...]:
    buttons = (template.component("BUTTONS") or {"buttons": []})["buttons"]
    payloads = {
        int(c["index"]): str(c["parameters"][0].get("payload", ""))
        for c in body["template"].get("components", [])
        if c.get("type") == "button" and c.get("sub_type") == "quick_reply"
    }
    # A quick reply that was sent without a payload returns its label.
    return tuple(
        Choice(id=payloads.get(index) or button["text"], title=button["text"], kind="button")
        for index, button in enumerate(buttons)
        if button["type"] == "QUICK_REPLY"
    )


def words_of(template: Template, body: Mapping[str, Any]) -> str:
    """Return a template message's words with its values in place."""
    return filled(template, dict(body["template"]))


def _card(bubble: Bubble) -> Mapping[str, Any] | None:
    interactive = bubble.body.get("interactive", {}) if not bubble.mine else {}
    return interactive["action"]["parameters"] if interactive.get("type") == "order_details" else None


def _shown_card(card: Mapping[str, Any], orders: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    order = card.get("order", {})
    state = orders.get(card["reference_id"], {})
    return {
        "reference": card["reference_id"],
        "total_cents": card["total_amount"]["value"],
        "items": [
            {"name": item["name"], "cents": item["quantity"] * item.get("sale_amount", item["amount"])["value"]}
            for item in order.get("items", [])
        ],
        "discount_cents": order.get("discount", {}).get("value", 0),
        "paid": state.get("payment") == "captured",
        "canceled": state.get("order") == "canceled",
    }


def _shown_order(interactive: Mapping[str, Any]) -> dict[str, Any]:
    given = interactive["action"]["parameters"]
    return {
        "reference": given["reference_id"],
        "status": given.get("order", {}).get("status"),
        "paid": given.get("payment", {}).get("status") == "captured",
        "description": given.get("order", {}).get("description"),
    }
