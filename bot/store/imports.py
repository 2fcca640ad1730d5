"""Debts in: what the rows of a debts file change, decided first and written set by set.

`external_id` is the key. Only an open debt is changed: what is agreed, paid or cancelled stays as it is, and a row that
wants it otherwise is refused. An empty phone, e-mail or opt-in in the file leaves the one on record. The same rows
again change nothing. What a debt is asked for is in the ledger, and charges that ask for what it is no longer are taken
back. One import at a time; all of it or nothing is written. Lock order: conversation, debt, charge, outbox.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar

from bot.debts_csv import DebtRow, RowError
from bot.store import ledger
from payments.ledger import brought_in, changed_key, debt_account, opened_key

_ONE_AT_A_TIME = 0x61636572746F01  # "acerto", 1
_BATCH = 20_000
T = TypeVar("T")

LOCK = "SELECT pg_advisory_xact_lock($1)"
# `confirmed`: somebody has shown to be this customer, so another document would be another person.
CUSTOMERS = """
SELECT c.external_id, c.name, c.document, c.phone, c.email, c.opt_in,
       EXISTS (SELECT FROM conversation v WHERE v.customer_id = c.id) AS confirmed
FROM   customer c WHERE c.external_id = any($1::text[])
"""
DEBTS = """
SELECT d.external_id, c.external_id AS customer_id, d.description, d.principal_cents, d.open_principal_cents, d.due_on,
       d.tags, d.state
FROM   debt d JOIN customer c ON c.id = d.customer_id WHERE d.external_id = any($1::text[])
"""
INSERT_CUSTOMERS = """
INSERT INTO customer (external_id, name, document, phone, email, opt_in, created_at, updated_at)
SELECT n.*, $7, $7 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS n
"""
UPDATE_CUSTOMERS = """
UPDATE customer c
SET    name = n.name, document = n.document, phone = n.phone, email = n.email, opt_in = n.opt_in, updated_at = $7
FROM   unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
       AS n(external_id, name, document, phone, email, opt_in)
WHERE  c.external_id = n.external_id
"""
INSERT_DEBTS = """
INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on, tags,
                  created_at, updated_at)
SELECT n.external_id, c.id, n.description, n.cents, n.cents, n.due_on, string_to_array(n.tags, ';'), $7, $7
FROM   unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::date[], $6::text[])
       AS n(external_id, customer_id, description, cents, due_on, tags)
JOIN   customer c ON c.external_id = n.customer_id
RETURNING id, principal_cents
"""
# Turns of these people wait: nobody is told an amount that changes under the telling.
LOCK_CONVERSATIONS = """
SELECT v.id FROM conversation v JOIN customer c ON c.id = v.customer_id
WHERE  c.external_id = any($1::text[]) ORDER BY v.id FOR NO KEY UPDATE OF v
"""
# Only what still is as it was when the change was decided; the others are refused.
UPDATE_DEBTS = """
UPDATE debt d
SET    description = n.description, principal_cents = n.cents, open_principal_cents = n.open_cents, due_on = n.due_on,
       tags = string_to_array(n.tags, ';'), updated_at = $8
FROM   unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::date[], $7::text[])
       AS n(external_id, description, cents, open_cents, open_before, due_on, tags)
WHERE  d.external_id = n.external_id AND d.state = 'open' AND d.open_principal_cents = n.open_before
RETURNING d.external_id, d.id
"""
CHANGES_BEFORE = """
SELECT p.account, count(*) AS changes FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
WHERE  p.account = any($1::text[]) AND t.key LIKE 'debt:%:changed:%' GROUP BY p.account
"""
ASK_FOR = """
SELECT count(DISTINCT c.id)
FROM   debt d JOIN charge_debt a ON a.debt_id = d.id JOIN charge c ON c.id = a.charge_id
WHERE  d.external_id = any($1::text[]) AND c.state IN ('requested', 'active')
"""
# Codes that ask for what a debt was. Their debts are locked: no new one is made while this looks. In one order, that
# two who lock several charges do not wait for each other.
TAKE_BACK = """
WITH live AS (
    SELECT c.id FROM charge c
    WHERE  c.state IN ('requested', 'active')
    AND    c.id IN (SELECT a.charge_id FROM charge_debt a WHERE a.debt_id = any($1::bigint[]))
    ORDER  BY c.id FOR UPDATE
), taken AS (
    UPDATE charge c SET state = 'cancelled' FROM live WHERE c.id = live.id RETURNING c.id, c.conversation_id
)
INSERT INTO outbox (conversation_id, decision_key, kind, purpose, body, epoch, created_at)
SELECT t.conversation_id, 'import:' || t.id, 'cancel_charge', 'engine', jsonb_build_object('charge_id', t.id), v.epoch,
       $2
