"""What WhatsApp says of the templates, applied: a template that may not be sent stops its steps, and people are told.

Source: Meta, webhooks `message_template_status_update`, `message_template_quality_update`, `template_category_update`,
`template_correct_category_detection`. Languages come as `pt_BR` or `pt-BR`; quality news has come under the name of a
status's.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from bot.engine.parts import Parts
from bot.store import inbox, notices, template_status
from bot.whatsapp.inbound import InboundOther, event_of
from bot.whatsapp.lenient import name_of, table_of
from flows.template_health import STOPPED, TemplateStatus, present_status

BATCH = 100
FIELDS = frozenset(
    {
        "message_template_status_update",
        "message_template_quality_update",
        "template_category_update",
        "template_correct_category_detection",
    }
)
QUEUE = "operacao"
log = structlog.get_logger(__name__)


async def apply_once(parts: Parts) -> int:
    """Apply one batch of the templates' news. Return how many were taken."""
    now = parts.clock.now()
    async with parts.pool.acquire() as conn, conn.transaction():
        rows = await conn.fetch(inbox.TAKE_NEWS, sorted(FIELDS), BATCH)
        for row in rows:
            news = event_of(bytes(row["raw"]))
            if isinstance(news, InboundOther):
                await _apply(conn, parts, table_of(news.value), row["occurred_at"] or row["received_at"], now)
        await conn.execute(inbox.MARK_DONE, [row["id"] for row in rows], now)
    return len(rows)


async def _apply(conn: Any, parts: Parts, value: Mapping[str, Any], told_at: datetime, now: datetime) -> None:
    name = name_of(value.get("message_template_name"), longest=512)
    language = (name_of(value.get("message_template_language"), longest=16) or "").replace("-", "_")
    if name is None or not language:
        return
    before = (await template_status.load(conn)).get((name, language), TemplateStatus(name=name, language=language))
    after = changed(before, value)
    if after != before and await template_status.tell(conn, [after], told_at):
        log.info("template.told", template=name, status=after.status, category=after.category, quality=after.quality)
        await tell_people(conn, parts, before, after, now)


def changed(before: TemplateStatus, value: Mapping[str, Any]) -> TemplateStatus:
    """Return what is known of a template after Meta said this of it."""
    told = {name: name_of(value.get(name), longest=64) for name in ("event", "reason", "new_quality_score")}
    title = name_of(table_of(value.get("other_info")).get("title"), longest=64)
    category = name_of(value.get("message_template_category") or value.get("category"), longest=64)
    new, correct = (name_of(value.get(key), longest=64) for key in ("new_category", "correct_category"))
    after = before
    if told["event"] is not None:
        status = present_status(told["event"], title)
        reason = told["reason"] if told["reason"] not in (None, "NONE") else title
        after = replace(after, status=status, reason=reason if status in STOPPED else None)
    if told["new_quality_score"] is not None:
        after = replace(after, quality=told["new_quality_score"])
    if new is not None or category is not None:
        after = replace(after, category=new or category)
    return replace(after, correct_category=correct)


async def tell_people(conn: Any, parts: Parts, before: TemplateStatus, after: TemplateStatus, now: datetime) -> None:
    """One line for people for each thing that stops a template of ours, or will."""
    ours = parts.templates.get(after.name)
    if ours is None or ours.language != after.language:
        return
    found: list[str] = []
    if after.status in STOPPED and after.status != before.status:
        found.append(STOPPED[after.status])
    if "MARKETING" in (after.category, after.correct_category) and ours.category != "MARKETING":
        found.append("template_marketing")
    if after.quality == "RED" and before.quality != "RED":
        found.append("template_red")
    for kind in found:
        key = f"{kind}:{after.name}:{after.language}:{now:%Y-%m-%dT%H}"
        if await notices.tell(conn, key=key, kind=kind, subject=after.name, queue=QUEUE, now=now):
            log.error("template.stopped", template=after.name, kind=kind)
