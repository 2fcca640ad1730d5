"""The reminder ladder for people: what is in force, its calendar for a due date, and whether anything goes out."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web
from babel.numbers import format_currency, format_decimal

from bot.engine import rollout
from bot.ladder_check import Checked, check_ladder
from bot.parts import PARTS, Parts
from bot.store import channel, ladder_versions
from bot.store.sessions import Session
from bot.web import channel_switch, channel_words, ladder_words, notice_list, simulation_plot
from bot.web.cost_words import month_so_far
from bot.web.ladder_calendar import drawn
from bot.web.rendering import dated, page
from bot.web.sessions import needs
from flows.contact_hours import LAWS
from flows.ladder import Ladder
from flows.ladder_parts import Track

_EVENTS = 20
_AHEAD = timedelta(days=10)
_FIRST_YEAR, _LAST_YEAR = 2000, 2090  # of due dates; the movable holidays are known for them


@needs("finance", "agent")
async def show(request: web.Request, session: Session) -> web.StreamResponse:
    """The ladder in force and its calendar."""
    parts = request.app[PARTS]
    now = parts.clock.now()
    ladder = await parts.ladders.in_force(now)
    async with parts.pool.acquire() as conn:
        switch = await channel_switch.switch(request, conn, session, back="/finance/ladders")
        state, events = await channel.state(conn), await channel.history(conn, _EVENTS)
        noticed = await notice_list.lines(parts, conn)
        month = await month_so_far(parts, conn, ladder, now)
        rolled = await _rolled_out(parts, conn, ladder, now) if ladder is not None else {}
    return page(
        request,
        "finance_ladders.html",
        session=session,
        switch=switch.html,
        noticed=noticed,
        may_see=session.role in ("finance", "admin"),
        file=parts.settings.ladder.name if parts.settings.ladder is not None else "",
        checked=_checked(parts),
        ladder=ladder,
        month=month,
        told=channel_words.told(state, parts.texts),
        events=channel_words.history(events, parts.texts, partial(dated, parts)),
        **(_of(request, ladder, now) if ladder is not None else {}),
        **rolled,
        **_simulated(parts, ladder),
    )


def routes() -> list[web.RouteDef]:
    """The ladder's address."""
    return [web.get("/finance/ladders", show)]


def _of(request: web.Request, ladder: Ladder, now: datetime) -> dict[str, Any]:
    """What the page says of a ladder."""
    parts, texts = request.app[PARTS], request.app[PARTS].texts
    today = now.astimezone(ladder.timezone).date()
    asked = request.query.get("due", "")
    due = due_of(asked)
    track = _track(ladder, request.query.get("track"))
    shown = due or today + _AHEAD
    return {
        "hours": ladder_words.opening_hours(ladder, texts),
        "limits": ladder_words.limits(ladder, texts),
        "tracks": [(one.name, ladder_words.whose(one, ladder, texts)) for one in ladder.tracks],
        "track": track.name,
        "due": shown,
        "is_unclear": bool(asked) and due is None,
        "calendar": drawn(ladder, track, shown, today=today, templates=parts.templates, texts=texts),
        "weekday": lambda day: ladder_words.weekday(day, texts),
        "law_states": ", ".join(sorted(LAWS)),
    }


async def _rolled_out(parts: Parts, conn: Any, ladder: Ladder, now: datetime) -> dict[str, Any]:
    """How far a ladder that is rolled out in stages has come, and whether it stopped by its own rule."""
    if ladder.rollout is None:
        return {"rolled": None}
    took = await ladder_versions.figures(conn, ladder.digest)
    reach = await rollout.reach(conn, ladder, now)
    return {
        "rolled": took,
        "is_stopped": not reach,
        "reach": ladder_words.share(reach),
        "stop_percent": parts.texts.percent(ladder.rollout.stop_percent),
    }


def _simulated(parts: Parts, ladder: Ladder | None) -> dict[str, Any]:
    """What the page says of the last simulation."""
    run, texts = simulation_plot.last_simulation(parts.settings.home), parts.texts
    if run is None:
        return {"run": None}
    return {
        "run": run,
        "run_on": dated(parts, run.ran_at),
        "run_cost": format_currency(run.cost, run.currency, locale=texts.locale)
        if run.cost is not None and run.currency
        else "",
        "run_is_other": ladder is not None and run.ladder is not None and run.ladder.digest != ladder.digest,
        "days_plot": simulation_plot.by_day(run),
        "hours_plot": simulation_plot.by_hour(run),
        "weeks": simulation_plot.by_week(run),
        "whole": lambda count: format_decimal(count, locale=texts.locale),
    }


def due_of(text: str) -> date | None:
    """Return the due date of an address (2026-11-20); None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if len(text) == len("2026-11-20") and _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def _track(ladder: Ladder, name: str | None) -> Track:
    return (ladder.track(name) if name is not None else None) or ladder.tracks[0]


def _checked(parts: Parts) -> Checked | None:
    """The check of the file as it lies there now; None where there is none, or it cannot be read."""
    if parts.settings.ladder is None:
        return None
    try:
        return check_ladder(parts.settings.ladder, parts.settings.templates, creditor=parts.settings.creditor_name)
    except OSError:
        return None