FROM   taken t JOIN conversation v ON v.id = t.conversation_id ORDER BY t.id
RETURNING id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure of one debt that is no longer what it was. Amounts in centavos."""

    line: int
    external_id: str
    field: str  # amount | due_date
    before: int | date
    after: int | date


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did, or would do, row by row."""

    created: int
    updated: int
    unchanged: int
    errors: tuple[RowError, ...]
    changes: tuple[Change, ...]
    charges_taken_back: int = 0  # codes that asked for what a debt is no longer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Debt:
    """A debt on record."""

    external_id: str
    customer_id: str
    description: str
    principal_cents: int
    open_principal_cents: int
    due_on: date
    tags: frozenset[str]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Customer:
    """What a file says, or the record has, of a person."""

    external_id: str
    name: str
    document: str
    phone: str | None
    email: str | None
    opt_in: str | None


@dataclass(slots=True)
class _Plan:
    """What is to be written."""

    new_customers: list[_Customer] = field(default_factory=list)
    changed_customers: list[_Customer] = field(default_factory=list)
    new_debts: list[DebtRow] = field(default_factory=list)
    changed_debts: list[tuple[DebtRow, _Debt]] = field(default_factory=list)
    touched: int = 0  # rows whose debt stays and whose customer changes
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    charges_taken_back: int = 0

    @property
    def asked_otherwise(self) -> list[tuple[DebtRow, _Debt]]:
        """The debts whose amount or day is another."""
        return [(r, d) for r, d in self.changed_debts if (r.amount_cents, r.due) != (d.principal_cents, d.due_on)]


async def import_debts(conn: Any, rows: Sequence[DebtRow], *, now: datetime, dry_run: bool = False) -> Imported:
    """Bring rows in and return what changed; with `dry_run` only tell. Opens a transaction of its own."""
    async with conn.transaction():
        await conn.execute(LOCK, _ONE_AT_A_TIME)
        customer_ids = list({row.customer_id for row in rows})
        stored = await conn.fetch(CUSTOMERS, customer_ids)
        customers = {
            row["external_id"]: _Customer(**{name: value for name, value in row.items() if name != "confirmed"})
            for row in stored
        }
        confirmed = {row["external_id"] for row in stored if row["confirmed"]}
        debts = {
            row["external_id"]: _Debt(**{**row, "tags": frozenset(row["tags"])})
            for row in await conn.fetch(DEBTS, [row.external_id for row in rows])
        }
        plan = _plan(rows, customers, confirmed, debts)
        if dry_run:
            ids = [row.external_id for row, _ in plan.asked_otherwise]
            plan.charges_taken_back = await conn.fetchval(ASK_FOR, ids) if ids else 0
        else:
            await _write(conn, plan, now)
    return _told(plan)


def _plan(
    rows: Sequence[DebtRow], customers: Mapping[str, _Customer], confirmed: set[str], debts: Mapping[str, _Debt]
) -> _Plan:
    plan = _Plan()
    good: list[DebtRow] = []
    for row in rows:
        error = _refusal(row, customers.get(row.customer_id), row.customer_id in confirmed, debts.get(row.external_id))
        if error is None:
            good.append(row)
        else:
            plan.errors.append(error)
    people = _people(good, customers)
    changed = {id_ for id_, person in people.items() if id_ in customers and customers[id_] != person}
    plan.new_customers = [person for id_, person in people.items() if id_ not in customers]
    plan.changed_customers = [people[id_] for id_ in changed]
    for row in good:
        debt = debts.get(row.external_id)
        if debt is None:
            plan.new_debts.append(row)
        elif not _same(row, debt):
            plan.changed_debts.append((row, debt))
        elif row.customer_id in changed:
            plan.touched += 1
        else:
            plan.unchanged += 1
    return plan


def _refusal(row: DebtRow, customer: _Customer | None, confirmed: bool, debt: _Debt | None) -> RowError | None:
    if customer is not None and customer.document != row.document and confirmed:
        reason = "is not the one on record, and somebody has confirmed to be that customer; use another customer_id"
        return RowError(line=row.line, field="document", reason=reason)
    if debt is None or _same(row, debt):
        return None
    if debt.customer_id != row.customer_id:
        return RowError(line=row.line, field="customer_id", reason="the debt on record belongs to another customer_id")
    if debt.state != "open":
        return RowError(line=row.line, field=_differs(row, debt), reason=f"the debt is {debt.state} and stays as it is")
    paid_cents = debt.principal_cents - debt.open_principal_cents
    if row.amount_cents <= paid_cents:
        return RowError(line=row.line, field="amount", reason="is not more than what was paid of it already")
    return None


def _people(rows: Iterable[DebtRow], on_record: Mapping[str, _Customer]) -> dict[str, _Customer]:
    """What the file makes of each customer: the last word on each field, an empty one leaving what is known."""
    people: dict[str, _Customer] = {}
    for row in rows:
        known = people.get(row.customer_id) or on_record.get(row.customer_id)
        said = _Customer(
            external_id=row.customer_id,
            name=row.name,
            document=row.document,
            phone=row.phone,
            email=row.email,
            opt_in=row.opt_in,
        )
        if known is not None:
            said = replace(
                said,
                phone=said.phone or known.phone,
                email=said.email or known.email,
                opt_in=said.opt_in or known.opt_in,
            )
        people[row.customer_id] = said
    return people


def _same(row: DebtRow, debt: _Debt) -> bool:
    return debt.customer_id == row.customer_id and not _differs(row, debt)


