"""Confirming payments: what a webhook claims, and what it never told, is asked of the bank itself.

A provider's webhook is a trigger and no proof. Every payment is confirmed by GET and only then becomes an event, under
the key `p:<endToEndId>`, so that a forged or doubled trigger can neither make one nor stand in its way. Since triggers
get lost, the last 48 hours are asked for again and again besides, and each unpaid charge once more after its end.
Money that went back is told by the same answers, in any order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.engine.inbox import put_event, put_events
from bot.engine.line import Line
from bot.engine.talk import Away
from bot.store import charges, inbox, reconciliation, returns
from bot.store.agreements import DebtMoved
from flows.costs import NO_LATE_CHARGES
from flows.events import PaymentConfirmed, PaymentReturned
from payments.providers.protocol import NotFound, ProviderError, Received, Refused, TryLater, WrongAnswer
from payments.providers.registry import provider_of

OVERLAP = timedelta(hours=48)
_GOES_BACK = timedelta(days=90)
_TRIGGERS = 20  # of one look
_LAST_LOOKS = 50
_LAST_LOOK_AFTER = timedelta(minutes=10)  # who paid in the last second is confirmed by then
_AHEAD = timedelta(minutes=10)  # the bank's clock and ours differ
_PAGES = 1000
log = structlog.get_logger(__name__)


async def settle_once(parts: Line) -> int:
    """Handle the open triggers of the provider's webhook, a batch of them; return how many are done with.

    Where the bank cannot be asked, they stay open for the next time.
    """
    async with parts.pool.acquire() as conn:
        rows = await conn.fetch(inbox.TAKE_OTHERS, "pix", _TRIGGERS)
    done = 0
    for row in rows:
        try:
            reason = await _handle(parts, bytes(row["raw"]))
        except TryLater as error:  # perhaps about this one payment only; the others need not wait
            log.warning("trigger.waits", inbox_id=row["id"], error=str(error))
            continue
        except Away as error:
            log.warning("trigger.waits", inbox_id=row["id"], error=str(error))
            break
        async with parts.pool.acquire() as conn:
            if reason is None:
                await conn.execute(inbox.MARK_DONE, [row["id"]], parts.clock.now())
            else:
                log.warning("trigger.parked", inbox_id=row["id"], reason=reason)
                await conn.execute(inbox.PARK, [row["id"]], reason, parts.clock.now())
        done += 1
    return done


async def poll_once(parts: Line) -> int:
    """Ask the bank what came in lately and take in what nobody told us; return how many payments were new.

    With static Pix there is nobody to ask: the statement is imported by hand. A bank that does not answer is asked the
    next time.
    """
    now = parts.clock.now()
    new = 0
    try:
        new += await _look(parts, now - OVERLAP, now + _AHEAD)
        new += await _last_looks(parts, now)
        new += await _looks_at_returns(parts)
    except (Away, ProviderError) as error:
        log.warning("poll.failed", error=str(error))
    return new


async def long_look_once(parts: Line) -> int:
    """Ask once more about the payments of the last 90 days, week by week, where there were any: money goes back that
    long (API Pix, `PixDevolucao`), and the bank tells it with its payment only.

    Return how much was new.
    """
    now = parts.clock.now()
    async with parts.pool.acquire() as conn:
        weeks = await returns.weeks(conn, since=now - _GOES_BACK, until=now - OVERLAP)
    new = 0
    try:
        for monday in weeks:
            new += await _look(parts, monday, monday + timedelta(days=7))
    except (Away, ProviderError) as error:
        log.warning("long_look.failed", error=str(error))
    return new


async def _look(parts: Line, since: datetime, until: datetime) -> int:
    """Take in what was paid in this span."""
    received = provider_of(parts.settings.pix.mode).received
    if received is None:
        return 0
    new = 0
    for page in range(_PAGES):
        found = await parts.talk.drive(received(since, until, page))
        new += await take_in(parts, found.items)
        if found.unreadable:
            log.error("poll.unreadable", payments=found.unreadable)
        if not found.more:
            return new
    log.error("poll.too_many_pages", pages=_PAGES)
    return new


async def _last_looks(parts: Line, now: datetime) -> int:
    """Look once more at each charge whose code is dead and of which we never heard.

    Then close it: also after days of being down.
    """
    provider = provider_of(parts.settings.pix.mode)
    if provider.close is None:
        return 0
    async with parts.pool.acquire() as conn:
        expired = await conn.fetch(charges.EXPIRED, now - _LAST_LOOK_AFTER, _LAST_LOOKS, provider.name)
    new = 0
    for row in expired:
        try:
            payments: Sequence[Received] = await parts.talk.drive(provider.close(row["txid"], row["form"]))
        except NotFound:
            payments = ()
        except (Refused, WrongAnswer) as error:
            log.error("poll.last_look_failed", charge_id=row["id"], error=str(error))
            continue
        new += await take_in(parts, payments)
        if not payments:
            async with parts.pool.acquire() as conn:
                await conn.execute(charges.CLOSE, row["id"])
    return new


async def _looks_at_returns(parts: Line) -> int:
    """Ask for payments of which money is on its way back, whenever they were made."""
    confirm = provider_of(parts.settings.pix.mode).confirm
    if confirm is None:
        return 0
    async with parts.pool.acquire() as conn:
        waiting = await returns.on_their_way(conn, limit=_LAST_LOOKS)
    new = 0
    for end_to_end_id in waiting:
        try:
            new += await take_in(parts, [await parts.talk.drive(confirm(end_to_end_id))])
        except (Refused, WrongAnswer) as error:
            log.error("poll.return_not_found", end_to_end_id=end_to_end_id, error=str(error))
    return new


async def _handle(parts: Line, raw: bytes) -> str | None:
    """Confirm what one trigger names. Return why it is parked, None if it is done."""
    provider = provider_of(parts.settings.pix.mode)
    if provider.triggered is None or provider.confirm is None:
        return "pix.static_mode"
    named, reason = provider.triggered(raw)
    for end_to_end_id in named:
        try:
            received = await parts.talk.drive(provider.confirm(end_to_end_id))
        except NotFound:
            reason = "pix.not_confirmed"  # forged, or early: then the poll finds it
        except (Refused, WrongAnswer) as error:
            reason = f"pix.{error.kind}"
        else:
            await take_in(parts, [received])
    return reason


async def take_in(parts: Line, payments: Sequence[Received]) -> int:
    """Make an event of each payment on a charge of ours, as the bank has confirmed it, and of each that went back.

    What is nobody's is kept for finance to decide on. Return how many are new.
    """
    if not payments:
        return 0
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        homes = await charges.homes(conn, [p.txid for p in payments if p.txid is not None])
        confirmed = []
        for payment in payments:
            home = homes.get(payment.txid or "")
            if home is not None and payment.kept_cents > 0:
                confirmed.append((f"p:{payment.end_to_end_id}", home.conversation_id, _event(payment, home)))
        new = await put_events(conn, source="provider", events=confirmed, now=now)
        new += await _keep_others(conn, parts, payments, homes, now)
        new += await _take_back(conn, parts, payments, homes, now)
    if new:
        parts.wake.turns()
    return new


async def _keep_others(
    conn: Any, parts: Line, payments: Sequence[Received], homes: Mapping[str, charges.Home], now: datetime
) -> int:
    """Keep what is nobody's, and what went back whole before anybody was thanked for it."""
    others = [p for p in payments if p.txid not in homes or p.kept_cents <= 0]
    known = await reconciliation.known(conn, [p.end_to_end_id for p in others]) if others else set()
    source = "asaas" if parts.settings.pix.mode == "asaas" else "pix"
    new = unknown = 0
    for p in others:
        if p.end_to_end_id in known:
            continue
        if p.txid is not None and p.txid in homes:
            new += await reconciliation.keep_gone(
                conn, end_to_end_id=p.end_to_end_id, txid=p.txid, amount_cents=p.amount_cents, paid_at=p.paid_at,
                source=source, now=now,
            )  # fmt: skip
        elif await reconciliation.keep_unknown(
            conn, end_to_end_id=p.end_to_end_id, txid=p.txid, amount_cents=p.amount_cents, paid_at=p.paid_at,
            source=source, proposal=None, now=now,
        ):  # fmt: skip
            new, unknown = new + 1, unknown + 1
    if unknown:
        log.warning("payments.unknown", payments=unknown)
    return new


