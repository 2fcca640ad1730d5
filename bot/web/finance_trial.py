"""For finance: what a policy would do to the portfolio, or to a file of debts, before it does anything."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import structlog
from aiohttp import web

from bot.debts_csv import read_debts
from bot.engine.trial_work import Trials
from bot.parts import PARTS
from bot.store import access_log, policies, policy_journal, policy_trials
from bot.store.lateness import late_before
from bot.store.sessions import Session
from bot.web import offer_words
from bot.web.finance_policy import ONE, no_such_policy
from bot.web.forms import read_form
from bot.web.policy_words import standing
from bot.web.rendering import dated, notice, page
from bot.web.sessions import needs
from bot.web.uploads import uploaded
from flows.negotiation import DebtFacts, decide, terms_of
from flows.policy import Policy, read_policy
from flows.policy_trial import Compared, Tally, change_of, facts_of, terms_for
from flows.why_rule import debt_in_words, not_made, weighed

TRIALS: web.AppKey[Trials] = web.AppKey("trials", Trials)
_WORSE_SHOWN = 50
log = structlog.get_logger(__name__)


@needs("finance")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """The newest trial of a policy: what came out, how far it is, or the way to begin one."""
    return await _page(request, session)


@needs("finance")
async def begin(request: web.Request, session: Session) -> web.StreamResponse:
    """Begin a trial on the portfolio, or on the debts of a file."""
    parts, digest, _ = request.app[PARTS], request.match_info["digest"], await read_form(request)
    came = await uploaded(request, "debts")
    debts, left_out = None, 0
    if came is not None:
        read = await asyncio.to_thread(read_debts, came[1])
        left_out = len({error.line for error in read.errors})
        debts = [
            DebtFacts(external_id=row.external_id, principal_cents=row.amount_cents, due=row.due, tags=row.tags)
            for row in read.rows
        ]
        if not debts:
            return await _page(request, session, problem="No debt of this file can be read.", status=422)
    now = parts.clock.now()
    today = now.astimezone(parts.settings.timezone).date()
    async with parts.pool.acquire() as conn, conn.transaction():
        source = await policies.source_of(conn, digest)
        if source is None:
            return no_such_policy(request)
        if not policies.has_digest(source, digest) or not isinstance(read_policy(source, name=""), Policy):
            return await _page(request, session, problem="This policy cannot be read; nothing to try.", status=409)
        current = await parts.policies.in_force(conn, today)
        before = await policies.source_of(conn, current.digest) if current is not None else None
        count = len(debts) if debts is not None else await policy_trials.count(conn)
        trial_id = await policy_trials.begin(
            conn,
            digest=digest,
            against=current.digest if current is not None else None,
            by_id=session.user_id,
            of_file=debts is not None,
            on_day=today,
            debts=count,
            now=now,
            left_out=left_out,
        )
    request.app[TRIALS].begin(trial_id, policy=source, current=before, on=today, debts=debts, count=count)
    log.info("trial.begun", trial_id=trial_id, user_id=session.user_id)
    return web.Response(status=303, headers={"Location": request.path})


@needs("finance")
async def show_debt(request: web.Request, session: Session) -> web.StreamResponse:
    """One debt, rule by rule: why it falls where it falls."""
    parts, digest = request.app[PARTS], request.match_info["digest"]
    texts, zone = parts.texts, parts.settings.timezone
    now = parts.clock.now()
    today = now.astimezone(zone).date()
    async with parts.pool.acquire() as conn:
        source = await policies.source_of(conn, digest)
        found = await policy_trials.one(conn, int(request.match_info["debt"]))
        current = await parts.policies.in_force(conn, today)
        policy = read_policy(source, name="") if source is not None else ()
        late = 0
        if found is not None and isinstance(policy, Policy):
            late = (await late_before(conn, [found[0]], zone, policy.holidays.days))[found[0]]
            await access_log.note(
                conn,
                user_id=session.user_id,
                what="policy_trial_debt",
                now=now,
                customer_id=found[0],
                object_id=found[1].id,
            )
    if found is None or found[1].state != "open" or not isinstance(policy, Policy):
        return notice(
            request,
            title="There is no such debt",
            text="It may be settled by now.",
            status=404,
            link=(f"/finance/policies/{digest}/preview", "To the trial"),
        )
    debt = replace(found[1], late_before=late)
    facts = facts_of(debt, policy, today)
    after = terms_for(policy, facts, today)
    before = None
    if current is not None:
        before = terms_for(current.policy, facts_of(debt, current.policy, today), today)
    return page(
        request,
        "finance_trial_debt.html",
        session=session,
        digest=digest,
        title=policy.title,
        debt=debt,
        as_seen=debt_in_words(policy, facts, today, texts),
        rules=weighed(policy, facts, today, texts),
        made=[offer_words.headline(terms_of(offer), texts) for offer in decide(policy, facts, today).offers],
        not_made=not_made(policy, facts, today, texts),
        one=Compared(
            debt_id=debt.id, external_id=debt.external_id, before=before, after=after, change=change_of(before, after)
        ),
    )


def routes() -> list[web.RouteDef]:
    """The addresses of trials."""
    return [
        web.get(ONE + "/preview", show),
        web.post(ONE + "/preview", begin),
        web.get(ONE + r"/preview/{debt:\d{1,18}}", show_debt),
    ]


async def worked_at(app: web.Application) -> Any:
    """Hold the trials of this process; what is not done when it stops is left."""
    app[TRIALS] = Trials(app[PARTS])
    yield
    await app[TRIALS].stop()


async def _page(request: web.Request, session: Session, *, problem: str = "", status: int = 200) -> web.StreamResponse:
    parts, digest = request.app[PARTS], request.match_info["digest"]
    texts, zone, now = parts.texts, parts.settings.timezone, parts.clock.now()
    async with parts.pool.acquire() as conn:
        source = await policies.source_of(conn, digest)
        journal = await policy_journal.read(conn, parts.mac_key)
        today = now.astimezone(zone).date()
        current = await parts.policies.in_force(conn, today)
        trial = await policy_trials.newest(conn, digest)
        if trial is not None and trial.result is not None:
            await access_log.note(conn, user_id=session.user_id, what="policy_trial", now=now, object_id=trial.id)
    if source is None:
        return no_such_policy(request)
    policy = read_policy(source, name="")
    tally = trial.result if trial is not None else None
    return page(
        request,
        "finance_trial.html",
        status=status,
        session=session,
        digest=digest,
        tab="preview",
        title=policy.title if isinstance(policy, Policy) else digest[:12],
        standing=standing(
            journal.events,
            digest,
            current,
            texts,
            today=today,
            days=(policy.valid.first, policy.valid.last) if isinstance(policy, Policy) else None,
        ),
        trial=trial,
        tally=tally,
        rules=_by_rule(policy, tally) if isinstance(policy, Policy) and tally is not None else [],
        worse=tally.worse[:_WORSE_SHOWN] if tally is not None else [],
        discount_cents=sum(rule.discount_cents for rule in tally.by_rule.values()) if tally is not None else 0,
        is_old=trial is not None and trial.against != (current.digest if current is not None else None),
        is_cut_off=trial is not None and trial.is_cut_off(now),
        problem=texts(problem) if problem else "",
        whole=lambda count: re.sub(r"(?<=\d)(?=(\d{3})+$)", ".", str(count)),
        on=lambda at: dated(parts, at),
    )


def _by_rule(policy: Policy, tally: Tally) -> list[tuple[str, Any, int]]:
    """The rules in their order, each with what it takes and its share of all in percent; then what none takes."""
    names = [*(rule.name for rule in policy.rules), ""]
    found = []
    for name in names:
        of_rule = tally.by_rule.get(name)
        debts = of_rule.debts if of_rule is not None else 0
        found.append((name, of_rule, debts * 100 // tally.debts if tally.debts else 0))
    return found
