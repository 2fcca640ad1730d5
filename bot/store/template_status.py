"""What Meta said of each template: from its webhooks and from the list, the newest news counting."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flows.template_health import TemplateStatus

ALL = "SELECT name, language, status, category, correct_category, quality, reason FROM template_status"
TELL = """
INSERT INTO template_status AS t (name, language, status, category, correct_category, quality, reason, told_at)
SELECT n.*, $8 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) AS n
ON CONFLICT (name, language) DO UPDATE
SET    status = excluded.status, category = coalesce(excluded.category, t.category),
       correct_category = excluded.correct_category, quality = coalesce(excluded.quality, t.quality),
       reason = excluded.reason, told_at = excluded.told_at
WHERE  t.told_at <= excluded.told_at
RETURNING t.name
"""


async def load(conn: Any) -> Mapping[tuple[str, str], TemplateStatus]:
    """Return what is known, by name and language."""
    return {(row["name"], row["language"]): TemplateStatus(**row) for row in await conn.fetch(ALL)}


async def tell(conn: Any, told: Sequence[TemplateStatus], at: datetime) -> int:
    """Note what Meta said at that instant, unless something newer is known; return of how many templates."""
    ordered = sorted({(one.name, one.language): one for one in told}.values(), key=lambda one: (one.name, one.language))
    rows = await conn.fetch(
        TELL,
        [one.name for one in ordered],
        [one.language for one in ordered],
        [one.status for one in ordered],
        [one.category for one in ordered],
        [one.correct_category for one in ordered],
        [one.quality for one in ordered],
        [one.reason for one in ordered],
        at,
    )
    return len(rows)
