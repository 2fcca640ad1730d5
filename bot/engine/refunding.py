"""What the outbox owes payers: money to be sent back, as finance decided.

Repeating is always safe: a return has one identifier of ours, and an attempt that may have got through is looked up
first. What became of it is noted as if the bank had told it, so the webhook and the poll may tell it too.
"""

import json
from collections.abc import Mapping
from typing import Any

import structlog

from bot.engine.charging import Again, Done, Outcome
from bot.engine.line import Line
from bot.engine.settle import returned
from bot.engine.talk import Away
from bot.store import returns
from payments.providers.protocol import ProviderError, Refund, TryLater, WrongAnswer
from payments.providers.registry import provider_of

_AGAIN_S = (2, 10, 30, 120, 600)
_LATER_S = 3600.0  # what a person has to look at first
log = structlog.get_logger(__name__)


async def carry_out(parts: Line, row: Mapping[str, Any]) -> Outcome:
    """Do what an outbox row of kind `refund` asks for. `row` has `body` and `attempt` (from 1).

    May be called again for the same row at any time. It never gives up by itself: money that somebody was promised
    either goes back or the provider says that it cannot.
    """
    async with parts.pool.acquire() as conn:
        wanted = await returns.requested(conn, json.loads(row["body"])["return_id"])
    if wanted is None:  # told otherwise meanwhile
        return Done()
    refund = provider_of(parts.settings.pix.mode).refund
    if refund is None:
        log.error("refund.no_provider", end_to_end_id=wanted.end_to_end_id)
        return Again(after_s=_LATER_S)
    asked = refund(wanted.end_to_end_id, wanted.refund_id, wanted.amount_cents, row["attempt"] > 1)
    try:
        made = await parts.talk.drive(asked)
    except (Away, TryLater) as error:
        log.warning("refund.waits", end_to_end_id=wanted.end_to_end_id, attempt=row["attempt"], error=str(error))
        return Again(after_s=_AGAIN_S[min(row["attempt"], len(_AGAIN_S)) - 1])
    except WrongAnswer as error:
        log.error("refund.wrong_answer", end_to_end_id=wanted.end_to_end_id, error=str(error))
        return Again(after_s=_LATER_S)
    except ProviderError as error:
        log.error("refund.refused", end_to_end_id=wanted.end_to_end_id, error=str(error))
        async with parts.pool.acquire() as conn:
            await returns.refuse(conn, wanted, error.kind)
        return Done()
    await _made(parts, wanted, made)
    return Done()


async def _made(parts: Line, wanted: returns.Requested, made: Refund) -> None:
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        await returns.note(
            conn, end_to_end_id=wanted.end_to_end_id, refund_id=wanted.refund_id, amount_cents=wanted.amount_cents,
            status=made.status, nature=made.natureza, now=now,
        )  # fmt: skip
        for event in await returns.gone(conn, [wanted.end_to_end_id]):
            await returned(conn, parts, event, conversation_id=None, now=now)
    parts.wake.turns()
