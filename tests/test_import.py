"""Debts come in once, change when the file changes, and a bad line keeps nobody else out."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from bot.cli.main import acerto
from bot.debts_csv import DebtRow, read_debts
from bot.store import charges
from bot.store.agreements import DebtMoved
from bot.store.imports import Imported, import_debts
from flows.effects import Charge
from flows.facts import CostOfDebt
from tests.tables import table

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
HEADER = "external_id,customer_id,name,document,phone,email,amount,due_date,description,tags,opt_in\n"
ANA = (
    "NF-1001,C-001,Ana Souza,529.982.247-25,+55 11 98765-4321,ana@example.com,"
    '"349,90",30/11/2026,Novembro,plano-pro,2026\n'
)
PAO = 'NF-1002,C-002,Padaria Pão Quente,11.222.333/0001-81,+55 21 99876-5432,,"1.234,56",2026-11-20,Compra,,loja\n'
SECOND = 'NF-1003,C-001,Ana Souza,529.982.247-25,,,"10,00",2026-12-10,Dezembro,b;a,\n'


@pytest.fixture
async def conn(database: str) -> AsyncIterator[Any]:
    conn = await asyncpg.connect(database)
    yield conn
    await conn.close()


def rows(*lines: str) -> tuple[DebtRow, ...]:
    read = read_debts((HEADER + "".join(lines)).encode())
    assert not read.errors
    return read.rows


def counts(imported: Imported) -> tuple[int, int, int, int]:
    return imported.created, imported.updated, imported.unchanged, len(imported.errors)


async def debt(conn: Any, external_id: str = "NF-1001") -> Any:
    return await conn.fetchrow("SELECT * FROM debt WHERE external_id = $1", external_id)


async def confirms(conn: Any) -> None:
    """The one customer writes, and shows who it is."""
    await conn.execute(
        "INSERT INTO conversation (address, customer_id, confirmed_at, created_at) "
        "SELECT '5511987654321', id, $1, $1 FROM customer",
        NOW,
    )


async def test_the_same_file_again_changes_nothing(conn: Any) -> None:
    lines = rows(ANA, PAO, SECOND)
    assert counts(await import_debts(conn, lines, now=NOW)) == (3, 0, 0, 0)
    before = [list(await conn.fetch(f"SELECT * FROM {name} ORDER BY id")) for name in ("customer", "debt")]
    assert counts(await import_debts(conn, lines, now=LATER)) == (0, 0, 3, 0)
    assert [list(await conn.fetch(f"SELECT * FROM {name} ORDER BY id")) for name in ("customer", "debt")] == before
    assert [len(kept) for kept in before] == [2, 3]
    assert (await debt(conn, "NF-1003"))["tags"] == ["a", "b"]


@pytest.mark.parametrize(*table("""
    was                | now                  | told
    "349,90"           | "350,00"             | amount 34990 35000
    30/11/2026         | 2026-12-01           | due_date 2026-11-30 2026-12-01
    Novembro           | Mensalidade          |
    plano-pro          | plano-pro;anual      |
    ana@example.com    | ana@outra.example    |
    Ana Souza          | Ana de Souza         |
    98765-4321         | 98765-4322           |
    529.982.247-25     | 111.444.777-35       |
