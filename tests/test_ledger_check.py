"""The check passes whatever happens to debts, and each proof turns red when its figure is touched."""

import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import acerto
from bot.clock import movable_clock
from bot.debts_csv import DebtRow
from bot.store import debt_statement, returns
from bot.store.agreements import DebtMoved
from bot.store.imports import import_debts
from bot.store.ledger_check import PROOFS, check
from bot.store.owed_today import owed_today
from flows.statement import lines_of
from tests.owed import NOON, TODAY, ZONE, Owed, owed, part
from tests.source import ROOT
from tests.test_agreement_end import ends
from tests.test_booking import cost_today, payment, pays


def row(no: int, cents: int, due: date = date(2026, 10, 1)) -> DebtRow:
    return DebtRow(
        line=no,
        external_id=f"NF-{no}",
        customer_id="c1",
        name="Maria da Silva",
        document="52998224725",
        phone=None,
        email=None,
        amount_cents=cents,
        due=due,
        description="Mensalidade",
        tags=frozenset(),
        opt_in=None,
    )


@dataclass
class Life:
    """One customer to whom anything may happen."""

    somebody: Owed
    dice: random.Random
    paid: int = 0
    given_back: int = 0
    codes: list[int] = field(default_factory=list)

    async def imports(self) -> None:
        """Debts come in, or are other amounts on other days."""
        rows = [row(no, self.dice.randint(1, 20_000), date(2026, 10, no)) for no in self.dice.sample(range(1, 5), 2)]
        async with self.somebody.pool.acquire() as conn:
            await import_debts(conn, rows, now=self.somebody.clock.now())

    async def charges(self) -> None:
        """A code for debts as they are today, some of it forgiven."""
        debts = [r["id"] for r in await self.somebody.pool.fetch("SELECT id FROM debt WHERE state = 'open'")]
        if debts:
            costs = [await cost_today(self.somebody, id_) for id_ in self.dice.sample(debts, min(len(debts), 2))]
            off = self.dice.choice((0, 0, costs[0].fine_cents))
            first = part(
                costs[0].debt_id, costs[0].principal_cents, costs[0].fine_cents, costs[0].interest_cents, discount=off
            )
            self.codes.append((await self.somebody.charged(first, *costs[1:], until=self._today))[1])

    async def agrees(self) -> None:
        """An agreement on a debt, for more or less than it costs, and codes for its payments."""
        debt = await self.somebody.pool.fetchrow(
            "SELECT id, open_principal_cents AS cents FROM debt WHERE state = 'open' ORDER BY id LIMIT 1"
        )
        if debt is None or debt["cents"] < 10:
            return
        off = self.dice.choice((0, debt["cents"] // 4))
        cash = self.dice.random() < 0.3
        count = 1 if cash else 3
        parts = [(debt["cents"] - off) // count + self.dice.randint(0, 50) for _ in range(count)]
        no = await self.somebody.agreed(debt["id"], *parts, discount_cents=off, cash=cash)
        for n, cents in enumerate(parts, start=1):
            code = await self.somebody.charged(part(debt["id"], cents), agreement_offer_no=no, instalment_n=n)
            self.codes.append(code[1])

    async def pays(self) -> None:
        """Money on any code there ever was, or on none: as asked, less, more, again."""
        self.paid += 1
        if not self.codes or self.dice.random() < 0.1:
            await pays(
                self.somebody, payment(self.dice.randint(1, 500), None, at=self.somebody.clock.now(), n=self.paid)
            )
            return
        no = self.dice.choice(self.codes)
        asked = await self.somebody.one("SELECT amount_cents FROM charge WHERE no = $1", no)
        cents = self.dice.choice((asked, asked, asked + 7, max(1, asked // 2), max(1, asked // 5)))
        await pays(self.somebody, payment(cents, no, at=self.somebody.clock.now(), n=self.paid))

    async def breaks(self) -> None:
        """An agreement ends before it is paid."""
        debt = await self.somebody.one("SELECT debt_id FROM agreement WHERE state = 'active' LIMIT 1")
        if debt is not None:
            await ends(self.somebody, debt, self.dice.choice(("late", "asked")))

    async def gives_back(self) -> None:
        """Some of a payment goes back, or all of it, whatever it had settled."""
        kept = await self.somebody.pool.fetch(
            "SELECT end_to_end_id, amount_cents - returned_cents AS cents FROM payment"
            " WHERE amount_cents > returned_cents ORDER BY id"
        )
        if not kept:
            return
        one, now = self.dice.choice(kept), self.somebody.clock.now()
        self.given_back += 1
        policy = self.somebody.facts().policy
        assert policy is not None
        async with self.somebody.pool.acquire() as conn, conn.transaction():
            key = {"end_to_end_id": one["end_to_end_id"], "refund_id": f"D{self.given_back}"}
            cents = self.dice.choice((one["cents"], (one["cents"] + 1) // 2))
            await returns.note(conn, **key, amount_cents=cents, status="DEVOLVIDO", nature="ORIGINAL", now=now)
            plan = await returns.plan(conn, **key, terms=policy.policy.terms, zone=ZONE, now=now)
            assert plan is not None
            await returns.book(conn, plan, now=now)

    async def waits(self) -> None:
        """Some days pass."""
        self.somebody.clock.move(days=self.dice.randint(1, 20))

    @property
    def _today(self) -> date:
        return self.somebody.clock.now().astimezone(ZONE).date()


async def wrong(somebody: Owed) -> list[str]:
    """The names of the proofs that fail."""
    async with somebody.pool.acquire() as conn:
        return [finding.proof.name for finding in await check(conn) if finding.wrong]


@pytest.fixture
async def somebody(database: str) -> AsyncIterator[Owed]:
    async with owed(database) as one:
        yield one


STATEMENT = """\
2026-12-01  opened                                             100.00       100.00
2026-12-01  paid E9999900400000000000000000000001              -54.03        50.00
              principal                                         50.00
              fine                                               2.00
              interest                                           2.03
2026-12-01  owed today                                                       50.00
"""


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_happens_every_proof_holds_and_statements_end_in_what_is_open(somebody: Owed, seed: int) -> None:
    life = Life(somebody, random.Random(seed))  # a story, not a secret
    acts = [
        life.imports,
        life.charges,
        life.pays,
        life.pays,
        life.pays,
        life.agrees,
        life.waits,
        life.breaks,
        life.gives_back,
    ]
    await life.imports()
    for _ in range(30):
        try:
            await life.dice.choice(acts)()
        except DebtMoved:
            continue
    assert await wrong(somebody) == []
    assert life.paid > 1
    ids = [r["id"] for r in await somebody.pool.fetch("SELECT id FROM debt ORDER BY id")]
    for history in await debt_statement.histories(somebody.pool, ids):
        lines = lines_of(history, ZONE)
        cost = (await owed_today(somebody.pool, [history.debt], None, TODAY)).get(history.debt.id)
        if history.debt.state == "open" and any(a.state == "settled" for a in history.agreements):
            continue  # some of one in cash went back: charges of the agreement may be owed like interest
        assert lines[-1].balance_cents == (cost.principal_cents if cost is not None else 0), (seed, lines)
    received = await somebody.one(
        "SELECT coalesce(sum(amount_cents - surplus_cents - returned_cents), 0)::bigint FROM payment"
    )
    assert sum(h.paid_cents for h in await debt_statement.histories(somebody.pool, ids)) == received


async def _busy(somebody: Owed) -> int:
    """A debt half paid, one settled, one under an agreement of which a payment came, and money for nothing."""
    async with somebody.pool.acquire() as conn:
        await import_debts(conn, [row(1, 10000), row(2, 5000), row(3, 9000)], now=somebody.clock.now())
    half, whole, agreed = [r["id"] for r in await somebody.pool.fetch("SELECT id FROM debt ORDER BY external_id")]
    _, no = await somebody.charged(await cost_today(somebody, half))
    await pays(somebody, payment(5403, no, n=1))
    _, no = await somebody.charged(await cost_today(somebody, whole))
    await pays(somebody, payment(5202 + 30, no, n=2))
    offer = await somebody.agreed(agreed, 5000, 5000)
    _, no = await somebody.charged(part(agreed, 5000), agreement_offer_no=offer, instalment_n=1)
    await pays(somebody, payment(5000, no, n=3))
    return int(half)


ONE = "(SELECT id FROM ledger_transaction WHERE key LIKE 'pix:%1')"
PAIR = "INSERT INTO ledger_posting SELECT " + ONE + ", n, a, c FROM (VALUES {}) AS p(n, a, c);"


@pytest.mark.parametrize(
    ("tampered", "red"),
    [
        (
            "UPDATE ledger_posting SET amount_cents = amount_cents - 1 WHERE account = 'income:fines'",
            {"transactions", "sum", "late_charges"},
        ),
        ("DELETE FROM ledger_posting WHERE n = 2 AND transaction_id = " + ONE, {"transactions", "sum", "numbers"}),
        (PAIR.format("(8, 'credit:1', 5), (9, 'credit:1', -5)"), {"numbers"}),
        (PAIR.format("(5, 'profit', 5), (6, 'profit', -5)"), {"accounts"}),
        ("INSERT INTO ledger_transaction (key, booked_at) VALUES ('gift:1', now())", {"keys", "numbers"}),
        ("UPDATE ledger_transaction SET key = 'pix!' WHERE id = " + ONE, {"keys", "payments"}),
        ("UPDATE debt SET open_principal_cents = 4999 WHERE external_id = 'NF-1'", {"debts"}),
        ("UPDATE debt SET state = 'cancelled' WHERE external_id = 'NF-1'", {"debts"}),
        ("UPDATE instalment SET paid_cents = 4999 WHERE n = 1", {"agreements"}),
        ("UPDATE agreement SET state = 'broken'", {"agreements"}),
        ("UPDATE payment SET amount_cents = 5404 WHERE end_to_end_id LIKE '%1'", {"payments", "bank", "allocations"}),
        ("DELETE FROM payment WHERE end_to_end_id LIKE '%3'", {"payments", "bank"}),
        ("UPDATE payment SET surplus_cents = 0", {"suspense", "allocations"}),
        ("UPDATE payment SET returned_cents = 7", {"bank", "returns", "allocations"}),
        (
            "UPDATE payment SET surplus_cents = 0, credit_cents = surplus_cents WHERE surplus_cents > 0",
            {"suspense", "credits"},
        ),
        (
            "INSERT INTO payment_return (end_to_end_id, refund_id, amount_cents, status, noted_at, booked_at)"
            " SELECT end_to_end_id, 'D1', 5, 'DEVOLVIDO', now(), now() FROM payment LIMIT 1",
            {"returns"},
        ),
        (
            "UPDATE payment SET allocation = jsonb_set(allocation, '{0,interest_cents}', '0') WHERE end_to_end_id"
            " LIKE '%1'",
            {"allocations", "late_charges"},
        ),
    ],
)  # fmt: skip
async def test_a_figure_that_was_touched_is_found(somebody: Owed, tampered: str, red: set[str]) -> None:
    await _busy(somebody)
    assert await wrong(somebody) == []
    await somebody.pool.execute(f"SET session_replication_role = replica; {tampered}")
    assert set(await wrong(somebody)) >= red


@pytest.fixture
def command(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    monkeypatch.setenv("ACERTO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ACERTO_DATABASE_URL", database)
    monkeypatch.setenv("ACERTO_TIMEZONE", "America/Sao_Paulo")
    movable_clock(tmp_path / "home").freeze(NOON)
    # The command brings an event loop of its own, so it runs where there is none.
    with ThreadPoolExecutor(max_workers=1) as apart:
        yield lambda *arguments: apart.submit(CliRunner().invoke, acerto, ["ledger", *arguments]).result()


async def test_the_command_says_of_each_proof_whether_it_holds_and_what_is_wrong(
    somebody: Owed, command: Callable[..., Result]
) -> None:
    await _busy(somebody)
    good = command("check")
    assert (good.exit_code, good.stdout.count("\n")) == (0, len(PROOFS))
    assert all(line.startswith("ok     ") for line in good.stdout.splitlines())
    assert json.loads(command("check", "--json").stdout)["ok"] is True
    await somebody.pool.execute("UPDATE debt SET open_principal_cents = 4999 WHERE external_id = 'NF-1'")
    bad = command("check")
    assert bad.exit_code == 1
    debt_id = await somebody.one("SELECT id FROM debt WHERE external_id = 'NF-1'")
    assert (
        f"WRONG  each debt's account is what is open of its principal\n       debt:{debt_id}: is 50.00, should be"
        in (bad.stdout)
    )
    printed = json.loads(command("check", "--json").stdout)
    assert [p["name"] for p in printed["proofs"] if not p["ok"]] == ["debts"]
    assert printed["proofs"][5]["wrong"] == [{"what": f"debt:{debt_id}", "is_cents": 5000, "should_cents": 4999}]


async def test_the_statement_of_a_debt_line_by_line(somebody: Owed, command: Callable[..., Result]) -> None:
    await _busy(somebody)
    assert command("show", "NF-9").exit_code == 1
    assert command("show", "NF-1").stdout == STATEMENT
    agreed = json.loads(command("show", "NF-3", "--json").stdout)
    assert [(line["kind"], line["amount_cents"], line["balance_cents"]) for line in agreed["lines"]] == [
        ("opened", 9000, 9000),
        ("agreed", 10000, 10000),
        ("paid", 5000, 5000),
    ]
    assert agreed["owed_today"]["total_cents"] == 5000
    settled = json.loads(command("show", "NF-2", "--json").stdout)
    assert (settled["owed_today"], settled["lines"][-1]["balance_cents"]) == (None, 0)


async def test_each_proof_has_a_name_and_a_sentence_of_its_own() -> None:
    assert len({p.name for p in PROOFS}) == len({p.says for p in PROOFS}) == len(PROOFS)


async def test_nobody_has_to_wait_for_the_check(somebody: Owed) -> None:
    await _busy(somebody)
    async with somebody.pool.acquire() as turn, turn.transaction():
        await turn.execute("LOCK debt, charge, payment, ledger_posting IN ROW EXCLUSIVE MODE")
        await turn.execute("UPDATE debt SET open_principal_cents = 1 WHERE external_id = 'NF-1'")
        assert await wrong(somebody) == []  # what is not committed is not seen


def _table(page: str) -> tuple[list[str], dict[str, list[int]]]:
    """The worked example: its accounts, and the centavos of each transaction on them."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.split("## Worked")[1].splitlines()
        if line.startswith("|") and not line.startswith("| ---")
    ]
    cents = {row[0]: [int(cell.replace("−", "-").replace(".", "") or 0) for cell in row[1:]] for row in rows[1:]}
    return rows[0][1:], cents


async def test_the_worked_example_of_the_page_is_what_happens(somebody: Owed) -> None:
    """Every row of it, as the program posts it."""
    async with somebody.pool.acquire() as conn:
        for rows in ([row(1, 10000)], [row(2, 9000)], [row(1, 11000)]):
            await import_debts(conn, rows, now=NOON)
    a, b = [r["id"] for r in await somebody.pool.fetch("SELECT id FROM debt ORDER BY external_id")]
    assert await cost_today(somebody, a) == part(a, 11000, 220, 224)
    _, no = await somebody.charged(await cost_today(somebody, a))
    await pays(somebody, payment(6000, no, n=1))
    offer = await somebody.agreed(b, 5000, 5000)
    for n in (1, 2):
        _, no = await somebody.charged(part(b, 5000), agreement_offer_no=offer, instalment_n=n)
        await pays(somebody, payment(5000, no, n=n + 1))
    await pays(somebody, payment(5000, no, n=4))
    names, page = _table((ROOT / "docs" / "ledger.md").read_text(encoding="utf-8"))
    assert [sum(cents) for cents in page.values()] == [0] * 8
    agreement = await somebody.one("SELECT id FROM agreement")
    accounts = {"bank": "bank", "debt A": f"debt:{a}", "debt B": f"debt:{b}", "agreement": f"agreement:{agreement}",
                "fines": "income:fines", "interest": "income:interest", "charges": "income:agreement_charges",
                "suspense": "suspense", "opening": "opening"}  # fmt: skip
    booked: list[list[int]] = []
    for entry in await somebody.pool.fetch("SELECT id FROM ledger_transaction ORDER BY id"):
        lines = await somebody.pool.fetch(
            "SELECT account, amount_cents FROM ledger_posting WHERE transaction_id = $1", entry["id"]
        )
        of = {line["account"]: line["amount_cents"] for line in lines}
        booked.append([of.get(accounts[name], 0) for name in names])
    assert [*booked, [sum(column) for column in zip(*booked, strict=True)]] == list(page.values())
