"""What the outbox owes the provider: charges to make, charges to take back.

Repeating is always safe: a charge is made once under our txid, and an attempt that may have got through is looked up
first. The charge's new state and the event that tells its conversation are one transaction.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog

from bot.engine.inbox import put_event
from bot.engine.line import Line
from bot.engine.settle import take_in
from bot.engine.talk import Away
from bot.store import charges
from bot.store.charges import Ordered
from flows.events import ChargeFailed, ChargeReady
from payments.providers.protocol import ChargeOrder, Created, Payee, ProviderError, TryLater
from payments.providers.registry import provider_of

TRIES = 7  # of making a charge: somebody is waiting for the code
TRIES_TO_CANCEL = 12  # nobody waits, and the code dies by itself at the end of its day
_AGAIN_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 600)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do for this row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Not now; the same row once more after a while."""

    after_s: float


Outcome: TypeAlias = Done | Again


async def carry_out(parts: Line, row: Mapping[str, Any]) -> Outcome:
    """Do what an outbox row of kind `charge` or `cancel_charge` asks for. `row` has `kind`, `body` and `attempt` (from
    1).

    May be called again for the same row at any time, also after the process was killed in the middle.
    """
    async with parts.pool.acquire() as conn:
        charge = await charges.ordered(conn, json.loads(row["body"])["charge_id"])
    if row["kind"] == "charge":
        return await _make(parts, charge, row["attempt"])
    return await _take_back(parts, charge, row["attempt"])


async def _make(parts: Line, charge: Ordered, attempt: int) -> Outcome:
    if charge.state == "cancelled" and attempt > 1:  # an earlier attempt may have made what nobody wants any more
        return await _take_back(parts, charge, attempt)
    if charge.state != "requested":
        return Done()
    order = _order(parts, charge, in_doubt=attempt > 1)
    if order.now >= order.expires_at:
        return await _failed(parts, charge, reason="expired")
    if not _can_talk(parts, charge):
        return await _failed(parts, charge, reason="provider_changed")
    try:
        created = await parts.talk.drive(provider_of(charge.provider).create(order))
    except (Away, TryLater) as error:
        log.warning("charge.not_made", charge_id=charge.id, attempt=attempt, error=str(error))
        return _again(attempt) if attempt < TRIES else await _failed(parts, charge, reason="provider_away")
    except ProviderError as error:
        log.error("charge.refused", charge_id=charge.id, attempt=attempt, error=str(error))
        return await _failed(parts, charge, reason=error.kind)
    if await _made(parts, charge, created):
        return Done()
    return await _take_back(parts, charge, attempt)  # cancelled while the provider was making it


async def _take_back(parts: Line, charge: Ordered, attempt: int) -> Outcome:
    cancel = provider_of(charge.provider).cancel
    if cancel is None:  # there is nobody to tell
        return Done()
    if not _can_talk(parts, charge):
        log.error("charge.not_taken_back", charge_id=charge.id, error=f"ACERTO_PIX is not {charge.provider} any more")
        return Done()
    try:
        paid = await parts.talk.drive(cancel(charge.txid, charge.form))
    except (Away, TryLater) as error:
        log.warning("charge.not_taken_back", charge_id=charge.id, attempt=attempt, error=str(error))
        return _again(attempt) if attempt < TRIES_TO_CANCEL else Done()
    except ProviderError as error:
        log.error("charge.take_back_refused", charge_id=charge.id, attempt=attempt, error=str(error))
    else:
        await take_in(parts, paid)  # nobody looks at this charge any more: money that nobody told us of is found now
    return Done()


def _can_talk(parts: Line, charge: Ordered) -> bool:
    """Whether the provider of a charge is the one that is set: the settings lead to one only."""
    return provider_of(charge.provider).cancel is None or charge.provider == parts.settings.pix.mode


async def _made(parts: Line, charge: Ordered, created: Created) -> bool:
    """Keep the code and tell the conversation. False: nobody wants it any more."""
    async with parts.pool.acquire() as conn, conn.transaction():
        wanted = await charges.activate(conn, charge.id, created)
        if wanted:
            await put_event(
                conn,
                source="provider",
                dedupe_key=f"c:{charge.id}",
                conversation_id=charge.conversation_id,
                event=ChargeReady(charge_no=charge.no),
                now=parts.clock.now(),
            )
    if wanted:
        parts.wake.turns()
    return wanted


async def _failed(parts: Line, charge: Ordered, *, reason: str) -> Outcome:
    async with parts.pool.acquire() as conn, conn.transaction():
        if await charges.fail(conn, charge.id):
            await put_event(
                conn,
                source="provider",
                dedupe_key=f"f:{charge.id}",
                conversation_id=charge.conversation_id,
                event=ChargeFailed(charge_no=charge.no, reason=reason),
                now=parts.clock.now(),
            )
    parts.wake.turns()
    return Done()


def _order(parts: Line, charge: Ordered, *, in_doubt: bool) -> ChargeOrder:
    pix = parts.settings.pix
    return ChargeOrder(
        txid=charge.txid,
        amount_cents=charge.amount_cents,
        now=parts.clock.now(),
        pay_until=charge.pay_until,
        expires_at=charge.expires_at,
        payee=Payee(key=pix.key, name=pix.merchant_name, city=pix.merchant_city),
        debtor_name=charge.name,
        debtor_document=charge.document,
        debtor_id=charge.customer_id,
        form=charge.form,
        text=parts.settings.creditor_name,
        in_doubt=in_doubt,
    )


def _again(attempt: int) -> Again:
    return Again(after_s=_AGAIN_S[min(attempt, len(_AGAIN_S)) - 1])
