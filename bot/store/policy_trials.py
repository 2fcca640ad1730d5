"""Trials of policies: begun, going on, ended; of each policy the newest is kept."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from flows.facts import Debt
from flows.policy_trial import Tally

QUIET = timedelta(seconds=30)  # so long without a sign of life, a trial has been cut off

FORGET = "DELETE FROM policy_trial WHERE digest = $1"
BEGIN = """
INSERT INTO policy_trial (digest, against, by_id, of_file, on_day, begun_at, heard_at, debts, left_out)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8) RETURNING id
"""
# Debts that came in since it was begun are weighed too, though they were not counted then.
GO_ON = """
UPDATE policy_trial SET done = least($2, debts), heard_at = $3 WHERE id = $1 AND ended_at IS NULL RETURNING id
"""
END = "UPDATE policy_trial SET done = debts, heard_at = $2, ended_at = $2, result = $3 WHERE id = $1"
NEWEST = """
SELECT t.id, t.digest, t.against, u.name AS by_name, t.of_file, t.on_day, t.begun_at, t.heard_at, t.debts, t.left_out,
       t.done, t.ended_at, t.result
FROM   policy_trial t JOIN app_user u ON u.id = t.by_id WHERE t.digest = $1 ORDER BY t.id DESC LIMIT 1
"""
COUNT = "SELECT count(*) FROM debt WHERE state = 'open' AND open_principal_cents > 0"
SOME = """
SELECT customer_id, id, external_id, description, principal_cents, open_principal_cents, due_on, tags, state,
       interest_from, interest_carried_cents, fine_paid_cents, promised_until
FROM   debt
WHERE  state = 'open' AND open_principal_cents > 0 AND id > $1
ORDER  BY id LIMIT $2
"""
ONE = """
SELECT customer_id, id, external_id, description, principal_cents, open_principal_cents, due_on, tags, state,
       interest_from, interest_carried_cents, fine_paid_cents, promised_until
FROM   debt WHERE id = $1 AND open_principal_cents > 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial; `result` is there when it has ended."""

    id: int
    digest: str
    against: str | None
    by_name: str
    of_file: bool
    on_day: date
    begun_at: datetime
    heard_at: datetime
    debts: int
    left_out: int
    done: int
    ended_at: datetime | None
    result: Tally | None

    def is_cut_off(self, now: datetime) -> bool:
        """Whether it was killed on its way: it can be begun again."""
        return self.ended_at is None and now - self.heard_at > QUIET


async def begin(
    conn: Any,
    *,
    digest: str,
    against: str | None,
    by_id: int,
    of_file: bool,
    on_day: date,
    debts: int,
    now: datetime,
    left_out: int = 0,
) -> int:
    """Begin a trial; an earlier one of the same policy is gone. `left_out`: lines of the file that cannot be read.
    Inside a transaction."""
    await conn.execute(FORGET, digest)
    trial_id: int = await conn.fetchval(BEGIN, digest, against, by_id, of_file, on_day, now, debts, left_out)
    return trial_id


async def go_on(conn: Any, trial_id: int, *, done: int, now: datetime) -> bool:
    """Give a sign of life; False: somebody began the trial anew, this one is not wanted any more."""
    return await conn.fetchval(GO_ON, trial_id, done, now) is not None


async def end(conn: Any, trial_id: int, tally: Tally, now: datetime) -> None:
    """Keep what came out."""
    await conn.execute(END, trial_id, now, msgspec.json.encode(tally).decode())


async def newest(conn: Any, digest: str) -> Trial | None:
    """Return the newest trial of a policy."""
    row = await conn.fetchrow(NEWEST, digest)
    if row is None:
        return None
    result = msgspec.json.decode(row["result"], type=Tally) if row["result"] is not None else None
    return Trial(**{**row, "result": result})


async def count(conn: Any) -> int:
    """Return how many debts are open and have no agreement."""
    return int(await conn.fetchval(COUNT))


async def some(conn: Any, *, after: int, limit: int) -> list[tuple[int, Debt]]:
    """Return the next open debts by their number, each with its customer; what was paid late before is not in them."""
    return [_debt(row) for row in await conn.fetch(SOME, after, limit)]


async def one(conn: Any, debt_id: int) -> tuple[int, Debt] | None:
    """Return one debt with its customer."""
    row = await conn.fetchrow(ONE, debt_id)
    return _debt(row) if row is not None else None


def _debt(row: Any) -> tuple[int, Debt]:
    facts = dict(row)
    customer_id: int = facts.pop("customer_id")
    return customer_id, Debt(**{**facts, "tags": frozenset(row["tags"])})
