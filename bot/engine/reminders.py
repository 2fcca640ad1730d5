"""Reminders into rows: the message with its guards and its reasons, the contact that caps count, the steps that are
over.

A reminder is a template; inside an open window it goes out in the template's very words as an ordinary message where
that costs no more. What must still hold when it is sent stands in its guards (`bot.engine.reminder_guards`).
"""

import json
from collections.abc import Mapping
from typing import Any, assert_never

from bot.engine.parts import Parts
from bot.engine.rendering import Rendered, payloads, picture_address
from bot.engine.rows import Rows, Turn, queue
from bot.links import pay_token, pay_url
from bot.store import notices
from bot.store.ladder import Contacted, StepOver
from bot.whatsapp import messages
from bot.whatsapp.templates import MessageTemplate
from flows.effects import PassSteps, Remind, TellFinance
from flows.reminder_words import reminder_values

_BUTTONS = 3


async def write(conn: Any, parts: Parts, turn: Turn, effect: Remind | PassSteps | TellFinance, rows: Rows) -> None:
    """Turn what the ladder decided into rows."""
    match effect:
        case Remind():
            _remind(parts, turn, effect, rows)
        case PassSteps():
            _pass_steps(turn, effect, rows)
        case TellFinance():
            await _tell_finance(conn, turn, effect)
        case _:
            assert_never(effect)


def _remind(parts: Parts, turn: Turn, effect: Remind, rows: Rows) -> None:
    """Queue the message, and note the contact and its steps."""
    known = turn.facts.ladder
    assert known is not None  # decided by the ladder
    rendered = _rendered(parts, turn, effect)
    why = {
        **json.loads(turn.decision),
        "ladder": known.ladder.digest,
        "track": effect.track,
        "steps": [
            {"debt": item.debt_id, "n": item.n, "day": item.day, "due": item.due_on.isoformat()}
            for item in effect.items
        ],
        "free_form": effect.free_form,
    }
    key = queue(
        turn,
        rows,
        kind="message",
        purpose=effect.purpose,
        body=rendered.body,
        guards=_guards(turn, effect),
        decision=json.dumps(why, separators=(",", ":")),
    )
    if effect.media_kind is not None and effect.media_link is not None and effect.free_form:
        # Beside the words, and only where ordinary messages may go: a template cannot bring it.
        body = messages.content(messages.Media(kind=effect.media_kind, link=effect.media_link))
        queue(turn, rows, kind="message", purpose=effect.purpose, body=body, guards=_guards(turn, effect))
    rows.contacts.append(
        Contacted(
            conversation_id=turn.conversation.id,
            customer_id=effect.customer_id,
            decision_key=key,
            at=turn.facts.now,
            on=turn.facts.now.astimezone(known.ladder.timezone).date(),
            purpose=effect.purpose,
            template=effect.template,
            ladder_digest=known.ladder.digest,
            track=effect.track,
        )
    )
    outcome = "said" if effect.purpose == "reminder" else "asked"
    rows.steps += [
        StepOver(item=item, ladder=known.ladder.name, outcome=outcome, at=turn.facts.now, decision_key=key)
        for item in effect.items
    ]
    rows.note(
        turn,
        "said",
        {
            "text": rendered.text,
            "choices": list(rendered.choices),
            "picture": rendered.picture,
            "link": rendered.link,
            "purpose": effect.purpose,
            "template": effect.template,
            "day": max(item.day for item in effect.items),
        },
        key=key,
    )


def _pass_steps(turn: Turn, effect: PassSteps, rows: Rows) -> None:
    """Note steps that are over though nothing is said."""
    known = turn.facts.ladder
    assert known is not None  # decided by the ladder
    rows.steps += [
        StepOver(
            item=item,
            ladder=known.ladder.name,
            outcome="ticket" if effect.tickets else "passed",
            reason=effect.because,
            is_ticket=effect.tickets,
            at=turn.facts.now,
        )
        for item in effect.items
    ]
    rows.note(turn, "passed", {"because": effect.because, "debts": [item.debt_id for item in effect.items]})


def _guards(turn: Turn, effect: Remind) -> Mapping[str, Any]:
    """What must still be so when it goes out."""
    guards: dict[str, Any] = {"until": effect.until.isoformat(), "template": effect.template, "of": effect.customer_id}
    if turn.conversation.customer_id is not None:
        guards["customer_id"] = turn.conversation.customer_id
    if effect.purpose == "reminder":
        guards["debts"] = [[item.debt_id, item.n, item.open_cents] for item in effect.items]
    if effect.picture_charge_no is not None or effect.link_charge_no is not None:
        guards["charge_no"] = effect.picture_charge_no or effect.link_charge_no
    return guards


def _rendered(parts: Parts, turn: Turn, effect: Remind) -> Rendered:
    template = parts.templates[effect.template]
    values = reminder_values(effect, turn.facts, parts.texts)
    text = template.said(values)
    titles = tuple(button.title for button in template.buttons)
    presses = payloads(parts, turn.conversation, effect.choices)
    picture = picture_address(parts, turn.conversation, effect.picture_charge_no)
    link = _link(parts, turn, effect)
    message: messages.Message
    if effect.free_form and link is not None:
        message = messages.LinkButton(body=text, label=template.link or "", url=link, header_image=picture)
        titles = ()
    elif effect.free_form:
        message = _free_form(template, text, presses, picture)
    else:
        suffix = _token(parts, turn, effect)
        message = template.message(values, payloads=presses, header_image=picture, link_suffix=suffix)
    return Rendered(
        body=messages.content(message),
        text=text,
        choices=titles,
        picture=picture is not None,
        link=link,
    )


def _free_form(template: MessageTemplate, text: str, presses: tuple[str, ...], picture: str | None) -> messages.Message:
    buttons = tuple(
        messages.Button(id=press, title=button.title) for press, button in zip(presses, template.buttons, strict=True)
    )
    if not buttons:
        return messages.Image(link=picture, caption=text) if picture is not None else messages.Text(body=text)
    return messages.Buttons(body=text, buttons=buttons[:_BUTTONS], header_image=picture)


def _token(parts: Parts, turn: Turn, effect: Remind) -> str | None:
    if effect.link_charge_no is None:
        return None
    return pay_token(parts.mac_key, conversation_id=turn.conversation.id, charge_no=effect.link_charge_no)


def _link(parts: Parts, turn: Turn, effect: Remind) -> str | None:
    token = _token(parts, turn, effect)
    return pay_url(parts.settings, token) if token is not None else None


async def _tell_finance(conn: Any, turn: Turn, effect: TellFinance) -> None:
    """A line for finance, once."""
    await notices.tell(
        conn,
        key=f"{effect.kind}:{effect.debt_id}",
        kind=effect.kind,
        subject=next((d.external_id for d in turn.facts.ladder.debts if d.id == effect.debt_id), str(effect.debt_id))
        if turn.facts.ladder is not None
        else str(effect.debt_id),
        queue="financeiro",
        now=turn.facts.now,
    )
