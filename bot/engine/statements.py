"""Taking in a bank statement: what is certain becomes the very event that a provider's confirmation makes; the rest
waits in suspense for people, with what it may be for.

A batch of lines is one transaction, and a line is taken in once, so that the command may be killed and repeated at any
point, or run twice at once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from bot.engine.inbox import put_events
from bot.statements.lines import StatementLine
from bot.store import reconciliation, statements
from bot.store.statements import TakenIn
from flows.events import PaymentConfirmed
from payments.matching import Certain, Credit, Match, match

BATCH = 500
_REMEMBERED = timedelta(days=400)  # charges older than that are matched by their txid only
# What people at /finance/payments read; msgids.
REASONS = {
    "amount_several": "On a bank statement; more than one code asks for this amount",
    "amount_other_day": "On a bank statement; a code of this amount was for another day",
    "nothing": "On a bank statement; no code asks for this amount",
}


@dataclass(slots=True)
class Outcome:
    """How many lines became what."""

    counts: Counter[str] = field(default_factory=Counter)


async def take_in(
    conn: Any, lines: Sequence[StatementLine], *, zone: tzinfo, now: datetime, dry_run: bool = False
) -> Outcome:
    """Take in the credits of a statement. `zone` is the creditor's: a line without an hour counts as noon there.

    With `dry_run` nothing is written.
    """
    outcome = Outcome()
    for start in range(0, len(lines), BATCH):
        batch = lines[start : start + BATCH]
        async with conn.transaction():
            outcome.counts.update(await _batch(conn, batch, lines, zone=zone, now=now, dry_run=dry_run))
    return outcome


async def _batch(
    conn: Any,
    batch: Sequence[StatementLine],
    all_lines: Sequence[StatementLine],
    *,
    zone: tzinfo,
    now: datetime,
    dry_run: bool,
) -> Counter[str]:
    known = await statements.known(conn, [line.key for line in batch])
    new = [line for line in batch if line.key not in known]
    # A line competes with every line of the file, not only with those of its batch.
    amounts = {line.amount_cents for line in new}
    rivals = [line for line in all_lines if line.amount_cents in amounts and line.key not in known]
    matched = await _matched(conn, rivals, zone=zone, now=now)
    counts = Counter(known=len(known))
    counts.update(_outcome(matched[line.key]) for line in new)
    if dry_run or not new:
        return counts
    kept = await statements.keep(
        conn,
        [
            TakenIn(
                key=line.key,
                booked_on=line.booked_on,
                amount_cents=line.amount_cents,
                outcome=_outcome(matched[line.key]),
            )
            for line in new
        ],
        now,
    )
    await _write(conn, [line for line in new if line.key in kept], matched, zone=zone, now=now)
    return counts


async def _matched(conn: Any, lines: Sequence[StatementLine], *, zone: tzinfo, now: datetime) -> dict[str, Match]:
    found = await statements.candidates(
        conn,
        txids=sorted({txid for line in lines for txid in line.txids}),
        amounts_cents=sorted({line.amount_cents for line in lines}),
        since=now - _REMEMBERED,
        zone=zone,
    )
    credits = [
        Credit(key=line.key, txids=line.txids, amount_cents=line.amount_cents, booked_on=line.booked_on)
        for line in lines
    ]
    return dict(match(credits, found))


async def _write(
    conn: Any, lines: Sequence[StatementLine], matched: dict[str, Match], *, zone: tzinfo, now: datetime
) -> None:
    certain = {line.key: m.charge_id for line in lines if isinstance(m := matched[line.key], Certain)}
    homes = await statements.homes(conn, sorted(set(certain.values())))
    events = []
    for line in lines:
        paid_at = _noon(line.booked_on, zone)
        if (charge_id := certain.get(line.key)) is not None:
            home = homes[charge_id]
            event = PaymentConfirmed(
                end_to_end_id=line.key,
                amount_cents=line.amount_cents,
                paid_at=paid_at,
                charge_no=home["no"],
                txid=home["txid"],
            )
            events.append((f"p:{line.key}", home["conversation_id"], event))
            continue
        proposed = matched[line.key]
        assert not isinstance(proposed, Certain)
        proposal: dict[str, Any] = {"reason": REASONS[proposed.why], "text": line.text[:200]}
        if proposed.charge_ids:
            proposal["charge_id"] = proposed.charge_ids[0]
        await reconciliation.keep_unknown(
            conn,
            end_to_end_id=line.key,
            txid=line.txids[0] if line.txids else None,
            amount_cents=line.amount_cents,
            paid_at=paid_at,
            source="statement",
            proposal=proposal,
            now=now,
        )
    if events:
        await put_events(conn, source="provider", events=events, now=now)


def _outcome(found: Match) -> str:
    if isinstance(found, Certain):
        return "booked"
    return "proposed" if found.charge_ids else "unknown"


def _noon(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(12), zone)