"""))  # fmt: skip
async def test_what_changed_is_updated_and_figures_are_told(conn: Any, was: str, now: str, told: str) -> None:
    await import_debts(conn, rows(ANA, PAO), now=NOW)
    was, now = (f'"{text}"' if was == "349,90" else text for text in (was, now))
    changed = await import_debts(conn, rows(ANA.replace(was, now), PAO), now=LATER)
    assert counts(changed) == (0, 1, 1, 0)
    assert " ".join(f"{c.field} {c.before} {c.after}" for c in changed.changes) == told
    assert counts(await import_debts(conn, rows(ANA.replace(was, now), PAO), now=LATER)) == (0, 0, 2, 0)


async def test_an_empty_phone_leaves_the_one_on_record(conn: Any) -> None:
    await import_debts(conn, rows(ANA), now=NOW)
    assert counts(await import_debts(conn, rows(ANA.replace("ana@example.com", ""), SECOND), now=LATER)) == (1, 0, 1, 0)
    person = await conn.fetchrow("SELECT phone, email, opt_in FROM customer")
    assert tuple(person) == ("5511987654321", "ana@example.com", "2026")


async def test_a_dry_run_tells_and_writes_nothing(conn: Any) -> None:
    assert counts(await import_debts(conn, rows(ANA, PAO), now=NOW, dry_run=True)) == (2, 0, 0, 0)
    assert await conn.fetchval("SELECT count(*) FROM customer") == 0


@pytest.mark.parametrize("state", ["paid", "agreed", "cancelled"])
async def test_what_is_no_longer_open_stays_as_it_is(conn: Any, state: str) -> None:
    await import_debts(conn, rows(ANA, PAO), now=NOW)
    await conn.execute(
        "UPDATE debt SET state = $1::text, "
        "open_principal_cents = CASE WHEN $1 = 'paid' THEN 0 ELSE open_principal_cents END, "
        "settled_at = CASE WHEN $1 = 'paid' THEN $2::timestamptz END WHERE external_id = 'NF-1001'",
        state,
        NOW,
    )
    assert counts(await import_debts(conn, rows(ANA), now=LATER)) == (0, 0, 1, 0)
    changed = await import_debts(conn, rows(ANA.replace("349,90", "1,00"), PAO.replace("1.234,56", "5,00")), now=LATER)
    assert counts(changed) == (0, 1, 0, 1)
    assert (changed.errors[0].line, changed.errors[0].field) == (2, "amount")
    assert (await debt(conn))["principal_cents"] == 34990


async def test_what_was_paid_of_it_stays_paid(conn: Any) -> None:
    await import_debts(conn, rows(ANA), now=NOW)
    await conn.execute("UPDATE debt SET open_principal_cents = 14990")
    await import_debts(conn, rows(ANA.replace("349,90", "400,00")), now=LATER)
    assert ((await debt(conn))["principal_cents"], (await debt(conn))["open_principal_cents"]) == (40000, 20000)
    refused = await import_debts(conn, rows(ANA.replace("349,90", "200,00")), now=LATER)
    assert [(error.line, error.field) for error in refused.errors] == [(2, "amount")]


async def test_a_debt_does_not_move_to_another_person(conn: Any) -> None:
    await import_debts(conn, rows(ANA, PAO), now=NOW)
    moved = await import_debts(conn, rows(ANA.replace("C-001", "C-009")), now=LATER)
    assert [(error.line, error.field) for error in moved.errors] == [(2, "customer_id")]
    assert await conn.fetchval("SELECT count(*) FROM customer") == 2


async def test_nobody_becomes_another_person_under_a_chat_that_is_confirmed(conn: Any) -> None:
    await import_debts(conn, rows(ANA), now=NOW)
    await confirms(conn)
    other = await import_debts(conn, rows(ANA.replace("529.982.247-25", "111.444.777-35")), now=LATER)
    assert [(error.line, error.field) for error in other.errors] == [(2, "document")]
    assert await conn.fetchval("SELECT document FROM customer") == "52998224725"


async def test_an_import_waits_for_the_turn_that_speaks_of_the_debt(conn: Any, database: str) -> None:
    """A debt that is paid while the import waits is refused, not overwritten."""
    await import_debts(conn, rows(ANA), now=NOW)
    await confirms(conn)
    other = await asyncpg.connect(database)
    turn = other.transaction()
    await turn.start()
    await other.execute("SELECT id FROM conversation FOR NO KEY UPDATE")
    importing = asyncio.create_task(import_debts(conn, rows(ANA.replace("349,90", "1,00")), now=LATER))
    await waits(other, importing)
    await other.execute("UPDATE debt SET state = 'paid', open_principal_cents = 0, settled_at = $1", NOW)
    await turn.commit()
    await other.close()
    assert counts(await importing) == (0, 0, 0, 1)
    assert (await debt(conn))["principal_cents"] == 34990


CHARGED = """
INSERT INTO charge (conversation_id, no, customer_id, provider, txid, pay_token, amount_cents, parts, pay_until,
                    expires_at, state, code, created_at)
