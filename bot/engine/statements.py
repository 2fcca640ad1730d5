"""Taking in a bank statement: what is certain becomes the very event that a provider's confirmation makes; the rest
waits in suspense for people, with what it may be for.

A batch of lines is one transaction, and a line is taken in once, so that the command may be killed and repeated at any
point. One statement at a time: what competes for a charge is seen.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, assert_never

from bot.engine.inbox import put_events
from bot.statements.lines import END_TO_END_ID, LineError, Statement, StatementLine
from bot.store import reconciliation, statements
from bot.store.statements import Became, TakenIn
from flows.events import PaymentConfirmed
from payments.matching import Certain, Credit, Match, Nobody, Proposed
from payments.matching import match as match_lines

BATCH = 500
_REMEMBERED = timedelta(days=400)  # charges older than that are matched by their txid only
_TOLD_OTHERWISE = timedelta(days=3)  # a bank may move a weekend's line to the next working day
_TEXT_CHARACTERS = 200
_AGAIN = (
    "may be a payment that an earlier statement told in another way; import the same kind of file as before, "
    "or say --other-account where it is of another account"
)
# What people at /finance/payments read; msgids.
REASONS = {
    "amount_several": "On a bank statement; more than one code asks for this amount",
    "amount_other_day": "On a bank statement; a code of this amount was for another day",
    "comes_back": "On a bank statement; its words say that it is money of your own",
    "nothing": "On a bank statement; no code asks for this amount",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many lines became what (booked, proposed, unknown, known), and which were left out for what they say."""

    counts: Counter[str]
    errors: tuple[LineError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    known: int
    new: Sequence[StatementLine]
    matched: Mapping[str, Match]
    errors: tuple[LineError, ...]


async def take_in(
    conn: Any,
    statement: Statement,
    *,
    zone: tzinfo,
    now: datetime,
    dry_run: bool = False,
    other_account: bool = False,
    batch_size: int = BATCH,
) -> Outcome:
    """Take in the credits of a statement. `zone` is the creditor's: a line, which has no hour, counts as noon there.

    With `dry_run` nothing is written. `other_account`: it is of an account of which no statement was taken in before,
    so a payment that looks like one of an earlier statement is another one.
    """
    if dry_run:
        return _outcome(await _plan(conn, statement, zone=zone, now=now, other_account=other_account))
    async with _alone(conn):
        plan = await _plan(conn, statement, zone=zone, now=now, other_account=other_account)
        for start in range(0, len(plan.new), batch_size):
            async with conn.transaction():
                batch = plan.new[start : start + batch_size]
                await _write(conn, statement.digest, batch, plan.matched, zone=zone, now=now)
    return _outcome(plan)


@asynccontextmanager
async def _alone(conn: Any) -> AsyncIterator[None]:
    await statements.lock(conn)
    try:
        yield
    finally:
        await statements.unlock(conn)


async def _plan(conn: Any, statement: Statement, *, zone: tzinfo, now: datetime, other_account: bool) -> _Plan:
    lines = statement.lines
    known = await statements.known(conn, [line.key for line in lines])
    new = [line for line in lines if line.key not in known]
    today = now.astimezone(zone).date()
    errors = {line.key: _error(line, "is a day to come") for line in new if line.booked_on > today}
    if not other_account:
        errors |= await _told_otherwise(conn, lines, new)
    new = [line for line in new if line.key not in errors]
    matched = await _matched(conn, new, zone=zone, now=now)
    return _Plan(known=len(known), new=new, matched=matched, errors=tuple(errors.values()))


def _error(line: StatementLine, reason: str) -> LineError:
    return LineError(line=line.line, field="date", reason=reason)


async def _told_otherwise(
    conn: Any, lines: Sequence[StatementLine], new: Sequence[StatementLine]
) -> dict[str, LineError]:
    """Return the lines that may be known under another key: an earlier statement had this amount in these days, in a
    line that this one should have too and has not. So it is when a bank's CSV follows its OFX. Two endToEndIds are two
    payments, whatever else is alike.
    """
    if not new:
        return {}
    told: dict[int, list[tuple[str, date]]] = defaultdict(list)
    for key, day, cents in await statements.missing(
        conn,
        first=min(line.booked_on for line in lines),
        last=max(line.booked_on for line in lines),
        amounts_cents=sorted({line.amount_cents for line in new}),
        keys=[line.key for line in lines],
    ):
        told[cents].append((key, day))
    return {
        line.key: LineError(line=line.line, field="", reason=_AGAIN)
        for line in new
        if any(_may_be(line, key, day) for key, day in told[line.amount_cents])
    }


def _may_be(line: StatementLine, key: str, day: date) -> bool:
    """Whether the line may be the one that was known by this key on that day."""
    two_of_the_bank = line.end_to_end_id is not None and END_TO_END_ID.fullmatch(key) is not None
    return not two_of_the_bank and abs(day - line.booked_on) <= _TOLD_OTHERWISE


async def _matched(conn: Any, lines: Sequence[StatementLine], *, zone: tzinfo, now: datetime) -> Mapping[str, Match]:
    """Match the lines, beside those of earlier statements on which nobody has decided yet: they compete, too."""
    amounts_cents = sorted({line.amount_cents for line in lines})
    found = await statements.candidates(
        conn,
        txids=sorted({txid for line in lines for txid in line.txids}),
        amounts_cents=amounts_cents,
        since=now - _REMEMBERED,
        zone=zone,
    )
    credits = [
        Credit(
            key=line.key,
            txids=line.txids,
            amount_cents=line.amount_cents,
            booked_on=line.booked_on,
            comes_back=line.comes_back,
        )
        for line in lines
    ]
    return match_lines([*credits, *await statements.undecided(conn, amounts_cents)], found)


async def _write(
    conn: Any, digest: str, lines: Sequence[StatementLine], matched: Mapping[str, Match], *, zone: tzinfo, now: datetime
) -> None:
    """Write what became of the lines, inside the caller's transaction."""
    charges = {line.key: m.charge_id for line in lines if isinstance(m := matched[line.key], Certain)}
    taken_in = [
        TakenIn(
            key=line.key,
            line=line.line,
            booked_on=line.booked_on,
            amount_cents=line.amount_cents,
            outcome=_became(matched[line.key]),
            charge_id=charges.get(line.key),
        )
        for line in lines
    ]
    await statements.keep(conn, digest, taken_in, now)
    homes = await statements.homes(conn, sorted(set(charges.values())))
    events = []
    for line in lines:
        paid_at = min(datetime.combine(line.booked_on, time(12), zone).astimezone(UTC), now)
        if line.key in charges:
            home = homes[charges[line.key]]
            event = PaymentConfirmed(
                end_to_end_id=line.key,
                amount_cents=line.amount_cents,
                paid_at=paid_at,
                charge_no=home["no"],
                txid=home["txid"],
            )
            events.append((f"p:{line.key}", home["conversation_id"], event))
        else:
            await reconciliation.keep_unknown(
                conn,
                end_to_end_id=line.key,
                txid=line.txids[0] if line.txids else None,
                amount_cents=line.amount_cents,
                paid_at=paid_at,
                source="statement",
                proposal=_proposal(line, matched[line.key]),
                now=now,
            )
    if events:
        await put_events(conn, source="provider", events=events, now=now)


def _proposal(line: StatementLine, found: Match) -> dict[str, Any]:
    """What people are shown to decide by, with the bank's own words."""
    proposal: dict[str, Any] = {"reason": REASONS["nothing"], "text": line.text[:_TEXT_CHARACTERS]}
    if isinstance(found, Proposed):
        proposal |= {"reason": REASONS[found.why], "charge_id": found.charge_ids[0]}
    return proposal


def _outcome(plan: _Plan) -> Outcome:
    counts = Counter(known=plan.known)
    counts.update(_became(plan.matched[line.key]) for line in plan.new)
    return Outcome(counts=counts, errors=plan.errors)


def _became(found: Match) -> Became:
    match found:
        case Certain():
            return "booked"
        case Proposed():
            return "proposed"
        case Nobody():
            return "unknown"
        case _:
            assert_never(found)
