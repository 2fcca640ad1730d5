"""From a message's JSON to its content. Never raises: what has not the form of its type becomes Unsupported.

Source: Meta, "messages webhook reference", one page for each type.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

from bot.whatsapp.contact_points import phone_of, user_id_of
from bot.whatsapp.contents import (
    Contacts,
    Content,
    Edited,
    FlowReply,
    IdentityChanged,
    Location,
    Media,
    NumberChanged,
    Order,
    PaymentMethod,
    Press,
    Reaction,
    Revoked,
    Text,
    Unsupported,
)
from bot.whatsapp.lenient import Table, instant_of, name_of, number_of, rows_of, table_of, text_of, whole_of

_TITLE_CHARACTERS = 512


def content_of(message: Table) -> Content:
    """Return what a message holds; Unsupported where its form is not that of its type."""
    kind = message.get("type")
    read = _READERS.get(kind) if type(kind) is str else None
    content = read(message) if read is not None else None
    return content or _unsupported(message)


def _unsupported(message: Table) -> Unsupported:
    errors = rows_of(message.get("errors"))
    told = name_of(table_of(message.get("unsupported")).get("type"), longest=64)
    return Unsupported(
        type=told or name_of(message.get("type"), longest=64) or "unknown",
        code=whole_of(errors[0].get("code")) if errors else None,
    )


def _text(message: Table) -> Text | None:
    body = text_of(table_of(message.get("text")).get("body"))
    return Text(body=body) if body is not None else None


def _press(payload: object, title: object) -> Press | None:
    named, said = text_of(payload), (text_of(title) or "")[:_TITLE_CHARACTERS]
    return Press(payload=named or "", title=said) if named or said else None


def _button(message: Table) -> Press | None:
    button = table_of(message.get("button"))
    return _press(button.get("payload"), button.get("text"))


def _interactive(message: Table) -> Content | None:
    interactive = table_of(message.get("interactive"))
    match interactive.get("type"):
        case "button_reply" | "list_reply" as kind:
            reply = table_of(interactive.get(kind))
            return _press(reply.get("id"), reply.get("title"))
        case "nfm_reply":
            form = table_of(interactive.get("nfm_reply"))
            response = text_of(form.get("response_json"))
            return FlowReply(name=text_of(form.get("name")), response=response) if response is not None else None
        case "payment_method":
            return _payment_method(table_of(interactive.get("payment_method")))
        case _:
            return None


def _payment_method(chosen: Table) -> PaymentMethod | None:
    method = name_of(chosen.get("payment_method"))
    if method is None:
        return None
    return PaymentMethod(
        method=method,
        reference_id=name_of(chosen.get("reference_id")),
        credential_id=name_of(chosen.get("credential_id")),
        last_four_digits=name_of(chosen.get("last_four_digits"), longest=4),
        at=instant_of(chosen.get("payment_timestamp")),
    )


_FileKind: TypeAlias = Literal["image", "video", "document", "audio", "sticker"]


def _media(kind: _FileKind) -> Callable[[Table], Media | None]:
    def read(message: Table) -> Media | None:
        file = table_of(message.get(kind))
        media_id = name_of(file.get("id"))
        if media_id is None:  # the file was too large (131052)
            return None
        return Media(
            kind="voice" if kind == "audio" and file.get("voice") is True else kind,
            media_id=media_id,
            mime_type=name_of(file.get("mime_type")),
            caption=text_of(file.get("caption")),
            filename=text_of(file.get("filename")),
            sha256=name_of(file.get("sha256")),
            url=name_of(file.get("url"), longest=4096),
        )

    return read


def _location(message: Table) -> Location | None:
    place = table_of(message.get("location"))
    latitude, longitude = number_of(place.get("latitude")), number_of(place.get("longitude"))
    if latitude is None or longitude is None:
        return None
    return Location(
        latitude=latitude, longitude=longitude, name=text_of(place.get("name")), address=text_of(place.get("address"))
    )


def _contacts(message: Table) -> Contacts | None:
    cards = rows_of(message.get("contacts"))
    if not cards:
        return None
    named = [text_of(table_of(card.get("name")).get("formatted_name")) for card in cards]
    written = [phone for card in cards for phone in rows_of(card.get("phones"))]
    phones = [text_of(phone.get("wa_id")) or text_of(phone.get("phone")) for phone in written]
    return Contacts(
        names=tuple(name for name in named if name),
        phones=tuple(phone for phone in phones if phone),
        own_number=any(place.get("origin") == "contact_request" for place in (message, *cards)),
    )


def _reaction(message: Table) -> Reaction:
    reaction = table_of(message.get("reaction"))
    return Reaction(message_id=name_of(reaction.get("message_id")), emoji=text_of(reaction.get("emoji")) or None)


def _order(message: Table) -> Order | None:
    order = table_of(message.get("order"))
    products = rows_of(order.get("product_items"))
    if not products:
        return None
    return Order(
        catalog_id=name_of(order.get("catalog_id")),
        items=len(products),
        text=text_of(order.get("text")) or None,
    )


def _system(message: Table) -> NumberChanged | IdentityChanged | None:
    system = table_of(message.get("system"))
    match system.get("type"):
        case "user_changed_number" | "user_changed_user_id" | "customer_changed_number":
            return NumberChanged(
                wa_id=phone_of(system.get("wa_id")) or phone_of(system.get("new_wa_id")),
                user_id=user_id_of(system.get("user_id")),
            )
        case "customer_identity_changed" | "user_identity_changed":
            identity = table_of(message.get("identity")) or table_of(system.get("identity"))
            return IdentityChanged(key_hash=name_of(identity.get("hash")))
        case _:
            return None


def _edit(message: Table) -> Edited:
    edit = table_of(message.get("edit"))
    new = content_of(table_of(edit.get("message")))
    return Edited(message_id=name_of(edit.get("original_message_id")), content=new)


def _revoke(message: Table) -> Revoked:
    return Revoked(message_id=name_of(table_of(message.get("revoke")).get("original_message_id")))


_READERS: dict[str, Callable[[Table], Content | None]] = {
    "text": _text,
    "button": _button,
    "interactive": _interactive,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
    "edit": _edit,
    "revoke": _revoke,
    **{kind: _media(kind) for kind in get_args(_FileKind)},
}
