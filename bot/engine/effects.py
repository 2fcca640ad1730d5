"""Effects into rows: one small writer for each effect, collected over a batch of turns and written set-wise.

Nothing is decided here and nothing is sent: a message becomes an outbox row, a charge becomes a charge row and an
outbox row, and so on, all in the turn's transaction. Keys are the decision's own (`t<inbox id>.<n>`), so the same turn
twice writes once.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never

from bot.engine import papers, reminders
from bot.engine.events import to_raw
from bot.engine.parts import Parts
from bot.engine.rendering import Rendered, as_agent, render, typing_body
from bot.engine.rows import Rows, Turn, queue
from bot.store import agreement_end, agreements, charges, debt_statement, exceptions, returns, tickets_open, timers
from bot.store.paper_drafts import NotMade
from bot.whatsapp.messages import content
from flows import effects, statement
from flows.costs import NO_LATE_CHARGES
from flows.effects import Effect, Say
from flows.events import TimerFired
from flows.negotiation import terms_of
from payments.settlement import BY_LAW


async def write(conn: Any, parts: Parts, turn: Turn, effect: Effect, rows: Rows) -> None:
    """Turn one effect into rows."""
    c, now = turn.conversation, turn.facts.now
    match effect:
        case Say():
            await _say(parts, turn, effect, rows)
        case effects.SayAsAgent():
            _message(turn, rows, as_agent(effect.text), purpose="agent", guards={})
            rows.note(
                turn, "agent_said", {"text": effect.text, "agent": effect.agent_name}, key=rows.outbox[-1].decision_key
            )
        case effects.Typing():
            queue(turn, rows, kind="typing", purpose="reply", body=typing_body(effect.message_id))
        case effects.Identify():
            c.customer_id, c.confirmed_at, c.wrong_answers = effect.customer_id, now, 0
            rows.note(turn, "identified", {"customer_id": effect.customer_id})
        case effects.CountWrongAnswer():
            c.wrong_answers, c.wrong_on = effect.tries, turn.facts.today
            rows.note(turn, "wrong_answer", {"tries": effect.tries})
        case effects.ForgetIdentity():
            c.customer_id, c.confirmed_at = None, None
            rows.note(turn, "identity_forgotten", {})
        case effects.CloseContact():
            c.contact_closed_at, c.customer_id, c.confirmed_at = now, None, None
            rows.note(turn, "contact_closed", {})
        case effects.OptOut():
            await _opt(conn, turn, now)
            rows.note(turn, "opted_out", {})
        case effects.OptIn():
            await _opt(conn, turn, None)
            rows.note(turn, "opted_in", {})
        case effects.SealOffer():
            await _seal(conn, turn, effect, rows)
        case effects.UseException():
            await _use(conn, turn, effect, rows)
        case effects.Agree():
            await _agree(conn, parts, turn, effect, rows)
        case effects.EndAgreement():
            await _end_agreement(conn, parts, turn, effect.debt_id, effect.because, rows)
        case effects.MoveInstalment():
            await _move(conn, turn, effect, rows)
        case effects.Promise():
            await agreements.promise(
                conn, debt_id=effect.debt_id, customer_id=_customer(turn), until=effect.until, now=now
            )
            rows.note(turn, "promised", {"debt_id": effect.debt_id, "until": effect.until.isoformat()})
        case effects.Charge():
            await _charge(conn, parts, turn, effect, rows)
        case effects.CancelCharge():
            await _cancel(conn, turn, effect.charge_no, rows)
        case effects.Book():
            await _book(conn, turn, effect, rows)
        case effects.BookReturn():
            await _book_return(conn, turn, effect, rows)
        case effects.SendPaper():
            await _paper(conn, parts, turn, effect, rows)
        case effects.TellStatement():
            await _statement(conn, parts, turn, effect, rows)
        case effects.OpenTicket():
            await _open_ticket(conn, turn, effect, rows)
        case effects.Note():
            rows.note(turn, "note", {"text": parts.texts.filled(effect.wording, effect.values)})
        case effects.SetTimer():
            _set_timer(turn, effect, rows)
        case effects.Remind() | effects.PassSteps() | effects.TellFinance():
            await reminders.write(conn, parts, turn, effect, rows)
        case effects.ClearTimer():
            rows.timers_cleared.append(_timer_key(c.id, effect.name, effect.subject))
        case _:
            assert_never(effect)


def _timer_key(conversation_id: int, name: str, subject: int) -> str:
    return f"{name}:{conversation_id}:{subject}"


def _customer(turn: Turn) -> int:
    assert turn.conversation.customer_id is not None  # money is decided for a confirmed customer only
    return turn.conversation.customer_id


def _message(turn: Turn, rows: Rows, rendered: Rendered, *, purpose: str, guards: Mapping[str, Any]) -> str:
    return queue(turn, rows, kind="message", purpose=purpose, body=rendered.body, guards=guards)


async def _say(parts: Parts, turn: Turn, say: Say, rows: Rows) -> None:
    """One message. Its guards say what must still be so when it goes out: the same confirmed person, the charge
    alive."""
    rendered = render(parts, turn.conversation, turn.facts, say)
    guards: dict[str, Any] = {}
    if turn.conversation.customer_id is not None:
        guards["customer_id"] = turn.conversation.customer_id
    shown = (
        say.picture_charge_no or say.link_charge_no or say.code_charge_no or say.card_charge_no
        or say.boleto_charge_no or say.provider_page_charge_no
    )  # fmt: skip
    if shown is not None:
        guards["charge_no"] = shown
    if say.purpose == "reminder" and say.template is not None:
        guards["active"] = True  # nobody asked: it counts for the ladder's caps
    key = _message(turn, rows, rendered, purpose=say.purpose, guards=guards)
    rows.note(
        turn,
        "said",
        {
            "text": rendered.text,
            "choices": list(rendered.choices),
            "picture": rendered.picture,
            "link": rendered.link,
            "purpose": say.purpose,
            "wording": say.wording,
        },
        key=key,
    )


async def _agree(conn: Any, parts: Parts, turn: Turn, effect: effects.Agree, rows: Rows) -> None:
    if effect.renegotiated:
        await _end_agreement(conn, parts, turn, effect.debt_id, "renegotiated", rows)
    total_cents = await agreements.agree(
        conn,
        conversation_id=turn.conversation.id,
        customer_id=_customer(turn),
        offer_no=effect.offer_no,
        debt_id=effect.debt_id,
        message_id=effect.message_id,
        now=turn.facts.now,
    )
    proof = {"offer_no": effect.offer_no, "debt_id": effect.debt_id, "total_cents": total_cents}
    rows.note(turn, "agreed", {**proof, "message_id": effect.message_id})


async def _end_agreement(conn: Any, parts: Parts, turn: Turn, debt_id: int, because: str, rows: Rows) -> None:
    policy = turn.facts.policy
    after, taken_back = await agreement_end.end(
        conn,
        debt_id=debt_id,
        customer_id=_customer(turn),
        because=because,
        terms=policy.policy.terms if policy is not None else NO_LATE_CHARGES,
        order=policy.policy.allocation.order if policy is not None else BY_LAW,
        zone=parts.settings.timezone,
        now=turn.facts.now,
    )
    _take_back(turn, taken_back, rows)
    open_cents = after.debt.open_principal_cents
    rows.note(turn, "agreement_ended", {"debt_id": debt_id, "because": because, "open_principal_cents": open_cents})


async def _move(conn: Any, turn: Turn, effect: effects.MoveInstalment, rows: Rows) -> None:
    taken_back = await agreements.move(
        conn, debt_id=effect.debt_id, customer_id=_customer(turn), n=effect.n, due_on=effect.due_on
    )
    _take_back(turn, taken_back, rows)
    rows.note(turn, "date_moved", {"debt_id": effect.debt_id, "n": effect.n, "due_on": effect.due_on.isoformat()})


def _take_back(turn: Turn, charge_ids: tuple[int, ...], rows: Rows) -> None:
    """Charges that ask for what is not owed like this any more."""
    for charge_id in charge_ids:
        queue(turn, rows, kind="cancel_charge", purpose="engine", body={"charge_id": charge_id})


async def _open_ticket(conn: Any, turn: Turn, effect: effects.OpenTicket, rows: Rows) -> None:
    await tickets_open.open_ticket(
        conn,
        conversation_id=turn.conversation.id,
        customer_id=turn.conversation.customer_id,
        debt_id=effect.debt_id,
        reason=effect.reason,
        queue=effect.queue,
        now=turn.facts.now,
    )
    rows.note(turn, "ticket_opened", {"reason": effect.reason, "queue": effect.queue})


def _set_timer(turn: Turn, effect: effects.SetTimer, rows: Rows) -> None:
    event = to_raw(TimerFired(name=effect.name, subject=effect.subject)).decode()
    key = _timer_key(turn.conversation.id, effect.name, effect.subject)
    rows.timers_set.append(
        timers.Setting(key=key, conversation_id=turn.conversation.id, event=event, fire_at=effect.fire_at)
    )


async def _opt(conn: Any, turn: Turn, at: datetime | None) -> None:
    turn.conversation.opted_out_at = at
    if turn.conversation.customer_id is not None:
        await conn.execute(agreements.OPT, turn.conversation.customer_id, at)


async def _seal(conn: Any, turn: Turn, effect: effects.SealOffer, rows: Rows) -> None:
    seal = await agreements.seal(
        conn,
        conversation_id=turn.conversation.id,
        no=effect.offer_no,
        customer_id=_customer(turn),
        debt_id=effect.debt_id,
        policy_digest=effect.policy_digest,
        terms=json.dumps(terms_of(effect.offer), default=_plain),
        facts=json.dumps(effect.facts, default=_plain),
        shown_at=turn.facts.now,
        shown_on=turn.facts.today,
        honoured_until=effect.honoured_until,
        made_of=effect.made_of,
    )
    turn.conversation.serial = max(turn.conversation.serial, effect.offer_no)
    offered = {"offer_no": effect.offer_no, "debt_id": effect.debt_id, "digest": effect.policy_digest}
    rows.note(turn, "offered", {**offered, "seal": seal})


async def _use(conn: Any, turn: Turn, effect: effects.UseException, rows: Rows) -> None:
    await exceptions.use(conn, effect.exception_id, offer_no=effect.offer_no)
    made = {"what": "offered", "exception_id": effect.exception_id, "offer_no": effect.offer_no, "by": ""}
    rows.note(turn, "exception", made)


async def _charge(conn: Any, parts: Parts, turn: Turn, effect: effects.Charge, rows: Rows) -> None:
    for no in effect.replaces:
        await _cancel(conn, turn, no, rows)
    day_after = datetime.combine(effect.pay_until + timedelta(days=1), datetime.min.time(), parts.settings.timezone)
    charge_id = await charges.insert(
        conn,
        key=parts.mac_key,
        conversation_id=turn.conversation.id,
        customer_id=_customer(turn),
        effect=effect,
        provider=parts.settings.pix.mode,
        expires_at=day_after,
        now=turn.facts.now,
        today=turn.facts.today,
    )
    turn.conversation.serial = max(turn.conversation.serial, effect.charge_no)
    queue(turn, rows, kind="charge", purpose="engine", body={"charge_id": charge_id})
    rows.note(
        turn,
        "charged",
        {"charge_no": effect.charge_no, "amount_cents": effect.amount_cents, "pay_until": effect.pay_until.isoformat()},
    )


async def _cancel(conn: Any, turn: Turn, charge_no: int, rows: Rows) -> None:
    charge_id = await charges.cancel(conn, conversation_id=turn.conversation.id, no=charge_no)
    if charge_id is not None:
        queue(turn, rows, kind="cancel_charge", purpose="engine", body={"charge_id": charge_id})
        rows.note(turn, "charge_cancelled", {"charge_no": charge_no})


async def _book(conn: Any, turn: Turn, effect: effects.Book, rows: Rows) -> None:
    assert turn.settlement is not None  # worked out before the decision, and booked after it
    _take_back(turn, turn.charges_taken_back, rows)
    settlement = turn.settlement.settlement
    if settlement.surplus_cents and turn.facts.settlement is None:
        # The payer's chat is somebody else's by now: nothing is said there, and people decide on the money.
        await _open_ticket(conn, turn, effects.OpenTicket(reason="payment", queue="financeiro"), rows)
    rows.note(
        turn,
        "paid",
        {
            "end_to_end_id": effect.end_to_end_id,
            "amount_cents": effect.amount_cents,
            "surplus_cents": settlement.surplus_cents,
        },
    )


async def _book_return(conn: Any, turn: Turn, effect: effects.BookReturn, rows: Rows) -> None:
    planned = turn.taken_back
    if planned is None:  # booked before
        return
    await returns.book(conn, planned, now=turn.facts.now)
    if planned.told.open_cents and turn.facts.returned is None:
        # The payer's chat is somebody else's by now: nothing is said there, and people tell the payer.
        await _open_ticket(conn, turn, effects.OpenTicket(reason="money_back", queue="financeiro"), rows)
    rows.note(
        turn,
        "returned",
        {
            "end_to_end_id": effect.end_to_end_id,
            "amount_cents": effect.amount_cents,
            "open_cents": planned.told.open_cents,
        },
    )


async def _paper(conn: Any, parts: Parts, turn: Turn, effect: effects.SendPaper, rows: Rows) -> None:
    """The paper, kept, and the message that brings it. The journal keeps its digest and not its address."""
    made = await papers.make(conn, parts, turn.conversation, turn.facts, effect)
    if isinstance(made, NotMade):
        rows.note(turn, "paper_not_made", {"kind": effect.kind, "because": str(made)})
        if effect.otherwise is not None:
            await _say(parts, turn, Say(wording=effect.otherwise, values=effect.values), rows)
        return
    rendered = Rendered(body=content(made.message), text=made.text)
    guards = {"customer_id": turn.conversation.customer_id}
    purpose = "agreement" if effect.kind == "terms" else "receipt"  # terms are never sent twice
    key = _message(turn, rows, rendered, purpose=purpose, guards=guards)
    rows.note(turn, "said", {"text": made.text, "purpose": purpose, "paper": effect.kind}, key=key)
    rows.note(turn, "paper", {"kind": effect.kind, "paper_id": made.kept.id, "sha256": made.kept.sha256})


async def _statement(conn: Any, parts: Parts, turn: Turn, effect: effects.TellStatement, rows: Rows) -> None:
    """What happened to the customer's debts, read now and said like anything else."""
    facts = turn.facts
    agreed = [a for a in facts.agreements if a.state == "active" and a.next_open is not None]
    owed = {**facts.costs, **{a.debt_id: statement.left_of(a, facts.today) for a in agreed}}
    histories = await debt_statement.of_customer(conn, _customer(turn))
    await _say(parts, turn, statement.said(histories, owed, effect, zone=parts.settings.timezone), rows)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(type(value).__name__)
