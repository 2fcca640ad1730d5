"""A debt comes into the ledger with its principal and each change of it; so do the debts of before."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot.store import debt_statement
from bot.store.imports import import_debts
from bot.store.ledger_check import check
from bot.store.migrate import SCHEMA, migrate
from flows.statement import lines_of
from tests.owed import NOON
from tests.test_import import ANA, PAO, debt, rows


@pytest.fixture
async def conn(database: str) -> AsyncIterator[Any]:
    conn = await asyncpg.connect(database)
    yield conn
    await conn.close()


async def postings(conn: Any) -> dict[str, list[tuple[str, int]]]:
    found = await conn.fetch(
        "SELECT t.key, p.account, p.amount_cents FROM ledger_transaction t JOIN ledger_posting p"
        " ON p.transaction_id = t.id ORDER BY t.id, p.n"
    )
    said: dict[str, list[tuple[str, int]]] = {}
    for row in found:
        said.setdefault(row["key"], []).append((row["account"], row["amount_cents"]))
    return said


async def balance(conn: Any, account: str) -> int:
    cents: int = await conn.fetchval(
        "SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_posting WHERE account = $1", account
    )
    return cents


async def test_a_debt_is_opened_with_its_principal_and_each_change_posts_the_difference(conn: Any) -> None:
    for amount in ("349,90", "349,90", "400,00", "400,00", "300,00", "349,90"):
        await import_debts(conn, rows(ANA.replace("349,90", amount)), now=NOON)
    id_ = (await debt(conn))["id"]
    assert await postings(conn) == {
        f"debt:{id_}:opened": [(f"debt:{id_}", 34990), ("opening", -34990)],
        f"debt:{id_}:changed:1": [(f"debt:{id_}", 5010), ("opening", -5010)],
        f"debt:{id_}:changed:2": [(f"debt:{id_}", -10000), ("opening", 10000)],
        f"debt:{id_}:changed:3": [(f"debt:{id_}", 4990), ("opening", -4990)],
    }
    assert await balance(conn, f"debt:{id_}") == (await debt(conn))["open_principal_cents"]


async def test_a_new_day_or_a_dry_run_posts_nothing(conn: Any) -> None:
    await import_debts(conn, rows(ANA), now=NOON)
    await import_debts(conn, rows(ANA.replace("30/11/2026", "01/12/2026")), now=NOON)
    await import_debts(conn, rows(ANA.replace("349,90", "1,00"), PAO), now=NOON, dry_run=True)
    assert len(await postings(conn)) == 1


async def test_the_database_itself_takes_no_transaction_that_does_not_sum_to_zero(conn: Any) -> None:
    begun = await conn.fetchval("INSERT INTO ledger_transaction (key, booked_at) VALUES ('k', $1) RETURNING id", NOON)
    one = "INSERT INTO ledger_posting VALUES ($1, $2, $3, $4)"
    with pytest.raises(asyncpg.CheckViolationError, match="does not sum to zero"):
        await conn.execute(one, begun, 1, "bank", 5)
    await conn.execute(
        "INSERT INTO ledger_posting SELECT $1, n, 'bank', c FROM unnest('{1,2}'::int[], '{5,-5}'::int[]) AS p(n, c)",
        begun,
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await conn.execute(one, begun, 3, "bank", 1)
    with pytest.raises(asyncpg.RestrictViolationError):
        await conn.execute("DELETE FROM ledger_posting")


# A database of before: what stood in it, and what was posted. A debt that nobody paid, one half paid, one paid, one
# cancelled when half paid, one under an agreement that received 50.00 after 20.00 were paid on the debt.
OF_BEFORE = """
INSERT INTO customer (id, external_id, name, document, created_at, updated_at) OVERRIDING SYSTEM VALUE
VALUES (1, 'C-1', 'Ana Souza', '52998224725', now(), now());
INSERT INTO debt (id, external_id, customer_id, description, principal_cents, open_principal_cents, due_on, state,
                  settled_at, created_at, updated_at) OVERRIDING SYSTEM VALUE
SELECT id, 'NF-' || id, 1, 'Mensalidade', 10000, open_cents, '2026-10-01', state,
       CASE state WHEN 'paid' THEN now() END, now(), now()