def _differs(row: DebtRow, debt: _Debt) -> str:
    """The first field of a debt that a row wants otherwise, or an empty text."""
    if debt.principal_cents != row.amount_cents:
        return "amount"
    if debt.due_on != row.due:
        return "due_date"
    if debt.description != row.description:
        return "description"
    return "tags" if debt.tags != row.tags else ""


async def _write(conn: Any, plan: _Plan, now: datetime) -> None:
    for some in _batches(plan.new_customers):
        await conn.execute(INSERT_CUSTOMERS, *_columns(some), now)
    moved = sorted({row.customer_id for row, _ in plan.changed_debts} | {c.external_id for c in plan.changed_customers})
    if moved:
        await conn.fetch(LOCK_CONVERSATIONS, moved)
    if plan.changed_customers:
        for some in _batches(sorted(plan.changed_customers, key=lambda person: person.external_id)):
            await conn.execute(UPDATE_CUSTOMERS, *_columns(some), now)
    for rows in _batches(plan.new_debts):
        made = await conn.fetch(
            INSERT_DEBTS,
            [r.external_id for r in rows],
            [r.customer_id for r in rows],
            [r.description for r in rows],
            [r.amount_cents for r in rows],
            [r.due for r in rows],
            [_tags(r) for r in rows],
            now,
        )
        await ledger.post_all(conn, [_opened(debt["id"], debt["principal_cents"]) for debt in made], now=now)
    if plan.changed_debts:
        await _change_debts(conn, plan, now)


async def _change_debts(conn: Any, plan: _Plan, now: datetime) -> None:
    pairs = sorted(plan.changed_debts, key=lambda pair: pair[0].external_id)
    done = await conn.fetch(
        UPDATE_DEBTS,
        [row.external_id for row, _ in pairs],
        [row.description for row, _ in pairs],
        [row.amount_cents for row, _ in pairs],
        [row.amount_cents - (debt.principal_cents - debt.open_principal_cents) for row, debt in pairs],
        [debt.open_principal_cents for _, debt in pairs],
        [row.due for row, _ in pairs],
        [_tags(row) for row, _ in pairs],
        now,
    )
    written = {row["external_id"]: row["id"] for row in done}
    late = [row for row, _ in pairs if row.external_id not in written]
    plan.changed_debts = [pair for pair in plan.changed_debts if pair[0].external_id in written]
    reason = "the debt was paid or agreed on this very moment; look at it and import again"
    plan.errors += [RowError(line=row.line, field="", reason=reason) for row in late]
    otherwise = {
        written[row.external_id]: row.amount_cents - debt.principal_cents for row, debt in plan.asked_otherwise
    }
    if otherwise:
        await _post_changes(conn, {id_: cents for id_, cents in otherwise.items() if cents}, now)
        plan.charges_taken_back = len(await conn.fetch(TAKE_BACK, sorted(otherwise), now))


async def _post_changes(conn: Any, cents: Mapping[int, int], now: datetime) -> None:
    """Post by how many centavos each debt is more than it was."""
    before = await conn.fetch(CHANGES_BEFORE, [debt_account(id_) for id_ in cents])
    changes = {row["account"]: row["changes"] for row in before}
    entries = [
        ledger.Entry(key=changed_key(id_, changes.get(debt_account(id_), 0) + 1), postings=brought_in(id_, more))
        for id_, more in cents.items()
    ]
    await ledger.post_all(conn, entries, now=now)


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many at a time that no statement runs into its time limit."""
    return (items[first : first + _BATCH] for first in range(0, len(items), _BATCH))


def _opened(debt_id: int, cents: int) -> ledger.Entry:
    return ledger.Entry(key=opened_key(debt_id), postings=brought_in(debt_id, cents))


def _columns(people: Sequence[_Customer]) -> tuple[list[str | None], ...]:
    return (
        [p.external_id for p in people],
        [p.name for p in people],
        [p.document for p in people],
        [p.phone for p in people],
        [p.email for p in people],
        [p.opt_in for p in people],
    )


def _tags(row: DebtRow) -> str:
    """The tags as one text: the arrays of a set-wise statement cannot have arrays of different lengths in them."""
    return ";".join(sorted(row.tags))


def _told(plan: _Plan) -> Imported:
    changes: list[Change] = []
    for row, debt in sorted(plan.changed_debts, key=lambda pair: pair[0].line):
        if debt.principal_cents != row.amount_cents:
            changes.append(_change(row, "amount", debt.principal_cents, row.amount_cents))
        if debt.due_on != row.due:
            changes.append(_change(row, "due_date", debt.due_on, row.due))
    return Imported(
        created=len(plan.new_debts),
        updated=len(plan.changed_debts) + plan.touched,
        unchanged=plan.unchanged,
        errors=tuple(sorted(plan.errors, key=lambda error: error.line)),
        changes=tuple(changes),
        charges_taken_back=plan.charges_taken_back,
    )


def _change(row: DebtRow, name: str, before: int | date, after: int | date) -> Change:
    return Change(line=row.line, external_id=row.external_id, field=name, before=before, after=after)