SELECT v.id, $1::int, v.customer_id, 'api', 't' || $1::int, 'p' || $1::int, 34990, '[]', '2026-12-01', $3, $2,
       'code', $3
FROM   conversation v RETURNING id
"""
ASKS = "INSERT INTO charge_debt SELECT $1, id FROM debt WHERE external_id = any($2::text[])"


async def charged(conn: Any, no: int, *debts: str, state: str = "active") -> int:
    charge_id: int = await conn.fetchval(CHARGED, no, state, NOW)
    await conn.execute(ASKS, charge_id, list(debts))
    return charge_id


@pytest.mark.parametrize(*table("""
    was        now          taken
    349,90     350,00       2     # the amount
    30/11/2026 01/12/2026   2     # the day
    Novembro   Mensalidade  0     # its name
    plano-pro  anual        0     # its tags
"""))  # fmt: skip
async def test_codes_that_ask_for_what_a_debt_is_no_longer_are_taken_back(
    conn: Any, was: str, now: str, taken: int
) -> None:
    await import_debts(conn, rows(ANA, SECOND), now=NOW)
    await confirms(conn)
    live = [await charged(conn, 1, "NF-1001"), await charged(conn, 2, "NF-1003", "NF-1001", state="requested")]
    await charged(conn, 3, "NF-1003")  # another debt's
    await charged(conn, 4, "NF-1001", state="paid")
    changed = rows(ANA.replace(was, now), SECOND)
    assert (await import_debts(conn, changed, now=LATER, dry_run=True)).charges_taken_back == taken
    assert await conn.fetchval("SELECT count(*) FROM charge WHERE state = 'cancelled'") == 0
    assert (await import_debts(conn, changed, now=LATER)).charges_taken_back == taken
    assert (await import_debts(conn, changed, now=LATER)).charges_taken_back == 0
    states = ["cancelled", "cancelled"] if taken else ["active", "requested"]
    assert [r["state"] for r in await conn.fetch("SELECT state FROM charge ORDER BY no")] == [*states, "active", "paid"]
    asked = await conn.fetch("SELECT kind, body, state FROM outbox ORDER BY id")
    told = [(row["kind"], json.loads(row["body"]), row["state"]) for row in asked]
    assert told == [("cancel_charge", {"charge_id": id_}, "pending") for id_ in live[:taken]]


async def waits(conn: Any, *tasks: "asyncio.Task[Any]") -> None:
    """Until one of the tasks waits for a lock of `conn`'s."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while not await conn.fetchval(waiting):
        await asyncio.wait(tasks, timeout=0.01)
        assert not any(task.done() for task in tasks)


async def test_a_code_that_a_turn_is_just_making_is_taken_back_too(conn: Any, database: str) -> None:
    await import_debts(conn, rows(ANA), now=NOW)
    await confirms(conn)
    other = await asyncpg.connect(database)
    turn = other.transaction()
    await turn.start()
    await other.execute("SELECT id FROM conversation FOR NO KEY UPDATE")
    importing = asyncio.create_task(import_debts(conn, rows(ANA.replace("349,90", "1,00")), now=LATER))
    await waits(other, importing)
    await charged(other, 1, "NF-1001")
    await turn.commit()
    assert (await importing).charges_taken_back == 1
    assert await other.fetchval("SELECT state FROM charge") == "cancelled"
    await other.close()


async def test_a_code_decided_on_the_old_amount_is_not_made_after_the_import(conn: Any, database: str) -> None:
    """A chat that became the customer's while the import ran waits for the debt, and is decided anew."""
    await import_debts(conn, rows(ANA), now=NOW)
    debt_id = (await debt(conn))["id"]
    other = await asyncpg.connect(database)
    importing = conn.transaction()
    await importing.start()
    await import_debts(conn, rows(ANA.replace("349,90", "1,00")), now=LATER)
    await confirms(other)
    person = await other.fetchrow("SELECT id, customer_id FROM conversation")
    assert person is not None
    asked = Charge(
        charge_no=1,
        amount_cents=34990,
        pay_until=date(2026, 12, 1),
        parts=(CostOfDebt(debt_id=debt_id, principal_cents=34990),),
    )
    charging = asyncio.create_task(
        charges.insert(
            other,
            key=b"k" * 32,
            conversation_id=person["id"],
            customer_id=person["customer_id"],
            effect=asked,
            provider="api",
            expires_at=LATER,
            now=NOW,
            today=date(2026, 11, 23),
        )
    )
    await waits(conn, charging)
    await importing.commit()
    with pytest.raises(DebtMoved):
        await charging
    await other.close()