async def _take_back(
    conn: Any, parts: Line, payments: Sequence[Received], homes: Mapping[str, charges.Home], now: datetime
) -> int:
    """Note what is on its way back, and take back what went: told in the payer's conversation, where there is one."""
    refunded = {p.end_to_end_id: p for p in payments if p.refunds}
    for payment in refunded.values():
        for refund in payment.refunds:
            await returns.note(
                conn, end_to_end_id=payment.end_to_end_id, refund_id=refund.id, amount_cents=refund.amount_cents,
                status=refund.status, nature=refund.natureza, now=now,
            )  # fmt: skip
    new = 0
    for event in await returns.gone(conn, list(refunded)) if refunded else ():
        home = homes.get(refunded[event.end_to_end_id].txid or "")
        conversation_id = home.conversation_id if home is not None else None
        new += await returned(conn, parts, event, conversation_id=conversation_id, now=now)
    return new


async def returned(
    conn: Any, parts: Line, event: PaymentReturned, *, conversation_id: int | None, now: datetime
) -> bool:
    """Take back money that went: an event where there is a conversation, else booked at once. Return whether it is
    new."""
    conversation_id = conversation_id or await returns.home(conn, event.end_to_end_id)
    if conversation_id is not None:
        key = f"d:{event.end_to_end_id}:{event.refund_id}:DEVOLVIDO"
        return await put_event(
            conn, source="provider", dedupe_key=key, conversation_id=conversation_id, event=event, now=now
        )
    zone = parts.settings.timezone
    policy = await parts.policies.in_force(conn, now.astimezone(zone).date())
    try:
        planned = await returns.plan(
            conn,
            end_to_end_id=event.end_to_end_id,
            refund_id=event.refund_id,
            terms=policy.policy.terms if policy is not None else NO_LATE_CHARGES,
            zone=zone,
            now=now,
        )
    except (returns.MoreThanWasPaid, returns.PaymentNotThere, DebtMoved) as error:  # the next look tries again
        log.error("return.not_booked", end_to_end_id=event.end_to_end_id, error=str(error))
        return False
    if planned is None:
        return False
    await returns.book(conn, planned, now=now)
    return True


def _event(payment: Received, home: charges.Home) -> PaymentConfirmed:
    return PaymentConfirmed(
        end_to_end_id=payment.end_to_end_id,
        amount_cents=payment.amount_cents,
        paid_at=payment.paid_at,
        charge_no=home.no,
        txid=payment.txid,
    )
