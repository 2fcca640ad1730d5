"""For finance: all policies that were handed in, the one in force first, and the way to hand in another."""

import asyncio
import os
import secrets
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import structlog
from aiohttp import web

from bot.parts import PARTS, Parts
from bot.store import policies, policy_journal
from bot.store.policies import By, PolicyRefused, PolicyUnreadable
from bot.store.policy_journal import JournalBroken
from bot.store.sessions import Session
from bot.web.forms import read_form
from bot.web.policy_words import TROUBLES, standing
from bot.web.rendering import page, plain, printable, say
from bot.web.sessions import needs
from bot.web.uploads import uploaded
from flows.policy import Policy, read_policy
from flows.yaml_lines import Mistake

_FILES_SHOWN = 50
_FILE_BYTES = 1 << 20
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """A file in the policies' folder: nothing of it counts by lying there."""

    name: str
    digest: str
    mistakes: tuple[Mistake, ...]
    is_known: bool


@needs("finance")
async def show_all(request: web.Request, session: Session) -> web.StreamResponse:
    """The list."""
    return await _page(request, session)


@needs("finance")
async def submit(request: web.Request, session: Session) -> web.StreamResponse:
    """Hand in an uploaded file, or one of the folder."""
    parts, form = request.app[PARTS], await read_form(request)
    came = await uploaded(request, "upload")
    if came is None and (name := form.get("file")):
        source = await asyncio.to_thread(_read, parts.settings.policy_dir, name)
        came = (name, source) if source is not None else None
    if came is None:
        return await _page(request, session, problem=parts.texts("Choose a file first."), status=422)
    by = person(request, session, form.get("key", ""))
    try:
        async with parts.pool.acquire() as conn:
            digest = await policies.submit(
                conn, came[1], file=plain(came[0]), by=by, text=printable(form.get("text", ""))
            )
    except PolicyUnreadable as unreadable:
        return await _page(request, session, mistakes=unreadable.mistakes, file=plain(came[0]), status=422)
    except (PolicyRefused, JournalBroken) as refused:
        return await _page(request, session, problem=refusal(parts, refused), status=409)
    log.info("policy.submitted", digest=digest, user_id=session.user_id)
    return web.Response(status=303, headers={"Location": f"/finance/policies/{digest}/approval"})


def person(request: web.Request, session: Session, key: str) -> By:
    """Return who does it now, with the key of the very form."""
    parts = request.app[PARTS]
    form_key = key if len(key) == 32 and key.isascii() and key.isalnum() else None  # token_hex
    return By(name=session.name, user_id=session.user_id, at=parts.clock.now(), secret=parts.mac_key, form_key=form_key)


def refusal(parts: Parts, refused: PolicyRefused | JournalBroken) -> str:
    """Return why something may not be, in the reader's language."""
    return say(parts.texts, refused.says, **refused.fields)


def routes() -> list[web.RouteDef]:
    """The list's addresses."""
    return [web.get("/finance/policies", show_all), web.post("/finance/policies", submit)]


async def _page(
    request: web.Request,
    session: Session,
    *,
    problem: str = "",
    mistakes: tuple[Mistake, ...] = (),
    file: str = "",
    status: int = 200,
) -> web.StreamResponse:
    parts = request.app[PARTS]
    texts, zone = parts.texts, parts.settings.timezone
    today = parts.clock.now().astimezone(zone).date()
    async with parts.pool.acquire() as conn:
        journal = await policy_journal.read(conn, parts.mac_key)
        troubles = await parts.policies.troubles(conn, today)
        current = await parts.policies.in_force(conn, today)
        rows = await policies.every(conn, parts.mac_key)
    listed = [
        (
            row,
            standing(journal.events, row.digest, current, texts, today=today, days=(row.valid_from, row.valid_until)),
        )
        for row in rows
    ]
    lying = await asyncio.to_thread(_lying, parts.settings.policy_dir, {row.digest for row in rows})
    order = {"waiting": 1, "in-force": 0}
    return page(
        request,
        "finance_policies.html",
        status=status,
        session=session,
        rows=sorted(listed, key=lambda one: order.get(one[1].look, 2)),
        current=current,
        troubles=[texts(TROUBLES[trouble]) for trouble in troubles],
        lying=lying,
        folder=parts.settings.policy_dir.name,
        problem=problem,
        mistakes=mistakes,
        file=file,
        key=secrets.token_hex,
        on=lambda at: texts.day(at.astimezone(zone).date()),
        as_day=texts.day,
    )


def _lying(folder: Path, known: set[str]) -> list[Lying]:
    """The files of the folder, each as it could be handed in."""
    found = []
    for name in _names(folder):
        source = _read(folder, name)
        if source is None:
            continue
        digest, mistakes = _checked(source, name)
        found.append(Lying(name=name, digest=digest, mistakes=mistakes, is_known=digest in known))
    return found


@lru_cache(maxsize=2 * _FILES_SHOWN)
def _checked(source: bytes, name: str) -> tuple[str, tuple[Mistake, ...]]:
    """The digest of a file, empty where it has mistakes. The same bytes are not read again: the folder is shown often
    and seldom changes."""
    policy = read_policy(source, name=name)
    return (policy.digest, ()) if isinstance(policy, Policy) else ("", policy)


def _names(folder: Path) -> list[str]:
    try:
        names = [path.name for path in folder.iterdir() if path.suffix in (".yaml", ".yml")]
    except OSError:
        return []
    return sorted(name for name in names if plain(name) == name)[:_FILES_SHOWN]  # names that a page can say


def _read(folder: Path, name: str) -> bytes | None:
    """A regular file of the folder itself, of a policy's size at most: no other folder's, no link to elsewhere."""
    if name not in _names(folder):
        return None
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe must not hold us up
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        source = file.read(_FILE_BYTES + 1)
    return source if len(source) <= _FILE_BYTES else None