async def test_a_large_file_takes_no_more_statements_than_a_small_one(conn: Any) -> None:
    line = rows(ANA)[0]

    def many(first: int, last: int) -> list[DebtRow]:
        return [
            DebtRow(
                line=n,
                external_id=f"E-{n}",
                customer_id=f"C-{n // 2}",
                name=line.name,
                document=line.document,
                phone=line.phone,
                email=None,
                amount_cents=n,
                due=date(2026, 11, 30),
                description="Novembro",
                tags=frozenset(("a", "b")) if n % 3 else frozenset(),
                opt_in=None,
            )
            for n in range(first, last + 1)
        ]

    async def statements(debts: list[DebtRow], expected: tuple[int, int, int, int], now: datetime) -> int:
        seen: list[str] = []
        with conn.query_logger(lambda query: seen.append(query.query)):
            assert counts(await import_debts(conn, debts, now=now)) == expected
        return len(seen)

    few, lots = many(1, 20), many(101, 5_100)
    small = await statements(few, (20, 0, 0, 0), NOW), await statements(few, (0, 0, 20, 0), LATER)
    large = await statements(lots, (5_000, 0, 0, 0), NOW), await statements(lots, (0, 0, 5_000, 0), LATER)
    assert (large[0] <= small[0], large[1] <= small[1]) == (True, True), (small, large)


@pytest.fixture
def home(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACERTO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ACERTO_DATABASE_URL", database)
    return tmp_path


def test_the_command_names_bad_lines_and_takes_the_others(home: Path) -> None:
    file = home / "debts.csv"
    file.write_text(HEADER + ANA + PAO.replace("1.234,56", "quase nada") + SECOND, encoding="utf-8")
    done = CliRunner().invoke(acerto, ["import", str(file), "--json"])
    printed = json.loads(done.stdout)
    assert (printed["created"], printed["updated"], printed["unchanged"], done.exit_code) == (2, 0, 0, 1)
    assert [(error["line"], error["field"]) for error in printed["errors"]] == [(3, "amount")]
    assert "quase nada" not in done.output
    file.write_text(HEADER + ANA.replace("349,90", "300,00"), encoding="utf-8")
    again = CliRunner().invoke(acerto, ["import", str(file)])
    assert (again.exit_code, again.stdout) == (
        0,
        "NF-1001: amount 349.90 → 300.00\n0 created, 1 updated, 0 unchanged.\n",
    )
    dry = CliRunner().invoke(acerto, ["import", str(file), "--dry-run"])
    assert dry.stdout == "Nothing was written; it would be: 0 created, 0 updated, 1 unchanged.\n"


async def test_the_command_says_how_many_codes_are_taken_back(home: Path, conn: Any) -> None:
    await import_debts(conn, rows(ANA), now=NOW)
    await confirms(conn)
    await charged(conn, 1, "NF-1001")
    file = home / "debts.csv"
    file.write_text(HEADER + ANA.replace("349,90", "300,00"), encoding="utf-8")

    def run(*more: str) -> str:
        return CliRunner().invoke(acerto, ["import", str(file), *more]).stdout

    dry, done = await asyncio.to_thread(run, "--dry-run"), await asyncio.to_thread(run)
    assert dry.endswith("1 payment code that asks for what was owed before would be taken back.\n")
    assert done.endswith("\n1 payment code that asks for what was owed before is taken back.\n")
    assert json.loads(await asyncio.to_thread(run, "--json"))["charges_taken_back"] == 0