FROM   (VALUES (1, 10000, 'open'), (2, 4000, 'open'), (3, 0, 'paid'), (4, 7000, 'cancelled'), (5, 8000, 'agreed'))
       AS d(id, open_cents, state);
INSERT INTO ledger_transaction (id, key, booked_at) OVERRIDING SYSTEM VALUE
SELECT 100 + n, 'pix:E' || n, now() FROM generate_series(1, 5) AS n;
INSERT INTO ledger_posting (transaction_id, n, account, amount_cents)
VALUES (101, 1, 'bank', 6000), (101, 2, 'receivable', -6000), (102, 1, 'bank', 10403), (102, 2, 'receivable', -10000),
       (102, 3, 'income:fines', -200), (102, 4, 'income:interest', -203), (103, 1, 'bank', 3000),
       (103, 2, 'receivable', -3000), (104, 1, 'bank', 2000), (104, 2, 'receivable', -2000), (105, 1, 'bank', 5000),
       (105, 2, 'agreement:1', -5000);
"""


async def _of_before(dsn: str, folder: Path, more: str = "") -> Any:
    """A database of the version before, with data, brought to this version."""
    for file in sorted(SCHEMA.glob("000[123]_*.sql")):
        shutil.copy(file, folder)
    await migrate(dsn, folder)
    conn = await asyncpg.connect(dsn)
    await conn.execute(OF_BEFORE + more)
    await migrate(dsn)
    return conn


async def test_debts_of_before_are_brought_in_and_what_was_paid_is_taken_from_them(
    empty_database: str, tmp_path: Path
) -> None:
    conn = await _of_before(empty_database, tmp_path)
    assert [await balance(conn, f"debt:{n}") for n in range(1, 6)] == [10000, 4000, 0, 0, 8000]
    assert await balance(conn, "receivable") == 0
    assert await balance(conn, "opening") == -50000 + 7000
    assert await balance(conn, "agreement:1") == -5000
    said = await postings(conn)
    assert said["debt:1:opened"] == [("debt:1", 10000), ("opening", -10000)]
    assert said["debt:2:opened"] == [("debt:2", 10000), ("opening", -10000), ("debt:2", -6000), ("receivable", 6000)]
    assert "receivable:emptied" not in said
    assert all(sum(cents for _, cents in lines) == 0 for lines in said.values())
    await conn.close()


async def test_the_statement_of_a_debt_of_before_begins_with_all_of_it_and_the_books_are_right(
    empty_database: str, tmp_path: Path
) -> None:
    paid = """
    INSERT INTO payment (end_to_end_id, customer_id, amount_cents, allocation, paid_at, booked_at)
    SELECT 'E1', 1, 6000, '[{"debt_id": 2, "principal_cents": 6000, "fine_cents": 0, "interest_cents": 0,
                             "discount_cents": 0, "settled": false}]', now(), now();
    """
    conn = await _of_before(empty_database, tmp_path, paid)
    history = await debt_statement.of_external_id(conn, "NF-2")
    assert history is not None
    told = [(line.kind, line.amount_cents, line.balance_cents) for line in lines_of(history, UTC)]
    assert told == [("opened", 10000, 10000), ("paid", 6000, 4000)]
    wrong = {finding.proof.name for finding in await check(conn) if finding.wrong}
    # Of the other transactions this database of before has no payments, and no agreement.
    assert wrong == {"agreements", "payments", "bank", "late_charges"}
    await conn.close()


async def test_what_a_hand_changed_before_is_not_left_in_the_old_account(empty_database: str, tmp_path: Path) -> None:
    conn = await _of_before(empty_database, tmp_path, "UPDATE debt SET open_principal_cents = 3990 WHERE id = 2;")
    assert await balance(conn, "debt:2") == 3990
    assert (await postings(conn))["receivable:emptied"] == [("receivable", -10), ("opening", 10)]
    await conn.close()


async def test_a_database_without_debts_is_left_without_a_transaction(database: str) -> None:
    conn = await asyncpg.connect(database)
    assert await postings(conn) == {}
    await conn.close()
