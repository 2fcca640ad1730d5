"""A conversation as people read it: bubbles, notes and events by day, from the lines of the journal.

Nothing is decided or fetched here. A kind of line that this version does not know is shown quietly, never left out.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.store.tickets import Line
from bot.web.desk_words import media_words, reason_words
from bot.web.rendering import clock_time, plain, say
from bot.web.special_words import TOLD
from flows.wording import Texts

Body = Mapping[str, Any]
_PREVIEW_CHARACTERS = 120
_PIX_CODE = "000201"  # how every Pix copy-and-paste code begins

# Lines that tell of something and have no numbers in them.
_PLAIN_EVENTS = {
    "identified": "Confirmed who they are",
    "identity_forgotten": "Has to confirm anew who they are",
    "contact_closed": "Said to be somebody else: this contact is closed",
    "opted_out": "Asked for no more messages",
    "opted_in": "Messages are welcome again",
    "charge_cancelled": "Pix charge taken back",
    "handed_back": "Handed back to the robot",
    "closed": "Conversation closed by the agent",
}
_GOOD = frozenset({"paid", "agreed"})
PAPERS = {
    "terms": "Terms of agreement",
    "quittance": "Quittance",
    "receipt": "Payment receipt",
    "calendar": "Payment calendar",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What became of a message of ours: a mark, and its words."""

    mark: str  # waiting | sent | delivered | read | failed | unsure
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line as it is shown. `side`: person, bot, agent (bubbles), note, event, good (a line in the middle)."""

    side: str
    text: str
    at: str
    who: str = ""
    chips: tuple[str, ...] = ()
    media: str = ""  # what was sent instead of text
    pressed: bool = False
    picture: bool = False
    link: str | None = None
    is_code: bool = False
    tick: Tick | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The lines of one local day."""

    title: str
    items: tuple[Item, ...]


def days(lines: Sequence[Line], *, texts: Texts, zone: ZoneInfo, today: date) -> list[Day]:
    """Return the transcript by local day, oldest first."""
    found: dict[date, list[Item]] = {}
    for line in _without_repeats(lines):
        item = item_of(line, texts=texts, zone=zone)
        found.setdefault(line.at.astimezone(zone).date(), []).append(item)
    return [Day(title=day_words(on, today, texts), items=tuple(items)) for on, items in found.items()]


def item_of(line: Line, *, texts: Texts, zone: ZoneInfo) -> Item:
    """Return one line as it is shown."""
    body, at = json.loads(line.body), clock_time(line.at, zone)
    match line.kind:
        case "heard":
            return _heard(body, at, texts)
        case "said":
            return _said(body, at, tick_of(line, texts))
        case "agent_said":
            return Item(
                side="agent", text=_text(body), at=at, who=plain(str(body.get("agent", ""))), tick=tick_of(line, texts)
            )
        case "note":
            return Item(side="note", text=_text(body), at=at)
        case kind:
            return Item(side="good" if kind in _GOOD else "event", text=event_words(kind, body, texts), at=at)


def on_its_way(text: str, agent: str, at: datetime, *, texts: Texts, zone: ZoneInfo) -> Item:
    """Return what an agent wrote while its turn is still to come."""
    tick = Tick(mark="waiting", words=texts("on its way"))
    return Item(side="agent", text=text, at=clock_time(at, zone), who=plain(agent), tick=tick)


def preview(heard: str | None, texts: Texts) -> str:
    """Return the last thing that a person sent, in one short line, from its journal body."""
    if heard is None:
        return ""
    body = json.loads(heard)
    text = body.get("text") or body.get("title") or body.get("caption")
    return plain(str(text))[:_PREVIEW_CHARACTERS] if text else media_words(str(body.get("kind", "")), texts)


def event_words(kind: str, body: Body, texts: Texts) -> str:
    """Return the sentence for something that happened."""
    if kind in _PLAIN_EVENTS:
        return texts(_PLAIN_EVENTS[kind])
    told = _EVENTS.get(kind)
    if told is not None:
        try:
            return told(body, texts)
        except (KeyError, TypeError, ValueError):  # written by another version: the kind is still worth a line
            pass
    return plain(kind).replace("_", " ")


