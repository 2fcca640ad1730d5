"""The ladder in force: its file, read again as soon as it changes. One with mistakes changes nothing, and says so."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from bot.ladder_check import fact_of
from bot.store import ladder as versions
from bot.store import template_status
from bot.whatsapp.templates import MessageTemplate
from flows.ladder import Ladder, read_ladder
from flows.ladder_templates import TemplateFact
from flows.template_health import why_stopped

log = structlog.get_logger(__name__)


class LadderWatch:
    """Remembers the last ladder that could be read. Without a file nobody is reminded."""

    def __init__(self, file: Path | None, templates: Mapping[str, MessageTemplate], pool: "asyncpg.Pool[Any]") -> None:
        self._file, self._templates, self._pool = file, templates, pool
        self._seen: tuple[int, int] | None = None
        self._known: Ladder | None = None
        self._noted: str | None = None

    async def in_force(self, now: datetime) -> Ladder | None:
        """Return the ladder as its file is now, or as it last could be read. A version is noted before it is used, by
        itself: whoever asks may still roll back."""
        self._look()
        ladder = self._known
        if ladder is not None and self._noted != ladder.digest:
            async with self._pool.acquire() as conn:
                await versions.seen(
                    conn, digest=ladder.digest, name=ladder.name, title=ladder.title, source=self._source, now=now
                )
            self._noted = ladder.digest
        return ladder

    async def templates(self, conn: Any) -> Mapping[str, TemplateFact]:
        """Return what a decision has to know of each template, and what Meta says of it."""
        told = await template_status.load(conn)
        found: dict[str, TemplateFact] = {}
        for name, template in self._templates.items():
            known = told.get((name, template.language))
            found[name] = fact_of(
                template, stopped=why_stopped(known), category=known.category if known is not None else None
            )
        return found

    def _look(self) -> None:
        if self._file is None:
            return
        try:
            stat = self._file.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp == self._seen:
                return
            source = self._file.read_bytes()
        except OSError as error:
            if self._seen is not None:
                log.error("ladder.unreadable", file=self._file.name, error=type(error).__name__)
            self._seen = None
            return
        self._seen = stamp
        read = read_ladder(source, name=self._file.name)
        if isinstance(read, tuple):
            log.error("ladder.refused", file=self._file.name, mistakes=len(read), line=read[0].line)
            return
        self._known, self._source = read, source
        log.info("ladder.read", file=self._file.name, digest=read.digest[:12], tracks=len(read.tracks))

    _source: bytes = b""
