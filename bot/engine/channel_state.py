"""What WhatsApp says of the number and the account, applied to the channel: limit, quality, restriction.

Replies always go on; what is slowed or stopped are messages that nobody asked for. Source: Meta, webhooks
`phone_number_quality_update`, `business_capability_update`, `account_update`; "Error codes".
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from bot.engine.parts import Parts
from bot.store import channel, inbox, notices
from bot.whatsapp.inbound import InboundOther, event_of
from bot.whatsapp.lenient import instant_of, name_of, rows_of, table_of

BATCH = 100
FIELDS = frozenset({"phone_number_quality_update", "business_capability_update", "account_update"})
# Refusals after which nobody is written to unasked until a person says go (or WhatsApp names an end): restricted for
# spam, misclassified templates, no payment to Meta, account restricted or locked, country barred.
STOPS = frozenset({131048, 131064, 131042, 368, 131031, 130497})
_QUALITY = {"FLAGGED": "RED", "UNFLAGGED": "GREEN"}
_HARMLESS = {"RESTRICTED_ADD_PHONE_NUMBER_ACTION"}  # it says nothing of messages
_TIER = re.compile(r"(?:TIER_)?(\d{1,7})(K?)")
log = structlog.get_logger(__name__)


async def apply_once(parts: Parts) -> int:
    """Apply one batch of the account's news. Return how many were taken."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        rows = await conn.fetch(inbox.TAKE_NEWS, sorted(FIELDS), BATCH)
        for row in rows:
            news = event_of(bytes(row["raw"]))
            if isinstance(news, InboundOther):
                await _apply(conn, news.field, table_of(news.value), row["occurred_at"] or row["received_at"], now)
        await conn.execute(inbox.MARK_DONE, [row["id"] for row in rows], now)
    if rows:
        parts.wake.ring("sends")
    return len(rows)


async def stop_for(conn: Any, code: int, now: datetime) -> None:
    """A refusal said that the number or the account is restricted: stop what nobody asked for, and tell people."""
    if await channel.restrict(conn, restriction=str(code), until=None, now=now):
        log.error("channel.restricted", code=code)
        await _tell_people(conn, "channel_restricted", str(code), now)


async def _apply(conn: Any, field: str, value: Mapping[str, Any], told_at: datetime, now: datetime) -> None:
    people_a_day = limit_of(value.get("max_daily_conversations_per_business"))
    if people_a_day is not None:
        await channel.set_limit(conn, people_a_day=people_a_day, told_at=told_at, now=now)
    event = name_of(value.get("event"), longest=64) or ""
    if field == "phone_number_quality_update" and event in _QUALITY:
        await channel.set_quality(conn, quality=_QUALITY[event], told_at=told_at, now=now)
        log.warning("channel.quality", quality=_QUALITY[event])
        if _QUALITY[event] == "RED":
            await _tell_people(conn, "channel_red", event, now)
    if field == "account_update":
        await _account(conn, event, value, now)


async def _account(conn: Any, event: str, value: Mapping[str, Any], now: datetime) -> None:
    ban = name_of(table_of(value.get("ban_info")).get("waba_ban_state"), longest=64)
    match event, ban:
        case "ACCOUNT_RESTRICTION", _:
            await _restricted(conn, value, now)
        case "DISABLED_UPDATE", "DISABLE":
            await _stop(conn, "DISABLE", None, now)
        case "DISABLED_UPDATE", "REINSTATE":
            await channel.free(conn, about="REINSTATE", now=now)
        case "ACCOUNT_DELETED", _:
            await _stop(conn, "ACCOUNT_DELETED", None, now)
        case "ACCOUNT_VIOLATION" | "DISABLED_UPDATE", _:
            log.error("channel.warned", code=event)
            violation = name_of(table_of(value.get("violation_info")).get("violation_type"))
            await channel.note(conn, kind="news", by=channel.WHATSAPP, about=violation or ban or event, now=now)
        case _:
            pass


async def _restricted(conn: Any, value: Mapping[str, Any], now: datetime) -> None:
    """Without a list it is a warning, or the end of a restriction: which one is not said, so nothing is opened."""
    found = [row for row in rows_of(value.get("restriction_info")) if row.get("restriction_type") not in _HARMLESS]
    if not found:
        await channel.note(conn, kind="news", by=channel.WHATSAPP, about="ACCOUNT_RESTRICTION", now=now)
    for row in found:
        word = name_of(row.get("restriction_type"), longest=64) or "ACCOUNT_RESTRICTION"
        await _stop(conn, word, until_of(row.get("expiration")), now)


async def _stop(conn: Any, word: str, until: datetime | None, now: datetime) -> None:
    if (until is None or until > now) and await channel.restrict(conn, restriction=word, until=until, now=now):
        log.error("channel.restricted", code=word)
        await _tell_people(conn, "channel_restricted", word, now)


async def _tell_people(conn: Any, kind: str, subject: str, now: datetime) -> None:
    """A line for whoever runs the program, once an hour at most."""
    key = f"{kind}:{subject}:{now:%Y-%m-%dT%H}"
    await notices.tell(conn, key=key, kind=kind, subject=subject, queue="operacao", now=now)


def limit_of(told: object) -> int | None:
    """Return people a day from `TIER_2K`, `TIER_UNLIMITED`, 2000 or -1 (0: unlimited), None where it says nothing."""
    if told in ("TIER_UNLIMITED", "UNLIMITED", -1, "-1"):
        return 0
    if type(told) is int and 0 < told < 10**9:
        return told
    tier = _TIER.fullmatch(told) if isinstance(told, str) else None
    if tier is None:
        return None
    return int(tier[1]) * (1000 if tier[2] else 1) or None


def until_of(told: object) -> datetime | None:
    """Return when a restriction ends (UTC), from seconds or an ISO text; None where it names no end."""
    if (at := instant_of(told)) is not None:
        return at
    try:
        read = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return None if read is None else read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)
