"""Confirming payments: what a webhook claims, and what it never told, is asked of the bank itself.

A provider's webhook is a trigger and no proof. Every payment is confirmed by GET and only then becomes an event, under
the key `p:<endToEndId>`, so that a forged or doubled trigger can neither make one nor stand in its way. Since triggers
get lost, the last 48 hours are asked for again and again besides, and each unpaid charge once more after its end.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.engine.inbox import put_events
from bot.engine.line import Line
from bot.engine.talk import Away
from bot.store import charges, inbox
from bot.store.inbox import Arrival
from flows.events import PaymentConfirmed
from payments.providers.protocol import NotFound, ProviderError, Received, Refused, TryLater, WrongAnswer
from payments.providers.registry import provider_of

OVERLAP = timedelta(hours=48)
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
    received = provider_of(parts.settings.pix.mode).received
    if received is None:
        return 0
    now = parts.clock.now()
    new = 0
    try:
        for page in range(_PAGES):
            found = await parts.talk.drive(received(now - OVERLAP, now + _AHEAD, page))
            new += await take_in(parts, found.items)
            if found.unreadable:
                log.error("poll.unreadable", payments=found.unreadable)
            if not found.more:
                break
        else:
            log.error("poll.too_many_pages", pages=_PAGES)
        return new + await _last_looks(parts, now)
    except (Away, ProviderError) as error:
        log.warning("poll.failed", error=str(error))
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
    """Make an event of each payment on a charge of ours, as the bank has confirmed it.

    Park what is nobody's, and refunds, for people. Return how many are new.
    """
    if not payments:
        return 0
    now = parts.clock.now()
    confirmed: list[tuple[str, int, PaymentConfirmed]] = []
    async with parts.pool.acquire() as conn, conn.transaction():
        homes = await charges.homes(conn, [p.txid for p in payments if p.txid is not None])
        parked: list[Arrival] = []
        for payment in payments:
            home = homes.get(payment.txid or "")
            if home is None:
                parked.append(_parked(f"p:{payment.end_to_end_id}", payment, "payment.unknown_txid", now))
                continue
            parked += _refunds(payment, now)
            if payment.kept_cents <= 0:
                parked.append(_parked(f"p:{payment.end_to_end_id}", payment, "payment.refunded", now))
            else:
                confirmed.append((f"p:{payment.end_to_end_id}", home.conversation_id, _event(payment, home)))
        new = await put_events(conn, source="provider", events=confirmed, now=now)
        if parked:
            await inbox.take_in(conn, parked, {})
    if new:
        parts.wake.turns()
    return new


def _event(payment: Received, home: charges.Home) -> PaymentConfirmed:
    return PaymentConfirmed(
        end_to_end_id=payment.end_to_end_id,
        amount_cents=payment.amount_cents,
        paid_at=payment.paid_at,
        charge_no=home.no,
        txid=payment.txid,
    )


def _refunds(payment: Received, now: datetime) -> list[Arrival]:
    """Money that went back: kept once for each state, for a person to book."""
    return [
        _parked(f"d:{payment.end_to_end_id}:{refund.id}:{refund.status}", payment, "payment.refund", now)
        for refund in payment.refunds
    ]


def _parked(key: str, payment: Received, reason: str, now: datetime) -> Arrival:
    told = {"endToEndId": payment.end_to_end_id, "txid": payment.txid, "cents": payment.amount_cents}
    return Arrival(
        source="provider",
        dedupe_key=key,
        kind="other",
        raw=json.dumps({**told, "refunds": [[r.id, r.amount_cents, r.status] for r in payment.refunds]}).encode(),
        occurred_at=payment.paid_at,
        received_at=now,
        parked_because=reason,
    )
