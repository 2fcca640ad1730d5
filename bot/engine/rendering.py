"""From what a decision says to the very JSON that WhatsApp gets, made once, in the turn, so that a repeat is byte for
byte the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.engine.parts import Parts
from bot.links import pay_token, pay_url, qr_url
from bot.store.conversations import Conversation
from bot.whatsapp import messages
from bot.whatsapp.presses import Press, encode
from bot.whatsapp.templates import filled_from
from flows.effects import Choice, Say
from flows.facts import ChargeFact, Facts
from flows.wording import Written, WrittenChoice, write
from flows.words import WORDS
from payments.boleto import checked_line

_BUTTONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message: Meta's JSON without the addressee, and what of it a transcript shows."""

    body: Mapping[str, Any]
    text: str
    choices: tuple[str, ...] = ()
    picture: bool = False
    link: str | None = None


def render(parts: Parts, conversation: Conversation, facts: Facts, say: Say) -> Rendered:
    """Return the message for `say`. Raises messages.BadMessage where WhatsApp would refuse it."""
    if say.code_charge_no is not None:
        code = _charge(facts, say.code_charge_no).code or ""
        return _rendered(messages.Text(body=code), code)
    if say.boleto_charge_no is not None:
        line = checked_line(_charge(facts, say.boleto_charge_no).boleto_line or "")
        return _rendered(messages.Text(body=line), line)
    written = write(say, parts.texts)
    if say.template is not None and _window_is_closed(facts):
        return _template(parts, conversation, say, written)
    if say.card_charge_no is not None:
        return _card(parts, conversation, _charge(facts, say.card_charge_no), written)
    if say.link_charge_no is not None:
        return _link(parts, conversation, say, written)
    if say.provider_page_charge_no is not None:
        url = _charge(facts, say.provider_page_charge_no).link or ""
        label = parts.texts(WORDS["button_card"])
        return _rendered(messages.LinkButton(body=written.body, label=label, url=url), written.body, link=url)
    if not written.choices:
        return _rendered(messages.Text(body=written.body), written.body)
    picture = _picture(parts, conversation, say)
    presses = [_pressed(parts, conversation, c) for c in written.choices]
    titles = tuple(c.title for c in written.choices)
    if len(presses) <= _BUTTONS and written.list_button is None:
        buttons = tuple(messages.Button(id=press, title=title) for press, title in zip(presses, titles, strict=True))
        message = messages.Buttons(body=written.body, buttons=buttons, header_image=picture, footer=written.footer)
        return _rendered(message, written.body, titles, picture=picture is not None)
    rows = tuple(
        messages.Row(id=press, title=c.title, description=c.detail)
        for press, c in zip(presses, written.choices, strict=True)
    )
    listed = messages.List(
        body=written.body,
        button=written.list_button or "",
        sections=(messages.Section(title=None, rows=rows),),
        footer=written.footer,
    )
    return _rendered(listed, written.body, titles)


def _window_is_closed(facts: Facts) -> bool:
    return facts.window_closes_at is None or facts.now >= facts.window_closes_at


def _template(parts: Parts, conversation: Conversation, say: Say, written: Written) -> Rendered:
    """The approved template that says it; where the company has none of that name, the message as it is (and the sender
    tells that the window is closed)."""
    assert say.template is not None
    template = parts.templates.get(say.template)
    if template is None:
        return _rendered(messages.Text(body=written.body), written.body)
    values = {name: parts.texts.value(key, say.values[key]) for name, key in filled_from(template, say.values)}
    choices = written.choices[: len(template.buttons)]
    payloads = [_pressed(parts, conversation, c) for c in choices]
    text = template.said(values)
    return _rendered(template.message(values, payloads=payloads), text, tuple(c.title for c in choices))


def as_agent(text: str) -> Rendered:
    """Return what an agent wrote, as it was written."""
    return _rendered(messages.Text(body=text), text)


def typing_body(message_id: str) -> Mapping[str, Any]:
    """Return the mark-as-read that also shows "writing…"."""
    return {"message_id": message_id, "typing": True}


def _pressed(parts: Parts, conversation: Conversation, c: Choice | WrittenChoice) -> str:
    press = Press(action=c.action, object_id=c.object_id, version=c.version)
    return encode(press, conversation_id=conversation.id, key=parts.mac_key)


def _link(parts: Parts, conversation: Conversation, say: Say, written: Written) -> Rendered:
    assert say.link_charge_no is not None
    token = pay_token(parts.mac_key, conversation_id=conversation.id, charge_no=say.link_charge_no)
    url = pay_url(parts.settings, token)
    picture = _picture(parts, conversation, say)
    message = messages.LinkButton(
        body=written.body,
        label=parts.texts(WORDS["button_payment_page"]),
        url=url,
        header_image=picture,
        footer=written.footer,
    )
    return _rendered(message, written.body, picture=picture is not None, link=url)


def _card(parts: Parts, conversation: Conversation, charge: ChargeFact, written: Written) -> Rendered:
    """The native card: one message in all, with the code inside."""
    pix = parts.settings.pix
    message = messages.OrderDetails(
        reference_id=f"c{conversation.id}-{charge.no}",
        body=written.body,
        total_cents=charge.amount_cents,
        code=charge.code or "",
        merchant_name=pix.merchant_name,
        key=pix.key,
        key_type=messages.key_type_of(pix.key),
    )
    return _rendered(message, written.body)


def _picture(parts: Parts, conversation: Conversation, say: Say) -> str | None:
    return picture_address(parts, conversation, say.picture_charge_no)


def picture_address(parts: Parts, conversation: Conversation, charge_no: int | None) -> str | None:
    """Return where WhatsApp fetches the QR picture of a charge; None without one."""
    if charge_no is None:
        return None
    return qr_url(parts.settings, pay_token(parts.mac_key, conversation_id=conversation.id, charge_no=charge_no))


def payloads(parts: Parts, conversation: Conversation, choices: Sequence[Choice | WrittenChoice]) -> tuple[str, ...]:
    """Return what each choice sends back when it is pressed."""
    return tuple(_pressed(parts, conversation, choice) for choice in choices)


def _charge(facts: Facts, no: int) -> ChargeFact:
    return next(charge for charge in facts.charges if charge.no == no)


def _rendered(
    message: messages.Message,
    text: str,
    choices: tuple[str, ...] = (),
    *,
    picture: bool = False,
    link: str | None = None,
) -> Rendered:
    return Rendered(body=messages.content(message), text=text, choices=choices, picture=picture, link=link)
