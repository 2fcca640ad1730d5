"""What happened with a customer, and what is in store for them, in words."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.engine.ladder_outlook import Nothing, Outlook
from bot.store.customer_timeline import Happened
from bot.web import ladder_words
from bot.web.rendering import plain, say
from bot.web.transcript import Item, item_of
from flows.schedule import Scheduled
from flows.statement import Line as StatementLine
from flows.wording import Texts

_ANSWER = re.compile(r"\s*\d{3}\s*")
_CODE_SHOWN = 24
SILENT: Mapping[str, str] = {
    "ticket": "a person of the team is looking after them",
    "contact_closed": "who answers at this number said to be somebody else",
    "opted_out": "they asked for no more messages",
    "other_person": "this chat is confirmed as another customer's",
    "other_chat": "they are confirmed in another chat",
    "not_here": "the number on record belongs to another customer",
    "unreachable": "WhatsApp could not deliver to this number",
    "no_consent": "they did not agree to be reminded, and the ladder asks for that",
    "rollout": "the new ladder has not reached them yet",
    "ceiling": "the month's ceiling of costs is reached",
}
_NOTHING: Mapping[Nothing, str] = {
    "no_ladder": "No ladder is in force, so nobody is reminded.",
    "no_phone": "There is no phone to reach them at.",
    "not_planned": "The next step is not planned yet; it will be in about a minute.",
}
_PASSED = {
    "ticket": "people were called instead",
    "no_template": "its template is missing",
    "no_code": "no payment code could be made",
    "no_first_contact": "the template of the first contact cannot be used",
    "unconfirmed": "nobody has confirmed who they are, and it was asked lately",
    "no_marketing_consent": "they did not agree to marketing messages",
}
_DECIDED = {
    "allocate": "{by} used {amount} of a payment for a debt",
    "refund": "{by} sent {amount} of a payment back",
    "credit": "{by} kept {amount} of a payment as credit",
}
_LEDGER = {
    "opened": "Brought in",
    "changed": "Amount changed",
    "agreed": "Agreement: its payments take the debt's place",
    "paid": "Paid",
    "returned": "Sent back",
    "ended": "Agreement ended",
    "settled": "Agreement kept to the end",
    "cancelled": "Cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the timeline. `text` as it was typed; `by` says whose words they are, or is empty."""

    at: str
    iso: str
    by: str
    text: str
    more: str = ""


def told(happened: Happened, texts: Texts, zone: ZoneInfo) -> Told:
    """Return one line in words."""
    line = happened.line
    local = line.at.astimezone(zone)
    item = _own(happened, texts) or item_of(line, texts=texts, zone=zone)
    more = [*item.chips, *([item.media] if item.media else []), *([item.tick.words] if item.tick else [])]
    return Told(
        at=f"{texts.day(local.date())} {local:%H:%M}",
        iso=local.isoformat(timespec="seconds"),
        by=_by(item, texts),
        text=_shown(item),
        more=" · ".join(plain(one) for one in more),
    )


def tellable(happened: Sequence[Happened]) -> Iterator[Happened]:
    """Yield the lines without repeats: a list of offers is one line of the journal for each of them."""
    before = None
    for one in happened:
        if not (before == one.line.kind == "offered"):
            yield one
        before = one.line.kind


def _shown(item: Item) -> str:
    """What was said. The answer to who somebody is stays hidden, as in the document; a payment code is only begun."""
    if item.side == "person" and _ANSWER.fullmatch(item.text):
        return "•••"
    return f"{item.text[:_CODE_SHOWN]}…" if item.is_code else item.text


def _own(happened: Happened, texts: Texts) -> Item | None:
    """The lines that no desk shows."""
    kind, body = happened.line.kind, json.loads(happened.line.body)
    if happened.place.source == 0 and kind == "passed":
        why = texts(_PASSED[body["because"]]) if body.get("because") in _PASSED else str(body.get("because"))
        return _event(say(texts, "A step of the ladder was passed over: {why}", why=why))
    if happened.place.source == 0:
        return None
    amount = texts.money(body["cents"])
    if kind == "decided":
        return _event(say(texts, _DECIDED[body["kind"]], by=plain(body["by"]), amount=amount), plain(body["note"]))
    if kind == "page_opened":
        return _event(say(texts, "Opened the payment page of {amount}", amount=amount))
    what = (
        "Debt brought in: {debt}, {amount}" if kind == "brought_in" else "Debt changed by an import: {debt}, {amount}"
    )
    name = f"{plain(body['description'])} ({plain(body['debt'])})"
    return _event(say(texts, what, debt=name, amount=amount), plain(body["by"] or ""))


def _event(text: str, more: str = "") -> Item:
    return Item(side="event", text=text, at="", media=more)


def _by(item: Item, texts: Texts) -> str:
    names = {"person": "Customer", "bot": "Robot", "note": "Note"}
    if item.side == "agent":
        return item.who
    return texts(names[item.side]) if item.side in names else ""


def outlook_words(found: Outlook, texts: Texts) -> tuple[str, ...]:
    """Return what holds for all that a customer owes."""
    if found.nothing is not None:
        return (texts(_NOTHING[found.nothing]),)
    said: list[str] = []
    if found.schedule is not None and found.schedule.silent is not None:
        why = texts(SILENT[found.schedule.silent])
        said.append(say(texts, "No reminder goes out: {why}.", why=why))
    if found.stands_still:
        said.append(texts("All reminders stand still: the channel is paused or restricted."))
    if found.schedule is not None and not found.schedule.items:
        said.append(texts("Nothing is owed, so nothing is scheduled."))
    return tuple(said)


def scheduled_words(one: Scheduled, texts: Texts, zone: ZoneInfo) -> str:
    """Return what comes next for one debt, and why."""
    match one.because:
        case "promised":
            assert isinstance(one.at, date)
            return say(texts, "Quiet until the promise is over; asked about it on {day}", day=texts.day(one.at))
        case "prescribed":
            return texts("Not asked for any more: it is past its prescription")
        case "over":
            return texts("The ladder has no further step for it")
        case "due" if one.at is None:
            return say(texts, "Due now but not sent: {step}", step=_step(one, texts))
        case "due" | "step":
            assert isinstance(one.at, datetime)
            local = one.at.astimezone(zone)
            when = f"{texts.day(local.date())} {local:%H:%M}"
            return say(texts, "{when}: {step}", when=when, step=_step(one, texts))


def _step(one: Scheduled, texts: Texts) -> str:
    assert one.step is not None
    assert one.day is not None
    what = (
        say(texts, 'message "{template}"', template=one.step.template)
        if one.step.template is not None
        else say(texts, 'ticket in the queue "{queue}"', queue=one.step.ticket)
    )
    condition = f", {ladder_words.condition(one.step.when, texts)}" if one.step.when is not None else ""
    track = say(texts, 'track "{track}"', track=one.track)
    return f"{what}, {ladder_words.counted(one.day, texts)} ({track}{condition})"


def ledger_words(line: StatementLine, texts: Texts) -> str:
    """Return what a line of a debt's statement says."""
    return texts(_LEDGER[line.kind])
