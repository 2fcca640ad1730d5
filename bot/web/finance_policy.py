"""For finance: what one policy says, beside its file: findings first, who gets what, two maps, sentences."""

from datetime import date
from typing import Any

from aiohttp import web

from bot.parts import PARTS, Parts
from bot.store import policies, policy_journal
from bot.store.sessions import Session
from bot.web.policy_chart import chart
from bot.web.policy_words import as_written, standing
from bot.web.rendering import notice, page
from bot.web.sessions import needs
from flows.coverage_words import told
from flows.explain import conditions_of, explain, outcomes_of
from flows.policy import Policy, read_policy
from flows.policy_coverage import findings_of
from flows.policy_picture import fields_of
from flows.policy_warnings import warnings_of
from flows.yaml_lines import Mistake

ONE = r"/finance/policies/{digest:[0-9a-f]{64}}"


@needs("finance")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """One policy, whatever became of it."""
    parts, digest = request.app[PARTS], request.match_info["digest"]
    today = parts.clock.now().astimezone(parts.settings.timezone).date()
    async with parts.pool.acquire() as conn:
        source = await policies.source_of(conn, digest)
        journal = await policy_journal.read(conn, parts.mac_key)
        current = await parts.policies.in_force(conn, today)
    if source is None:
        return no_such_policy(request)
    policy = read_policy(source, name="")
    is_whole = policies.has_digest(source, digest)
    return page(
        request,
        "finance_policy.html",
        session=session,
        digest=digest,
        tab="seen",
        title=policy.title if isinstance(policy, Policy) else digest[:12],
        standing=standing(
            journal.events, digest, current, parts.texts, today=today, days=days_of(policy) if is_whole else None
        ),
        is_whole=is_whole,
        lines=as_written(source),
        **(_meaning(parts, policy, source) if isinstance(policy, Policy) and is_whole else {"policy": None}),
    )


def routes() -> list[web.RouteDef]:
    """The address of one policy."""
    return [web.get(ONE, show)]


def days_of(policy: Policy | tuple[Mistake, ...]) -> tuple[date, date] | None:
    """Return the first and the last day of a file; None where it cannot be read."""
    return (policy.valid.first, policy.valid.last) if isinstance(policy, Policy) else None


def no_such_policy(request: web.Request) -> web.Response:
    """Say that nothing was handed in under this digest."""
    return notice(
        request,
        title="There is no such policy",
        text="It may be an old link.",
        status=404,
        link=("/finance/policies", "To the policies"),
    )


def _meaning(parts: Parts, policy: Policy, source: bytes) -> dict[str, Any]:
    texts, most = parts.texts, policy.never_beyond.instalments
    fields = fields_of(policy)
    return {
        "policy": policy,
        "findings": [told(finding, policy, texts) for finding in findings_of(policy)],
        "warnings": [
            (one.line, texts(one.reason), texts(one.remedy)) for one in warnings_of(policy, source, name=policy.name)
        ],
        "general": explain(policy.model_copy(update={"rules": ()}), texts),
        "rules": [
            (rule.name, conditions_of(rule, texts), outcomes_of(rule, most, texts), rule.ticket is not None)
            for rule in policy.rules
        ],
        "discounts": chart(fields, "discount", texts),
        "counts": chart(fields, "instalments", texts),
    }
