"""For finance: what a policy changes against the one in force, and the decision of a second person."""

import asyncio
import re
import secrets
from collections.abc import Awaitable
from datetime import date

import structlog
from aiohttp import web

from bot.parts import PARTS
from bot.store import policies, policy_journal
from bot.store.policies import PolicyRefused
from bot.store.policy_journal import JournalBroken
from bot.store.sessions import Session
from bot.web.finance_policies import person, refusal
from bot.web.finance_policy import ONE, days_of, no_such_policy
from bot.web.forms import read_form
from bot.web.policy_words import EVENTS, as_written, standing
from bot.web.rendering import dated, page, printable
from bot.web.sessions import needs
from flows.approvals import same_name, waiting
from flows.policy import Policy, read_policy
from flows.policy_difference import changes_of, lines_of

log = structlog.get_logger(__name__)


@needs("finance")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """The difference, the history, and what this person may do."""
    return await _page(request, session)


@needs("finance")
async def decide(request: web.Request, session: Session) -> web.StreamResponse:
    """Approve, refuse, comment, or propose to go back."""
    parts, form = request.app[PARTS], await read_form(request)
    digest, text = request.match_info["digest"], printable(form.get("text", ""))
    today = parts.clock.now().astimezone(parts.settings.timezone).date()
    by = person(request, session, form.get("key", ""))
    against = int(form["against"]) if re.fullmatch(r"[0-9]{1,18}", form.get("against", "")) else None
    try:
        first, last = _day(form.get("valid_from", "")), _day(form.get("valid_until", ""))
    except ValueError:
        return await _page(request, session, problem=parts.texts("That is no date."), draft=text, status=422)
    what = request.match_info["what"]
    try:
        async with parts.pool.acquire() as conn:
            done: Awaitable[None] = {
                "approve": lambda: policies.approve(
                    conn, digest, by=by, today=today, text=text, valid_from=first, valid_until=last, against=against
                ),
                "refuse": lambda: policies.refuse(conn, digest, by=by, text=text),
                "comment": lambda: policies.comment(conn, digest, by=by, text=text),
                "again": lambda: policies.propose_again(conn, digest, by=by, today=today, text=text),
            }[what]()
            await done
    except (PolicyRefused, JournalBroken) as refused:
        return await _page(request, session, problem=refusal(parts, refused), draft=text, status=409)
    log.info("policy.decided", digest=digest, what=what, user_id=session.user_id)
    return web.Response(status=303, headers={"Location": request.path.rsplit("/", 1)[0]})


def routes() -> list[web.RouteDef]:
    """The addresses of a decision."""
    return [
        web.get(ONE + "/approval", show),
        web.post(ONE + "/approval/{what:approve|refuse|comment|again}", decide),
    ]


async def _page(
    request: web.Request, session: Session, *, problem: str = "", draft: str = "", status: int = 200
) -> web.StreamResponse:
    parts, digest = request.app[PARTS], request.match_info["digest"]
    texts, zone = parts.texts, parts.settings.timezone
    today = parts.clock.now().astimezone(zone).date()
    async with parts.pool.acquire() as conn:
        source = await policies.source_of(conn, digest)
        journal = await policy_journal.read(conn, parts.mac_key)
        current = await parts.policies.in_force(conn, today)
        before = await policies.source_of(conn, current.digest) if current is not None else None
    if source is None:
        return no_such_policy(request)
    policy, is_whole = read_policy(source, name=""), policies.has_digest(source, digest)
    is_current = current is not None and current.digest == digest
    open_ = waiting(journal.events, digest)
    is_own = any(e.user_id == session.user_id or same_name(e.by, session.name) for e in open_)
    old = current.policy if current is not None else None
    is_compared = isinstance(policy, Policy) and is_whole and not is_current
    return page(
        request,
        "finance_policy_approval.html",
        status=status,
        session=session,
        digest=digest,
        tab="approval",
        title=policy.title if isinstance(policy, Policy) else digest[:12],
        valid=policy.valid if isinstance(policy, Policy) else None,
        standing=standing(
            journal.events, digest, current, texts, today=today, days=days_of(policy) if is_whole else None
        ),
        is_current=is_current,
        is_whole=is_whole,
        has_before=before is not None,
        changes=changes_of(old, policy, texts) if is_compared and isinstance(policy, Policy) else (),
        stretches=await asyncio.to_thread(lines_of, as_written(before), as_written(source))
        if before and is_compared
        else (),
        events=[(e, texts(EVENTS[e.kind])) for e in journal.events if e.digest == digest],
        may_decide=bool(open_) and not is_own and is_whole,
        is_own=is_own,
        may_go_back=not open_ and is_compared and isinstance(policy, Policy) and policy.valid.last >= today,
        against=policies.newest_approval(journal),
        problem=problem,
        draft=draft,
        did=request.match_info.get("what", ""),
        key=secrets.token_hex,
        on=lambda at: dated(parts, at),
        as_day=texts.day,
    )


def _day(text: str) -> date | None:
    """A day of a form; none where the field was left empty. Raises ValueError."""
    return date.fromisoformat(text) if text else None