def tick_of(line: Line, texts: Texts) -> Tick | None:
    """Return what became of the message that `line` tells of."""
    if line.state is None:
        return None
    if line.state == "failed" or line.status == "failed":
        code = f" ({line.error_code})" if line.error_code else ""
        return Tick(mark="failed", words=texts("not delivered") + code)
    if line.state == "cancelled":
        return Tick(mark="failed", words=texts("not sent"))
    if line.status in ("delivered", "read"):
        return Tick(mark=line.status, words=texts("delivered") if line.status == "delivered" else texts("read"))
    if line.state == "unknown":
        return Tick(mark="unsure", words=texts("perhaps not sent"))
    if line.state == "accepted":
        return Tick(mark="sent", words=texts("sent"))
    return Tick(mark="waiting", words=texts("on its way"))


def day_words(on: date, today: date, texts: Texts) -> str:
    """Return "hoje", "ontem" or the date."""
    if on == today:
        return texts("today")
    return texts("yesterday") if on == today - timedelta(days=1) else texts.day(on)


def _heard(body: Body, at: str, texts: Texts) -> Item:
    if "text" in body:
        return Item(side="person", text=_text(body), at=at)
    if "title" in body:
        return Item(side="person", text=str(body["title"]), at=at, pressed=True)
    kind = str(body.get("kind", ""))
    return Item(side="person", text=str(body.get("caption") or ""), at=at, media=media_words(kind, texts))


def _said(body: Body, at: str, tick: Tick | None) -> Item:
    text = _text(body)
    return Item(
        side="bot",
        text=text,
        at=at,
        chips=tuple(plain(str(title)) for title in body.get("choices") or ()),
        picture=bool(body.get("picture")),
        link=body.get("link"),
        is_code=text.startswith(_PIX_CODE),
        tick=tick,
    )


def _text(body: Body) -> str:
    return str(body.get("text", ""))


def _without_repeats(lines: Iterable[Line]) -> Iterable[Line]:
    """A list of offers writes one line for each: of neighbours only the last is kept."""
    before: Line | None = None
    for line in lines:
        if before is not None and not (before.kind == line.kind == "offered"):
            yield before
        before = line
    if before is not None:
        yield before


def _paid(body: Body, texts: Texts) -> str:
    words = say(texts, "Payment of {amount} confirmed", amount=texts.money(body["amount_cents"]))
    if body.get("surplus_cents"):
        words += " · " + say(texts, "{amount} too much, kept in suspense", amount=texts.money(body["surplus_cents"]))
    return words


def _iso_day(text: str, texts: Texts) -> str:
    return texts.day(date.fromisoformat(text))


_EVENTS: Mapping[str, Callable[[Body, Texts], str]] = {
    "wrong_answer": lambda b, t: say(t, "Wrong answer to the question who they are ({tries})", tries=int(b["tries"])),
    "offered": lambda b, t: t("Offers shown"),
    "agreed": lambda b, t: say(t, "Agreement made: {amount} in all", amount=t.money(b["total_cents"])),
    "agreement_ended": lambda b, t: say(
        t, "Agreement ended; {amount} of principal is open", amount=t.money(b["open_principal_cents"])
    ),
    "date_moved": lambda b, t: say(t, "Payment {n} moved to {day}", n=int(b["n"]), day=_iso_day(b["due_on"], t)),
    "promised": lambda b, t: say(t, "Promised to pay until {day}", day=_iso_day(b["until"], t)),
    "charged": lambda b, t: say(
        t,
        "Pix charge of {amount}, valid until {day}",
        amount=t.money(b["amount_cents"]),
        day=_iso_day(b["pay_until"], t),
    ),
    "paid": _paid,
    "returned": lambda b, t: say(t, "{amount} of a payment went back", amount=t.money(b["amount_cents"])),
    "ticket_opened": lambda b, t: say(t, "Waits for a person: {reason}", reason=reason_words(str(b["reason"]), t)),
    "paper": lambda b, t: say(t, "Document kept: {paper}", paper=t(PAPERS[b["kind"]])),
    "paper_not_made": lambda b, t: say(t, "Document not made: {paper}", paper=t(PAPERS[b["kind"]])),
    "exception": lambda b, t: say(t, TOLD.get(str(b["what"]), ""), name=plain(str(b["by"]))),
    "claimed": lambda b, t: say(t, "{agent} took the conversation", agent=plain(str(b["agent"]))),
}
