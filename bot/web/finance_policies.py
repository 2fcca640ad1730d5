"""For finance: all policies that were handed in, the one in force first, and the way to hand in another."""

import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        source = _read(parts, name)
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
        current = await parts.policies.in_force(conn, today)
        troubles = await parts.policies.troubles(conn, today)
        rows = await policies.every(conn, parts.mac_key)
    listed = [(row, standing(journal.events, row.digest, current, texts)) for row in rows]
    order = {"waiting": 1, "in-force": 0}
    return page(
        request,
        "finance_policies.html",
        status=status,
        session=session,
        rows=sorted(listed, key=lambda one: order.get(one[1].look, 2)),
        current=current,
        troubles=[texts(TROUBLES[trouble]) for trouble in troubles],
        lying=_lying(parts, {row.digest for row in rows}),
        folder=parts.settings.policy_dir.name,
        problem=problem,
        mistakes=mistakes,
        file=file,
        key=secrets.token_hex,
        on=lambda at: texts.day(at.astimezone(zone).date()),
        as_day=texts.day,
    )


def _lying(parts: Parts, known: set[str]) -> list[Lying]:
    """The files of the folder, each as it could be handed in."""
    found = []
    for name in _names(parts.settings.policy_dir):
        source = _read(parts, name)
        if source is None:
            continue
        policy = read_policy(source, name=name)
        digest = policy.digest if isinstance(policy, Policy) else ""
        mistakes = policy if isinstance(policy, tuple) else ()
        found.append(Lying(name=name, digest=digest, mistakes=mistakes, is_known=digest in known))
    return found


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))[:_FILES_SHOWN]
    except OSError:
        return []


def _read(parts: Parts, name: str) -> bytes | None:
    """A regular file of the folder itself, of a bounded size: no other folder's, no link to elsewhere."""
    if name not in _names(parts.settings.policy_dir):
        return None
    path = parts.settings.policy_dir / name
    try:
        found: Any = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _FILE_BYTES:
            return None
        return path.read_bytes()
    except OSError:
        return None
