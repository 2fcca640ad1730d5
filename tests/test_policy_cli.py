"""`acerto policy` and `acerto understand` as a person and as a program use them."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result

from bot.cli.policy import policy
from bot.cli.understand import understand
from bot.clock import movable_clock
from tests.test_debts_csv import ANA, HEADER, PADARIA
from tests.test_policy import SAMPLE, policy_with

NOON = datetime(2026, 11, 23, 15, tzinfo=UTC)


@pytest.fixture
def runner(tmp_path: Path, database: str) -> CliRunner:
    """A command line of its own, on a database of its own, at a standing noon."""
    movable_clock(tmp_path / "home").freeze(NOON)
    return CliRunner(env={"ACERTO_HOME": str(tmp_path / "home"), "ACERTO_DATABASE_URL": database})


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return written(tmp_path, SAMPLE)


def written(folder: Path, source: bytes, name: str = "padrao.yaml") -> Path:
    path = folder / name
    path.write_bytes(source)
    return path


def run(runner: CliRunner, *arguments: object) -> Result:
    return runner.invoke(policy, [str(argument) for argument in arguments], catch_exceptions=False)


def printed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


# What the sample leaves open: two days around the due date, and lawyers' debts that another rule takes first.
SEEN = """\
padrao.yaml:17: rules: No rule takes some debts (from 1 day before the due date to the due date), for example: \
1 day before the due date, updated total of R$\u00a0350,00. They get no offer. Add a rule for them, if that is not \
meant. (coverage)
padrao.yaml:65: rules[4].name: “juridico” and “pagamento-antecipado” take some of the same debts; \
“pagamento-antecipado” comes first. For example: 2 days before the due date, updated total of R$\u00a0350,00, \
tags juridico. Change their order, if that is not meant. (coverage)
padrao.yaml:65: rules[4].name: “juridico” and “atraso-recente” take some of the same debts; “atraso-recente” comes \
first. For example: 10 days of delay, updated total of R$\u00a0350,00, tags juridico. Change their order, if that is \
not meant. (coverage)
padrao.yaml: no mistakes, 0 warnings, 3 notes on coverage.
"""


def test_check_finds_nothing_wrong_with_the_sample(runner: CliRunner, sample: Path) -> None:
    result = run(runner, "check", sample)
    assert (result.exit_code, result.stdout) == (0, SEEN)


def test_check_tells_every_mistake_with_its_line_and_fails(runner: CliRunner, tmp_path: Path) -> None:
    bad = written(tmp_path, policy_with(("currency: BRL", "currency: USD"), ("to: 12}", "to: 24}")))
    result = run(runner, "check", bad)
    assert result.exit_code == 1
    lines = [line.split(": ")[0] for line in result.stdout.splitlines()]
    assert lines == ["padrao.yaml:5", "padrao.yaml:55"]
    assert result.stderr == "Error: padrao.yaml: 2 mistakes (line 5, 55)\n"
    found = run(runner, "check", "--json", bad)
    assert found.exit_code == 1
    assert [(one["severity"], one["line"]) for one in json.loads(found.stdout)] == [("mistake", 5), ("mistake", 55)]


def test_check_warns_and_succeeds(runner: CliRunner, tmp_path: Path) -> None:
    result = run(runner, "check", written(tmp_path, policy_with(("fine_percent: 2.00", "fine_percent: 2.50"))))
    assert result.exit_code == 0
    assert "padrao.yaml:9: late_charges.fine_percent" in result.stdout
    assert "1 warning, 3 notes" in result.stdout


def test_explain_speaks_portuguese(runner: CliRunner, sample: Path) -> None:
    result = run(runner, "explain", sample)
    assert result.exit_code == 0
    assert "Nenhuma oferta perdoa mais de 30% do total atualizado" in result.stdout


def test_a_wrong_usage_is_told_as_such(runner: CliRunner, tmp_path: Path) -> None:
    assert run(runner, "check", tmp_path / "none.yaml").exit_code == 2
    assert run(runner, "preview").exit_code == 2


def test_preview_prints_what_the_contract_says(runner: CliRunner, sample: Path, tmp_path: Path) -> None:
    debts = written(tmp_path, "\n".join([HEADER, ANA, "broken", PADARIA]).encode(), "debts.csv")
    result = run(runner, "preview", sample, "--debts", debts, "--on", "2026-12-21", "--json")
    ana, padaria = printed(result)
    assert "debts.csv:3: " in result.stderr
    assert (ana["external_id"], ana["days_overdue"], ana["rule"], ana["ticket"]) == (
        "NF-1001",
        21,
        "atraso-recente",
        None,
    )
    assert (ana["principal"], ana["fine"], ana["interest"], ana["total"]) == (34_990, 700, 245, 35_935)
    cash, two, three = ana["offers"]
    assert cash == {"name": "a-vista", "kind": "cash", "discount": 945, "total": 34_990, "pay_until": "2026-12-24"}
    assert (two["kind"], two["count"], three["count"]) == ("instalments", 2, 3)
    assert three["instalments"] == [
        {"n": 1, "due": "2026-12-26", "amount": 11_978},
        {"n": 2, "due": "2027-02-05", "amount": 11_978},
        {"n": 3, "due": "2027-03-05", "amount": 11_979},
    ]
    assert (three["entry"], three["total"], three["discount"]) == (0, 35_935, 0)
    assert (three["interest_percent_month"], three["cet_percent_year"]) == ("0.00", "0.00")
    assert padaria["rule"] == "atraso-longo"
    with_entry = padaria["offers"][1]
    assert with_entry["entry_due"] == "2026-12-26"
    assert with_entry["entry"] + sum(one["amount"] for one in with_entry["instalments"]) == with_entry["total"]
    assert padaria["offers"][-1] == {"name": "promessa", "kind": "promise", "until": "2026-12-28"}


def test_a_file_without_one_debt_that_can_be_read_is_a_failure(runner: CliRunner, sample: Path, tmp_path: Path) -> None:
    debts = written(tmp_path, b"id;valor\n1;2\n", "debts.csv")
    result = run(runner, "preview", sample, "--debts", debts, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "Error: debts.csv: no debt can be read; nothing to preview"


def test_preview_without_a_file_of_debts_shows_those_of_the_database(runner: CliRunner, sample: Path) -> None:
    assert printed(run(runner, "preview", sample, "--json")) == []
    asyncio.run(_owe(str(runner.env["ACERTO_DATABASE_URL"])))
    (owed,) = printed(run(runner, "preview", sample, "--json"))
    # 40 of 100 reais were paid on the 10th with the interest and the fine; since then the rest has 13 days of interest.
    assert (owed["external_id"], owed["days_overdue"], owed["rule"]) == ("NF-7", 34, "atraso-longo")
    assert (owed["principal"], owed["fine"], owed["interest"], owed["total"]) == (6_000, 0, 26, 6_026)
    assert "NF-7" in run(runner, "preview", sample).stdout


async def _owe(dsn: str) -> None:
    """One debt that is open in part, and one that is paid."""
    conn = await asyncpg.connect(dsn)
    await conn.execute(
        "INSERT INTO customer (external_id, name, document, created_at, updated_at)"
        " VALUES ('C-7', 'Ana Souza', '52998224725', $1, $1)",
        NOON,
    )
    for external_id, left, state, settled in (("NF-7", 6_000, "open", None), ("NF-8", 0, "paid", NOON)):
        await conn.execute(
            "INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on,"
            " state, settled_at, interest_from, fine_paid_cents, created_at, updated_at)"
            " SELECT $1, id, 'Mensalidade', 10000, $2, '2026-10-20', $3, $4::timestamptz, '2026-11-10', 200, $5, $5"
            " FROM customer",
            external_id,
            left,
            state,
            settled,
            NOON,
        )
    await conn.close()


def test_a_file_that_only_passes_its_ceilings_can_be_previewed_and_not_submitted(
    runner: CliRunner, tmp_path: Path
) -> None:
    bad = written(tmp_path, policy_with(("discount_percent: 30.00", "discount_percent: 10.00")))
    debts = written(tmp_path, "\n".join([HEADER, PADARIA]).encode(), "debts.csv")
    result = run(runner, "preview", bad, "--debts", debts, "--on", "2026-12-21", "--json")
    (padaria,) = printed(result)
    assert "never_beyond" in result.stderr
    assert "a-vista" not in [offer["name"] for offer in padaria["offers"]]
    assert run(runner, "submit", bad, "--by", "Bia").exit_code == 1


def test_submitted_by_one_and_approved_by_another_it_is_in_force(runner: CliRunner, sample: Path) -> None:
    submitted = run(runner, "submit", sample, "--by", "Bia")
    assert submitted.exit_code == 0
    digest = submitted.stdout.split()[-1]
    assert [(row["in_force"], row["approved_by"]) for row in printed(run(runner, "list", "--json"))] == [(False, None)]
    refused = run(runner, "approve", digest, "--by", "bia")
    assert refused.exit_code == 1
    assert refused.stderr == "Error: bia submitted this policy; somebody else has to decide on it.\n"
    assert run(runner, "approve", digest, "--by", "Caio").exit_code == 0
    (row,) = printed(run(runner, "list", "--json"))
    assert (row["digest"], row["submitted_by"], row["approved_by"], row["in_force"]) == (digest, "Bia", "Caio", True)
    assert digest in run(runner, "list").stdout


def test_one_comments_another_refuses_and_an_earlier_one_comes_back(
    runner: CliRunner, sample: Path, tmp_path: Path
) -> None:
    old = run(runner, "submit", sample, "--by", "Bia").stdout.split()[-1]
    assert run(runner, "comment", old, "--by", "Davi", "--text", "e a multa?").exit_code == 0
    assert run(runner, "refuse", old, "--by", "bia", "--text", "não").exit_code == 1
    assert run(runner, "refuse", old, "--by", "Caio", "--text", "não").exit_code == 0
    late = run(runner, "approve", old, "--by", "Davi")
    assert late.stderr == "Error: This policy is refused already, by Caio.\n"
    changed = written(tmp_path, policy_with(("grace_days: 0", "grace_days: 1")), "nova.yaml")
    new = run(runner, "submit", changed, "--by", "Bia")
    run(runner, "submit", sample, "--by", "Bia")
    for digest in (old, new.stdout.split()[-1]):
        assert run(runner, "approve", digest, "--by", "Caio", "--until", "2026-12-01").exit_code == 0
    assert run(runner, "roll-back", old, "--by", "Caio").exit_code == 0
    assert run(runner, "approve", old, "--by", "Caio").exit_code == 1
    assert run(runner, "approve", old, "--by", "Bia").exit_code == 0
    listed = run(runner, "list", "--json")
    assert [row["digest"] for row in printed(listed) if row["in_force"]] == [old]
    assert listed.stderr == ""


def test_the_list_tells_what_was_changed_behind_our_back(runner: CliRunner, sample: Path, database: str) -> None:
    digest = run(runner, "submit", sample, "--by", "Bia").stdout.split()[-1]
    run(runner, "approve", digest, "--by", "Caio")
    asyncio.run(changes_a_byte(database))
    listed = run(runner, "list", "--json")
    assert [row["in_force"] for row in printed(listed)] == [False]
    assert listed.stderr == "Note: policy_changed, see docs/approvals.md\n"


async def changes_a_byte(database: str) -> None:
    conn = await asyncpg.connect(database)
    await conn.execute("UPDATE policy SET source = source || '#'")
    await conn.close()


def test_understand_says_intent_confidence_and_slots(runner: CliRunner) -> None:
    result = runner.invoke(understand, ["pago sexta", "--json"], catch_exceptions=False)
    found = printed(result)
    assert (found["intent"], found["slots"]) == ("promise", {"date": "2026-11-27"})
    assert 0.5 <= found["confidence"] <= 1
    assert runner.invoke(understand, ["quero pagar"]).stdout.startswith("pay (")
