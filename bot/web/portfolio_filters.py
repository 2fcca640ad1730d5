"""The filters of the portfolio as they stand in its address: read from it, and written for its links. Nobody's name,
number or document is one of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar
from urllib.parse import urlencode

from bot.store.portfolio_list import STATES, WHOSE, Filter, Place, State, Who
from bot.web.rendering import printable

ADDRESS = "/finance/portfolio"
BANDS: Mapping[str, tuple[int | None, int | None]] = {
    "to_come": (None, 0),
    "1-30": (1, 30),
    "31-60": (31, 60),
    "61-90": (61, 90),
    "91-180": (91, 180),
    "181-": (181, None),
}
"""Days since the due date, both ends inside."""
_REAIS = re.compile(r"([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,10})(?:,([0-9]{2}))?", re.ASCII)
_AFTER = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([1-9][0-9]{0,17})", re.ASCII)
_TAG_CHARACTERS = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks for. `unclear` are the fields that nobody can read: they are left out, and told."""

    filter: Filter
    fields: Mapping[str, str]
    after: Place | None
    unclear: tuple[str, ...] = ()

    def address(self, *, ending: str = "", after: Place | None = None, **changed: str) -> str:
        """Return the address of the same with something changed; an empty text takes a filter away."""
        fields = {name: value for name, value in {**self.fields, **changed}.items() if value}
        if after is not None:
            fields["after"] = f"{after.due_on}.{after.id}"
        return ADDRESS + ending + ("?" + urlencode(fields) if fields else "")


def asked_for(query: Mapping[str, str], today: date) -> Asked:
    """Return what an address asks for; without any filter what is open."""
    unclear: list[str] = []

    def read_date(name: str) -> date | None:
        return _noted(unclear, name, query.get(name, "").strip(), _date)

    def read_cents(name: str) -> int | None:
        return _noted(unclear, name, query.get(name, "").strip(), _cents)

    state: State | None = next((one for one in STATES if one == query.get("state", "open")), None)
    who: Who | None = next((one for one in WHOSE if one == query.get("who")), None)
    late = query.get("late", "") if query.get("late", "") in BANDS else ""
    due_from, due_to = read_date("due_from"), read_date("due_to")
    first, last = _due_range(BANDS[late], today) if late else (None, None)
    tag = printable(query.get("tag", "")).strip()[:_TAG_CHARACTERS]
    wanted = Filter(
        state=state,
        due_from=max(filter(None, (due_from, first)), default=None),
        due_to=min(filter(None, (due_to, last)), default=None),
        cents_min=read_cents("min"),
        cents_max=read_cents("max"),
        tag=tag or None,
        who=who,
    )
    fields = {
        "state": state or "all",
        "late": late,
        "due_from": due_from.isoformat() if due_from else "",
        "due_to": due_to.isoformat() if due_to else "",
        "min": query.get("min", "").strip() if wanted.cents_min is not None else "",
        "max": query.get("max", "").strip() if wanted.cents_max is not None else "",
        "tag": tag,
        "who": who or "",
    }
    return Asked(filter=wanted, fields=fields, after=_after(query.get("after", "")), unclear=tuple(unclear))


def _noted(unclear: list[str], name: str, text: str, read: Callable[[str], T | None]) -> T | None:
    value = read(text) if text else None
    if text and value is None:
        unclear.append(name)
    return value


def _due_range(days: tuple[int | None, int | None], today: date) -> tuple[date | None, date | None]:
    fewest, most = days
    first = today - timedelta(days=most) if most is not None else None
    return first, today - timedelta(days=fewest) if fewest is not None else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _cents(text: str) -> int | None:
    match = _REAIS.fullmatch(text.replace("R$", "").strip())
    return int(match[1].replace(".", "")) * 100 + int(match[2] or 0) if match else None


def _after(text: str) -> Place | None:
    match = _AFTER.fullmatch(text)
    day = _date(match[1]) if match else None
    return Place(due_on=day, id=int(match[2])) if match and day is not None else None
